/* Operators and the gate: which calls wait for people, and what these say. */
#include "proto/msg/admin.h"
#include "proto/msg/body.h"
#include "proto/wire/limits.h"

#define DECISION_ID ((size_t)16)

static bool tenant_ok(struct ts_str t, bool may_be_empty)
{
    return t.len <= TS_ID_MAX && (may_be_empty || t.len > 0);
}

/* ---- APPROVALS ----------------------------------------------------------- */

ts_err admin_approvals_decode(const void *b, size_t n,
                              struct admin_approvals *ret,
                              const char **reterr_what)
{
    struct admin_approvals m;
    struct body_in in;
    ts_err e;

    body_in_init(&in, b, n, 3, 1);
    m.watch = body_in_bool(&in, "watch");
    m.tenant = body_in_str(&in, "tenant", TS_ID_MAX);
    e = body_in_done(&in, reterr_what);
    if (e == TS_OK)
        *ret = m;
    return e;
}

ts_err admin_approvals_send(struct ts_buf *out, const struct admin_approvals *m)
{
    struct body_out o;
    ts_err e = tenant_ok(m->tenant, true) ? TS_OK : TS_E_LIMIT;

    if (e == TS_OK)
        e = body_out_init(&o, out, ADMIN_APPROVALS, 3, 1, m->tenant.len);
    if (e != TS_OK)
        return e;
    mp_write_bool(&o.w, m->watch);
    body_out_str(&o, m->tenant);
    return body_out_done(&o);
}

/* ---- TICKET -------------------------------------------------------------- */

static struct body_flaw ticket_check(const struct admin_ticket *m)
{
    struct body_flaw f = {.error = TS_OK};

    body_need(&f, m->object.len > 0, "object", TS_E_INVALID);
    body_need(&f, m->object.len <= TS_TICKET_MAX, "object", TS_E_LIMIT);
    body_need(&f,
              m->stage == TICKET_STAGE_WAITING ||
                  m->stage == TICKET_STAGE_GRANTED,
              "stage", TS_E_INVALID);
    body_need(&f, m->people_count <= TS_PEOPLE_MAX, "people", TS_E_LIMIT);
    for (uint32_t i = 0; i < m->people_count && f.error == TS_OK; i++) {
        body_need(&f, tenant_ok(m->people[i].person, false), "people",
                  TS_E_INVALID);
        body_need(&f, m->people[i].rules != 0, "people", TS_E_INVALID);
    }
    return f;
}

static void read_people(struct body_in *in, struct admin_ticket *m)
{
    m->people_count = body_in_array(in, "people", TS_PEOPLE_MAX);
    for (uint32_t i = 0; i < m->people_count; i++) {
        body_in_tuple(in, "people", 2);
        m->people[i].person = body_in_str(in, "people", TS_ID_MAX);
        m->people[i].rules = body_in_u32(in, "people", UINT32_MAX);
    }
}

ts_err admin_ticket_decode(const void *b, size_t n, struct admin_ticket *ret,
                           const char **reterr_what)
{
    struct admin_ticket m = {.people_count = 0};
    struct body_in in;
    uint32_t stage;
    ts_err e;

    body_in_init(&in, b, n, 4, 1);
    m.object = body_in_bin(&in, "object", TS_TICKET_MAX);
    stage = body_in_u32(&in, "stage", TICKET_STAGE_GRANTED);
    if (in.r.error == TS_OK && stage < TICKET_STAGE_WAITING)
        body_in_fail(&in, "stage", TS_E_INVALID);
    m.stage = stage == TICKET_STAGE_GRANTED ? TICKET_STAGE_GRANTED
                                            : TICKET_STAGE_WAITING;
    read_people(&in, &m);
    e = body_in_done(&in, reterr_what);
    if (e != TS_OK)
        return e;
    e = body_told(ticket_check(&m), reterr_what);
    if (e == TS_OK)
        *ret = m;
    return e;
}

ts_err admin_ticket_send(struct ts_buf *out, const struct admin_ticket *m)
{
    size_t people = 0;
    struct body_out o;
    ts_err e = ticket_check(m).error;

    for (uint32_t i = 0; e == TS_OK && i < m->people_count; i++)
        people += m->people[i].person.len + 3 * BODY_HEAD_MAX;
    if (e == TS_OK)
        e = body_out_init(&o, out, ADMIN_TICKET, 4, 1, m->object.len + people);
    if (e != TS_OK)
        return e;
    body_out_bin(&o, m->object);
    mp_write_uint(&o.w, m->stage);
    mp_write_array(&o.w, m->people_count);
    for (uint32_t i = 0; i < m->people_count; i++) {
        mp_write_array(&o.w, 2);
        body_out_str(&o, m->people[i].person);
        mp_write_uint(&o.w, m->people[i].rules);
    }
    return body_out_done(&o);
}

/* ---- NEWS ---------------------------------------------------------------- */

static struct body_flaw news_check(const struct admin_ticket_news *m)
{
    struct body_flaw f = {.error = TS_OK};

