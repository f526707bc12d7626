/* Reads the configuration directory into a bundle: supervisor and CLI only. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "proto/base/ts_arena.h"
#include "proto/base/ts_fd.h"
#include "sidecar/common/bundle/bundle_priv.h"

#define DEPTH_MAX 5 /* tenants/T/policies/hard/NAME */

struct collect {
    struct ts_arena arena; /* names and contents */
    struct bundle_file *files;
    size_t count;
    int root; /* borrowed */
    char *text;
    size_t text_cap;
};

TS_PRINTF(3, 4)
static ts_err fail(struct collect *c, ts_err e, const char *fmt, ...)
{
    va_list ap;

    if (c->text_cap == 0)
        return e;
    va_start(ap, fmt);
    if (vsnprintf(c->text, c->text_cap, fmt, ap) < 0)
        c->text[0] = '\0';
    va_end(ap);
    return e;
}

/* Beneath the configuration directory, wherever symlinks point: a ConfigMap
 * volume is made of links, but none of them may leave it. */
static int open_beneath(int root, const char *path, uint64_t flags)
{
    /* openat2(2) refuses what means nothing, such as this with O_PATH. */
    uint64_t no_tty = (flags & O_PATH) != 0 ? 0 : O_NOCTTY;
    struct open_how how = {.flags = flags | no_tty | O_CLOEXEC,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};

    return (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
}

static ts_err read_content(struct collect *c, int fd, const char *path,
                           struct ts_str *ret)
{
    uint64_t most = bundle_most_bytes(ts_str_of(path));
    struct stat st;
    void *room;
    size_t len = 0, size;
    ts_err e;

    if (fstat(fd, &st) != 0)
        return fail(c, ts_err_from_errno(errno), "%s: %s", path,
                    strerror(errno));
    if ((uint64_t)st.st_size > most)
        return fail(c, TS_E_LIMIT, "%s: larger than %llu bytes%s", path,
                    (unsigned long long)most,
                    most == BUNDLE_BYTES_MAX ? "; split it"
                                             : ", so it is not a signed object "
                                               "that tipstaff made");
    size = (size_t)st.st_size;
    if ((e = ts_arena_alloc(&c->arena, size + 1, &room)) != TS_OK)
        return fail(c, e, "%s: all files together take more than %u bytes",
                    path, BUNDLE_BYTES_MAX);
    /* one more than expected: it may be growing */
    if ((e = ts_fd_read_all(fd, room, size + 1, &len)) != TS_OK)
        return fail(c, e, "%s: %s", path, strerror(errno));
    if (len != size)
        return fail(c, TS_E_STATE,
                    "%s: changed while it was read; reload again", path);
    *ret = (struct ts_str){room, len};
    return TS_OK;
}

static ts_err add_file(struct collect *c, int fd, const char *path)
{
    struct bundle_file *f;
    const char *name, *problem = bundle_misplaced(ts_str_of(path));
    ts_err e;

    if (problem != NULL)
        return fail(c, TS_E_INVALID,
                    "%s: not a name that is read here; %s; rename it or move "
                    "it away",
                    path, problem);
    if (c->count == BUNDLE_FILES_MAX)
        return fail(c, TS_E_LIMIT, "%s: more than %d files", path,
                    BUNDLE_FILES_MAX);
    f = &c->files[c->count];
    if ((e = read_content(c, fd, path, &f->content)) != TS_OK)
        return e;
    if ((e = ts_arena_strndup(&c->arena, path, strlen(path), &name)) != TS_OK)
        return fail(c, e, "%s: out of memory", path);
    f->name = ts_str_of(name);
    c->count++;
    return TS_OK;
}

static ts_err add_directory(struct collect *c, int *fd, const char *path,
                            int depth);

static ts_err open_entry(struct collect *c, const char *path, int *ret_fd,
                         struct stat *ret)
{
    int fd TS_CLEANUP(ts_fd_close) = -1;

    /* Not blocking: a FIFO must not hang the supervisor. */
    fd = open_beneath(c->root, path, O_RDONLY | O_NONBLOCK);
    if (fd < 0 && errno == EXDEV)
        return fail(c, TS_E_INVALID,
                    "%s: a link that leaves the configuration directory; copy "
                    "the file here",
                    path);
    if (fd < 0 || fstat(fd, ret) != 0)
        return fail(c, ts_err_from_errno(errno), "%s: %s", path,
                    strerror(errno));
    *ret_fd = fd;
    fd = -1; /* moved to the caller */
    return TS_OK;
}

/* Opens one entry and does what its type asks for. */
static ts_err add_entry(struct collect *c, const char *path, int depth)
{
    int fd TS_CLEANUP(ts_fd_close) = -1;
    struct stat st;
    ts_err e = open_entry(c, path, &fd, &st);

    if (e != TS_OK)
        return e;
    if (S_ISDIR(st.st_mode))
        return add_directory(c, &fd, path, depth + 1);
    if (!S_ISREG(st.st_mode))
        return fail(c, TS_E_INVALID,
                    "%s: neither a file nor a directory; remove it", path);
    return add_file(c, fd, path);
}

static ts_err add_directory(struct collect *c, int *fd, const char *path,
                            int depth)
{
    const struct dirent *entry;
    ts_err e = TS_OK;
    DIR *d;

    if (depth > DEPTH_MAX)
        return fail(c, TS_E_LIMIT, "%s: nested too deeply", path);
    d = fdopendir(*fd);
    if (d == NULL)
        return fail(c, ts_err_from_errno(errno), "%s: %s", path,
                    strerror(errno));
    *fd = -1; /* moved into d */
    errno = 0;
    while (e == TS_OK && (entry = readdir(d)) != NULL) {
        char sub[BUNDLE_NAME_MAX + 1];
        int n;

        if (entry->d_name[0] == '.')
            continue; /* ., .., ..data of a ConfigMap, editors' files */
        n = snprintf(sub, sizeof(sub), "%s/%s", path, entry->d_name);
        if (n < 0 || (size_t)n >= sizeof(sub))
            e = fail(c, TS_E_LIMIT,
                     "%s: a name in it makes a path over %d "
                     "bytes",
                     path, BUNDLE_NAME_MAX);
        else if (!ts_utf8_valid(sub, (size_t)n))
            e = fail(c, TS_E_INVALID, "%s: a name in it is not UTF-8", path);
        else
            e = add_entry(c, sub, depth);
        errno = 0;
    }
    if (e == TS_OK && errno != 0)
        e = fail(c, ts_err_from_errno(errno), "%s: %s", path, strerror(errno));
    (void)closedir(d);
    return e;
}

/* Heap sort, since qsort() of this libc may allocate. */
static void sift(struct bundle_file *f, size_t root, size_t count)
{
    for (;;) {
        size_t child = 2 * root + 1;
        struct bundle_file swap;

        if (child >= count)
            return;
        if (child + 1 < count &&
            ts_str_cmp(f[child].name, f[child + 1].name) < 0)
            child++;
        if (ts_str_cmp(f[root].name, f[child].name) >= 0)
            return;
        swap = f[root];
        f[root] = f[child];
        f[child] = swap;
        root = child;
    }
}

static void sort_by_name(struct bundle_file *f, size_t count)
{
    for (size_t i = count / 2; i-- > 0;)
        sift(f, i, count);
    for (size_t end = count; end-- > 1;) {
        struct bundle_file swap = f[0];

        f[0] = f[end];
        f[end] = swap;
        sift(f, 0, end);
    }
}

static ts_err collect_all(struct collect *c, int *ret_fd)
{
    static const struct {
        const char *name;
        bool may_be_absent;
    } tops[] = {{"tools", false}, {"tenants", false}, {"sandbox", true}};
    void *room;
    ts_err e = ts_arena_array(&c->arena, BUNDLE_FILES_MAX,
                              sizeof(struct bundle_file), &room);

    if (e != TS_OK)
        return fail(c, e, "out of memory");
    c->files = room;
    for (size_t i = 0; i < sizeof(tops) / sizeof(tops[0]); i++) {
        int fd TS_CLEANUP(ts_fd_close) =
            open_beneath(c->root, tops[i].name, O_RDONLY | O_DIRECTORY);

        if (fd < 0 && errno == ENOENT && tops[i].may_be_absent)
            continue;
        if (fd < 0 && errno == ENOSYS)
            return fail(c, TS_E_SYSTEM,
                        "%s: openat2(2) is taken away; RestrictSUIDSGID= of "
                        "systemd and old container filters do that",
                        tops[i].name);
        if (fd < 0)
            return fail(c, ts_err_from_errno(errno),
                        "%s: %s; `tipstaff init DIR` writes a complete "
                        "configuration",
                        tops[i].name, strerror(errno));
        if ((e = add_directory(c, &fd, tops[i].name, 1)) != TS_OK)
            return e;
    }
    sort_by_name(c->files, c->count);
    e = bundle_write(c->files, c->count, ret_fd);
    if (e != TS_OK)
        return fail(c, e, "the bundle cannot be written: %s", ts_err_text(e));
    return TS_OK;
}

ts_err bundle_collect(int config_dir_fd, int *ret_fd, char *reterr_text,
                      size_t reterr_cap)
{
    struct collect c = {
        .root = config_dir_fd, .text = reterr_text, .text_cap = reterr_cap};
    ts_err e;

    ts_arena_init(&c.arena, BUNDLE_BYTES_MAX + 2 * sizeof(struct bundle_file) *
                                                   BUNDLE_FILES_MAX);
    e = collect_all(&c, ret_fd);
    ts_arena_done(&c.arena);
    return e;
}

ts_err bundle_read_file(int config_dir_fd, const char *path,
                        struct ts_arena *arena, struct bundle_read *ret,
                        char *reterr_text, size_t reterr_cap)
{
    struct collect c = {.arena = *arena,
                        .root = config_dir_fd,
                        .text = reterr_text,
                        .text_cap = reterr_cap};
    int fd TS_CLEANUP(ts_fd_close) = -1;
    struct bundle_read got = {0};
    ts_err e = open_entry(&c, path, &fd, &got.st);

    if (e == TS_OK && !S_ISREG(got.st.st_mode))
        e = fail(&c, TS_E_INVALID, "%s: is not a file; remove it", path);
    if (e == TS_OK)
        e = read_content(&c, fd, path, &got.content);
    *arena = c.arena;
    if (e == TS_OK)
        *ret = got;
    return e;
}

ts_err bundle_look_file(int config_dir_fd, const char *path, struct stat *ret)
{
    int fd TS_CLEANUP(ts_fd_close) = open_beneath(config_dir_fd, path, O_PATH);

    return fd < 0 || fstat(fd, ret) != 0 ? ts_err_from_errno(errno) : TS_OK;
}

int bundle_open_dir(int config_dir_fd, const char *path)
{
    return open_beneath(config_dir_fd, path, O_PATH | O_DIRECTORY);
}
