/*
 * From frames to events. What may come for a call, by its state:
 *
 *     ASKED      DECISION (permit)  -> PERMITTED      DECISION (other) -> FREE
 *                DECISION (pending) of a call that is held -> WAITING
 *                RESULT (not "exited": it was over before it began)    -> FREE
 *     WAITING    DECISION (permit)  -> PERMITTED      DECISION (other) -> FREE
 *                RESULT (not "exited")                                 -> FREE
 *     PERMITTED  OUTPUT, WINDOW     -> PERMITTED      RESULT           -> FREE
 *                KEPT (once, and without OUTPUT) -> PERMITTED
 *
 * Anything else ends the session: a sidecar that speaks out of turn is not
 * believed about anything.
 */
#include <stdio.h>

#include "proto/base/ts_require.h"
#include "proto/wire/mp_read.h"
#include "shim/session.h"

static struct tipstaff_str slice(struct ts_str s)
{
    return (struct tipstaff_str){.ptr = s.ptr, .len = s.len};
}

static void flight_end(struct tipstaff *t, struct flight *f)
{
    f->state = FLIGHT_FREE;
    t->flying--;
}

static bool is_undecided(const struct flight *f)
{
    return f->state == FLIGHT_ASKED || f->state == FLIGHT_WAITING;
}

/* The gate cannot know how this program would sign; we do. */
static struct tipstaff_str with_advice(struct tipstaff *t,
                                       const struct msg_decision *m)
{
    int n;

    if (t->signer.sk != NULL ||
        !ts_str_eq_c(m->code, call_code_name(CODE_AUTH_FAILED)))
        return slice(m->text);
    n = snprintf(t->advice, sizeof(t->advice),
                 "%.*s\nThis session does not sign its calls. Set "
                 "TIPSTAFF_SIGN_CALLS=1 (tipstaff-shim: --sign, libtipstaff: "
                 "sign_calls) to sign them.",
                 (int)m->text.len, m->text.ptr);
    TS_REQUIRE(n >= 0 && (size_t)n < sizeof(t->advice));
    return (struct tipstaff_str){.ptr = t->advice, .len = (size_t)n};
}

static enum tipstaff_status on_decision(struct tipstaff *t,
                                        const struct frame *f,
                                        struct tipstaff_event *ret)
{
    struct msg_decision m;
    const char *what = "";
    struct flight *call;

    if (msg_decision_decode(f->body, f->len, &m, &what) != TS_OK)
        return session_protocol(t, "DECISION", what);
    call = session_flight(t, m.seq);
    if (call == NULL || !is_undecided(call))
        return session_protocol(t, "DECISION", "not due for this call");
    *ret = (struct tipstaff_event){.kind = TIPSTAFF_DECIDED,
                                   .seq = m.seq,
                                   .verdict = (enum tipstaff_verdict)m.verdict,
                                   .code = slice(m.code),
                                   .text = with_advice(t, &m),
                                   .expires = m.expires,
                                   .waits = m.verdict == VERDICT_PENDING &&
                                            call->held &&
                                            call->state == FLIGHT_ASKED};
    for (size_t i = 0; i < sizeof(ret->decision_id); i++)
        ret->decision_id[i] = m.decision_id[i];
    if (m.verdict == VERDICT_PERMIT)
        call->state = FLIGHT_PERMITTED;
    else if (ret->waits)
        call->state = FLIGHT_WAITING;
    else
        flight_end(t, call);
    return TIPSTAFF_OK;
}

static enum tipstaff_status on_output(struct tipstaff *t, const struct frame *f,
                                      struct tipstaff_event *ret)
{
    struct msg_output m;
    const char *what = "";
    struct flight *call;

    if (msg_output_decode(f->body, f->len, &m, &what) != TS_OK)
        return session_protocol(t, "OUTPUT", what);
    call = session_flight(t, m.seq);
    if (call == NULL || call->state != FLIGHT_PERMITTED)
        return session_protocol(t, "OUTPUT", "not due for this call");
    if (call->kept)
        return session_protocol(t, "OUTPUT", "of an output that is kept back");
    call->shown = true;
    *ret = (struct tipstaff_event){
        .kind = TIPSTAFF_OUTPUT,
        .seq = m.seq,
        .stream = m.stream == STREAM_STDERR ? 2 : 1,
        .data = {.ptr = (const char *)m.data.ptr, .len = m.data.len}};
    return TIPSTAFF_OK;
}

static enum tipstaff_status on_kept(struct tipstaff *t, const struct frame *f,
                                    struct tipstaff_event *ret)
{
    struct msg_kept m;
    const char *what = "";
    struct flight *call;

    if (msg_kept_decode(f->body, f->len, &m, &what) != TS_OK)
        return session_protocol(t, "KEPT", what);
    call = session_flight(t, m.seq);
    if (call == NULL || call->state != FLIGHT_PERMITTED || call->kept ||
        call->shown)
        return session_protocol(t, "KEPT", "not due for this call");
    call->kept = true;
    *ret = (struct tipstaff_event){
        .kind = TIPSTAFF_KEPT,
        .seq = m.seq,
        .ref = slice(m.ref),
        .stdout_bytes = m.stdout_bytes,
        .stderr_bytes = m.stderr_bytes,
        .more = m.more,
        .outline_count = m.count,
        .outline = {.ptr = (const char *)m.items.ptr, .len = m.items.len}};
    return TIPSTAFF_OK;
}

