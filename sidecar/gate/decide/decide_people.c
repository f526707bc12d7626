/* From a pending verdict to a question for people, and back with what they have
 * lifted. Who asks them, and what came of it, is the caller's. */
#include <stdio.h>
#include <string.h>

#include "sidecar/gate/decide/decide_priv.h"
#include "sidecar/gate/people/approval_rule.h"

/* The name of a policy in a ticket: a tenant's @id, or "block:N/id", of a
 * policy without an @id what Cedar calls it. */
static ts_err rule_name(const struct set_result *s, uint32_t policy,
                        struct ts_arena *arena, struct ts_str *ret)
{
    static const char prefix[] = APPROVAL_BLOCK_PREFIX;
    struct ts_str own, id = cedar_policies_info(s->policies, policy).id;
    size_t n = strlen(s->set_name);
    char *text;
    void *p;
    ts_err e;

    if (n < sizeof(prefix) - 1 ||
        memcmp(s->set_name, prefix, sizeof(prefix) - 1) != 0) {
        *ret = id;
        return TS_OK;
    }
    if (cedar_policies_annotation(s->policies, policy, "id", &own) &&
        own.len > 0)
        id = own;
    if ((e = ts_arena_alloc(arena, n + 1 + id.len, &p)) != TS_OK)
        return e;
    text = p;
    memcpy(text, s->set_name, n);
    text[n] = '/';
    memcpy(text + n + 1, id.ptr, id.len);
    *ret = (struct ts_str){.ptr = text, .len = n + 1 + id.len};
    return TS_OK;
}

/* TS_E_LIMIT: more rules than one question can hold. */
static ts_err add_rule(const struct set_result *s, uint32_t policy,
                       struct ts_arena *arena, struct people_question *q)
{
    struct ticket_rule *r = &q->rules[q->rule_count];
    struct approval_rule who;
    struct ts_str value, name;
    ts_err e = rule_name(s, policy, arena, &name);

    if (e != TS_OK)
        return e;
    for (uint32_t i = 0; i < q->rule_count; i++)
        if (ts_str_eq(q->rules[i].policy, name))
            return TS_OK; /* asked of the user, and of an agent, too */
    if (q->rule_count == TICKET_RULES_MAX)
        return TS_E_LIMIT;
    if (!cedar_policies_annotation(s->policies, policy, "approval", &value) ||
        !approval_rule_parse(value, &who))
        return TS_E_STATE; /* it was checked when it was loaded */
    *r = (struct ticket_rule){
        .policy = name, .class_id = who.class_id, .count = who.count};
    if (!cedar_policies_annotation(s->policies, policy, "reason",
                                   &q->reasons[q->rule_count]))
        q->reasons[q->rule_count] = TS_STR_LIT("");
    if (!cedar_policies_annotation(s->policies, policy, "endorse", &value) ||
        !endorse_rule_holds(value))
        q->endorses = 0;
    q->rule_count++;
    return TS_OK;
}

/* Every policy that denies, in every set: that all of them are approvable is
 * what made the verdict pending. */
static ts_err rules_of(const struct deciding *d, struct people_question *q)
{
    uint64_t people = 0;

    q->endorses = ENDORSED_SETS; /* until one of them does not */
    for (uint32_t i = 0; i < d->set_count; i++) {
        const struct set_result *s = &d->sets[i];

        if (s->answer.decision == CEDAR_ALLOW)
            continue;
        for (uint32_t k = 0; k < s->answer.reason_count; k++) {
            ts_err e = add_rule(s, s->answer.reasons[k], d->arena, q);

            if (e != TS_OK)
                return e;
        }
    }
    for (uint32_t i = 0; i < q->rule_count; i++)
        people += q->rules[i].count;
    q->endorses &= endorse_sets_of(q->rules, q->rule_count);
    return people > TICKET_PEOPLE_MAX ? TS_E_LIMIT : TS_OK;
}

