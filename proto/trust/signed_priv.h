#ifndef PROTO_TRUST_SIGNED_PRIV_H
#define PROTO_TRUST_SIGNED_PRIV_H

#include <stdbool.h>

#include "proto/trust/signed.h"
#include "proto/trust/store.h"

/* Inside of proto/trust: what every *_verify() of a signed object begins with.
 * What the body says (tenant, times) is theirs to compare. */
#define SIGNED_ROLE(role) (1u << (unsigned)(role))

/* Frame, an enabled key of the store in one of the roles, signature.
 * TRUST_E_ISSUER: nobody who may. */
TS_NODISCARD enum trust_code signed_open(enum signed_kind kind,
                                         const struct trust_store *store,
                                         unsigned roles, struct ts_bytes in,
                                         struct signed_object *ret,
                                         const struct trust_key **ret_key);

/* A key's window bounds the time of signing; not_after is inclusive. */
bool signed_in_window(const struct trust_key *key, uint64_t at);

#endif
