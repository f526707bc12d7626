#include "sidecar/broker/gate_io.h"

#include <string.h>

#include "proto/base/ts_buf.h"
#include "proto/base/ts_mem.h"
#include "sidecar/broker/broker.h"
#include "sidecar/broker/dial.h"
#include "sidecar/broker/grants.h"
#include "sidecar/broker/seqpacket.h"
#include "sidecar/common/fds.h"

#define PER_TURN    64
#define FAREWELL_MS 5000 /* for the DRAIN behind the gate's end */

/* Messages in front of each other, each with its length. */
struct gate_out {
    struct ts_buf queue;
    bool waits_for_room;
};

static void on_gate(uv_poll_t *p, int status, int events);

static void set_interest(struct broker *b)
{
    bool wants = b->gate->queue.len > 0;
    int events = UV_READABLE | (wants ? UV_WRITABLE : 0);

    if (wants == b->gate->waits_for_room)
        return;
    b->gate->waits_for_room = wants;
    if (uv_poll_start(&b->gate_poll, events, on_gate) != 0)
        broker_fail(b, "the gate's channel cannot be watched");
}

static void on_farewell(uv_timer_t *t)
{
    broker_fail(t->data, "the gate went away");
}

/* What is open could not be recorded any more, so nothing stays open. In a
 * drain the gate ends first, and the supervisor says so to us right after;
 * otherwise this is the end. */
static void gate_is_gone(struct broker *b)
{
    if (b->gate_is_gone)
        return;
    b->gate_is_gone = true;
    (void)uv_poll_stop(&b->gate_poll);
    grants_end_all(b, END_LOST);
    (void)uv_timer_start(&b->farewell, on_farewell, FAREWELL_MS, 0);
}

static void flush(struct broker *b)
{
    struct ts_buf *q = &b->gate->queue;

    while (q->len > 0) {
        uint32_t len;
        ts_err e;

        memcpy(&len, ts_buf_bytes(q), sizeof(len));
        e = seqpacket_send(BROKER_FD_GATE, ts_buf_bytes(q) + sizeof(len), len);
        if (e == TS_E_AGAIN)
            break;
        if (e != TS_OK) {
            ts_buf_clear(q); /* it has gone; the next read says so */
            return;
        }
        ts_buf_consume(q, sizeof(len) + len);
    }
    set_interest(b);
}

static void say(struct broker *b, enum egress_type type, ts_err encoded,
                uint8_t *message, size_t body)
{
    const uint32_t len = (uint32_t)body + 1;
    struct ts_buf *q = &b->gate->queue;

    if (b->gate_is_gone)
        return; /* nobody can write it down any more */
    message[0] = (uint8_t)type;
    if (encoded != TS_OK || ts_buf_append(q, &len, sizeof(len)) != TS_OK ||
        ts_buf_append(q, message, len) != TS_OK) {
        broker_fail(b, "a record could not be handed to the gate");
        return;
    }
    flush(b);
}

void gate_say_opened(struct broker *b, const struct egress_opened *m)
{
    uint8_t buf[EGRESS_MESSAGE_MAX];
    size_t n = 0;
    ts_err e = egress_opened_encode(m, buf + 1, sizeof(buf) - 1, &n);

    say(b, EGRESS_OPENED, e, buf, n);
}

void gate_say_denied(struct broker *b, const struct egress_denied *m)
{
    uint8_t buf[EGRESS_MESSAGE_MAX];
    size_t n = 0;
    ts_err e = egress_denied_encode(m, buf + 1, sizeof(buf) - 1, &n);

    say(b, EGRESS_DENIED, e, buf, n);
}

void gate_say_closed(struct broker *b, const struct egress_closed *m)
{
    uint8_t buf[EGRESS_MESSAGE_MAX];
    size_t n = 0;
    ts_err e = egress_closed_encode(m, buf + 1, sizeof(buf) - 1, &n);

    say(b, EGRESS_CLOSED, e, buf, n);
}

bool gate_is_busy(const struct broker *b)
{
    return b->gate->queue.len > GATE_QUEUE_BUSY;
}

static ts_err hear(struct broker *b, const uint8_t *m, size_t len)
{
    const char *what;
    ts_err e = TS_E_FORMAT;

    if (len > 0 && m[0] == EGRESS_ANSWER) {
        struct egress_answer a;

        e = egress_answer_decode(m + 1, len - 1, &a, &what);
        if (e == TS_OK)
            dial_answered(b, &a);
    } else if (len > 0 && m[0] == EGRESS_END) {
        struct egress_end end;

        e = egress_end_decode(m + 1, len - 1, &end, &what);
        if (e == TS_OK)
            grants_end_order(b, end.order_id, end.reason);
    }
    return e;
}

static void on_gate(uv_poll_t *p, int status, int events)
{
    struct broker *b = p->data;
    uint8_t buf[EGRESS_MESSAGE_MAX];

    if (status < 0) {
        gate_is_gone(b);
        return;
    }
    if ((events & UV_WRITABLE) != 0)
        flush(b);
    for (int i = 0; i < PER_TURN && !b->gate_is_gone; i++) {
        size_t n = 0;
        ts_err e =
            seqpacket_recv(BROKER_FD_GATE, buf, sizeof(buf), 0, NULL, &n);

        if (e == TS_E_AGAIN)
            return;
        if (e == TS_OK)
            e = hear(b, buf, n);
        if (e == TS_E_CLOSED)
            gate_is_gone(b);
        else if (e != TS_OK)
            broker_fail(b, "the gate sent a malformed message");
        if (e != TS_OK)
            return;
    }
}

ts_err gate_io_start(struct broker *b)
{
    b->gate = ts_mem_alloc(sizeof(*b->gate));
    if (b->gate == NULL)
        return TS_E_NOMEM;
    ts_buf_init(&b->gate->queue, GATE_QUEUE_MAX);
    if (uv_poll_init(&b->loop, &b->gate_poll, BROKER_FD_GATE) != 0)
        return TS_E_SYSTEM;
    b->gate_poll.data = b;
    (void)uv_timer_init(&b->loop, &b->farewell); /* cannot fail */
    b->farewell.data = b;
    return uv_poll_start(&b->gate_poll, UV_READABLE, on_gate) == 0
               ? TS_OK
               : TS_E_SYSTEM;
}

void gate_io_close(struct broker *b)
{
    b->gate_is_gone = true;
    uv_close((uv_handle_t *)&b->gate_poll, NULL);
    uv_close((uv_handle_t *)&b->farewell, NULL);
    ts_buf_done(&b->gate->queue);
    ts_mem_free(b->gate);
    b->gate = NULL;
}
