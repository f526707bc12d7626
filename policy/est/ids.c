/* Names of policies: the @id annotation where one is required, else by place.
 */
#include <stdio.h>

#include "policy/core/diag.h"
#include "policy/core/sort.h"
#include "policy/core/uid.h"
#include "policy/est/tree.h"

#define NAME_MAX 24 /* "policy4294967295" and some */

static int name_order(const void *a, const void *b)
{
    const struct ast_policy *const *x = a, *const *y = b;
    int c = cedar_str_order((*x)->id, (*y)->id);

    return c != 0 ? c
                  : ((*x)->place > (*y)->place) - ((*x)->place < (*y)->place);
}

/* Equal ids stand side by side once sorted; the later policy is named. */
static ts_err refuse_duplicates(struct ts_arena *arena, const struct ast *tree,
                                struct cedar_diags *diags)
{
    const struct ast_policy **by_id, *p = tree->policies;
    void *mem;
    ts_err e = ts_arena_array(arena, tree->count, sizeof(*by_id), &mem);

    if (e != TS_OK)
        return e;
    by_id = mem;
    for (uint32_t i = 0; i < tree->count; i++, p = p->next)
        by_id[i] = p;
    cedar_sort(by_id, tree->count, sizeof(*by_id), name_order);
    for (uint32_t i = 1; i < tree->count; i++) {
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

static const struct ast_annotation *id_of(const struct ast_policy *p)
{
    const struct ast_annotation *a = p->annotations;

    while (a != NULL && !ts_str_eq(a->key, TS_STR_LIT("id")))
        a = a->next;
    return a;
}

static ts_err by_annotation(struct ts_arena *arena, struct ast *tree,
                            struct cedar_diags *diags)
{
    ts_err e = TS_OK;

    for (struct ast_policy *p = tree->policies; p != NULL; p = p->next) {
        const struct ast_annotation *id = id_of(p);

        if (p->id.ptr != NULL)
            continue;
        if (id != NULL && id->value.len > 0) {
            p->id = id->value;
            continue;
        }
        cedar_diag_add(diags, "missing_id", p->span,
                       "write @id(\"name\") before it; the name goes into "
                       "every record",
                       "this policy has no @id");
        e = TS_E_FORMAT;
    }
    return e != TS_OK ? e : refuse_duplicates(arena, tree, diags);
}

static ts_err by_place(struct ts_arena *arena, struct ast *tree)
{
    char *names;
    void *mem;
    ts_err e = ts_arena_array(arena, tree->count, NAME_MAX, &mem);

    if (e != TS_OK)
        return e;
    names = mem;
    for (struct ast_policy *p = tree->policies; p != NULL; p = p->next) {
        int n;

        if (p->id.ptr != NULL)
            continue;
        n = snprintf(names, NAME_MAX, "policy%u", p->place);

        p->id = (struct ts_str){.ptr = names, .len = (size_t)n};
        names += NAME_MAX;
    }
    return TS_OK;
}

/* By @id where there is one, so a policy may have taken the name that another
 * gets by its place. */
static ts_err by_either(struct ts_arena *arena, struct ast *tree,
                        struct cedar_diags *diags)
{
    ts_err e;

    for (struct ast_policy *p = tree->policies; p != NULL; p = p->next) {
        const struct ast_annotation *id = id_of(p);

        if (p->id.ptr == NULL && id != NULL)
            p->id = id->value;
    }
    e = by_place(arena, tree);
    return e != TS_OK ? e : refuse_duplicates(arena, tree, diags);
}

ts_err est_name(struct ts_arena *arena, struct ast *tree,
                const struct cedar_options *options, struct cedar_diags *diags)
{
    uint32_t place = 0;

    for (struct ast_policy *p = tree->policies; p != NULL; p = p->next)
        p->place = place++;
    if (options->require_id)
        return by_annotation(arena, tree, diags);
    return options->prefer_id ? by_either(arena, tree, diags)
                              : by_place(arena, tree);
}
