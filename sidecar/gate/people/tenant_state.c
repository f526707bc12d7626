#include "sidecar/gate/people/tenant_state.h"

#include <string.h>

#include "proto/base/ts_mem.h"
#include "proto/wire/limits.h"

#define NS_PER_S INT64_C(1000000000)
#define SECONDS_MAX                                                            \
    UINT64_C(0x100000000) /* a span of 136 years is for ever                   \
                           */

/* ---- the table ---------------------------------------------------------- */

void tenant_states_done(struct tenant_states *s)
{
    for (uint32_t i = 0; i < s->count; i++)
        ts_mem_free(s->list[i]);
    ts_mem_free(s->list);
    *s = (struct tenant_states){0};
}

/* Where name stands, or would stand. */
static uint32_t place_of(const struct tenant_states *s, struct ts_str name)
{
    uint32_t lo = 0, hi = s->count;

    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;

        if (ts_str_cmp(s->list[mid]->name, name) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

struct tenant_state *tenant_states_find(const struct tenant_states *s,
                                        struct ts_str name)
{
    uint32_t at = place_of(s, name);

    return at < s->count && ts_str_eq(s->list[at]->name, name) ? s->list[at]
                                                               : NULL;
}

static ts_err grow(struct tenant_states *s)
{
    uint32_t cap = s->cap > 0 ? 2 * s->cap : 16;
    struct tenant_state **list = ts_mem_alloc(cap * sizeof(*list));

    if (list == NULL)
        return TS_E_NOMEM;
    if (s->count > 0)
        memcpy(list, s->list, s->count * sizeof(*list));
    ts_mem_free(s->list);
    s->list = list;
    s->cap = cap;
    return TS_OK;
}

ts_err tenant_states_get(struct tenant_states *s, struct ts_str name,
                         struct tenant_state **ret)
{
    uint32_t at = place_of(s, name);
    struct tenant_state *t;
    char *copy;

    if (at < s->count && ts_str_eq(s->list[at]->name, name)) {
        *ret = s->list[at];
        return TS_OK;
    }
    if (name.len > TS_ID_MAX)
        return TS_E_INVALID;
    if (s->count == TENANT_STATES_MAX)
        return TS_E_LIMIT;
    if (s->count == s->cap && grow(s) != TS_OK)
        return TS_E_NOMEM;
    t = ts_mem_alloc(sizeof(*t) + name.len + 1);
    if (t == NULL)
        return TS_E_NOMEM;
    copy = (char *)(t + 1);
    if (name.len > 0)
        memcpy(copy, name.ptr, name.len);
    t->name = (struct ts_str){.ptr = copy, .len = name.len};
    memmove(&s->list[at + 1], &s->list[at],
            (s->count - at) * sizeof(struct tenant_state *));
    s->list[at] = t;
    s->count++;
    *ret = t;
    return TS_OK;
}

/* ---- one tenant --------------------------------------------------------- */

static enum tenant_offer judge(const struct tenant_state *t, uint64_t seq,
                               const uint8_t hash[TRUST_HASH_LEN])
{
    if (seq != t->mark_seq)
        return seq > t->mark_seq ? OFFER_NEWER : OFFER_OLDER;
    return memcmp(hash, t->mark_hash, TRUST_HASH_LEN) == 0 ? OFFER_SAME
                                                           : OFFER_OTHER;
}

enum tenant_offer tenant_state_judge(const struct tenant_state *t, uint64_t seq,
                                     const uint8_t hash[TRUST_HASH_LEN])
{
    return t != NULL ? judge(t, seq, hash) : OFFER_NEWER;
}

void tenant_state_mark(struct tenant_state *t, uint64_t seq,
                       const uint8_t hash[TRUST_HASH_LEN])
{
    if (seq <= t->mark_seq)
        return;
    t->mark_seq = seq;
    memcpy(t->mark_hash, hash, TRUST_HASH_LEN);
    t->snapshot_ns = 0; /* this one was never in force here */
    tenant_state_vanish(t);
}

/* The moment of the boot clock that lies this far ahead. */
static uint64_t ahead(struct moment now, uint64_t until_s)
{
    uint64_t now_s = now.unix_ms / 1000, span;

    if (until_s <= now_s)
        return now.boot_ns;
    span = until_s - now_s;
    return now.boot_ns +
           (span < SECONDS_MAX ? span : SECONDS_MAX) * (uint64_t)NS_PER_S;
}

/* When it was issued, on the boot clock. Issued in the future counts as now:
 * whoever verified it allowed a few seconds for skew, not for life. */
static int64_t behind(struct moment now, uint64_t issued_s)
{
    uint64_t now_s = now.unix_ms / 1000, age;

    if (issued_s >= now_s)
        return (int64_t)now.boot_ns;
    age = now_s - issued_s;
    return (int64_t)now.boot_ns -
           (int64_t)(age < SECONDS_MAX ? age : SECONDS_MAX) * NS_PER_S;
}

/* One deadline out of all of them: zero is "not now". */
static void update(struct tenant_state *t)
{
    int64_t stale_ns;

    t->until_ns = 0;
    if (!t->has_directory || t->overflowed)
        return;
    t->until_ns = t->snapshot_ns;
    if (t->max_staleness_s == 0)
        return;
    stale_ns = t->issued_ns + (int64_t)t->max_staleness_s * NS_PER_S;
    if (stale_ns < 0)
        stale_ns = 0;
    if ((uint64_t)stale_ns < t->until_ns)
        t->until_ns = (uint64_t)stale_ns;
    if (t->evidence_ns < t->until_ns)
        t->until_ns = t->evidence_ns;
}

static void note_evidence(struct tenant_state *t,
                          const struct tenant_evidence *e, struct moment now)
{
    t->issued = e->issued;
    t->issued_ns = behind(now, e->issued);
    t->evidence_ns = ahead(now, e->not_after);
}

ts_err tenant_state_directory(struct tenant_state *t,
                              const struct tenant_evidence *e,
                              uint32_t max_staleness_s, struct moment now)
{
    uint64_t until = ahead(now, e->not_after);
    enum tenant_offer offer = judge(t, e->seq, e->hash);

    if (offer < OFFER_SAME)
        return TS_E_STATE;
    t->max_staleness_s = max_staleness_s;
    t->has_directory = true;
    if (offer == OFFER_SAME && t->snapshot_ns != 0) { /* it was in force */
        if (until < t->snapshot_ns)
            t->snapshot_ns = until;
    } else {
        t->mark_seq = e->seq;
        memcpy(t->mark_hash, e->hash, TRUST_HASH_LEN);
        t->snapshot_ns = until;
        note_evidence(t, e, now);
    }
    update(t);
    return TS_OK;
}

bool tenant_state_holds(const struct tenant_state *t,
                        const struct tenant_evidence *e)
{
    return t->has_directory && judge(t, e->seq, e->hash) == OFFER_SAME;
}

ts_err tenant_state_heartbeat(struct tenant_state *t,
                              const struct tenant_evidence *e,
                              struct moment now)
{
    if (!tenant_state_holds(t, e))
        return TS_E_STATE;
    if (e->issued > t->issued) { /* evidence counts once */
        note_evidence(t, e, now);
        update(t);
    }
    return TS_OK;
}

static uint64_t sooner(uint64_t at_ns, uint64_t by_ns)
{
    return at_ns > by_ns ? at_ns - by_ns : 0;
}

void tenant_states_sooner(struct tenant_states *s, uint64_t by_ns)
{
    int64_t by = by_ns < INT64_MAX / 4 ? (int64_t)by_ns : INT64_MAX / 4;

    for (uint32_t i = 0; i < s->count; i++) {
        struct tenant_state *t = s->list[i];

        if (t->snapshot_ns != 0) /* 0: was never in force */
            t->snapshot_ns = sooner(t->snapshot_ns - 1, by_ns) + 1;
        t->evidence_ns = sooner(t->evidence_ns, by_ns);
        t->issued_ns -= t->issued_ns > INT64_MIN / 4 ? by : 0;
        update(t);
    }
}

void tenant_state_vanish(struct tenant_state *t)
{
    t->has_directory = false;
    update(t);
}

void tenant_state_overflow(struct tenant_state *t)
{
    t->overflowed = true;
    update(t);
}

enum call_code tenant_state_code(const struct tenant_state *t, uint64_t boot_ns)
{
    if (boot_ns < t->until_ns)
        return CODE_PERMITTED;
    return t->has_directory ? CODE_STALE_STATE : CODE_NOT_READY;
}
