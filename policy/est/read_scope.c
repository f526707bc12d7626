/* Scopes: {"op": "All" | "==" | "in" | "is", ...}. */
#include "policy/core/diag.h"
#include "policy/core/lit.h"
#include "policy/core/name.h"
#include "policy/est/read.h"
#include "policy/syntax/node.h"

enum side { /* which scope is being read */
    PRINCIPAL,
    ACTION,
    RESOURCE
};

static const struct ts_str sides[] = {
    CEDAR_LIT("principal"), CEDAR_LIT("action"), CEDAR_LIT("resource")};

static ts_err one_uid(struct est_reader *r, const struct json *v,
                      enum side side, struct ast_scope *s,
                      struct ast_expr **tail)
{
    struct ast_expr *uid;
    ts_err e = est_uid(r, v, &uid);

    if (e != TS_OK)
        return e;
    if (side == ACTION &&
        !ts_str_eq(cedar_name_base(uid->str), TS_STR_LIT("Action")))
        return est_fail(
            r, v, "actions are written Action::\"name\"",
            "expected an entity uid with type `Action` but got `%s::\"%s\"`",
            cedar_quote(uid->str).s, cedar_quote(uid->id).s);
    ast_scope_append(s, tail, uid);
    return TS_OK;
}

static ts_err slot(struct est_reader *r, const struct json *v, enum side side,
                   struct ast_scope *s)
{
    static const struct ts_str slots[] = {
        CEDAR_LIT("?principal"), {0}, CEDAR_LIT("?resource")};

    if (side == ACTION)
        return est_fail(r, v, "name the action",
                        "slots are not allowed for actions");
    if (v->kind != JSON_STRING || !ts_str_eq(v->str, slots[side]))
        return est_fail(r, v, NULL, "only the slot `%s` can stand here",
                        slots[side].ptr);
    s->slot = true;
    return TS_OK;
}

/* What follows `==` or `in`: "entity", "slot" or, for `action in`, "entities";
 * with several, the first of this order counts. v also has "op". */
static ts_err target(struct est_reader *r, const struct json *v, enum side side,
                     struct ast_scope *s)
{
    static const struct est_shape shape = {
        .what = "a scope",
        .count = 4,
        .optional = 0xF,
        .lenient = true,
        .keys = {CEDAR_LIT("op"), CEDAR_LIT("entity"), CEDAR_LIT("slot"),
                 CEDAR_LIT("entities")}};
    bool many = side == ACTION && s->op == AST_SCOPE_IN;
    const struct json *m[4];
    struct ast_expr *tail = NULL;
    ts_err e = est_members(r, v, &shape, m);

    if (e != TS_OK)
        return e;
    if (m[1] != NULL)
        return one_uid(r, m[1], side, s, &tail);
    if (many && m[3] != NULL && m[3]->kind == JSON_ARRAY) {
        s->list = true;
        for (const struct json *u = m[3]->first; e == TS_OK && u != NULL;
             u = u->next)
            e = one_uid(r, u, side, s, &tail);
        return e;
    }
    if (m[2] != NULL)
        return slot(r, m[2], side, s);
    return est_fail(r, v, NULL, "this scope needs \"entity\"%s",
                    many ? " or the array \"entities\""
                         : (side == ACTION ? "" : " or \"slot\""));
}

static ts_err scope_is(struct est_reader *r, const struct json *v,
                       enum side side, struct ast_scope *s)
{
    static const struct est_shape shape = {
        .what = "an `is` scope",
        .count = 3,
        .optional = 4,
        .keys = {CEDAR_LIT("op"), CEDAR_LIT("entity_type"), CEDAR_LIT("in")}};
    const struct json *m[3];
    ts_err e;

    if (side == ACTION)
        return est_fail(r, v, "use `in` with \"entities\"",
                        "`is` cannot appear in the action scope");
    if ((e = est_members(r, v, &shape, m)) != TS_OK ||
        (e = est_type(r, m[1], &s->type)) != TS_OK)
        return e;
    if (m[2] == NULL || m[2]->kind == JSON_NULL)
        return TS_OK;
    if (m[2]->kind != JSON_OBJECT)
        return est_fail(r, m[2], NULL, "`in` must be an object, not %s",
                        cedar_json_kind_name(m[2]->kind));
    return target(r, m[2], side, s);
}

/* "All" stands for no constraint whatever else the object says; the official
 * engine does not look. A person who wrote more meant more, hence the warning.
 */
static ts_err scope_all(struct est_reader *r, const struct json *v)
{
    static const struct est_shape shape = {.what = "an `All` scope",
                                           .count = 1,
                                           .lenient = true,
                                           .keys = {CEDAR_LIT("op")}};
    const struct json *m[1];

    return est_members(r, v, &shape, m);
}

static ts_err read_scope(struct est_reader *r, const struct json *v,
                         enum side side, struct ast_scope *ret)
{
    static const struct {
        struct ts_str name;
        enum ast_scope_op op;
    } rows[] = {{CEDAR_LIT("All"), AST_ANY},
                {CEDAR_LIT("all"), AST_ANY},
                {CEDAR_LIT("=="), AST_SCOPE_EQ},
                {CEDAR_LIT("in"), AST_SCOPE_IN},
                {CEDAR_LIT("is"), AST_SCOPE_IS}};
    const struct json *op = cedar_json_get(v, TS_STR_LIT("op"));
    struct ast_scope s = {.span = v->span};
    size_t i = 0;
    ts_err e;

    if (v->kind != JSON_OBJECT)
        return est_fail(r, v, "for example {\"op\": \"All\"}",
                        "the scope of `%s` must be an object, not %s",
                        sides[side].ptr, cedar_json_kind_name(v->kind));
    if (op == NULL || op->kind != JSON_STRING)
        return est_fail(r, v, "for example {\"op\": \"All\"}",
                        "the scope of `%s` needs a string \"op\"",
                        sides[side].ptr);
    while (i < sizeof(rows) / sizeof(rows[0]) &&
           !ts_str_eq(rows[i].name, op->str))
        i++;
    if (i == sizeof(rows) / sizeof(rows[0]))
        return est_fail(r, op, "one of All, ==, in, is",
                        "`%s` is not an operator of a scope",
                        cedar_quote(op->str).s);
    s.op = rows[i].op;
    if (s.op == AST_ANY)
        e = scope_all(r, v);
    else if (s.op == AST_SCOPE_IS)
        e = scope_is(r, v, side, &s);
    else
        e = target(r, v, side, &s);
    if (e == TS_OK)
        *ret = s;
    return e;
}

ts_err est_scopes(struct est_reader *r, const struct json *principal,
                  const struct json *action, const struct json *resource,
                  struct ast_policy *ret)
{
    ts_err e[3] = {read_scope(r, principal, PRINCIPAL, &ret->principal),
                   read_scope(r, action, ACTION, &ret->action),
                   read_scope(r, resource, RESOURCE, &ret->resource)};

    /* all mistakes are reported; what is not one ends the reading */
    for (size_t i = 0; i < 3; i++)
        if (e[i] != TS_OK && e[i] != TS_E_FORMAT)
            return e[i];
    return e[0] != TS_OK ? e[0] : (e[1] != TS_OK ? e[1] : e[2]);
}
