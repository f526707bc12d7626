/* bytes -> tree -> program: the one place where policies become a set. */
#include "policy/cedar_text.h"
#include "policy/core/diag.h"
#include "policy/est/tree.h"
#include "policy/eval/index.h"
#include "policy/load/lower.h"
#include "policy/syntax/parse.h"
#include "proto/base/ts_mem.h"

/* Large sets come in large pieces: few calls, no small holes left behind, and
 * what was only needed for loading can go back to the system whole. */
#define LARGE_BUDGET ((size_t)16 << 20)
#define LARGE_CHUNK  ((size_t)256 << 10)

static void arena_for(struct ts_arena *a, size_t budget)
{
    ts_arena_init(a, budget);
    if (budget >= LARGE_BUDGET)
        a->chunk = LARGE_CHUNK;
}

ts_err cedar_load_tree(const struct ast *ast, size_t budget,
                       struct cedar_policies **ret, struct cedar_diags *diags)
{
    struct cedar_policies *p = ts_mem_alloc(sizeof(*p));
    struct ts_arena temp;
    ts_err e;

    if (p == NULL)
        return TS_E_NOMEM;
    arena_for(&temp, budget);
    arena_for(&p->arena, budget);
    e = cedar_lower(ast, &temp, diags, p);
    if (e == TS_OK)
        e = ev_index_build(p, &temp);
    ts_arena_done(&temp);
    if (e != TS_OK) {
        cedar_policies_free(p);
        return e;
    }
    *ret = p;
    return TS_OK;
}

/* Nothing here could link them; a template must not pass for a policy. */
static ts_err refuse_templates(const struct ast *ast, struct cedar_diags *diags)
{
    for (const struct ast_policy *t = ast->policies; t != NULL; t = t->next) {
        const struct ast_scope *s =
            t->principal.slot ? &t->principal : &t->resource;

        if (s->slot)
            cedar_diag_add(diags, "template_not_linked", s->span,
                           "name the entity itself: Type::\"id\"",
                           "a policy with a slot is a template; only static "
                           "policies can stand here");
    }
    return ast->templates > 0 ? TS_E_FORMAT : TS_OK;
}

/* The tree is for this call only, so it borrows its text from the sources. */
ts_err cedar_policies_parse(const struct cedar_source *sources, size_t count,
                            const struct cedar_options *options,
                            struct cedar_policies **ret,
                            struct cedar_diags *diags)
{
    size_t budget = est_budget(sources, count, options->max_bytes);
    struct ts_arena temp;
    struct ast ast;
    ts_err e;

    cedar_diags_clear(diags);
    arena_for(&temp, budget);
    if ((e = cedar_parse(&temp, sources, count, options, diags, &ast)) ==
            TS_OK &&
        (e = refuse_templates(&ast, diags)) == TS_OK &&
        (e = est_name(&temp, &ast, options, diags)) == TS_OK)
        e = cedar_load_tree(&ast, budget, ret, diags);
    ts_arena_done(&temp);
    return e;
}

ts_err cedar_ast_compile(const struct cedar_ast *a, struct cedar_policies **ret,
                         struct cedar_diags *diags)
{
    return cedar_load_tree(&a->tree, a->arena.budget, ret, diags);
}
