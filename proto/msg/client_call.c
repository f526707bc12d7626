/* CALL, and the short messages that steer it: CANCEL and its kind, WINDOW. */
#include "proto/msg/body.h"
#include "proto/msg/client.h"

#define CALL_VERSION 4
#define CALL_ARITY   13
#define CALL_FLAGS   ((uint32_t)(CALL_HAS_STDIN | CALL_RETRY | CALL_KEEP))
#define SIG_LEN      ((size_t)64)

static struct body_flaw call_check(const struct msg_call *m)
{
    struct body_flaw f = {.error = TS_OK};

    body_need(&f, m->seq > 0, "seq", TS_E_INVALID);
    body_need(&f, tool_name_is_valid(m->tool), "tool", TS_E_INVALID);
    body_need(&f, body_traceparent_ok(m->traceparent), "traceparent",
              TS_E_INVALID);
    body_need(&f, body_labels_ok(m->provenance, m->provenance_count),
              "provenance", TS_E_INVALID);
    body_need(&f, (m->flags & ~CALL_FLAGS) == 0, "flags", TS_E_INVALID);
    body_need(&f, m->hold_ms <= TS_HOLD_MAX_MS, "hold_ms", TS_E_LIMIT);
    body_need(&f, m->inline_max == 0 || (m->flags & CALL_KEEP) != 0,
              "inline_max", TS_E_INVALID);
    body_need(&f, m->inline_max <= TS_INLINE_MAX, "inline_max", TS_E_LIMIT);
    body_need(&f, m->sig.len == 0 || m->sig.len == SIG_LEN, "sig",
              TS_E_INVALID);
    return f;
}

ts_err msg_call_decode(const void *b, size_t n, struct msg_call *ret,
                       const char **reterr_what)
{
    struct msg_call m = {.seq = 0};
    struct body_in in;
    ts_err e;

    body_in_init(&in, b, n, CALL_ARITY, CALL_VERSION);
    m.seq = body_in_uint(&in, "seq", UINT64_MAX);
    body_in_bin_exact(&in, "call_id", m.call_id, sizeof(m.call_id));
    m.tool = body_in_str(&in, "tool", TS_TOOL_NAME_MAX);
    m.args = body_in_args(&in, "args");
    m.deadline_ms = body_in_uint(&in, "deadline_ms", UINT64_MAX);
    m.traceparent = body_in_str(&in, "traceparent", TS_TRACEPARENT_LEN);
    m.provenance_count = body_in_labels(&in, "provenance", m.provenance);
    m.flags = body_in_u32(&in, "flags", UINT32_MAX);
    m.min_rev_seq = body_in_uint(&in, "min_rev_seq", UINT64_MAX);
    m.hold_ms = body_in_u32(&in, "hold_ms", TS_HOLD_MAX_MS);
    m.inline_max = body_in_u32(&in, "inline_max", TS_INLINE_MAX);
    m.unsigned_part = (struct ts_bytes){
        .ptr = b, .len = (size_t)(in.r.at - (const uint8_t *)b)};
    m.sig = body_in_bin(&in, "sig", SIG_LEN);
    e = body_in_done(&in, reterr_what);
    if (e != TS_OK)
        return e;
    e = body_told(call_check(&m), reterr_what);
    if (e == TS_OK)
        *ret = m;
    return e;
}

ts_err msg_call_send(struct ts_buf *out, const struct msg_call *m)
{
    struct body_flaw flaw = call_check(m);
    struct body_out o;
    ts_err e;

    body_need(&flaw, body_args_ok(m->args), "args", TS_E_INVALID);
    if (flaw.error != TS_OK)
        return flaw.error;
    e = body_out_init(&o, out, MSG_CALL, CALL_ARITY, CALL_VERSION,
                      sizeof(m->call_id) + m->tool.len + m->args.len +
                          m->traceparent.len + m->sig.len +
                          body_labels_size(m->provenance, m->provenance_count));
    if (e != TS_OK)
        return e;
    mp_write_uint(&o.w, m->seq);
    mp_write_bin(&o.w, m->call_id, sizeof(m->call_id));
    body_out_str(&o, m->tool);
    mp_write_raw(&o.w, m->args.ptr, m->args.len);
    mp_write_uint(&o.w, m->deadline_ms);
    body_out_str(&o, m->traceparent);
    body_out_labels(&o, m->provenance, m->provenance_count);
    mp_write_uint(&o.w, m->flags);
    mp_write_uint(&o.w, m->min_rev_seq);
    mp_write_uint(&o.w, m->hold_ms);
    mp_write_uint(&o.w, m->inline_max);
    body_out_bin(&o, m->sig);
    return body_out_done(&o);
}

ts_err msg_seq_decode(const void *b, size_t n, struct msg_seq *ret,
                      const char **reterr_what)
{
    struct msg_seq m;
    struct body_in in;
    ts_err e;

    body_in_init(&in, b, n, 2, 1);
    m.seq = body_in_uint(&in, "seq", UINT64_MAX);
    e = body_in_done(&in, reterr_what);
    if (e == TS_OK)
        *ret = m;
    return e;
}

ts_err msg_seq_send(struct ts_buf *out, enum client_type type,
                    const struct msg_seq *m)
{
    struct body_out o;
    ts_err e;

    if (type != MSG_CANCEL && type != MSG_TOOLS && type != MSG_TASK_END &&
        type != MSG_REVOKE)
        return TS_E_INVALID;
    e = body_out_init(&o, out, (uint8_t)type, 2, 1, 0);
    if (e != TS_OK)
        return e;
    mp_write_uint(&o.w, m->seq);
    return body_out_done(&o);
}

static struct body_flaw window_check(const struct msg_window *m)
{
    struct body_flaw f = {.error = TS_OK};

    body_need(&f, m->seq > 0, "seq", TS_E_INVALID);
    body_need(&f, m->bytes > 0 && m->bytes <= TS_STDIN_WINDOW, "bytes",
              TS_E_LIMIT);
    return f;
}

ts_err msg_window_decode(const void *b, size_t n, struct msg_window *ret,
                         const char **reterr_what)
{
    struct msg_window m;
    struct body_in in;
    ts_err e;

    body_in_init(&in, b, n, 3, 1);
    m.seq = body_in_uint(&in, "seq", UINT64_MAX);
    m.bytes = body_in_u32(&in, "bytes", TS_STDIN_WINDOW);
    e = body_in_done(&in, reterr_what);
    if (e != TS_OK)
        return e;
    e = body_told(window_check(&m), reterr_what);
    if (e == TS_OK)
        *ret = m;
    return e;
}

ts_err msg_window_send(struct ts_buf *out, const struct msg_window *m)
{
    struct body_out o;
    ts_err e = window_check(m).error;

    if (e == TS_OK)
        e = body_out_init(&o, out, MSG_WINDOW, 3, 1, 0);
    if (e != TS_OK)
        return e;
    mp_write_uint(&o.w, m->seq);
    mp_write_uint(&o.w, m->bytes);
    return body_out_done(&o);
}
