#include "sidecar/gate/decide/decide.h"

#include <stdio.h>
#include <string.h>

#include "sidecar/gate/decide/decide_priv.h"

/*
 * The order of the checks is the order of trust: what the gate's shell found,
 * who asks, which tool, with what, and only then the policies. CODE_PERMITTED
 * from a step means: go on.
 */

enum call_code decide_deny(struct deciding *d, enum call_code code,
                           const char *why)
{
    d->why = why;
    return code;
}

static enum call_code check_agent(struct deciding *d, uint32_t i)
{
    const struct authority_parts *p = d->in->authority->parts;
    const struct authority_agent *a = &p->agents[i];
    const struct directory_entry *nearest = NULL;
    uint32_t known = a->up_count;

    for (uint32_t k = 0; k < a->up_count; k++) {
        const struct directory_entry *one =
            directory_find(d->tenant->directory, &a->up[k]);

        if (one == NULL)
            continue;
        if (one->status != TRUST_ACTIVE)
            return decide_deny(d, CODE_REVOKED,
                               "an agent of the chain is inactive");
        if (nearest == NULL) {
            nearest = one;
            known = k;
        }
    }
    if (nearest == NULL)
        return decide_deny(d, CODE_REVOKED,
                           "an agent of the chain is not in the directory");
    if (p->agent_count - 1 - i > nearest->max_depth)
        return decide_deny(d, CODE_DENIED,
                           "an agent of the chain may not delegate this far");
    if (known > 0) { /* a sub-agent: an entity of this call only */
        struct cedar_overlay *o = &d->overlay[d->overlay_count++];

        o->uid = a->up[0];
        o->ancestors = &a->up[1];
        o->ancestor_count = known; /* completed by sub_agent_entity() */
    }
    return CODE_PERMITTED;
}

static enum call_code check_principals(struct deciding *d)
{
    const struct authority_parts *p = d->in->authority->parts;
    const struct directory_entry *user =
        directory_find(d->tenant->directory, &p->user);

    if (user == NULL)
        return decide_deny(d, CODE_REVOKED, "the user is not in the directory");
    if (user->status != TRUST_ACTIVE)
        return decide_deny(d, CODE_REVOKED, "the user is inactive");
    for (uint32_t i = 0; i < p->agent_count; i++) {
        enum call_code c = check_agent(d, i);

        if (c != CODE_PERMITTED)
            return c;
    }
    return CODE_PERMITTED;
}

/* A sub-agent has the attributes of its registered ancestor and is in all that
 * this is in. */
static ts_err sub_agent_entity(struct deciding *d, struct cedar_overlay *o)
{
    const struct cedar_entities *e = d->tenant->entities;
    const struct cedar_uid *known = &o->ancestors[o->ancestor_count - 1];
    const struct cedar_record *attrs = cedar_entity_attrs(e, known);
    const struct cedar_uid *const *above;
    struct cedar_uid *all;
    size_t n = cedar_entity_ancestors(e, known, &above);
    void *p;
    ts_err err;

    if (attrs != NULL)
        o->attrs =
            (struct cedar_value){.kind = CEDAR_RECORD, .as.record = attrs};
    if (n == 0)
        return TS_OK;
    err = ts_arena_array(d->arena, n + o->ancestor_count, sizeof(*all), &p);
    if (err != TS_OK)
        return err;
    all = p;
    memcpy(all, o->ancestors, o->ancestor_count * sizeof(*all));
    for (size_t i = 0; i < n; i++)
        all[o->ancestor_count + i] = *above[i];
    o->ancestors = all;
    o->ancestor_count += n;
    return TS_OK;
}

static enum call_code check_arguments(struct deciding *d)
{
    const struct call_input *call = d->in->call;
    const struct manifest *m = d->tool->manifest;
    ts_err e;

    d->why_buf[0] = '\0';
    e = (call->is_recorded ? manifest_args_recorded : manifest_args)(
        m, call->args, d->arena, &d->args, d->why_buf, sizeof(d->why_buf));
    if (e == TS_E_NOMEM)
        return decide_deny(d, CODE_INTERNAL, NULL);
    if (e != TS_OK)
        return decide_deny(d, CODE_BAD_ARGUMENTS,
                           d->why_buf[0] != '\0' ? d->why_buf : NULL);
    d->has_args = true;
    if (d->args.resource.len > RESOURCE_NAME_MAX)
        return decide_deny(
            d, CODE_BAD_ARGUMENTS,
            "the name of the resource is longer than 4096 bytes");
    if (call->has_stdin && !m->stdin_allowed)
        return decide_deny(d, CODE_BAD_ARGUMENTS,
                           "this tool takes no standard input");
    return CODE_PERMITTED;
}

