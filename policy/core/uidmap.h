#ifndef POLICY_CORE_UIDMAP_H
#define POLICY_CORE_UIDMAP_H

#include "policy/cedar.h"

/*
 * An immutable map from uid to a number: entries sorted by uid, and a directory
 * over the top bits of the hash that says where each run starts. One probe on
 * average, log2(n) at worst whatever the keys are.
 */
struct cedar_uidmap_entry {
    const struct cedar_uid *uid;
    uint32_t value;
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
uint32_t cedar_uidmap_find(const struct cedar_uidmap *m,
                           const struct cedar_uid *uid);

#endif
