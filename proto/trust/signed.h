#ifndef PROTO_TRUST_SIGNED_H
#define PROTO_TRUST_SIGNED_H

#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_buf.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "proto/trust/code.h"
#include "proto/trust/keys.h"

/*
 * A signed object: a body, who signed it, and the signature.
 *
 *     object = [ body bin, kid bin16, signature bin64 ]
 *     signature = Ed25519( PAE("tipstaff/1/" context, body) )
 *
 * The body is decoded from the very bytes that were verified, and only after
 * the signature held. The context is never on the wire: an object of one kind
 * cannot pass for another (delegation design, section 5.0).
 *
 * smp knows no 32-bit headers; the body of a directory snapshot, which can be
 * megabytes, is the one exception (SIGNED_SNAPSHOT: bin 32 where the length
 * demands it, shortest form as always).
 */
enum signed_kind {
    SIGNED_REVOCATION = 1, /* proto/trust/revocation_record.h */
    SIGNED_SNAPSHOT,       /* proto/trust/directory_snapshot.h */
    SIGNED_HEARTBEAT,      /* proto/trust/heartbeat.h */
    SIGNED_AGENT_CERT,     /* proto/trust/agent_cert.h */
    SIGNED_TICKET,         /* proto/trust/approval_ticket.h */
    SIGNED_APPROVAL,       /* proto/trust/approval.h */
    SIGNED_ORIGIN,         /* proto/trust/origin.h */
    SIGNED_ESCALATION,     /* proto/trust/escalation.h: another frame */
    SIGNED_KIND_COUNT_
};

#define SIGNED_REVOCATION_MAX 1024u      /* bytes of the whole object */
#define SIGNED_SNAPSHOT_MAX   (4u << 20) /* the same */
#define SIGNED_HEARTBEAT_MAX  512u
#define SIGNED_AGENT_CERT_MAX 512u
#define SIGNED_TICKET_MAX     40960u
#define SIGNED_APPROVAL_MAX   2048u
#define SIGNED_ORIGIN_MAX     17408u
#define SIGNED_ESCALATION_MAX 8192u

struct signed_object { /* borrows from the received bytes */
    struct ts_bytes body;
    const uint8_t *kid; /* TRUST_KID_LEN */
    const uint8_t *sig; /* TRUST_SIG_LEN */
};

/* The frame alone: length, arity, sizes, nothing left over. */
TS_NODISCARD enum trust_code signed_split(enum signed_kind kind,
                                          struct ts_bytes in,
                                          struct signed_object *ret);
/* TRUST_E_ISSUER if kid is not that of pk, TRUST_E_SIG if the signature does
 * not hold, TRUST_OK otherwise. */
TS_NODISCARD enum trust_code signed_verify(enum signed_kind kind,
                                           const struct signed_object *o,
                                           const uint8_t pk[TRUST_PK_LEN]);
/* Appends the object to out. TS_E_LIMIT: longer than its kind may be. */
TS_NODISCARD ts_err signed_make(enum signed_kind kind, struct ts_bytes body,
                                const struct trust_secret *key,
                                struct ts_buf *out);

#endif
