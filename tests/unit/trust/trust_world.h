#ifndef TESTS_UNIT_TRUST_TRUST_WORLD_H
#define TESTS_UNIT_TRUST_TRUST_WORLD_H

#include "proto/base/ts_buf.h"
#include "proto/trust/delegation_build.h"
#include "proto/trust/store.h"

/*
 * A small world for tests: tenant acme with issuer idp, agents coder and
 * builder, users alice (active) and carol (inactive), a directory, a revoker
 * and an approver key; tenant beta with an agent of the same name. Keys come
 * from fixed seeds.
 */
enum world_key {
    KEY_ISSUER,
    KEY_ISSUER_OLD, /* valid for signing times up to W_NOW - 1000 */
    KEY_BETA_ISSUER,
    KEY_SIDECAR,
    KEY_CODER,
    KEY_BUILDER,
    KEY_BETA_CODER,
    KEY_SUB, /* KEY_SUB + n: unregistered sub-agents */
    KEY_DIRECTORY = KEY_SUB + 8,
    KEY_REVOKER,
    KEY_APPROVER, /* of the person alice */
    KEY_BETA_DIRECTORY,
    KEY_BETA_REVOKER,
    KEY_STRANGER, /* in no store */
    KEY_COUNT_
};
#define WORLD_KEYS 9

#define W_NOW 1700000000u
#define W_AUD "sidecar/test"

struct world {
    struct trust_secret key[KEY_COUNT_];
    struct trust_tenant tenants[2];
    struct trust_key keys[WORLD_KEYS];
    struct trust_agent agents[3];
    struct trust_user users[2];
    struct trust_input in;
    struct ts_arena arena;
    struct revocations revoked;
    struct trust_config cfg;
};

void world_init(struct world *w);
void world_done(struct world *w);
/* Builds cfg.store again from w->in, as changed by a test. */
void world_rebuild(struct world *w);

struct chain {
    uint8_t b[TS_CHAIN_MAX];
    size_t len;
};

struct delegation_root world_root(const struct world *w);
struct delegation_link world_link(const struct world *w, unsigned n);
/* A chain of count blocks, coder/s/s.. below coder. */
void world_chain(const struct world *w, size_t count, struct chain *ret);
void world_sign(const struct world *w, const struct delegation_root *r,
                struct chain *ret);
void world_append(const struct world *w, const struct delegation_link *l,
                  enum world_key holder, struct chain *c);

/* The same without asking whether a verifier will take it; fields as given. */
void world_append_raw(const struct world *w, const struct delegation_link *l,
                      enum world_key holder, struct chain *c);

/* Is a signed object accepted by whoever ctx stands for? */
typedef enum trust_code world_judge(const void *ctx, struct ts_bytes in);
/* Every truncation and every bit flip of object is refused, in a buffer of
 * exactly its length; as it is, it is accepted. How many were tried. */
size_t world_sweep(struct ts_bytes object, world_judge *judge, const void *ctx);
struct ts_bytes world_bytes(const struct ts_buf *b);

/* Verifies at now in an arena of its own. */
enum trust_code world_verify(const struct world *w, const uint8_t *b,
                             size_t len, uint64_t now);

#endif
