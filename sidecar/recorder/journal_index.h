#ifndef SIDECAR_RECORDER_JOURNAL_INDEX_H
#define SIDECAR_RECORDER_JOURNAL_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/msg/order.h"

/*
 * Which entry of the journal is the newest of its (type, tenant, key): a keyed
 * 128-bit SipHash of the three to the entry's seq. 24 bytes a slot, at most
 * three quarters in use: a million entries take 48 MiB. A collision, which
 * nobody without the key can aim at, would drop an entry: 2^-128 a pair.
 */
#define JOURNAL_KEYS_MAX (3u << 20) /* entries that are not replaced */

struct journal_slot {
    uint8_t digest[16]; /* zeros: free */
    uint64_t seq;       /* 0: forgotten; the slot goes when the table grows */
};
struct journal_index {          /* zeroed: empty, not usable before _init() */
    struct journal_slot *slots; /* owned */
    size_t cap;                 /* a power of two */
    size_t used;                /* slots that are not free */
    size_t count;               /* of them, with a seq */
    uint8_t hash_key[16];
};

TS_NODISCARD ts_err journal_index_init(struct journal_index *ix);
void journal_index_done(struct journal_index *ix);

/* Makes sure that the next journal_index_put() finds room. TS_E_LIMIT,
 * TS_E_NOMEM; the index is as before. */
TS_NODISCARD ts_err journal_index_reserve(struct journal_index *ix);
void journal_index_put(struct journal_index *ix, const struct ring_journal *j,
                       uint64_t seq);
/* 0: none. */
uint64_t journal_index_get(const struct journal_index *ix,
                           const struct ring_journal *j);
void journal_index_forget(struct journal_index *ix,
                          const struct ring_journal *j);

#endif
