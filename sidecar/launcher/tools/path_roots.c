/* What tools may write, of all launchers: they write to the same files. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "proto/base/ts_fd.h"
#include "sidecar/common/manifest/manifest.h"
#include "sidecar/launcher/tools/path_open.h"

static int by_length(const void *a, const void *b)
{
    size_t x = ((const struct ts_str *)a)->len;
    size_t y = ((const struct ts_str *)b)->len;

    return x < y ? -1 : x > y;
}

static void note_written(struct path_roots *r, struct ts_str path)
{
    char name[4096];
    const char *why;
    struct stat st;
    int fd = -1;

    if (path.len == 0 || path.len >= sizeof(name))
        return;
    memcpy(name, path.ptr, path.len);
    name[path.len] = '\0';
    if (path_open(name, 0, r, &fd, &why) != TS_OK)
        return; /* whose it is says so */
    if (fstat(fd, &st) == 0)
        r->list[r->count++] =
            (struct path_root){.dev = st.st_dev, .ino = st.st_ino};
    ts_fd_close(&fd);
}

ts_err path_roots_of(const struct manifests *all, struct ts_arena *arena,
                     struct path_roots *ret)
{
    struct path_roots r;
    size_t cap = 1, n = 0;
    struct ts_str *paths;
    void *p;
    ts_err e;

    for (uint32_t i = 0; i < all->count; i++)
        cap += all->list[i].write_count + 1;
    if ((e = ts_arena_array(arena, cap, sizeof(*paths), &p)) != TS_OK)
        return e;
    paths = p;
    if ((e = ts_arena_array(arena, cap, sizeof(*r.list), &p)) != TS_OK)
        return e;
    r = (struct path_roots){.list = p};
    for (uint32_t i = 0; i < all->count; i++) {
        const struct manifest *m = &all->list[i];

        if (m->access == ACCESS_WRITE)
            paths[n++] = m->resource_root;
        for (uint32_t k = 0; k < m->write_count; k++)
            paths[n++] = m->write_paths[k];
    }
    /* the outer folders first: what lies in one of them, and was put there by
     * a tool, is not to make another one outer */
    qsort(paths, n, sizeof(*paths), by_length);
    for (size_t i = 0; i < n; i++)
        note_written(&r, paths[i]);
    *ret = r;
    return TS_OK;
}
