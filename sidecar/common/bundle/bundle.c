/* The bundle's bytes: a sealed memfd, mapped by readers; bundle_write.c makes
 * it. */
#include "sidecar/common/bundle/bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/base/ts_mem.h"
#include "proto/wire/mp_read.h"
#include "sidecar/common/bundle/bundle_priv.h"

/* Sealed against everything, so that what was checked is what is read. */
static ts_err map_sealed(int fd, void **ret_map, size_t *ret_len)
{
    struct stat st;
    void *map;
    int seals = fcntl(fd, F_GET_SEALS);

    if (seals < 0)
        return TS_E_INVALID; /* not a memfd at all */
    if ((seals & BUNDLE_SEALS) != BUNDLE_SEALS)
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
