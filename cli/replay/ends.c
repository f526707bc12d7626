/* The recorder's and the launcher's ends of the gate's channels. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "cli/replay/gate.h"
#include "proto/base/ts_fd.h"
#include "proto/msg/order.h"
#include "proto/msg/record.h"
#include "proto/wire/mp_read.h"
#include "sidecar/common/control/control.h"

#define HOP_MAX 16384

static bool broken(const char *what)
{
    cli_error("tipstaff-gate: %s", what);
    return false;
}

/* --- recorder ------------------------------------------------------------ */

static void keep(struct ts_str s, char *out, size_t cap)
{
    size_t n = s.len < cap - 1 ? s.len : cap - 1;

    memcpy(out, s.ptr, n);
    out[n] = '\0';
}

static void keep_policies(struct replay_gate *g, struct mp_reader *r)
{
    uint32_t n = mp_read_array(r, UINT32_MAX);
    char *out = g->last.policies;
    size_t cap = sizeof(g->last.policies), at = 0;

    out[0] = '\0';
    for (uint32_t i = 0; i < n && r->error == TS_OK; i++) {
        struct ts_str s = mp_read_str(r, TS_RECORD_MAX);
        int m = snprintf(out + at, cap - at, "%s%.*s", i == 0 ? "" : " ",
                         (int)s.len, s.ptr);

        if (m > 0 && (size_t)m < cap - at)
            at += (size_t)m;
        else
            out[at] = '\0';
    }
}

static bool on_record(struct replay_gate *g, const uint8_t *p, size_t len)
{
    struct mp_reader r;
    uint32_t n;
    bool is_decision = false;

    mp_reader_init(&r, p, len);
    n = mp_read_map(&r, UINT32_MAX);
    for (uint32_t i = 0; i < n && r.error == TS_OK; i++) {
        struct ts_str key = mp_read_str(&r, RECORD_KEY_MAX);

        if (ts_str_eq_c(key, "kind"))
            is_decision =
                ts_str_eq_c(mp_read_str(&r, RECORD_KEY_MAX), "decision");
        else if (is_decision && ts_str_eq_c(key, "us"))
            g->last.us = mp_read_uint(&r, UINT64_MAX);
        else if (is_decision && ts_str_eq_c(key, "code"))
            keep(mp_read_str(&r, TS_RECORD_MAX), g->last.code,
                 sizeof(g->last.code));
        else if (is_decision && ts_str_eq_c(key, "text"))
            keep(mp_read_str(&r, TS_RECORD_MAX), g->last.text,
                 sizeof(g->last.text));
        else if (is_decision && ts_str_eq_c(key, "policies"))
            keep_policies(g, &r);
        else
            mp_skip_checked(&r);
    }
    g->last.is_new = g->last.is_new || is_decision;
    return mp_done(&r) == TS_OK ? true : broken("a record is malformed");
}

/* --- launcher ------------------------------------------------------------ */

static bool hop(struct replay_gate *g, enum hop_type type, const uint8_t *p,
                size_t len, const int *fds, size_t count)
{
    uint8_t head = (uint8_t)type;
    struct iovec iov[2] = {{&head, 1}, {(void *)(uintptr_t)p, len}};
    union {
        struct cmsghdr align;
        char buf[CMSG_SPACE(3 * sizeof(int))];
    } c = {.buf = {0}};
    struct msghdr m = {.msg_iov = iov, .msg_iovlen = 2};

    if (count > 0) {
        struct cmsghdr *h;

        m.msg_control = c.buf;
        m.msg_controllen = CMSG_SPACE(count * sizeof(int));
        h = CMSG_FIRSTHDR(&m);
        h->cmsg_level = SOL_SOCKET;
        h->cmsg_type = SCM_RIGHTS;
        h->cmsg_len = CMSG_LEN(count * sizeof(int));
        memcpy(CMSG_DATA(h), fds, count * sizeof(int));
    }
    while (sendmsg(g->launcher, &m, MSG_NOSIGNAL) < 0)
        if (errno != EINTR)
            return broken("it has ended");
    return true;
}

static bool exited(struct replay_gate *g, enum end_reason why, uint32_t sig)
{
    uint8_t buf[256];
    size_t len;
    struct order_exited o = {.order_id = g->order,
                             .reason = why,
                             .exit_code = sig == 0 ? g->exit_code : 0,
                             .signal = sig};

    ts_fd_close(&g->tool_out);
    ts_buf_clear(&g->output);
    g->order = 0;
    return order_exited_encode(&o, buf, sizeof(buf), &len) == TS_OK &&
           hop(g, HOP_EXITED, buf, len, NULL, 0);
}

