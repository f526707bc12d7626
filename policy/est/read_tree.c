/* JSON text to a tree: a policy a source, or a policy set with its links. */
#include "policy/core/diag.h"
#include "policy/core/limits.h"
#include "policy/core/lit.h"
#include "policy/core/uid.h"
#include "policy/est/read.h"

/* The order of the shape of a policy set. */
enum part {
    STATIC,
    TEMPLATES,
    LINKS,
    PARTS
};

static const struct est_shape set_shape = {
    .what = "a policy set",
    .count = PARTS,
    .optional = 7,
    .keys = {CEDAR_LIT("staticPolicies"), CEDAR_LIT("templates"),
             CEDAR_LIT("templateLinks")}};

struct list { /* policies in their order */
    struct ast *tree;
    struct ast_policy *last;
};

static ts_err append(struct est_reader *r, struct list *to,
                     struct ast_policy *p, const struct json *at)
{
    if (to->tree->count >= r->options->max_policies) {
        cedar_diag_add(r->diags, "too_many_policies", at->span, NULL,
                       "more than %u policies", r->options->max_policies);
        return TS_E_LIMIT;
    }
    if (to->last != NULL)
        to->last->next = p;
    else
        to->tree->policies = p;
    to->last = p;
    to->tree->count++;
    to->tree->templates += ast_is_template(p) ? 1 : 0;
    return TS_OK;
}

static ts_err read_entry(struct est_reader *r, const struct json *m,
                         bool templates, struct list *to)
{
    struct ast_policy *p;
    ts_err e = est_policy(r, m, &p);

    if (e != TS_OK)
        return e;
    if (ast_is_template(p) && !templates)
        return est_fail(r, m, "move it to \"templates\"",
                        "expected a static policy, got a template");
    if (!ast_is_template(p) && templates)
        return est_fail(r, m, "move it to \"staticPolicies\"",
                        "expected a template, got a static policy");
    if ((e = cedar_str_copy(r->arena, m->key, &p->id)) != TS_OK)
        return e;
    return append(r, to, p, m);
}

static ts_err read_entries(struct est_reader *r, const struct json *v,
                           enum part part, struct list *to)
{
    ts_err first = TS_OK;

    if (v == NULL)
        return TS_OK;
    if (v->kind != JSON_OBJECT)
        return est_fail(r, v, NULL, "`%s` is an object of policies, not %s",
                        set_shape.keys[part].ptr,
                        cedar_json_kind_name(v->kind));
    for (const struct json *m = v->first; m != NULL; m = m->next) {
        ts_err e = read_entry(r, m, part == TEMPLATES, to);

        if (e != TS_OK && e != TS_E_FORMAT)
            return e;
        first = first != TS_OK ? first : e;
    }
    return first;
}

static bool is_set(const struct json *v)
{
    for (uint32_t i = 0; i < PARTS; i++)
        if (cedar_json_get(v, set_shape.keys[i]) != NULL)
            return true;
    return false;
}

/* *ret_links is the array of links, or NULL. */
static ts_err read_source(struct est_reader *r, const struct json *v,
                          struct list *to, const struct json **ret_links)
{
    const struct json *m[PARTS];
    struct ast_policy *p;
    ts_err e, first;

    *ret_links = NULL;
    if (!is_set(v)) {
        if ((e = est_policy(r, v, &p)) != TS_OK)
            return e;
        return append(r, to, p, v);
    }
    if ((e = est_members(r, v, &set_shape, m)) != TS_OK)
        return e;
    if (m[LINKS] != NULL && m[LINKS]->kind != JSON_ARRAY)
        return est_fail(r, m[LINKS], NULL, "`templateLinks` is an array");
    first = read_entries(r, m[STATIC], STATIC, to);
    if (first != TS_OK && first != TS_E_FORMAT)
        return first;
    e = read_entries(r, m[TEMPLATES], TEMPLATES, to);
    *ret_links = m[LINKS];
    return e != TS_OK ? e : first;
}

static ts_err check_size(const struct cedar_source *src, uint32_t index,
                         size_t *left, struct cedar_diags *diags)
{
    struct cedar_span at = {.source = index, .line = 1, .column = 1};

    if (src->text.len > *left) {
        cedar_diag_add(diags, "too_large", at, NULL,
                       "the policies are larger than the limit allows");
        return TS_E_LIMIT;
    }
    *left -= src->text.len;
    return TS_OK;
}

static ts_err read_all(struct est_reader *r, struct cedar_ast *a,
                       const struct cedar_source *sources, uint32_t count,
                       const struct json **links)
{
    struct list to = {.tree = &a->tree};
    size_t left = r->options->max_bytes;
    ts_err first = TS_OK;

    for (uint32_t i = 0; i < count; i++) {
        const struct json *v;
        ts_err e = check_size(&sources[i], i, &left, r->diags);

        if (e == TS_OK)
            e = cedar_json_parse_depth(r->temp, sources[i].text, i,
                                       CEDAR_EST_DEPTH, r->diags, &v);
        if (e == TS_OK)
            e = read_source(r, v, &to, &links[i]);
        if (e != TS_OK && e != TS_E_FORMAT)
            return e;
        first = first != TS_OK ? first : e;
    }
    for (size_t i = 0; i < AST_OP_COUNT; i++)
        a->tree.nodes[i] = r->nodes[i];
    a->tree.conds = r->conds;
    return first;
}

static ts_err read_tree(struct cedar_ast *a, struct ts_arena *temp,
                        const struct cedar_source *sources, size_t count,
                        const struct cedar_options *options,
                        struct cedar_diags *diags)
{
    struct est_reader r = {
        .arena = &a->arena, .temp = temp, .diags = diags, .options = options};
    const struct json **links;
    ts_err e, first = TS_OK;
    void *mem;

    if (count > UINT32_MAX || options->max_bytes > UINT32_MAX)
        return TS_E_INVALID;
    if ((e = ts_arena_array(temp, count, sizeof(*links), &mem)) != TS_OK)
        return e;
    links = mem;
    if ((e = read_all(&r, a, sources, (uint32_t)count, links)) != TS_OK ||
        (e = est_name(&a->arena, &a->tree, options, diags)) != TS_OK ||
        (e = est_tree_index(a, diags)) != TS_OK)
        return e;
    for (size_t i = 0; i < count; i++) {
        e = links[i] != NULL ? est_links(&r, a, links[i]) : TS_OK;
        if (e != TS_OK && e != TS_E_FORMAT)
            return e;
        first = first != TS_OK ? first : e;
    }
    return first;
}

ts_err cedar_ast_parse_json(const struct cedar_source *sources, size_t count,
                            const struct cedar_options *options,
                            struct cedar_ast **ret, struct cedar_diags *diags)
{
    struct cedar_ast *a;
    size_t budget = est_budget(sources, count, options->max_bytes);
    struct ts_arena temp;
    ts_err e;

    cedar_diags_clear(diags);
    if ((e = est_tree_new(budget, &a)) != TS_OK)
        return e;
    ts_arena_init(&temp, budget);
    e = read_tree(a, &temp, sources, count, options, diags);
    ts_arena_done(&temp);
    if (e != TS_OK) {
        cedar_ast_free(a);
        return e;
    }
    *ret = a;
    return TS_OK;
}
