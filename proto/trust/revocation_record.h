#ifndef PROTO_TRUST_REVOCATION_RECORD_H
#define PROTO_TRUST_REVOCATION_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_buf.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "proto/trust/code.h"
#include "proto/trust/delegation.h"
#include "proto/trust/revocation.h"
#include "proto/trust/signed.h"
#include "proto/trust/store.h"

/*
 * An order to revoke, signed (delegation design, section 6.1):
 *
 *     body = [ 1, tenant id, kind uint, target, cutoff uint, keep_until uint,
 *              reason str <= 256, nonce bin16 ]
 *
 * target is bin for kinds 1, 2, 3, 8, 10, 11, 12 and str for 4, 5, 6, 7, 9 (""
 * for 7). cutoff is 0 for the kinds that are revoked by id (1, 2, 10, 11, 12)
 * and only there. keep_until: unix seconds until which the entry must be
 * remembered; UINT64_MAX for ever. With a cutoff it is at least the hard
 * lifetime of a grant and a minute after that (TRUST_E_TIME): sooner forgotten,
 * what it revokes would live again.
 */
struct revocation_record { /* slices borrow from the body */
    struct ts_str tenant;
    enum revocation_kind kind;
    struct ts_bytes target; /* the text's bytes for a str */
    uint64_t cutoff;
    uint64_t keep_until;
    struct ts_str reason;
    uint8_t nonce[16];
};

TS_NODISCARD enum trust_code
revocation_record_decode(struct ts_bytes body, struct revocation_record *ret);
/* Signs and appends the whole object. TS_E_INVALID: nothing that the decoder
 * would accept. */
TS_NODISCARD ts_err revocation_record_make(const struct revocation_record *r,
                                           const struct trust_secret *key,
                                           struct ts_buf *out);

enum revocation_signer {
    REVOCATION_BY_NONE = 0,
    REVOCATION_BY_REVOKER,
    REVOCATION_BY_DIRECTORY, /* kinds 4, 5, 9 */
    REVOCATION_BY_HOLDER     /* kinds 1, 2: see below */
};

/*
 * Verifies an object against the store: kid names an enabled key of that
 * tenant, now inside its window, in a role that may sign this kind; signature;
 * body; tenant configured. TRUST_E_ISSUER: nobody who may. *ret only on
 * TRUST_OK.
 */
TS_NODISCARD enum trust_code
revocation_record_verify(const struct trust_store *store, struct ts_bytes in,
                         uint64_t now, struct revocation_record *ret,
                         enum revocation_signer *ret_by);
/*
 * The same, signed by a holder in a chain that was verified: the holder of the
 * root may revoke the grant, the holder of a block any block after its own.
 * Nothing else (TRUST_E_ISSUER). keep_until is set to a minute after the end of
 * the root, whatever the record says: what it names does not live longer.
 */
TS_NODISCARD enum trust_code
revocation_record_verify_holder(const struct delegation *d, struct ts_bytes in,
                                struct revocation_record *ret);

/* keep_until that is long enough whatever was issued before cutoff or now: the
 * hard lifetime of a grant and a minute more. For ever for the kinds that the
 * directory must take over (3, 4, 5, 7, 8, 9). */
uint64_t revocation_keep_until(enum revocation_kind kind, uint64_t cutoff,
                               uint64_t now);

#endif
