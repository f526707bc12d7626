#include "sidecar/supervisor/wires.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "sidecar/common/log.h"
#include "sidecar/common/ring/ring.h"
#include "sidecar/supervisor/dirs.h"
#include "sidecar/supervisor/key.h"
#include "sidecar/supervisor/resolv.h"

#define ERR_TEXT 512

void wires_init(struct wires *w)
{
    *w = (struct wires){.ring = -1,
                        .wake = -1,
                        .log_dir = -1,
                        .state_dir = -1,
                        .key = -1,
                        .journal = -1,
                        .absent = -1,
                        .credentials = -1,
                        .canary = -1,
                        .records = {-1, -1}};
    for (int i = 0; i < TS_LAUNCHERS_MAX; i++) {
        w->orders[i][0] = w->orders[i][1] = -1;
        w->stdio[i][0] = w->stdio[i][1] = -1;
        w->egress[i][0] = w->egress[i][1] = -1;
    }
}

void wires_done(struct wires *w)
{
    int *const single[] = {&w->ring,      &w->wake,        &w->log_dir,
                           &w->state_dir, &w->key,         &w->journal,
                           &w->absent,    &w->credentials, &w->canary};

    for (size_t i = 0; i < sizeof(single) / sizeof(single[0]); i++)
        ts_fd_close(single[i]);
    ts_fd_close(&w->records[0]);
    ts_fd_close(&w->records[1]);
    for (int i = 0; i < TS_LAUNCHERS_MAX; i++) {
        for (int end = 0; end < 2; end++) {
            ts_fd_close(&w->orders[i][end]);
            ts_fd_close(&w->stdio[i][end]);
            ts_fd_close(&w->egress[i][end]);
        }
    }
}

ts_err wires_pair(int ends[2])
{
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return ts_err_from_errno(errno);
    return TS_OK;
}

/* Only what a service with a broker needs; the other gets nothing. */
static ts_err wires_egress(const struct supervisor *sv, struct wires *w)
{
    ts_err e;

    if (!sv->config->egress.on)
        return TS_OK;
    if (sv->config->egress.dns[0] == '\0')
        w->dns_of_host = resolv_read(w->resolv, sizeof(w->resolv));
    e = wires_pair(w->records);
    for (uint32_t i = 0; e == TS_OK && i < sv->launchers; i++)
        e = wires_pair(w->egress[i]);
    return e;
}

/* The first set's serves all others: see set_rescue(). */
static ts_err wires_ring(struct supervisor *sv, struct wires *w)
{
    ts_err e = sv->ring >= 0 ? TS_OK : ring_create(&sv->ring);

    if (e != TS_OK)
        return e;
    w->ring = fcntl(sv->ring, F_DUPFD_CLOEXEC, 0);
    return w->ring >= 0 ? TS_OK : ts_err_from_errno(errno);
}

ts_err wires_open_dirs(struct supervisor *sv, struct wires *w)
{
    const struct config *c = sv->config;
    const struct config_user *u = &c->users[CONFIG_USER_RECORDER];
    uid_t uid = c->change_users ? u->uid : DIRS_ID_KEEP;
    gid_t gid = c->change_users ? u->gid : DIRS_ID_KEEP;
    char text[ERR_TEXT] = "";
    ts_err e =
        dirs_open(c->log_dir, 0750, uid, gid, &w->log_dir, text, sizeof(text));

    if (e == TS_OK)
        e = dirs_open(c->state_dir, 0700, uid, gid, &w->state_dir, text,
                      sizeof(text));
    if (e != TS_OK) {
        log_event(LOG_ERROR, "directory_refused text=\"%s\"", text);
        sv->rejected = true;
    }
    return e;
}

ts_err wires_open_recorder(struct supervisor *sv, struct wires *w)
{
    ts_err e = wires_ring(sv, w);

    if (e != TS_OK)
        return e;
    if (getrandom(&w->boot_id, sizeof(w->boot_id), 0) !=
        (ssize_t)sizeof(w->boot_id))
        return TS_E_SYSTEM;
    w->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (w->wake < 0)
        return ts_err_from_errno(errno);
    for (uint32_t i = 0; e == TS_OK && i < sv->launchers; i++)
        e = wires_pair(w->orders[i]);
    return e;
}

ts_err wires_open(struct supervisor *sv, struct wires *w)
{
    char text[ERR_TEXT] = "";
    const struct key_files files = {.config_dir = sv->config_dir,
                                    .key = sv->config->key,
                                    .token_key = sv->config->token_key,
                                    .credentials = sv->credentials,
                                    .euid = geteuid()};
    ts_err e = key_pipe(&files, &w->key, text, sizeof(text));

    if (e != TS_OK) {
        log_event(LOG_ERROR, "key_refused text=\"%s\"", text);
        sv->rejected = true;
        return e;
    }
    w->absent = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (w->absent < 0)
        return ts_err_from_errno(errno);
    /* whoever needs one and has no folder says so, with the tool's name */
    if (sv->credentials != NULL && sv->credentials[0] == '/')
        w->credentials = open(sv->credentials,
                              O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    /* and without a canary the launchers say that no box was tried */
    w->canary = openat(sv->libexec_dir, "tipstaff-canary", O_PATH | O_CLOEXEC);
    e = wires_open_recorder(sv, w);
    for (uint32_t i = 0; e == TS_OK && i < sv->launchers; i++)
        e = wires_pair(w->stdio[i]);
    return e == TS_OK ? wires_egress(sv, w) : e;
}

static int or_absent(const struct wires *w, int fd)
{
    return fd >= 0 ? fd : w->absent;
}

void wires_gather(const struct supervisor *sv, const struct wires *w,
                  enum process_role role, uint32_t index, struct spawn *s)
{
    int *f = s->fds;
    size_t n = 1; /* 0 is the control socket */

    switch (role) {
    case ROLE_RECORDER:
        f[n++] = w->ring;
        f[n++] = w->wake;
        f[n++] = w->log_dir;
        f[n++] = w->state_dir;
        f[n++] = sv->sockets.fd[SOCKET_LOG];
        for (uint32_t i = 0; i < sv->launchers; i++)
            f[n++] = w->orders[i][0];
        break;
    case ROLE_LAUNCHER:
        f[n++] = w->orders[index][1];
        f[n++] = w->stdio[index][1];
        f[n++] = or_absent(w, w->egress[index][1]);
        f[n++] = or_absent(w, sv->cgroups.folder_fd);
        f[n++] = or_absent(w, w->credentials);
        f[n++] = or_absent(w, w->canary);
        break;
    case ROLE_GATE:
        f[n++] = sv->sockets.fd[SOCKET_AGENT];
        f[n++] = sv->sockets.fd[SOCKET_ADMIN];
        f[n++] = w->ring;
        f[n++] = w->wake;
        f[n++] = w->key;
        f[n++] = or_absent(w, w->records[1]);
        for (uint32_t i = 0; i < sv->launchers; i++)
            f[n++] = w->stdio[i][0];
        break;
    case ROLE_BROKER:
        f[n++] = w->records[0];
        f[n++] = or_absent(w, w->credentials);
        for (uint32_t i = 0; i < sv->launchers; i++)
            f[n++] = w->egress[i][0];
        break;
    }
    s->fd_count = n;
}
