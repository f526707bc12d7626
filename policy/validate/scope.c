/* Names that the schema must know, the scope as expressions, and whether any
 * action takes what the scope describes. */
#include <stdio.h>
#include <string.h>

#include "policy/core/diag.h"
#include "policy/core/name.h"
#include "policy/validate/validate_priv.h"

static bool is_action_type(struct ts_str type)
{
    return ts_str_eq_c(cedar_name_base(type), "Action");
}

static const struct schema_entity *declared(const struct validate *v,
                                            struct ts_str type)
{
    const struct schema_entity *e = cedar_schema_entity(v->schema, type);

    return e != NULL && !e->is_action ? e : NULL;
}

/* Nearest declared entity type. */
static struct v_text nearest_type(struct validate *v, struct ts_str type)
{
    uint32_t n = v->schema->entity_count, used = 0;
    struct ts_str *names = v_keep(v, n, sizeof(*names));

    for (uint32_t i = 0; names != NULL && i < n; i++)
        if (!v->schema->entities[i].is_action)
            names[used++] = v->schema->entities[i].name;
    return v_did_you_mean(v, type, names, names != NULL ? used : 0);
}

void v_check_type(struct validate *v, struct vnode *n, struct ts_str type)
{
    struct v_text hint;
    struct v_saying say = {.code = "unknown_entity_type",
                           .label = "not declared in the schema"};

    n->entity = declared(v, type);
    if (n->entity != NULL || is_action_type(type) || v_known(v, n, say.code) ||
        !v_spend(v, v->schema->entity_count))
        return;
    hint = nearest_type(v, type);
    say.hint = hint.s[0] != '\0' ? hint.s : "declare it with `entity`";
    v_find(v, n, &say, "there is no entity type `%s`", cedar_quote(type).s);
}

/* Nearest id of a declared action of the same type, or the same id under
 * another type. */
static struct v_text nearest_action(struct validate *v,
                                    const struct cedar_uid *uid)
{
    const struct cedar_schema *s = v->schema;
    struct ts_str *ids = v_keep(v, s->action_count, sizeof(*ids));
    uint32_t used = 0;
    struct v_text out = {""};

    for (uint32_t i = 0; ids != NULL && i < s->action_count; i++) {
        const struct cedar_uid *a = s->actions[i].uid;

        if (ts_str_eq(a->id, uid->id)) {
            (void)snprintf(out.s, sizeof(out.s), "did you mean `%.90s`?",
                           v_uid_text(a->type, a->id).s);
            return out;
        }
        if (ts_str_eq(a->type, uid->type))
            ids[used++] = a->id;
    }
    return v_did_you_mean(v, uid->id, ids, ids != NULL ? used : 0);
}

static void check_action(struct validate *v, struct vnode *n)
{
    struct cedar_uid uid = cedar_uid_make(n->str, n->id);
    struct v_saying say = {.code = "unknown_action",
                           .label = "not declared in the schema"};
    struct v_text hint;

    n->action = cedar_schema_action(v->schema, &uid);
    if (n->action != NULL) {
        n->entity = n->action->type;
        return;
    }
    if (!v_spend(v, v->schema->action_count))
        return;
    hint = nearest_action(v, &uid);
    say.hint = hint.s[0] != '\0' ? hint.s : "declare it with `action`";
    v_find(v, n, &say, "there is no action `%s`", v_uid_text(n->str, n->id).s);
}

static void check_choice(struct validate *v, struct vnode *n)
{
    const struct schema_entity *e = n->entity;
    struct v_saying say = {.code = "invalid_enum_id",
                           .label = "not one of its values"};
    struct v_text near;
    char list[128];
    size_t at = 0;

    if (e == NULL || cedar_schema_id_ok(e, n->id))
        return;
    near = v_did_you_mean(v, n->id, e->choices, e->choice_count);
    for (uint32_t i = 0; i < e->choice_count && at < sizeof(list); i++)
        at += (size_t)snprintf(list + at, sizeof(list) - at, "%s\"%s\"",
                               i == 0 ? "it has " : ", ",
                               cedar_quote(e->choices[i]).s);
    if (at >= sizeof(list))
        (void)snprintf(list + sizeof(list) - 5, 5, " ...");
    say.hint = near.s[0] != '\0' ? near.s : list;
    v_find(v, n, &say, "the enumeration `%s` has no value `%s`",
           cedar_quote(n->str).s, cedar_quote(n->id).s);
}

