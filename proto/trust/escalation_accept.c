/* Whether enough people, and the right ones, stand behind an escalation. */
#include <string.h>

#include "proto/trust/escalation.h"
#include "proto/wire/limits.h"

static bool holds_four_eyes(const struct approver *a)
{
    for (uint32_t i = 0; i < a->class_count; i++)
        if (ts_str_eq_c(a->classes[i], APPROVAL_FOUR_EYES))
            return true;
    return false;
}

/* One signature: key, person, bytes, and only then what the person may. */
static enum escalation_code judge(const struct approval_people *who,
                                  const struct escalation_object *o, uint32_t i,
                                  const struct escalation *e,
                                  struct approver *ret)
{
    struct approver by;

    if (!who->find(who->ctx, o->sigs[i].kid, &by))
        return ESCALATION_E_KEY;
    if (!ts_str_eq(by.tenant, e->tenant))
        return ESCALATION_E_TENANT;
    if (!by.active)
        return ESCALATION_E_INACTIVE;
    if (escalation_verify(o, i, by.pk) != TRUST_OK)
        return ESCALATION_E_SIG;
    /* When it was signed is not said: not after it is to begin, in any case
     * that matters; an older time can only be revoked more. */
    if (who->revoked(who->ctx, &by, e->nbf))
        return ESCALATION_E_REVOKED;
    if (!holds_four_eyes(&by))
        return ESCALATION_E_CLASS;
    if (ts_str_eq(by.person, e->user) ||
        who->owns(who->ctx, e->tenant, e->agent, by.person))
        return ESCALATION_E_OWN;
    *ret = by;
    return ESCALATION_OK;
}

static enum escalation_code times(const struct escalation *e,
                                  const struct escalation_rules *rules,
                                  uint64_t now)
{
    if (e->exp - e->nbf > rules->max_s)
        return ESCALATION_E_WINDOW;
    if (e->nbf > now && e->nbf - now > TS_SKEW_S)
        return ESCALATION_E_EARLY;
    return now < e->exp ? ESCALATION_OK : ESCALATION_E_EXPIRED;
}

enum escalation_code escalation_accept(const struct approval_people *who,
                                       struct ts_bytes in,
                                       const struct escalation_rules *rules,
                                       uint64_t now, struct escalation *ret,
                                       struct escalation_signers *ret_by)
{
    uint32_t quorum = rules->quorum > ESCALATION_QUORUM_MIN
                          ? rules->quorum
                          : ESCALATION_QUORUM_MIN;
    struct escalation_signers by = {.count = 0};
    struct escalation_object o;
    struct escalation e;
    enum escalation_code c;

    if (escalation_split(in, &o) != TRUST_OK ||
        escalation_decode(o.body, &e) != TRUST_OK)
        return ESCALATION_E_FORMAT;
    for (uint32_t i = 0; i < o.sig_count; i++) {
        struct approver one;

        if ((c = judge(who, &o, i, &e, &one)) != ESCALATION_OK)
            return c;
        for (uint32_t k = 0; k < by.count; k++)
            if (ts_str_eq(by.people[k], one.person))
                return ESCALATION_E_REPEATED;
        by.people[by.count++] = one.person;
    }
    if (by.count < quorum)
        return ESCALATION_E_QUORUM;
    if ((c = times(&e, rules, now)) != ESCALATION_OK)
        return c;
    *ret = e;
    *ret_by = by;
    return ESCALATION_OK;
}
