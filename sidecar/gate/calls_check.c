/* CHECK: decided and recorded as calls are, and nothing runs. */
#include "sidecar/gate/calls.h"

#include "proto/msg/client.h"
#include "proto/wire/mp_read.h"
#include "sidecar/gate/call_key.h"
#include "sidecar/gate/calls_priv.h"
#include "sidecar/gate/running/order_out.h"
#include "sidecar/gate/session.h"

/* Bytes of an answer that a connection keeps for its next CHECK. */
#define CHECK_ANSWER_KEPT 4096

/* Decides one candidate into the ring and the answer. */
static ts_err check_one(struct client *c, const struct msg_check *m,
                        const struct msg_check_item *item)
{
    struct gate *g = c->gate;
    struct call_input in = {.seq = m->seq,
                            .tool = item->tool,
                            .args = item->args,
                            .traceparent = m->traceparent,
                            .provenance = m->provenance,
                            .provenance_count = m->provenance_count,
                            .check_only = true,
                            .rev_seq = g->rev_seq,
                            .now = gate_now(g),
                            .received_ns = gate_now(g).boot_ns,
                            .already_denied = calls_before_policy(c)};
    struct decision d;
    uint8_t *record;
    size_t len;
    ts_err e;

    if ((e = order_out_begin(g, &record)) != TS_OK)
        return e;
    e = calls_decide(c, &in, NULL, 0, record, &len, &(bool){false}, &d);
    if (e == TS_OK)
        e = check_answer_add(&c->check.answer, &d);
    if (e != TS_OK)
        return e == TS_E_AGAIN ? TS_E_NOMEM : e;
    order_out_record(g, len);
    if (!order_out_taken(g))
        return TS_E_CLOSED;
    g->stats.checks++;
    c->check.done++;
    return TS_OK;
}

static ts_err check_finish(struct client *c, const struct msg_check *m)
{
    struct msg_checked answer = {
        .seq = m->seq,
        .count = m->count,
        .items = {.ptr = ts_buf_bytes(&c->check.answer),
                  .len = c->check.answer.len}};
    ts_err e = msg_checked_send(&c->out, &answer);

    if (c->check.answer.cap > CHECK_ANSWER_KEPT)
        ts_buf_done(&c->check.answer);
    c->check.active = false;
    c->check.done = 0;
    c->next_seq++;
    client_sent(c, e);
    if (c->core.state == CONN_READY)
        calls_lost_authority(c, session_authority(c));
    return TS_OK;
}

ts_err calls_on_check(struct client *c, const struct frame *f)
{
    struct msg_check m;
    struct mp_reader r;
    const char *what;
    ts_err e = msg_check_decode(f->body, f->len, &m, &what);

    if (e != TS_OK)
        return e;
    if (m.seq != c->next_seq)
        return TS_E_STATE;
    if (order_out_state(c->gate) == ORDER_OUT_NOTHING) {
        client_event(c, CONN_EV_UNAVAILABLE);
        return TS_OK;
    }
    c->state_ns = gate_now(c->gate).boot_ns;
    if (!c->check.active) {
        e = check_answer_begin(&c->check.answer, m.count);
        if (e != TS_OK)
            return e;
        c->check.active = true;
    }
    mp_reader_init(&r, m.items.ptr, m.items.len);
    (void)mp_read_array(&r, TS_CHECK_MAX);
    for (uint32_t i = 0; i < m.count; i++) {
        struct msg_check_item item = m.first;

        if (m.count > 1) /* one alone need not be read a second time */
            e = msg_check_next(&r, &item);
        if (e != TS_OK)
            return e; /* cannot happen: the message was checked as a whole */
        if (i < c->check.done)
            continue; /* decided before the ring was full */
        e = check_one(c, &m, &item);
        if (e == TS_E_AGAIN)
            return e;
        if (e != TS_OK) {
            client_event(c, e == TS_E_CLOSED ? CONN_EV_UNAVAILABLE
                                             : CONN_EV_FAULT);
            return TS_OK;
        }
    }
    return check_finish(c, &m);
}
