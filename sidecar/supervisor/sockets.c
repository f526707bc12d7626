#include "sidecar/supervisor/sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "proto/wire/limits.h"
#include "sidecar/supervisor/dirs.h"

#define BACKLOG 1024

static const struct {
    const char *name, *dir, *file, *hidden;
} kinds[SOCKETS_] = {
    {"agent", "agent", "agent.sock", "agent.new"},
    {"admin", "admin", "admin.sock", "admin.new"},
    {"log", "admin", "log.sock", "log.new"},
};

void sockets_init(struct sockets *s)
{
    *s = (struct sockets){0};
    for (int i = 0; i < SOCKETS_; i++)
        s->fd[i] = -1;
}

static ts_err fail_errno(const char *path, const char *what, char *text,
                         size_t cap)
{
    ts_err e = ts_err_from_errno(errno);

    (void)snprintf(text, cap, "%s: %s: %s", path, what, strerror(errno));
    return e == TS_OK ? TS_E_SYSTEM : e;
}

/* Does somebody answer there? */
static bool is_live(const struct sockaddr_un *a)
{
    int fd TS_CLEANUP(ts_fd_close) =
        socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    /* A full backlog (EAGAIN) also means that somebody listens. */
    return fd >= 0 &&
           (connect(fd, (const struct sockaddr *)a, sizeof(*a)) == 0 ||
            errno == EAGAIN);
}

static ts_err clear_stale(const char *path, char *text, size_t cap)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    struct stat st;

    if (lstat(path, &st) != 0)
        return errno == ENOENT
                   ? TS_OK
                   : fail_errno(path, "cannot be examined", text, cap);
    if (!S_ISSOCK(st.st_mode)) {
        (void)snprintf(text, cap,
                       "%s: is not a socket; remove it if nobody needs it",
                       path);
        return TS_E_EXISTS;
    }
    memcpy(a.sun_path, path, strlen(path)); /* the length was checked */
    if (is_live(&a)) {
        (void)snprintf(text, cap,
                       "%s: another service answers there; stop it, or set "
                       "another run_dir",
                       path);
        return TS_E_EXISTS;
    }
    if (unlink(path) != 0)
        return fail_errno(path, "stale, and cannot be removed", text, cap);
    return TS_OK;
}

/* RUN_DIR/DIR/FILE, refused when no socket address can hold it. */
static ts_err make_path(const struct config *c, int i, const char *file,
                        char *out, char *text, size_t cap)
{
    int n = snprintf(out, SOCKET_PATH_MAX + 1, "%s/%s/%s", c->run_dir,
                     kinds[i].dir, file);

    if (n > 0 && n <= SOCKET_PATH_MAX)
        return TS_OK;
    (void)snprintf(text, cap,
                   "%s/%s/%s: a socket's path may have %d bytes, this has %d; "
                   "set a shorter run_dir",
                   c->run_dir, kinds[i].dir, file, SOCKET_PATH_MAX, n);
    return TS_E_LIMIT;
}

static ts_err bind_hidden(struct sockets *s, const struct config *c, int i,
                          char *text, size_t cap)
{
    const struct config_socket *want =
        i == SOCKET_AGENT ? &c->agent : &c->admin;
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    char hidden[SOCKET_PATH_MAX + 1];
    ts_err e;

    if ((e = make_path(c, i, kinds[i].file, s->path[i], text, cap)) != TS_OK ||
        (e = make_path(c, i, kinds[i].hidden, hidden, text, cap)) != TS_OK ||
        (e = clear_stale(s->path[i], text, cap)) != TS_OK ||
        (e = clear_stale(hidden, text, cap)) != TS_OK)
        return e;
    s->fd[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (s->fd[i] < 0)
        return fail_errno(hidden, "socket", text, cap);
    memcpy(a.sun_path, hidden, strlen(hidden));
    if (bind(s->fd[i], (const struct sockaddr *)&a, sizeof(a)) != 0)
        return fail_errno(hidden, "cannot be bound", text, cap);
    s->bound[i] = true;
    if (want->group != CONFIG_ID_NONE &&
        lchown(hidden, (uid_t)-1, want->group) != 0)
        return fail_errno(hidden, "group", text, cap);
    if (chmod(hidden, want->mode) != 0)
        return fail_errno(hidden, "mode", text, cap);
    if (listen(s->fd[i], BACKLOG) != 0)
        return fail_errno(hidden, "listen", text, cap);
    return TS_OK;
}

static ts_err bind_all(struct sockets *s, const struct config *c, char *text,
                       size_t cap)
{
    static const char *const dirs[] = {"agent", "admin"};
    char path[SOCKET_PATH_MAX + 1];
    ts_err e = TS_OK;

    for (int i = 0; i < 2; i++) {
        const struct config_socket *want = i == 0 ? &c->agent : &c->admin;
        int fd TS_CLEANUP(ts_fd_close) = -1;
        int n = snprintf(path, sizeof(path), "%s/%s", c->run_dir, dirs[i]);

        if (n < 0 || (size_t)n >= sizeof(path))
            return make_path(c, i, kinds[i].file, path, text, cap);
        e = dirs_open(path, want->dir_mode, DIRS_ID_KEEP,
                      want->group == CONFIG_ID_NONE ? (gid_t)-1 : want->group,
                      &fd, text, cap);
        if (e != TS_OK)
            return e;
    }
    for (int i = 0; e == TS_OK && i < SOCKETS_; i++)
        e = bind_hidden(s, c, i, text, cap);
    return e;
}

/* The name at place `at` of "a:b:c". */
static struct ts_str listen_name(const char *names, int at)
{
    const char *end = names;

    for (; at > 0 && end != NULL; at--) {
        end = strchr(names, ':');
        names = end == NULL ? "" : end + 1;
    }
    end = strchr(names, ':');
    return (struct ts_str){names,
                           end == NULL ? strlen(names) : (size_t)(end - names)};
}

static bool is_listening(int fd)
{
    int on = 0, type = 0;
    socklen_t len = sizeof(on), type_len = sizeof(type);
    struct sockaddr_storage a = {0};
    socklen_t a_len = sizeof(a);

    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &len) == 0 &&
           on == 1 &&
           getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_len) == 0 &&
           type == SOCK_STREAM &&
           getsockname(fd, (struct sockaddr *)&a, &a_len) == 0 &&
           a.ss_family == AF_UNIX;
}

