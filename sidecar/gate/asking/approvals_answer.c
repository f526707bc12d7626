/* What a person said: whether it counts, its record, and the reply. */
#include "sidecar/common/log.h"
#include "sidecar/gate/asking/approvals_priv.h"
#include "sidecar/gate/people/snapshot.h"
#include "sidecar/gate/revocation/revoke_signed.h"
#include "sidecar/gate/running/order_out.h"
#include "sidecar/gate/steps/records.h"
#include "sidecar/gate/wire/admin_uv.h"

static const char *state_name(enum ticket_state s)
{
    if (s == TICKET_GRANTED)
        return "granted";
    return s == TICKET_DENIED ? "denied" : "waiting";
}

static void reply(struct approvals_reply *r, const char *code, const char *text,
                  const char *state)
{
    size_t n = approvals_small_letters(code, r->code_buf, sizeof(r->code_buf));

    r->m.code = (struct ts_str){.ptr = r->code_buf, .len = n};
    r->m.text = ts_str_of(text);
    r->m.state = ts_str_of(state);
}

static void reply_code(struct approvals_reply *r, enum approval_code c,
                       const char *state)
{
    reply(r, approval_code_name(c), approval_code_text(c), state);
}

static ts_err write_answer(struct gate *g, const struct pending *p,
                           uint32_t uid, enum approval_code c,
                           const struct approval *a)
{
    const struct ticket *t = pending_ticket(p);
    char code[TS_CODE_MAX];
    uint8_t record[ORDER_OUT_SMALL];
    struct approval_record r = {
        .decision_id = t->decision_id,
        .tenant = t->tenant,
        .ticket_id = pending_id(p),
        .code = {.ptr = code,
                 .len = approvals_small_letters(approval_code_name(c), code,
                                                sizeof(code))},
        .state = ts_str_of(state_name(pending_state(p))),
        .people = pending_tally(p)->people_count,
        .by_uid = uid};
    size_t len;
    ts_err e;

    if (c == APPROVAL_OK) {
        r.person = a->person;
        r.verdict = ts_str_of(a->verdict == APPROVAL_YES ? "yes" : "no");
    } else {
        r.person = TS_STR_LIT("");
        r.verdict = TS_STR_LIT("");
    }
    e = record_approval(&r, record, sizeof(record), &len);
    return e == TS_OK ? order_out_record_small(g, record, len) : e;
}

/* Why nothing can be answered now; NULL: it can. */
static const char *not_now(struct gate *g, struct ts_str tenant)
{
    const struct tenant_state *s = tenant_states_find(&g->states, tenant);
    enum call_code code = CODE_NOT_READY;

    if (order_out_state(g) == ORDER_OUT_NOTHING)
        return call_code_name(CODE_AUDIT_UNAVAILABLE);
    if (clock_guard_decides(&g->guard) && s != NULL)
        code = tenant_state_code(s, gate_now(g).boot_ns);
    return code == CODE_PERMITTED ? NULL : call_code_name(code);
}

static ts_err take_answer(struct gate *g, uint32_t uid, struct ts_bytes answer,
                          struct pending *p, struct approvals_reply *ret)
{
    struct approval_people who = approvals_people(g);
    struct pending *same = p;
    struct approval a;
    const char *state;
    enum approval_code c =
        tickets_answer(g->approvals->tickets, &who, answer,
                       gate_now(g).unix_ms / 1000, &same, &a);

    state = state_name(pending_state(p));
    reply_code(ret, c, state);
    if (write_answer(g, p, uid, c, &a) != TS_OK) {
        gate_fail(g, "a person's answer could not be recorded");
        return TS_E_STATE;
    }
    if (c != APPROVAL_OK) {
        log_event(LOG_WARN, "answer_refused uid=%u code=%.*s", uid,
                  (int)ret->m.code.len, ret->m.code.ptr);
        return TS_OK;
    }
    if (pending_state(p) == TICKET_DENIED)
        approvals_void(g, p, TICKET_END_DENIED);
    else
        admins_ticket_news(
            g, p, pending_state(p) == TICKET_GRANTED ? "granted" : "answered");
    approvals_run(g);
    return TS_OK;
}

ts_err approvals_answer(struct gate *g, uint32_t uid, struct ts_bytes answer,
                        struct approvals_reply *ret)
{
    struct pending *p;
    const char *code;
    uint8_t *room;
    ts_err e;

    *ret = (struct approvals_reply){0};
    if (!approval_peek(answer, ret->m.decision_id)) {
        reply_code(ret, APPROVAL_E_FORMAT, "none");
        return TS_OK;
    }
    p = tickets_find(g->approvals->tickets, ret->m.decision_id);
    if (p == NULL || !operator_may(g, uid, pending_ticket(p)->tenant)) {
        reply_code(ret, APPROVAL_E_UNKNOWN, "none");
        return TS_OK;
    }
    code = not_now(g, pending_ticket(p)->tenant);
    if (code != NULL) {
        reply(ret, code, "nothing is decided just now; try again later",
              state_name(pending_state(p)));
        return TS_OK;
    }
    e = order_out_begin(g, &room); /* room for the record of the answer */
    return e == TS_OK ? take_answer(g, uid, answer, p, ret) : e;
}
