/* The scope: '(' P ',' A ',' R ','? ')'. */
#include <stdio.h>

#include "policy/core/diag.h"
#include "policy/core/lit.h"
#include "policy/core/name.h"
#include "policy/syntax/node.h"
#include "policy/syntax/parse_priv.h"

/* A slot stands on its own side only: ?principal for the principal. */
static ts_err parse_slot(struct parser *p, struct ast_scope *s,
                         struct ts_str side)
{
    static const struct ts_str slots[] = {CEDAR_LIT("?principal"),
                                          CEDAR_LIT("?resource")};
    struct ts_str text = p->tok.text;
    char hint[48];

    (void)snprintf(hint, sizeof(hint), "write `?%s` here", side.ptr);
    if (!ts_str_eq(text, slots[0]) && !ts_str_eq(text, slots[1]))
        return cedar_parse_fail(p, p->tok.span, "no such slot", hint,
                                "`%s` is not a slot: there are `?principal` "
                                "and `?resource`",
                                cedar_quote(text).s);
    text.ptr++;
    text.len--;
    if (!ts_str_eq(text, side))
        return cedar_parse_fail(p, p->tok.span, "the other side's slot", hint,
                                "`?%.*s` cannot stand in the scope of `%s`",
                                (int)text.len, text.ptr, side.ptr);
    s->slot = true;
    return cedar_parse_advance(p);
}

static ts_err parse_ref(struct parser *p, struct ast_scope *s,
                        struct ts_str side)
{
    ts_err e;

    if (p->tok.kind == LEX_SLOT)
        return parse_slot(p, s, side);
    if (cedar_parse_at(p, '['))
        return cedar_parse_fail(p, p->tok.span, "a set cannot stand here",
                                "only `action in` takes a set; write one "
                                "policy for each, or a group",
                                "expected single entity uid or template slot, "
                                "found set of entity uids");
    e = cedar_parse_uid(p, &s->uids);
    if (e == TS_OK)
        s->uid_count = 1;
    return e;
}

/* [ '==' Ref | 'in' Ref | 'is' Path [ 'in' Ref ] ] */
static ts_err parse_entity_scope(struct parser *p, struct ast_scope *s,
                                 struct ts_str side)
{
    bool ref;
    ts_err e;

    if (p->tok.kind == LEX_EQ) {
        s->op = AST_SCOPE_EQ;
        if ((e = cedar_parse_advance(p)) != TS_OK)
            return e;
        return parse_ref(p, s, side);
    }
    if (cedar_parse_at_word(p, TS_STR_LIT("in"))) {
        s->op = AST_SCOPE_IN;
        if ((e = cedar_parse_advance(p)) != TS_OK)
            return e;
        return parse_ref(p, s, side);
    }
    if (!cedar_parse_at_word(p, TS_STR_LIT("is")))
        return TS_OK;
    s->op = AST_SCOPE_IS;
    if ((e = cedar_parse_advance(p)) != TS_OK)
        return e;
    if (p->tok.kind == LEX_STRING)
        return cedar_parse_refuse_type(p);
    if ((e = cedar_parse_name(p, false, &s->type, &ref)) != TS_OK)
        return e;
    if (!cedar_parse_at_word(p, TS_STR_LIT("in")))
        return TS_OK;
    if ((e = cedar_parse_advance(p)) != TS_OK)
        return e;
    return parse_ref(p, s, side);
}

static ts_err parse_action_uid(struct parser *p, struct ast_scope *s,
                               struct ast_expr **tail)
{
    struct ast_expr *uid;
    ts_err e;

    if (p->tok.kind == LEX_SLOT)
        return cedar_parse_fail(p, p->tok.span, "no slot can stand here",
                                "name the action: Action::\"name\"",
                                "`%s` cannot stand in the scope of `action`, "
                                "which takes no slot",
                                cedar_quote(p->tok.text).s);
    if ((e = cedar_parse_uid(p, &uid)) != TS_OK)
        return e;
    if (!ts_str_eq(cedar_name_base(uid->str), TS_STR_LIT("Action")))
        return cedar_parse_fail(
            p, uid->span, "not an action",
            "actions are written Action::\"name\" or App::Action::\"name\"",
            "expected an entity uid with type `Action` but got `%s::\"%s\"`",
            cedar_quote(uid->str).s, cedar_quote(uid->id).s);
    ast_scope_append(s, tail, uid);
    return TS_OK;
}

