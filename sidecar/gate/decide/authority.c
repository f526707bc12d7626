#include <stdio.h>
#include <string.h>

#include "policy/cedar_lint.h"
#include "proto/base/ts_mem.h"
#include "proto/base/ts_require.h"
#include "proto/trust/id.h"
#include "proto/trust/store.h"
#include "proto/wire/mp_write.h"
#include "sidecar/gate/decide/authority_priv.h"
#include "sidecar/gate/decide/decide.h"
#include "sidecar/gate/people/approval_rule.h"
#include "sidecar/gate/people/use_rule.h"

#define AUTHORITY_BUDGET ((size_t)1 << 20)
/* 8 blocks of an agent id, three hashes and two times, and the names above
 * them, each at most TS_ID_MAX and a short prefix. */
#define HEAD_MAX 8192

static ts_err agent_names(struct ts_str id, struct ts_arena *arena,
                          struct authority_agent *ret)
{
    struct cedar_uid *up;
    uint32_t n = 1;
    void *p;
    ts_err e;

    for (size_t i = 0; i < id.len; i++)
        n += id.ptr[i] == '/';
    e = ts_arena_array(arena, n, sizeof(*up), &p);
    if (e != TS_OK)
        return e;
    up = p;
    for (uint32_t i = 0; i < n; i++, id = trust_id_parent(id))
        up[i] = cedar_uid_make(TS_STR_LIT("Agent"), id);
    *ret = (struct authority_agent){.up = up, .up_count = n};
    return TS_OK;
}

static ts_err agents_make(const struct delegation *d, struct ts_arena *arena,
                          struct authority_parts *p)
{
    struct cedar_value values[TS_BLOCKS_MAX];
    ts_err e;

    for (size_t i = 0; i < d->block_count; i++) {
        e = agent_names(d->blocks[i].agent, arena, &p->agents[i]);
        if (e != TS_OK)
            return e;
        values[i] = cedar_entity(&p->agents[i].up[0]);
    }
    p->agent_count = (uint32_t)d->block_count;
    return cedar_set_make(arena, values, d->block_count, &p->agent_set);
}

static ts_err grant_make(const struct delegation *d, struct ts_arena *arena,
                         struct authority_parts *p)
{
    struct cedar_field attrs[TS_ATTRS_MAX], f[3];
    ts_err e;

    for (size_t i = 0; i < d->attr_count; i++)
        attrs[i] = (struct cedar_field){
            .key = d->attrs[i].key, .value = cedar_string(d->attrs[i].value)};
    f[0] = (struct cedar_field){.key = TS_STR_LIT("attrs")};
    e = cedar_record_make(arena, attrs, d->attr_count, &f[0].value);
    if (e != TS_OK)
        return e;
    f[1] = (struct cedar_field){
        TS_STR_LIT("issued"),
        cedar_datetime_ms((int64_t)d->blocks[0].iat * 1000)};
    f[2] = (struct cedar_field){TS_STR_LIT("expires"),
                                cedar_datetime_ms((int64_t)d->expires * 1000)};
    return cedar_record_make(arena, f, 3, &p->grant);
}

static void put_str(struct mp_writer *w, const char *key, struct ts_str v)
{
    mp_write_cstr(w, key);
    mp_write_str(w, v.ptr, v.len);
}

static void put_bin(struct mp_writer *w, const char *key, const uint8_t *v,
                    size_t len)
{
    mp_write_cstr(w, key);
    mp_write_bin(w, v, len);
}

static void put_member(struct mp_writer *w, const char *prefix, struct ts_str v)
{
    char text[TS_ID_MAX + 8];
    int n = snprintf(text, sizeof(text), "%s%.*s", prefix, (int)v.len, v.ptr);

    if (n > 0 && (size_t)n < sizeof(text))
        mp_write_str(w, text, (size_t)n);
    else
        w->error = TS_E_LIMIT;
}

static void put_blocks(struct mp_writer *w, const struct delegation *d)
{
    mp_write_cstr(w, "blocks");
    mp_write_array(w, (uint32_t)d->block_count);
    for (size_t i = 0; i < d->block_count; i++) {
        const struct delegation_block *b = &d->blocks[i];
        uint8_t kid[TRUST_KID_LEN];

        trust_kid(b->holder, kid);
        mp_write_array(w, 5);
        mp_write_str(w, b->agent.ptr, b->agent.len);
        mp_write_bin(w, kid, sizeof(kid));
        mp_write_bin(w, b->id, sizeof(b->id));
        mp_write_uint(w, b->iat);
        mp_write_uint(w, b->exp);
    }
}

