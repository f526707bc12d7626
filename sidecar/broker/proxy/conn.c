#include "sidecar/broker/proxy/conn.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <uv.h>

#include "proto/base/ts_fd.h"
#include "proto/base/ts_mem.h"
#include "sidecar/broker/broker.h"
#include "sidecar/broker/dial.h"
#include "sidecar/broker/grants.h"
#include "sidecar/broker/proxy/host.h"
#include "sidecar/broker/proxy/session.h"
#include "sidecar/broker/relay.h"

#define READ_MAX        16384 /* bytes a turn and side */
#define LINGER_MS       2000
#define LINGER_BYTES    1048576
#define STEPS_EACH_TURN 64 /* then the others have their turn */

struct proxy_conn {
    const struct proxy_conn_owner *owner;
    struct proxy_conn *next;
    struct proxy_session *session; /* owned */
    int tool_fd;                   /* owned; -1 when it was handed on */
    uv_poll_t poll;
    uv_timer_t timer;
    uv_idle_t again; /* a turn is owed: no socket will ask for it */
    uint32_t handles;
    struct dial *dial;
    struct proxy_host *host; /* NULL: none */
    bool over, lingering;
    bool waits; /* for a host: grant_waits() */
    size_t lingered;
    /* what the timer runs for */
    enum proxy_state timed_state;
    uint64_t timed_requests;
    bool timed_head, timed;
};

static void on_tool(uv_poll_t *p, int status, int events);
static void turn(struct proxy_conn *c, bool moved);

static struct proxy_session *session_of(const struct proxy_conn *c)
{
    return c->session;
}

struct proxy_conn **proxy_conn_next(struct proxy_conn *c)
{
    return &c->next;
}

/* ---- the end ----------------------------------------------------------- */

static void on_closed(uv_handle_t *h)
{
    struct proxy_conn *c = h->data;

    if (--c->handles == 0)
        ts_mem_free(c);
}

static void set_waits(struct proxy_conn *c, bool on)
{
    if (c->waits != on)
        grant_waits(c->owner->grant, on);
    c->waits = on;
}

static void drop_host(struct proxy_conn *c, enum egress_close why)
{
    if (c->host == NULL)
        return;
    proxy_host_free(c->host, why);
    c->host = NULL;
    set_waits(c, true);
}

static void end_with(struct proxy_conn *c, enum egress_close why)
{
    const struct linger reset = {.l_onoff = 1, .l_linger = 0};

    if (c->over)
        return;
    c->over = true;
    if (c->dial != NULL)
        dial_cancel(c->dial);
    c->dial = NULL;
    drop_host(c, why);
    set_waits(c, false);
    uv_close((uv_handle_t *)&c->poll, on_closed);
    uv_close((uv_handle_t *)&c->timer, on_closed);
    uv_close((uv_handle_t *)&c->again, on_closed);
    if (c->tool_fd >= 0 && session_of(c)->cut)
        (void)setsockopt(c->tool_fd, SOL_SOCKET, SO_LINGER, &reset,
                         sizeof(reset));
    ts_fd_close(&c->tool_fd);
    proxy_session_free(c->session);
    c->session = NULL;
}

void proxy_conn_end(struct proxy_conn *c)
{
    if (!c->over)
        c->session->cut = true;
    end_with(c, EGRESS_CLOSE_ENDED);
}

static void finish(struct proxy_conn *c, enum egress_close why)
{
    const struct proxy_conn_owner *o = c->owner;

    if (c->over)
        return;
    end_with(c, why);
    o->gone(o->ctx, c);
}

/* ---- the host ---------------------------------------------------------- */

/* Something came from it, or went to it. */
static void on_host(void *ctx)
{
    turn(ctx, true);
}

/* The grant ends: the connection to the host is closed by the caller. */
static void on_host_cut(void *ctx)
{
    struct proxy_conn *c = ctx;

    c->host = NULL;
    c->session->cut = true;
    finish(c, EGRESS_CLOSE_ENDED);
}

static void on_dialled(void *ctx, const struct dial_result *r)
{
    struct proxy_conn *c = ctx;
    struct proxy_session *s = c->session;
    const struct proxy_host_use use = {.trust = c->owner->trust,
                                       .changed = on_host,
                                       .cut = on_host_cut,
                                       .ctx = c};

    c->dial = NULL;
    if (r->code != EGRESS_OK) {
        set_waits(c, true);
        proxy_dialled(s, r->code, r->text, NULL, NULL, 0);
    } else if (proxy_host_new(&c->owner->grant->broker->loop, r, s, &use,
                              &c->host) != TS_OK) {
        set_waits(c, true);
        proxy_dialled(s, EGRESS_INTERNAL, "", NULL, NULL, 0);
    }
    turn(c, true);
}

