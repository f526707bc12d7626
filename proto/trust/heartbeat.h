#ifndef PROTO_TRUST_HEARTBEAT_H
#define PROTO_TRUST_HEARTBEAT_H

#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_buf.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "proto/trust/code.h"
#include "proto/trust/signed.h"
#include "proto/trust/store.h"

/*
 * "Snapshot seq with this hash was still the newest at this second", signed by
 * a directory key. Keeps a big snapshot fresh with 150 bytes (delegation
 * design, section 6.5):
 *
 *     body = [ 1, tenant id, seq uint, snapshot_hash bin32, issued uint,
 *              not_after uint ]
 */
struct heartbeat { /* tenant borrows from the body */
    struct ts_str tenant;
    uint64_t seq; /* of the snapshot */
    uint8_t snapshot_hash[TRUST_HASH_LEN];
    uint64_t issued, not_after; /* unix seconds; not_after exclusive */
};

TS_NODISCARD enum trust_code heartbeat_decode(struct ts_bytes body,
                                              struct heartbeat *ret);
/* Signs and appends the whole object. TS_E_INVALID: nothing that the decoder
 * would accept. */
TS_NODISCARD ts_err heartbeat_make(const struct heartbeat *h,
                                   const struct trust_secret *key,
                                   struct ts_buf *out);
/* An enabled directory key of the very tenant, issued inside its window and at
 * most TS_SKEW_S ahead of now (evidence from the future is not fresh),
 * issued < not_after, now < not_after (TRUST_E_EXPIRED). */
TS_NODISCARD enum trust_code heartbeat_verify(const struct trust_store *store,
                                              struct ts_bytes in, uint64_t now,
                                              struct heartbeat *ret);

#endif
