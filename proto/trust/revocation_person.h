#ifndef PROTO_TRUST_REVOCATION_PERSON_H
#define PROTO_TRUST_REVOCATION_PERSON_H

#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_buf.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "proto/trust/approval.h"
#include "proto/trust/code.h"
#include "proto/trust/revocation_record.h"

/*
 * A revocation that a person signs: of an escalation (kind 10), by one of those
 * who stand behind it (delegation design, section 6.1). Same body, same frame;
 * sig is 64 bytes as everywhere, or what ssh-keygen -Y sign makes of the body,
 * its armour taken off (sshsig.h):
 *
 *     object = [ body bin, kid bin16, sig bin ]
 *
 * Whether the person did sign that escalation is for who knows it to say.
 */
#define REVOCATION_SSH_NAMESPACE "revocation@tipstaff"

struct revocation_person { /* borrows from the received bytes */
    struct ts_bytes body;
    const uint8_t *kid; /* TRUST_KID_LEN */
    struct ts_bytes sig;
};
/* The frame alone. */
TS_NODISCARD enum trust_code
revocation_person_split(struct ts_bytes in, struct revocation_person *ret);
/* An active approver's key, the signature, the body; TRUST_E_ISSUER: nobody's
 * key, or a kind that no person revokes. Both only on TRUST_OK. */
TS_NODISCARD enum trust_code
revocation_person_verify(const struct approval_people *who, struct ts_bytes in,
                         struct revocation_record *ret,
                         struct approver *ret_by);

/* For the tools of people. Appends the body. TS_E_INVALID: nothing that the
 * decoder would accept. */
TS_NODISCARD ts_err revocation_record_body(const struct revocation_record *r,
                                           struct ts_buf *out);
/* Appends the object. TS_E_LIMIT: longer than one may be. */
TS_NODISCARD ts_err revocation_person_join(struct ts_bytes body,
                                           const uint8_t kid[TRUST_KID_LEN],
                                           struct ts_bytes sig,
                                           struct ts_buf *out);

#endif
