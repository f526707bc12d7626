/* What a permit comes to: the order for the launcher, and the token of whoever
 * the tool acts for. */
#include <string.h>

#include "sidecar/gate/decide/decide_priv.h"
#include "sidecar/gate/decide/obo_token.h"

/* No tool outlives what it was started under. */
static void until_escalation(struct deciding *d)
{
    uint64_t now = d->in->call->now.boot_ns;
    uint64_t until = d->in->escalation->until_ns;
    uint64_t left_ms = until > now ? (until - now) / 1000000u : 0;

    if (left_ms >= d->out->wall_ms)
        return;
    d->out->wall_ms = left_ms > 0 ? left_ms : 1;
    d->out->deadline_is_expiry = true;
}

void decide_fill_permit(struct deciding *d)
{
    const struct call_input *call = d->in->call;
    const struct manifest *m = d->tool->manifest;
    struct decision *out = d->out;
    bool has_path = m->resource == RESOURCE_FILE || m->resource == RESOURCE_DIR;
    uint64_t end_ms = d->in->authority->delegation->expires * 1000;
    const struct box_demand box = combine_demands(d->sets, d->set_count);

    out->manifest = m;
    out->sensitivity = d->target.sensitivity;
    out->target = d->target.resource;
    out->action = d->tool->action.id;
    out->args = d->args;
    out->wall_ms = m->limits.wall_ms;
    if (call->deadline_ms != 0 && call->deadline_ms < out->wall_ms)
        out->wall_ms = call->deadline_ms;
    if (end_ms - call->now.unix_ms < out->wall_ms) { /* not expired: > 0 */
        out->wall_ms = end_ms - call->now.unix_ms;
        out->deadline_is_expiry = true;
    }
    if (out->has_escalation)
        until_escalation(d);
    out->order =
        (struct order){.order_id = d->in->order_id,
                       .generation = d->in->snapshot->generation,
                       .tool = m->tool,
                       .args = call->args,
                       .path = has_path ? d->args.resource : TS_STR_LIT(""),
                       .access = has_path ? m->access : ACCESS_NONE,
                       .wall_ms = out->wall_ms,
                       .output_max = m->limits.output_bytes,
                       .has_stdin = call->has_stdin,
                       .box = box.box,
                       .require = box.require};
    memcpy(out->order.decision_id, out->id, sizeof(out->id));
}

enum call_code decide_make_token(struct deciding *d)
{
    const struct decide_input *in = d->in;
    const struct manifest_token *want = &d->tool->manifest->token;
    struct obo_input obo = {.issuer = in->sidecar_id,
                            .delegation = in->authority->delegation,
                            .want = want,
                            .now_s = in->call->now.unix_ms / 1000};
    struct ts_str *token = &d->out->order.token;
    void *p;

    *token = TS_STR_LIT("");
    if (want->ttl_s == 0)
        return CODE_PERMITTED;
    if (in->token_key == NULL || in->token_key->sk == NULL)
        return decide_deny(
            d, CODE_NOT_READY,
            "this tool needs an identity token and the sidecar has no "
            "key to sign it with");
    if (in->call->check_only)
        return CODE_PERMITTED;
    memcpy(obo.decision_id, d->out->id, sizeof(obo.decision_id));
    if (ts_arena_alloc(d->arena, TS_TOKEN_MAX, &p) != TS_OK ||
        obo_token_mint(&obo, in->token_key, p, &token->len) != TS_OK)
        return decide_deny(d, CODE_INTERNAL,
                           "the identity token could not be made");
    token->ptr = p;
    return CODE_PERMITTED;
}
