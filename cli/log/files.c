#include "cli/log/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "proto/base/ts_fd.h"
#include "proto/base/ts_mem.h"
#include "proto/msg/record.h"

#define FILES_MAX 1000000u
#define NAME_LEN  30u /* log-, 20 digits, .jsonl */

static bool is_segment(const char *name)
{
    if (strlen(name) != NAME_LEN || strncmp(name, "log-", 4) != 0 ||
        strcmp(name + 24, ".jsonl") != 0)
        return false;
    for (size_t i = 4; i < 24; i++)
        if (name[i] < '0' || name[i] > '9')
            return false;
    return true;
}

static bool grow(struct log_files *f)
{
    size_t cap = f->cap > 0 ? f->cap * 2 : 64;
    char **p;

    if (f->count < f->cap)
        return true;
    if (f->cap >= FILES_MAX)
        return false;
    p = ts_mem_alloc(cap * sizeof(*p));
    if (p == NULL)
        return false;
    if (f->count > 0)
        memcpy(p, f->paths, f->count * sizeof(*p));
    ts_mem_free(f->paths);
    f->paths = p;
    f->cap = cap;
    return true;
}

/* dir may be NULL. */
static bool add(struct log_files *f, const char *dir, const char *name)
{
    size_t cap = strlen(name) + (dir != NULL ? strlen(dir) + 1 : 0) + 1;
    char *path = grow(f) ? ts_mem_alloc(cap) : NULL;
    struct stat st;

    if (path == NULL) {
        cli_error("out of memory, or too many files");
        return false;
    }
    (void)snprintf(path, cap, "%s%s%s", dir != NULL ? dir : "",
                   dir != NULL ? "/" : "", name);
    f->paths[f->count++] = path;
    if (stat(path, &st) != 0) {
        cli_error("%s: %s", path, strerror(errno));
        return false;
    }
    f->bytes_total += (uint64_t)st.st_size;
    return true;
}

static int by_name(const void *a, const void *b)
{
    const char *const *x = a, *const *y = b;

    return strcmp(*x, *y);
}

static bool add_directory(struct log_files *f, const char *path)
{
    size_t before = f->count;
    const struct dirent *de;
    bool ok = true;
    DIR *d = opendir(path);

    if (d == NULL) {
        cli_error("%s: %s", path, strerror(errno));
        return false;
    }
    while (ok && (de = readdir(d)) != NULL)
        if (is_segment(de->d_name))
            ok = add(f, path, de->d_name);
    (void)closedir(d);
    if (ok && f->count == before) {
        cli_error("%s holds no log-*.jsonl; give the directory of the "
                  "decision log",
                  path);
        return false;
    }
    if (ok) /* same directory, same length: the order of their numbers */
        qsort(f->paths + before, f->count - before, sizeof(*f->paths), by_name);
    return ok;
}

bool log_files_open(struct log_files *f, const char *const *operands,
                    size_t count)
{
    static const char *const only[] = {LOG_DIR_DEFAULT};
    bool ok = true;

    *f = (struct log_files){.fd = -1};
    if (count == 0) {
        operands = only;
        count = 1;
    }
    for (size_t i = 0; i < count && ok; i++) {
        struct stat st;

        if (stat(operands[i], &st) == 0 && S_ISDIR(st.st_mode))
            ok = add_directory(f, operands[i]);
        else
            ok = add(f, NULL, operands[i]);
    }
    if (ok) {
        f->buf = ts_mem_alloc(RECORD_LINE_MAX);
        ok = f->buf != NULL;
        if (!ok)
            cli_error("out of memory");
    }
    if (!ok)
        log_files_close(f);
    return ok;
}

void log_files_close(struct log_files *f)
{
    for (size_t i = 0; i < f->count; i++)
        ts_mem_free(f->paths[i]);
    ts_mem_free(f->paths);
    ts_mem_free(f->buf);
    ts_fd_close(&f->fd);
    *f = (struct log_files){.fd = -1};
}

static ts_err open_next(struct log_files *f, struct log_place *place)
{
    if (f->next == f->count)
        return TS_E_AGAIN;
    f->fd = open(f->paths[f->next], O_RDONLY | O_CLOEXEC);
    *place = (struct log_place){.path = f->paths[f->next], .line = 0};
    if (f->fd < 0)
        return ts_err_from_errno(errno);
    f->next++;
    f->start = 0;
    f->len = 0;
    f->ended = false;
    return TS_OK;
}

/* More bytes behind those that are there. */
static ts_err fill(struct log_files *f)
{
    ssize_t n;

    if (f->start > 0) {
        memmove(f->buf, f->buf + f->start, f->len);
        f->start = 0;
    }
    if (f->len == RECORD_LINE_MAX)
        return TS_E_LIMIT;
    do
        n = read(f->fd, f->buf + f->len, RECORD_LINE_MAX - f->len);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return ts_err_from_errno(errno);
    f->ended = n == 0;
    f->len += (size_t)n;
    f->bytes_read += (uint64_t)n;
    return TS_OK;
}

ts_err log_files_next(struct log_files *f, struct ts_str *ret,
                      struct log_place *place)
{
    size_t looked = 0;
    ts_err e = TS_OK;

    for (;;) {
        const char *from, *nl;

        if (f->fd < 0 && (e = open_next(f, place)) != TS_OK)
            return e;
        from = f->buf + f->start;
        nl = memchr(from + looked, '\n', f->len - looked);
        if (nl != NULL) {
            *ret = (struct ts_str){.ptr = from, .len = (size_t)(nl - from)};
            f->start += ret->len + 1;
            f->len -= ret->len + 1;
            place->line++;
            place->first = place->line == 1;
            return TS_OK;
        }
        looked = f->len;
        if (!f->ended) {
            e = fill(f);
        } else if (f->len > 0) {
            e = TS_E_TRUNCATED;
        } else {
            ts_fd_close(&f->fd);
            looked = 0;
        }
        if (e != TS_OK) {
            place->line++;
            return e;
        }
    }
}
