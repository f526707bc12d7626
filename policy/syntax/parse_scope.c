/* The scope: '(' P ',' A ',' R ','? ')'. */
#include <stdio.h>

#include "policy/core/diag.h"
#include "policy/core/name.h"
#include "policy/syntax/parse_priv.h"

/* A template's slot. This engine loads static policies; a text with slots must
 * not pass for one. */
static ts_err refuse_slot(struct parser *p)
{
    return cedar_parse_fail(p, p->tok.span,
                            "name the entity itself: Type::\"id\"",
                            "`%s` is a template slot; templates are not "
                            "supported, only static policies",
                            cedar_quote(p->tok.text).s);
}

static ts_err parse_ref(struct parser *p, struct ast_scope *s)
{
    ts_err e;

    if (p->tok.kind == LEX_SLOT)
        return refuse_slot(p);
    if (cedar_parse_at(p, '['))
        return cedar_parse_fail(p, p->tok.span, "only `action in` takes a set",
                                "expected single entity uid or template slot, "
                                "found set of entity uids");
    e = cedar_parse_uid(p, &s->uids);
    if (e == TS_OK)
        s->uid_count = 1;
    return e;
}

/* [ '==' Ref | 'in' Ref | 'is' Path [ 'in' Ref ] ] */
static ts_err parse_entity_scope(struct parser *p, struct ast_scope *s)
{
    bool ref;
    ts_err e;

    if (p->tok.kind == LEX_EQ) {
        s->op = AST_SCOPE_EQ;
        if ((e = cedar_parse_advance(p)) != TS_OK)
            return e;
        return parse_ref(p, s);
    }
    if (cedar_parse_at_word(p, TS_STR_LIT("in"))) {
        s->op = AST_SCOPE_IN;
        if ((e = cedar_parse_advance(p)) != TS_OK)
            return e;
        return parse_ref(p, s);
    }
    if (!cedar_parse_at_word(p, TS_STR_LIT("is")))
        return TS_OK;
    s->op = AST_SCOPE_IS;
    if ((e = cedar_parse_advance(p)) != TS_OK ||
        (e = cedar_parse_name(p, false, &s->type, &ref)) != TS_OK)
        return e;
    if (!cedar_parse_at_word(p, TS_STR_LIT("in")))
        return TS_OK;
    if ((e = cedar_parse_advance(p)) != TS_OK)
        return e;
    return parse_ref(p, s);
}

static ts_err parse_action_uid(struct parser *p, struct ast_scope *s,
                               struct ast_expr **tail)
{
    struct ast_expr *uid;
    ts_err e;

    if (p->tok.kind == LEX_SLOT)
        return refuse_slot(p);
    if ((e = cedar_parse_uid(p, &uid)) != TS_OK)
        return e;
    if (!ts_str_eq(cedar_name_base(uid->str), TS_STR_LIT("Action")))
        return cedar_parse_fail(
            p, uid->span, "actions are written Action::\"name\"",
            "expected an entity uid with type `Action` but got `%s::\"%s\"`",
            cedar_quote(uid->str).s, cedar_quote(uid->id).s);
    if (*tail != NULL)
        (*tail)->next = uid;
    else
        s->uids = uid;
    *tail = uid;
    s->uid_count++;
    return TS_OK;
}

/* '[' (UID (',' UID)* ','?)? ']' */
static ts_err parse_action_list(struct parser *p, struct ast_scope *s)
{
    struct ast_expr *tail = NULL;
    bool took;
    ts_err e = cedar_parse_advance(p);

    while (e == TS_OK && !cedar_parse_at(p, ']')) {
        if ((e = parse_action_uid(p, s, &tail)) != TS_OK ||
            (e = cedar_parse_take(p, ',', &took)) != TS_OK || !took)
            break;
    }
    if (e != TS_OK)
        return e;
    return cedar_parse_expect(p, ']', "after the actions");
}

/* [ '==' UID | 'in' UID | 'in' '[' ... ']' ] */
static ts_err parse_action_scope(struct parser *p, struct ast_scope *s)
{
    struct ast_expr *tail = NULL;
    ts_err e;

    if (p->tok.kind == LEX_EQ)
        s->op = AST_SCOPE_EQ;
    else if (cedar_parse_at_word(p, TS_STR_LIT("in")))
        s->op = AST_SCOPE_IN;
    else if (cedar_parse_at_word(p, TS_STR_LIT("is")))
        return cedar_parse_fail(p, p->tok.span, "use `action in [...]`",
                                "`is` cannot appear in the action scope");
    else
        return TS_OK;
    if ((e = cedar_parse_advance(p)) != TS_OK)
        return e;
    if (s->op == AST_SCOPE_IN && cedar_parse_at(p, '['))
        return parse_action_list(p, s);
    return parse_action_uid(p, s, &tail);
}

static ts_err expect_var(struct parser *p, struct ts_str name)
{
    char what[48];

    if (cedar_parse_at_word(p, name))
        return cedar_parse_advance(p);
    (void)snprintf(what, sizeof(what), "`%s` in the scope", name.ptr);
    return cedar_parse_unexpected(p, what);
}

/* What follows a scope's variable, with help for the usual slips. */
static ts_err expect_comma(struct parser *p)
{
    if (cedar_parse_at(p, '='))
        return cedar_parse_fail(p, p->tok.span, "use == to compare",
                                "`=` is not an operator in Cedar");
    if (cedar_parse_at(p, ':'))
        return cedar_parse_fail(p, p->tok.span, "write `is Type`",
                                "type annotations are not supported");
    return cedar_parse_expect(p, ',', "in the scope");
}

ts_err cedar_parse_scopes(struct parser *p, struct ast_policy *policy)
{
    bool took;
    ts_err e;

    if ((e = cedar_parse_expect(p, '(', "before the scope")) != TS_OK ||
        (e = expect_var(p, TS_STR_LIT("principal"))) != TS_OK ||
        (e = parse_entity_scope(p, &policy->principal)) != TS_OK ||
        (e = expect_comma(p)) != TS_OK ||
        (e = expect_var(p, TS_STR_LIT("action"))) != TS_OK ||
        (e = parse_action_scope(p, &policy->action)) != TS_OK ||
        (e = expect_comma(p)) != TS_OK ||
        (e = expect_var(p, TS_STR_LIT("resource"))) != TS_OK ||
        (e = parse_entity_scope(p, &policy->resource)) != TS_OK ||
        (e = cedar_parse_take(p, ',', &took)) != TS_OK)
        return e;
    if (!took && !cedar_parse_at(p, ')'))
        return expect_comma(p);
    return cedar_parse_expect(p, ')', "after the scope");
}
