#ifndef POLICY_EST_PRINT_H
#define POLICY_EST_PRINT_H

#include "policy/json/writer.h"
#include "policy/syntax/ast.h"

/* Trees to Cedar's JSON policy format; shared by the writing files only. */
struct est_printer {
    struct json_writer w;
    struct ts_arena temp; /* the kids of the chains that are being written */
};

/* As deep as the tree, which is bounded by CEDAR_HEIGHT_MAX; chains are loops.
 * Errors stick in the writer. */
void est_print_expr(struct est_printer *p, const struct ast_expr *x);

#endif
