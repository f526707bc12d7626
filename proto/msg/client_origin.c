/* ORIGIN: who began the task, as an issuer has signed it. */
#include "proto/msg/body.h"
#include "proto/msg/client.h"

static struct body_flaw origin_check(const struct msg_origin *m)
{
    struct body_flaw f = {.error = TS_OK};

    body_need(&f, m->origin.len > 0, "origin", TS_E_INVALID);
    body_need(&f, m->origin.len <= TS_ORIGIN_MAX, "origin", TS_E_LIMIT);
    return f;
}

ts_err msg_origin_decode(const void *b, size_t n, struct msg_origin *ret,
                         const char **reterr_what)
{
    struct msg_origin m;
    struct body_in in;
    ts_err e;

    body_in_init(&in, b, n, 2, 1);
    m.origin = body_in_bin(&in, "origin", TS_ORIGIN_MAX);
    e = body_in_done(&in, reterr_what);
    if (e != TS_OK)
        return e;
    e = body_told(origin_check(&m), reterr_what);
    if (e == TS_OK)
        *ret = m;
    return e;
}

ts_err msg_origin_send(struct ts_buf *out, const struct msg_origin *m)
{
    struct body_out o;
    ts_err e = origin_check(m).error;

    if (e == TS_OK)
        e = body_out_init(&o, out, MSG_ORIGIN, 2, 1, m->origin.len);
    if (e != TS_OK)
        return e;
    body_out_bin(&o, m->origin);
    return body_out_done(&o);
}
