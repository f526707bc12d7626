/* From a call as the program gives it to frames: CALL, STDIN, CANCEL. */
#include <sodium.h>
#include <string.h>

#include "proto/base/ts_require.h"
#include "proto/trust/pae.h"
#include "proto/wire/mp_write.h"
#include "shim/session.h"

#define SIG_HEAD ((size_t)2) /* bin8 and its length, before the signature */

static void arg_write(struct mp_writer *w, const struct tipstaff_arg *a)
{
    mp_write_cstr(w, a->name);
    switch (a->type) {
    case TIPSTAFF_STRING:
        mp_write_cstr(w, a->str);
        return;
    case TIPSTAFF_INT:
        mp_write_int(w, a->num);
        return;
    case TIPSTAFF_BOOL:
        mp_write_bool(w, a->num != 0);
        return;
    }
    w->error = TS_E_INVALID; /* a value outside the enum */
}

enum tipstaff_status session_args(struct tipstaff *t,
                                  const struct tipstaff_call *call,
                                  struct ts_buf *scratch, struct ts_bytes *ret)
{
    struct mp_writer w;
    uint8_t *room;
    size_t len = 0;

    if (call->args_msgpack != NULL) {
        *ret = (struct ts_bytes){.ptr = call->args_msgpack,
                                 .len = call->args_msgpack_len};
        return TIPSTAFF_OK;
    }
    if (call->args_count > TS_ARGS_KEYS_MAX)
        return session_fail(t, TIPSTAFF_USAGE, "more than %d arguments",
                            TS_ARGS_KEYS_MAX);
    ts_buf_clear(scratch);
    if (ts_buf_reserve(scratch, TS_ARGS_MAX, &room) != TS_OK)
        return session_fail(t, TIPSTAFF_NOMEM, "out of memory");
    mp_writer_init(&w, room, TS_ARGS_MAX);
    mp_write_map(&w, (uint32_t)call->args_count);
    for (size_t i = 0; i < call->args_count; i++)
        arg_write(&w, &call->args[i]);
    if (mp_written(&w, &len) != TS_OK)
        return session_fail(t, TIPSTAFF_USAGE,
                            "the arguments are larger than %d bytes",
                            TS_ARGS_MAX);
    *ret = (struct ts_bytes){.ptr = room, .len = len};
    return TIPSTAFF_OK;
}

enum tipstaff_status session_labels(struct tipstaff *t,
                                    const struct tipstaff_call *call,
                                    struct ts_str *ret_traceparent,
                                    struct ts_str *ret_labels,
                                    uint32_t *ret_count)
{
    if (call->provenance_count > TS_PROVENANCE_MAX)
        return session_fail(t, TIPSTAFF_USAGE, "more than %d provenance labels",
                            TS_PROVENANCE_MAX);
    *ret_traceparent = ts_str_of(call->traceparent);
    for (size_t i = 0; i < call->provenance_count; i++)
        ret_labels[i] = ts_str_of(call->provenance[i]);
    *ret_count = (uint32_t)call->provenance_count;
    return TIPSTAFF_OK;
}

/* Names the field before the sender says no more than "not allowed". */
static enum tipstaff_status explain_invalid(struct tipstaff *t,
                                            const struct msg_call *m)
{
    char tool[160];

    (void)ts_str_escape(tool, sizeof(tool), m->tool.ptr, m->tool.len);
    if (!tool_name_is_valid(m->tool))
        return session_fail(t, TIPSTAFF_USAGE,
                            "tool name \"%s\" is not [a-z0-9][a-z0-9._-]*, at "
                            "most %d bytes",
                            tool, TS_TOOL_NAME_MAX);
    return session_fail(t, TIPSTAFF_USAGE,
                        "call of %s: an argument, provenance label or "
                        "traceparent breaks its rule (names twice, over %d "
                        "arguments or %d bytes, not UTF-8, not W3C)",
                        tool, TS_ARGS_KEYS_MAX, TS_ARGS_MAX);
}

static struct flight *free_flight(struct tipstaff *t)
{
    for (size_t i = 0; i < TIPSTAFF_IN_FLIGHT_MAX; i++)
        if (t->flight[i].state == FLIGHT_FREE)
            return &t->flight[i];
    return NULL;
}

static void call_id(struct msg_call *m, const struct tipstaff_call *call)
{
    if (call->id16 != NULL)
        memcpy(m->call_id, call->id16, sizeof(m->call_id));
    else
        randombytes_buf(m->call_id, sizeof(m->call_id));
}

/* Puts the signature into the last frame of out, which ends with room for it
 * (PROTOCOL.md 3.6): sig covers the body up to the head of sig itself. */
static void call_sign(const struct tipstaff *t, uint64_t seq, uint8_t *body,
                      size_t len)
{
    uint8_t digest[32], le_seq[8], text[256];
    const struct ts_bytes parts[3] = {
        {.ptr = t->session_id, .len = sizeof(t->session_id)},
        {.ptr = le_seq, .len = sizeof(le_seq)},
        {.ptr = digest, .len = sizeof(digest)}};
    size_t n;

    for (size_t i = 0; i < sizeof(le_seq); i++)
        le_seq[i] = (uint8_t)(seq >> (8 * i));
    (void)crypto_generichash(digest, sizeof(digest), body,
                             len - SIG_HEAD - TRUST_SIG_LEN, NULL, 0);
    TS_REQUIRE(pae_size(PAE_PREFIX "call", parts, 3) <= sizeof(text));
    n = pae_encode(text, sizeof(text), PAE_PREFIX "call", parts, 3);
    (void)crypto_sign_detached(body + len - TRUST_SIG_LEN, NULL, text, n,
                               t->signer.sk); /* always 0 */
}