static void start_dial(struct proxy_conn *c)
{
    struct proxy_session *s = c->session;
    struct grant *g = c->owner->grant;
    const struct dial_want w = {.host = proxy_host(s),
                                .port = s->port,
                                .via = s->via,
                                .method = proxy_method(s),
                                .path = proxy_path(s)};
    enum egress_code room;

    set_waits(c, false); /* what is dialled has a place of its own */
    room = grant_has_room(g);
    if (room == EGRESS_OK &&
        dial_start(g, &w, on_dialled, c, &c->dial) != TS_OK)
        room = EGRESS_INTERNAL;
    if (room != EGRESS_OK) {
        set_waits(c, true);
        grant_deny(g, s->via, w.host, w.port, w.method, w.path, room);
        proxy_dialled(s, room, "", NULL, NULL, 0);
    }
}

/* ---- the tool ---------------------------------------------------------- */

/* False: it is gone. */
static bool read_tool(struct proxy_conn *c)
{
    struct proxy_session *s = c->session;
    size_t room = proxy_tool_room(s);
    uint8_t *to;
    ssize_t n;

    if (room == 0)
        return true;
    room = room < READ_MAX ? room : READ_MAX;
    if (ts_buf_reserve(&s->tool_in, room, &to) != TS_OK) {
        proxy_abort(s);
        return true;
    }
    n = recv(c->tool_fd, to, room, MSG_DONTWAIT);
    if (n > 0)
        ts_buf_grew(&s->tool_in, (size_t)n);
    else if (n == 0)
        proxy_tool_end(s);
    else
        return errno == EAGAIN || errno == EINTR;
    return true;
}

/* False: it is gone. */
static bool write_tool(struct proxy_conn *c, bool *io_moved)
{
    struct ts_buf *out = &c->session->tool_out;

    while (out->len > 0) {
        ssize_t n = send(c->tool_fd, ts_buf_bytes(out), out->len,
                         MSG_DONTWAIT | MSG_NOSIGNAL);

        if (n < 0)
            return errno == EAGAIN || errno == EINTR;
        ts_buf_consume(out, (size_t)n);
        *io_moved = true;
    }
    return true;
}

/* Both streams are joined unread from here on. */
static void hand_over(struct proxy_conn *c)
{
    struct proxy_session *s = c->session;
    struct broker *b = c->owner->grant->broker;
    struct relay_ends ends = {.to_host = ts_buf_bytes(&s->tool_in),
                              .to_host_len = s->tool_in.len};
    struct conn *conn;

    uv_close((uv_handle_t *)&c->poll, on_closed);
    uv_close((uv_handle_t *)&c->timer, on_closed);
    uv_close((uv_handle_t *)&c->again, on_closed);
    ends.tool_fd = c->tool_fd;
    ends.host_fd = proxy_host_give(c->host, &conn);
    c->tool_fd = -1;
    c->host = NULL;
    c->over = true;
    /* it closes everything on failure */
    (void)!relay_start(b, conn, &ends, NULL, NULL);
    proxy_session_free(s);
    c->session = NULL;
    c->owner->gone(c->owner->ctx, c);
}

/* The last answer is written. What the tool still sends is thrown away for a
 * while: closing over it would reset the connection, and the answer with it. */
static void last_words(struct proxy_conn *c)
{
    struct proxy_session *s = c->session;

    if (s->cut || s->tool_ended || c->lingering) {
        finish(c, EGRESS_CLOSE_DONE);
        return;
    }
    drop_host(c, EGRESS_CLOSE_DONE);
    c->lingering = true;
    (void)shutdown(c->tool_fd, SHUT_WR);
    c->timed = false;
}

static void linger(struct proxy_conn *c)
{
    uint8_t away[READ_MAX / 4];
    ssize_t n = recv(c->tool_fd, away, sizeof(away), MSG_DONTWAIT);

    if (n > 0)
        c->lingered += (size_t)n;
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR) ||
        c->lingered > LINGER_BYTES)
        finish(c, EGRESS_CLOSE_DONE);
}

/* ---- turns ------------------------------------------------------------- */

static void on_timer(uv_timer_t *t)
{
    struct proxy_conn *c = t->data;

    c->timed = false;
    if (c->lingering) {
        finish(c, EGRESS_CLOSE_DONE);
        return;
    }
    if (c->host != NULL && c->session->state == PROXY_EXCHANGE)
        proxy_host_why(c->host, EGRESS_CLOSE_IDLE);
    if (c->dial != NULL) {
        dial_cancel(c->dial);
        c->dial = NULL;
        set_waits(c, true);
    }
    proxy_timeout(c->session);
    turn(c, false);
}

