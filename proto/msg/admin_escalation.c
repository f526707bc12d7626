/* Operators and the gate: break-glass escalations. */
#include "proto/msg/admin.h"
#include "proto/msg/body.h"
#include "proto/wire/limits.h"

#define ID_BYTES ((size_t)16)

static bool id_ok(struct ts_str t, bool may_be_empty)
{
    return t.len <= TS_ID_MAX && (may_be_empty || t.len > 0);
}

/* ---- ESCALATE, ESCALATED ---------------------------------------------------
 */

static struct body_flaw escalate_check(const struct admin_escalate *m)
{
    struct body_flaw f = {.error = TS_OK};

    body_need(&f, m->object.len > 0, "object", TS_E_INVALID);
    body_need(&f, m->object.len <= TS_ESCALATION_MAX, "object", TS_E_LIMIT);
    return f;
}

ts_err admin_escalate_decode(const void *b, size_t n,
                             struct admin_escalate *ret,
                             const char **reterr_what)
{
    struct admin_escalate m;
    struct body_in in;
    ts_err e;

    body_in_init(&in, b, n, 2, 1);
    m.object = body_in_bin(&in, "object", TS_ESCALATION_MAX);
    e = body_in_done(&in, reterr_what);
    if (e != TS_OK)
        return e;
    e = body_told(escalate_check(&m), reterr_what);
    if (e == TS_OK)
        *ret = m;
    return e;
}

ts_err admin_escalate_send(struct ts_buf *out, const struct admin_escalate *m)
{
    struct body_out o;
    ts_err e = escalate_check(m).error;

    if (e == TS_OK)
        e = body_out_init(&o, out, ADMIN_ESCALATE, 2, 1, m->object.len);
    if (e != TS_OK)
        return e;
    body_out_bin(&o, m->object);
    return body_out_done(&o);
}

static struct body_flaw escalated_check(const struct admin_escalated *m)
{
    struct body_flaw f = {.error = TS_OK};

    body_need(&f, body_code_ok(m->code), "code", TS_E_INVALID);
    body_need(&f, m->text.len <= TS_MESSAGE_TEXT_MAX, "text", TS_E_LIMIT);
    return f;
}

ts_err admin_escalated_decode(const void *b, size_t n,
                              struct admin_escalated *ret,
                              const char **reterr_what)
{
    struct admin_escalated m;
    struct body_in in;
    ts_err e;

    body_in_init(&in, b, n, 4, 1);
    m.code = body_in_str(&in, "code", TS_CODE_MAX);
    m.text = body_in_str(&in, "text", TS_MESSAGE_TEXT_MAX);
    body_in_bin_exact(&in, "id", m.id, ID_BYTES);
    e = body_in_done(&in, reterr_what);
    if (e != TS_OK)
        return e;
    e = body_told(escalated_check(&m), reterr_what);
    if (e == TS_OK)
        *ret = m;
    return e;
}

ts_err admin_escalated_send(struct ts_buf *out, const struct admin_escalated *m)
{
    struct body_out o;
    ts_err e = escalated_check(m).error;

    if (e == TS_OK)
        e = body_out_init(&o, out, ADMIN_ESCALATED, 4, 1,
                          m->code.len + m->text.len + ID_BYTES);
    if (e != TS_OK)
        return e;
    body_out_str(&o, m->code);
    body_out_str(&o, m->text);
    mp_write_bin(&o.w, m->id, ID_BYTES);
    return body_out_done(&o);
}

/* ---- ESCALATIONS, ESCALATION -----------------------------------------------
 */

ts_err admin_escalations_decode(const void *b, size_t n,
                                struct admin_escalations *ret,
                                const char **reterr_what)
{
    struct admin_escalations m;
    struct body_in in;
    ts_err e;

    body_in_init(&in, b, n, 2, 1);
    m.tenant = body_in_str(&in, "tenant", TS_ID_MAX);
    e = body_in_done(&in, reterr_what);
    if (e == TS_OK)
        *ret = m;
    return e;
}

ts_err admin_escalations_send(struct ts_buf *out,
                              const struct admin_escalations *m)
{
    struct body_out o;
    ts_err e = id_ok(m->tenant, true) ? TS_OK : TS_E_LIMIT;

    if (e == TS_OK)
        e = body_out_init(&o, out, ADMIN_ESCALATIONS, 2, 1, m->tenant.len);
    if (e != TS_OK)
        return e;
    body_out_str(&o, m->tenant);
    return body_out_done(&o);
}

