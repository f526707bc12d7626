#ifndef CLI_DELEGATION_VECTORS_LOAD_H
#define CLI_DELEGATION_VECTORS_LOAD_H

#include <jansson.h>
#include <stdbool.h>

#include "proto/trust/delegation.h"
#include "proto/trust/store.h"

/* The verifier's configuration at the top of a vector file. Texts borrow from
 * the JSON tree, the store from the arena. */
struct vectors_config {
    struct trust_config trust;
    struct revocations revoked;
    uint64_t now;
    uint8_t sidecar_pk[TRUST_PK_LEN];
};

/* Prints the error itself and returns false; *ret is safe for
 * vectors_config_done() either way. */
bool vectors_config_load(const json_t *top, struct ts_arena *arena,
                         struct vectors_config *ret);
void vectors_config_done(struct vectors_config *c);

/* Members of an object; each prints what is wrong and returns false. */
bool vectors_text(const json_t *o, const char *key, struct ts_str *ret);
bool vectors_number(const json_t *o, const char *key, uint64_t *ret);
bool vectors_hex(const json_t *o, const char *key, uint8_t *out, size_t len);

#endif
