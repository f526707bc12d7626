/* All tasks: who is remembered, for how long, in how much memory. */
#include <string.h>

#include "proto/base/ts_mem.h"
#include "proto/base/ts_require.h"
#include "sidecar/gate/provenance/task_priv.h"

ts_err prov_tasks_new(size_t max_bytes, struct prov_tasks **ret)
{
    struct prov_tasks *t = ts_mem_alloc(sizeof(*t));

    if (t == NULL)
        return TS_E_NOMEM;
    t->list = ts_mem_alloc(PROV_TASKS_MAX * sizeof(struct prov_task *));
    if (t->list == NULL) {
        ts_mem_free(t);
        return TS_E_NOMEM;
    }
    t->max_bytes = max_bytes;
    *ret = t;
    return TS_OK;
}

size_t prov_tasks_bytes(const struct prov_tasks *t)
{
    return t->bytes;
}

static void empty(struct prov_task *k)
{
    prov_index_free(k->index);
    k->index = NULL;
    prov_index_free(k->said);
    k->said = NULL;
    places_done(&k->places);
    known_done(&k->known);
    ts_buf_done(&k->own);
    for (uint32_t i = 0; k->kept != NULL && i < KEPT_MAX; i++)
        task_kept_done(&k->kept[i]);
    ts_mem_free(k->kept);
    k->kept = NULL;
    k->kept_bytes = 0;
    task_unendorse(k);
    k->all->bytes -= k->counted;
    k->counted = 0;
}

static void forget(struct prov_tasks *t, uint32_t i)
{
    empty(t->list[i]);
    ts_mem_free(t->list[i]);
    t->list[i] = t->list[--t->count];
}

void prov_tasks_free(struct prov_tasks *t)
{
    if (t == NULL)
        return;
    while (t->count > 0)
        forget(t, t->count - 1);
    ts_mem_free(t->list);
    ts_mem_free(t);
}

void task_drop(struct prov_task *k)
{
    empty(k);
    k->has_prompt = false;
    k->lost = true;
    k->secrets_lost = true;
    k->said_floor = k->calls;
}

static bool is_of(const struct prov_task *k, const struct prov_grant *g)
{
    return k->tenant_len == g->tenant.len &&
           memcmp(k->grant_id, g->grant_id, sizeof(k->grant_id)) == 0 &&
           memcmp(k->tenant, g->tenant.ptr, g->tenant.len) == 0;
}

/* Who is over goes; the one of a grant stays where it is. */
static struct prov_task *sweep(struct prov_tasks *t, const struct prov_grant *g,
                               uint64_t now_s)
{
    struct prov_task *found = NULL;

    for (uint32_t i = t->count; i-- > 0;) {
        struct prov_task *k = t->list[i];

        if (is_of(k, g))
            found = k;
        else if (k->users == 0 && k->expires_s <= now_s)
            forget(t, i);
    }
    return found;
}

/* The least recently used one that nobody holds; PROV_TASKS_MAX: all are. */
static uint32_t oldest_unheld(const struct prov_tasks *t)
{
    uint32_t best = PROV_TASKS_MAX;

    for (uint32_t i = 0; i < t->count; i++)
        if (t->list[i]->users == 0 &&
            (best == PROV_TASKS_MAX || t->list[i]->used < t->list[best]->used))
            best = i;
    return best;
}

