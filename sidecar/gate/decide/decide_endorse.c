/* What people let through together with a call: from what their question told
 * them to names in the task, which count once the call was started. */
#include <string.h>

#include "sidecar/gate/decide/decide_priv.h"
#include "sidecar/gate/people/approval_rule.h"

/* "block:N/id", or an @id of the tenant's. */
uint32_t endorse_sets_of(const struct ticket_rule *rules, uint32_t count)
{
    static const char prefix[] = APPROVAL_BLOCK_PREFIX;
    const size_t n = sizeof(prefix) - 1;
    uint32_t sets = 0;

    for (uint32_t i = 0; i < count; i++) {
        struct ts_str id = rules[i].policy;

        if (!approval_id_is_reserved(id))
            sets |= ENDORSED_TENANT;
        else if (id.len > n && id.ptr[n] >= '0' &&
                 id.ptr[n] < '0' + TS_BLOCKS_MAX)
            sets |= ENDORSED_BLOCK((unsigned)(id.ptr[n] - '0'));
    }
    return sets;
}

static bool is_named(struct ts_str arg, const struct endorsed_use *u)
{
    return arg.len == u->arg.len + u->inside.len &&
           memcmp(arg.ptr, u->arg.ptr, u->arg.len) == 0 &&
           (u->inside.len == 0 ||
            memcmp(arg.ptr + u->arg.len, u->inside.ptr, u->inside.len) == 0);
}

static const struct endorse_told *told_of(const struct deciding *d,
                                          const struct endorsed_use *u)
{
    for (uint32_t i = 0; i < d->told_count; i++)
        if (is_named(d->told[i].arg, u) && ts_str_eq(d->told[i].value, u->text))
            return &d->told[i];
    return NULL;
}

static bool is_listed(const struct deciding *d, const struct endorse_told *told)
{
    for (uint32_t i = 0; i < d->endorses_count; i++)
        if (d->endorses[i] == told)
            return true;
    return false;
}

/* Values of authority alone have a use. What cannot be named is not let
 * through: it is asked about again. */
static void see(void *ctx, const struct provenance_value *v)
{
    struct deciding *d = ctx;
    struct decision *out = d->out;
    const struct endorse_told *told;

    if (v->use == NULL || (out->endorse_sets & ~v->endorsed.sets) == 0 ||
        (v->seen->source != PROV_UNTRUSTED && v->seen->source != PROV_UNKNOWN))
        return;
    told = told_of(d, v->use);
    if (told == NULL || is_listed(d, told) ||
        d->endorses_count == ENDORSE_TOLD_MAX ||
        prov_task_endorse_name(d->in->call->task, d->approved->policy_epoch,
                               v->use, &out->endorse[out->endorse_count],
                               &out->endorse_serial) != TS_OK)
        return;
    out->endorse_count++;
    d->endorses[d->endorses_count++] = told;
}

ts_err decide_endorse(struct deciding *d)
{
    const struct call_input *call = d->in->call;
    const struct provenance_input values = {.manifest = d->tool->manifest,
                                            .args = &d->args,
                                            .who =
                                                context_who(d->in->authority),
                                            .task = call->task,
                                            .handles = call->handles,
                                            .handle_count = call->handle_count,
                                            .ctx = d,
                                            .saw = see};
    struct call_provenance again;
    ts_err e;

    d->out->endorse_sets = 0;
    /* What only break-glass let through is let through for that call alone. */
    if (d->told_count == 0 || call->task == NULL || d->out->has_escalation)
        return TS_OK;
    d->out->endorse_sets =
        endorse_sets_of(d->approved->rules, d->approved->rule_count);
    e = call_provenance_make(&values, d->arena, &again);
    if (e != TS_OK) /* the call is denied: nor does its record say otherwise */
        d->endorses_count = d->out->endorse_count = 0;
    return e;
}

/* [[argument, value] ..]; values only where the manifest has the log say them.
 */
void record_endorses(struct mp_writer *w, const struct deciding *d, bool brief)
{
    bool full = !brief && d->tool->manifest->log == LOG_FULL;

    mp_write_cstr(w, "endorses");
    mp_write_array(w, d->endorses_count);
    for (uint32_t i = 0; i < d->endorses_count; i++) {
        const struct endorse_told *t = d->endorses[i];

        mp_write_array(w, full ? 2 : 1);
        mp_write_str(w, t->arg.ptr, t->arg.len);
        if (full)
            mp_write_str(w, t->value.ptr, t->value.len);
    }
}
