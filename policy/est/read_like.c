/* `like`: an array of "Wildcard" and {"Literal": text}. */
#include <string.h>

#include "policy/core/diag.h"
#include "policy/core/lit.h"
#include "policy/est/read.h"
#include "policy/est/read_ops.h"
#include "proto/base/ts_num.h"

/* NULL for a wildcard, else the string that stands for itself. */
static ts_err element(struct est_reader *r, const struct json *v,
                      const struct json **ret)
{
    const struct json *m =
        v->kind == JSON_OBJECT && v->count == 1 ? v->first : NULL;

    *ret = NULL;
    if (v->kind == JSON_STRING && ts_str_eq(v->str, TS_STR_LIT("Wildcard")))
        return TS_OK;
    if (m != NULL && m->kind == JSON_NULL &&
        ts_str_eq(m->key, TS_STR_LIT("Wildcard")))
        return TS_OK;
    if (m == NULL || m->kind != JSON_STRING ||
        !ts_str_eq(m->key, TS_STR_LIT("Literal")))
        return est_fail(r, v, NULL,
                        "a pattern consists of \"Wildcard\" and "
                        "{\"Literal\": \"text\"}");
    *ret = m;
    return TS_OK;
}

/* Checks every element; the bytes of all literals together. */
static ts_err measure(struct est_reader *r, const struct json *pattern,
                      size_t *ret)
{
    const struct json *literal;
    size_t bytes = 0;
    ts_err e;

    for (const struct json *m = pattern->first; m != NULL; m = m->next) {
        if ((e = element(r, m, &literal)) != TS_OK)
            return e;
        if (literal != NULL && ts_ckd_add(&bytes, bytes, literal->str.len))
            return TS_E_LIMIT;
    }
    *ret = bytes;
    return TS_OK;
}

static ts_err add_run(struct est_reader *r, struct ast_expr *x, const char *buf,
                      size_t from, size_t to, const struct json *at)
{
    struct ast_expr *run;
    ts_err e = est_node(r, AST_RUN, at, &run);

    if (e != TS_OK)
        return e;
    run->str = (struct ts_str){.ptr = buf + from, .len = to - from};
    return est_adopt(r, x, run, at);
}

/* The text between wildcards, one run more than there are of them. */
static ts_err add_runs(struct est_reader *r, struct ast_expr *x,
                       const struct json *pattern)
{
    const struct json *literal;
    size_t bytes, n = 0, from = 0;
    char *buf;
    void *mem;
    ts_err e;

    if ((e = measure(r, pattern, &bytes)) != TS_OK ||
        (e = ts_arena_alloc(r->arena, bytes + 1, &mem)) != TS_OK)
        return e;
    buf = mem;
    for (const struct json *m = pattern->first; m != NULL; m = m->next) {
        if ((e = element(r, m, &literal)) != TS_OK)
            return e;
        if (literal != NULL) {
            memcpy(buf + n, literal->str.ptr, literal->str.len);
            n += literal->str.len;
            continue;
        }
        if ((e = add_run(r, x, buf, from, n, m)) != TS_OK)
            return e;
        from = n;
    }
    return add_run(r, x, buf, from, n, pattern);
}

ts_err est_like(struct est_reader *r, const struct est_op *op,
                const struct json *v, struct ast_expr **ret)
{
    static const struct est_shape shape = {
        .what = "`like`",
        .count = 2,
        .keys = {CEDAR_LIT("left"), CEDAR_LIT("pattern")}};
    const struct json *m[2];
    struct ast_expr *x, *base;
    ts_err e;

    if ((e = est_members(r, v->first, &shape, m)) != TS_OK)
        return e;
    if (m[1]->kind != JSON_ARRAY)
        return est_fail(r, m[1],
                        "for example [{\"Literal\": \"a\"}, "
                        "\"Wildcard\"]",
                        "a pattern is an array, not %s",
                        cedar_json_kind_name(m[1]->kind));
    if ((e = est_node(r, op->op, v, &x)) != TS_OK ||
        (e = est_expr(r, m[0], &base)) != TS_OK ||
        (e = est_adopt(r, x, base, m[0])) != TS_OK ||
        (e = add_runs(r, x, m[1])) != TS_OK)
        return e;
    *ret = x;
    return TS_OK;
}
