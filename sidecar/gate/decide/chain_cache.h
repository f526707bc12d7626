#ifndef SIDECAR_GATE_DECIDE_CHAIN_CACHE_H
#define SIDECAR_GATE_DECIDE_CHAIN_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include "proto/trust/keys.h"

/*
 * Chains whose signatures, static rules and policies were judged under the
 * snapshot in force, for whoever connects again (delegation design, section
 * 5.3): a hash instead of a signature per block. What changes with time is not
 * in it: window, directory and revocations are asked at every use.
 *
 * Only what succeeded whole gets in, proof of possession included, so a
 * stranger cannot fill it; refusals are not remembered. Another snapshot
 * empties it. The least recently used one makes room.
 */
#define CHAIN_CACHE_MAX 256 /* chains */
/* Longer ones are verified each time: what a slot can hold stays small. */
#define CHAIN_CACHE_BYTES 4096 /* of one chain */

struct verified; /* decide.h */

struct chain_cache { /* zeroed is valid and empty */
    struct chain_slot {
        uint8_t hash[TRUST_HASH_LEN];
        struct verified *verified; /* one reference is ours; NULL: free */
        uint64_t used;             /* in order of use */
    } slots[CHAIN_CACHE_MAX];
    uint64_t serial; /* of the snapshot that all were judged under */
    uint64_t clock;  /* counts uses */
};

/* NULL when unknown. Borrowed until the next put: hold what you keep. */
struct verified *chain_cache_find(struct chain_cache *c, uint64_t serial,
                                  const uint8_t hash[TRUST_HASH_LEN]);
/* Takes a reference of its own. chain_len decides whether it is kept at all. */
void chain_cache_put(struct chain_cache *c, uint64_t serial,
                     const uint8_t hash[TRUST_HASH_LEN], size_t chain_len,
                     struct verified *v);
void chain_cache_done(struct chain_cache *c);

#endif
