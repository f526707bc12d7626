#include "sidecar/broker/launcher_in.h"

#include <sys/socket.h>

#include "proto/base/ts_fd.h"
#include "sidecar/broker/broker.h"
#include "sidecar/broker/grants.h"
#include "sidecar/broker/seqpacket.h"
#include "sidecar/common/fds.h"
#include "sidecar/common/log.h"

#define PER_TURN 64

/* The number of descriptors depends on the type, which is looked at first. */
static ts_err next_type(int sock, uint8_t *ret)
{
    ssize_t n = recv(sock, ret, 1, MSG_PEEK | MSG_DONTWAIT);

    if (n < 0)
        return TS_E_AGAIN;
    return n == 0 ? TS_E_CLOSED : TS_OK;
}

static ts_err on_grant(struct broker *b, uint32_t launcher, const uint8_t *body,
                       size_t len, int fd)
{
    struct egress_grant m;
    const char *what;
    ts_err e = egress_grant_decode(body, len, &m, &what);

    if (e != TS_OK || b->draining) {
        ts_fd_close(&fd);
        return e;
    }
    e = grants_add(b, launcher, &m, fd);
    if (e == TS_OK || e == TS_E_STATE)
        return e;
    log_event(LOG_WARN, "grant_refused order=%llu tool=%.*s error=\"%s\"",
              (unsigned long long)m.order_id, (int)m.tool.len, m.tool.ptr,
              ts_err_text(e));
    return TS_OK; /* that tool has no network; the others do */
}

static ts_err hear(struct broker *b, uint32_t launcher)
{
    int sock = BROKER_FD_LAUNCHER + (int)launcher, fd = -1;
    uint8_t buf[EGRESS_MESSAGE_MAX], type = 0;
    size_t n = 0;
    ts_err e = next_type(sock, &type);

    if (e != TS_OK)
        return e;
    e = seqpacket_recv(sock, buf, sizeof(buf), type == EGRESS_GRANT, &fd, &n);
    if (e != TS_OK)
        return e;
    if (type == EGRESS_GRANT)
        return on_grant(b, launcher, buf + 1, n - 1, fd);
    if (type == EGRESS_END) {
        struct egress_end m;
        const char *what;

        e = egress_end_decode(buf + 1, n - 1, &m, &what);
        if (e == TS_OK)
            grants_end(b, launcher, m.order_id, m.reason);
        return e;
    }
    return TS_E_FORMAT;
}

static void on_launcher(uv_poll_t *p, int status, int events)
{
    struct broker *b = p->data;
    uint32_t launcher = (uint32_t)(p - b->launcher_poll);
    ts_err e = status < 0 ? TS_E_CLOSED : TS_OK;

    (void)events;
    for (int i = 0; e == TS_OK && i < PER_TURN; i++)
        e = hear(b, launcher);
    if (e == TS_E_CLOSED && b->draining)
        (void)uv_poll_stop(p); /* launchers end before us */
    else if (e != TS_OK && e != TS_E_AGAIN)
        broker_fail(b, e == TS_E_CLOSED ? "a launcher went away"
                                        : "a launcher broke the protocol");
}

ts_err launcher_in_start(struct broker *b)
{
    for (uint32_t i = 0; i < b->settings.launchers; i++) {
        uv_poll_t *p = &b->launcher_poll[i];

        if (uv_poll_init(&b->loop, p, BROKER_FD_LAUNCHER + (int)i) != 0)
            return TS_E_SYSTEM;
        p->data = b;
        if (uv_poll_start(p, UV_READABLE, on_launcher) != 0)
            return TS_E_SYSTEM;
    }
    return TS_OK;
}

void launcher_in_close(struct broker *b)
{
    for (uint32_t i = 0; i < b->settings.launchers; i++)
        uv_close((uv_handle_t *)&b->launcher_poll[i], NULL);
}