/* Everything before the policies. */
static enum call_code check_call(struct deciding *d)
{
    const struct decide_input *in = d->in;
    const struct call_input *call = in->call;
    enum call_code c;

    if (call->already_denied != CODE_PERMITTED)
        return decide_deny(d, call->already_denied, call->denied_why);
    d->tenant = snapshot_tenant_find(in->snapshot, in->authority->tenant);
    if (d->tenant == NULL)
        return decide_deny(d, CODE_REVOKED,
                           "the tenant is no longer configured");
    if (!d->tenant->has_directory) /* nobody is known, and that is no verdict */
        return decide_deny(d, CODE_NOT_READY,
                           "the directory of this tenant is not there");
    if ((c = check_principals(d)) != CODE_PERMITTED)
        return c;
    /* A check runs nothing, and its message has no signature. */
    if (d->tenant->require_call_signature && !call->check_only &&
        !call->signature_verified)
        return decide_deny(d, CODE_AUTH_FAILED,
                           "this tenant demands a signature on every call");
    if (call->now.unix_ms / 1000 >= in->authority->delegation->expires)
        return CODE_EXPIRED;
    d->tool = snapshot_tool_find(in->snapshot, call->tool);
    if (d->tool == NULL)
        return manifests_refused(in->snapshot->manifests, call->tool) != NULL
                   ? CODE_TOOL_UNAVAILABLE
                   : CODE_TOOL_UNKNOWN;
    if (manifest_is_unserved(in->snapshot->manifests, d->tool->manifest))
        return CODE_TOOL_UNAVAILABLE; /* its launcher said so */
    return check_arguments(d);
}

static void read_rates(struct deciding *d)
{
    const struct authority_parts *p = d->in->authority->parts;
    const struct meters *m = d->in->meters;
    uint64_t now = d->in->call->now.boot_ns;

    if (d->has_rates)
        return;
    d->rates.agent = meter_read(m, p->meter_agent, now);
    d->rates.task = meter_read(m, p->meter_task, now);
    d->rates.denied = meter_read(m, p->meter_denied, now);
    if (d->tool != NULL)
        d->rates.agent_tool =
            meter_read(m, meter_key_join(p->meter_agent, d->tool->meter), now);
}

static void count_call(struct deciding *d)
{
    const struct authority_parts *p = d->in->authority->parts;
    struct meters *m = d->in->meters;
    uint64_t now = d->in->call->now.boot_ns;

    if (d->in->call->check_only) /* asked, not done */
        return;
    if (!d->in->call->is_counted) {
        meter_count(m, p->meter_agent, now);
        meter_count(m, p->meter_task, now);
        if (d->tool != NULL)
            meter_count(m, meter_key_join(p->meter_agent, d->tool->meter), now);
    }
    if (d->out->verdict == VERDICT_DENY)
        meter_count(m, p->meter_denied, now);
}

/* Says what does not fit: an entity of this call (req is NULL) or the request.
 * Asked again for it, since diagnostics are large and seldom wanted; e, the
 * first answer, stands whatever the second is. */
static ts_err mismatch(struct deciding *d, ts_err e,
                       const struct cedar_overlay *entity,
                       const struct cedar_request *req)
{
    const struct cedar_schema *s = d->tenant->schema;
    struct cedar_diags diags = {0};
    ts_err again = req != NULL ? cedar_request_check(s, req, &diags)
                               : cedar_overlay_check(s, entity, &diags);

    d->mismatch = e == TS_E_INVALID;
    if (again == TS_E_INVALID && diags.count > 0) {
        (void)snprintf(d->why_buf, sizeof(d->why_buf), "%s",
                       diags.list[0].text);
        d->why = d->why_buf;
    }
    return e;
}

/* Validated policies are sound on data that fits the schema, and only there. */
static ts_err check_entities(struct deciding *d)
{
    for (uint32_t i = 0; i < d->overlay_count; i++) {
        ts_err e = cedar_overlay_check(d->tenant->schema, &d->overlay[i], NULL);

        if (e != TS_OK)
            return mismatch(d, e, &d->overlay[i], NULL);
    }
    return TS_OK;
}

