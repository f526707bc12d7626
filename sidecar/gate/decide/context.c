#include "sidecar/gate/decide/context.h"

#include <stdio.h>
#include <string.h>

#include "proto/base/ts_require.h"
#include "sidecar/gate/decide/request.h"
#include "sidecar/gate/decide/value.h"
#include "sidecar/gate/people/approval_rule.h"

/* Every list of fields here is in the order of (length, bytes): then
 * cedar_record_make() only checks it. */

static bool key_before(struct ts_str a, struct ts_str b)
{
    return a.len != b.len ? a.len < b.len : ts_str_cmp(a, b) < 0;
}

static ts_err arg_value(const struct arg_value *v, struct ts_arena *arena,
                        struct cedar_value *ret)
{
    struct cedar_value *items;
    void *p;
    ts_err e;

    switch (v->decl->type) {
    case ARG_INT:
        *ret = cedar_long(v->integer);
        return TS_OK;
    case ARG_BOOL:
        *ret = cedar_bool(v->integer != 0);
        return TS_OK;
    case ARG_STRING:
    case ARG_PATH:
    case ARG_URL:
    case ARG_JSON:
        *ret = cedar_string(v->text);
        return TS_OK;
    case ARG_DECIMAL:
        *ret = (struct cedar_value){.kind = CEDAR_DECIMAL,
                                    .as.integer = v->integer};
        return TS_OK;
    case ARG_STRINGS:
        break;
    }
    e = ts_arena_array(arena, (size_t)v->item_count + 1, sizeof(*items), &p);
    if (e != TS_OK)
        return e;
    items = p;
    for (uint32_t i = 0; i < v->item_count; i++)
        items[i] = cedar_string(v->items[i]);
    return cedar_set_make(arena, items, v->item_count, ret);
}

static ts_err args_record(const struct call_args *args, struct ts_arena *arena,
                          struct cedar_value *ret)
{
    struct cedar_field *f;
    uint32_t n = 0;
    void *p;
    ts_err e = ts_arena_array(arena, (size_t)args->count + 1, sizeof(*f), &p);

    if (e != TS_OK)
        return e;
    f = p;
    for (uint32_t i = 0; i < args->count; i++) {
        struct cedar_field one = {.key = args->values[i].decl->name};
        uint32_t at = n++;

        e = arg_value(&args->values[i], arena, &one.value);
        if (e != TS_OK)
            return e;
        for (; at > 0 && key_before(one.key, f[at - 1].key); at--)
            f[at] = f[at - 1];
        f[at] = one;
    }
    return cedar_record_make(arena, f, n, ret);
}

static ts_err rate_record(const struct call_rates *r, struct ts_arena *arena,
                          struct cedar_value *ret)
{
    const struct cedar_field f[] = {
        value_long(TS_STR_LIT("task_1h"), r->task.last_1h),
        value_long(TS_STR_LIT("task_1m"), r->task.last_1m),
        value_long(TS_STR_LIT("agent_1h"), r->agent.last_1h),
        value_long(TS_STR_LIT("agent_1m"), r->agent.last_1m),
        value_long(TS_STR_LIT("denied_1h"), r->denied.last_1h),
        value_long(TS_STR_LIT("denied_1m"), r->denied.last_1m),
        value_long(TS_STR_LIT("agent_tool_1h"), r->agent_tool.last_1h),
        value_long(TS_STR_LIT("agent_tool_1m"), r->agent_tool.last_1m),
    };

    return cedar_record_make(arena, f, sizeof(f) / sizeof(f[0]), ret);
}

static bool label_is_trusted(const struct snapshot_tenant *t, struct ts_str l)
{
    for (uint32_t i = 0; i < t->trusted_provenance_count; i++)
        if (ts_str_eq(t->trusted_provenance[i], l))
            return true;
    return false;
}

/* A label that the tenant does not know to be harmless taints the call. No
 * label is no proof of anything. */
