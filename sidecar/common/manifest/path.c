/*
 * Paths, lexically: the gate sees no file system. What this yields is opened
 * by the launcher without following a single link, so that the two readings of
 * a path agree or the launch is refused.
 */
#include <string.h>

#include "sidecar/common/manifest/manifest.h"

#define PATH_BYTES_MAX   4095 /* the kernel's PATH_MAX without the NUL */
#define PATH_SEGMENT_MAX 255  /* the kernel's NAME_MAX */

/* The bytes up to the next slash. */
static struct ts_str next_segment(struct ts_str *rest)
{
    const char *slash = memchr(rest->ptr, '/', rest->len);
    size_t n = slash != NULL ? (size_t)(slash - rest->ptr) : rest->len;
    struct ts_str s = {.ptr = rest->ptr, .len = n};
    size_t used = slash != NULL ? n + 1 : n;

    rest->ptr += used;
    rest->len -= used;
    return s;
}

/* Cuts the last "/segment" off; false at "/" itself. */
static bool pop_segment(const char *out, size_t *len)
{
    if (*len == 0)
        return false;
    while (out[--*len] != '/')
        ;
    return true;
}

/* Appends the segments of path to out, which holds "" or "/a/b". */
static ts_err append_segments(char *out, size_t *len, struct ts_str path)
{
    while (path.len > 0) {
        struct ts_str s = next_segment(&path);

        if (s.len == 0 || ts_str_eq_c(s, "."))
            continue;
        if (ts_str_eq_c(s, "..")) {
            if (!pop_segment(out, len))
                return TS_E_INVALID;
            continue;
        }
        if (s.len > PATH_SEGMENT_MAX)
            return TS_E_LIMIT;
        out[(*len)++] = '/';
        memcpy(out + *len, s.ptr, s.len);
        *len += s.len;
    }
    return TS_OK;
}

/* Whether path is root or lies beneath it; both canonical. */
static bool is_beneath(struct ts_str path, struct ts_str root)
{
    if (root.len <= 1)
        return true;
    return ts_str_starts(path, root) &&
           (path.len == root.len || path.ptr[root.len] == '/');
}

ts_err path_canonical(struct ts_str root, struct ts_str path,
                      struct ts_arena *arena, struct ts_str *ret)
{
    size_t len = 0;
    char *out;
    void *p;
    ts_err e;

    if (path.len == 0 || root.len == 0 || root.ptr[0] != '/' ||
        memchr(path.ptr, '\0', path.len) != NULL)
        return TS_E_INVALID;
    if (path.len > PATH_BYTES_MAX || root.len > PATH_BYTES_MAX)
        return TS_E_LIMIT;
    e = ts_arena_alloc(arena, root.len + path.len + 3, &p);
    if (e != TS_OK)
        return e;
    out = p;
    if (path.ptr[0] != '/' && (e = append_segments(out, &len, root)) != TS_OK)
        return e;
    if ((e = append_segments(out, &len, path)) != TS_OK)
        return e;
    if (len > PATH_BYTES_MAX)
        return TS_E_LIMIT;
    if (len == 0)
        out[len++] = '/';
    out[len] = '\0';
    if (!is_beneath((struct ts_str){out, len}, root))
        return TS_E_INVALID;
    *ret = (struct ts_str){.ptr = out, .len = len};
    return TS_OK;
}
