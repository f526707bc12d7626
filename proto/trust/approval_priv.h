#ifndef PROTO_TRUST_APPROVAL_PRIV_H
#define PROTO_TRUST_APPROVAL_PRIV_H

#include "proto/trust/approval.h"
#include "proto/trust/sshsig.h"

/* Inside of proto/trust. Either form of an answer, split: nothing of it is
 * verified. */
struct approval_answer {
    struct signed_object raw; /* of SSHSIG the body alone */
    struct sshsig ssh;
    bool is_ssh;
    uint8_t kid[TRUST_KID_LEN]; /* whose key is to be looked up */
};
TS_NODISCARD enum trust_code approval_split(struct ts_bytes in,
                                            struct approval_answer *ret);
TS_NODISCARD enum trust_code approval_verify(const struct approval_answer *a,
                                             const uint8_t pk[TRUST_PK_LEN]);

#endif