/* '[' (UID (',' UID)* ','?)? ']' */
static ts_err parse_action_list(struct parser *p, struct ast_scope *s)
{
    struct cedar_span open = p->tok.span;
    struct ast_expr *tail = NULL;
    bool took = true;
    ts_err e = cedar_parse_advance(p);

    s->list = true;
    while (e == TS_OK && !cedar_parse_at(p, ']')) {
        if ((e = parse_action_uid(p, s, &tail)) != TS_OK ||
            (e = cedar_parse_take(p, ',', &took)) != TS_OK || !took)
            break;
    }
    if (e != TS_OK)
        return e;
    return cedar_parse_expect_close(p, ']', &open, took ? NULL : "`,` or ");
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
        return cedar_parse_fail(p, p->tok.span, "actions have one type",
                                "use `action in [...]`, or leave it out",
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
    struct parse_hint h;
    const char *hint =
        "a scope names principal, action and resource, in this order";
    char what[48];

    if (cedar_parse_at_word(p, name))
        return cedar_parse_advance(p);
    if (p->tok.kind == LEX_IDENT)
        hint = cedar_parse_suggest(&h, p->tok.text, &name, 1, hint);
    (void)snprintf(what, sizeof(what), "`%s` in the scope", name.ptr);
    return cedar_parse_unexpected(p, what, hint);
}

/* Where a constraint of the scope has to end. */
static ts_err refuse_in_scope(struct parser *p, const char *what, bool done)
{
    static const struct ts_str words[] = {CEDAR_LIT("in"), CEDAR_LIT("is")};
    struct parse_hint h;
    const char *hint = NULL;

    if (cedar_parse_at(p, '='))
        return cedar_parse_refuse_equals(p);
    if (cedar_parse_at(p, ':'))
        return cedar_parse_fail(p, p->tok.span, "a type cannot stand here",
                                "write `is Type`",
                                "type annotations are not supported");
    if (p->tok.kind == LEX_NE || p->tok.kind == LEX_AND ||
        p->tok.kind == LEX_OR || p->tok.kind == LEX_LE ||
        p->tok.kind == LEX_GE || cedar_parse_at(p, '.') ||
        cedar_parse_at(p, '<') || cedar_parse_at(p, '>') ||
        cedar_parse_at_word(p, TS_STR_LIT("has")) ||
        cedar_parse_at_word(p, TS_STR_LIT("like")))
        hint = "a scope takes ==, in and is; other tests go into `when { }`";
    else if (p->tok.kind == LEX_EQ && done)
        hint = "one test for each variable; more go into `when { }`";
    else if (cedar_parse_at(p, ')'))
        hint = "a scope names principal, action and resource, in this order";
    else if (p->tok.kind == LEX_IDENT && cedar_parse_before(p, "::"))
        hint = "write `==` before the entity";
    else if (cedar_parse_at_word(p, TS_STR_LIT("principal")) ||
             cedar_parse_at_word(p, TS_STR_LIT("action")) ||
             cedar_parse_at_word(p, TS_STR_LIT("resource")))
        hint = "a comma is missing before it";
    else if (p->tok.kind == LEX_IDENT && !done)
        hint = cedar_parse_suggest(&h, p->tok.text, words, 2, NULL);
    return cedar_parse_unexpected(p, what, hint);
}

static ts_err expect_comma(struct parser *p, const struct ast_scope *s)
{
    if (cedar_parse_at(p, ','))
        return cedar_parse_advance(p);
    return refuse_in_scope(p, "`,` in the scope", s->op != AST_ANY);
}

/* The variable `side` and its constraint. */
static ts_err parse_side(struct parser *p, struct ts_str side,
                         struct ast_scope *s)
{
    bool action = side.ptr[0] == 'a';
    ts_err e;

    s->span = p->tok.span;
    if ((e = expect_var(p, side)) != TS_OK ||
        (e = action ? parse_action_scope(p, s)
                    : parse_entity_scope(p, s, side)) != TS_OK)
        return e;
    cedar_parse_close(p, &s->span);
    return TS_OK;
}

ts_err cedar_parse_scopes(struct parser *p, struct ast_policy *policy)
{
    struct cedar_span open = p->tok.span;
    bool took;
    ts_err e;

    if (!cedar_parse_at(p, '('))
        return cedar_parse_unexpected(
            p, "`(` before the scope",
            "write it out: (principal, action, resource)");
    if ((e = cedar_parse_advance(p)) != TS_OK ||
        (e = parse_side(p, TS_STR_LIT("principal"), &policy->principal)) !=
            TS_OK ||
        (e = expect_comma(p, &policy->principal)) != TS_OK ||
        (e = parse_side(p, TS_STR_LIT("action"), &policy->action)) != TS_OK ||
        (e = expect_comma(p, &policy->action)) != TS_OK ||
        (e = parse_side(p, TS_STR_LIT("resource"), &policy->resource)) !=
            TS_OK ||
        (e = cedar_parse_take(p, ',', &took)) != TS_OK)
        return e;
    if (cedar_parse_at(p, ')'))
        return cedar_parse_advance(p);
    if (took)
        return cedar_parse_unexpected(p, "`)` after the scope",
                                      "a scope has three parts; other tests go "
                                      "into `when { }`");
    if (p->tok.kind == LEX_END)
        return cedar_parse_expect_close(p, ')', &open, NULL);
    return refuse_in_scope(p, "`)` after the scope",
                           policy->resource.op != AST_ANY);
}