struct vnode *v_uid(struct validate *v, const struct ast_expr *x)
{
    struct vnode *n = v_node(v, V_UID, x->span, 0);

    if (n == NULL)
        return NULL;
    n->str = x->str;
    n->id = x->id;
    if (is_action_type(x->str)) {
        check_action(v, n);
        if (v->level != CEDAR_ANY_LEVEL) /* levels look at which action it is */
            v->uses |= USES_ACTION;
    } else {
        v_check_type(v, n, x->str);
        check_choice(v, n);
    }
    return v_done(v, n);
}

/* ---- the scope as expressions ---------------------------------------------
 */

static struct vnode *pair(struct validate *v, enum vop op,
                          struct cedar_span span, struct vnode *a,
                          struct vnode *b)
{
    struct vnode *n = v_node(v, op, span, b != NULL ? 2 : 1);

    if (n == NULL || a == NULL)
        return NULL;
    n->kids[0] = a;
    if (b != NULL)
        n->kids[1] = b;
    return n;
}

/* What stands at the right of == or in. */
static struct vnode *operand(struct validate *v, const struct ast_scope *s,
                             enum ast_var var)
{
    struct vnode *n;

    if (!s->slot)
        return v_uid(v, s->uids);
    n = v_node(v, V_SLOT, s->span, 0);
    if (n == NULL)
        return NULL;
    n->sub = (uint8_t)var;
    return v_done(v, n);
}

static struct vnode *scope_is(struct validate *v, const struct ast_scope *s,
                              enum ast_var var)
{
    struct vnode *is = pair(v, V_IS, s->span, v_var(v, var, s->span), NULL);
    struct vnode *in, *both;

    if (is == NULL)
        return NULL;
    is->str = s->type;
    v_check_type(v, is, s->type);
    if (v_done(v, is) == NULL || (s->uids == NULL && !s->slot))
        return v->err == TS_OK ? is : NULL;
    in = pair(v, V_IN, s->span, v_var(v, var, s->span), operand(v, s, var));
    if (in == NULL || in->count < 2 || v_done(v, in) == NULL)
        return NULL;
    both = pair(v, V_AND, s->span, is, in);
    return both != NULL ? v_done(v, both) : NULL;
}

static struct vnode *scope_set(struct validate *v, const struct ast_scope *s)
{
    struct vnode *set = v_node(v, V_SET, s->span, s->uid_count), *in;
    const struct ast_expr *x = s->uids;

    for (uint32_t i = 0; set != NULL && i < s->uid_count; i++, x = x->next)
        if ((set->kids[i] = v_uid(v, x)) == NULL)
            return NULL;
    if (set == NULL || v_done(v, set) == NULL)
        return NULL;
    in = pair(v, V_IN, s->span, v_var(v, AST_ACTION, s->span), set);
    return in != NULL ? v_done(v, in) : NULL;
}

/* NULL for an unconstrained variable, and when v->err says so. */
static struct vnode *lower_scope(struct validate *v, const struct ast_scope *s,
                                 enum ast_var var)
{
    struct vnode *n, *right;

    if (s->op == AST_ANY)
        return NULL;
    if (s->op == AST_SCOPE_IS)
        return scope_is(v, s, var);
    if (var == AST_ACTION && s->op == AST_SCOPE_IN)
        return scope_set(v, s);
    if ((right = operand(v, s, var)) == NULL)
        return NULL;
    n = pair(v, s->op == AST_SCOPE_EQ ? V_EQ : V_IN, s->span,
             v_var(v, var, s->span), right);
    return n != NULL ? v_done(v, n) : NULL;
}

static struct vnode *lower_cond(struct validate *v, const struct ast_cond *c)
{
    struct vnode *x = v_lower(v, c->expr), *n;

