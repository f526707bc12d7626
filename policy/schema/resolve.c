/* From what was written to the schema that is used; see resolve_priv.h. */
#include "policy/core/diag.h"
#include "policy/core/limits.h"
#include "policy/core/uid.h"
#include "policy/schema/resolve_priv.h"

/* Types that others can point to, before any of their parts is known. */
static ts_err make_entities(struct resolver *r)
{
    const struct schema_entity **self;
    void *p, *q;
    ts_err e;

    if ((e = ts_arena_array(r->arena, (size_t)r->entity_count + 1,
                            sizeof(*r->made), &p)) != TS_OK ||
        (e = ts_arena_array(r->arena, (size_t)r->entity_count + 1,
                            sizeof(*self), &q)) != TS_OK)
        return e;
    r->made = p;
    self = q;
    for (uint32_t i = 0; i < r->entity_count; i++) {
        const struct res_entity *t = &r->entities[i];
        struct schema_entity *m = &r->made[i];

        self[i] = m;
        m->name = t->name;
        m->index = i;
        m->is_action = t->decl == NULL;
        m->type = (struct cedar_type){
            .kind = TYPE_ENTITY,
            .as = {.entities = {.count = 1, .list = &self[i]}}};
        m->span = t->at != NULL ? t->at->span : t->space->name.span;
    }
    return TS_OK;
}

static ts_err over_limit(struct resolver *r, ts_err e)
{
    struct cedar_span none = {.line = 1, .column = 1};

    if (e == TS_E_LIMIT)
        res_error(r, "limit", none, NULL, NULL,
                  "the hierarchies of this schema hold more than %u pairs of a "
                  "member and its group, or take too long to close",
                  CEDAR_SCHEMA_PAIRS);
    return e;
}

static void check_action_cycles(struct resolver *r,
                                const struct closure_node *nodes)
{
    const struct res_action *first = NULL;

    for (uint32_t i = 0; i < r->action_count; i++) {
        const struct closure_node *n = &nodes[i];
        const struct res_action *a = &r->actions[i];

        for (uint32_t k = 0; k < n->ancestor_count; k++)
            if (n->ancestors[k] == i &&
                (first == NULL || a->at->span.offset < first->at->span.offset))
                first = a;
    }
    if (first != NULL)
        res_error(r, "action_cycle", first->at->span, "in itself",
                  "groups of actions cannot form a circle",
                  "action `%s` is a member of itself",
                  cedar_quote(first->uid.id).s);
}

static ts_err close_hierarchies(struct resolver *r,
                                struct closure_node *entities,
                                struct schema_action *actions,
                                struct closure_node *nodes)
{
    uint32_t pairs = 0, work = 0;
    ts_err e;

    e = closure_make(r->arena, &r->scratch, entities, r->entity_count, &pairs,
                     &work);
    if (e == TS_OK)
        e = closure_make(r->arena, &r->scratch, nodes, r->action_count, &pairs,
                         &work);
    if (e != TS_OK)
        return over_limit(r, e);
    check_action_cycles(r, nodes);
    for (uint32_t i = 0; i < r->entity_count; i++) {
        r->made[i].ancestors = entities[i].ancestors;
        r->made[i].ancestor_count = entities[i].ancestor_count;
        r->made[i].descendants = entities[i].descendants;
        r->made[i].descendant_count = entities[i].descendant_count;
    }
    for (uint32_t i = 0; i < r->action_count; i++) {
        actions[i].ancestors = nodes[i].ancestors;
        actions[i].ancestor_count = nodes[i].ancestor_count;
        actions[i].descendants = nodes[i].descendants;
        actions[i].descendant_count = nodes[i].descendant_count;
    }
    return TS_OK;
}

static ts_err run(struct resolver *r)
{
    struct closure_node *entities, *nodes;
    struct schema_action *actions;
    ts_err e;

    if ((e = res_collect(r)) != TS_OK)
        return e;
    res_check_shadowing(r);
    res_types_init(r);
    if ((e = res_add_action_types(r)) != TS_OK ||
        (e = make_entities(r)) != TS_OK || (e = res_commons(r)) != TS_OK ||
        (e = res_build_entities(r, &entities)) != TS_OK ||
        (e = res_build_actions(r, &actions, &nodes)) != TS_OK)
        return e;
    if (r->failed)
        return TS_E_FORMAT;
    if ((e = close_hierarchies(r, entities, actions, nodes)) != TS_OK)
        return e;
    r->schema->entities = r->made;
    r->schema->entity_count = r->entity_count;
    r->schema->actions = actions;
    r->schema->action_count = r->action_count;
    return r->failed ? TS_E_FORMAT : TS_OK;
}

ts_err schema_resolve(struct cedar_schema *s, size_t source_bytes,
                      struct cedar_diags *diags)
{
    struct resolver r = {.schema = s, .arena = &s->arena, .diags = diags};
    ts_err e;

    ts_arena_init(&r.scratch, CEDAR_LOAD_BASE + 4096 +
                                  source_bytes * CEDAR_SCHEMA_PER_BYTE);
    e = run(&r);
    ts_arena_done(&r.scratch);
    return e;
}
