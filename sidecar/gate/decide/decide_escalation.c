/* A call that is not permitted, asked once more with what people opened. */
#include <string.h>

#include "sidecar/gate/decide/decide_priv.h"
#include "sidecar/gate/people/escalation_policies.h"

#define PRINCIPALS_MAX (1 + TS_BLOCKS_MAX)

static const char *const names[PRINCIPALS_MAX] = {
    "escalation:user", "escalation:0", "escalation:1",
    "escalation:2",    "escalation:3", "escalation:4",
    "escalation:5",    "escalation:6", "escalation:7"};

/* What the escalation says of principal i (0: the user), as a set behind the
 * others; its place in *ret. */
static ts_err ask_one(struct deciding *d, uint32_t i, struct set_result **ret)
{
    const struct authority_parts *p = d->in->authority->parts;
    const struct decide_escalation *x = d->in->escalation;
    const struct decide_asked q = {
        .name = names[i],
        .policies = x->policies,
        .demands = x->demands,
        .principal = i == 0 ? &p->user : &p->agents[i - 1].up[0],
        .hop = i == 0               ? HOP_SUBJECT
               : i < p->agent_count ? HOP_DELEGATOR
                                    : HOP_CALLER};
    ts_err e = decide_ask_set(d, &q);

    if (e == TS_OK)
        *ret = &d->sets[d->set_count - 1];
    return e;
}

/* Takes what is lifted out of the reasons of a denial. */
static ts_err lift(struct deciding *d, struct set_result *s)
{
    const struct decide_escalation *x = d->in->escalation;
    uint32_t *left, n = 0;
    void *p;
    ts_err e;

    if (s->answer.decision == CEDAR_ALLOW || s->answer.reason_count == 0)
        return TS_OK;
    e = ts_arena_array(d->arena, s->answer.reason_count, sizeof(*left), &p);
    if (e != TS_OK)
        return e;
    left = p;
    for (uint32_t i = 0; i < s->answer.reason_count; i++) {
        uint32_t one = s->answer.reasons[i];

        if (!escalation_lifts(x->lifts, x->lift_count, s->policies, one))
            left[n++] = one;
        else if (d->lifted_count < DECIDE_LIFTED_MAX)
            d->lifted[d->lifted_count++] =
                cedar_policies_info(s->policies, one).id;
    }
    s->answer.reasons = left;
    s->answer.reason_count = n;
    return TS_OK;
}

/* Own permits first: the escalation's are told in a set of their own. */
static void settle(struct set_result *s)
{
    struct cedar_answer *a = &s->answer;

    if (a->decision == CEDAR_ALLOW || a->reason_count > 0 || a->forbid_error ||
        a->permit_count + s->more_permits == 0)
        return;
    a->decision = CEDAR_ALLOW;
    a->reasons = a->satisfied_permits;
    a->reason_count = a->permit_count;
}

static ts_err widen(struct deciding *d, uint32_t principals)
{
    for (uint32_t i = 0; i < principals; i++) {
        struct set_result *s = &d->sets[i], *more;
        ts_err e;

        if (d->in->escalation->policies != NULL) {
            if ((e = ask_one(d, i, &more)) != TS_OK)
                return e;
            s->more_permits = more->answer.permit_count;
        }
        if ((e = lift(d, s)) != TS_OK)
            return e;
        settle(s);
    }
    return TS_OK;
}

struct combined decide_escalate(struct deciding *d, struct combined plain)
{
    uint32_t count = d->set_count;
    uint32_t principals = 1 + d->in->authority->parts->agent_count;
    struct set_result before[PRINCIPALS_MAX];
    struct combined all = plain;

    if (principals > count || principals > PRINCIPALS_MAX)
        return plain;
    memcpy(before, d->sets, principals * sizeof(before[0]));
    if (widen(d, principals) == TS_OK)
        all = combine(d->sets, count);
    if (all.verdict > plain.verdict) {
        d->out->has_escalation = true;
        memcpy(d->out->escalation_id, d->in->escalation->id,
               sizeof(d->out->escalation_id));
        return all;
    }
    /* It changes nothing: then the record says what would have been. */
    memcpy(d->sets, before, principals * sizeof(before[0]));
    d->set_count = count;
    d->lifted_count = 0;
    return plain;
}