static ts_err provenance_record(const struct context_input *in,
                                struct ts_arena *arena, struct call_context *c,
                                struct cedar_value *ret)
{
    const struct provenance_input values = {.manifest = in->manifest,
                                            .args = in->args,
                                            .who = context_who(in->authority),
                                            .task = in->call->task,
                                            .handles = in->call->handles,
                                            .handle_count =
                                                in->call->handle_count};
    struct cedar_value *labels, set;
    uint32_t n = in->call->provenance_count;
    bool tainted = false;
    void *p;
    ts_err e;

    if (n > TS_PROVENANCE_MAX)
        return TS_E_LIMIT;
    e = ts_arena_array(arena, (size_t)n + 1, sizeof(*labels), &p);
    if (e != TS_OK)
        return e;
    labels = p;
    for (uint32_t i = 0; i < n; i++) {
        labels[i] = cedar_string(in->call->provenance[i]);
        tainted =
            tainted || !label_is_trusted(in->tenant, in->call->provenance[i]);
    }
    c->tainted = tainted;
    if ((e = cedar_set_make(arena, labels, n, &set)) != TS_OK ||
        (e = in->call->recorded != NULL
                 ? call_provenance_again(in->call->recorded, in->args, arena,
                                         &c->provenance)
                 : call_provenance_make(&values, arena, &c->provenance)) !=
            TS_OK)
        return e;
    return call_provenance_record(&c->provenance, ENDORSED_TENANT, in->args,
                                  &set, tainted, arena, ret);
}

static ts_err session_record(const struct authority *a, struct ts_arena *arena,
                             struct cedar_value *ret)
{
    const struct cedar_field f[] = {
        value_long(TS_STR_LIT("gid"), a->peer_gid),
        value_long(TS_STR_LIT("uid"), a->peer_uid),
    };

    return cedar_record_make(arena, f, 2, ret);
}

/* What people have lifted of the policies whose names in the ticket begin with
 * prefix, which is left out; of a tenant's own, whose prefix is empty, those
 * that are no block's. */
static ts_err lifted_set(const struct ticket *t, const char *prefix,
                         struct ts_arena *arena, struct cedar_value *ret)
{
    struct cedar_value ids[TICKET_RULES_MAX];
    size_t n = 0, skip = strlen(prefix);

    for (uint32_t i = 0; t != NULL && i < t->rule_count; i++) {
        struct ts_str id = t->rules[i].policy;

        if (skip == 0 ? approval_id_is_reserved(id)
                      : id.len <= skip || memcmp(id.ptr, prefix, skip) != 0)
            continue;
        ids[n++] = cedar_string(
            (struct ts_str){.ptr = id.ptr + skip, .len = id.len - skip});
    }
    return cedar_set_make(arena, ids, n, ret);
}

struct ts_str context_who(const struct authority *a)
{
    const struct delegation_block *leaf = delegation_leaf(a->delegation);

    return (struct ts_str){.ptr = (const char *)leaf->id,
                           .len = sizeof(leaf->id)};
}

static ts_err provenance_of_block(const struct call_context *c,
                                  const struct call_args *args,
                                  const struct cedar_value *tenants,
                                  uint32_t block, struct ts_arena *arena,
                                  struct cedar_value *ret)
{
    const struct cedar_value *declared =
        cedar_record_get(tenants->as.record, TS_STR_LIT("declared"));

    if (!c->provenance.has_endorsed) { /* all sets see the same */
        *ret = *tenants;
        return TS_OK;
    }
    return call_provenance_record(&c->provenance, ENDORSED_BLOCK(block), args,
                                  declared, c->tainted, arena, ret);
}

ts_err context_of_block(const struct call_context *c,
                        const struct call_args *args,
                        const struct cedar_value *caller, uint32_t block,
                        const struct ticket *approved, struct ts_arena *arena,
                        struct cedar_value *ret)
{
    struct cedar_field f[CONTEXT_FIELDS];
    struct cedar_value lifted;
    char prefix[24];
    ts_err e;

