#ifndef CLI_POLICY_SUITE_COVERAGE_H
#define CLI_POLICY_SUITE_COVERAGE_H

#include "cli/policy/explain/view.h"

/*
 * Clause coverage: each scope constraint and each test of a condition should
 * have been seen true and seen false. What && || ! and if make of them follows
 * from these. A scope that constrains nothing is not counted.
 */
struct coverage {
    const struct pol_set *set;
    uint8_t **seen;           /* [policy][clause]: bit 0 false, bit 1 true */
    size_t outcomes, covered; /* of coverage_count() */
};

/* Memory of arena; false when there is none. */
bool coverage_init(struct coverage *c, const struct pol_set *set,
                   struct ts_arena *arena);
void coverage_add(struct coverage *c, const struct cedar_explanation *why);
/* v: for the texts of clauses. */
void coverage_count(struct coverage *c, const struct explain_view *v);
double coverage_percent(size_t covered, size_t outcomes);

/* Clauses that were not seen both ways, as text and as a JSON array. */
void coverage_print(const struct coverage *c, const struct explain_view *v);
void coverage_json(const struct coverage *c, const struct explain_view *v,
                   struct json_out *j);

#endif
