#ifndef POLICY_CORE_UIDMAP_H
#define POLICY_CORE_UIDMAP_H

#include "policy/core/uid.h"

/*
 * An immutable map from uid to a number: entries sorted by uid, and a directory
 * over the top bits of the hash that says where each run starts. One probe on
 * average, log2(n) at worst whatever the keys are.
 */
struct cedar_uidmap_entry {
    const struct cedar_uid *uid;
    uint32_t value;
    uint32_t tag; /* low bits of the hash: most misses touch no uid */
};

struct cedar_uidmap {
    const struct cedar_uidmap_entry *entries;
    const uint32_t *dir; /* 2^bits + 1 starts */
    uint32_t count;
    unsigned shift; /* 64 - bits */
};

#define CEDAR_UIDMAP_NONE UINT32_MAX

/* Sorts the n entries in place and keeps them; uids must differ. The directory
 * and the entries live in arena. */
TS_NODISCARD ts_err cedar_uidmap_build(struct ts_arena *arena,
                                       struct cedar_uidmap_entry *entries,
                                       uint32_t n, struct cedar_uidmap *ret);
/* By (uid, value); for callers that find equal uids before building. */
void cedar_uidmap_sort(struct cedar_uidmap_entry *entries, uint32_t n);
/* Where a run is too long to walk: only colliding hashes make one. */
uint32_t cedar_uidmap_bisect(const struct cedar_uidmap *m, uint32_t lo,
                             uint32_t hi, const struct cedar_uid *uid);

/* False: certainly not there. One look at memory that stays warm. */
static inline bool cedar_uidmap_may_hold(const struct cedar_uidmap *m,
                                         uint64_t hash)
{
    return m->count > 0 &&
           m->dir[hash >> m->shift] != m->dir[(hash >> m->shift) + 1];
}

static inline uint32_t cedar_uidmap_find(const struct cedar_uidmap *m,
                                         const struct cedar_uid *uid)
{
    uint32_t lo, hi;

    if (m->count == 0)
        return CEDAR_UIDMAP_NONE;
    lo = m->dir[uid->hash >> m->shift];
    hi = m->dir[(uid->hash >> m->shift) + 1];
    if (hi - lo > 8)
        return cedar_uidmap_bisect(m, lo, hi, uid);
    for (; lo < hi; lo++)
        if (m->entries[lo].tag == (uint32_t)uid->hash &&
            cedar_uid_same(m->entries[lo].uid, uid))
            return m->entries[lo].value;
    return CEDAR_UIDMAP_NONE;
}

#endif