/* msg_call_send(), signed if this session signs. */
static ts_err call_queue(struct tipstaff *t, struct msg_call *m)
{
    static const uint8_t room[TRUST_SIG_LEN];
    struct ts_buf *out = &t->link.out;
    size_t before = out->len;
    ts_err e;

    if (t->signer.sk != NULL)
        m->sig = (struct ts_bytes){.ptr = room, .len = sizeof(room)};
    e = msg_call_send(out, m);
    if (e == TS_OK && t->signer.sk != NULL)
        call_sign(t, m->seq, out->data + out->start + before + TS_FRAME_HEAD,
                  out->len - before - TS_FRAME_HEAD);
    return e;
}

static enum tipstaff_status call_send(struct tipstaff *t,
                                      const struct tipstaff_call *call,
                                      struct ts_buf *scratch)
{
    size_t before = t->link.out.len;
    struct msg_call m = {.seq = t->next_seq,
                         .tool = ts_str_of(call->tool),
                         .deadline_ms = call->deadline_ms,
                         .hold_ms = call->hold_ms};
    enum tipstaff_status s;
    ts_err e;

    call_id(&m, call);
    if (call->has_stdin)
        m.flags |= CALL_HAS_STDIN;
    if (call->retry)
        m.flags |= CALL_RETRY;
    if (call->keep) {
        m.flags |= CALL_KEEP;
        m.inline_max = call->inline_max;
    }
    s = session_args(t, call, scratch, &m.args);
    if (s == TIPSTAFF_OK)
        s = session_labels(t, call, &m.traceparent, m.provenance,
                           &m.provenance_count);
    if (s != TIPSTAFF_OK)
        return s;
    e = call_queue(t, &m);
    if (e == TS_E_INVALID)
        return explain_invalid(t, &m);
    return session_queued(t, before, e);
}

enum tipstaff_status tipstaff_submit(struct tipstaff *t,
                                     const struct tipstaff_call *call,
                                     uint64_t *ret_seq)
{
    struct flight *f = free_flight(t);
    struct ts_buf scratch;
    enum tipstaff_status s;

    if (t->lost)
        return TIPSTAFF_LOST;
    if (f == NULL)
        return session_fail(t, TIPSTAFF_LIMIT, "%d calls are in flight",
                            TIPSTAFF_IN_FLIGHT_MAX);
    if (call->hold_ms > TS_HOLD_MAX_MS)
        return session_fail(t, TIPSTAFF_USAGE,
                            "a call may wait for people for %d ms at most",
                            TS_HOLD_MAX_MS);
    ts_buf_init(&scratch, TS_ARGS_MAX);
    s = call_send(t, call, &scratch);
    ts_buf_done(&scratch);
    if (s != TIPSTAFF_OK)
        return s;
    *f = (struct flight){.state = FLIGHT_ASKED,
                         .seq = t->next_seq,
                         .held = call->hold_ms > 0,
                         .input = call->has_stdin,
                         .credit = TS_STDIN_WINDOW};
    t->flying++;
    *ret_seq = t->next_seq++;
    return TIPSTAFF_OK;
}

enum tipstaff_status tipstaff_stdin(struct tipstaff *t, uint64_t seq,
                                    const void *data, size_t len, bool eof,
                                    size_t *ret_taken)
{
    struct flight *f = session_flight(t, seq);
    size_t before = t->link.out.len;
    struct msg_stdin m = {.seq = seq};
    enum tipstaff_status s;

    if (t->lost)
        return TIPSTAFF_LOST;
    if (f == NULL || !f->input)
        return session_fail(t, TIPSTAFF_USAGE,
                            "call %llu takes no input (any more)",
                            (unsigned long long)seq);
    *ret_taken = 0;
    if (f->state != FLIGHT_PERMITTED || (len > 0 && f->credit == 0))
        return TIPSTAFF_OK;
    m.data = (struct ts_bytes){.ptr = data, .len = len};
    if (m.data.len > f->credit)
        m.data.len = f->credit;
    if (m.data.len > TS_CHUNK_MAX)
        m.data.len = TS_CHUNK_MAX;
    m.eof = eof && m.data.len == len;
    if (m.data.len == 0 && !m.eof)
        return TIPSTAFF_OK;
    s = session_queued(t, before, msg_stdin_send(&t->link.out, &m));
    if (s != TIPSTAFF_OK)
        return s;
    f->credit -= (uint32_t)m.data.len;
    f->input = !m.eof;
    *ret_taken = m.data.len;
    return TIPSTAFF_OK;
}

enum tipstaff_status tipstaff_cancel(struct tipstaff *t, uint64_t seq)
{
    size_t before = t->link.out.len;

    if (t->lost)
        return TIPSTAFF_LOST;
    if (session_flight(t, seq) == NULL)
        return session_fail(t, TIPSTAFF_USAGE, "call %llu is not in flight",
                            (unsigned long long)seq);
    return session_queued(
        t, before,
        msg_seq_send(&t->link.out, MSG_CANCEL, &(struct msg_seq){seq}));
}