    if (x == NULL || !c->unless)
        return x;
    n = pair(v, V_NOT, x->span, x, NULL);
    return n != NULL ? v_done(v, n) : NULL;
}

void v_lower_policy(struct validate *v)
{
    const struct ast_policy *p = v->policy;
    const struct ast_cond *c = p->conds;

    v->scope[0] = lower_scope(v, &p->principal, AST_PRINCIPAL);
    v->scope[1] = lower_scope(v, &p->action, AST_ACTION);
    v->scope[2] = lower_scope(v, &p->resource, AST_RESOURCE);
    v->uses = 0;
    if (v->err == TS_OK)
        v_check_application(v, NULL, NULL);
    v->conds = v_keep(v, p->cond_count, sizeof(struct vnode *));
    for (; c != NULL && v->err == TS_OK; c = c->next)
        v->conds[v->cond_count++] = lower_cond(v, c);
    if (v->err != TS_OK)
        return;
    v->prior = v_keep(v, v->shapes.count, sizeof(*v->prior));
    v->mark = v_keep(v, v->shapes.count, sizeof(*v->mark));
}

/* ---- is there an action for it --------------------------------------------
 */

static bool scope_fits(struct validate *v, const struct ast_scope *s,
                       const struct ast_expr *filled,
                       const struct schema_entity *type)
{
    const struct ast_expr *uid = s->slot ? filled : s->uids;
    const struct schema_entity *above;

    (void)v_spend(v, 1);
    if (s->op == AST_ANY)
        return !type->is_action;
    if (s->op == AST_SCOPE_IS && !ts_str_eq(s->type, type->name))
        return false;
    if (uid == NULL) /* an open slot, or `is` alone */
        return !type->is_action;
    if (s->op == AST_SCOPE_EQ || ts_str_eq(uid->str, type->name))
        return ts_str_eq(uid->str, type->name);
    above = declared(v, uid->str);
    return above != NULL && cedar_schema_may_be_in(type, above);
}

/* Actions that the scope lets through, a flag for each; NULL: stop. */
static bool *scope_actions(struct validate *v)
{
    const struct ast_scope *s = &v->policy->action;
    const struct cedar_schema *schema = v->schema;
    bool *fits = v_keep(v, schema->action_count, sizeof(*fits));
    const struct ast_expr *x = s->uids;

    if (fits == NULL)
        return NULL;
    for (uint32_t i = 0; s->op == AST_ANY && i < schema->action_count; i++)
        fits[i] = true;
    for (uint32_t i = 0; i < s->uid_count && s->op != AST_ANY;
         i++, x = x->next) {
        struct cedar_uid uid = cedar_uid_make(x->str, x->id);
        const struct schema_action *a = cedar_schema_action(schema, &uid);

        if (a == NULL) /* an unknown one spoils the list, as in Cedar */
            return v_keep(v, schema->action_count, sizeof(*fits));
        fits[a->index] = true;
        for (uint32_t d = 0;
             s->op == AST_SCOPE_IN && d < a->descendant_count && v_spend(v, 1);
             d++)
            fits[a->descendants[d]] = true;
    }
    return v->err == TS_OK ? fits : NULL;
}

static bool any_fits(struct validate *v, const struct ast_scope *s,
                     const struct ast_expr *filled, const uint32_t *types,
                     uint32_t count)
{
    for (uint32_t i = 0; i < count && v->err == TS_OK; i++)
        if (scope_fits(v, s, filled, &v->schema->entities[types[i]]))
            return true;
    return false;
}

/* Would `in` do where `==` stands? The type is a group of one that is taken. */
static bool in_would_do(struct validate *v, const struct ast_scope *s,
                        const struct schema_action *a, bool principal)
{
    const uint32_t *types = principal ? a->principals : a->resources;
    uint32_t n = principal ? a->principal_count : a->resource_count;
    const struct schema_entity *above;

    if (s->op != AST_SCOPE_EQ || s->slot ||
        (above = declared(v, s->uids->str)) == NULL)
        return false;
    for (uint32_t i = 0; i < n; i++) {
        const struct schema_entity *e = &v->schema->entities[types[i]];

        if (e != above && cedar_schema_may_be_in(e, above))
            return true;
    }
    return false;
}

