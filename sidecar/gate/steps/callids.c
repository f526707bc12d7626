#include "sidecar/gate/steps/callids.h"

#include <string.h>

#include "proto/base/ts_mem.h"
#include "proto/base/ts_require.h"

#define NONE      UINT16_MAX
#define FIRST_CAP 8u
#define KEEP_S    5u /* past expiry, for the tolerated skew */

struct entry {
    struct call_key key;
    struct call_outcome outcome;
    bool finished;
    uint16_t chain;        /* next in the same bucket */
    uint16_t older, newer; /* order of arrival */
};

struct grant_calls {
    uint8_t grant_id[16];
    char tenant[TS_ID_MAX];
    size_t tenant_len;
    uint64_t expires_s;
    uint32_t holders;
    uint64_t spent, reserved; /* calls, of a grant with a budget */
    struct use_ledger *uses;  /* owned; NULL: nothing was counted */
    bool forgot;              /* an id had to make room */
    struct entry *entries;    /* owned, cap of them */
    uint16_t *buckets;        /* owned, 2 * cap of them */
    uint32_t cap, count;
    uint16_t oldest, newest;
};

ts_err call_ids_init(struct call_ids *t)
{
    struct grant_calls **grants = ts_mem_alloc(GRANTS_MAX * sizeof(*grants));

    if (grants == NULL)
        return TS_E_NOMEM;
    *t = (struct call_ids){.grants = grants};
    return TS_OK;
}

static void grant_free(struct grant_calls *g)
{
    ts_mem_free(g->entries);
    ts_mem_free(g->buckets);
    ts_mem_free(g->uses);
    ts_mem_free(g);
}

void call_ids_done(struct call_ids *t)
{
    for (uint32_t i = 0; i < t->used; i++)
        grant_free(t->grants[i]);
    ts_mem_free(t->grants);
    *t = (struct call_ids){0};
}

static uint16_t *bucket(const struct grant_calls *g, uint64_t hash)
{
    return &g->buckets[hash & (2u * g->cap - 1)];
}

/* Room for cap entries, cap a power of two; everything known is kept under
 * its old slot number. */
static ts_err grow(struct grant_calls *g, uint32_t cap)
{
    struct entry *entries = ts_mem_alloc(cap * sizeof(*entries));
    uint16_t *buckets = ts_mem_alloc(2u * cap * sizeof(*buckets));

    if (entries == NULL || buckets == NULL) {
        ts_mem_free(entries);
        ts_mem_free(buckets);
        return TS_E_NOMEM;
    }
    if (g->count > 0)
        memcpy(entries, g->entries, g->count * sizeof(*entries));
    ts_mem_free(g->entries);
    ts_mem_free(g->buckets);
    g->entries = entries;
    g->buckets = buckets;
    g->cap = cap;
    memset(buckets, 0xff, 2u * cap * sizeof(*buckets));
    for (uint32_t i = 0; i < g->count; i++) {
        uint16_t *b = bucket(g, entries[i].key.hash);

        entries[i].chain = *b;
        *b = (uint16_t)i;
    }
    return TS_OK;
}

static ts_err grant_new(struct ts_str tenant, const uint8_t grant_id[16],
                        uint64_t expires_s, struct grant_calls **ret)
{
    struct grant_calls *g;
    ts_err e;

    if (tenant.len > TS_ID_MAX)
        return TS_E_LIMIT;
    g = ts_mem_alloc(sizeof(*g));
    if (g == NULL)
        return TS_E_NOMEM;
    g->expires_s = expires_s;
    g->oldest = NONE;
    g->newest = NONE;
    memcpy(g->grant_id, grant_id, sizeof(g->grant_id));
    if (tenant.len > 0)
        memcpy(g->tenant, tenant.ptr, tenant.len);
    g->tenant_len = tenant.len;
    e = grow(g, FIRST_CAP);
    if (e != TS_OK) {
        ts_mem_free(g);
        return e;
    }
    *ret = g;
    return TS_OK;
}

