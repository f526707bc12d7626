#ifndef PROTO_TRUST_APPROVAL_TICKET_H
#define PROTO_TRUST_APPROVAL_TICKET_H

#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_arena.h"
#include "proto/base/ts_attr.h"
#include "proto/base/ts_buf.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "proto/trust/code.h"
#include "proto/trust/keys.h"
#include "proto/wire/limits.h"

/*
 * What a person is asked: one call, whole, as the sidecar will run it
 * (delegation design, section 8.1). Made and signed by the sidecar, so that who
 * approves need not believe the agent.
 *
 *     body = [ 1, decision_id bin16, sidecar id, tenant, user, [ agent .. ],
 *              grant_id bin16, leaf block id bin32, task, call_id bin16, tool,
 *              tool_digest bin32, action, resource, args bin, context bin,
 *              [[ policy id, class id, count uint ] x 1..16 ],
 *              created uint, expires uint, policy_epoch uint ]
 *
 *     ticket_id = BLAKE2b-256(PAE("tipstaff/1/ticket-id", body))
 *     signature = Ed25519(PAE("tipstaff/1/approval-ticket", body)), by the
 *                 sidecar; object = [ body bin, kid bin16, sig bin64 ]
 */
#define TICKET_RULES_MAX    16
#define TICKET_ARGS_MAX     16384u /* bytes; a call with more is denied */
#define TICKET_CONTEXT_MAX  4096u
#define TICKET_COUNT_MAX    8u   /* people that one rule may ask for */
#define TICKET_PEOPLE_MAX   32u  /* and all rules of a call together */
#define TICKET_RULE_ID_MAX  144u /* bytes: an @id behind "block:N/" */
#define TICKET_RESOURCE_MAX 4352u

struct ticket_rule {
    struct ts_str policy;   /* its @id; of a delegation's block "block:N/id" */
    struct ts_str class_id; /* confirm, four-eyes, or one of the tenant's */
    uint32_t count;         /* people, 1..TICKET_COUNT_MAX */
};

struct ticket {              /* slices borrow from the body */
    uint8_t decision_id[16]; /* random; of the decision that is pending */
    struct ts_str sidecar_id;
    struct ts_str tenant, user;
    struct ts_str agents[TS_BLOCKS_MAX]; /* root first */
    uint32_t agent_count;                /* >= 1 */
    uint8_t grant_id[16];
    uint8_t block_id[TRUST_HASH_LEN]; /* of the leaf */
    struct ts_str task;
    uint8_t call_id[16];
    struct ts_str tool;
    uint8_t tool_digest[32]; /* manifest: program, argv, profile, labels */
    struct ts_str action;    /* Action::"..." without the type */
    struct ts_str resource;  /* Type::"id" */
    struct ts_bytes args;    /* the exact bytes that will run */
    struct ts_bytes context; /* msgpack map of ticket_context.h, for people */
    struct ticket_rule rules[TICKET_RULES_MAX];
    uint32_t rule_count;       /* >= 1 */
    uint64_t created, expires; /* unix seconds, expires exclusive */
    uint64_t policy_epoch;     /* another one voids it */
};

/* TS_E_INVALID: nothing that the decoder would accept. Appends the body. */
TS_NODISCARD ts_err ticket_encode(const struct ticket *t, struct ts_buf *out);
/* Strict; TRUST_E_FORMAT, _LIMIT, _VERSION, _ID, _TIME (expires <= created). */
TS_NODISCARD enum trust_code ticket_decode(struct ts_bytes body,
                                           struct ticket *ret);
void ticket_id(struct ts_bytes body, uint8_t ret[TRUST_HASH_LEN]);
/* Appends the signed object. */
TS_NODISCARD ts_err ticket_sign(struct ts_bytes body,
                                const struct trust_secret *sidecar,
                                struct ts_buf *out);
/* For approvers' tools, which know the sidecar's key: signature, then body. */
TS_NODISCARD enum trust_code
ticket_verify(struct ts_bytes object, const uint8_t sidecar_pk[TRUST_PK_LEN],
              struct ts_bytes *ret_body, struct ticket *ret);

#endif
