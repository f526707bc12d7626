/*
 * One HTTP exchange: the request's body goes up while the answer comes down.
 * Bodies are decoded and framed anew; an answer to a request that got a secret
 * is looked through on its way.
 */
#include <string.h>

#include "proto/base/ts_require.h"
#include "sidecar/broker/proxy/session_priv.h"

#define PIECE 8192 /* bytes of a body that are looked at together */

static size_t room_of(const struct ts_buf *b)
{
    return b->max - b->len;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static ts_err sink_up(void *ctx, const uint8_t *bytes, size_t len)
{
    struct proxy_session *s = ctx;

    return http_body_put(&s->host_out, s->request->framing, bytes, len);
}

static ts_err sink_down(void *ctx, const uint8_t *bytes, size_t len)
{
    struct proxy_session *s = ctx;

    if (s->redactor != NULL)
        return redactor_feed(s->redactor, bytes, len, &s->scanned);
    return http_body_put(&s->tool_out, s->tool_framing, bytes, len);
}

/* False: nothing moved, or the state was left. Every piece in makes at most
 * PIECE + HTTP_PIECE_EXTRA bytes: a chunk of n bytes took more than n + 4. */
static bool pump_up(struct proxy_session *s)
{
    size_t used = 0, n = least(s->tool_in.len, PIECE);
    ts_err e;

    if (s->request_done || n == 0 ||
        room_of(&s->host_out) < PIECE + 2 * HTTP_PIECE_EXTRA)
        return false;
    e = http_message_body(&s->up, ts_buf_bytes(&s->tool_in), n, sink_up, s,
                          &used);
    if (e == TS_OK && s->up.done)
        e = http_body_end(&s->host_out, s->request->framing);
    if (e == TS_E_FORMAT && !s->answer_begun) {
        session_refuse(s, 400, EGRESS_MALFORMED,
                       "the body of the request cannot be read", "", true);
        return false;
    }
    if (e != TS_OK) {
        proxy_abort(s);
        return false;
    }
    ts_buf_consume(&s->tool_in, used);
    s->request_done = s->up.done;
    return true;
}

static void bad_answer(struct proxy_session *s, const char *what)
{
    session_drop_host(s, true);
    session_refuse(s, 502, EGRESS_MALFORMED, what,
                   "The host's answer was not passed on.", false);
}

/* 1xx: only 100 means something to a tool that waits for it. */
static bool answer_interim(struct proxy_session *s)
{
    static const char go[] = "HTTP/1.1 100 Continue\r\n\r\n";
    bool waits =
        http_field_find(s->request, "expect") != NULL && s->request->minor == 1;

    if (s->response->status == 101) {
        bad_answer(s, "the host changed the protocol unasked");
        return false;
    }
    if (s->response->status == 100 && waits && !s->said_continue) {
        s->said_continue = true;
        if (ts_buf_append(&s->tool_out, go, sizeof(go) - 1) != TS_OK) {
            proxy_abort(s);
            return false;
        }
    }
    return true;
}

/* The head that was written, with what is a secret in it taken out. */
static ts_err redact_head(struct proxy_session *s, const uint8_t *head,
                          size_t len)
{
    struct redactor *r = NULL;
    ts_err e = redactor_new(inject_tripwires(s->inject), &r);

    if (e == TS_OK)
        e = redactor_feed(r, head, len, &s->tool_out);
    if (e == TS_OK)
        e = redactor_finish(r, &s->tool_out);
    redactor_free(r);
    return e;
}

static ts_err write_answer(struct proxy_session *s, bool scanned)
{
    struct http_response r = {.head = s->response,
                              .bodyless = s->down.bodyless,
                              .scanned = scanned,
                              .tool_minor = s->request->minor,
                              .close = !s->keep || !s->request_done ||
                                       (s->tool_ended && s->tool_in.len == 0)};
    struct ts_buf *to = scanned ? &s->scanned : &s->tool_out;
    uint8_t *out;
    size_t len;
    ts_err e;

    s->tool_framing = http_response_framing(&r);
    s->keep = !r.close && s->tool_framing != HTTP_BODY_TO_EOF;
    if ((e = ts_buf_reserve(to, HTTP_WRITTEN_MAX, &out)) != TS_OK)
        return e;
    len = http_response_write(&r, out, HTTP_WRITTEN_MAX);
    if (!scanned) {
        ts_buf_grew(to, len);
        return TS_OK;
    }
    if ((e = redact_head(s, out, len)) != TS_OK || r.bodyless)
        return e;
    return redactor_new(inject_tripwires(s->inject), &s->redactor);
}

/* A compressed answer cannot be looked through. */
static bool is_encoded(const struct http_head *h)
{
    const struct http_field *f = http_field_find(h, "content-encoding");

    return f != NULL && f->value.len > 0 && !http_name_eq(f->value, "identity");
}

static bool head_has_room(const struct proxy_session *s)
{
    return room_of(&s->tool_out) >= 2 * HTTP_WRITTEN_MAX;
}

static bool pump_answer_head(struct proxy_session *s)
{
    bool to_head = http_name_eq(s->request->method, "HEAD");
    bool scanned = inject_applies(s->inject, s->rule);
    const char *what = "";
    size_t seen = 0, len = 0;
    ts_err e;

    if (s->host_in.len == 0 || !head_has_room(s))
        return false;
    e = http_head_end(ts_buf_bytes(&s->host_in), s->host_in.len, &seen, &len);
    if (e == TS_E_AGAIN)
        return false;
    if (e == TS_OK)
        e = http_response_read(&s->down, to_head, ts_buf_bytes(&s->host_in),
                               len, s->response, &what);
    if (e != TS_OK) {
        bad_answer(s, e == TS_E_LIMIT ? "the head of the answer is too long"
                                      : what);
        return false;
    }
    if (s->response->status < 200) {
        bool go_on = answer_interim(s);

        if (go_on)
            ts_buf_consume(&s->host_in, len);
        return go_on;
    }
    if (scanned && is_encoded(s->response) && !s->down.bodyless) {
        bad_answer(s, "the answer is encoded, and is to be looked through for "
                      "the secret that was added");
        return false;
    }
    if (write_answer(s, scanned) != TS_OK) {
        proxy_abort(s);
        return false;
    }
    s->answer_begun = true;
    s->answer_done = s->down.done;
    if (!s->response->keep_alive)
        s->host_port = 0; /* never reused */
    ts_buf_consume(&s->host_in, len);
    return true;
}

/* What the redactor let go on, as one piece. */
static ts_err flush_scanned(struct proxy_session *s)
{
    ts_err e;

    if (s->redactor == NULL)
        return TS_OK;
    e = TS_OK;
    if (s->answer_done)
        e = redactor_finish(s->redactor, &s->scanned);
    if (e == TS_OK)
        e = http_body_put(&s->tool_out, s->tool_framing,
                          ts_buf_bytes(&s->scanned), s->scanned.len);
    ts_buf_clear(&s->scanned);
    return e;
}

static ts_err end_answer(struct proxy_session *s)
{
    ts_err e = flush_scanned(s);

    redactor_free(s->redactor);
    s->redactor = NULL;
    return e == TS_OK ? http_body_end(&s->tool_out, s->tool_framing) : e;
}

static bool pump_answer_body(struct proxy_session *s)
{
    size_t used = 0, n = least(s->host_in.len, PIECE);
    size_t most =
        s->redactor != NULL ? redactor_room(s->redactor, PIECE) * 2 : PIECE;
    ts_err e;

    if (s->answer_done || n == 0 ||
        room_of(&s->tool_out) < most + 2 * HTTP_PIECE_EXTRA)
        return false;
    e = http_message_body(&s->down, ts_buf_bytes(&s->host_in), n, sink_down, s,
                          &used);
    s->answer_done = s->down.done;
    if (e == TS_OK)
        e = s->answer_done ? end_answer(s) : flush_scanned(s);
    if (e != TS_OK) { /* cut short: the tool sees that it is not whole */
        s->cut = true;
        session_drop_host(s, true);
        session_last(s);
        return false;
    }
    ts_buf_consume(&s->host_in, used);
    return true;
}

/* Both halves are through. */
static void end_exchange(struct proxy_session *s)
{
    if (!s->request_done || !s->keep) {
        session_last(s);
        return;
    }
    /* bytes behind an answer belong to no request of ours */
    if (s->host_port == 0 || s->host_in.len > 0 || s->host_ended)
        session_drop_host(s, false);
    s->state = PROXY_HEAD;
}

void session_exchange(struct proxy_session *s)
{
    bool moved = true;

    while (moved && s->state == PROXY_EXCHANGE) {
        moved = pump_up(s);
        if (s->state != PROXY_EXCHANGE)
            return;
        if (!s->answer_begun) {
            moved |= pump_answer_head(s);
            if (s->state == PROXY_EXCHANGE && s->answer_begun &&
                s->answer_done && end_answer(s) != TS_OK)
                proxy_abort(s);
        } else {
            moved |= pump_answer_body(s);
        }
        if (s->state == PROXY_EXCHANGE && s->answer_done &&
            (s->host_out.len == 0 || !s->request_done) && s->vault == NULL)
            end_exchange(s);
    }
    if (s->state == PROXY_EXCHANGE && s->tool_ended && !s->request_done &&
        s->tool_in.len == 0)
        proxy_abort(s);
}

static void host_ended_early(struct proxy_session *s)
{
    /* It may have closed a connection that lay idle while the request was on
     * its way: once more, when nothing of a body is gone. */
    if (s->reused && s->host_in.len == 0 &&
        s->request->framing == HTTP_BODY_NONE) {
        s->reused = false;
        session_dial(s, EGRESS_VIA_HTTP);
        return;
    }
    bad_answer(s, "the host closed the connection without a whole answer");
}

/* The host ended; what it sent has been looked at as far as there was room. */
void session_exchange_host_end(struct proxy_session *s)
{
    size_t used;

    if (s->answer_done) { /* it did not take all of the request */
        end_exchange(s);
        return;
    }
    if (!s->answer_begun) {
        if (s->host_in.len == 0 || head_has_room(s))
            host_ended_early(s);
        return;
    }
    if (s->host_in.len > 0)
        return; /* the tool must take some first; proxy_step() comes again */
    if (s->host_broken ||
        http_message_body(&s->down, NULL, 0, sink_down, s, &used) != TS_OK) {
        s->cut = true;
        session_drop_host(s, true);
        session_last(s);
        return;
    }
    s->answer_done = true;
    if (end_answer(s) != TS_OK)
        proxy_abort(s);
    else
        end_exchange(s);
}
