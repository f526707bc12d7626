/* The writing side of bundles, in a file of its own: a process that only reads
 * them does not contain it. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "proto/base/ts_num.h"
#include "proto/wire/mp_write.h"
#include "sidecar/common/bundle/bundle.h"
#include "sidecar/common/bundle/bundle_priv.h"

#define HEAD_MAX 16 /* bytes of the outer headers, or of one file's */

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
        (e = ts_fd_write_all(fd, head, len)) != TS_OK)
        return e;
    return ts_fd_write_all(fd, f->content.ptr, f->content.len);
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
        (e = ts_fd_write_all(fd, head, len)) != TS_OK)
        return e;
    for (size_t i = 0; i < count; i++) {
        if ((e = write_file(fd, &files[i])) != TS_OK)
            return e;
    }
    if (fcntl(fd, F_ADD_SEALS, BUNDLE_SEALS) != 0)
        return ts_err_from_errno(errno);
    *ret_fd = fd;
    fd = -1; /* moved to the caller */
    return TS_OK;
}
