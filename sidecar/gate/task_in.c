#include "sidecar/gate/task_in.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "proto/msg/client.h"
#include "proto/trust/delegation.h"
#include "proto/trust/origin.h"
#include "sidecar/common/log.h"
#include "sidecar/common/manifest/manifest.h"
#include "sidecar/gate/asking/approvals.h"
#include "sidecar/gate/decide/call_provenance.h"
#include "sidecar/gate/decide/decide.h"
#include "sidecar/gate/people/snapshot_priv.h"
#include "sidecar/gate/provenance/leaves.h"
#include "sidecar/gate/provenance/outline.h"
#include "sidecar/gate/provenance/task.h"
#include "sidecar/gate/running/kept.h"

/* Bytes of outputs that all runs together hold until their end. */
#define SEEN_MAX (64u << 20)

static enum prov_origin origin_of(enum origin_kind k)
{
    switch (k) {
    case ORIGIN_USER:
        return PROV_ORIGIN_USER;
    case ORIGIN_SCHEDULE:
        return PROV_ORIGIN_SCHEDULE;
    case ORIGIN_WEBHOOK:
        return PROV_ORIGIN_WEBHOOK;
    case ORIGIN_AGENT:
        return PROV_ORIGIN_AGENT;
    }
    return PROV_ORIGIN_UNKNOWN;
}

/* ---- sessions ------------------------------------------------------------ */

/* The user's own identity is the user's word, too: the id, and what of the
 * directory the tenant names. */
static ts_err tell_who(struct client *c, const struct snapshot_tenant *tenant)
{
    const struct delegation *d = c->authority->delegation;
    const struct cedar_uid user = cedar_uid_make(TS_STR_LIT("User"), d->user);
    const struct cedar_record *attrs =
        cedar_entity_attrs(tenant->entities, &user);
    ts_err e = prov_task_identity(c->task, d->user);

    for (uint32_t i = 0;
         e == TS_OK && attrs != NULL && i < tenant->identity_attr_count; i++) {
        const struct cedar_value *v =
            cedar_record_get(attrs, tenant->identity_attrs[i]);

        if (v != NULL && v->kind == CEDAR_STRING)
            e = prov_task_identity(c->task, v->as.string);
    }
    return e;
}

ts_err task_in_open(struct client *c, const struct snapshot_tenant *tenant)
{
    struct gate *g = c->gate;
    const struct delegation *d = c->authority->delegation;
    const struct prov_grant grant = {.tenant = d->tenant,
                                     .grant_id = d->grant_id,
                                     .issued_s = d->blocks[0].iat,
                                     .expires_s = d->blocks[0].exp};
    ts_err e = prov_tasks_open(g->tasks, &grant, gate_now(g).unix_ms / 1000,
                               g->started_s, &c->task);

    if (e != TS_OK)
        return e;
    /* Without room for it the user is nobody that is known: no reason to
     * refuse the session. */
    if ((e = tell_who(c, tenant)) != TS_OK)
        log_event(LOG_WARN, "identity_unknown reason=\"%s\"", ts_err_text(e));
    return TS_OK;
}

/* NULL: it counts; otherwise why not. */
static const char *take_origin(struct client *c, struct ts_bytes in)
{
    struct gate *g = c->gate;
    const struct delegation *d = c->authority->delegation;
    const struct snapshot_tenant *tenant =
        snapshot_tenant_find(g->snapshot, d->tenant);
    struct origin o;
    enum trust_code code;
    ts_err e;

    if (tenant == NULL)
        return "tenant";
    g->verified_this_turn++;
    code =
        origin_verify(tenant->trust.store, in, gate_now(g).unix_ms / 1000, &o);
    if (code != TRUST_OK)
        return trust_code_name(code);
    if (!ts_str_eq(o.tenant, d->tenant) ||
        memcmp(o.grant_id, d->grant_id, sizeof(o.grant_id)) != 0)
        return "another_grant";
    if ((e = prov_task_prompt(c->task, o.prompt)) != TS_OK)
        return ts_err_text(e);
    prov_task_began_by(c->task, origin_of(o.kind));
    return NULL;
}

