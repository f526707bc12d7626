#ifndef SIDECAR_GATE_DECIDE_CONTEXT_H
#define SIDECAR_GATE_DECIDE_CONTEXT_H

#include <stdint.h>

#include "policy/cedar.h"
#include "proto/base/ts_arena.h"
#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "sidecar/gate/decide/authority_priv.h"
#include "sidecar/gate/decide/call_provenance.h"
#include "sidecar/gate/decide/decide.h"
#include "sidecar/gate/decide/meters.h"

/*
 * The context of a call: one record, the same fields for every action, every
 * field always there (docs/POLICY-CONTEXT.md has their types). The gate alone
 * makes it. What the caller declares (provenance.declared) is there to be
 * forbidden on; it never replaces something that the gate knows.
 */
struct call_rates { /* before this call */
    struct meter_counts agent, agent_tool, task, denied;
};

#define CONTEXT_FIELDS 21

struct call_context {
    struct cedar_field fields[CONTEXT_FIELDS]; /* sorted; [0] is hop */
    const struct cedar_record *first; /* made of them; others are copies */
    bool tainted;
    struct call_provenance provenance;
};

struct context_input {
    const struct snapshot_tenant *tenant;
    const struct authority *authority;
    const struct call_input *call;
    const struct manifest *manifest;
    const struct call_args *args;
    const struct call_rates *rates;
    uint32_t sensitivity;
    const struct ticket *approved; /* what people have lifted; NULL: nothing */
};

enum hop {           /* who the question is about */
    HOP_SUBJECT = 0, /* the user */
    HOP_CALLER = 1,  /* the leaf agent */
    HOP_DELEGATOR = 2
};

/* Values borrow from the input and live in arena. */
TS_NODISCARD ts_err context_make(const struct context_input *in,
                                 struct ts_arena *arena,
                                 struct call_context *ret);
/* The record for one hop. */
TS_NODISCARD ts_err context_record(struct call_context *c, enum hop hop,
                                   struct ts_arena *arena,
                                   struct cedar_value *ret);

/* Who makes the call, for struct endorsed_use. */
struct ts_str context_who(const struct authority *a);

/* What the policies of one block see: the caller's record, with what people
 * have lifted of that very block, and of nothing else, in approvals, and what
 * they let through when it asked. */
TS_NODISCARD ts_err context_of_block(const struct call_context *c,
                                     const struct call_args *args,
                                     const struct cedar_value *caller,
                                     uint32_t block,
                                     const struct ticket *approved,
                                     struct ts_arena *arena,
                                     struct cedar_value *ret);

#endif
