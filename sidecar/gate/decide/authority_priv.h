#ifndef SIDECAR_GATE_DECIDE_AUTHORITY_PRIV_H
#define SIDECAR_GATE_DECIDE_AUTHORITY_PRIV_H

#include "policy/cedar.h"
#include "proto/base/ts_arena.h"
#include "proto/base/ts_str.h"
#include "proto/wire/limits.h"
#include "sidecar/gate/decide/meters.h"

/* Parts of an authority that every call of its session uses. */
struct authority_agent {
    /* Agent::"a/b/c", Agent::"a/b", Agent::"a": the id and every id above it,
     * whether registered or not. */
    const struct cedar_uid *up;
    uint32_t up_count;
};

struct authority_parts {
    struct cedar_uid user;
    struct authority_agent agents[TS_BLOCKS_MAX]; /* root first */
    uint32_t agent_count;
    struct cedar_value agent_set; /* Set of Agent */
    struct cedar_uid uses, sums;  /* context.uses and .sums */
    struct cedar_value grant;     /* record: attrs, expires, issued */
    struct meter_key meter_agent; /* of the leaf's registered ancestor, so that
                                     new names do not make new counters */
    struct meter_key meter_denied;
    struct meter_key meter_task;
    /* Keys tenant, user, agent, chain, grant, task, blocks, issuer of a
     * decision record, encoded; 8 entries of its map. */
    struct ts_bytes record_head;
};
#define AUTHORITY_HEAD_KEYS 8

struct verified {
    uint32_t users;
    struct ts_arena arena; /* holds what is below */
    const struct delegation *delegation;
    const struct authority_parts *parts;
    struct cedar_policies *block_policies[TS_BLOCKS_MAX]; /* owned */
    const struct box_demand *block_demands[TS_BLOCKS_MAX];
    const struct use_rules *block_uses[TS_BLOCKS_MAX];
    uint32_t block_count;
};

#endif
