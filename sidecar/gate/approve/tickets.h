#ifndef SIDECAR_GATE_APPROVE_TICKETS_H
#define SIDECAR_GATE_APPROVE_TICKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "proto/trust/approval.h"
#include "proto/trust/approval_ticket.h"

/*
 * Calls that wait for people. No socket, no clock, no signature but what
 * approval_accept() verifies. In memory alone: after a restart nobody waits any
 * more, and an answer to an old ticket finds nothing (delegation design, 13).
 *
 *     ask --> WAITING --quorum--> GRANTED --taken--> gone
 *                |                   |
 *                +----- a no --------+--> DENIED --> gone, and the call cools
 *                |                   |
 *                +-- expired, withdrawn, revoked, other policies --> gone
 *
 * GRANTED is there for a call whose agent did not wait: an identical one, made
 * before the ticket expires, takes it, once; taken is used up, whether or not
 * the launch then succeeds. What ends it is the caller's to record and then to
 * tell with tickets_end(). Where that cannot be recorded at once,
 * tickets_void() ends it first: nobody finds it any more, and it keeps its
 * place until tickets_end().
 *
 * An agent that asks and asks must neither bury people nor fill the gate:
 * places are counted per grant, tenant and gate, new tickets per grant and
 * time.
 */
#define TICKETS_PER_GRANT   8
#define TICKETS_PER_TENANT  256
#define TICKETS_MAX         4096
#define TICKETS_BYTES       (16u << 20) /* of all bodies */
#define TICKETS_COOL_S      60          /* after a no, for the same call */
#define TICKETS_COOLING_MAX 1024        /* the oldest is forgotten first */
#define TICKETS_ASKED_1M    20          /* new ones of a grant in a minute */
#define TICKETS_ASKED_1H    50          /* and in an hour */
#define TICKETS_ASKERS_MAX                                                     \
    4096 /* grants whose asking is remembered, half of a tenant */

/* What makes two calls the same: BLAKE2b-256 over tenant, chain, task, tool,
 * its manifest's digest, action, resource, the exact arguments and policy
 * epoch; and whether the agent sends standard input, which nobody is shown. */
struct ticket_key {
    uint8_t hash[TRUST_HASH_LEN];
};
void ticket_key_of(const struct ticket *t,
                   const uint8_t chain_hash[TRUST_HASH_LEN],
                   struct ticket_key *ret);
void ticket_key_stdin(struct ticket_key *k); /* it does */

enum ticket_state {
    TICKET_WAITING = 1,
    TICKET_GRANTED,
    TICKET_DENIED,
    TICKET_VOID /* it has ended; pending_end() says why */
};
enum ticket_asked {
    TICKET_ASKED_NEW = 1, /* to be signed, recorded, told to people */
    TICKET_ASKED_SAME,    /* there is one; people are not told again */
    TICKET_ASKED_GRANTED, /* people have said yes: decide again, and take it */
    TICKET_ASKED_COOLING, /* a person has said no to this very call */
    TICKET_ASKED_CROWDED, /* no place left for this grant, tenant or gate */
    TICKET_ASKED_TOO_OFTEN, /* this grant has asked too often */
    TICKET_ASKED_COUNT_
};
enum ticket_end {
    TICKET_END_TAKEN = 1,
    TICKET_END_DENIED,
    TICKET_END_EXPIRED,
    TICKET_END_WITHDRAWN,
    TICKET_END_REVOKED,
    TICKET_END_POLICIES /* policies or tools are others now */
};
const char *ticket_end_name(enum ticket_end e);

struct tickets;
struct pending; /* one of them */
/* What the caller keeps with one; released with the ticket. */
struct ticket_keep;
typedef void ticket_release(struct ticket_keep *k);

/* release may be NULL where nothing is kept. */
TS_NODISCARD ts_err tickets_new(ticket_release *release, struct tickets **ret);
void tickets_free(struct tickets *t);

/* body is ticket_encode()'s, and copied; now is unix seconds. *ret_pending is
 * set for NEW, SAME and GRANTED. TS_E_NOMEM, TS_E_INVALID (not a ticket, or
 * expired): nothing was done. */
TS_NODISCARD ts_err tickets_ask(struct tickets *t, const struct ticket_key *key,
                                struct ts_bytes body, uint64_t now,
                                enum ticket_asked *ret,
                                struct pending **ret_pending);

/* New tickets of a grant before now: t needs tenant and grant_id alone. */
struct tickets_asked {
    uint32_t minute, hour;
};
struct tickets_asked
tickets_asked_before(struct tickets *t, const struct ticket *of, uint64_t now);

const struct ticket *pending_ticket(const struct pending *p);
struct ts_bytes pending_body(const struct pending *p);
const uint8_t *pending_id(const struct pending *p); /* TRUST_HASH_LEN bytes */
enum ticket_state pending_state(const struct pending *p);
const struct approval_tally *pending_tally(const struct pending *p);
uint64_t pending_serial(const struct pending *p);            /* grows; from 1 */
void pending_keep(struct pending *p, struct ticket_keep *k); /* takes over */
struct ticket_keep *pending_kept(const struct pending *p);   /* or NULL */
enum ticket_end pending_end(const struct pending *p);        /* when VOID */
/* NULL: nothing waits under it. */
struct pending *tickets_find(struct tickets *t, const uint8_t decision_id[16]);

/* A person's answer. APPROVAL_OK: it counted, *ret is whose ticket it was,
 * ret_a (may be NULL) what it says; look at pending_state(). */
TS_NODISCARD enum approval_code
tickets_answer(struct tickets *t, const struct approval_people *who,
               struct ts_bytes answer, uint64_t now, struct pending **ret,
               struct approval *ret_a);

/* p waits no more, for why; of a void one the first reason stays. DENIED makes
 * the call cool down from now on. */
void tickets_void(struct tickets *t, struct pending *p, enum ticket_end why,
                  uint64_t now);
/* p is gone after it. TICKET_END_DENIED, of one that was not void, makes the
 * call cool down. */
void tickets_end(struct tickets *t, struct pending *p, enum ticket_end why,
                 uint64_t now);
/* In the order of asking; p NULL for the first, NULL after the last. */
struct pending *tickets_after(const struct tickets *t, const struct pending *p);
/* The first whose time is up, void ones left out; end it, and ask again. */
struct pending *tickets_expired(const struct tickets *t, uint64_t now);
uint64_t tickets_next_expiry(const struct tickets *t); /* UINT64_MAX: none */
uint32_t tickets_count(const struct tickets *t);
uint32_t tickets_granted(const struct tickets *t);

#endif