/* set: whose policies, without the answer. */
static ts_err ask(struct deciding *d, const struct set_result *set,
                  const struct cedar_uid *principal,
                  const struct cedar_value *context)
{
    struct set_result *s = &d->sets[d->set_count];
    struct cedar_request req = {.principal = *principal,
                                .action = d->tool->action,
                                .resource = d->target.resource,
                                .context = *context,
                                .overlay = d->overlay};
    const struct cedar_schema *schema = d->tenant->schema;
    uint32_t counters;
    ts_err e = decide_uses_show(d, set->uses, &counters);

    if (e != TS_OK)
        return e;
    req.overlay_count = d->overlay_count + counters;
    for (uint32_t i = d->overlay_count; i < req.overlay_count; i++)
        if ((e = cedar_overlay_check(schema, &d->overlay[i], NULL)) != TS_OK)
            return mismatch(d, e, &d->overlay[i], NULL);
    /* The contexts of one call differ in the text of `hop` alone. */
    e = d->set_count == 0 ? cedar_request_check(schema, &req, NULL)
                          : cedar_request_check_uids(schema, &req, NULL);
    if (e != TS_OK)
        return mismatch(d, e, NULL, &req);
    *s = *set;
    e = cedar_authorize(set->policies, d->tenant->entities, &req, d->arena,
                        &s->answer);
    if (e == TS_OK)
        d->set_count++;
    return e;
}

static struct set_result tenant_set(const struct deciding *d, const char *name)
{
    return (struct set_result){.set_name = name,
                               .policies = d->tenant->policies,
                               .demands = d->tenant->demands,
                               .uses = d->tenant->uses};
}

static struct set_result block_set(const struct authority *a, uint32_t i)
{
    static const char *const names[TS_BLOCKS_MAX] = {
        "block:0", "block:1", "block:2", "block:3",
        "block:4", "block:5", "block:6", "block:7"};

    return (struct set_result){.set_name = names[i],
                               .policies = a->block_policies[i],
                               .demands = a->block_demands[i],
                               .uses = a->block_uses[i]};
}

ts_err decide_ask_set(struct deciding *d, const struct decide_asked *q)
{
    const struct set_result set = {
        .set_name = q->name, .policies = q->policies, .demands = q->demands};
    struct cedar_value context;
    ts_err e = context_record(&d->context, q->hop, d->arena, &context);

    return e != TS_OK ? e : ask(d, &set, q->principal, &context);
}

/* User, every agent from root to leaf, then every block for the leaf. */
ts_err decide_ask_all(struct deciding *d)
{
    static const char *const agents[TS_BLOCKS_MAX] = {
        "agent:0", "agent:1", "agent:2", "agent:3",
        "agent:4", "agent:5", "agent:6", "agent:7"};
    const struct authority *a = d->in->authority;
    const struct authority_parts *p = a->parts;
    const struct cedar_uid *leaf = &p->agents[p->agent_count - 1].up[0];
    struct cedar_value subject, caller, delegator = {0};
    struct set_result set = tenant_set(d, "user");
    ts_err e;

    if (!a->recorded && a->block_count != a->delegation->block_count)
        return TS_E_STATE; /* what narrows it was never read */

    if ((e = context_record(&d->context, HOP_SUBJECT, d->arena, &subject)) !=
            TS_OK ||
        (e = context_record(&d->context, HOP_CALLER, d->arena, &caller)) !=
            TS_OK ||
        (e = ask(d, &set, &p->user, &subject)) != TS_OK)
        return e;
    if (p->agent_count > 1 &&
        (e = context_record(&d->context, HOP_DELEGATOR, d->arena,
                            &delegator)) != TS_OK)
        return e;
    for (uint32_t i = 0; i < p->agent_count; i++) {
        set = tenant_set(d, agents[i]);
        e = ask(d, &set, &p->agents[i].up[0],
                i + 1 < p->agent_count ? &delegator : &caller);
        if (e != TS_OK)
            return e;
    }
    for (uint32_t i = 0; i < a->block_count; i++) {
        struct cedar_value own;

        set = block_set(a, i);
        if ((e = context_of_block(&d->context, &d->args, &caller, i,
                                  d->approved, d->arena, &own)) != TS_OK ||
            (e = ask(d, &set, leaf, &own)) != TS_OK)
            return e;
    }
    return TS_OK;
}

