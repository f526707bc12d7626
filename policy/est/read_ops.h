#ifndef POLICY_EST_READ_OPS_H
#define POLICY_EST_READ_OPS_H

#include "policy/est/read.h"

/* A row of the table of operators in read_expr.c. */
struct est_op {
    struct ts_str name;
    /* v is the whole expression, an object of one member */
    ts_err (*read)(struct est_reader *r, const struct est_op *op,
                   const struct json *v, struct ast_expr **ret);
    enum ast_op op;
    uint8_t sub;
    char join; /* of a chain: how an operand is joined to those before it */
};

ts_err est_like(struct est_reader *r, const struct est_op *op,
                const struct json *v, struct ast_expr **ret);

#endif
