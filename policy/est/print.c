/* Policies, templates and whole sets in JSON. */
#include "policy/est/print.h"

#include "policy/core/limits.h"
#include "policy/core/lit.h"
#include "policy/est/tree.h"
#include "proto/base/ts_num.h"
#include "proto/base/ts_require.h"

static void put(struct est_printer *p, struct ts_str key, struct ts_str v)
{
    cedar_json_write_key(&p->w, key);
    cedar_json_write_str(&p->w, v);
}

static void print_uid(struct est_printer *p, const struct ast_expr *uid)
{
    cedar_json_write_begin(&p->w, '{');
    put(p, TS_STR_LIT("type"), uid->str);
    put(p, TS_STR_LIT("id"), uid->id);
    cedar_json_write_end(&p->w, '}');
}

/* "slot", "entity" or "entities"; many: a list in brackets. */
static void print_target(struct est_printer *p, const struct ast_scope *s,
                         struct ts_str slot, bool many)
{
    if (s->slot) {
        put(p, TS_STR_LIT("slot"), slot);
        return;
    }
    cedar_json_write_key(&p->w,
                         many ? TS_STR_LIT("entities") : TS_STR_LIT("entity"));
    if (many)
        cedar_json_write_begin(&p->w, '[');
    for (const struct ast_expr *u = s->uids; u != NULL; u = u->next)
        print_uid(p, u);
    if (many)
        cedar_json_write_end(&p->w, ']');
}

static void print_scope(struct est_printer *p, const struct ast_scope *s,
                        struct ts_str key, struct ts_str slot)
{
    static const struct ts_str names[] = {
        [AST_ANY] = CEDAR_LIT("All"),
        [AST_SCOPE_EQ] = CEDAR_LIT("=="),
        [AST_SCOPE_IN] = CEDAR_LIT("in"),
        [AST_SCOPE_IS] = CEDAR_LIT("is"),
    };

    cedar_json_write_key(&p->w, key);
    cedar_json_write_begin(&p->w, '{');
    put(p, TS_STR_LIT("op"), names[s->op]);
    if (s->op == AST_SCOPE_IS) {
        put(p, TS_STR_LIT("entity_type"), s->type);
        if (s->slot || s->uid_count > 0) {
            cedar_json_write_key(&p->w, TS_STR_LIT("in"));
            cedar_json_write_begin(&p->w, '{');
            print_target(p, s, slot, false);
            cedar_json_write_end(&p->w, '}');
        }
    } else if (s->op != AST_ANY) {
        /* The official engine writes a list of one as that one. */
        print_target(p, s, slot, s->list && s->uid_count != 1);
    }
    cedar_json_write_end(&p->w, '}');
}

static void print_conds(struct est_printer *p, const struct ast_policy *pol)
{
    cedar_json_write_key(&p->w, TS_STR_LIT("conditions"));
    cedar_json_write_begin(&p->w, '[');
    for (const struct ast_cond *c = pol->conds; c != NULL; c = c->next) {
        cedar_json_write_begin(&p->w, '{');
        put(p, TS_STR_LIT("kind"),
            c->unless ? TS_STR_LIT("unless") : TS_STR_LIT("when"));
        cedar_json_write_key(&p->w, TS_STR_LIT("body"));
        est_print_expr(p, c->expr);
        cedar_json_write_end(&p->w, '}');
    }
    cedar_json_write_end(&p->w, ']');
}

static void print_annotations(struct est_printer *p,
                              const struct ast_policy *pol)
{
    if (pol->annotation_count == 0)
        return;
    cedar_json_write_key(&p->w, TS_STR_LIT("annotations"));
    cedar_json_write_begin(&p->w, '{');
    for (const struct ast_annotation *a = pol->annotations; a != NULL;
         a = a->next) {
        cedar_json_write_key(&p->w, a->key);
        if (a->bare)
            cedar_json_write_null(&p->w);
        else
            cedar_json_write_str(&p->w, a->value);
    }
    cedar_json_write_end(&p->w, '}');
}

