#ifndef TESTS_UNIT_TRUST_DIRECTORY_WORLD_H
#define TESTS_UNIT_TRUST_DIRECTORY_WORLD_H

#include "proto/trust/directory_snapshot.h"
#include "trust_world.h"

/* A directory of tenant acme with something in every list, for tests that
 * change one thing in it. */
#define DW_SCRATCH (64u << 20) /* budget that any decoding fits into */

struct directory_world {
    struct world w;
    struct ts_str groups[2], classes[2], roles[2];
    struct directory_attr attrs[2], agent_attrs[2];
    struct directory_user users[2];
    struct directory_agent agents[2];
    struct directory_approver approvers[2];
    struct ts_bytes revocations[1];
    uint8_t revocation[SIGNED_REVOCATION_MAX];
    struct directory_snapshot s;
    struct ts_buf body, object;
};

void dw_init(struct directory_world *g);
void dw_done(struct directory_world *g);
void dw_fresh(struct directory_world *g); /* the lists and s as at first */
/* Puts a record of that kind and tenant into the list of revocations. */
void dw_revocation(struct directory_world *g, enum revocation_kind kind,
                   const char *tenant);

/* Into g->body, refused or not. */
ts_err dw_encode(struct directory_world *g, const char **ret_what,
                 uint32_t *ret_index);
/* Encodes and signs into g->object; must work. */
struct ts_bytes dw_sign(struct directory_world *g, enum world_key k);
enum trust_code dw_verify(const struct directory_world *g, const char *tenant,
                          struct ts_bytes in, uint64_t now,
                          const char **ret_what);

#endif
