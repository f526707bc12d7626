#ifndef PROTO_TRUST_APPROVAL_H
#define PROTO_TRUST_APPROVAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_buf.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "proto/trust/approval_ticket.h"
#include "proto/trust/keys.h"
#include "proto/trust/signed.h"

/*
 * What a person answers (delegation design, sections 8.2 and 8.3).
 *
 *     body = [ 1, ticket_id bin32, decision_id bin16, tenant, person,
 *              verdict 1|2, iat uint, exp uint, note ]
 *     raw    = [ body bin, kid bin16, sig bin64 ],
 *              sig = Ed25519(PAE("tipstaff/1/approval", body))
 *     sshsig = [ body bin, sshsig bin ], what ssh-keygen -Y sign -n
 *              approval@tipstaff makes of the body (sshsig.h)
 *
 * A signature says what its key's holder signed, not what a person understood.
 */
#define APPROVAL_MAX           SIGNED_APPROVAL_MAX /* bytes of either object */
#define APPROVAL_NOTE_MAX      256u
#define APPROVAL_TTL_MAX_S     3600u /* exp - iat */
#define APPROVAL_SSH_NAMESPACE "approval@tipstaff"
#define APPROVAL_CONFIRM       "confirm" /* the acting user, out of band */
#define APPROVAL_FOUR_EYES                                                     \
    "four-eyes" /* anyone but user and agents' owners                          \
                 */

enum approval_verdict {
    APPROVAL_YES = 1,
    APPROVAL_NO = 2
};

struct approval { /* borrows from the body */
    uint8_t ticket_id[TRUST_HASH_LEN];
    uint8_t decision_id[16];
    struct ts_str tenant, person;
    enum approval_verdict verdict;
    uint64_t iat, exp;  /* unix seconds, exp exclusive */
    struct ts_str note; /* UTF-8 */
};

/* Why an answer did not count. The names are stable (log, CLI, vectors). */
/* clang-format off */
#define APPROVAL_CODE_MAP(X)                                                   \
    X(UNKNOWN,   "no call with this decision id waits for approval")           \
    X(FORMAT,    "the answer is malformed")                                    \
    X(KEY,       "the key is no approver's")                                   \
    X(INACTIVE,  "the approver is not active")                                 \
    X(REVOKED,   "the approver was revoked")                                   \
    X(TENANT,    "the approver is of another tenant")                          \
    X(SIG,       "the signature does not verify")                              \
    X(TICKET,    "it was signed for another ticket")                           \
    X(PERSON,    "it names somebody else than the key's holder")               \
    X(EARLY,     "it was signed before the ticket was made")                   \
    X(WINDOW,    "it is from the future, or valid for longer than an hour")     \
    X(EXPIRED,   "it has expired")                                             \
    X(LATE,      "the ticket has expired")                                     \
    X(CLASS,     "the approver holds no class that this call asks for")        \
    X(OWN,       "who asks, and who owns the agent, is not a second person")   \
    X(REPEATED,  "this person has answered already")                           \
    X(ENOUGH,    "enough people have answered for what this one may answer")   \
    X(DENIED,    "the call was denied by a person; that is final")
/* clang-format on */
enum approval_code {
    APPROVAL_OK = 0,
#define X(id, text) APPROVAL_E_##id,
    APPROVAL_CODE_MAP(X)
#undef X
    APPROVAL_CODE_COUNT_
};
const char *approval_code_name(enum approval_code c);
const char *approval_code_text(enum approval_code c);

/* A key of a person, as the tenant's directory has it. */
struct approver {
    struct ts_str tenant, person;
    uint8_t pk[TRUST_PK_LEN];
    bool active; /* as an approver, and as a user where users are listed */
    const struct ts_str *classes;
    uint32_t class_count;
};
/* Who judges asks these; all of the ticket's tenant unless said. Pure. */
struct approval_people {
    void *ctx;
    /* By kid over all tenants; false: nobody's. */
    bool (*find)(void *ctx, const uint8_t kid[TRUST_KID_LEN],
                 struct approver *ret);
    bool (*revoked)(void *ctx, const struct approver *a, uint64_t iat);
    /* person owns agent or the nearest listed ancestor of it */
    bool (*owns)(void *ctx, struct ts_str tenant, struct ts_str agent,
                 struct ts_str person);
};

/* Answers to one ticket so far: people per rule, never keys. */
struct approval_tally { /* zeroed: nobody has answered */
    struct {
        char person[TS_ID_MAX];
        uint32_t person_len;
        uint32_t rules; /* bit i: counts for rule i of the ticket */
    } people[TICKET_PEOPLE_MAX];
    uint32_t people_count;
    bool denied;
};

/* Whom an answer is for, before anything of it is believed. */
TS_NODISCARD bool approval_peek(struct ts_bytes in, uint8_t ret_decision[16]);

/* Splits either object, finds the key, verifies, decodes, compares with the
 * ticket and counts, in the order of section 8.3. APPROVAL_OK: it counted (yes
 * or no); anything else: t is as before. ret may be NULL; it borrows from in.
 */
TS_NODISCARD enum approval_code
approval_accept(const struct approval_people *who, const struct ticket *ticket,
                const uint8_t ticket_id[TRUST_HASH_LEN], struct ts_bytes in,
                uint64_t now, struct approval_tally *t, struct approval *ret);
/* Every rule has its people, and nobody said no. */
bool approval_quorum(const struct ticket *ticket,
                     const struct approval_tally *t);

/* For approvers' tools. A body, strictly; whose it is and whether it is signed
 * is another matter. */
TS_NODISCARD enum trust_code approval_decode(struct ts_bytes body,
                                             struct approval *ret);
/* Appends the body, or the raw object. */
TS_NODISCARD ts_err approval_body(const struct approval *a, struct ts_buf *out);
TS_NODISCARD ts_err approval_sign(struct ts_bytes body,
                                  const struct trust_secret *key,
                                  struct ts_buf *out);
/* Joins a body and an SSHSIG blob (armour already taken off). */
TS_NODISCARD ts_err approval_join_ssh(struct ts_bytes body,
                                      struct ts_bytes sshsig,
                                      struct ts_buf *out);

#endif