static bool started(struct replay_gate *g, uint64_t order_id)
{
    struct order_started o = {.order_id = order_id, .box = BOX_BARE};
    uint8_t buf[256];
    int in, out[2] = {-1, -1}, err[2] = {-1, -1};
    size_t len;
    bool ok;

    in = open("/dev/null", O_WRONLY | O_CLOEXEC);
    ok = in >= 0 && pipe2(out, O_CLOEXEC | O_NONBLOCK) == 0 &&
         pipe2(err, O_CLOEXEC | O_NONBLOCK) == 0 &&
         order_started_encode(&o, buf, sizeof(buf), &len) == TS_OK &&
         hop(g, HOP_STARTED, buf, len, (int[]){in, out[0], err[0]}, 3);
    g->order = order_id;
    g->tool_out = out[1];
    ts_fd_close(&in);
    ts_fd_close(&out[0]);
    ts_fd_close(&err[0]);
    ts_fd_close(&err[1]);
    return ok ? true : broken("a tool cannot be started");
}

/* Writes what is left; at the end the tool has ended. */
static bool tool_goes_on(struct replay_gate *g)
{
    while (g->order != 0 && g->output.len > 0) {
        ssize_t n = write(g->tool_out, ts_buf_bytes(&g->output), g->output.len);

        if (n > 0)
            ts_buf_consume(&g->output, (size_t)n);
        else if (n < 0 && errno == EAGAIN)
            return true;
        else if (n < 0 && errno != EINTR)
            return broken("it does not read what a tool prints");
    }
    return g->order == 0 || exited(g, END_EXITED, 0);
}

static bool on_launch(struct replay_gate *g, const uint8_t *p, size_t len)
{
    struct ring_launch l;
    struct order o;
    const char *what = "";

    if (ring_launch_decode(p, len, &l, &what) != TS_OK ||
        order_decode(l.order.ptr, l.order.len, &o, &what) != TS_OK ||
        g->order != 0)
        return broken("an order is malformed");
    return on_record(g, l.record.ptr, l.record.len) && started(g, o.order_id) &&
           tool_goes_on(g);
}

static bool on_kill(struct replay_gate *g, const uint8_t *p, size_t len)
{
    struct ring_kill k;
    const char *what = "";

    if (ring_kill_decode(p, len, &k, &what) != TS_OK)
        return broken("a kill is malformed");
    if (g->order == 0 || g->order != k.kill.order_id)
        return true; /* it has ended by itself */
    return exited(g, k.kill.reason, 9);
}

static bool on_entry(struct replay_gate *g, uint32_t kind, const uint8_t *p,
                     size_t len)
{
    switch (kind) {
    case RING_RECORD:
        return on_record(g, p, len);
    case RING_LAUNCH:
        return on_launch(g, p, len);
    case RING_KILL:
        return on_kill(g, p, len);
    case RING_JOURNAL: /* it lives as long as we do */
        return true;
    case RING_BARRIER:
        return hop(g, HOP_BARRIER, p, len, NULL, 0);
    default:
        return broken("an entry of an unknown kind");
    }
}

static bool take_entries(struct replay_gate *g)
{
    for (;;) {
        uint32_t kind;
        size_t len;
        ts_err e =
            ring_next(&g->ring, g->entry, TS_RING_ENTRY_MAX, &kind, &len);

        if (e == TS_E_AGAIN)
            return true;
        if (e != TS_OK)
            return broken("the ring is malformed");
        if (!on_entry(g, kind, g->entry, len))
            return false;
        ring_release(&g->ring);
    }
}

/* --- supervisor ---------------------------------------------------------- */

static bool take_control(struct replay_gate *g)
{
    uint8_t buf[CONTROL_MESSAGE_MAX];
    struct control_message m;

    if (control_receive(g->control, buf, &m) != TS_OK)
        return broken("it has ended");
    return m.type == CONTROL_STATUS ? true
                                    : broken("an unexpected message of it");
}

bool replay_gate_prints(struct replay_gate *g, const char *p, size_t len,
                        uint32_t exit_code)
{
    ts_buf_clear(&g->output);
    g->exit_code = exit_code;
    return ts_buf_append(&g->output, p, len) == TS_OK
               ? true
               : broken("an output is too large to be replayed");
}

bool replay_gate_turn(struct replay_gate *g, int fd, short events,
                      int timeout_ms)
{
    struct pollfd p[4] = {
        {.fd = g->ring.wake_fd, .events = POLLIN},
        {.fd = g->control, .events = POLLIN},
        {.fd = g->order != 0 ? g->tool_out : -1, .events = POLLOUT},
        {.fd = fd, .events = events}};
    int n = 0;

    if (ring_wait_begin(&g->ring, RING_SLEEP))
        n = poll(p, 4, timeout_ms);
    ring_busy(&g->ring);
    if (n < 0 && errno != EINTR)
        return broken(strerror(errno));
    if (!take_entries(g))
        return false;
    if (n > 0 && p[1].revents != 0 && !take_control(g))
        return false;
    return n <= 0 || p[2].revents == 0 || tool_goes_on(g);
}