static ts_err resource_of(const struct deciding *d, struct ts_str *ret)
{
    const struct cedar_uid *r = &d->target.resource;
    size_t n = 0, cap = r->type.len + 2 * r->id.len + 4;
    char *text;
    void *p;
    ts_err e = ts_arena_alloc(d->arena, cap, &p);

    if (e != TS_OK)
        return e;
    text = p;
    memcpy(text, r->type.ptr, r->type.len);
    n = r->type.len;
    memcpy(text + n, "::\"", 3);
    n += 3;
    for (size_t i = 0; i < r->id.len; i++) {
        if (r->id.ptr[i] == '"' || r->id.ptr[i] == '\\')
            text[n++] = '\\';
        text[n++] = r->id.ptr[i];
    }
    text[n++] = '"';
    *ret = (struct ts_str){.ptr = text, .len = n};
    return n <= TICKET_RESOURCE_MAX ? TS_OK : TS_E_LIMIT;
}

static uint64_t counted(int64_t n)
{
    return n > 0 ? (uint64_t)n : 0;
}

static ts_err question_of(const struct deciding *d,
                          const struct provenance_input *values,
                          struct people_question *q)
{
    ts_err e;

    *q = (struct people_question){.authority = d->in->authority,
                                  .tenant = d->tenant,
                                  .call = d->in->call,
                                  .manifest = d->tool->manifest,
                                  .action = d->tool->action.id,
                                  .sensitivity = d->target.sensitivity,
                                  .tainted = d->context.tainted,
                                  .target = &d->target.resource,
                                  .provenance = &d->context.provenance,
                                  .values = values,
                                  .calls_1m = counted(d->rates.task.last_1m),
                                  .calls_1h = counted(d->rates.task.last_1h),
                                  .arena = d->arena};
    memcpy(q->decision_id, d->out->id, sizeof(q->decision_id));
    if ((e = rules_of(d, q)) != TS_OK ||
        (e = resource_of(d, &q->resource)) != TS_OK)
        return e;
    return d->in->call->args.len <= TICKET_ARGS_MAX ? TS_OK : TS_E_LIMIT;
}

/* The whole decision once more, with nothing kept of the first but its id. */
static struct combined again(struct deciding *d, const struct people_answer *a)
{
    struct combined all;

    *d = (struct deciding){.in = d->in,
                           .arena = d->arena,
                           .out = d->out,
                           .approved = a->ticket,
                           .people = a->people,
                           .people_count = a->people_count,
                           .told = a->told,
                           .told_count = a->told_count};
    all = decide_judge(d);
    if (all.verdict == VERDICT_PERMIT && decide_endorse(d) != TS_OK)
        return (struct combined){VERDICT_DENY, CODE_INTERNAL};
    if (all.verdict != VERDICT_PENDING)
        return all;
    d->why = "what people approved is not all that is asked for now";
    return (struct combined){VERDICT_DENY, CODE_APPROVAL_EXPIRED};
}

struct combined decide_ask(struct deciding *d)
{
    const struct decide_people *people = d->in->people;
    struct people_answer a = {.say = PEOPLE_REFUSED, .code = CODE_INTERNAL};
    const struct call_input *call = d->in->call;
    const struct provenance_input values = {.manifest = d->tool->manifest,
                                            .args = &d->args,
                                            .who =
                                                context_who(d->in->authority),
                                            .task = call->task,
                                            .handles = call->handles,
                                            .handle_count = call->handle_count};
    struct people_question q;
    ts_err e = question_of(d, &values, &q);

    if (e == TS_E_LIMIT) {
        d->why = "this call is too large to be put to people: arguments of at "
                 "most 16 KiB, a resource of 4 KiB, 16 rules, 32 people";
        return (struct combined){VERDICT_DENY, CODE_BAD_ARGUMENTS};
    }
    if (e != TS_OK)
        return (struct combined){VERDICT_DENY, CODE_INTERNAL};
    people->ask(people->ctx, &q, &a);
    if (a.say == PEOPLE_REFUSED) {
        d->why = a.why;
        return (struct combined){VERDICT_DENY, a.code};
    }
    d->out->has_ticket = true;
    memcpy(d->out->asked_id, a.decision_id, sizeof(d->out->asked_id));
    memcpy(d->out->ticket_id, a.ticket_id, sizeof(d->out->ticket_id));
    d->out->expires = a.expires;
    if (a.say == PEOPLE_APPROVED)
        return again(d, &a);
    return (struct combined){VERDICT_PENDING, CODE_APPROVAL_REQUIRED};
}
