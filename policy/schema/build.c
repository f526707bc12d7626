/* Bodies of declarations. A body that several names share is resolved once. */
#include "policy/core/diag.h"
#include "policy/core/sort.h"
#include "policy/core/uid.h"
#include "policy/schema/resolve_priv.h"
#include "proto/base/ts_require.h"

static int by_number(const void *a, const void *b)
{
    const uint32_t *x = a, *y = b;

    return *x < *y ? -1 : (*x > *y ? 1 : 0);
}

static int by_text(const void *a, const void *b)
{
    const struct ts_str *x = a, *y = b;

    return ts_str_cmp(*x, *y);
}

/* Ascending and each once; returns how many are left. */
static uint32_t sort_numbers(uint32_t *list, uint32_t n)
{
    uint32_t kept = 0;

    cedar_sort(list, n, sizeof(*list), by_number);
    for (uint32_t i = 0; i < n; i++)
        if (kept == 0 || list[i] != list[kept - 1])
            list[kept++] = list[i];
    return kept;
}

/* Entity types that are declared as such; `Action` is none here. */
static ts_err entity_list(struct resolver *r, const struct decl_space *space,
                          const struct decl_name *names, const uint32_t **ret,
                          uint32_t *ret_count)
{
    uint32_t n = 0, *list;
    void *p;
    ts_err e;

    for (const struct decl_name *d = names; d != NULL; d = d->next)
        n++;
    if ((e = ts_arena_array(r->arena, (size_t)n + 1, sizeof(*list), &p)) !=
        TS_OK)
        return e;
    list = p;
    n = 0;
    for (const struct decl_name *d = names; d != NULL; d = d->next) {
        struct found f = res_find(r, space, d->text, WANT_ENTITY);

        if (f.kind == FOUND_NONE)
            res_unknown_type(r, space, d->text, d->span, WANT_ENTITY);
        else if (r->entities[f.index].decl == NULL)
            res_error(r, "wrong_kind_of_type", d->span, "a type of actions",
                      NULL, "`%s` cannot stand here: it is the type of actions",
                      cedar_quote(d->text).s);
        else
            list[n++] = f.index;
    }
    *ret = list;
    *ret_count = sort_numbers(list, n);
    return TS_OK;
}

struct entity_body {
    const struct decl_entity *decl; /* whose body this is */
    struct schema_entity made;
    struct closure_node node;
};

static ts_err choices(struct resolver *r, const struct decl_entity *d,
                      struct schema_entity *ret)
{
    struct ts_str *list;
    uint32_t n = 0, kept = 0;
    void *p;
    ts_err e;

    for (const struct decl_name *c = d->choices; c != NULL; c = c->next)
        n++;
    if ((e = ts_arena_array(r->arena, (size_t)n + 1, sizeof(*list), &p)) !=
        TS_OK)
        return e;
    list = p;
    n = 0;
    for (const struct decl_name *c = d->choices; c != NULL; c = c->next)
        list[n++] = c->text;
    cedar_sort(list, n, sizeof(*list), by_text);
    for (uint32_t i = 0; i < n; i++)
        if (kept == 0 || !ts_str_eq(list[i], list[kept - 1]))
            list[kept++] = list[i];
    ret->choices = list;
    ret->choice_count = kept;
    return TS_OK;
}

static ts_err entity_body(struct resolver *r, const struct res_entity *t,
                          struct entity_body *ret)
{
    static const struct cedar_attrs none = {0};
    struct entity_body b = {.decl = t->decl, .made = {.attrs = &none}};
    const struct cedar_type *shape;
    ts_err e;