static struct grant_calls *find_grant(const struct call_ids *t,
                                      struct ts_str tenant,
                                      const uint8_t grant_id[16])
{
    for (uint32_t i = 0; i < t->used; i++) {
        struct grant_calls *g = t->grants[i];
        struct ts_str name = {.ptr = g->tenant, .len = g->tenant_len};

        if (memcmp(g->grant_id, grant_id, sizeof(g->grant_id)) == 0 &&
            ts_str_eq(name, tenant))
            return g;
    }
    return NULL;
}

static void forget_expired(struct call_ids *t, uint64_t now_s)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < t->used; i++) {
        struct grant_calls *g = t->grants[i];

        if (g->holders == 0 && now_s > g->expires_s + KEEP_S)
            grant_free(g);
        else
            t->grants[kept++] = g;
    }
    t->used = kept;
}

/* How well a grant can be spared; 0: not at all. A budget cannot, nor counters:
 * forgotten, they would begin anew. */
static unsigned spare(const struct grant_calls *g, struct ts_str tenant)
{
    struct ts_str name = {.ptr = g->tenant, .len = g->tenant_len};

    if (g->holders > 0 || g->reserved > 0 || g->uses != NULL)
        return 0;
    if (g->count == 0)
        return 3;
    return ts_str_eq(name, tenant) ? 2 : 1; /* whoever fills it makes room */
}

/* The oldest that nobody uses makes room, where there is one. */
static void make_room(struct call_ids *t, struct ts_str tenant, uint64_t now_s)
{
    uint32_t at = 0;
    unsigned best = 0;

    for (uint32_t i = 0; i < t->used; i++) {
        unsigned s = spare(t->grants[i], tenant);

        if (s > best) {
            best = s;
            at = i;
        }
    }
    if (best == 0)
        return;
    if (t->grants[at]->count > 0)
        t->forgot_s = now_s;
    grant_free(t->grants[at]);
    t->used--;
    memmove(&t->grants[at], &t->grants[at + 1],
            (t->used - at) * sizeof(struct grant_calls *));
}

bool call_ids_has_place(struct call_ids *t, struct ts_str tenant,
                        const uint8_t grant_id[16], uint64_t now_s)
{
    uint32_t held = 0;

    if (t->used < GRANTS_MAX - GRANTS_RESERVED ||
        find_grant(t, tenant, grant_id) != NULL)
        return true;
    forget_expired(t, now_s);
    for (uint32_t i = 0; i < t->used; i++) {
        const struct grant_calls *g = t->grants[i];
        struct ts_str name = {.ptr = g->tenant, .len = g->tenant_len};

        held += ts_str_eq(name, tenant) && spare(g, tenant) == 0 ? 1 : 0;
    }
    return held < GRANTS_RESERVED;
}

ts_err call_ids_open(struct call_ids *t, struct ts_str tenant,
                     const uint8_t grant_id[16], uint64_t expires_s,
                     uint64_t now_s, struct grant_calls **ret)
{
    struct grant_calls *g = find_grant(t, tenant, grant_id);
    ts_err e;

    if (g == NULL) {
        forget_expired(t, now_s);
        if (t->used == GRANTS_MAX)
            make_room(t, tenant, now_s);
        if (t->used == GRANTS_MAX)
            return TS_E_LIMIT;
        e = grant_new(tenant, grant_id, expires_s, &g);
        if (e != TS_OK)
            return e;
        t->grants[t->used++] = g;
    }
    g->holders++;
    *ret = g;
    return TS_OK;
}

void grant_calls_hold(struct grant_calls *g)
{
    g->holders++;
}

void grant_calls_close(struct grant_calls *g)
{
    TS_REQUIRE(g->holders > 0);
    g->holders--;
}

enum call_id_found grant_calls_find(const struct grant_calls *g,
                                    const struct call_key *key,
                                    const struct call_outcome **ret_outcome)
{
    for (uint16_t i = *bucket(g, key->hash); i != NONE;
         i = g->entries[i].chain) {
        const struct entry *e = &g->entries[i];

        if (memcmp(e->key.id, key->id, sizeof(key->id)) != 0)
            continue;
        if (e->key.digest != key->digest)
            return CALL_ID_OTHER;
        if (!e->finished)
            return CALL_ID_RUNNING;
        *ret_outcome = &e->outcome;
        return CALL_ID_FINISHED;
    }
    return CALL_ID_NEW;
}

