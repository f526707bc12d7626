#include "sidecar/gate/wire/listen.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "proto/msg/client.h"
#include "sidecar/common/fds.h"
#include "sidecar/common/log.h"
#include "sidecar/gate/revocation/revoke_signed.h"
#include "sidecar/gate/wire/admin_uv.h"
#include "sidecar/gate/wire/conn_uv.h"
#include "sidecar/gate/wire/peer_recv.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77 /* Linux 6.5 */
#endif
#define UID_UNMAPPED 65534

struct peer {
    struct ucred cred;
    int pidfd; /* owned; -1: the kernel has none, or the process is gone */
    uint64_t pidfs_ino;
    bool gone; /* whoever connected has ended since; another has the socket */
};

static ts_err peer_of(int fd, struct peer *ret)
{
    struct peer p = {.pidfd = -1};
    socklen_t len = sizeof(p.cred);
    struct stat st;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &p.cred, &len) != 0)
        return TS_E_SYSTEM;
    len = sizeof(p.pidfd);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &p.pidfd, &len) == 0) {
        if (fstat(p.pidfd, &st) == 0)
            p.pidfs_ino = st.st_ino;
    } else {
        /* Only an option that the kernel does not know lets a peer in by its
         * uid alone. A process that ended before it was accepted gives ESRCH,
         * or EINVAL or ENODATA before 6.16. */
        p.pidfd = -1;
        p.gone = errno != ENOPROTOOPT;
    }
    *ret = p;
    return TS_OK;
}

/* NULL, or why this peer is not served. */
static const char *peer_flaw(const struct gate *g, const struct peer *p)
{
    if (p->cred.uid == UID_UNMAPPED)
        return "uid_unmapped";
    if (p->cred.uid == 0 && !g->settings.allow_root_agents)
        return "uid_root";
    if (p->gone)
        return "peer_gone";
    if (p->pidfd < 0 && g->settings.require_pidfd)
        return "no_pidfd";
    return NULL;
}

/* The one message that a refused peer gets; never waited for. */
static void say_no(int fd, enum call_code code)
{
    struct msg_error m = {.code = ts_str_of(call_code_name(code)),
                          .text = ts_str_of(call_code_text(code))};
    struct ts_buf out;

    ts_buf_init(&out, 4096);
    if (msg_error_send(&out, &m) == TS_OK)
        (void)send(fd, ts_buf_bytes(&out), out.len,
                   MSG_DONTWAIT | MSG_NOSIGNAL);
    ts_buf_done(&out);
}

static void refuse(struct gate *g, int fd, struct peer *p, const char *why,
                   enum call_code code)
{
    uint64_t now = gate_now(g).boot_ns;

    g->stats.refused_peers++;
    say_no(fd, code);
    ts_fd_close(&fd);
    ts_fd_close(&p->pidfd);
    if (now - g->warned_ns < UINT64_C(100000000)) {
        g->warn_skipped++;
        return;
    }
    log_event(LOG_WARN, "peer_refused uid=%u reason=%s skipped=%llu",
              p->cred.uid, why, (unsigned long long)g->warn_skipped);
    g->warned_ns = now;
    g->warn_skipped = 0;
}

static void admit(struct gate *g, int fd)
{
    struct client *c = NULL;
    const char *why;
    struct peer p;
    ts_err e;

    if (peer_of(fd, &p) != TS_OK || peer_socket_options(fd) != TS_OK) {
        ts_fd_close(&fd);
        return;
    }
    why = peer_flaw(g, &p);
    if (why != NULL) {
        refuse(g, fd, &p, why, CODE_AUTH_FAILED);
        return;
    }
    e = peers_enter(&g->peers, p.cred.uid, gate_now(g).boot_ns);
    if (e != TS_OK) {
        refuse(g, fd, &p, e == TS_E_AGAIN ? "rate" : "connections",
               CODE_RATE_LIMITED);
        return;
    }
    if (p.pidfd < 0 && !g->warned_binding) {
        log_event(LOG_WARN,
                  "peer_binding=uid text=\"this kernel has no SO_PEERPIDFD: a "
                  "session does not end with the process that opened it "
                  "(require_pidfd: true refuses such peers)\"");
        g->warned_binding = true;
    }
    g->stats.accepted++;
    e = client_new(g, fd, p.pidfd, p.cred.uid, p.cred.gid,
                   p.cred.pid > 0 ? (uint32_t)p.cred.pid : 0, &c);
    if (e != TS_OK) {
        peers_leave(&g->peers, p.cred.uid);
        log_event(LOG_ERROR, "accept_failed reason=%s", ts_err_text(e));
        return;
    }
    c->counted = true;
    c->pidfs_ino = p.pidfs_ino;
    client_event(c, CONN_EV_ADMITTED);
}

static void on_agent(uv_poll_t *poll, int status, int events)
{
    struct gate *g = poll->data;

    (void)events;
    for (int i = 0; status >= 0 && i < GATE_ACCEPTS; i++) {
        int fd =
            accept4(GATE_FD_AGENT, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd < 0 && (errno == EINTR || errno == ECONNABORTED))
            continue;
        if (fd < 0)
            return; /* EAGAIN; or no descriptor left: later */
        admit(g, fd);
    }
}

static void on_admin(uv_poll_t *poll, int status, int events)
{
    struct gate *g = poll->data;
    struct ucred cred;
    socklen_t len = sizeof(cred);
    int fd;
    ts_err e;

    (void)events;
    if (status < 0)
        return;
    fd = accept4(GATE_FD_ADMIN, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) != 0 ||
        peer_socket_options(fd) != TS_OK || !operator_of_any(g, cred.uid)) {
        log_event(LOG_WARN, "operator_refused uid=%u", cred.uid);
        ts_fd_close(&fd);
        return;
    }
    e = admin_new(g, fd, cred.uid);
    if (e != TS_OK)
        log_event(LOG_WARN, "operator_refused uid=%u reason=%s", cred.uid,
                  e == TS_E_LIMIT ? "too_many" : "no_memory");
}

static ts_err listen_one(struct gate *g, uv_poll_t *p, int fd, uv_poll_cb cb)
{
    /* Set on the listening socket, options are there before the first byte. */
    if (peer_socket_options(fd) != TS_OK || uv_poll_init(&g->loop, p, fd) != 0)
        return TS_E_SYSTEM;
    p->data = g;
    return uv_poll_start(p, UV_READABLE, cb) == 0 ? TS_OK : TS_E_SYSTEM;
}

ts_err listen_start(struct gate *g)
{
    ts_err e = listen_one(g, &g->agent_listen, GATE_FD_AGENT, on_agent);

    if (e != TS_OK)
        return e;
    return listen_one(g, &g->admin_listen, GATE_FD_ADMIN, on_admin);
}

void listen_stop(struct gate *g)
{
    (void)uv_poll_stop(&g->agent_listen); /* always 0 */
}

void listen_close(struct gate *g)
{
    uv_close((uv_handle_t *)&g->agent_listen, NULL);
    uv_close((uv_handle_t *)&g->admin_listen, NULL);
}
