/* REVOKE: a holder takes back what it has handed on. */
#include "proto/msg/body.h"
#include "proto/msg/client.h"

static struct body_flaw revoke_check(const struct msg_revoke *m)
{
    struct body_flaw f = {.error = TS_OK};

    body_need(&f, m->record.len > 0, "record", TS_E_INVALID);
    body_need(&f, m->record.len <= TS_REVOCATION_MAX, "record", TS_E_LIMIT);
    body_need(&f, m->chain.len > 0, "chain", TS_E_INVALID);
    body_need(&f, m->chain.len <= TS_CHAIN_MAX, "chain", TS_E_LIMIT);
    return f;
}

ts_err msg_revoke_decode(const void *b, size_t n, struct msg_revoke *ret,
                         const char **reterr_what)
{
    struct msg_revoke m;
    struct body_in in;
    ts_err e;

    body_in_init(&in, b, n, 4, 1);
    m.seq = body_in_uint(&in, "seq", UINT64_MAX);
    m.record = body_in_bin(&in, "record", TS_REVOCATION_MAX);
    m.chain = body_in_bin(&in, "chain", TS_CHAIN_MAX);
    e = body_in_done(&in, reterr_what);
    if (e != TS_OK)
        return e;
    e = body_told(revoke_check(&m), reterr_what);
    if (e == TS_OK)
        *ret = m;
    return e;
}

ts_err msg_revoke_send(struct ts_buf *out, const struct msg_revoke *m)
{
    struct body_out o;
    ts_err e = revoke_check(m).error;

    if (e == TS_OK)
        e = body_out_init(&o, out, MSG_REVOKE, 4, 1,
                          m->record.len + m->chain.len);
    if (e != TS_OK)
        return e;
    mp_write_uint(&o.w, m->seq);
    body_out_bin(&o, m->record);
    body_out_bin(&o, m->chain);
    return body_out_done(&o);
}