static void print_policy(struct est_printer *p, const struct ast_policy *pol)
{
    cedar_json_write_begin(&p->w, '{');
    put(p, TS_STR_LIT("effect"),
        pol->effect == CEDAR_PERMIT ? TS_STR_LIT("permit")
                                    : TS_STR_LIT("forbid"));
    print_scope(p, &pol->principal, TS_STR_LIT("principal"),
                TS_STR_LIT("?principal"));
    print_scope(p, &pol->action, TS_STR_LIT("action"), TS_STR_LIT(""));
    print_scope(p, &pol->resource, TS_STR_LIT("resource"),
                TS_STR_LIT("?resource"));
    print_conds(p, pol);
    print_annotations(p, pol);
    cedar_json_write_end(&p->w, '}');
}

static void print_link(struct est_printer *p, const struct ast_link *link)
{
    cedar_json_write_begin(&p->w, '{');
    put(p, TS_STR_LIT("templateId"), link->of->id);
    put(p, TS_STR_LIT("newId"), link->id);
    cedar_json_write_key(&p->w, TS_STR_LIT("values"));
    cedar_json_write_begin(&p->w, '{');
    if (link->principal != NULL) {
        cedar_json_write_key(&p->w, TS_STR_LIT("?principal"));
        print_uid(p, link->principal);
    }
    if (link->resource != NULL) {
        cedar_json_write_key(&p->w, TS_STR_LIT("?resource"));
        print_uid(p, link->resource);
    }
    cedar_json_write_end(&p->w, '}');
    cedar_json_write_end(&p->w, '}');
}

static void print_part(struct est_printer *p, const struct ast *tree,
                       struct ts_str key, bool templates)
{
    cedar_json_write_key(&p->w, key);
    cedar_json_write_begin(&p->w, '{');
    for (const struct ast_policy *pol = tree->policies; pol != NULL;
         pol = pol->next) {
        if (ast_is_template(pol) != templates)
            continue;
        cedar_json_write_key(&p->w, pol->id);
        print_policy(p, pol);
        ts_arena_reset(&p->temp);
    }
    cedar_json_write_end(&p->w, '}');
}

/* A chain needs a pointer for each of its kids while it is written. */
static ts_err begin(struct est_printer *p, const struct ast *tree,
                    struct ts_buf *out)
{
    size_t nodes = 0, budget;

    for (size_t i = 0; i < AST_OP_COUNT; i++)
        nodes += tree->nodes[i];
    if (ts_ckd_mul(&budget, nodes, 4 * sizeof(void *)) ||
        ts_ckd_add(&budget, budget, CEDAR_LOAD_BASE))
        return TS_E_LIMIT;
    cedar_json_write_init(&p->w, out);
    ts_arena_init(&p->temp, budget);
    return TS_OK;
}

/* What has been written of a text that failed is taken back. */
static ts_err finish(struct est_printer *p, size_t before)
{
    struct ts_buf *out = p->w.out;
    ts_err e = cedar_json_write_done(&p->w);

    ts_arena_done(&p->temp);
    if (e != TS_OK)
        out->len = before;
    return e;
}

ts_err cedar_ast_print_json(const struct cedar_ast *a, size_t index,
                            struct ts_buf *out)
{
    size_t before = out->len;
    struct est_printer p;
    ts_err e;

    if (index >= a->tree.count)
        return TS_E_INVALID;
    if ((e = begin(&p, &a->tree, out)) != TS_OK)
        return e;
    print_policy(&p, a->policies[index]);
    return finish(&p, before);
}

ts_err cedar_ast_print_set_json(const struct cedar_ast *a, struct ts_buf *out)
{
    size_t before = out->len;
    struct est_printer p;
    ts_err e;

    if ((e = begin(&p, &a->tree, out)) != TS_OK)
        return e;
    cedar_json_write_begin(&p.w, '{');
    print_part(&p, &a->tree, TS_STR_LIT("staticPolicies"), false);
    print_part(&p, &a->tree, TS_STR_LIT("templates"), true);
    cedar_json_write_key(&p.w, TS_STR_LIT("templateLinks"));
    cedar_json_write_begin(&p.w, '[');
    for (const struct ast_link *l = a->tree.links; l != NULL; l = l->next)
        print_link(&p, l);
    cedar_json_write_end(&p.w, ']');
    cedar_json_write_end(&p.w, '}');
    return finish(&p, before);
}
