/* What the process of the on_pending hook says to the gate. */
#include "proto/msg/admin.h"
#include "proto/msg/body.h"
#include "proto/wire/limits.h"

static struct body_flaw hook_check(const struct admin_hook *m)
{
    struct body_flaw f = {.error = TS_OK};

    body_need(&f, m->failed <= m->ran, "failed", TS_E_INVALID);
    body_need(&f, body_code_ok(m->code), "code", TS_E_INVALID);
    body_need(&f, m->text.len <= TS_MESSAGE_TEXT_MAX, "text", TS_E_LIMIT);
    return f;
}

ts_err admin_hook_decode(const void *b, size_t n, struct admin_hook *ret,
                         const char **reterr_what)
{
    struct admin_hook m;
    struct body_in in;
    ts_err e;

    body_in_init(&in, b, n, 6, 1);
    m.ran = body_in_uint(&in, "ran", UINT64_MAX);
    m.failed = body_in_uint(&in, "failed", UINT64_MAX);
    m.left_out = body_in_uint(&in, "left_out", UINT64_MAX);
    m.code = body_in_str(&in, "code", TS_CODE_MAX);
    m.text = body_in_str(&in, "text", TS_MESSAGE_TEXT_MAX);
    e = body_in_done(&in, reterr_what);
    if (e != TS_OK)
        return e;
    e = body_told(hook_check(&m), reterr_what);
    if (e == TS_OK)
        *ret = m;
    return e;
}

ts_err admin_hook_send(struct ts_buf *out, const struct admin_hook *m)
{
    struct body_out o;
    ts_err e = hook_check(m).error;

    if (e == TS_OK)
        e = body_out_init(&o, out, ADMIN_HOOK, 6, 1, m->code.len + m->text.len);
    if (e != TS_OK)
        return e;
    mp_write_uint(&o.w, m->ran);
    mp_write_uint(&o.w, m->failed);
    mp_write_uint(&o.w, m->left_out);
    body_out_str(&o, m->code);
    body_out_str(&o, m->text);
    return body_out_done(&o);
}
