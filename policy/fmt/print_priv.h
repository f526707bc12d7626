#ifndef POLICY_FMT_PRINT_PRIV_H
#define POLICY_FMT_PRINT_PRIV_H

#include "policy/syntax/ast.h"

/* Shared by the printer's two files. After the first error nothing is added. */
struct printer {
    struct ts_buf text;
    unsigned depth;
    ts_err err;
};

void print_bytes(struct printer *pr, const char *s, size_t n);
void print_text(struct printer *pr, const char *s);
void print_string(struct printer *pr, struct ts_str s); /* in quotes */
void print_pattern(struct printer *pr, const struct ast_expr *run);
void print_uid(struct printer *pr, const struct ast_expr *x);
void print_expr(struct printer *pr, const struct ast_expr *x);

#endif
