#ifndef PROTO_TRUST_ESCALATION_H
#define PROTO_TRUST_ESCALATION_H

#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_buf.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "proto/trust/approval.h"
#include "proto/trust/code.h"
#include "proto/trust/keys.h"
#include "proto/trust/signed.h"

/*
 * Break-glass: several people widen what one user's agent may do in one task,
 * for a short time and a number of calls (delegation design, section 9).
 *
 *     body   = [ 1, id bin16, tenant, user, agent, task, policies str,
 *                [ lift .. ], nbf uint, exp uint, max_uses uint, reason,
 *                incident ]
 *     object = [ body bin, [[ kid bin16, sig bin ] ..] ]
 *
 * sig is 64 bytes, Ed25519(PAE("tipstaff/1/escalation", body)), or longer, what
 * ssh-keygen -Y sign -n escalation@tipstaff makes of the body (sshsig.h), its
 * armour taken off. Lifts ascend, as do the kids: of one escalation there is
 * one encoding. An object without signatures is a request.
 *
 * The reader of the file is to show all of it before anybody signs.
 */
#define ESCALATION_MAX           17408u /* bytes of the object */
#define ESCALATION_BODY_MAX      SIGNED_ESCALATION_MAX
#define ESCALATION_POLICIES_MAX  4096u /* bytes of Cedar */
#define ESCALATION_LIFTS_MAX     16u
#define ESCALATION_LIFT_MAX      128u /* bytes of a policy's @id */
#define ESCALATION_USES_MAX      1000u
#define ESCALATION_REASON_MIN    10u
#define ESCALATION_REASON_MAX    512u
#define ESCALATION_INCIDENT_MAX  128u
#define ESCALATION_SIGS_MAX      8u
#define ESCALATION_QUORUM_MIN    2u
#define ESCALATION_TTL_HARD_S    28800u /* exp - nbf, whatever a tenant says */
#define ESCALATION_SSH_NAMESPACE "escalation@tipstaff"

struct escalation { /* borrows from the body */
    uint8_t id[16];
    struct ts_str tenant, user, task;
    struct ts_str agent;    /* with every agent below it */
    struct ts_str policies; /* permits, Cedar; "" with lifts alone */
    struct ts_str lifts[ESCALATION_LIFTS_MAX];
    uint32_t lift_count;
    uint64_t nbf, exp; /* unix seconds, exp exclusive */
    uint32_t max_uses;
    struct ts_str reason, incident; /* UTF-8 */
};

struct escalation_sig {
    const uint8_t *kid;  /* TRUST_KID_LEN */
    struct ts_bytes sig; /* raw, or a blob */
};
struct escalation_object { /* borrows from the received bytes */
    struct ts_bytes body;
    struct escalation_sig sigs[ESCALATION_SIGS_MAX];
    uint32_t sig_count;
};

/* Why an escalation is not activated. The names are stable. */
/* clang-format off */
#define ESCALATION_CODE_MAP(X)                                                 \
    X(FORMAT,   "the escalation is malformed")                                 \
    X(KEY,      "it is signed with a key that is no approver's")               \
    X(TENANT,   "a signer is of another tenant")                               \
    X(INACTIVE, "a signer is not active")                                      \
    X(SIG,      "a signature does not verify")                                 \
    X(REVOKED,  "a signer was revoked")                                        \
    X(CLASS,    "a signer does not hold the class four-eyes")                  \
    X(OWN,      "a signer is the user, or owns the agent")                     \
    X(REPEATED, "one person signed with two keys")                             \
    X(QUORUM,   "too few people signed it")                                    \
    X(WINDOW,   "it is valid for longer than the tenant allows")               \
    X(EARLY,    "its time has not begun")                                      \
    X(EXPIRED,  "it has expired")
/* clang-format on */
enum escalation_code {
    ESCALATION_OK = 0,
#define X(id, text) ESCALATION_E_##id,
    ESCALATION_CODE_MAP(X)
#undef X
    ESCALATION_CODE_COUNT_
};
const char *escalation_code_name(enum escalation_code c);
const char *escalation_code_text(enum escalation_code c);

/* Frame and body; whose it is and whether it is signed is another matter. */
TS_NODISCARD enum trust_code escalation_split(struct ts_bytes in,
                                              struct escalation_object *ret);
TS_NODISCARD enum trust_code escalation_decode(struct ts_bytes body,
                                               struct escalation *ret);

struct escalation_rules {
    uint32_t quorum; /* people; less than ESCALATION_QUORUM_MIN counts as it */
    uint64_t max_s;  /* exp - nbf */
};
struct escalation_signers {
    struct ts_str people[ESCALATION_SIGS_MAX]; /* borrowed from the directory */
    uint32_t count;
};
/* All signatures must hold and be of different people: one that is wrong is a
 * reason to look, not to go on. ret and ret_by only on ESCALATION_OK. */
TS_NODISCARD enum escalation_code
escalation_accept(const struct approval_people *who, struct ts_bytes in,
                  const struct escalation_rules *rules, uint64_t now,
                  struct escalation *ret, struct escalation_signers *ret_by);

/* For the tools of people. Appends the body; TS_E_INVALID: a field is out of
 * its bounds. */
TS_NODISCARD ts_err escalation_body(const struct escalation *e,
                                    struct ts_buf *out);
/* The signature of one key. */
TS_NODISCARD ts_err escalation_sign(struct ts_bytes body,
                                    const struct trust_secret *key,
                                    uint8_t ret_sig[TRUST_SIG_LEN]);
/* Appends the object with one signature more, in its place. kid NULL: none
 * more. TS_E_EXISTS: this key has signed; TS_E_LIMIT: too many have. */
TS_NODISCARD ts_err escalation_join(const struct escalation_object *o,
                                    const uint8_t *kid, struct ts_bytes sig,
                                    struct ts_buf *out);
/* Whether the signature i holds under pk, in either form. */
TS_NODISCARD enum trust_code
escalation_verify(const struct escalation_object *o, uint32_t i,
                  const uint8_t pk[TRUST_PK_LEN]);

#endif