ts_err task_in_origin(struct client *c, const struct frame *f)
{
    struct msg_origin m;
    const char *what;
    ts_err e = msg_origin_decode(f->body, f->len, &m, &what);

    if (e != TS_OK)
        return e;
    what = take_origin(c, m.origin);
    if (what != NULL)
        log_event(LOG_WARN,
                  "origin_refused uid=%u reason=\"%s\" hint=\"the task is of "
                  "unknown origin and has no prompt\"",
                  c->uid, what);
    return TS_OK;
}

void task_in_close(struct client *c)
{
    prov_task_close(c->task);
    c->task = NULL;
}

/* ---- runs ---------------------------------------------------------------- */

static struct prov_patterns patterns_of(const struct manifest_patterns *p)
{
    return (struct prov_patterns){.list = p->list, .count = p->count};
}

static enum prov_confidentiality level_of(const struct run *r)
{
    if (r->keeping.is_derived) /* it may have printed what it was given */
        return PROV_SECRET;
    switch (r->manifest->output.confidentiality) {
    case OUTPUT_PUBLIC:
        return PROV_PUBLIC;
    case OUTPUT_INTERNAL:
        return PROV_INTERNAL;
    case OUTPUT_PRIVATE:
        return PROV_PRIVATE;
    case OUTPUT_SECRET:
        return PROV_SECRET;
    case OUTPUT_OF_RESOURCE:
        break;
    }
    return (enum prov_confidentiality)r->sensitivity; /* the same four */
}

static struct prov_output_rules rules_of(const struct run *r)
{
    const struct manifest_output *o = &r->manifest->output;
    struct prov_output_rules rules = {.is_json = o->format == OUTPUT_JSON,
                                      .is_trusted =
                                          o->integrity == OUTPUT_TRUSTED,
                                      .untrusted = patterns_of(&o->untrusted),
                                      .trusted = patterns_of(&o->trusted),
                                      .ids = patterns_of(&o->ids),
                                      .secret = patterns_of(&o->secret),
                                      .vouches = patterns_of(&o->vouches),
                                      .level = level_of(r)};

    _Static_assert(PROV_FORMS == MANIFEST_FORMS, "the same forms");
    for (size_t f = 0; f < PROV_FORMS; f++)
        rules.selectors[f] = patterns_of(&o->selectors[f]);
    return rules;
}

/* One argument at a time to whoever takes what the call was given. */
struct telling {
    const struct call_args *args;
    ts_err (*sink)(void *to, struct ts_str text);
    void *to;
};

static ts_err tell_leaf(void *ctx, const struct leaf *l)
{
    const struct telling *t = ctx;

    if (l->type == LEAF_BOOL || l->type == LEAF_NULL)
        return TS_OK;
    return t->sink(t->to, l->text);
}

static ts_err tell_arg(struct telling *t, const struct arg_value *v)
{
    char number[24];
    ts_err e = TS_OK;
    int n;

    switch (v->decl->type) {
    case ARG_BOOL:
        break;
    case ARG_INT:
        n = snprintf(number, sizeof(number), "%lld", (long long)v->integer);
        return t->sink(t->to, (struct ts_str){.ptr = number, .len = (size_t)n});
    case ARG_STRINGS:
        for (uint32_t i = 0; e == TS_OK && i < v->item_count; i++)
            e = t->sink(t->to, v->items[i]);
        return e;
    case ARG_JSON:
        return leaves_walk(v->text, tell_leaf, t);
    case ARG_STRING:
    case ARG_PATH:
    case ARG_URL:
    case ARG_DECIMAL:
        return t->sink(t->to, v->text);
    }
    return TS_OK;
}

static ts_err tell_args(void *ctx, ts_err (*sink)(void *to, struct ts_str text),
                        void *to)
{
    struct telling t = {.args = ctx, .sink = sink, .to = to};
    ts_err e = TS_OK;

    for (uint32_t i = 0; e == TS_OK && i < t.args->count; i++)
        if (t.args->values[i].decl->one_of_count == 0)
            e = tell_arg(&t, &t.args->values[i]);
    return e;
}

/* A tool of which nothing is trusted may repeat what it likes. What comes on
 * standard input is not known when the call begins, and has no end that could
 * be waited for: whatever such a tool prints may be that. */
