/* Operators and the gate: answers to REVOKE and FEED, STATUS, FAIL. */
#include "proto/msg/admin.h"

#include "proto/msg/body.h"
#include "proto/wire/limits.h"

/* A text may fill the frame but for the heads around it. */
#define TEXT_MAX ((size_t)TS_FRAME_MAX - 16)

ts_err admin_ack_decode(const void *b, size_t n, struct admin_ack *ret,
                        const char **reterr_what)
{
    struct admin_ack m;
    struct body_in in;
    ts_err e;

    body_in_init(&in, b, n, 5, 1);
    m.rev_seq = body_in_uint(&in, "rev_seq", UINT64_MAX);
    m.tools_signalled = body_in_uint(&in, "tools", UINT64_MAX);
    m.sessions_closed = body_in_uint(&in, "sessions", UINT64_MAX);
    m.tickets_voided = body_in_uint(&in, "tickets", UINT64_MAX);
    e = body_in_done(&in, reterr_what);
    if (e == TS_OK)
        *ret = m;
    return e;
}

ts_err admin_ack_send(struct ts_buf *out, const struct admin_ack *m)
{
    struct body_out o;
    ts_err e = body_out_init(&o, out, ADMIN_ACK, 5, 1, 0);

    if (e != TS_OK)
        return e;
    mp_write_uint(&o.w, m->rev_seq);
    mp_write_uint(&o.w, m->tools_signalled);
    mp_write_uint(&o.w, m->sessions_closed);
    mp_write_uint(&o.w, m->tickets_voided);
    return body_out_done(&o);
}

ts_err admin_complete_decode(const void *b, size_t n,
                             struct admin_complete *ret,
                             const char **reterr_what)
{
    struct admin_complete m;
    struct body_in in;
    ts_err e;

    body_in_init(&in, b, n, 2, 1);
    m.rev_seq = body_in_uint(&in, "rev_seq", UINT64_MAX);
    e = body_in_done(&in, reterr_what);
    if (e == TS_OK)
        *ret = m;
    return e;
}

ts_err admin_complete_send(struct ts_buf *out, const struct admin_complete *m)
{
    struct body_out o;
    ts_err e = body_out_init(&o, out, ADMIN_COMPLETE, 2, 1, 0);

    if (e != TS_OK)
        return e;
    mp_write_uint(&o.w, m->rev_seq);
    return body_out_done(&o);
}

/* One line: a newline inside would read as a second record. */
static struct body_flaw text_check(const struct admin_text *m)
{
    struct body_flaw f = {.error = TS_OK};

    body_need(&f, m->text.len > 0, "text", TS_E_INVALID);
    body_need(&f, m->text.len <= TEXT_MAX, "text", TS_E_LIMIT);
    for (size_t i = 0; i < m->text.len && f.error == TS_OK; i++)
        body_need(&f, m->text.ptr[i] != '\n', "text", TS_E_INVALID);
    return f;
}

ts_err admin_text_decode(const void *b, size_t n, struct admin_text *ret,
                         const char **reterr_what)
{
    struct admin_text m;
    struct body_in in;
    ts_err e;

    body_in_init(&in, b, n, 2, 1);
    m.text = body_in_str(&in, "text", TEXT_MAX);
    e = body_in_done(&in, reterr_what);
    if (e != TS_OK)
        return e;
    e = body_told(text_check(&m), reterr_what);
    if (e == TS_OK)
        *ret = m;
    return e;
}

ts_err admin_text_send(struct ts_buf *out, enum admin_type type,
                       const struct admin_text *m)
{
    struct body_out o;
    ts_err e = text_check(m).error;

    if (type != ADMIN_STATUS && type != ADMIN_LINE)
        return TS_E_INVALID;
    if (e == TS_OK)
        e = body_out_init(&o, out, (uint8_t)type, 2, 1, m->text.len);
    if (e != TS_OK)
        return e;
    body_out_str(&o, m->text);
    return body_out_done(&o);
}

static struct body_flaw fail_check(const struct admin_fail *m)
{
    struct body_flaw f = {.error = TS_OK};

    body_need(&f, body_code_ok(m->code), "code", TS_E_INVALID);
    body_need(&f, m->text.len <= TS_MESSAGE_TEXT_MAX, "text", TS_E_LIMIT);
    return f;
}

ts_err admin_fail_decode(const void *b, size_t n, struct admin_fail *ret,
                         const char **reterr_what)
{
    struct admin_fail m;
    struct body_in in;
    ts_err e;

    body_in_init(&in, b, n, 3, 1);
    m.code = body_in_str(&in, "code", TS_CODE_MAX);
    m.text = body_in_str(&in, "text", TS_MESSAGE_TEXT_MAX);
    e = body_in_done(&in, reterr_what);
    if (e != TS_OK)
        return e;
    e = body_told(fail_check(&m), reterr_what);
    if (e == TS_OK)
        *ret = m;
    return e;
}

ts_err admin_fail_send(struct ts_buf *out, const struct admin_fail *m)
{
    struct body_out o;
    ts_err e = fail_check(m).error;

    if (e == TS_OK)
        e = body_out_init(&o, out, ADMIN_FAIL, 3, 1, m->code.len + m->text.len);
    if (e != TS_OK)
        return e;
    body_out_str(&o, m->code);
    body_out_str(&o, m->text);
    return body_out_done(&o);
}
