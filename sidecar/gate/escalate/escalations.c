#include "sidecar/gate/escalate/escalations.h"

#include <string.h>

#include "proto/base/ts_mem.h"
#include "proto/base/ts_require.h"
#include "proto/trust/id.h"

#define TEXT_BUDGET   ((size_t)64 << 10)
#define DEMAND_BUDGET ((size_t)64 << 10)

const char *escalation_state_name(enum escalation_state s)
{
    static const char *const names[ESCALATION_STATE_COUNT_] = {
        "active", "used_up", "interrupted", "ending"};

    return (size_t)s < ESCALATION_STATE_COUNT_ ? names[s] : "unknown";
}

const char *escalation_end_name(enum escalation_end e)
{
    static const char *const names[ESCALATION_END_COUNT_] = {
        "expired", "used_up", "revoked", "policies_changed"};

    return (size_t)e < ESCALATION_END_COUNT_ ? names[e] : "unknown";
}

static void release(struct escalated *x)
{
    cedar_policies_free(x->policies);
    ts_arena_done(&x->arena);
    ts_arena_done(&x->of_object);
    ts_arena_done(&x->of_policies);
    ts_mem_free(x);
}

void escalations_done(struct escalations *t)
{
    while (t->list != NULL) {
        struct escalated *x = t->list;

        t->list = x->next;
        release(x);
    }
    t->count = 0;
}

static bool same_or_below(struct ts_str a, struct ts_str b)
{
    return ts_str_eq(a, b) || trust_id_below(a, b);
}

struct escalated *escalations_overlap(const struct escalations *t,
                                      const struct escalation *e)
{
    for (struct escalated *x = t->list; x != NULL; x = x->next)
        if ((x->state == ESCALATION_ACTIVE || x->state == ESCALATION_USED_UP) &&
            ts_str_eq(x->info.tenant, e->tenant) &&
            ts_str_eq(x->info.task, e->task) &&
            (same_or_below(x->info.agent, e->agent) ||
             same_or_below(e->agent, x->info.agent)) &&
            memcmp(x->info.id, e->id, sizeof(e->id)) != 0)
            return x;
    return NULL;
}

struct escalated *escalations_find(const struct escalations *t,
                                   struct ts_str tenant, const uint8_t id[16])
{
    struct escalated *x = t->list;

    while (x != NULL && (memcmp(x->info.id, id, sizeof(x->info.id)) != 0 ||
                         !ts_str_eq(x->info.tenant, tenant)))
        x = x->next;
    return x;
}

bool escalated_is_signer(const struct escalated *x, struct ts_str person)
{
    for (uint32_t i = 0; i < x->info.people_count; i++)
        if (ts_str_eq(x->info.people[i], person))
            return true;
    return false;
}

uint32_t escalations_of(const struct escalations *t, struct ts_str tenant)
{
    uint32_t n = 0;

    for (const struct escalated *x = t->list; x != NULL; x = x->next)
        n += ts_str_eq(x->info.tenant, tenant);
    return n;
}

static ts_err keep(struct ts_arena *arena, struct ts_str *s)
{
    const char *p;
    ts_err e = ts_arena_strndup(arena, s->ptr, s->len, &p);

    if (e == TS_OK)
        s->ptr = p;
    return e;
}

static ts_err keep_all(struct escalated *x)
{
    struct escalation_entry *i = &x->info;
    struct ts_str *const texts[] = {&i->tenant, &i->user,   &i->agent,
                                    &i->task,   &i->reason, &i->incident};
    ts_err e = TS_OK;

    for (size_t k = 0; k < sizeof(texts) / sizeof(texts[0]) && e == TS_OK; k++)
        e = keep(&x->arena, texts[k]);
    for (uint32_t k = 0; k < i->people_count && e == TS_OK; k++)
        e = keep(&x->arena, &i->people[k]);
    return e;
}

ts_err escalations_add(struct escalations *t,
                       const struct escalation_entry *info,
                       struct escalated **ret)
{
    struct escalated *x;
    ts_err e;

    if (t->count >= ESCALATIONS_MAX ||
        escalations_of(t, info->tenant) >= ESCALATIONS_PER_TENANT)
        return TS_E_LIMIT;
    x = ts_mem_alloc(sizeof(*x));
    if (x == NULL)
        return TS_E_NOMEM;
    ts_arena_init(&x->arena, TEXT_BUDGET);
    ts_arena_init(&x->of_object, TEXT_BUDGET);
    ts_arena_init(&x->of_policies, DEMAND_BUDGET);
    x->state = ESCALATION_INTERRUPTED;
    x->info = *info;
    e = keep_all(x);
    if (e != TS_OK) {
        release(x);
        return e;
    }
    x->next = t->list;
    t->list = x;
    t->count++;
    *ret = x;
    return TS_OK;
}

ts_err escalations_replay(struct escalations *t,
                          const struct escalation_entry *info)
{
    struct escalated *x = escalations_find(t, info->tenant, info->id);

    if (x == NULL)
        return info->ended ? TS_OK : escalations_add(t, info, &x);
    if (info->ended) {
        escalations_remove(t, x);
        return TS_OK;
    }
    if (info->used > x->info.used)
        x->info.used = info->used;
    return TS_OK;
}