static void unlink_entry(struct grant_calls *g, uint16_t slot)
{
    struct entry *e = &g->entries[slot];
    uint16_t *at = bucket(g, e->key.hash);

    while (*at != slot)
        at = &g->entries[*at].chain;
    *at = e->chain;
    if (e->older != NONE)
        g->entries[e->older].newer = e->newer;
    else
        g->oldest = e->newer;
    if (e->newer != NONE)
        g->entries[e->newer].older = e->older;
    else
        g->newest = e->older;
}

static ts_err slot_for_new(struct grant_calls *g, uint16_t *ret)
{
    uint16_t slot;
    ts_err e;

    if (g->count == g->cap && g->cap < TS_CALL_IDS_MAX) {
        e = grow(g, g->cap * 2);
        if (e != TS_OK)
            return e;
    }
    if (g->count < g->cap) {
        *ret = (uint16_t)g->count++;
        return TS_OK;
    }
    slot = g->oldest;
    while (slot != NONE && !g->entries[slot].finished)
        slot = g->entries[slot].newer;
    if (slot == NONE)
        return TS_E_LIMIT;
    unlink_entry(g, slot);
    g->forgot = true;
    *ret = slot;
    return TS_OK;
}

ts_err grant_calls_add(struct grant_calls *g, const struct call_key *key,
                       uint16_t *ret_slot)
{
    uint16_t slot;
    uint16_t *b;
    ts_err e = slot_for_new(g, &slot);

    if (e != TS_OK)
        return e;
    b = bucket(g, key->hash);
    g->entries[slot] = (struct entry){
        .key = *key, .chain = *b, .older = g->newest, .newer = NONE};
    *b = slot;
    if (g->newest != NONE)
        g->entries[g->newest].newer = slot;
    else
        g->oldest = slot;
    g->newest = slot;
    *ret_slot = slot;
    return TS_OK;
}

ts_err grant_calls_rerun(struct grant_calls *g, const struct call_key *key,
                         uint16_t *ret_slot)
{
    for (uint16_t i = *bucket(g, key->hash); i != NONE;
         i = g->entries[i].chain) {
        struct entry *e = &g->entries[i];

        if (memcmp(e->key.id, key->id, sizeof(key->id)) != 0)
            continue;
        if (!e->finished || e->key.digest != key->digest ||
            e->outcome.verdict == VERDICT_PERMIT)
            return TS_E_STATE;
        e->finished = false;
        *ret_slot = i;
        return TS_OK;
    }
    return TS_E_STATE;
}

void grant_calls_finish(struct grant_calls *g, uint16_t slot,
                        const struct call_outcome *outcome)
{
    TS_REQUIRE(slot < g->count && !g->entries[slot].finished);
    g->entries[slot].outcome = *outcome;
    g->entries[slot].finished = true;
}

uint32_t grant_calls_count(const struct grant_calls *g)
{
    return g->count;
}

bool grant_calls_forgot(const struct grant_calls *g)
{
    return g->forgot;
}

uint64_t grant_calls_left(const struct grant_calls *g, uint64_t max)
{
    if (max == 0)
        return UINT64_MAX;
    return g->spent < max ? max - g->spent : 0;
}

uint64_t grant_calls_to_reserve(const struct grant_calls *g, uint64_t max)
{
    uint64_t left = grant_calls_left(g, max);

    if (max == 0 || left == 0 || g->spent < g->reserved)
        return 0;
    return g->spent + (left < GRANT_RESERVE ? left : GRANT_RESERVE);
}

void grant_calls_reserved(struct grant_calls *g, uint64_t total)
{
    if (total > g->reserved)
        g->reserved = total;
}

void grant_calls_replayed(struct grant_calls *g, uint64_t total)
{
    grant_calls_reserved(g, total);
    g->spent = g->reserved;
}

void grant_calls_spend(struct grant_calls *g)
{
    g->spent++;
}

const struct use_ledger *grant_calls_uses(const struct grant_calls *g)
{
    return g->uses;
}

ts_err grant_calls_ledger(struct grant_calls *g, struct use_ledger **ret)
{
    if (g->uses == NULL)
        g->uses = ts_mem_alloc(sizeof(*g->uses));
    if (g->uses == NULL)
        return TS_E_NOMEM;
    *ret = g->uses;
    return TS_OK;
}