    if (approved == NULL && !c->provenance.has_endorsed) {
        *ret = *caller; /* none of either is in it */
        return TS_OK;
    }
    (void)snprintf(prefix, sizeof(prefix), APPROVAL_BLOCK_PREFIX "%u/", block);
    if ((e = lifted_set(approved, prefix, arena, &lifted)) != TS_OK)
        return e;
    for (size_t i = 0; i < CONTEXT_FIELDS; i++) {
        f[i] = *cedar_record_at(caller->as.record, i);
        if (ts_str_eq_c(f[i].key, "approvals"))
            f[i].value = lifted;
        else if (ts_str_eq_c(f[i].key, "provenance") &&
                 (e = provenance_of_block(c, args, &f[i].value, block, arena,
                                          &f[i].value)) != TS_OK)
            return e;
    }
    return cedar_record_make(arena, f, CONTEXT_FIELDS, ret);
}

ts_err context_make(const struct context_input *in, struct ts_arena *arena,
                    struct call_context *ret)
{
    const struct authority *a = in->authority;
    const struct authority_parts *p = a->parts;
    struct cedar_value args, rate, provenance, session, approvals;
    struct cedar_field *f = ret->fields;
    size_t n = 0;
    ts_err e;

    if ((e = args_record(in->args, arena, &args)) != TS_OK ||
        (e = rate_record(in->rates, arena, &rate)) != TS_OK ||
        (e = provenance_record(in, arena, ret, &provenance)) != TS_OK ||
        (e = session_record(a, arena, &session)) != TS_OK ||
        (e = lifted_set(in->approved, "", arena, &approvals)) != TS_OK)
        return e;
    f[n++] = value_text(TS_STR_LIT("hop"), TS_STR_LIT(""));
    f[n++] = value_of(
        TS_STR_LIT("now"),
        cedar_datetime_ms((int64_t)(in->call->now.unix_ms & INT64_MAX)));
    f[n++] = value_of(TS_STR_LIT("args"), args);
    f[n++] = value_of(TS_STR_LIT("rate"), rate);
    f[n++] = value_uid(TS_STR_LIT("sums"), &p->sums);
    f[n++] = value_text(TS_STR_LIT("task"), a->delegation->task);
    f[n++] = value_text(TS_STR_LIT("tool"), in->manifest->tool);
    f[n++] = value_uid(TS_STR_LIT("user"), &p->user);
    f[n++] = value_uid(TS_STR_LIT("uses"), &p->uses);
    f[n++] = value_long(TS_STR_LIT("depth"), p->agent_count - 1);
    f[n++] = value_of(TS_STR_LIT("grant"), p->grant);
    f[n++] = value_of(TS_STR_LIT("agents"), p->agent_set);
    f[n++] =
        value_uid(TS_STR_LIT("caller"), &p->agents[p->agent_count - 1].up[0]);
    f[n++] = value_of(TS_STR_LIT("session"), session);
    f[n++] = value_of(TS_STR_LIT("approvals"), approvals);
    f[n++] = value_bool(TS_STR_LIT("has_stdin"), in->call->has_stdin);
    f[n++] = value_bool(TS_STR_LIT("check_only"), in->call->check_only);
    f[n++] = value_of(TS_STR_LIT("provenance"), provenance);
    f[n++] = value_uid(TS_STR_LIT("root_agent"), &p->agents[0].up[0]);
    f[n++] = value_text(TS_STR_LIT("sensitivity"),
                        sensitivity_name(in->sensitivity));
    f[n++] = value_long(TS_STR_LIT("sensitivity_level"), in->sensitivity);
    TS_REQUIRE(n == CONTEXT_FIELDS);
    return TS_OK;
}

ts_err context_record(struct call_context *c, enum hop hop,
                      struct ts_arena *arena, struct cedar_value *ret)
{
    static const struct ts_str hops[] = {
        GATE_STR("subject"), GATE_STR("caller"), GATE_STR("delegator")};

    const struct cedar_value name = cedar_string(hops[hop]);
    ts_err e;

    if (c->first != NULL)
        return cedar_record_with(arena, c->first, 0, &name, ret);
    c->fields[0].value = name;
    e = cedar_record_make(arena, c->fields, CONTEXT_FIELDS, ret);
    if (e == TS_OK)
        c->first = ret->as.record;
    return e;
}
