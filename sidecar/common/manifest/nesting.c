/* Paths of a manifest that must not lie in each other: each would hand the tool
 * what it must not have. */
#include <string.h>

#include "sidecar/common/manifest/manifest_priv.h"

bool manifest_is_beneath(struct ts_str path, struct ts_str dir)
{
    if (dir.len == 1)
        return true;
    return ts_str_starts(path, dir) &&
           (path.len == dir.len || path.ptr[dir.len] == '/');
}

static bool beneath_any(struct ts_str path, struct ts_str const *dirs,
                        uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (manifest_is_beneath(path, dirs[i]))
            return true;
    return false;
}

/* Whatever the tool could be given of the file system. */
static bool is_reachable(const struct manifest *m, struct ts_str path)
{
    return beneath_any(path, m->read_paths, m->read_count) ||
           beneath_any(path, m->write_paths, m->write_count) ||
           beneath_any(path, m->exec_paths, m->exec_count) ||
           (m->resource_root.len > 0 &&
            manifest_is_beneath(path, m->resource_root));
}

static bool is_writable(const struct manifest *m, struct ts_str path)
{
    return beneath_any(path, m->write_paths, m->write_count) ||
           (m->access == ACCESS_WRITE &&
            manifest_is_beneath(path, m->resource_root));
}

static ts_err check_kernel(struct manifest_reader *r)
{
    static const char *const never[] = {"/proc", "/sys", "/dev", "/run"};
    const struct manifest *m = r->m;

    for (uint32_t i = 0; i < m->write_count; i++) {
        if (m->write_paths[i].len == 1)
            return manifest_fail(r, manifest_line(r, "write_paths"),
                                 "write_paths: \"/\" is every file there is; "
                                 "name the folders");
        for (size_t k = 0; k < sizeof(never) / sizeof(never[0]); k++)
            if (ts_str_eq_c(m->write_paths[i], never[k]) ||
                (k < 2 &&
                 manifest_is_beneath(m->write_paths[i], ts_str_of(never[k]))))
                return manifest_fail(r, manifest_line(r, "write_paths"),
                                     "write_paths: %s is the system's own; "
                                     "name what the tool needs of it, if it "
                                     "may have that",
                                     never[k]);
    }
    return TS_OK;
}

static ts_err check_secret_files(struct manifest_reader *r)
{
    const struct yaml_node *map = yaml_node_find(r->root, "secrets");
    const struct yaml_node *n = map != NULL ? map->first : NULL;

    for (uint32_t i = 0; i < r->m->secret_count; i++, n = n->next)
        if (r->m->secrets[i].source == SECRET_FILE &&
            is_reachable(r->m, r->m->secrets[i].from))
            return manifest_fail(r, n->line,
                                 "file: the tool could open it by its name; "
                                 "keep it outside of its paths and root");
    return TS_OK;
}

ts_err manifest_check_nesting(struct manifest_reader *r)
{
    const struct manifest *m = r->m;
    ts_err e = check_kernel(r);

    if (e != TS_OK)
        return e;
    if (m->scratch.len > 0 && is_reachable(m, m->scratch))
        return manifest_fail(r, manifest_line(r, "scratch"),
                             "scratch: lies in what the tool may open, and so "
                             "would the scratch of other calls; choose a "
                             "folder outside");
    if (is_writable(m, m->exec))
        return manifest_fail(r, manifest_line(r, "exec"),
                             "exec: the tool could change its own program; "
                             "keep it outside of what it may write");
    return check_secret_files(r);
}