    if (t->decl->is_enum && (e = choices(r, t->decl, &b.made)) != TS_OK)
        return e;
    if ((e = entity_list(r, t->space, t->decl->parents, &b.node.up,
                         &b.node.up_count)) != TS_OK)
        return e;
    if (t->decl->shape != NULL) {
        if ((e = res_type(r, t->space, t->decl->shape, &shape)) != TS_OK)
            return e;
        if (shape->kind == TYPE_RECORD)
            b.made.attrs = shape->as.attrs;
        else if (!r->failed)
            res_error(r, "not_a_record", t->decl->shape->span, "not a record",
                      NULL, "the shape of entity type `%s` is not a record",
                      cedar_quote(t->name).s);
    }
    if (t->decl->tags != NULL &&
        (e = res_type(r, t->space, t->decl->tags, &b.made.tags)) != TS_OK)
        return e;
    *ret = b;
    return TS_OK;
}

/* Brings the names of one declaration together. */
static int by_address(const void *a, const void *b)
{
    uintptr_t p = (uintptr_t)a, q = (uintptr_t)b;

    return p < q ? -1 : (p > q ? 1 : 0);
}

static int by_decl(const void *a, const void *b)
{
    const struct res_entity *const *x = a, *const *y = b;

    return by_address((*x)->decl, (*y)->decl);
}

ts_err res_build_entities(struct resolver *r, struct closure_node **ret)
{
    static const struct cedar_attrs none = {0};
    const struct res_entity **order;
    struct closure_node *nodes;
    struct entity_body b = {0};
    void *p, *q;
    ts_err e;

    if ((e = ts_arena_array(&r->scratch, (size_t)r->entity_count + 1,
                            sizeof(*nodes), &p)) != TS_OK ||
        (e = ts_arena_array(&r->scratch, (size_t)r->entity_count + 1,
                            sizeof(*order), &q)) != TS_OK)
        return e;
    nodes = p;
    order = q;
    for (uint32_t i = 0; i < r->entity_count; i++)
        order[i] = &r->entities[i];
    cedar_sort(order, r->entity_count, sizeof(*order), by_decl);
    for (uint32_t i = 0; i < r->entity_count; i++) {
        const struct res_entity *t = order[i];
        uint32_t at = (uint32_t)(t - r->entities);
        struct schema_entity *made = &r->made[at];

        made->attrs = &none;
        if (t->decl == NULL)
            continue;
        if (b.decl != t->decl && (e = entity_body(r, t, &b)) != TS_OK)
            return e;
        made->attrs = b.made.attrs;
        made->tags = b.made.tags;
        made->choices = b.made.choices;
        made->choice_count = b.made.choice_count;
        nodes[at] = b.node;
    }
    *ret = nodes;
    return TS_OK;
}

/* ---- actions ------------------------------------------------------------ */

struct action_body {
    const struct decl_action *decl;
    struct schema_action made;
    struct closure_node node;
};

static ts_err action_parents(struct resolver *r, const struct res_action *a,
                             struct action_body *b)
{
    const struct cedar_uid **uids;
    uint32_t n = 0, *list;
    void *p, *q;
    ts_err e;

    for (const struct decl_ref *d = a->decl->parents; d != NULL; d = d->next)
        n++;
    if ((e = ts_arena_array(&r->scratch, (size_t)n + 1, sizeof(*list), &p)) !=
            TS_OK ||
        (e = ts_arena_array(r->arena, (size_t)n + 1, sizeof(*uids), &q)) !=
            TS_OK)
        return e;
    list = p;
    uids = q;
    n = 0;
    for (const struct decl_ref *d = a->decl->parents; d != NULL; d = d->next) {
        const struct res_action *up = res_find_action(r, a->space, d);

        if (up == NULL)
            res_unknown_action(r, a->space, d);
        else
            list[n++] = (uint32_t)(up - r->actions);
    }
    n = sort_numbers(list, n);
    for (uint32_t i = 0; i < n; i++)
        uids[i] = &r->uids[list[i]];
    b->made.parents = uids;
    b->made.parent_count = n;
    b->node = (struct closure_node){.up = list, .up_count = n};
    return TS_OK;
}

static ts_err action_body(struct resolver *r, const struct res_action *a,
                          const struct cedar_type *empty,
                          struct action_body *ret)
{
    struct action_body b = {.decl = a->decl, .made = {.context = empty}};
    const struct cedar_type *context = empty;
    ts_err e;

