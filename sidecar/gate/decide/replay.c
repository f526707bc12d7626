#include "sidecar/gate/decide/replay.h"

#include <stdio.h>
#include <string.h>

#include "proto/base/ts_require.h"
#include "sidecar/gate/decide/decide_priv.h"

static ts_err delegation_of(const struct replay_call *c, struct ts_arena *arena,
                            struct delegation **ret)
{
    struct delegation *d;
    void *p;
    ts_err e;

    if (c->agent_count == 0 || c->agent_count > TS_BLOCKS_MAX ||
        c->attr_count > TS_ATTRS_MAX)
        return TS_E_INVALID;
    e = ts_arena_alloc(arena, sizeof(*d), &p);
    if (e != TS_OK)
        return e;
    d = p;
    d->tenant = c->tenant;
    d->user = c->user;
    d->task = c->task;
    d->expires = c->expires;
    d->block_count = c->agent_count;
    for (uint32_t i = 0; i < c->agent_count; i++)
        d->blocks[i] = (struct delegation_block){
            .agent = c->agents[i], .iat = c->issued, .exp = c->expires};
    memcpy(d->attrs, c->attrs, c->attr_count * sizeof(*d->attrs));
    d->attr_count = c->attr_count;
    *ret = d;
    return TS_OK;
}

static ts_err add_reasons(const struct set_result *s, struct ts_arena *arena,
                          struct ts_str *list, uint32_t *count)
{
    for (uint32_t i = 0;
         i < s->answer.reason_count && *count < REPLAY_POLICIES_MAX; i++) {
        struct ts_str id =
            cedar_policies_info(s->policies, s->answer.reasons[i]).id;
        size_t n = strlen(s->set_name), cap = n + id.len + 2;
        char *text;
        void *p;
        ts_err e = ts_arena_alloc(arena, cap, &p);

        if (e != TS_OK)
            return e;
        text = p;
        memcpy(text, s->set_name, n);
        text[n] = '/';
        memcpy(text + n + 1, id.ptr, id.len);
        list[(*count)++] = (struct ts_str){.ptr = text, .len = n + 1 + id.len};
    }
    return TS_OK;
}

static ts_err answer_of(const struct deciding *d, struct combined result,
                        struct ts_arena *arena, struct replay_answer *ret)
{
    struct ts_str *list;
    void *p;
    ts_err e = ts_arena_array(arena, REPLAY_POLICIES_MAX, sizeof(*list), &p);

    if (e != TS_OK)
        return e;
    list = p;
    *ret = (struct replay_answer){.result = result,
                                  .policies = list,
                                  .has_escalation = d->out->has_escalation};
    for (uint32_t i = 0; e == TS_OK && i < d->set_count; i++)
        e = add_reasons(&d->sets[i], arena, list, &ret->policy_count);
    if (result.verdict == VERDICT_PERMIT)
        ret->box = combine_demands(d->sets, d->set_count);
    (void)snprintf(ret->why, sizeof(ret->why), "%s",
                   d->why != NULL ? d->why : "");
    return e;
}

/* The request of every set again, as decide.c put it: user, then agents; and
 * these once more of what an escalation adds. */
