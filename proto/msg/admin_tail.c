/* Operators and the recorder: TAIL and LIST; and the bodies that say nothing
 * but their version. */
#include "proto/msg/admin.h"
#include "proto/msg/body.h"
#include "proto/wire/limits.h"

static bool filter_ok(struct ts_str s)
{
    if (s.len > TS_ID_MAX)
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] < 0x21 || s.ptr[i] > 0x7e)
            return false;
    return true; /* "" filters nothing */
}

static bool effect_ok(struct ts_str s)
{
    return s.len == 0 || ts_str_eq_c(s, "permit") || ts_str_eq_c(s, "forbid") ||
           ts_str_eq_c(s, "pending");
}

static struct body_flaw tail_check(const struct admin_tail *m)
{
    struct body_flaw f = {.error = TS_OK};

    body_need(&f, filter_ok(m->tenant), "tenant", TS_E_INVALID);
    body_need(&f, filter_ok(m->agent), "agent", TS_E_INVALID);
    body_need(&f, effect_ok(m->effect), "effect", TS_E_INVALID);
    return f;
}

ts_err admin_tail_decode(const void *b, size_t n, struct admin_tail *ret,
                         const char **reterr_what)
{
    struct admin_tail m;
    struct body_in in;
    ts_err e;

    body_in_init(&in, b, n, 8, 1);
    m.follow = body_in_bool(&in, "follow");
    m.from_seq = body_in_uint(&in, "from_seq", UINT64_MAX);
    m.last = body_in_uint(&in, "last", UINT64_MAX);
    m.tenant = body_in_str(&in, "tenant", TS_ID_MAX);
    m.agent = body_in_str(&in, "agent", TS_ID_MAX);
    m.effect = body_in_str(&in, "effect", TS_CODE_MAX);
    m.since_unix_ms = body_in_uint(&in, "since_unix_ms", UINT64_MAX);
    e = body_in_done(&in, reterr_what);
    if (e != TS_OK)
        return e;
    e = body_told(tail_check(&m), reterr_what);
    if (e == TS_OK)
        *ret = m;
    return e;
}

ts_err admin_tail_send(struct ts_buf *out, const struct admin_tail *m)
{
    struct body_out o;
    ts_err e = tail_check(m).error;

    if (e == TS_OK)
        e = body_out_init(&o, out, ADMIN_TAIL, 8, 1,
                          m->tenant.len + m->agent.len + m->effect.len);
    if (e != TS_OK)
        return e;
    mp_write_bool(&o.w, m->follow);
    mp_write_uint(&o.w, m->from_seq);
    mp_write_uint(&o.w, m->last);
    body_out_str(&o, m->tenant);
    body_out_str(&o, m->agent);
    body_out_str(&o, m->effect);
    mp_write_uint(&o.w, m->since_unix_ms);
    return body_out_done(&o);
}

ts_err admin_list_decode(const void *b, size_t n, struct admin_list *ret,
                         const char **reterr_what)
{
    struct admin_list m;
    struct body_in in;
    ts_err e;

    body_in_init(&in, b, n, 2, 1);
    m.tenant = body_in_str(&in, "tenant", TS_ID_MAX);
    if (in.r.error == TS_OK && !filter_ok(m.tenant))
        body_in_fail(&in, "tenant", TS_E_INVALID);
    e = body_in_done(&in, reterr_what);
    if (e == TS_OK)
        *ret = m;
    return e;
}

ts_err admin_list_send(struct ts_buf *out, const struct admin_list *m)
{
    struct body_out o;
    ts_err e = filter_ok(m->tenant) ? TS_OK : TS_E_INVALID;

    if (e == TS_OK)
        e = body_out_init(&o, out, ADMIN_LIST, 2, 1, m->tenant.len);
    if (e != TS_OK)
        return e;
    body_out_str(&o, m->tenant);
    return body_out_done(&o);
}

static struct body_flaw entry_check(const struct admin_entry *m)
{
    struct body_flaw f = {.error = TS_OK};

    body_need(&f, m->type >= JOURNAL_REVOCATION && m->type <= JOURNAL_TYPE_LAST,
              "type", TS_E_INVALID);
    body_need(&f, m->tenant.len <= TS_ID_MAX, "tenant", TS_E_LIMIT);
    body_need(&f, m->payload.len <= JOURNAL_PAYLOAD_MAX, "payload", TS_E_LIMIT);
    return f;
}

ts_err admin_entry_decode(const void *b, size_t n, struct admin_entry *ret,
                          const char **reterr_what)
{
    struct admin_entry m;
    struct body_in in;
    uint32_t type;
    ts_err e;

    body_in_init(&in, b, n, 5, 1);
    type = body_in_u32(&in, "type", JOURNAL_TYPE_LAST);
    if (in.r.error == TS_OK && type < JOURNAL_REVOCATION)
        body_in_fail(&in, "type", TS_E_INVALID);
    m.type = in.r.error == TS_OK ? (enum journal_type)type : JOURNAL_REVOCATION;
    m.tenant = body_in_str(&in, "tenant", TS_ID_MAX);
    m.keep_until = body_in_uint(&in, "keep_until", UINT64_MAX);
    m.payload = body_in_bin(&in, "payload", JOURNAL_PAYLOAD_MAX);
    e = body_in_done(&in, reterr_what);
    if (e != TS_OK)
        return e;
    e = body_told(entry_check(&m), reterr_what);
    if (e == TS_OK)
        *ret = m;
    return e;
}

ts_err admin_entry_send(struct ts_buf *out, const struct admin_entry *m)
{
    struct body_out o;
    ts_err e = entry_check(m).error;

    if (e == TS_OK)
        e = body_out_init(&o, out, ADMIN_ENTRY, 5, 1,
                          m->tenant.len + m->payload.len);
    if (e != TS_OK)
        return e;
    mp_write_uint(&o.w, m->type);
    body_out_str(&o, m->tenant);
    mp_write_uint(&o.w, m->keep_until);
    body_out_bin(&o, m->payload);
    return body_out_done(&o);
}

ts_err admin_empty_decode(const void *b, size_t n, const char **reterr_what)
{
    struct body_in in;

    body_in_init(&in, b, n, 1, 1);
    return body_in_done(&in, reterr_what);
}

ts_err admin_empty_send(struct ts_buf *out, enum admin_type type)
{
    struct body_out o;
    ts_err e;

    if (type != ADMIN_STATUS && type != ADMIN_TAIL_END &&
        type != ADMIN_TICKETS_END && type != ADMIN_ESCALATIONS_END)
        return TS_E_INVALID;
    e = body_out_init(&o, out, (uint8_t)type, 1, 1, 0);
    if (e != TS_OK)
        return e;
    return body_out_done(&o);
}