static ts_err head_make(const struct delegation *d, struct ts_arena *arena,
                        struct authority_parts *p)
{
    struct mp_writer w;
    size_t len;
    void *buf;
    ts_err e = ts_arena_alloc(arena, HEAD_MAX, &buf);

    if (e != TS_OK)
        return e;
    mp_writer_init(&w, buf, HEAD_MAX);
    put_str(&w, "tenant", d->tenant);
    put_str(&w, "user", d->user);
    put_str(&w, "agent", delegation_leaf(d)->agent);
    mp_write_cstr(&w, "chain");
    mp_write_array(&w, (uint32_t)d->block_count + 1);
    put_member(&w, "user:", d->user);
    for (size_t i = 0; i < d->block_count; i++)
        put_member(&w, "agent:", d->blocks[i].agent);
    put_bin(&w, "grant", d->grant_id, sizeof(d->grant_id));
    put_str(&w, "task", d->task);
    put_blocks(&w, d);
    put_bin(&w, "issuer", d->kid, sizeof(d->kid));
    e = mp_written(&w, &len);
    if (e == TS_OK)
        p->record_head = (struct ts_bytes){.ptr = buf, .len = len};
    return e;
}

static ts_err parts_make(const struct delegation *d,
                         const struct trust_config *cfg, struct verified *v)
{
    struct ts_str leaf = delegation_leaf(d)->agent;
    const struct trust_agent *known =
        trust_store_agent_or_ancestor(cfg->store, d->tenant, leaf);
    struct authority_parts *p;
    void *mem;
    ts_err e = ts_arena_alloc(&v->arena, sizeof(*p), &mem);

    if (e != TS_OK)
        return e;
    p = mem;
    p->user = cedar_uid_make(TS_STR_LIT("User"), d->user);
    p->uses = cedar_uid_make(TS_STR_LIT("Uses"), TS_STR_LIT("own"));
    p->sums = cedar_uid_make(TS_STR_LIT("Sums"), TS_STR_LIT("own"));
    if ((e = agents_make(d, &v->arena, p)) != TS_OK ||
        (e = grant_make(d, &v->arena, p)) != TS_OK ||
        (e = head_make(d, &v->arena, p)) != TS_OK)
        return e;
    if (known != NULL)
        leaf = known->id;
    p->meter_agent = meter_key_make(METER_AGENT, d->tenant, leaf);
    p->meter_denied = meter_key_make(METER_DENIED, d->tenant, leaf);
    p->meter_task = meter_key_make(METER_TASK, d->tenant, d->task);
    v->parts = p;
    return TS_OK;
}

static bool counts_fault(const struct cedar_ast *ast, size_t index)
{
    static const char *const keys[] = {"counts", "sums"};
    struct ts_str value;

    for (size_t i = 0; i < 2; i++)
        if (cedar_ast_annotation(ast, index, keys[i], &value) &&
            use_annotation_fault(ts_str_of(keys[i]), value) != NULL)
            return true;
    return false;
}

/* A counter that nobody counts, or one on a forbid, would be no limit. */
static const struct cedar_lint_options counters_only = {
    .off = ~(1u << CEDAR_LINT_COUNTS_ON_FORBID |
             1u << CEDAR_LINT_UNKNOWN_COUNTER)};

/* A stranger's text: parsed within the limits of a block, and held to the same
 * strict validation as the operator's own policies, which must not hold up the
 * calls of others: a chain has TS_BLOCKS_MAX of these. */
static ts_err block_parse(struct ts_str text, const struct cedar_schema *schema,
                          struct cedar_policies **ret,
                          enum trust_code *reterr_code)
{
    struct cedar_source source = {.name = "block", .text = text};
    struct cedar_ast *ast = NULL;
    ts_err e = cedar_ast_parse(&source, 1, &cedar_options_block, &ast, NULL);

    /* A forbid with a slot would forbid nothing: it is no policy here. */
    for (size_t i = 0; e == TS_OK && i < cedar_ast_count(ast); i++)
        if (cedar_ast_info(ast, i).kind != CEDAR_STATIC)
            e = TS_E_FORMAT;
    for (size_t i = 0; e == TS_OK && i < cedar_ast_count(ast); i++)
        if (box_demand_policy_fault(ast, i) != NULL ||
            approval_policy_fault(ast, i) != NULL || counts_fault(ast, i))
            e = TS_E_FORMAT;
    if (e == TS_OK)
        e = cedar_lint(ast, &counters_only, NULL);
    if (e == TS_OK)
        e = cedar_validate(ast, schema, &cedar_validate_block, NULL);
    if (e == TS_OK)
        e = cedar_ast_compile(ast, ret, NULL);
    cedar_ast_free(ast);
    if (e == TS_OK || e == TS_E_NOMEM)
        return e;
    *reterr_code = TRUST_E_POLICY;
    return TS_E_AUTH;
}

