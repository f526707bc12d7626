#ifndef TESTS_UNIT_TRUST_APPROVAL_WORLD_H
#define TESTS_UNIT_TRUST_APPROVAL_WORLD_H

#include "proto/base/ts_buf.h"
#include "proto/trust/approval.h"

/*
 * A tenant acme in which alice's agents coder and coder/tester ask. Approvers:
 * alice, bob (with two keys), carol, dave and erin; erin owns coder. frank is
 * of tenant beta. Classes are in approval_world.c.
 */
enum approver_key {
    AP_ALICE,
    AP_BOB,
    AP_BOB_TOO,
    AP_CAROL,
    AP_DAVE, /* confirm alone */
    AP_ERIN,
    AP_FRANK,
    AP_NOBODY, /* in no directory */
    AP_COUNT_
};
#define AP_NOW     1700000100u
#define AP_CREATED 1700000000u
#define AP_EXPIRES 1700000600u

struct approval_world {
    struct trust_secret key[AP_COUNT_], sidecar;
    struct approver approvers[AP_NOBODY];
    struct approval_people people;
    bool inactive[AP_NOBODY], revoked[AP_NOBODY];
    struct ticket ticket;
    struct ts_buf ticket_body, answer;
    uint8_t ticket_id[TRUST_HASH_LEN];
};
void approval_world_init(struct approval_world *w);
void approval_world_done(struct approval_world *w);
/* Encodes w->ticket again, as changed by a test. */
void approval_world_ticket(struct approval_world *w);

/* A yes of the holder of a key, as it should be. */
struct approval approval_world_says(const struct approval_world *w,
                                    enum approver_key by);
/* Signs a with a key; good until the next. */
struct ts_bytes approval_world_sign(struct approval_world *w,
                                    const struct approval *a,
                                    enum approver_key by);

#endif
