#include "sidecar/broker/relay.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <uv.h>

#include "proto/base/ts_fd.h"
#include "proto/base/ts_mem.h"
#include "sidecar/broker/broker.h"

#define READS_PER_TURN 4

enum side_index {
    TOOL = 0,
    HOST = 1
};

/* One of the two sockets; waiting holds what the other said and this one has
 * not taken yet. */
struct side {
    uv_poll_t poll;
    struct relay *r;
    int fd;           /* owned */
    uint8_t *waiting; /* owned; NULL when there is nothing */
    size_t from, to;  /* of it: not sent yet */
    bool ended;       /* it says no more */
    bool told;        /* it was told that the other says no more */
};

struct relay {
    struct broker *b;
    struct conn *c;
    struct side side[2];
    uint32_t skip;
    void (*done)(void *ctx);
    void *ctx;
    uint32_t handles;
    bool over;
};

static void on_side(uv_poll_t *p, int status, int events);

static void on_closed(uv_handle_t *h)
{
    const struct side *s = h->data;
    struct relay *r = s->r;

    if (--r->handles == 0)
        ts_mem_free(r);
}

/* A killed call's connection is reset: what the kernel still holds of it is not
 * sent any more. The tool's end is told in any case. */
static void shut(struct relay *r, enum egress_close why)
{
    const struct linger reset = {.l_onoff = 1, .l_linger = 0};

    if (why == EGRESS_CLOSE_KILLED || why == EGRESS_CLOSE_BYTES)
        (void)setsockopt(r->side[HOST].fd, SOL_SOCKET, SO_LINGER, &reset,
                         sizeof(reset));
    (void)shutdown(r->side[TOOL].fd, SHUT_RDWR);
    for (int i = TOOL; i <= HOST; i++) {
        struct side *s = &r->side[i];

        if (uv_is_active((uv_handle_t *)&s->poll))
            (void)uv_poll_stop(&s->poll);
        ts_fd_close(&s->fd);
        ts_mem_free(s->waiting);
        s->waiting = NULL;
    }
}

static void finish(struct relay *r, enum egress_close why)
{
    void (*done)(void *ctx) = r->done;
    void *ctx = r->ctx;

    r->over = true;
    shut(r, why);
    conn_close(r->c, why);
    for (int i = TOOL; i <= HOST; i++)
        uv_close((uv_handle_t *)&r->side[i].poll, on_closed);
    if (done != NULL)
        done(ctx);
}

/* What is waited for now. Of a side that has ended only its hang-up is left:
 * UV_PRIORITIZED comes no more, and the hang-up is reported with it. One that
 * has not may be sending urgent bytes, which would wake us for nothing for as
 * long as the other side takes none. */
static bool watch(struct relay *r)
{
    for (int i = TOOL; i <= HOST; i++) {
        struct side *s = &r->side[i];
        int events = s->ended ? UV_PRIORITIZED : 0;

        if (!s->ended && r->side[1 - i].waiting == NULL)
            events |= UV_READABLE;
        if (s->waiting != NULL)
            events |= UV_WRITABLE;
        if (events == 0)
            (void)uv_poll_stop(&s->poll);
        else if (uv_poll_start(&s->poll, events, on_side) != 0)
            return false;
    }
    return true;
}

