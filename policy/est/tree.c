/* Policies as trees that outlive their text: making them and asking them. */
#include "policy/est/tree.h"

#include <string.h>

#include "policy/core/budget.h"
#include "policy/core/diag.h"
#include "policy/core/limits.h"
#include "policy/core/uid.h"
#include "policy/syntax/parse.h"
#include "proto/base/ts_mem.h"
#include "proto/base/ts_require.h"

size_t est_budget(const struct cedar_source *sources, size_t count,
                  size_t max_bytes)
{
    size_t bytes = cedar_sources_bytes(sources, count);

    return cedar_load_budget(bytes < max_bytes ? bytes : max_bytes);
}

ts_err est_tree_new(size_t budget, struct cedar_ast **ret)
{
    struct cedar_ast *a = ts_mem_alloc(sizeof(*a));

    if (a == NULL)
        return TS_E_NOMEM;
    ts_arena_init(&a->arena, budget);
    *ret = a;
    return TS_OK;
}

void cedar_ast_free(struct cedar_ast *a)
{
    if (a == NULL)
        return;
    ts_arena_done(&a->arena);
    ts_mem_free(a);
}

ts_err est_tree_index(struct cedar_ast *a, struct cedar_diags *diags)
{
    const struct ast_policy *p = a->tree.policies;
    void *mem;
    ts_err e =
        ts_arena_array(&a->arena, a->tree.count, sizeof(*a->policies), &mem);

    if (e != TS_OK)
        return e;
    a->policies = mem;
    for (uint32_t i = 0; i < a->tree.count; i++, p = p->next) {
        a->policies[i] = p;
        if (est_id_find(a->ids, p->id) != NULL) {
            cedar_diag_add(diags, "duplicate_id", p->span,
                           "every policy needs an id of its own",
                           "the id \"%s\" is used twice", cedar_quote(p->id).s);
            return TS_E_FORMAT;
        }
        if ((e = est_id_add(&a->arena, &a->ids, p->id, i)) != TS_OK)
            return e;
    }
    return TS_OK;
}

/* The parser borrows names from the text, and the tree outlives it. */
static ts_err own_text(struct cedar_ast *a, const struct cedar_source *sources,
                       size_t count, size_t max_bytes,
                       const struct cedar_source **ret)
{
    struct cedar_source *own;
    size_t left = max_bytes;
    void *mem;
    ts_err e = ts_arena_array(&a->arena, count, sizeof(*own), &mem);

    if (e != TS_OK)
        return e;
    own = mem;
    for (size_t i = 0; i < count; i++) {
        own[i] = sources[i];
        if (sources[i].text.len > left)
            break; /* the parser refuses it, and there will be no tree */
        left -= sources[i].text.len;
        e = cedar_str_copy(&a->arena, sources[i].text, &own[i].text);
        if (e != TS_OK)
            return e;
    }
    *ret = own;
    return TS_OK;
}

static ts_err read_text(struct cedar_ast *a, const struct cedar_source *sources,
                        size_t count, const struct cedar_options *options,
                        struct cedar_diags *diags)
{
    const struct cedar_source *own;
    ts_err e, names;

    if ((e = own_text(a, sources, count, options->max_bytes, &own)) != TS_OK ||
        (e = cedar_parse(&a->arena, own, count, options, diags, &a->tree)) !=
            TS_OK)
        return e;
    names = est_name(&a->arena, &a->tree, options, diags);
    if (names != TS_OK && names != TS_E_FORMAT)
        return names;
    e = est_check_records(&a->tree, diags);
    if (e != TS_OK || names != TS_OK)
        return e != TS_OK ? e : names;
    return est_tree_index(a, diags);
}

ts_err cedar_ast_parse(const struct cedar_source *sources, size_t count,
                       const struct cedar_options *options,
                       struct cedar_ast **ret, struct cedar_diags *diags)
{
    size_t budget = est_budget(sources, count, options->max_bytes);
    struct cedar_ast *a;
    ts_err e;

    cedar_diags_clear(diags);
    if ((e = est_tree_new(budget, &a)) != TS_OK)
        return e;
    e = read_text(a, sources, count, options, diags);
    if (e != TS_OK) {
        cedar_ast_free(a);
        return e;
    }
    *ret = a;
    return TS_OK;
}

size_t cedar_ast_count(const struct cedar_ast *a)
{
    return (size_t)a->tree.count + a->tree.link_count;
}

static const struct ast_policy *policy_at(const struct cedar_ast *a,
                                          size_t index)
{
    TS_REQUIRE(index < cedar_ast_count(a));
    return index < a->tree.count ? a->policies[index]
                                 : a->links[index - a->tree.count]->of;
}

struct cedar_ast_info cedar_ast_info(const struct cedar_ast *a, size_t index)
{
    const struct ast_policy *p = policy_at(a, index);
    struct cedar_ast_info info = {.id = p->id,
                                  .kind = ast_is_template(p) ? CEDAR_TEMPLATE
                                                             : CEDAR_STATIC,
                                  .effect = p->effect,
                                  .span = p->span,
                                  .slot_principal = p->principal.slot,
                                  .slot_resource = p->resource.slot};

    if (index >= a->tree.count) {
        info.kind = CEDAR_LINK;
        info.template_id = p->id;
        info.id = a->links[index - a->tree.count]->id;
    }
    return info;
}

bool cedar_ast_annotation(const struct cedar_ast *a, size_t index,
                          const char *key, struct ts_str *ret)
{
    const struct ast_annotation *n = policy_at(a, index)->annotations;

    for (; n != NULL; n = n->next) {
        if (ts_str_eq_c(n->key, key)) {
            *ret = n->value;
            return true;
        }
    }
    return false;
}