static uint32_t said_of(const struct run *r, struct call_args *args)
{
    const struct prov_output_rules rules = rules_of(r);
    const struct prov_saying s = {.ctx = args, .walk = tell_args};

    if (!prov_rules_heed_arguments(&rules))
        return 0;
    return r->has_stdin ? PROV_SAID_LOST : prov_task_says(r->task, &s);
}

_Static_assert(PROV_GIVEN_MAX == CALL_HANDLES_MAX, "each is remembered");

static const struct prov_given *given_of(const struct decision *d)
{
    struct prov_given_one list[PROV_GIVEN_MAX];

    for (uint32_t i = 0; i < d->handle_count; i++)
        list[i] = (struct prov_given_one){.call = d->handles[i].call,
                                          .pointer = d->handles[i].path,
                                          .source = d->handles[i].seen.source,
                                          .level = d->handles[i].seen.level,
                                          .is_sealed = d->handles[i].is_sealed};
    return prov_given_new(list, d->handle_count);
}

void task_in_began(struct run *r, const struct decision *d)
{
    struct client *c = r->client;
    struct call_args args;

    ts_buf_init(&r->seen[0], PROV_OUTPUT_MAX);
    ts_buf_init(&r->seen[1], PROV_OUTPUT_MAX);
    if (c == NULL || c->task == NULL)
        return;
    /* A reload may come while it runs: the rules that it began under. */
    r->rules = r->gate->snapshot->rules;
    snapshot_rules_hold(r->rules);
    r->manifest = d->manifest;
    r->sensitivity = d->sensitivity;
    r->task = c->task;
    prov_task_hold(r->task);
    r->ref = prov_task_began(r->task);
    args = d->args;
    r->said = said_of(r, &args);
    r->given = given_of(d);
    r->endorse_count = d->endorse_count;
    r->endorse_sets = d->endorse_sets;
    r->endorse_serial = d->endorse_serial;
    memcpy(r->endorse, d->endorse, d->endorse_count * sizeof(r->endorse[0]));
}

void task_in_epoch(struct gate *g, struct prov_task *k, struct ts_str tenant)
{
    const struct snapshot_tenant *t;

    if (!prov_task_endorses(k))
        return;
    t = snapshot_tenant_find(g->snapshot, tenant);
    /* Of a tenant that is no more nothing is decided: any other epoch does. */
    prov_task_endorse_under(k, t != NULL ? approvals_epoch(g, t) : UINT64_MAX);
}

void task_in_endorses(struct run *r)
{
    struct gate *g = r->gate;
    const struct endorsed_by by = {.call = r->ref, .sets = r->endorse_sets};

    if (r->endorse_count == 0 || r->task == NULL)
        return;
    task_in_epoch(g, r->task,
                  (struct ts_str){.ptr = r->names[RUN_TENANT],
                                  .len = r->name_len[RUN_TENANT]});
    for (uint32_t i = 0; i < r->endorse_count; i++)
        r->endorsed +=
            prov_task_endorse(r->task, &r->endorse[i], r->endorse_serial, &by);
    if (r->endorsed < r->endorse_count)
        log_event(LOG_INFO,
                  "endorsed_less order=%llu of=%u entered=%u hint=\"they were "
                  "there, the table is full, or what they rested on has gone\"",
                  (unsigned long long)r->order_id, r->endorse_count,
                  r->endorsed);
}

static void drop_seen(struct run *r)
{
    for (size_t i = 0; i < 2; i++) {
        r->gate->seen_bytes -= r->seen[i].cap;
        if (r->tripwires != NULL && r->seen[i].data != NULL)
            sodium_memzero(r->seen[i].data, r->seen[i].cap);
        ts_buf_done(&r->seen[i]);
        ts_buf_init(&r->seen[i], PROV_OUTPUT_MAX);
    }
}

void task_in_first(struct run *r)
{
    struct prov_output_rules rules;

    if (r->task == NULL || r->has_shown)
        return;
    rules = rules_of(r);
    prov_task_shows(r->task, &rules);
    prov_task_reveals(r->task, r->given);
    r->has_shown = true;
}

