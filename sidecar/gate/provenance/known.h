#ifndef SIDECAR_GATE_PROVENANCE_KNOWN_H
#define SIDECAR_GATE_PROVENANCE_KNOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_str.h"
#include "sidecar/gate/provenance/index.h"

/*
 * Which leaves a task has in its index already: a tool that says the same a
 * thousand times is remembered once. The same is: text, kind, label and place.
 * Of each a hash under a random key, 8 bytes of it; whoever could make two
 * leaves that hash alike would hide the second, which takes the key.
 */
#define KNOWN_BYTES_MAX (512u << 10) /* what is beyond it is not remembered */

struct known {
    uint8_t key[16];
    uint64_t *table; /* owned; 0: free */
    uint32_t cap, count;
};

void known_init(struct known *k);
void known_done(struct known *k); /* leaves it empty and usable */
uint64_t known_hash(const struct known *k, enum prov_kind kind,
                    struct ts_str text, const struct prov_label *l,
                    uint32_t place);
bool known_has(const struct known *k, uint64_t hash);
/* Without room or memory it is not remembered. */
void known_add(struct known *k, uint64_t hash);
size_t known_bytes(const struct known *k);

#endif
