#ifndef SIDECAR_GATE_PEOPLE_BOX_DEMAND_H
#define SIDECAR_GATE_PEOPLE_BOX_DEMAND_H

#include <stdint.h>

#include "policy/cedar.h"
#include "policy/cedar_text.h"
#include "proto/base/ts_arena.h"
#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "proto/msg/order.h"

/*
 * What a permit demands of the box in which its tool runs (docs/POLICY.md):
 *
 *   @sandbox("full")             the least level: bare, uid, full, strict
 *   @require("landlock,net_ns")  layers that must hold
 *
 * Of all permits that are satisfied, in every set that is asked, the highest
 * level and all layers together count: whoever adds a permit adds no way round
 * the demand of another one.
 */
struct box_demand {
    enum box_level box;
    uint32_t require; /* layer_bit */
};

/* What to write instead of this value of an annotation, a static text; NULL for
 * a good one and for annotations that have no fixed values. */
const char *box_demand_fault(struct ts_str key, struct ts_str value);
/* The same for all annotations of a policy, and for its effect. */
const char *box_demand_policy_fault(const struct cedar_ast *ast, size_t index);

/* One of each policy, in the arena; *ret is NULL when none demands anything. */
TS_NODISCARD ts_err box_demands_make(const struct cedar_policies *p,
                                     struct ts_arena *arena,
                                     const struct box_demand **ret);
/* Adds what the satisfied permits of an answer demand. demands may be NULL. */
void box_demands_add(const struct box_demand *demands,
                     const struct cedar_answer *answer, struct box_demand *to);
void box_demand_join(struct box_demand *to, const struct box_demand *more);

#endif