static ts_err evaluate(struct deciding *d)
{
    const struct context_input ci = {.tenant = d->tenant,
                                     .authority = d->in->authority,
                                     .call = d->in->call,
                                     .manifest = d->tool->manifest,
                                     .args = &d->args,
                                     .rates = &d->rates,
                                     .sensitivity = d->target.sensitivity,
                                     .approved = d->approved};
    ts_err e;

    for (uint32_t i = 0; i < d->overlay_count; i++)
        if ((e = sub_agent_entity(d, &d->overlay[i])) != TS_OK)
            return e;
    d->overlay[d->overlay_count++] = d->target.overlay;
    if ((e = check_entities(d)) != TS_OK ||
        (e = context_make(&ci, d->arena, &d->context)) != TS_OK)
        return e;
    d->has_context = true;
    return decide_ask_all(d);
}

/* Any failure on the way to an answer is a denial, never half a verdict. */
struct combined decide_judge(struct deciding *d)
{
    struct combined no = {VERDICT_DENY, check_call(d)};
    ts_err e;

    d->out->has_escalation = false;

    read_rates(d);
    if (no.code != CODE_PERMITTED)
        return no;
    e = request_target(d->tenant, d->tool, &d->args, d->arena, &d->target);
    if (e == TS_E_LIMIT) {
        no.code = decide_deny(d, CODE_BAD_ARGUMENTS,
                              "the resource is nested too deeply to decide on");
        return no;
    }
    no.code = CODE_INTERNAL;
    if (e != TS_OK)
        return no;
    d->has_target = true;
    if (evaluate(d) != TS_OK) {
        d->set_count = 0; /* an incomplete list would look like an answer */
        if (d->mismatch)
            no.code = CODE_SCHEMA_MISMATCH;
        return no;
    }
    no = combine(d->sets, d->set_count);
    if (no.verdict != VERDICT_PERMIT && d->in->escalation != NULL)
        no = decide_escalate(d, no);
    if (no.verdict == VERDICT_PERMIT &&
        (no.code = decide_uses_take(d)) != CODE_PERMITTED)
        no.verdict = VERDICT_DENY;
    if (no.verdict == VERDICT_DENY && decide_is_used_up(d))
        no.code = CODE_LIMIT_REACHED;
    return no;
}

static void put_be64(uint8_t *p, uint64_t v)
{
    for (int i = 7; i >= 0; i--, v >>= 8)
        p[i] = (uint8_t)v;
}

/* Unique by construction: the start's random number, and a counter behind a
 * bijection, so that an id does not tell how many decisions came before. */
static void make_id(const struct decide_input *in, uint8_t id[16])
{
    uint64_t z = meters_next_serial(in->meters) + in->boot_id;

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    put_be64(id, in->boot_id);
    put_be64(id + 8, z ^ (z >> 31));
}

/* What was decided cannot be written down whole: then it is not done. */
static ts_err record_brief(struct deciding *d, uint8_t *record, size_t cap,
                           size_t *ret_len)
{
    struct decision *out = d->out;

    if (out->verdict != VERDICT_DENY) {
        out->verdict = VERDICT_DENY;
        out->code = CODE_AUDIT_UNAVAILABLE;
        d->why = "the record of this decision would be too large";
        decide_text(d, out->text, sizeof(out->text));
    }
    return decide_record_write(d, true, record, cap, ret_len);
}

ts_err decide_call(const struct decide_input *in, struct ts_arena *arena,
                   uint8_t *record, size_t cap, size_t *ret_record_len,
                   struct decision *ret)
{
    struct deciding d = {.in = in, .arena = arena, .out = ret};
    struct combined all;
    ts_err e;

    *ret = (struct decision){.verdict = VERDICT_DENY, .code = CODE_INTERNAL};
    make_id(in, ret->id);
    all = decide_judge(&d);
    if (all.verdict == VERDICT_PENDING && in->people != NULL &&
        !in->call->check_only)
        all = decide_ask(&d);
    if (all.verdict == VERDICT_PERMIT) {
        decide_fill_permit(&d);
        if ((all.code = decide_make_token(&d)) != CODE_PERMITTED)
            all.verdict = VERDICT_DENY;
    }
    ret->verdict = all.verdict;
    ret->code = all.code;
    if (ret->verdict != VERDICT_PERMIT)
        decide_text(&d, ret->text, sizeof(ret->text));
    e = decide_record_write(&d, false, record, cap, ret_record_len);
    if (e == TS_E_LIMIT)
        e = record_brief(&d, record, cap, ret_record_len);
    if (e != TS_OK) {
        ret->verdict = VERDICT_DENY;
        ret->code = CODE_AUDIT_UNAVAILABLE;
    }
    count_call(&d);
    return e;
}
