/* Whose answer it is, whether it counts, and when there are enough. */
#include <string.h>

#include "proto/trust/approval_priv.h"

/* What it says against what was asked, in the order of section 8.3. */
static enum approval_code fits(const struct approval *a,
                               const struct approver *by,
                               const struct ticket *t, const uint8_t *ticket_id,
                               uint64_t now)
{
    if (memcmp(a->ticket_id, ticket_id, TRUST_HASH_LEN) != 0 ||
        memcmp(a->decision_id, t->decision_id, sizeof(t->decision_id)) != 0)
        return APPROVAL_E_TICKET;
    if (!ts_str_eq(a->tenant, t->tenant))
        return APPROVAL_E_TENANT;
    if (!ts_str_eq(a->person, by->person))
        return APPROVAL_E_PERSON;
    if (a->iat < t->created && t->created - a->iat > TS_SKEW_S)
        return APPROVAL_E_EARLY; /* signed before there was a question */
    if (a->exp <= a->iat || a->exp - a->iat > APPROVAL_TTL_MAX_S ||
        (a->iat > now && a->iat - now > TS_SKEW_S))
        return APPROVAL_E_WINDOW;
    if (now >= a->exp)
        return APPROVAL_E_EXPIRED;
    return now < t->expires ? APPROVAL_OK : APPROVAL_E_LATE;
}

static bool holds(const struct approver *a, struct ts_str class_id)
{
    for (uint32_t i = 0; i < a->class_count; i++)
        if (ts_str_eq(a->classes[i], class_id))
            return true;
    return false;
}

/* Who asks and who owns what asks cannot be the second pair of eyes. */
static bool is_concerned(const struct approval_people *who,
                         const struct ticket *t, struct ts_str person)
{
    if (ts_str_eq(person, t->user))
        return true;
    for (uint32_t i = 0; i < t->agent_count; i++)
        if (who->owns(who->ctx, t->tenant, t->agents[i], person))
            return true;
    return false;
}

static uint32_t people_of(const struct approval_tally *t, uint32_t rule)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < t->people_count; i++)
        n += t->people[i].rules >> rule & 1;
    return n;
}

static bool has_answered(const struct approval_tally *t, struct ts_str person)
{
    for (uint32_t i = 0; i < t->people_count; i++)
        if (t->people[i].person_len == person.len &&
            memcmp(t->people[i].person, person.ptr, person.len) == 0)
            return true;
    return false;
}

/* Which rules by can answer, and of these which still lack people. */
static enum approval_code rules_of(const struct approval_people *who,
                                   const struct ticket *t,
                                   const struct approver *by,
                                   const struct approval_tally *tally,
                                   uint32_t *ret_held, uint32_t *ret_open)
{
    bool concerned = is_concerned(who, t, by->person);
    uint32_t held = 0, may = 0, open = 0;

    for (uint32_t i = 0; i < t->rule_count; i++) {
        const struct ticket_rule *r = &t->rules[i];

        if (!holds(by, r->class_id))
            continue;
        held |= 1u << i;
        if (concerned && !ts_str_eq_c(r->class_id, APPROVAL_CONFIRM))
            continue;
        may |= 1u << i;
        if (people_of(tally, i) < r->count)
            open |= 1u << i;
    }
    *ret_held = held;
    *ret_open = open;
    if (held == 0)
        return APPROVAL_E_CLASS;
    if (may == 0)
        return APPROVAL_E_OWN;
    return open == 0 ? APPROVAL_E_ENOUGH : APPROVAL_OK;
}

static enum approval_code count(const struct approval_people *who,
                                const struct ticket *t,
                                const struct approver *by,
                                enum approval_verdict verdict,
                                struct approval_tally *tally)
{
    uint32_t held, open, n = tally->people_count;
    enum approval_code c = rules_of(who, t, by, tally, &held, &open);

    if (verdict == APPROVAL_NO && held != 0) { /* anyone who is asked may */
        tally->denied = true;
        return APPROVAL_OK;
    }
    if (c == APPROVAL_E_CLASS || c == APPROVAL_E_OWN)
        return c;
    if (has_answered(tally, by->person))
        return APPROVAL_E_REPEATED;
    if (c != APPROVAL_OK)
        return c;
    /* Each person counted fills a place of a rule: TICKET_PEOPLE_MAX is enough.
     */
    if (n == TICKET_PEOPLE_MAX || by->person.len > TS_ID_MAX)
        return APPROVAL_E_ENOUGH;
    memcpy(tally->people[n].person, by->person.ptr, by->person.len);
    tally->people[n].person_len = (uint32_t)by->person.len;
    tally->people[n].rules = open;
    tally->people_count = n + 1;
    return APPROVAL_OK;
}

/* Key, person, signature, and only then what it says. */
static enum approval_code
open_answer(const struct approval_people *who, const struct ticket *ticket,
            struct ts_bytes in, struct approver *ret_by, struct approval *ret)
{
    struct approval_answer a;

    if (approval_split(in, &a) != TRUST_OK)
        return APPROVAL_E_FORMAT;
    if (!who->find(who->ctx, a.kid, ret_by))
        return APPROVAL_E_KEY;
    if (!ts_str_eq(ret_by->tenant, ticket->tenant))
        return APPROVAL_E_TENANT;
    if (!ret_by->active)
        return APPROVAL_E_INACTIVE;
    if (approval_verify(&a, ret_by->pk) != TRUST_OK)
        return APPROVAL_E_SIG;
    if (approval_decode(a.raw.body, ret) != TRUST_OK)
        return APPROVAL_E_FORMAT;
    if (who->revoked(who->ctx, ret_by, ret->iat))
        return APPROVAL_E_REVOKED;
    return APPROVAL_OK;
}

enum approval_code
approval_accept(const struct approval_people *who, const struct ticket *ticket,
                const uint8_t ticket_id[TRUST_HASH_LEN], struct ts_bytes in,
                uint64_t now, struct approval_tally *t, struct approval *ret)
{
    struct approver by;
    struct approval a;
    enum approval_code c = open_answer(who, ticket, in, &by, &a);

    if (c != APPROVAL_OK ||
        (c = fits(&a, &by, ticket, ticket_id, now)) != APPROVAL_OK)
        return c;
    if (t->denied)
        return APPROVAL_E_DENIED;
    c = count(who, ticket, &by, a.verdict, t);
    if (c == APPROVAL_OK && ret != NULL)
        *ret = a;
    return c;
}

bool approval_quorum(const struct ticket *ticket,
                     const struct approval_tally *t)
{
    if (t->denied)
        return false;
    for (uint32_t i = 0; i < ticket->rule_count; i++)
        if (people_of(t, i) < ticket->rules[i].count)
            return false;
    return ticket->rule_count > 0;
}
