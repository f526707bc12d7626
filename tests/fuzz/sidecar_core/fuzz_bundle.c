/* A bundle that opens is sorted, lies inside its map and finds its files. */
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "proto/base/ts_require.h"
#include "sidecar/common/bundle/bundle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check(const struct bundle *b)
{
    const char *base = b->map;

    for (size_t i = 0; i < b->count; i++) {
        const struct bundle_file *f = &b->files[i];
        char name[BUNDLE_NAME_MAX + 1];

        TS_REQUIRE(f->name.len <= BUNDLE_NAME_MAX);
        TS_REQUIRE(f->name.ptr >= base &&
                   f->content.ptr + f->content.len <= base + b->map_len);
        TS_REQUIRE(i == 0 || ts_str_cmp(f[-1].name, f->name) < 0);
        if (memchr(f->name.ptr, '\0', f->name.len) != NULL)
            continue; /* look-ups take C strings */
        memcpy(name, f->name.ptr, f->name.len);
        name[f->name.len] = '\0';
        TS_REQUIRE(bundle_find(b, name) == f);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    int fd = memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    struct bundle b;

    TS_REQUIRE(fd >= 0);
    if (write(fd, data, len) == (ssize_t)len &&
        fcntl(fd, F_ADD_SEALS,
              F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == 0 &&
        bundle_open(fd, &b) == TS_OK) {
        check(&b);
        bundle_done(&b);
    }
    ts_fd_close(&fd);
    return 0;
}