static void set_timer(struct proxy_conn *c, bool moved)
{
    const struct proxy_session *s = c->session;
    bool total, head = s->state == PROXY_HEAD && s->tool_in.len > 0;
    uint32_t ms = proxy_patience(s, &total);

    if (c->timed && c->timed_state == s->state && c->timed_head == head &&
        c->timed_requests == s->requests && (total || !moved))
        return;
    c->timed = true;
    c->timed_state = s->state;
    c->timed_head = head;
    c->timed_requests = s->requests;
    (void)uv_timer_start(&c->timer, on_timer, c->lingering ? LINGER_MS : ms, 0);
}

static void watch_tool(struct proxy_conn *c)
{
    const struct proxy_session *s = c->session;
    int events = 0;

    if (c->lingering || proxy_tool_room(s) > 0)
        events |= UV_READABLE;
    if (s->tool_out.len > 0)
        events |= UV_WRITABLE;
    if (events == 0)
        (void)uv_poll_stop(&c->poll);
    else if (uv_poll_start(&c->poll, events, on_tool) != 0)
        finish(c, EGRESS_CLOSE_FAILED);
}

/* True: something was wanted and done. */
static bool do_wants(struct proxy_conn *c)
{
    struct proxy_session *s = c->session;
    struct proxy_want w = s->want;

    s->want = (struct proxy_want){0};
    if (w.close_host)
        drop_host(c, w.host_broken ? EGRESS_CLOSE_HOST
                     : s->cut      ? EGRESS_CLOSE_TOOL
                                   : EGRESS_CLOSE_DONE);
    if (w.deny)
        grant_deny(c->owner->grant, s->via, proxy_host(s), s->port,
                   proxy_method(s), proxy_path(s), w.deny_code);
    if (w.dial)
        start_dial(c);
    return w.close_host || w.dial;
}

static void on_again(uv_idle_t *i)
{
    (void)uv_idle_stop(i);
    turn(i->data, true);
}

/* What was read in the last step of a turn may lie in our buffers alone, and
 * then no socket has anything to report. */
static void set_again(struct proxy_conn *c, bool wanted)
{
    if (wanted)
        (void)uv_idle_start(&c->again, on_again); /* cannot fail */
    else
        (void)uv_idle_stop(&c->again);
}

static void turn(struct proxy_conn *c, bool moved)
{
    struct proxy_session *s = c->session;
    bool more = true;

    for (int i = 0; more && i < STEPS_EACH_TURN; i++) {
        more = false;
        proxy_step(s);
        if (do_wants(c))
            more = true;
        if (c->host != NULL)
            more |= proxy_host_move(c->host);
        if (!write_tool(c, &more)) {
            s->cut = true;
            finish(c, EGRESS_CLOSE_TOOL);
            return;
        }
        moved |= more;
    }
    if (s->state == PROXY_TUNNEL && s->tool_out.len == 0) {
        hand_over(c);
        return;
    }
    if (s->state == PROXY_CLOSED && !c->lingering) {
        last_words(c);
        if (c->over)
            return;
    }
    if (c->host != NULL && !proxy_host_watch(c->host)) {
        finish(c, EGRESS_CLOSE_FAILED);
        return;
    }
    set_again(c, more);
    set_timer(c, moved);
    watch_tool(c);
}

static void on_tool(uv_poll_t *p, int status, int events)
{
    struct proxy_conn *c = p->data;

    if (c->over)
        return;
    if (c->lingering) {
        linger(c);
        return;
    }
    if (status < 0 || ((events & UV_READABLE) && !read_tool(c))) {
        c->session->cut = true;
        finish(c, EGRESS_CLOSE_TOOL);
        return;
    }
    turn(c, true);
}

ts_err proxy_conn_new(const struct proxy_conn_owner *owner, int tool_fd,
                      struct proxy_conn **ret)
{
    uv_loop_t *loop = &owner->grant->broker->loop;
    struct proxy_conn *c = ts_mem_alloc(sizeof(*c));
    ts_err e = TS_E_NOMEM;

    if (c == NULL)
        goto out;
    *c = (struct proxy_conn){.owner = owner, .tool_fd = tool_fd};
    e = proxy_session_new(&owner->grant->manifest->network, owner->inject,
                          &c->session);
    if (e != TS_OK)
        goto out;
    e = TS_E_SYSTEM;
    if (uv_poll_init(loop, &c->poll, tool_fd) != 0)
        goto out;
    (void)uv_timer_init(loop, &c->timer); /* cannot fail */
    (void)uv_idle_init(loop, &c->again);  /* nor can this */
    c->poll.data = c->timer.data = c->again.data = c;
    c->handles = 3;
    if (uv_poll_start(&c->poll, UV_READABLE, on_tool) != 0) {
        end_with(c, EGRESS_CLOSE_FAILED);
        return e;
    }
    set_waits(c, true);
    set_timer(c, false);
    *ret = c;
    return TS_OK;
out:
    if (c != NULL)
        proxy_session_free(c->session);
    ts_mem_free(c);
    ts_fd_close(&tool_fd);
    return e;
}
