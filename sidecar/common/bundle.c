/* The bundle's bytes: a sealed memfd, written once and mapped by readers. */
#include "sidecar/common/bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "proto/base/ts_mem.h"
#include "proto/base/ts_num.h"
#include "proto/wire/mp_read.h"
#include "proto/wire/mp_write.h"

#define SEALS    (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
#define HEAD_MAX 16 /* bytes of the outer headers, or of one file's */

/* Sealed against everything, so that what was checked is what is read. */
static ts_err map_sealed(int fd, void **ret_map, size_t *ret_len)
{
    struct stat st;
    void *map;
    int seals = fcntl(fd, F_GET_SEALS);

    if (seals < 0)
        return TS_E_INVALID; /* not a memfd at all */
    if ((seals & SEALS) != SEALS)
        return TS_E_INVALID;
    if (fstat(fd, &st) != 0)
        return ts_err_from_errno(errno);
    if (st.st_size <= 0)
        return TS_E_TRUNCATED;
    if ((uint64_t)st.st_size > BUNDLE_BYTES_MAX)
        return TS_E_LIMIT;
    map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED)
        return ts_err_from_errno(errno);
    *ret_map = map;
    *ret_len = (size_t)st.st_size;
    return TS_OK;
}

static ts_err read_files(struct bundle *b)
{
    struct mp_reader r;
    uint32_t count;
    void *room;

    mp_reader_init(&r, b->map, b->map_len);
    mp_read_tuple(&r, 2);
    if (mp_read_uint(&r, 1) != 1)
        mp_fail(&r, TS_E_FORMAT, "unknown version");
    count = mp_read_array(&r, BUNDLE_FILES_MAX);
    if (r.error != TS_OK)
        return r.error;
    room = ts_mem_alloc(sizeof(struct bundle_file) * (count + (size_t)1));
    if (room == NULL)
        return TS_E_NOMEM;
    b->files = room;
    b->count = count;
    for (uint32_t i = 0; i < count; i++) {
        struct bundle_file *f = &b->files[i];
        struct ts_bytes content;

        mp_read_tuple(&r, 2);
        f->name = mp_read_str(&r, BUNDLE_NAME_MAX);
        content = mp_read_bin(&r, BUNDLE_BYTES_MAX);
        f->content = (struct ts_str){(const char *)content.ptr, content.len};
        if (i > 0 && r.error == TS_OK &&
            ts_str_cmp(b->files[i - 1].name, f->name) >= 0)
            mp_fail(&r, TS_E_FORMAT, "names not sorted");
    }
    return mp_done(&r);
}

ts_err bundle_open(int fd, struct bundle *ret)
{
    struct bundle b = {0};
    ts_err e = map_sealed(fd, &b.map, &b.map_len);

    if (e == TS_OK)
        e = read_files(&b);
    if (e != TS_OK) {
        bundle_done(&b);
        return e;
    }
    *ret = b;
    return TS_OK;
}

void bundle_done(struct bundle *b)
{
    if (b->map != NULL)
        (void)munmap(b->map, b->map_len); /* cannot fail on our own mapping */
    ts_mem_free(b->files);
    *b = (struct bundle){0};
}

const struct bundle_file *bundle_prefix(const struct bundle *b,
                                        const char *prefix, size_t *ret_count)
{
    struct ts_str p = ts_str_of(prefix);
    size_t low = 0, high = b->count, end;

    while (low < high) { /* the first name that is not below the prefix */
        size_t mid = low + (high - low) / 2;

        if (ts_str_cmp(b->files[mid].name, p) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    end = low;
    while (end < b->count && ts_str_starts(b->files[end].name, p))
        end++;
    *ret_count = end - low;
    return end > low ? &b->files[low] : NULL;
}

const struct bundle_file *bundle_find(const struct bundle *b, const char *name)
{
    size_t count = 0;
    const struct bundle_file *f = bundle_prefix(b, name, &count);

    /* The exact name sorts before everything that continues it. */
    return f != NULL && ts_str_eq_c(f->name, name) ? f : NULL;
}

static ts_err write_all(int fd, const void *p, size_t len)
{
    const char *at = p;

    while (len > 0) {
        ssize_t n = write(fd, at, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return ts_err_from_errno(errno);
        at += n;
        len -= (size_t)n;
    }
    return TS_OK;
}

static ts_err write_file(int fd, const struct bundle_file *f)
{
    uint8_t head[HEAD_MAX + BUNDLE_NAME_MAX];
    struct mp_writer w;
    size_t len = 0;
    ts_err e;

    mp_writer_init(&w, head, sizeof(head));
    mp_write_array(&w, 2);
    mp_write_str(&w, f->name.ptr, f->name.len);
    if (f->content.len <= UINT8_MAX) { /* the shortest bin head, by hand:   */
        const uint8_t h[] = {0xc4, (uint8_t)f->content.len};

        mp_write_raw(&w, h, sizeof(h)); /* the content itself is not copied */
    } else if (f->content.len <= UINT16_MAX) {
        const uint8_t h[] = {0xc5, (uint8_t)(f->content.len >> 8),
                             (uint8_t)f->content.len};

        mp_write_raw(&w, h, sizeof(h));
    } else {
        const uint8_t h[] = {0xc6, (uint8_t)(f->content.len >> 24),
                             (uint8_t)(f->content.len >> 16),
                             (uint8_t)(f->content.len >> 8),
                             (uint8_t)f->content.len};

        mp_write_raw(&w, h, sizeof(h));
    }
    if ((e = mp_written(&w, &len)) != TS_OK ||
        (e = write_all(fd, head, len)) != TS_OK)
        return e;
    return write_all(fd, f->content.ptr, f->content.len);
}

static ts_err check_files(const struct bundle_file *files, size_t count)
{
    size_t total = HEAD_MAX;

    if (count > BUNDLE_FILES_MAX)
        return TS_E_LIMIT;
    for (size_t i = 0; i < count; i++) {
        const struct bundle_file *f = &files[i];

        if (f->name.len == 0 || f->name.len > BUNDLE_NAME_MAX ||
            !ts_utf8_valid(f->name.ptr, f->name.len))
            return TS_E_INVALID;
        if (i > 0 && ts_str_cmp(files[i - 1].name, f->name) >= 0)
            return TS_E_INVALID;
        if (ts_ckd_add(&total, total, f->name.len + HEAD_MAX) ||
            ts_ckd_add(&total, total, f->content.len) ||
            total > BUNDLE_BYTES_MAX)
            return TS_E_LIMIT;
    }
    return TS_OK;
}

ts_err bundle_write(const struct bundle_file *files, size_t count, int *ret_fd)
{
    uint8_t head[HEAD_MAX];
    struct mp_writer w;
    size_t len = 0;
    int fd TS_CLEANUP(ts_fd_close) = -1;
    ts_err e = check_files(files, count);

    if (e != TS_OK)
        return e;
    fd = memfd_create("tipstaff-bundle", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return ts_err_from_errno(errno);
    mp_writer_init(&w, head, sizeof(head));
    mp_write_array(&w, 2);
    mp_write_uint(&w, 1);
    mp_write_array(&w, (uint32_t)count);
    if ((e = mp_written(&w, &len)) != TS_OK ||
        (e = write_all(fd, head, len)) != TS_OK)
        return e;
    for (size_t i = 0; i < count; i++) {
        if ((e = write_file(fd, &files[i])) != TS_OK)
            return e;
    }
    if (fcntl(fd, F_ADD_SEALS, SEALS) != 0)
        return ts_err_from_errno(errno);
    *ret_fd = fd;
    fd = -1; /* moved to the caller */
    return TS_OK;
}
