#include "sidecar/gate/replay.h"

#include <stdio.h>
#include <string.h>

#include "sidecar/gate/decide_priv.h"

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
    *ret = (struct replay_answer){.result = result, .policies = list};
    for (uint32_t i = 0; e == TS_OK && i < d->set_count; i++)
        e = add_reasons(&d->sets[i], arena, list, &ret->policy_count);
    (void)snprintf(ret->why, sizeof(ret->why), "%s",
                   d->why != NULL ? d->why : "");
    return e;
}

ts_err replay_decide(const struct snapshot *s, const struct replay_call *c,
                     struct ts_arena *arena, struct replay_answer *ret)
{
    const struct snapshot_tenant *t = snapshot_tenant_find(s, c->tenant);
    struct call_input call = {.tool = c->tool,
                              .args = c->args,
                              .provenance = c->provenance,
                              .provenance_count = c->provenance_count,
                              .has_stdin = c->has_stdin,
                              .check_only = c->check_only,
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
    struct trust_config cfg = {0};
    struct authority *a = NULL;
    struct delegation *grant;
    ts_err e;

    if (t != NULL)
        cfg = t->trust;
    cfg.store = s->store;
    if ((e = delegation_of(c, arena, &grant)) != TS_OK ||
        (e = authority_recorded(grant, &cfg, &a)) != TS_OK)
        return e;
    a->peer_uid = c->uid;
    a->peer_gid = c->gid;
    in.authority = a;
    e = answer_of(&d, decide_judge(&d), arena, ret);
    authority_free(a);
    return e;
}