static struct verified *verified_new(void)
{
    struct verified *v = ts_mem_alloc(sizeof(*v));

    if (v != NULL) {
        v->users = 1;
        ts_arena_init(&v->arena, AUTHORITY_BUDGET);
    }
    return v;
}

void verified_hold(struct verified *v)
{
    v->users++;
}

void verified_release(struct verified *v)
{
    if (v == NULL)
        return;
    TS_REQUIRE(v->users > 0);
    if (--v->users > 0)
        return;
    for (uint32_t i = 0; i < v->block_count; i++)
        cedar_policies_free(v->block_policies[i]);
    ts_arena_done(&v->arena);
    ts_mem_free(v);
}

static ts_err fill(struct verified *v, const uint8_t *chain, size_t chain_len,
                   const struct trust_config *cfg, uint64_t now_s,
                   enum trust_code *reterr_code)
{
    struct delegation *d;
    enum trust_code code;
    void *p;
    ts_err e = ts_arena_alloc(&v->arena, sizeof(*d), &p);

    if (e != TS_OK)
        return e;
    d = p;
    code = delegation_decode_verify(cfg, chain, chain_len, now_s, &v->arena, d);
    if (code == TRUST_E_INTERNAL)
        return TS_E_NOMEM;
    if (code != TRUST_OK) {
        *reterr_code = code;
        return TS_E_AUTH;
    }
    v->delegation = d;
    return parts_make(d, cfg, v);
}

ts_err authority_blocks(struct authority *a, const struct cedar_schema *schema,
                        enum trust_code *reterr_code)
{
    const struct delegation *d = a->delegation;
    struct verified *v = a->verified;

    *reterr_code = TRUST_E_INTERNAL;
    for (size_t i = v->block_count; i < d->block_count; i++) {
        ts_err e = block_parse(d->blocks[i].policies, schema,
                               &v->block_policies[i], reterr_code);

        if (e != TS_OK)
            return e;
        e = box_demands_make(v->block_policies[i], &v->arena,
                             &v->block_demands[i]);
        if (e == TS_OK)
            e = use_rules_make(v->block_policies[i],
                               (struct ts_bytes){.ptr = d->blocks[i].id,
                                                 .len = TRUST_HASH_LEN},
                               &v->arena, &v->block_uses[i]);
        if (e != TS_OK) { /* a block is known with all of it, or not at all */
            cedar_policies_free(v->block_policies[i]);
            if (e != TS_E_LIMIT)
                return e;
            *reterr_code = TRUST_E_POLICY; /* too many counters */
            return TS_E_AUTH;
        }
        v->block_count++;
    }
    a->block_count = v->block_count;
    return TS_OK;
}

/* Takes v over, whatever happens. */
static ts_err authority_on(struct verified *v, struct authority **ret)
{
    struct authority *a = ts_mem_alloc(sizeof(*a));

    if (a == NULL) {
        verified_release(v);
        return TS_E_NOMEM;
    }
    a->verified = v;
    a->delegation = v->delegation;
    a->tenant = v->delegation->tenant;
    a->block_policies = v->block_policies;
    a->block_demands = v->block_demands;
    a->block_uses = v->block_uses;
    a->block_count = v->block_count;
    a->parts = v->parts;
    *ret = a;
    return TS_OK;
}

ts_err authority_make(const uint8_t *chain, size_t chain_len,
                      const struct trust_config *cfg, uint64_t now_s,
                      struct authority **ret, enum trust_code *reterr_code)
{
    enum trust_code code = TRUST_E_INTERNAL;
    struct verified *v = verified_new();
    ts_err e =
        v == NULL ? TS_E_NOMEM : fill(v, chain, chain_len, cfg, now_s, &code);

    if (e != TS_OK)
        verified_release(v);
    else
        e = authority_on(v, ret);
    if (e != TS_OK)
        *reterr_code = code;
    return e;
}

ts_err authority_again(struct verified *v, struct authority **ret)
{
    verified_hold(v);
    return authority_on(v, ret);
}

ts_err authority_recorded(const struct delegation *d,
                          const struct trust_config *cfg,
                          struct authority **ret)
{
    struct verified *v = verified_new();
    ts_err e;

    if (v == NULL)
        return TS_E_NOMEM;
    v->delegation = d;
    e = parts_make(d, cfg, v);
    if (e != TS_OK) {
        verified_release(v);
        return e;
    }
    e = authority_on(v, ret);
    if (e == TS_OK)
        (*ret)->recorded = true;
    return e;
}

void authority_free(struct authority *a)
{
    if (a == NULL)
        return;
    verified_release(a->verified);
    ts_mem_free(a);
}