static ts_err take_over(struct sockets *s, const struct sockets_listen *from,
                        int count, char *text, size_t cap)
{
    for (int at = 0; at < count; at++) {
        struct ts_str name = listen_name(from->names, at);
        int fd = from->first_fd + at, which = 0;

        while (which < SOCKETS_ && !ts_str_eq_c(name, kinds[which].name))
            which++;
        if (which == SOCKETS_ || s->fd[which] >= 0 || !is_listening(fd)) {
            (void)snprintf(text, cap,
                           "LISTEN_FDS: descriptor %d: expected listening Unix "
                           "stream sockets with FileDescriptorName= agent, "
                           "admin and log, one each",
                           fd);
            return TS_E_INVALID;
        }
        if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 ||
            fcntl(fd, F_SETFL, O_NONBLOCK) != 0)
            return fail_errno("LISTEN_FDS", "fcntl", text, cap);
        s->fd[which] = fd;
    }
    s->inherited = true;
    return TS_OK;
}

/* 0 when there are none for us. */
static int listen_count(const struct sockets_listen *from)
{
    char self[16];

    (void)snprintf(self, sizeof(self), "%d", (int)from->self);
    if (from->pid == NULL || from->fds == NULL || from->names == NULL ||
        strcmp(from->pid, self) != 0)
        return 0;
    if (from->fds[0] < '0' || from->fds[0] > '9' || from->fds[1] != '\0')
        return -1;
    return from->fds[0] - '0';
}

ts_err sockets_open(struct sockets *s, const struct config *c,
                    const struct sockets_listen *from, char *reterr_text,
                    size_t reterr_cap)
{
    int count = listen_count(from);
    ts_err e;

    if (count == 0) {
        e = bind_all(s, c, reterr_text, reterr_cap);
    } else if (count != SOCKETS_) {
        (void)snprintf(reterr_text, reterr_cap,
                       "LISTEN_FDS=%s: all three sockets (agent, admin, log) "
                       "must be handed over, or none",
                       from->fds);
        e = TS_E_INVALID;
    } else {
        e = take_over(s, from, count, reterr_text, reterr_cap);
    }
    if (e != TS_OK)
        sockets_done(s);
    return e;
}

static void hidden_path(const struct sockets *s, int i, char *out)
{
    const char *slash = strrchr(s->path[i], '/');
    int dir = slash == NULL ? 0 : (int)(slash - s->path[i]);

    (void)snprintf(out, SOCKET_PATH_MAX + 1, "%.*s/%s", dir, s->path[i],
                   kinds[i].hidden);
}

ts_err sockets_publish(struct sockets *s, char *reterr_text, size_t reterr_cap)
{
    char hidden[SOCKET_PATH_MAX + 1];

    if (s->inherited || s->published)
        return TS_OK;
    /* The agents' last: when it is there, everything is. */
    for (int i = SOCKETS_; i-- > 0;) {
        hidden_path(s, i, hidden);
        if (rename(hidden, s->path[i]) != 0)
            return fail_errno(s->path[i], "cannot be put in place", reterr_text,
                              reterr_cap);
    }
    s->published = true;
    return TS_OK;
}

void sockets_hide(struct sockets *s, enum sockets_index which)
{
    char hidden[SOCKET_PATH_MAX + 1];

    if (s->inherited || !s->bound[which])
        return;
    hidden_path(s, (int)which, hidden);
    /* One of the two is there; if neither, somebody else cleaned up. */
    (void)unlink(hidden);
    if (s->published)
        (void)unlink(s->path[which]);
    s->bound[which] = false;
}

void sockets_done(struct sockets *s)
{
    for (int i = 0; i < SOCKETS_; i++) {
        sockets_hide(s, (enum sockets_index)i);
        ts_fd_close(&s->fd[i]);
    }
}
