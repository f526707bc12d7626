#ifndef SIDECAR_GATE_PEOPLE_USE_RULE_H
#define SIDECAR_GATE_PEOPLE_USE_RULE_H

#include <stdint.h>

#include "policy/cedar.h"
#include "proto/base/ts_arena.h"
#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "sidecar/gate/uses/ledger.h"

/*
 * What a permit counts (docs/POLICY-CONTEXT.md, "Counters"):
 *
 *   @counts("pay")            one for each call
 *   @sums("spent=amount")     the argument `amount` of each call
 *
 * Several with commas between them. A counter belongs to the policy set that
 * names it: a tenant's, or one block of one delegation.
 */
#define USE_NAME_MAX     32 /* bytes of a counter's or an argument's name */
#define USE_COUNTERS_MAX 16 /* of one policy set */
#define USE_ARGS_MAX     4  /* arguments that one counter sums */

enum use_kind {
    USE_NONE = 0, /* of none */
    USE_CALLS,
    USE_AMOUNT /* in ten-thousandths, as Cedar's decimal */
};

struct use_counter {
    enum use_kind kind;
    struct ts_str name;
    struct ts_str args[USE_ARGS_MAX]; /* of an AMOUNT; a call's is their sum */
    uint32_t arg_count;
    uint8_t id[USE_ID]; /* a hash of owner, kind and name */
};

struct use_rules {
    /* CALLS, then AMOUNTs; each by (length, bytes), as records are sorted. */
    struct use_counter counters[USE_COUNTERS_MAX];
    uint32_t count;
    const uint16_t *masks; /* of each policy: bit i is counters[i] */
};

/* What to write instead of this value of an annotation; a static text, NULL for
 * a good one and for other annotations. */
const char *use_annotation_fault(struct ts_str key, struct ts_str value);

/* Of a set whose annotations are good. *ret is NULL when nothing is counted.
 * owner: what tells this set from the others of its tenant, "" or a block's id.
 * TS_E_LIMIT: more than USE_COUNTERS_MAX names, or USE_ARGS_MAX arguments. */
TS_NODISCARD ts_err use_rules_make(const struct cedar_policies *p,
                                   struct ts_bytes owner,
                                   struct ts_arena *arena,
                                   const struct use_rules **ret);

/* The counters of all satisfied permits, as bits. rules may be NULL. */
uint16_t use_rules_counted(const struct use_rules *rules,
                           const struct cedar_answer *answer);

#endif
