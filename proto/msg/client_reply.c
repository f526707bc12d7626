/* What the gate answers: ERROR, DECISION, RESULT; and PING, which is echoed. */
#include <string.h>

#include "proto/msg/body.h"
#include "proto/msg/client.h"

static struct body_flaw error_check(const struct msg_error *m)
{
    struct body_flaw f = {.error = TS_OK};

    body_need(&f, body_code_ok(m->code), "code", TS_E_INVALID);
    body_need(&f, m->text.len <= TS_MESSAGE_TEXT_MAX, "text", TS_E_LIMIT);
    return f;
}

ts_err msg_error_decode(const void *b, size_t n, struct msg_error *ret,
                        const char **reterr_what)
{
    struct msg_error m;
    struct body_in in;
    ts_err e;

    body_in_init(&in, b, n, 3, 1);
    m.code = body_in_str(&in, "code", TS_CODE_MAX);
    m.text = body_in_str(&in, "text", TS_MESSAGE_TEXT_MAX);
    e = body_in_done(&in, reterr_what);
    if (e != TS_OK)
        return e;
    e = body_told(error_check(&m), reterr_what);
    if (e == TS_OK)
        *ret = m;
    return e;
}

ts_err msg_error_send(struct ts_buf *out, const struct msg_error *m)
{
    struct body_out o;
    ts_err e = error_check(m).error;

    if (e == TS_OK)
        e = body_out_init(&o, out, MSG_ERROR, 3, 1, m->code.len + m->text.len);
    if (e != TS_OK)
        return e;
    body_out_str(&o, m->code);
    body_out_str(&o, m->text);
    return body_out_done(&o);
}

/* A verdict and its code must tell the same story: "permitted" goes with
 * PERMIT and with nothing else, whatever else a code says. */
static bool verdict_fits(enum verdict v, struct ts_str code)
{
    return (v == VERDICT_PERMIT) == ts_str_eq_c(code, "permitted");
}

static struct body_flaw decision_check(const struct msg_decision *m)
{
    struct body_flaw f = {.error = TS_OK};

    body_need(&f, m->seq > 0, "seq", TS_E_INVALID);
    body_need(&f, m->verdict <= VERDICT_PERMIT, "verdict", TS_E_INVALID);
    body_need(&f, body_code_ok(m->code), "code", TS_E_INVALID);
    body_need(&f, verdict_fits(m->verdict, m->code), "code", TS_E_INVALID);
    body_need(&f, m->expires == 0 || m->verdict == VERDICT_PENDING, "expires",
              TS_E_INVALID);
    body_need(&f, m->text.len <= TS_MESSAGE_TEXT_MAX, "text", TS_E_LIMIT);
    return f;
}

ts_err msg_decision_decode(const void *b, size_t n, struct msg_decision *ret,
                           const char **reterr_what)
{
    struct msg_decision m;
    struct body_in in;
    ts_err e;

    body_in_init(&in, b, n, 7, 2);
    m.seq = body_in_uint(&in, "seq", UINT64_MAX);
    m.verdict = (enum verdict)body_in_u32(&in, "verdict", VERDICT_PERMIT);
    m.code = body_in_str(&in, "code", TS_CODE_MAX);
    body_in_bin_exact(&in, "decision_id", m.decision_id, sizeof(m.decision_id));
    m.text = body_in_str(&in, "text", TS_MESSAGE_TEXT_MAX);
    m.expires = body_in_uint(&in, "expires", UINT64_MAX);
    e = body_in_done(&in, reterr_what);
    if (e != TS_OK)
        return e;
    e = body_told(decision_check(&m), reterr_what);
    if (e == TS_OK)
        *ret = m;
    return e;
}

ts_err msg_decision_send(struct ts_buf *out, const struct msg_decision *m)
{
    struct body_out o;
    ts_err e = decision_check(m).error;

    if (e == TS_OK)
        e = body_out_init(&o, out, MSG_DECISION, 7, 2,
                          m->code.len + sizeof(m->decision_id) + m->text.len);
    if (e != TS_OK)
        return e;
    mp_write_uint(&o.w, m->seq);
    mp_write_uint(&o.w, m->verdict);
    body_out_str(&o, m->code);
    mp_write_bin(&o.w, m->decision_id, sizeof(m->decision_id));
    body_out_str(&o, m->text);
    mp_write_uint(&o.w, m->expires);
    return body_out_done(&o);
}

