#ifndef SIDECAR_GATE_PEOPLE_APPROVAL_RULE_H
#define SIDECAR_GATE_PEOPLE_APPROVAL_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/cedar_text.h"
#include "proto/base/ts_attr.h"
#include "proto/base/ts_str.h"

/*
 * Who may lift a forbid for one call (docs/POLICY.md):
 *
 *   @approval("four-eyes:2")   two people who hold the class four-eyes
 *   @approval("confirm")       one; without a number it is one
 *
 * A class is an id; `confirm` is the only one that the user who delegated may
 * answer himself. Values are checked when policies are loaded and a chain's
 * blocks are read, so that whoever reads one later cannot fail.
 */
struct approval_rule {
    struct ts_str class_id; /* of the annotation's bytes */
    uint32_t count;         /* 1..TICKET_COUNT_MAX */
};
TS_NODISCARD bool approval_rule_parse(struct ts_str value,
                                      struct approval_rule *ret);

/*
 * @endorse("task") beside @approval: a yes to a call that was then started lets
 * the values of it that strangers wrote, or nobody, through for the rest of the
 * task (docs/PROVENANCE.md). "task" is the one value there is.
 */
TS_NODISCARD bool endorse_rule_holds(struct ts_str value);

/* Names of a delegation's blocks stand in this form in tickets, so no policy of
 * a tenant that people may lift has an @id that begins like that. */
#define APPROVAL_BLOCK_PREFIX "block:"
bool approval_id_is_reserved(struct ts_str id);

/* What to write instead of this value of an annotation, of this folder's and of
 * box_demand.h's; a static text, NULL for a good one and for annotations that
 * have no fixed values. */
const char *annotation_value_fault(struct ts_str key, struct ts_str value);
/* Of any policy: its @endorse, which goes with @approval alone. */
const char *endorse_policy_fault(const struct cedar_ast *ast, size_t index);
/* Of a policy of a block: its @endorse, its @approval, and the name that it is
 * lifted by: its
 * @id, which need not be there, or what Cedar calls it then ("policy3"). */
const char *approval_policy_fault(const struct cedar_ast *ast, size_t index);

#endif