ts_err escalated_recheck(struct escalated *x, struct cedar_policies *policies,
                         uint64_t checked)
{
    const struct box_demand *demands = NULL;
    struct ts_arena arena;
    ts_err e = TS_OK;

    ts_arena_init(&arena, DEMAND_BUDGET);
    if (policies != NULL)
        e = box_demands_make(policies, &arena, &demands);
    if (e != TS_OK) {
        ts_arena_done(&arena);
        return e;
    }
    cedar_policies_free(x->policies);
    ts_arena_done(&x->of_policies);
    x->of_policies = arena;
    x->policies = policies;
    x->demands = demands;
    x->checked = checked;
    return TS_OK;
}

/* Behind a restart it may be brought with other people's signatures than the
 * journal knows. */
static void take_signers(struct escalated *x,
                         const struct escalation_signers *by)
{
    for (uint32_t i = 0; i < by->count; i++)
        x->info.people[i] = by->people[i];
    x->info.people_count = by->count;
}

/* What was brought, kept; e and by then borrow from arena. */
static ts_err keep_object(struct ts_arena *arena, struct ts_bytes object,
                          struct escalation *ret, struct escalation_signers *by)
{
    struct escalation_object o;
    const char *copy;
    ts_err e =
        ts_arena_strndup(arena, (const char *)object.ptr, object.len, &copy);

    for (uint32_t i = 0; i < by->count && e == TS_OK; i++)
        e = keep(arena, &by->people[i]);
    if (e != TS_OK)
        return e;
    object.ptr = (const uint8_t *)copy;
    return escalation_split(object, &o) == TRUST_OK &&
                   escalation_decode(o.body, ret) == TRUST_OK
               ? TS_OK
               : TS_E_FORMAT;
}

ts_err escalated_start(struct escalated *x, struct ts_bytes object,
                       const struct escalation_signers *by,
                       struct cedar_policies *policies, uint64_t until_ns,
                       uint64_t checked)
{
    struct escalation_signers kept = *by;
    struct ts_arena arena;
    struct escalation e;
    ts_err err;

    ts_arena_init(&arena, TEXT_BUDGET);
    err = keep_object(&arena, object, &e, &kept);
    if (err == TS_OK)
        err = escalated_recheck(x, policies, checked);
    if (err != TS_OK) { /* x may live on, and be tried again: nothing stays */
        ts_arena_done(&arena);
        return err;
    }
    take_signers(x, &kept);
    ts_arena_done(&x->of_object);
    x->of_object = arena;
    x->e = e;
    x->nbf = e.nbf;
    x->until_ns = until_ns;
    x->state = x->info.used < x->info.max_uses ? ESCALATION_ACTIVE
                                               : ESCALATION_USED_UP;
    return TS_OK;
}

void escalations_remove(struct escalations *t, struct escalated *x)
{
    struct escalated **at = &t->list;

    while (*at != x) {
        TS_REQUIRE(*at != NULL);
        at = &(*at)->next;
    }
    *at = x->next;
    t->count--;
    release(x);
}

struct escalated *escalations_for(const struct escalations *t,
                                  struct ts_str tenant, struct ts_str user,
                                  struct ts_str leaf, struct ts_str task,
                                  uint64_t now_ns)
{
    for (struct escalated *x = t->list; x != NULL; x = x->next)
        if (x->state == ESCALATION_ACTIVE && now_ns < x->until_ns &&
            x->info.used < x->info.max_uses &&
            ts_str_eq(x->info.tenant, tenant) &&
            ts_str_eq(x->info.user, user) && ts_str_eq(x->info.task, task) &&
            same_or_below(leaf, x->info.agent))
            return x;
    return NULL;
}

void escalated_use(struct escalated *x)
{
    TS_REQUIRE(x->info.used < x->info.max_uses);
    if (++x->info.used == x->info.max_uses)
        x->state = ESCALATION_USED_UP;
}

void escalated_end(struct escalated *x, enum escalation_end why)
{
    if (x->state == ESCALATION_ENDING)
        return; /* the first reason stays */
    x->state = ESCALATION_ENDING;
    x->end = why;
}

/* Of one that a restart interrupted no deadline is left but its own. */
static bool is_over(const struct escalated *x, uint64_t now_ns, uint64_t now_s)
{
    if (x->state == ESCALATION_INTERRUPTED)
        return now_s >= x->info.expires;
    return now_ns >= x->until_ns;
}

bool escalations_sweep(struct escalations *t, uint64_t now_ns, uint64_t now_s,
                       bool (*has_runs)(void *ctx, const struct escalated *x),
                       void *ctx)
{
    bool some = false;

    for (struct escalated *x = t->list; x != NULL; x = x->next) {
        if (x->state != ESCALATION_ENDING && is_over(x, now_ns, now_s))
            escalated_end(x, ESCALATION_END_EXPIRED);
        else if ((x->state == ESCALATION_USED_UP ||
                  (x->state == ESCALATION_INTERRUPTED &&
                   x->info.used == x->info.max_uses)) &&
                 !has_runs(ctx, x))
            escalated_end(x, ESCALATION_END_USED_UP);
        some = some || x->state == ESCALATION_ENDING;
    }
    return some;
}

void escalations_sooner(struct escalations *t, uint64_t by_ns)
{
    for (struct escalated *x = t->list; x != NULL; x = x->next)
        x->until_ns = x->until_ns > by_ns ? x->until_ns - by_ns : 0;
}