/* The names of some types, `A`, `B`, ...; the whole fits in cap. */
static size_t name_some(const struct validate *v, const uint32_t *types,
                        uint32_t count, char *out, size_t cap)
{
    size_t at = 0;

    for (uint32_t i = 0; i < count; i++) {
        struct cedar_quoted q = cedar_quote(v->schema->entities[types[i]].name);
        size_t need = strlen(q.s) + 5;

        if (at + need + 4 > cap) {
            (void)snprintf(out + at, cap - at, "...");
            return strlen(out);
        }
        at += (size_t)snprintf(out + at, cap - at, "`%s`%s", q.s,
                               i + 1 < count ? ", " : "");
    }
    return at;
}

/* What the first action that the scope names would take. */
static void takes_hint(const struct validate *v, const struct schema_action *a,
                       char *out, size_t cap)
{
    char ps[56] = "nothing", rs[56] = "nothing";

    (void)name_some(v, a->principals, a->principal_count, ps, sizeof(ps));
    (void)name_some(v, a->resources, a->resource_count, rs, sizeof(rs));
    (void)snprintf(out, cap, "%.40s takes %s on %s",
                   v_uid_text(a->uid->type, a->uid->id).s, ps, rs);
}

/* The three constraints of a policy, as one piece of its text. */
static struct cedar_span scope_span(const struct ast_policy *p)
{
    struct cedar_span s = p->principal.span;
    uint32_t end = p->resource.span.offset + p->resource.span.len;

    if (s.source == p->resource.span.source && end > s.offset)
        s.len = end - s.offset;
    return s;
}

static void no_action(struct validate *v, const bool *fits)
{
    const struct ast_policy *p = v->policy;
    struct v_saying say = {.code = "no_applicable_action",
                           .label = "no action takes these together"};
    struct vnode *n = v_node(v, V_BOOL, scope_span(p), 0);
    const struct schema_action *first = NULL;
    bool principal = false, resource = false;
    char hint[CEDAR_HINT_BYTES] = "compare it with `appliesTo` of the actions";

    for (uint32_t i = 0; i < v->schema->action_count; i++) {
        const struct schema_action *a = &v->schema->actions[i];

        if (!fits[i])
            continue;
        principal |= in_would_do(v, &p->principal, a, true);
        resource |= in_would_do(v, &p->resource, a, false);
        if (first == NULL || first->principal_count == 0)
            first = a;
    }
    if (principal || resource)
        (void)snprintf(hint, sizeof(hint), "write `%s in` instead of `%s ==`",
                       principal ? "principal" : "resource",
                       principal ? "principal" : "resource");
    else if (p->action.op == AST_SCOPE_EQ && first != NULL &&
             first->principal_count == 0)
        (void)snprintf(hint, sizeof(hint),
                       "it is a group: write `action in` instead of `action "
                       "==`");
    else if (p->action.op != AST_ANY && first != NULL)
        takes_hint(v, first, hint, sizeof(hint));
    say.hint = hint;
    if (n != NULL)
        v_find(v, n, &say,
               "no action in the schema applies to the principal, action and "
               "resource of this scope");
}

void v_check_application(struct validate *v, const struct ast_expr *pu,
                         const struct ast_expr *ru)
{
    const struct ast_policy *p = v->policy;
    const bool *fits;

    if (v->errors > 0) /* of unknown names, which explain it */
        return;
    fits = scope_actions(v);

    for (uint32_t i = 0; fits != NULL && i < v->schema->action_count; i++) {
        const struct schema_action *a = &v->schema->actions[i];

        if (fits[i] &&
            any_fits(v, &p->principal, pu, a->principals, a->principal_count) &&
            any_fits(v, &p->resource, ru, a->resources, a->resource_count))
            return;
    }
    if (fits != NULL && v->err == TS_OK)
        no_action(v, fits);
}