    body_need(&f, tenant_ok(m->tenant, false), "tenant", TS_E_INVALID);
    body_need(&f, body_code_ok(m->what), "what", TS_E_INVALID);
    body_need(&f, m->people <= TS_PEOPLE_MAX, "people", TS_E_LIMIT);
    return f;
}

ts_err admin_ticket_news_decode(const void *b, size_t n,
                                struct admin_ticket_news *ret,
                                const char **reterr_what)
{
    struct admin_ticket_news m;
    struct body_in in;
    ts_err e;

    body_in_init(&in, b, n, 5, 1);
    body_in_bin_exact(&in, "decision_id", m.decision_id, DECISION_ID);
    m.tenant = body_in_str(&in, "tenant", TS_ID_MAX);
    m.what = body_in_str(&in, "what", TS_CODE_MAX);
    m.people = body_in_u32(&in, "people", TS_PEOPLE_MAX);
    e = body_in_done(&in, reterr_what);
    if (e != TS_OK)
        return e;
    e = body_told(news_check(&m), reterr_what);
    if (e == TS_OK)
        *ret = m;
    return e;
}

ts_err admin_ticket_news_send(struct ts_buf *out,
                              const struct admin_ticket_news *m)
{
    struct body_out o;
    ts_err e = news_check(m).error;

    if (e == TS_OK)
        e = body_out_init(&o, out, ADMIN_TICKET_NEWS, 5, 1,
                          DECISION_ID + m->tenant.len + m->what.len);
    if (e != TS_OK)
        return e;
    mp_write_bin(&o.w, m->decision_id, DECISION_ID);
    body_out_str(&o, m->tenant);
    body_out_str(&o, m->what);
    mp_write_uint(&o.w, m->people);
    return body_out_done(&o);
}

/* ---- ANSWER, ANSWERED ---------------------------------------------------- */

static struct body_flaw answer_check(const struct admin_answer *m)
{
    struct body_flaw f = {.error = TS_OK};

    body_need(&f, m->answer.len > 0, "answer", TS_E_INVALID);
    body_need(&f, m->answer.len <= TS_APPROVAL_MAX, "answer", TS_E_LIMIT);
    return f;
}

ts_err admin_answer_decode(const void *b, size_t n, struct admin_answer *ret,
                           const char **reterr_what)
{
    struct admin_answer m;
    struct body_in in;
    ts_err e;

    body_in_init(&in, b, n, 2, 1);
    m.answer = body_in_bin(&in, "answer", TS_APPROVAL_MAX);
    e = body_in_done(&in, reterr_what);
    if (e != TS_OK)
        return e;
    e = body_told(answer_check(&m), reterr_what);
    if (e == TS_OK)
        *ret = m;
    return e;
}

ts_err admin_answer_send(struct ts_buf *out, const struct admin_answer *m)
{
    struct body_out o;
    ts_err e = answer_check(m).error;

    if (e == TS_OK)
        e = body_out_init(&o, out, ADMIN_ANSWER, 2, 1, m->answer.len);
    if (e != TS_OK)
        return e;
    body_out_bin(&o, m->answer);
    return body_out_done(&o);
}

static bool state_ok(struct ts_str s)
{
    static const char *const known[] = {"none", "waiting", "granted", "denied"};

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (ts_str_eq_c(s, known[i]))
            return true;
    return false;
}

static struct body_flaw answered_check(const struct admin_answered *m)
{
    struct body_flaw f = {.error = TS_OK};

    body_need(&f, body_code_ok(m->code), "code", TS_E_INVALID);
    body_need(&f, m->text.len <= TS_MESSAGE_TEXT_MAX, "text", TS_E_LIMIT);
    body_need(&f, state_ok(m->state), "state", TS_E_INVALID);
    return f;
}

ts_err admin_answered_decode(const void *b, size_t n,
                             struct admin_answered *ret,
                             const char **reterr_what)
{
    struct admin_answered m;
    struct body_in in;
    ts_err e;

    body_in_init(&in, b, n, 5, 1);
    m.code = body_in_str(&in, "code", TS_CODE_MAX);
    m.text = body_in_str(&in, "text", TS_MESSAGE_TEXT_MAX);
    m.state = body_in_str(&in, "state", TS_CODE_MAX);
    body_in_bin_exact(&in, "decision_id", m.decision_id, DECISION_ID);
    e = body_in_done(&in, reterr_what);
    if (e != TS_OK)
        return e;
    e = body_told(answered_check(&m), reterr_what);
    if (e == TS_OK)
        *ret = m;
    return e;
}

ts_err admin_answered_send(struct ts_buf *out, const struct admin_answered *m)
{
    struct body_out o;
    ts_err e = answered_check(m).error;

    if (e == TS_OK)
        e = body_out_init(&o, out, ADMIN_ANSWERED, 5, 1,
                          m->code.len + m->text.len + m->state.len +
                              DECISION_ID);
    if (e != TS_OK)
        return e;
    body_out_str(&o, m->code);
    body_out_str(&o, m->text);
    body_out_str(&o, m->state);
    mp_write_bin(&o.w, m->decision_id, DECISION_ID);
    return body_out_done(&o);
}
