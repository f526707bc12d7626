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
    struct cedar_uidmap_entry *entries;
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
/* Replaces each key by a copy of it at uids[value], so that the map no longer
 * borrows from where its keys came from. */
void cedar_uidmap_move(struct cedar_uidmap *m, struct cedar_uid *uids);
/* By (uid, value); for callers that find equal uids before building. */
void cedar_uidmap_sort(struct cedar_uidmap_entry *entries, uint32_t n);
/* Where a run is too long to walk: only colliding hashes make one. */
uint32_t cedar_uidmap_bisect(const struct cedar_uidmap *m, uint32_t lo,
                             uint32_t hi, const struct cedar_uid *uid);

/* uid is only looked at where its hash fits. */
static inline uint32_t cedar_uidmap_get(const struct cedar_uidmap *m,
                                        uint64_t hash,
                                        const struct cedar_uid *uid)
{
    const uint32_t *dir = &m->dir[hash >> m->shift];
    uint32_t lo = dir[0], hi = dir[1];

    if (hi - lo > 8)
        return cedar_uidmap_bisect(m, lo, hi, uid);
    for (; lo < hi; lo++)
        if (m->entries[lo].tag == (uint32_t)hash &&
            cedar_uid_confirm(m->entries[lo].uid, uid))
            return m->entries[lo].value;
    return CEDAR_UIDMAP_NONE;
}

/* A zeroed map holds nothing. */
static inline uint32_t cedar_uidmap_find(const struct cedar_uidmap *m,
                                         const struct cedar_uid *uid)
{
    return m->dir != NULL ? cedar_uidmap_get(m, uid->hash, uid)
                          : CEDAR_UIDMAP_NONE;
}

#endif
