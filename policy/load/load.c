/* bytes -> tree -> program: the one place where policy text becomes a set. */
#include <stdio.h>

#include "policy/cedar.h"
#include "policy/core/diag.h"
#include "policy/core/limits.h"
#include "policy/core/sort.h"
#include "policy/core/uid.h"
#include "policy/eval/index.h"
#include "policy/load/lower.h"
#include "policy/syntax/parse.h"
#include "proto/base/ts_mem.h"
#include "proto/base/ts_num.h"

static int meta_order(const void *a, const void *b)
{
    const struct ev_policy_meta *const *x = a, *const *y = b;
    int c = cedar_str_order((*x)->id, (*y)->id);

    return c != 0 ? c : (*x < *y ? -1 : *x > *y);
}

/* Equal ids stand side by side once sorted; the later policy is named. */
static ts_err refuse_duplicates(const struct cedar_policies *p,
                                struct ts_arena *temp,
                                struct cedar_diags *diags)
{
    const struct ev_policy_meta **by_id;
    void *mem;
    ts_err e = ts_arena_array(temp, p->count, sizeof(*by_id), &mem);

    if (e != TS_OK)
        return e;
    by_id = mem;
    for (uint32_t i = 0; i < p->count; i++)
        by_id[i] = &p->meta[i];
    cedar_sort(by_id, p->count, sizeof(*by_id), meta_order);
    for (uint32_t i = 1; i < p->count; i++) {
        if (!ts_str_eq(by_id[i - 1]->id, by_id[i]->id))
            continue;
        cedar_diag_add(diags, "duplicate_id", by_id[i]->span,
                       "every policy needs an id of its own",
                       "the id \"%s\" is used twice",
                       cedar_quote(by_id[i]->id).s);
        e = TS_E_FORMAT;
    }
    return e;
}

static ts_err ids_from_annotations(struct cedar_policies *p,
                                   struct ts_arena *temp,
                                   struct cedar_diags *diags)
{
    ts_err e = TS_OK;

    for (uint32_t i = 0; i < p->count; i++) {
        struct ts_str id = {0};

        if (cedar_policies_annotation(p, i, "id", &id) && id.len > 0) {
            p->meta[i].id = id;
            continue;
        }
        cedar_diag_add(diags, "missing_id", p->meta[i].span,
                       "write @id(\"name\") before it; the name goes into "
                       "every record",
                       "this policy has no @id");
        e = TS_E_FORMAT;
    }
    return e != TS_OK ? e : refuse_duplicates(p, temp, diags);
}

static ts_err ids_by_place(struct cedar_policies *p)
{
    for (uint32_t i = 0; i < p->count; i++) {
        char name[24];
        int n = snprintf(name, sizeof(name), "policy%u", i);
        ts_err e = cedar_str_copy(
            &p->arena, (struct ts_str){.ptr = name, .len = (size_t)n},
            &p->meta[i].id);

        if (e != TS_OK)
            return e;
    }
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

static ts_err load(struct cedar_policies *p, struct ts_arena *temp,
                   const struct cedar_source *sources, size_t count,
                   const struct cedar_options *options,
                   struct cedar_diags *diags)
{
    struct ast ast;
    ts_err e;

    if ((e = cedar_parse(temp, sources, count, options, diags, &ast)) !=
            TS_OK ||
        (e = refuse_templates(&ast, diags)) != TS_OK ||
        (e = cedar_lower(&ast, temp, diags, p)) != TS_OK)
        return e;
    e = options->require_id ? ids_from_annotations(p, temp, diags)
                            : ids_by_place(p);
    return e != TS_OK ? e : ev_index_build(p, temp);
}

ts_err cedar_policies_parse(const struct cedar_source *sources, size_t count,
                            const struct cedar_options *options,
                            struct cedar_policies **ret,
                            struct cedar_diags *diags)
{
    struct cedar_policies *p = ts_mem_alloc(sizeof(*p));
    size_t bytes = 0, budget;
    struct ts_arena temp;
    ts_err e;

    if (diags != NULL)
        diags->count = diags->errors = diags->warnings = 0;
    if (p == NULL)
        return TS_E_NOMEM;
    for (size_t i = 0; i < count; i++)
        if (ts_ckd_add(&bytes, bytes, sources[i].text.len))
            bytes = SIZE_MAX;
    if (bytes > options->max_bytes)
        bytes = options->max_bytes; /* the parser says so */
    if (ts_ckd_mul(&budget, bytes, CEDAR_LOAD_PER_BYTE) ||
        ts_ckd_add(&budget, budget, CEDAR_LOAD_BASE)) {
        ts_mem_free(p);
        return TS_E_LIMIT;
    }
    ts_arena_init(&temp, budget);
    ts_arena_init(&p->arena, budget);
    e = load(p, &temp, sources, count, options, diags);
    ts_arena_done(&temp);
    if (e != TS_OK) {
        cedar_policies_free(p);
        return e;
    }
    *ret = p;
    return TS_OK;
}