bool tipstaff_outline_next(const struct tipstaff_event *ev, size_t *at,
                           struct tipstaff_outline *ret)
{
    struct msg_outline m;
    struct mp_reader r;

    if (ev->kind != TIPSTAFF_KEPT || *at >= ev->outline.len)
        return false;
    mp_reader_init(&r, (const uint8_t *)ev->outline.ptr + *at,
                   ev->outline.len - *at);
    if (*at == 0)
        (void)mp_read_array(&r, TS_OUTLINE_MAX);
    if (*at == 0 && ev->outline_count == 0)
        return false;
    if (msg_kept_next(&r, &m) != TS_OK)
        return false; /* cannot happen: it was checked when it came */
    *at = (size_t)(r.at - (const uint8_t *)ev->outline.ptr);
    *ret = (struct tipstaff_outline){.pattern = slice(m.pattern),
                                     .type = (enum tipstaff_outline_type)m.type,
                                     .count = m.count,
                                     .min = m.min,
                                     .max = m.max,
                                     .untrusted = m.source == OUTLINE_UNTRUSTED,
                                     .secret = m.secret};
    return true;
}

static enum tipstaff_status on_result(struct tipstaff *t, const struct frame *f,
                                      struct tipstaff_event *ret)
{
    struct msg_result m;
    const char *what = "";
    struct flight *call;

    if (msg_result_decode(f->body, f->len, &m, &what) != TS_OK)
        return session_protocol(t, "RESULT", what);
    call = session_flight(t, m.seq);
    if (call == NULL || (is_undecided(call) &&
                         ts_str_eq_c(m.reason, end_reason_name(END_EXITED))))
        return session_protocol(t, "RESULT", "not due for this call");
    flight_end(t, call);
    *ret = (struct tipstaff_event){
        .kind = TIPSTAFF_ENDED,
        .seq = m.seq,
        .reason = slice(m.reason),
        .code = slice(m.code),
        .started = !ts_str_eq_c(m.reason, end_reason_name(END_REFUSED)),
        .exit_code = m.exit_code,
        .signal = m.signal,
        .stdout_bytes = m.stdout_bytes,
        .stderr_bytes = m.stderr_bytes,
        .wall_us = m.wall_us,
        .ref = slice(m.ref),
        .kept = (m.flags & RESULT_KEPT) != 0,
        .stdout_truncated = (m.flags & RESULT_STDOUT_TRUNCATED) != 0,
        .stderr_truncated = (m.flags & RESULT_STDERR_TRUNCATED) != 0,
        .recorded = (m.flags & RESULT_RECORDED) != 0};
    return TIPSTAFF_OK;
}

/* Credit for a call that has ended meanwhile crosses its RESULT and is of no
 * use to anyone; TIPSTAFF_AGAIN then. */
static enum tipstaff_status on_window(struct tipstaff *t, const struct frame *f,
                                      struct tipstaff_event *ret)
{
    struct msg_window m;
    const char *what = "";
    struct flight *call;

    if (msg_window_decode(f->body, f->len, &m, &what) != TS_OK)
        return session_protocol(t, "WINDOW", what);
    if (m.seq >= t->next_seq)
        return session_protocol(t, "WINDOW", "for a call never made");
    call = session_flight(t, m.seq);
    if (call == NULL)
        return TIPSTAFF_AGAIN;
    if (m.bytes > TS_STDIN_WINDOW - call->credit)
        return session_protocol(t, "WINDOW", "more than was sent");
    call->credit += m.bytes;
    *ret = (struct tipstaff_event){.kind = TIPSTAFF_ROOM, .seq = m.seq};
    return TIPSTAFF_OK;
}

/* TIPSTAFF_AGAIN: handled, and nothing that the program need know. */
static enum tipstaff_status on_frame(struct tipstaff *t, const struct frame *f,
                                     struct tipstaff_event *ret)
{
    enum tipstaff_status s;

    if (f->type == MSG_DECISION)
        return on_decision(t, f, ret);
    if (f->type == MSG_OUTPUT)
        return on_output(t, f, ret);
    if (f->type == MSG_RESULT)
        return on_result(t, f, ret);
    if (f->type == MSG_KEPT)
        return on_kept(t, f, ret);
    if (f->type == MSG_WINDOW)
        return on_window(t, f, ret);
    if (f->type == MSG_ERROR)
        return session_error(t, f);
    if (f->type != MSG_PING)
        return session_protocol(t, "frame", "type not due");
    s = session_pong(t, f);
    return s == TIPSTAFF_OK ? TIPSTAFF_AGAIN : s;
}

enum tipstaff_status tipstaff_next(struct tipstaff *t, int timeout_ms,
                                   struct tipstaff_event *ret)
{
    int64_t deadline = link_deadline(timeout_ms);
    enum tipstaff_status s;
    struct frame f;
    ts_err e;

    if (t->lost)
        return TIPSTAFF_LOST;
    do {
        e = link_recv(&t->link, deadline, &f);
        if (e == TS_E_AGAIN)
            return TIPSTAFF_AGAIN;
        if (e != TS_OK)
            return session_lost(t, e);
        s = on_frame(t, &f, ret);
    } while (s == TIPSTAFF_AGAIN);
    return s;
}
