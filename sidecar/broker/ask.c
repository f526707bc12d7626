#include "sidecar/broker/ask.h"

#include <string.h>
#include <sys/socket.h>

#include "proto/base/ts_fd.h"
#include "proto/base/ts_mem.h"
#include "sidecar/broker/broker.h"
#include "sidecar/broker/dial.h"
#include "sidecar/broker/grants.h"
#include "sidecar/broker/relay.h"
#include "sidecar/broker/seqpacket.h"

#define PER_TURN 16 /* wishes of one tool before the others' turn */

/* The channel of one tool: g->fd, watched. */
struct channel {
    uv_poll_t poll;
    struct grant *g;
    bool over; /* nothing is read any more */
};

/* One wish under way. */
struct wish {
    struct grant *g;
    int stream, answer; /* owned: what the tool sent along */
    uint32_t skip;
};

static void reply(int *fd, enum egress_code code, const uint8_t address[16],
                  uint32_t address_len)
{
    struct egress_reply m = {.code = code,
                             .address_len = address_len,
                             .text = ts_str_of(egress_code_text(code))};
    uint8_t buf[EGRESS_MESSAGE_MAX];
    size_t n = 0;

    if (address_len > 0)
        memcpy(m.address, address, sizeof(m.address));
    buf[0] = EGRESS_REPLY;
    /* A tool that does not listen is told by the end of its stream. */
    if (egress_reply_encode(&m, buf + 1, sizeof(buf) - 1, &n) == TS_OK)
        (void)!seqpacket_send(*fd, buf, n + 1);
    ts_fd_close(fd);
}

static void wish_free(struct wish *w)
{
    ts_fd_close(&w->stream);
    ts_fd_close(&w->answer);
    ts_mem_free(w);
}

static void on_dialled(void *ctx, const struct dial_result *r)
{
    struct wish *w = ctx;
    struct relay_ends ends = {
        .tool_fd = w->stream, .host_fd = r->fd, .skip = w->skip};

    if (r->code != EGRESS_OK) {
        reply(&w->answer, r->code, NULL, 0);
    } else {
        w->stream = -1; /* moved */
        if (relay_start(w->g->broker, r->conn, &ends, NULL, NULL) == TS_OK)
            reply(&w->answer, EGRESS_OK, r->address, r->address_len);
        else
            reply(&w->answer, EGRESS_INTERNAL, NULL, 0);
    }
    wish_free(w);
}

static void refuse(struct grant *g, const struct egress_ask *a, int fds[2],
                   enum egress_code code)
{
    grant_deny(g, EGRESS_VIA_BROKER, a->host, a->port, ts_str_of(""),
               ts_str_of(""), code);
    reply(&fds[1], code, NULL, 0);
    ts_fd_close(&fds[0]);
}

/* Both descriptors are taken over. */
static void ask(struct grant *g, const struct egress_ask *a, int fds[2])
{
    const struct dial_want want = {
        .host = a->host, .port = a->port, .via = EGRESS_VIA_BROKER};
    enum egress_code room = grant_has_room(g);
    struct dial *d;
    struct wish *w;

    if (room != EGRESS_OK) {
        refuse(g, a, fds, room);
        return;
    }
    w = ts_mem_alloc(sizeof(*w));
    if (w == NULL) {
        refuse(g, a, fds, EGRESS_INTERNAL);
        return;
    }
    *w = (struct wish){
        .g = g, .stream = fds[0], .answer = fds[1], .skip = a->skip};
    if (dial_start(g, &want, on_dialled, w, &d) != TS_OK) {
        w->stream = w->answer = -1; /* moved back */
        ts_mem_free(w);
        refuse(g, a, fds, EGRESS_INTERNAL);
    }
}

/* TS_E_AGAIN: no more for now. Anything else but TS_OK: never again. */
static ts_err hear(struct grant *g)
{
    uint8_t buf[EGRESS_MESSAGE_MAX];
    struct egress_ask a;
    const char *what;
    int fds[2] = {-1, -1};
    size_t n = 0;
    ts_err e = seqpacket_recv(g->fd, buf, sizeof(buf), 2, fds, &n);

    if (e != TS_OK)
        return e;
    e = n > 0 && buf[0] == EGRESS_ASK
            ? egress_ask_decode(buf + 1, n - 1, &a, &what)
            : TS_E_FORMAT;
    if (e == TS_OK && (e = seqpacket_is_unix(fds[0], SOCK_STREAM)) == TS_OK)
        e = seqpacket_is_unix(fds[1], SOCK_SEQPACKET);
    if (e != TS_OK) {
        seqpacket_close_foreign(&fds[0]);
        seqpacket_close_foreign(&fds[1]);
        return e;
    }
    ask(g, &a, fds);
    return TS_OK;
}

static void on_channel(uv_poll_t *p, int status, int events)
{
    struct channel *ch = p->data;
    struct grant *g = ch->g;
    ts_err e = status < 0 ? TS_E_CLOSED : TS_OK;

    (void)events;
    if (ch->over)
        return;
    for (int i = 0; e == TS_OK && i < PER_TURN; i++)
        e = hear(g);
    if (e == TS_OK || e == TS_E_AGAIN)
        return;
    if (e != TS_E_CLOSED)
        grant_deny(g, EGRESS_VIA_BROKER, ts_str_of(""), 0, ts_str_of(""),
                   ts_str_of(""), EGRESS_MALFORMED);
    ch->over = true;
    (void)uv_poll_stop(&ch->poll);
    ts_fd_close(&g->fd);
}

static void on_closed(uv_handle_t *h)
{
    ts_mem_free(h->data);
}

static ts_err ask_start(struct grant *g)
{
    struct channel *ch;

    if (seqpacket_is_unix(g->fd, SOCK_SEQPACKET) != TS_OK)
        return TS_E_INVALID;
    ch = ts_mem_alloc(sizeof(*ch));
    if (ch == NULL)
        return TS_E_NOMEM;
    ch->g = g;
    if (uv_poll_init(&g->broker->loop, &ch->poll, g->fd) != 0) {
        ts_mem_free(ch);
        return TS_E_SYSTEM;
    }
    ch->poll.data = ch;
    if (uv_poll_start(&ch->poll, UV_READABLE, on_channel) != 0) {
        uv_close((uv_handle_t *)&ch->poll, on_closed);
        return TS_E_SYSTEM;
    }
    g->served = ch;
    return TS_OK;
}

static void ask_stop(struct grant *g)
{
    struct channel *ch = g->served;

    ch->over = true;
    uv_close((uv_handle_t *)&ch->poll, on_closed);
    g->served = NULL;
}

const struct grant_mode ask_mode = {.start = ask_start, .stop = ask_stop};