static struct body_flaw escalation_check(const struct admin_escalation *m)
{
    struct body_flaw f = {.error = TS_OK};

    body_need(&f, id_ok(m->tenant, false), "tenant", TS_E_INVALID);
    body_need(&f, id_ok(m->user, false), "user", TS_E_INVALID);
    body_need(&f, id_ok(m->agent, false), "agent", TS_E_INVALID);
    body_need(&f, id_ok(m->task, false), "task", TS_E_INVALID);
    body_need(&f, body_code_ok(m->state), "state", TS_E_INVALID);
    body_need(&f, m->used <= m->max_uses, "used", TS_E_INVALID);
    body_need(&f, m->people_count <= TS_PEOPLE_MAX, "people", TS_E_LIMIT);
    for (uint32_t i = 0; i < m->people_count && f.error == TS_OK; i++)
        body_need(&f, id_ok(m->people[i], false), "people", TS_E_INVALID);
    body_need(&f, m->reason.len <= TS_MESSAGE_TEXT_MAX, "reason", TS_E_LIMIT);
    body_need(&f, id_ok(m->incident, true), "incident", TS_E_LIMIT);
    return f;
}

static void read_escalation(struct body_in *in, struct admin_escalation *m)
{
    body_in_bin_exact(in, "id", m->id, ID_BYTES);
    m->tenant = body_in_str(in, "tenant", TS_ID_MAX);
    m->user = body_in_str(in, "user", TS_ID_MAX);
    m->agent = body_in_str(in, "agent", TS_ID_MAX);
    m->task = body_in_str(in, "task", TS_ID_MAX);
    m->state = body_in_str(in, "state", TS_CODE_MAX);
    m->expires = body_in_uint(in, "expires", UINT64_MAX);
    m->used = body_in_u32(in, "used", UINT32_MAX);
    m->max_uses = body_in_u32(in, "max_uses", UINT32_MAX);
    m->people_count = body_in_array(in, "people", TS_PEOPLE_MAX);
    for (uint32_t i = 0; i < m->people_count; i++)
        m->people[i] = body_in_str(in, "people", TS_ID_MAX);
    m->reason = body_in_str(in, "reason", TS_MESSAGE_TEXT_MAX);
    m->incident = body_in_str(in, "incident", TS_ID_MAX);
}

ts_err admin_escalation_decode(const void *b, size_t n,
                               struct admin_escalation *ret,
                               const char **reterr_what)
{
    struct admin_escalation m = {.people_count = 0};
    struct body_in in;
    ts_err e;

    body_in_init(&in, b, n, 13, 1);
    read_escalation(&in, &m);
    e = body_in_done(&in, reterr_what);
    if (e != TS_OK)
        return e;
    e = body_told(escalation_check(&m), reterr_what);
    if (e == TS_OK)
        *ret = m;
    return e;
}

static size_t text_of(const struct admin_escalation *m)
{
    size_t n = ID_BYTES + m->tenant.len + m->user.len + m->agent.len +
               m->task.len + m->state.len + m->reason.len + m->incident.len;

    for (uint32_t i = 0; i < m->people_count; i++)
        n += m->people[i].len + BODY_HEAD_MAX;
    return n;
}

ts_err admin_escalation_send(struct ts_buf *out,
                             const struct admin_escalation *m)
{
    struct body_out o;
    ts_err e = escalation_check(m).error;

    if (e == TS_OK)
        e = body_out_init(&o, out, ADMIN_ESCALATION, 13, 1, text_of(m));
    if (e != TS_OK)
        return e;
    mp_write_bin(&o.w, m->id, ID_BYTES);
    body_out_str(&o, m->tenant);
    body_out_str(&o, m->user);
    body_out_str(&o, m->agent);
    body_out_str(&o, m->task);
    body_out_str(&o, m->state);
    mp_write_uint(&o.w, m->expires);
    mp_write_uint(&o.w, m->used);
    mp_write_uint(&o.w, m->max_uses);
    mp_write_array(&o.w, m->people_count);
    for (uint32_t i = 0; i < m->people_count; i++)
        body_out_str(&o, m->people[i]);
    body_out_str(&o, m->reason);
    body_out_str(&o, m->incident);
    return body_out_done(&o);
}