static ts_err questions_of(struct deciding *d, struct replay_questions *q)
{
    const struct authority_parts *p = d->in->authority->parts;
    const uint32_t principals = 1 + p->agent_count;
    struct cedar_overlay *overlay;
    void *mem;
    ts_err e = ts_arena_array(d->arena, (size_t)d->overlay_count + 1,
                              sizeof(*overlay), &mem);

    if (e != TS_OK)
        return e;
    overlay = mem;
    memcpy(overlay, d->overlay, d->overlay_count * sizeof(*overlay));
    TS_REQUIRE(d->set_count <= REPLAY_SETS_MAX);
    for (uint32_t n = 0; n < d->set_count; n++) {
        struct cedar_request *r = &q->list[n].request;
        const uint32_t i = n % principals;
        enum hop hop = i == 0
                           ? HOP_SUBJECT
                           : (i < p->agent_count ? HOP_DELEGATOR : HOP_CALLER);

        *r = (struct cedar_request){
            .principal = i == 0 ? p->user : p->agents[i - 1].up[0],
            .action = d->tool->action,
            .resource = d->target.resource,
            .overlay = overlay,
            .overlay_count = d->overlay_count};
        e = context_record(&d->context, hop, d->arena, &r->context);
        if (e != TS_OK)
            return e;
        q->list[n].set_name = d->sets[n].set_name;
        q->list[n].policies = d->sets[n].policies;
        q->count++;
    }
    q->tenant = d->tenant;
    return TS_OK;
}

void replay_done(struct replay_questions *q)
{
    authority_free(q->authority);
    *q = (struct replay_questions){0};
}

ts_err replay_decide(const struct snapshot *s, const struct replay_call *c,
                     struct ts_arena *arena, struct replay_answer *ret)
{
    struct replay_questions q = {0};
    ts_err e = replay_ask(s, c, arena, ret, &q);

    if (e == TS_OK)
        replay_done(&q);
    return e;
}

/* The counters of the record, under the names that the tenant has now; one that
 * it has not any more counts nothing. */
static ts_err uses_of(const struct replay_call *c, const struct use_rules *r,
                      struct use_ledger *l)
{
    for (uint32_t i = 0; r != NULL && i < c->use_count; i++)
        for (uint32_t k = 0; k < r->count; k++) {
            uint32_t at;
            ts_err e;

            if (r->counters[k].kind != c->uses[i].kind ||
                !ts_str_eq(r->counters[k].name, c->uses[i].name))
                continue;
            e = use_ledger_take(l, r->counters[k].id, c->uses[i].total, true,
                                &at);
            if (e != TS_OK)
                return TS_E_INVALID;
        }
    return TS_OK;
}

ts_err replay_ask(const struct snapshot *s, const struct replay_call *c,
                  struct ts_arena *arena, struct replay_answer *ret,
                  struct replay_questions *ret_questions)
{
    const struct snapshot_tenant *t = snapshot_tenant_find(s, c->tenant);
    struct call_input call = {.tool = c->tool,
                              .args = c->args,
                              .provenance = c->provenance,
                              .provenance_count = c->provenance_count,
                              .has_stdin = c->has_stdin,
                              .check_only = c->check_only,
                              .recorded = c->values,
                              .is_recorded = true,
                              .signature_verified = true,
                              .now = {.unix_ms = c->now_ms},
                              .already_denied = CODE_PERMITTED};
    struct decide_input in = {.snapshot = s, .call = &call};
    struct decision out = {0};
    struct deciding d = {.in = &in,
                         .arena = arena,
                         .rates = c->rates,
                         .has_rates = true,
                         .out = &out};
    struct replay_questions q = {0};
    struct use_ledger uses = {.count = 0};
    struct trust_config cfg = {0};
    struct authority *a;
    struct delegation *grant;
    ts_err e;

    if (t != NULL)
        cfg = t->trust;
    cfg.store = s->store;
    in.uses = &uses;
    in.escalation = c->escalation;
    if ((e = uses_of(c, t != NULL ? t->uses : NULL, &uses)) != TS_OK ||
        (e = delegation_of(c, arena, &grant)) != TS_OK ||
        (e = authority_recorded(grant, &cfg, &q.authority)) != TS_OK)
        return e;
    a = q.authority;
    a->peer_uid = c->uid;
    a->peer_gid = c->gid;
    in.authority = a;
    if ((e = answer_of(&d, decide_judge(&d), arena, ret)) != TS_OK ||
        (e = questions_of(&d, &q)) != TS_OK) {
        replay_done(&q);
        return e;
    }
    *ret_questions = q;
    return TS_OK;
}