#define RESULT_FLAGS                                                           \
    ((uint32_t)(RESULT_STDOUT_TRUNCATED | RESULT_STDERR_TRUNCATED |            \
                RESULT_RECORDED | RESULT_KEPT))

#define RESULT_VERSION 2
#define RESULT_ARITY   11

/* A tool that never started cannot have been permitted in the end, and one
 * that ran cannot have been refused. */
static bool result_fits(const struct msg_result *m)
{
    return ts_str_eq_c(m->reason, end_reason_name(END_REFUSED)) !=
           ts_str_eq_c(m->code, call_code_name(CODE_PERMITTED));
}

static struct body_flaw result_check(const struct msg_result *m)
{
    struct body_flaw f = {.error = TS_OK};
    enum end_reason known;

    body_need(&f, m->seq > 0, "seq", TS_E_INVALID);
    body_need(&f, end_reason_parse(m->reason, &known), "reason", TS_E_INVALID);
    body_need(&f, body_code_ok(m->code), "code", TS_E_INVALID);
    body_need(&f, result_fits(m), "code", TS_E_INVALID);
    body_need(&f, m->exit_code <= 255, "exit_code", TS_E_LIMIT);
    body_need(&f, m->signal <= MSG_SIGNAL_MAX, "signal", TS_E_LIMIT);
    body_need(&f, (m->flags & ~RESULT_FLAGS) == 0, "flags", TS_E_INVALID);
    body_need(&f, body_ref_ok(m->ref), "ref", TS_E_INVALID);
    return f;
}

ts_err msg_result_decode(const void *b, size_t n, struct msg_result *ret,
                         const char **reterr_what)
{
    struct msg_result m;
    struct body_in in;
    ts_err e;

    body_in_init(&in, b, n, RESULT_ARITY, RESULT_VERSION);
    m.seq = body_in_uint(&in, "seq", UINT64_MAX);
    m.reason = body_in_str(&in, "reason", TS_CODE_MAX);
    m.code = body_in_str(&in, "code", TS_CODE_MAX);
    m.exit_code = body_in_u32(&in, "exit_code", 255);
    m.signal = body_in_u32(&in, "signal", MSG_SIGNAL_MAX);
    m.stdout_bytes = body_in_uint(&in, "stdout_bytes", UINT64_MAX);
    m.stderr_bytes = body_in_uint(&in, "stderr_bytes", UINT64_MAX);
    m.wall_us = body_in_uint(&in, "wall_us", UINT64_MAX);
    m.flags = body_in_u32(&in, "flags", UINT32_MAX);
    m.ref = body_in_str(&in, "ref", TS_REF_MAX);
    e = body_in_done(&in, reterr_what);
    if (e != TS_OK)
        return e;
    e = body_told(result_check(&m), reterr_what);
    if (e == TS_OK)
        *ret = m;
    return e;
}

ts_err msg_result_send(struct ts_buf *out, const struct msg_result *m)
{
    struct body_out o;
    ts_err e = result_check(m).error;

    if (e == TS_OK)
        e = body_out_init(&o, out, MSG_RESULT, RESULT_ARITY, RESULT_VERSION,
                          m->reason.len + m->code.len + m->ref.len);
    if (e != TS_OK)
        return e;
    mp_write_uint(&o.w, m->seq);
    body_out_str(&o, m->reason);
    body_out_str(&o, m->code);
    mp_write_uint(&o.w, m->exit_code);
    mp_write_uint(&o.w, m->signal);
    mp_write_uint(&o.w, m->stdout_bytes);
    mp_write_uint(&o.w, m->stderr_bytes);
    mp_write_uint(&o.w, m->wall_us);
    mp_write_uint(&o.w, m->flags);
    body_out_str(&o, m->ref);
    return body_out_done(&o);
}

ts_err msg_ping_decode(const void *b, size_t n, struct msg_ping *ret,
                       const char **reterr_what)
{
    struct msg_ping m;
    struct body_in in;
    ts_err e;

    body_in_init(&in, b, n, 2, 1);
    m.token = body_in_bin(&in, "token", TS_PING_MAX);
    e = body_in_done(&in, reterr_what);
    if (e == TS_OK)
        *ret = m;
    return e;
}

ts_err msg_ping_send(struct ts_buf *out, const struct msg_ping *m)
{
    struct body_out o;
    ts_err e;

    if (m->token.len > TS_PING_MAX)
        return TS_E_LIMIT;
    e = body_out_init(&o, out, MSG_PING, 2, 1, m->token.len);
    if (e != TS_OK)
        return e;
    body_out_bin(&o, m->token);
    return body_out_done(&o);
}
