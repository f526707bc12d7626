#ifndef CLI_POLICY_EXPLAIN_VIEW_H
#define CLI_POLICY_EXPLAIN_VIEW_H

#include "cli/policy/answer.h"
#include "cli/policy/inputs.h"
#include "cli/policy/report.h"
#include "policy/cedar_explain.h"

/*
 * One explained decision and how to show it; borrows all of it. Shared by
 * explain and test.
 */
struct explain_view {
    const struct pol_set *set;
    const struct cedar_request *req;
    const struct cedar_entities *entities;
    const struct cedar_answer *answer;
    const struct cedar_explanation *why;
    const struct cli_list *masks; /* values that are not shown; or NULL */
    struct ts_arena *arena;       /* of the decision; texts are made in it */
    struct term t;
    struct pol_marks marks;
    unsigned indent; /* columns before everything */
    bool all;        /* policies of other actions, too */
};

/* Whether a policy belongs to the answer to "why?": it decided, it failed, or
 * its scope admits the action. */
bool explain_is_shown(const struct explain_view *v, uint32_t policy);
/* Its scope already said no. */
bool explain_is_afar(const struct explain_view *v, uint32_t policy);
/* Policies in the order of interest: what decided, what failed, what only its
 * conditions held back, the rest. */
const uint32_t *explain_order(const struct explain_view *v,
                              uint32_t *ret_count);

void explain_print(const struct explain_view *v);
void explain_print_policy(const struct explain_view *v, uint32_t policy);
void explain_json(const struct explain_view *v);

/* explain_box.c: a line, or keys box and require, when the answer is a permit
 * that demands something of the box (@sandbox, @require). */
struct json_out;
void explain_box_print(const struct explain_view *v);
void explain_box_json(struct json_out *j, const struct explain_view *v);

/* ---- clauses ------------------------------------------------------------ */

/* Stands, known by its ptr, for a text that no memory was left for. */
extern const struct ts_str explain_no_memory;

/* The text of the source below span, white space made single blanks, at most
 * cap bytes; "" when there is none. */
struct ts_str explain_text(const struct explain_view *v, struct cedar_span span,
                           size_t cap);
/* "principal", "action" or "resource" alone: a constraint that is none. */
bool explain_is_open(const struct explain_view *v,
                     const struct cedar_clause *c);
/* Whether the constraint on the action may be true; asked of one that was not
 * evaluated. True when in doubt. */
bool explain_admits_action(const struct explain_view *v,
                           const struct cedar_clause *c);
/* What a clause came to; for `unless` and `!` what that made of its operand. */
enum cedar_outcome explain_outcome(const struct cedar_clause *clauses,
                                   const struct cedar_policy_result *r,
                                   uint32_t clause);
const char *explain_kind_name(enum cedar_clause_kind k);
const char *explain_outcome_name(enum cedar_outcome o);

/* ---- values ------------------------------------------------------------- */

/* A value in Cedar text, or "***" for one that a mask covers; a record keeps
 * what no mask covers. In the arena. */
struct ts_str explain_value(const struct explain_view *v,
                            const struct cedar_operand *op, size_t cap);
/* The same for a variable of the request. */
struct ts_str explain_variable(const struct explain_view *v, const char *name,
                               const struct cedar_uid *uid, size_t cap);

#endif