static ts_err make(struct prov_tasks *t, const struct prov_grant *g,
                   uint64_t started_s, struct prov_task **ret)
{
    struct prov_task *k;
    uint32_t old;

    if (g->tenant.len > sizeof(k->tenant))
        return TS_E_LIMIT;
    if (t->count == PROV_TASKS_MAX) {
        if ((old = oldest_unheld(t)) == PROV_TASKS_MAX)
            return TS_E_LIMIT;
        if (t->list[old]->issued_s > t->forgot_s)
            t->forgot_s = t->list[old]->issued_s;
        forget(t, old);
    }
    if ((k = ts_mem_alloc(sizeof(*k))) == NULL)
        return TS_E_NOMEM;
    k->all = t;
    memcpy(k->tenant, g->tenant.ptr, g->tenant.len);
    k->tenant_len = g->tenant.len;
    memcpy(k->grant_id, g->grant_id, sizeof(k->grant_id));
    k->issued_s = g->issued_s;
    k->expires_s = g->expires_s;
    k->lost = g->issued_s < started_s || g->issued_s <= t->forgot_s;
    k->secrets_lost = k->lost;
    places_init(&k->places);
    known_init(&k->known);
    ts_buf_init(&k->own, PROV_PROMPT_MAX);
    t->list[t->count++] = k;
    *ret = k;
    return TS_OK;
}

ts_err prov_tasks_open(struct prov_tasks *t, const struct prov_grant *g,
                       uint64_t now_s, uint64_t started_s,
                       struct prov_task **ret)
{
    struct prov_task *k = sweep(t, g, now_s);
    ts_err e;

    if (k == NULL && (e = make(t, g, started_s, &k)) != TS_OK)
        return e;
    prov_task_hold(k);
    k->used = ++t->clock;
    *ret = k;
    return TS_OK;
}

void prov_task_hold(struct prov_task *k)
{
    k->users++;
}

/* Who opens it again finds it as it is made anew. */
static bool has_seen_nothing(const struct prov_task *k)
{
    return k->calls == 0 && !k->has_prompt && !k->has_origin && !k->gaps &&
           !k->taint.untrusted && k->taint.level == PROV_PUBLIC;
}

void prov_task_close(struct prov_task *k)
{
    struct prov_tasks *t;

    if (k == NULL)
        return;
    TS_REQUIRE(k->users > 0);
    if (--k->users > 0 || !has_seen_nothing(k))
        return;
    t = k->all;
    for (uint32_t i = 0; i < t->count; i++) {
        if (t->list[i] == k) {
            forget(t, i);
            return;
        }
    }
}

static size_t bytes_of(const struct prov_task *k)
{
    size_t n = places_bytes(&k->places) + known_bytes(&k->known) + k->own.cap +
               k->kept_bytes;

    n += k->kept != NULL ? KEPT_MAX * sizeof(*k->kept) : 0;
    n += k->said != NULL ? prov_index_bytes(k->said) : 0;
    n += k->endorsed != NULL ? endorsed_bytes(k->endorsed) : 0;
    return n + (k->index != NULL ? prov_index_bytes(k->index) : 0);
}

static bool same_tenant(const struct prov_task *a, const struct prov_task *b)
{
    return a->tenant_len == b->tenant_len &&
           memcmp(a->tenant, b->tenant, a->tenant_len) == 0;
}

/* A tenant that holds half of all makes room among its own tasks. */
static struct prov_task *victim(const struct prov_task *grew)
{
    const struct prov_tasks *t = grew->all;
    struct prov_task *own = NULL, *any = NULL;
    size_t held = 0;

    for (uint32_t i = 0; i < t->count; i++) {
        struct prov_task *k = t->list[i];

        if (same_tenant(k, grew))
            held += k->counted;
        if (k == grew || k->counted == 0)
            continue;
        if (any == NULL || k->used < any->used)
            any = k;
        if (same_tenant(k, grew) && (own == NULL || k->used < own->used))
            own = k;
    }
    return held >= t->bytes / 2 && own != NULL ? own : any;
}

void tasks_count(struct prov_task *k)
{
    k->all->bytes -= k->counted;
    k->counted = bytes_of(k);
    k->all->bytes += k->counted;
}

void tasks_settle(struct prov_task *k)
{
    struct prov_tasks *t = k->all;
    struct prov_task *other;

    k->used = ++t->clock;
    tasks_count(k);
    while (t->bytes > t->max_bytes && (other = victim(k)) != NULL)
        task_drop(other);
    if (t->bytes > t->max_bytes)
        task_drop(k);
}