    if ((e = action_parents(r, a, &b)) != TS_OK ||
        (e = entity_list(r, a->space, a->decl->principals, &b.made.principals,
                         &b.made.principal_count)) != TS_OK ||
        (e = entity_list(r, a->space, a->decl->resources, &b.made.resources,
                         &b.made.resource_count)) != TS_OK)
        return e;
    if (a->decl->context != NULL &&
        (e = res_type(r, a->space, a->decl->context, &context)) != TS_OK)
        return e;
    if (context->kind == TYPE_RECORD)
        b.made.context = context;
    else if (!r->failed)
        res_error(r, "not_a_record", a->decl->context->span, "not a record",
                  "a context is a record, or the name of one",
                  "the context of action `%s` is not a record",
                  cedar_quote(a->uid.id).s);
    *ret = b;
    return TS_OK;
}

static int by_action_decl(const void *a, const void *b)
{
    const struct res_action *const *x = a, *const *y = b;

    return by_address((*x)->decl, (*y)->decl);
}

static ts_err action_order(struct resolver *r, const struct res_action ***ret)
{
    const struct res_action **order;
    void *p;
    ts_err e = ts_arena_array(&r->scratch, (size_t)r->action_count + 1,
                              sizeof(*order), &p);

    if (e != TS_OK)
        return e;
    order = p;
    for (uint32_t i = 0; i < r->action_count; i++)
        order[i] = &r->actions[i];
    cedar_sort(order, r->action_count, sizeof(*order), by_action_decl);
    *ret = order;
    return TS_OK;
}

static ts_err copy_uids(struct resolver *r)
{
    void *p;
    ts_err e = ts_arena_array(r->arena, (size_t)r->action_count + 1,
                              sizeof(*r->uids), &p);

    if (e != TS_OK)
        return e;
    r->uids = p;
    for (uint32_t i = 0; i < r->action_count; i++)
        r->uids[i] = r->actions[i].uid;
    return TS_OK;
}

static void identify(const struct resolver *r, uint32_t i,
                     struct schema_action *made)
{
    static const struct ts_str none = {0};
    uint32_t type = res_entity_at(r, none, r->actions[i].uid.type);

    TS_REQUIRE(type != UINT32_MAX); /* res_add_action_types() made it */
    made->uid = &r->uids[i];
    made->type = &r->made[type];
    made->index = i;
    made->span = r->actions[i].at->span;
}

ts_err res_build_actions(struct resolver *r, struct schema_action **ret,
                         struct closure_node **ret_nodes)
{
    static const struct cedar_attrs none = {0};
    static const struct cedar_type empty = {.kind = TYPE_RECORD,
                                            .as = {.attrs = &none}};
    const struct cedar_type *context;
    const struct res_action **order;
    struct schema_action *made;
    struct closure_node *nodes;
    struct action_body b = {0};
    void *p, *q;
    ts_err e;

    if ((e = ts_arena_array(r->arena, (size_t)r->action_count + 1,
                            sizeof(*made), &p)) != TS_OK ||
        (e = ts_arena_array(&r->scratch, (size_t)r->action_count + 1,
                            sizeof(*nodes), &q)) != TS_OK ||
        (e = action_order(r, &order)) != TS_OK || (e = copy_uids(r)) != TS_OK ||
        (e = intern_type(r, &empty, &context)) != TS_OK)
        return e;
    made = p;
    nodes = q;
    for (uint32_t i = 0; i < r->action_count; i++) {
        uint32_t at = (uint32_t)(order[i] - r->actions);

        if (b.decl != order[i]->decl &&
            (e = action_body(r, order[i], context, &b)) != TS_OK)
            return e;
        made[at] = b.made;
        nodes[at] = b.node;
        identify(r, at, &made[at]);
    }
    *ret = made;
    *ret_nodes = nodes;
    return TS_OK;
}
