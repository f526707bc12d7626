#ifndef TESTS_UNIT_TRUST_TRUST_WORLD_H
#define TESTS_UNIT_TRUST_TRUST_WORLD_H

#include "proto/trust/delegation_build.h"
#include "proto/trust/store.h"

/*
 * A small world for tests: tenant acme with issuer idp, agents coder and
 * builder, users alice (active) and carol (inactive); tenant beta with an
 * agent of the same name. Keys come from fixed seeds.
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
    KEY_COUNT_ = KEY_SUB + 8
};

#define W_NOW 1700000000u
#define W_AUD "sidecar/test"

struct world {
    struct trust_secret key[KEY_COUNT_];
    struct trust_tenant tenants[2];
    struct trust_key keys[4];
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

/* Verifies at now in an arena of its own. */
enum trust_code world_verify(const struct world *w, const uint8_t *b,
                             size_t len, uint64_t now);

#endif