/* No tenant takes the second half of it from the others. */
static bool may_hold(const struct run *r)
{
    const struct gate *g = r->gate;
    size_t own = 0;

    if (g->seen_bytes <= SEEN_MAX / 2 || g->seen_bytes > SEEN_MAX)
        return g->seen_bytes <= SEEN_MAX;
    for (uint32_t i = 0; i < TS_CALLS_MAX; i++) {
        const struct run *other = &g->runs[i];

        if (other->used &&
            other->name_len[RUN_TENANT] == r->name_len[RUN_TENANT] &&
            memcmp(other->names[RUN_TENANT], r->names[RUN_TENANT],
                   r->name_len[RUN_TENANT]) == 0)
            own += other->seen[0].cap + other->seen[1].cap;
    }
    return own <= SEEN_MAX / 2;
}

void task_in_holds(struct run *r, size_t which, struct ts_bytes b)
{
    struct ts_buf *to = &r->seen[which];
    size_t cap = to->cap;

    if (r->seen_lost || b.len == 0)
        return;
    r->seen_lost = !may_hold(r) || ts_buf_append(to, b.ptr, b.len) != TS_OK;
    r->gate->seen_bytes += to->cap - cap;
    if (r->seen_lost)
        drop_seen(r);
}

void task_in_shows(struct run *r, size_t which, struct ts_bytes b)
{
    if (r->task == NULL || b.len == 0)
        return;
    task_in_first(r);
    task_in_holds(r, which, b);
}

static struct ts_str text_of(const struct ts_buf *b)
{
    return (struct ts_str){.ptr = (const char *)ts_buf_bytes(b), .len = b->len};
}

/* Without rules nobody can say that it is not. */
bool task_in_is_secret(struct run *r)
{
    struct prov_output_rules rules;

    if (r->manifest == NULL)
        return true;
    rules = rules_of(r);
    return prov_output_is_secret(text_of(&r->seen[0]), &rules) ||
           (r->seen[1].len > 0 && rules.secret.count > 0);
}

bool task_in_ended(struct run *r)
{
    struct prov_output_rules rules;
    struct prov_output o = {
        .call = r->ref,
        .tool = {.ptr = r->names[RUN_TOOL], .len = r->name_len[RUN_TOOL]},
        .rules = &rules,
        .said = r->said,
        .given = r->given,
        .bytes = text_of(&r->seen[0]),
        .errors = text_of(&r->seen[1]),
        .is_whole = !r->out[0].truncated && !r->is_hidden && r->client != NULL,
        .is_lost = r->seen_lost,
        .is_withheld = r->keeping.is_kept,
        .is_sealed = r->keeping.is_sealed,
        .failed = r->reason != END_EXITED || r->exited.exit_code != 0 ||
                  r->exited.signal != 0};

    enum prov_output_how how;
    bool named;

    if (r->task == NULL || (!r->has_shown && !r->keeping.is_kept)) {
        task_in_done(r);
        return true;
    }
    rules = rules_of(r);
    how = prov_task_output(r->task, &o);
    named = !o.is_withheld || how != PROV_OUTPUT_LOST;
    if (o.is_withheld)
        run_kept_tell(r, &o, how);
    if (how == PROV_OUTPUT_UNREADABLE && !o.failed)
        log_event(LOG_WARN,
                  "output_not_json tool=%.*s order=%llu hint=\"its manifest "
                  "says format: json; it was taken as untrusted text\"",
                  (int)o.tool.len, o.tool.ptr, (unsigned long long)r->order_id);
    task_in_done(r);
    return named;
}

void task_in_done(struct run *r)
{
    if (r->gate != NULL)
        drop_seen(r);
    prov_task_close(r->task);
    r->task = NULL;
    prov_given_free(r->given);
    r->given = NULL;
    snapshot_rules_release(r->rules);
    r->rules = NULL;
    r->manifest = NULL;
}

struct ts_str task_in_ref(uint32_t ref, char *text)
{
    char name[TS_REF_MAX + 1];
    int n = ref > 0 ? snprintf(name, sizeof(name), "call-%u", ref) : 0;

    if (n > 0)
        memcpy(text, name, (size_t)n);
    return (struct ts_str){.ptr = text, .len = n > 0 ? (size_t)n : 0};
}
