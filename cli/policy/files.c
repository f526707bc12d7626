/* Reading and replacing files for tipstaff policy. */
#include "cli/policy/files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "cli/policy/dirs.h"
#include "proto/base/ts_buf.h"
#include "proto/base/ts_fd.h"
#include "proto/base/ts_mem.h"

#define READ_AT_ONCE ((size_t)64 << 10)

struct shown_name {
    char s[512];
};

static struct shown_name shown(const char *path)
{
    struct shown_name n;

    (void)ts_str_show(n.s, sizeof(n.s), path, strlen(path));
    return n;
}

bool pol_is_json(struct ts_str text)
{
    size_t i = 0;

    while (i < text.len && memchr(" \t\r\n", text.ptr[i], 4) != NULL)
        i++;
    return i < text.len && (text.ptr[i] == '{' || text.ptr[i] == '[');
}

/* TS_E_SYSTEM leaves errno. */
static ts_err read_fd(int fd, struct ts_buf *to)
{
    for (;;) {
        uint8_t *p;
        ts_err e = ts_buf_reserve(to, READ_AT_ONCE, &p);
        ssize_t n;

        if (e != TS_OK)
            return e;
        n = read(fd, p, READ_AT_ONCE);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return TS_E_SYSTEM;
        if (n == 0)
            return TS_OK;
        ts_buf_grew(to, (size_t)n);
    }
}

static bool keep(struct ts_arena *arena, const char *path,
                 const struct ts_buf *b, struct cedar_source *ret)
{
    struct shown_name n = shown(strcmp(path, "-") == 0 ? "<stdin>" : path);
    const char *text, *name;

    if (ts_arena_strndup(arena, (const char *)ts_buf_bytes(b), b->len, &text) !=
            TS_OK ||
        ts_arena_strndup(arena, n.s, strlen(n.s), &name) != TS_OK) {
        cli_error("%s: too much to hold in memory", n.s);
        return false;
    }
    *ret = (struct cedar_source){.name = name,
                                 .text = {.ptr = text, .len = b->len}};
    return true;
}

bool pol_read(struct ts_arena *arena, const char *path, size_t max,
              struct cedar_source *ret)
{
    bool is_stdin = strcmp(path, "-") == 0, ok = false;
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    struct ts_buf b;
    ts_err e;

    if (fd < 0) {
        cli_error("%s: %s", shown(path).s, strerror(errno));
        return false;
    }
    ts_buf_init(&b, max + READ_AT_ONCE);
    e = read_fd(fd, &b);
    if (e == TS_E_SYSTEM)
        cli_error("%s: %s", shown(path).s, strerror(errno));
    else if (e == TS_E_LIMIT || (e == TS_OK && b.len > max))
        cli_error("%s: more than %zu bytes", shown(path).s, max);
    else if (e != TS_OK)
        cli_error("%s: %s", shown(path).s, ts_err_text(e));
    else
        ok = keep(arena, path, &b, ret);
    ts_buf_done(&b);
    if (!is_stdin)
        ts_fd_close(&fd);
    return ok;
}

bool pol_read_all(struct ts_arena *arena, const char *const *paths,
                  size_t count, struct pol_files *ret)
{
    struct pol_paths found = {0};
    struct cedar_source *list;
    void *mem;

    if (!pol_paths_find(arena, paths, count, &found))
        return false;
    if (ts_arena_array(arena, found.count + 1, sizeof(*list), &mem) != TS_OK) {
        cli_error("out of memory");
        return false;
    }
    list = mem;
    for (size_t i = 0; i < found.count; i++)
        if (!pol_read(arena, found.list[i], POL_FILE_MAX, &list[i]))
            return false;
    *ret = (struct pol_files){.list = list, .count = found.count};
    return true;
}

/* The owner is kept where that is allowed (as root); the mode always. old is
 * NULL for a file that is new. */
static bool fill(int fd, const struct stat *old, struct ts_str text)
{
    mode_t mask = umask(077);
    mode_t mode = old != NULL ? old->st_mode & 07777 : 0666 & ~mask;

    (void)umask(mask); /* there is no other way to ask for it */
    if (old != NULL && fchown(fd, old->st_uid, old->st_gid) != 0 &&
        errno != EPERM)
        return false;
    return ts_fd_write_all(fd, text.ptr, text.len) == TS_OK &&
           fchmod(fd, mode) == 0 && fsync(fd) == 0;
}

static bool save_new(const char *path, const struct stat *old,
                     struct ts_str text)
{
    char temp[PATH_MAX + 32];
    int fd;

    (void)snprintf(temp, sizeof(temp), "%s.%ld.tmp", path, (long)getpid());
    fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    if (!fill(fd, old, text) || rename(temp, path) != 0) {
        int saved = errno;

        (void)unlink(temp); /* it is ours: O_EXCL made it */
        ts_fd_close(&fd);
        errno = saved;
        return false;
    }
    ts_fd_close(&fd);
    return true;
}

static bool save_into(const char *path, struct ts_str text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool ok = fd >= 0 && ts_fd_write_all(fd, text.ptr, text.len) == TS_OK;

    if (fd >= 0)
        ts_fd_close(&fd);
    return ok;
}

static bool save(const char *path, struct ts_str text)
{
    char real[PATH_MAX];
    struct stat old;

    if (stat(path, &old) != 0)
        return errno == ENOENT && save_new(path, NULL, text);
    if (!S_ISREG(old.st_mode))
        return save_into(path, text);
    return realpath(path, real) != NULL && save_new(real, &old, text);
}

bool pol_save(const char *path, struct ts_str text)
{
    if (save(path, text))
        return true;
    cli_error("%s: not written: %s", shown(path).s, strerror(errno));
    return false;
}
