#ifndef SIDECAR_GATE_REVOCATION_REVOKE_SIGNED_H
#define SIDECAR_GATE_REVOCATION_REVOKE_SIGNED_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "proto/trust/revocation_record.h"
#include "sidecar/gate/gate.h"
#include "sidecar/gate/revocation/revoke.h"
#include "sidecar/gate/wire/conn_uv.h"

/*
 * From a signed record to a revocation: whose signature counts, in which
 * tenant, and who may carry it here. An operator carries what revokers sign,
 * and the end of an escalation that one of its signers signs. Nothing is
 * revoked on anybody's word.
 */

/* May this uid act for that tenant? Operators of the whole sidecar may for
 * every one, a tenant's own only there. */
bool operator_may(const struct gate *g, uint32_t uid, struct ts_str tenant);
/* Is it one of the first kind? */
bool operator_of_all(const struct gate *g, uint32_t uid);
/* Is it either? */
bool operator_of_any(const struct gate *g, uint32_t uid);

/* A refusal: static texts for FAIL. */
struct revoke_refusal {
    const char *code, *text;
};

/* From an operator. TS_OK, TS_E_AGAIN (nothing was done), or TS_E_DENIED with
 * *reterr. */
TS_NODISCARD ts_err revoke_by_operator(struct gate *g, struct admin *a,
                                       uint32_t uid, struct ts_bytes record,
                                       struct revoke_refusal *reterr);

/* MSG_REVOKE of a session, decoded: by a holder, with the chain as evidence.
 * The answer comes with the barrier. TS_E_AGAIN: give it again; TS_E_LIMIT: too
 * many of these; TS_E_AUTH: it does not verify. */
TS_NODISCARD ts_err revoke_by_holder(struct client *c, uint64_t seq,
                                     struct ts_bytes record,
                                     struct ts_bytes chain);

/*
 * One that stands in a tenant's directory: looked up first, since most were
 * seen before, and verified with the keys of store only if it says something
 * new (*ret_new). TS_E_AGAIN: give it again; TS_E_AUTH: it does not verify, or
 * is of a kind or tenant that has no place there.
 */
TS_NODISCARD ts_err revoke_by_directory(struct gate *g,
                                        const struct trust_store *store,
                                        struct ts_str tenant,
                                        struct ts_bytes record, bool *ret_new);

#endif
