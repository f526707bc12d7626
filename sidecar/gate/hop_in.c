#include "sidecar/gate/hop_in.h"

#include "proto/base/ts_fd.h"
#include "proto/msg/order.h"
#include "sidecar/common/fds.h"
#include "sidecar/gate/refused.h"
#include "sidecar/gate/revocation/revoke.h"
#include "sidecar/gate/running/running.h"
#include "sidecar/gate/wire/peer_recv.h"

#define HOP_MAX       (512 + TS_TRIPWIRES_MAX) /* bytes of one message */
#define HOPS_PER_TURN 64
#define STDIO_FDS     3

static ts_err dispatch(struct gate *g, uint32_t launcher, const uint8_t *b,
                       size_t n, int fds[STDIO_FDS], size_t fd_count)
{
    const uint8_t *body = b + 1;
    size_t len = n - 1;
    const char *what;
    ts_err e;

    if ((b[0] == HOP_STARTED) != (fd_count == STDIO_FDS) ||
        (b[0] != HOP_STARTED && fd_count != 0))
        return TS_E_FORMAT;
    if (b[0] == HOP_STARTED) {
        struct order_started m;

        e = order_started_decode(body, len, &m, &what);
        if (e != TS_OK)
            return e;
        runs_started(g, launcher, &m, fds);
        for (size_t i = 0; i < STDIO_FDS; i++)
            fds[i] = -1; /* taken over */
        return TS_OK;
    }
    if (b[0] == HOP_REFUSED) {
        struct order_refused m;

        e = order_refused_decode(body, len, &m, &what);
        if (e == TS_OK)
            runs_refused(g, launcher, &m);
        return e;
    }
    if (b[0] == HOP_EXITED) {
        struct order_exited m;

        e = order_exited_decode(body, len, &m, &what);
        if (e == TS_OK)
            runs_exited(g, launcher, &m);
        return e;
    }
    if (b[0] == HOP_UNSERVED) {
        struct order_unserved m;

        e = order_unserved_decode(body, len, &m, &what);
        return e == TS_OK ? refused_note(g, launcher, &m) : e;
    }
    if (b[0] == HOP_BARRIER) {
        struct order_barrier m;

        e = order_barrier_decode(body, len, &m, &what);
        if (e == TS_OK)
            revoke_barrier_back(g, m.id);
        return e;
    }
    return TS_E_FORMAT;
}

static void on_launcher(uv_poll_t *p, int status, int events)
{
    struct gate *g = p->data;
    uint32_t launcher = (uint32_t)(p - g->launcher_poll);
    int sock = GATE_FD_LAUNCHER + (int)launcher;

    (void)events;
    for (int i = 0; status >= 0 && i < HOPS_PER_TURN; i++) {
        uint8_t buf[HOP_MAX];
        int fds[STDIO_FDS];
        size_t n, fd_count;
        ts_err e = peer_recv_fds(sock, buf, sizeof(buf), fds, STDIO_FDS, &n,
                                 &fd_count);

        if (e == TS_E_AGAIN)
            return;
        if (e == TS_OK)
            e = dispatch(g, launcher, buf, n, fds, fd_count);
        else
            fd_count = 0;
        for (size_t k = 0; k < fd_count; k++)
            ts_fd_close(&fds[k]);
        if (e == TS_E_CLOSED) {
            gate_fail(g, "a launcher went away");
            return;
        }
        if (e != TS_OK) {
            gate_fail(g, "a launcher sent a malformed message");
            return;
        }
    }
    if (status < 0)
        gate_fail(g, "a launcher's channel failed");
}

ts_err hop_in_start(struct gate *g)
{
    for (uint32_t i = 0; i < g->settings.launchers; i++) {
        uv_poll_t *p = &g->launcher_poll[i];

        if (uv_poll_init(&g->loop, p, GATE_FD_LAUNCHER + (int)i) != 0)
            return TS_E_SYSTEM;
        p->data = g;
        if (uv_poll_start(p, UV_READABLE, on_launcher) != 0)
            return TS_E_SYSTEM;
    }
    return TS_OK;
}

void hop_in_close(struct gate *g)
{
    for (uint32_t i = 0; i < g->settings.launchers; i++)
        uv_close((uv_handle_t *)&g->launcher_poll[i], NULL);
}
