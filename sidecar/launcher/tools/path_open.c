#include "sidecar/launcher/tools/path_open.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"

#define PATH_CAP  4096
#define LINKS_MAX 40 /* as the kernel */

struct walk {
    const struct path_roots *roots;
    char todo[PATH_CAP]; /* the rest of the way */
    int at;              /* O_PATH, owned */
    unsigned links;
    bool inside; /* tools may write here */
    const char *why;
};

static bool is_root(const struct walk *w, const struct stat *st)
{
    for (uint32_t i = 0; i < w->roots->count; i++) {
        if (w->roots->list[i].dev == st->st_dev &&
            w->roots->list[i].ino == st->st_ino)
            return true;
    }
    return false;
}

static ts_err stop(struct walk *w, int err)
{
    w->why = strerror(err);
    return ts_err_from_errno(err);
}

/* Takes fd over. */
static void step_to(struct walk *w, int fd, const struct stat *st)
{
    ts_fd_close(&w->at);
    w->at = fd;
    w->inside = w->inside || is_root(w, st);
}

static ts_err begin(struct walk *w)
{
    struct stat st;
    int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return stop(w, errno);
    if (fstat(fd, &st) != 0) {
        (void)close(fd);
        return stop(w, EIO);
    }
    w->inside = false;
    step_to(w, fd, &st);
    return TS_OK;
}

/* Its text takes the place of its name. */
static ts_err follow(struct walk *w, int fd)
{
    char text[PATH_CAP];
    size_t rest = strlen(w->todo);
    ssize_t n = readlinkat(fd, "", text, sizeof(text));

    if (n < 0)
        return stop(w, errno);
    if (w->inside) {
        w->why = "a link on the way lies where tools may write, and could be "
                 "theirs; name what it leads to";
        return TS_E_INVALID;
    }
    if (++w->links > LINKS_MAX || (size_t)n + 1 + rest >= sizeof(w->todo))
        return stop(w, ELOOP);
    memmove(w->todo + n + 1, w->todo, rest + 1);
    memcpy(w->todo, text, (size_t)n);
    w->todo[n] = '/';
    return text[0] == '/' ? begin(w) : TS_OK;
}

/* The first name of what is left, taken off it; empty at the end. */
static ts_err next_name(struct walk *w, char name[NAME_MAX + 1])
{
    const char *from = w->todo + strspn(w->todo, "/");
    size_t n = strcspn(from, "/");

    if (n > NAME_MAX)
        return stop(w, ENAMETOOLONG);
    memcpy(name, from, n);
    name[n] = '\0';
    memmove(w->todo, from + n, strlen(from + n) + 1);
    return TS_OK;
}

static ts_err step(struct walk *w, const char *name)
{
    struct stat st;
    ts_err e;
    int fd = openat(w->at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0)
        return stop(w, errno);
    if (fstat(fd, &st) != 0) {
        (void)close(fd);
        return stop(w, EIO);
    }
    if (!S_ISLNK(st.st_mode)) {
        step_to(w, fd, &st);
        return TS_OK;
    }
    e = follow(w, fd);
    (void)close(fd);
    return e;
}

static ts_err check_folder(struct walk *w)
{
    struct stat st;

    if (fstat(w->at, &st) != 0)
        return stop(w, EIO);
    return S_ISDIR(st.st_mode) ? TS_OK : stop(w, ENOTDIR);
}

ts_err path_open(const char *path, int flags, const struct path_roots *roots,
                 int *ret, const char **reterr_why)
{
    struct walk w = {.roots = roots, .at = -1};
    char name[NAME_MAX + 1] = "-";
    size_t n = strlen(path);
    ts_err e;

    if (n >= sizeof(w.todo))
        e = stop(&w, ENAMETOOLONG);
    else
        e = begin(&w);
    if (e == TS_OK)
        memcpy(w.todo, path, n + 1);
    while (e == TS_OK && (e = next_name(&w, name)) == TS_OK && name[0] != '\0')
        e = step(&w, name);
    if (e == TS_OK && (flags & O_DIRECTORY) != 0)
        e = check_folder(&w);
    if (e != TS_OK) {
        ts_fd_close(&w.at);
        *reterr_why = w.why;
        return e;
    }
    *ret = w.at;
    return TS_OK;
}