static ssize_t send_some(const struct side *s, const uint8_t *p, size_t n)
{
    ssize_t sent;

    do {
        sent = send(s->fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent >= 0 || errno != EAGAIN ? sent : 0;
}

/* False: nobody takes it any more. */
static bool flush(struct side *s)
{
    ssize_t sent;

    if (s->waiting == NULL)
        return true;
    sent = send_some(s, s->waiting + s->from, s->to - s->from);
    if (sent < 0)
        return false;
    s->from += (size_t)sent;
    if (s->from == s->to) {
        ts_mem_free(s->waiting);
        s->waiting = NULL;
    }
    return true;
}

static bool pass(struct side *s, const uint8_t *p, size_t n)
{
    ssize_t sent = n > 0 ? send_some(s, p, n) : 0;

    if (sent < 0)
        return false;
    if ((size_t)sent == n)
        return true;
    s->waiting = ts_mem_alloc(RELAY_PENDING_MAX);
    if (s->waiting == NULL)
        return false;
    s->from = 0;
    s->to = n - (size_t)sent;
    memcpy(s->waiting, p + sent, s->to);
    return true;
}

static bool count(struct relay *r, int from, size_t n)
{
    return conn_count(r->c, from == TOOL ? n : 0, from == HOST ? n : 0);
}

enum moved {
    MOVED_SOME,
    MOVED_NOTHING, /* none there, or no room for it */
    MOVED_BROKEN,  /* the reading side is gone */
    MOVED_UNHEARD, /* the writing side is gone */
    MOVED_SPENT    /* the allowance */
};

/* One read of one side, handed to the other. */
static enum moved move(struct relay *r, int from)
{
    struct side *s = &r->side[from], *other = &r->side[1 - from];
    uint8_t *buf = r->b->relay_buf;
    size_t skipped = 0;
    ssize_t n;

    if (s->ended || other->waiting != NULL)
        return MOVED_NOTHING;
    do {
        n = recv(s->fd, buf, RELAY_PENDING_MAX, MSG_DONTWAIT);
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno == EAGAIN ? MOVED_NOTHING : MOVED_BROKEN;
    if (n == 0) {
        s->ended = true;
        return MOVED_NOTHING;
    }
    if (from == TOOL && r->skip > 0) {
        skipped = (size_t)n < r->skip ? (size_t)n : r->skip;
        r->skip -= (uint32_t)skipped;
    }
    if (!count(r, from, (size_t)n - skipped))
        return MOVED_SPENT;
    return pass(other, buf + skipped, (size_t)n - skipped) ? MOVED_SOME
                                                           : MOVED_UNHEARD;
}

/* That one side says no more is passed on behind its last byte. */
static void tell_ends(struct relay *r)
{
    for (int i = TOOL; i <= HOST; i++) {
        struct side *other = &r->side[1 - i];

        if (r->side[i].ended && !other->told && other->waiting == NULL) {
            other->told = true;
            (void)shutdown(other->fd, SHUT_WR);
        }
    }
}

static bool hung_up(const struct side *s)
{
    struct pollfd p = {.fd = s->fd};

    return poll(&p, 1, 0) == 1 && (p.revents & (POLLHUP | POLLERR)) != 0;
}

/* The tool closed its end for good: nothing can reach it any more. */
static bool tool_has_gone(const struct relay *r)
{
    const struct side *t = &r->side[TOOL];

    return t->ended && r->side[HOST].waiting == NULL && hung_up(t);
}

/* True while there is anything left to wait for. */
static bool settle(struct relay *r)
{
    const struct side *t = &r->side[TOOL], *h = &r->side[HOST];

    tell_ends(r);
    if (t->ended && h->ended && t->waiting == NULL && h->waiting == NULL) {
        finish(r, EGRESS_CLOSE_DONE);
        return false;
    }
    if (tool_has_gone(r)) {
        finish(r, EGRESS_CLOSE_TOOL);
        return false;
    }
    if (!watch(r)) {
        finish(r, EGRESS_CLOSE_FAILED);
        return false;
    }
    return true;
}

static enum egress_close lost(int side)
{
    return side == TOOL ? EGRESS_CLOSE_TOOL : EGRESS_CLOSE_HOST;
}

static void on_side(uv_poll_t *p, int status, int events)
{
    struct side *s = p->data;
    struct relay *r = s->r;
    int me = s == &r->side[TOOL] ? TOOL : HOST;

    (void)status; /* an error shows at the next read or write */
    (void)events;
    if (r->over)
        return;
    if (!flush(s)) {
        finish(r, lost(me));
        return;
    }
    for (int i = 0; i < READS_PER_TURN; i++) {
        enum moved m = move(r, me);

        if (m == MOVED_NOTHING)
            break;
        if (m != MOVED_SOME) {
            finish(r, m == MOVED_SPENT    ? EGRESS_CLOSE_BYTES
                      : m == MOVED_BROKEN ? lost(me)
                                          : lost(1 - me));
            return;
        }
    }
    (void)settle(r);
}

/* The end of the grant. A tool that wrote and left has said what it said: what
 * lies in its socket is passed on, as far as the host takes it. */
static void on_cut(void *ctx, enum egress_close why)
{
    struct relay *r = ctx;
    bool more = why == EGRESS_CLOSE_ENDED && flush(&r->side[HOST]);

    while (more)
        more = move(r, TOOL) == MOVED_SOME;
    finish(r, why);
}

static ts_err init_sides(struct relay *r, const struct relay_ends *ends)
{
    r->side[TOOL].fd = ends->tool_fd;
    r->side[HOST].fd = ends->host_fd;
    for (int i = TOOL; i <= HOST; i++) {
        struct side *s = &r->side[i];

        s->r = r;
        if (uv_poll_init(&r->b->loop, &s->poll, s->fd) != 0)
            return TS_E_SYSTEM;
        s->poll.data = s;
        r->handles++;
    }
    return TS_OK;
}

/* Nothing was begun: as if it had never been, but for what must be said. */
static ts_err abandon(struct relay *r, struct conn *c,
                      const struct relay_ends *ends, ts_err e)
{
    int tool = ends->tool_fd, host = ends->host_fd;

    if (r != NULL && r->handles > 0) {
        r->over = true;
        uv_close((uv_handle_t *)&r->side[TOOL].poll, on_closed);
    } else {
        ts_mem_free(r);
    }
    ts_fd_close(&tool);
    ts_fd_close(&host);
    conn_close(c, EGRESS_CLOSE_FAILED);
    return e;
}

ts_err relay_start(struct broker *b, struct conn *c,
                   const struct relay_ends *ends, void (*done)(void *ctx),
                   void *ctx)
{
    struct relay *r = ts_mem_alloc(sizeof(*r));
    ts_err e;

    if (r == NULL)
        return abandon(NULL, c, ends, TS_E_NOMEM);
    r->b = b;
    r->c = c;
    r->skip = ends->skip;
    e = init_sides(r, ends);
    if (e == TS_OK && (ends->to_host_len > RELAY_PENDING_MAX ||
                       ends->to_tool_len > RELAY_PENDING_MAX))
        e = TS_E_LIMIT;
    if (e != TS_OK)
        return abandon(r, c, ends, e);
    conn_on_cut(c, on_cut, r);
    if (!conn_count(c, ends->to_host_len, ends->to_tool_len)) {
        finish(r, EGRESS_CLOSE_BYTES);
        return TS_E_LIMIT;
    }
    if (!pass(&r->side[HOST], ends->to_host, ends->to_host_len) ||
        !pass(&r->side[TOOL], ends->to_tool, ends->to_tool_len)) {
        finish(r, EGRESS_CLOSE_FAILED);
        return TS_E_CLOSED;
    }
    if (!settle(r))
        return TS_E_SYSTEM;
    r->done = done;
    r->ctx = ctx;
    return TS_OK;
}
