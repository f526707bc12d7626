#ifndef SIDECAR_GATE_PROVENANCE_PLACES_H
#define SIDECAR_GATE_PROVENANCE_PLACES_H

#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"

/*
 * The names of places where values stand, each once, under small numbers: the
 * index keeps the number. Bounded; number 0 is "", what did not fit.
 */
#define PLACES_MAX       2048u
#define PLACES_BYTES_MAX (128u << 10)
#define PLACE_MAX        2048u /* bytes of one */

struct places {
    uint8_t key[16]; /* of the table's hash: tools choose names */
    char *text;
    uint32_t text_len, text_cap;
    uint32_t *at; /* where each begins; place n ends where n + 1 begins */
    uint32_t count, cap;
    uint32_t *table; /* numbers by hash, 0 is free */
    uint32_t table_cap;
};

void places_init(struct places *p); /* key is random */
void places_done(struct places *p); /* leaves it empty and usable */
/* The number of a name; 0 when there is no room or memory for another. */
uint32_t places_add(struct places *p, struct ts_str name);
/* Valid until the next places_add(). */
struct ts_str places_name(const struct places *p, uint32_t place);
size_t places_bytes(const struct places *p);

/* "tool:/pattern": array indices, and keys that are data themselves, as "*".
 * out has room for PLACE_MAX; returns the length. */
size_t place_of(struct ts_str tool, struct ts_str pointer, char *out);
/* A key that is a value, too: an address in it, or a link. */
bool place_key_is_data(struct ts_str key);

#endif
