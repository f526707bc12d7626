/* A schema that people wrote beside one that was made. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/schema/plan.h"
#include "policy/schema/schema.h"

#define DEPTH_MAX 8 /* of records that the gate makes; it has four */

struct place { /* "context.args" */
    char text[512];
    struct ts_str names[DEPTH_MAX]; /* below the context */
    unsigned depth;
};

struct comparing {
    const struct cedar_schema *made, *given;
    const struct schema_action *action; /* whose context; NULL: none */
    char where[256];
    schema_found *found;
    void *ctx;
};

static void tell(const struct comparing *c, enum schema_finding kind,
                 const char *fmt, ...) TS_PRINTF(3, 4);

static void tell(const struct comparing *c, enum schema_finding kind,
                 const char *fmt, ...)
{
    char text[1024];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    c->found(c->ctx, kind, c->where, text);
}

struct type_shown {
    char s[256];
};

static struct type_shown type_shown(const struct cedar_type *t)
{
    struct type_shown shown;

    (void)cedar_type_print(t, shown.s, sizeof(shown.s));
    return shown;
}

static struct place below(const struct place *p, struct ts_str name)
{
    struct place b = *p;

    (void)snprintf(b.text, sizeof(b.text), "%.300s.%s", p->text,
                   plan_shown(name).s);
    if (b.depth < DEPTH_MAX)
        b.names[b.depth++] = name;
    return b;
}

/* Whether some action of a tool has this in its context. */
static bool any_has(const struct comparing *c, const struct place *p)
{
    for (uint32_t i = 0; i < c->made->action_count; i++) {
        const struct cedar_type *t = c->made->actions[i].context;
        const struct cedar_attr *a = NULL;

        for (unsigned k = 0; k < p->depth; k++) {
            a = t != NULL && t->kind == TYPE_RECORD
                    ? cedar_attrs_find(t->as.attrs, p->names[k])
                    : NULL;
            t = a != NULL ? a->type : NULL;
        }
        if (a != NULL)
            return true;
    }
    return false;
}

/* Whether an action before this one has it in what people wrote: then it was
 * told already. */
static bool is_told(const struct comparing *c, const struct place *p)
{
    for (uint32_t i = 0; i < c->made->action_count; i++) {
        const struct schema_action *m = &c->made->actions[i], *g;
        const struct cedar_type *t;
        const struct cedar_attr *a = NULL;

        if (m == c->action)
            return false;
        g = cedar_schema_action(c->given, m->uid);
        t = g != NULL ? g->context : NULL;
        for (unsigned k = 0; k < p->depth; k++) {
            a = t != NULL && t->kind == TYPE_RECORD
                    ? cedar_attrs_find(t->as.attrs, p->names[k])
                    : NULL;
            t = a != NULL ? a->type : NULL;
        }
        if (a != NULL)
            return true;
    }
    return false;
}

static void compare_attrs(const struct comparing *c, const struct place *p,
                          const struct cedar_attrs *made,
                          const struct cedar_attrs *given);

static bool is_same_leaf(const struct cedar_type *m, const struct cedar_type *g)
{
    while (m->kind == TYPE_SET && g->kind == TYPE_SET) {
        m = m->as.elem;
        g = g->as.elem;
    }
    if (m->kind != g->kind)
        return false;
    if (m->kind == TYPE_EXT)
        return m->as.ext == g->as.ext;
    return m->kind != TYPE_ENTITY || ts_str_eq(m->as.entities.list[0]->name,
                                               g->as.entities.list[0]->name);
}

static void compare_attr(const struct comparing *c, const struct place *p,
                         const struct cedar_attr *m, const struct cedar_attr *g)
{
    struct place at = below(p, m->name);

    if (g == NULL) {
        tell(c, SCHEMA_LACKS, "%s%s: %s", at.text, m->required ? "" : "?",
             type_shown(m->type).s);
        return;
    }
    if (m->type->kind == TYPE_RECORD && g->type->kind == TYPE_RECORD)
        compare_attrs(c, &at, m->type->as.attrs, g->type->as.attrs);
    else if (!is_same_leaf(m->type, g->type))
        tell(c, SCHEMA_WRONG, "%s is %s, and should be %s", at.text,
             type_shown(g->type).s, type_shown(m->type).s);
    /* Of entities, those of entities.json are held to it as they are read. */
    if (c->action != NULL && g->required && !m->required)
        tell(c, SCHEMA_WRONG,
             "%s should be optional (`%s?`): not every call "
             "has it",
             at.text, plan_shown(m->name).s);
}

static void compare_attrs(const struct comparing *c, const struct place *p,
                          const struct cedar_attrs *made,
                          const struct cedar_attrs *given)
{
    for (uint32_t i = 0; i < made->count; i++)
        compare_attr(c, p, &made->list[i],
                     cedar_attrs_find(given, made->list[i].name));
    for (uint32_t i = 0; i < given->count; i++) {
        const struct cedar_attr *g = &given->list[i];
        struct place at;

        if (cedar_attrs_find(made, g->name) != NULL)
            continue;
        at = below(p, g->name);
        if (g->required)
            tell(c, SCHEMA_WRONG, "%s should be optional (`%s?`) or go: %s",
                 at.text, plan_shown(g->name).s,
                 c->action != NULL
                     ? "no call has it"
                     : "only what entities.json describes has it");
        else if (c->action != NULL && !any_has(c, &at) && !is_told(c, &at))
            tell(c, SCHEMA_MORE, "%s: no tool gives it", at.text);
    }
}

static bool has_type(const struct cedar_schema *s, const uint32_t *list,
                     uint32_t count, struct ts_str name)
{
    for (uint32_t i = 0; i < count; i++)
        if (ts_str_eq(s->entities[list[i]].name, name))
            return true;
    return false;
}

/* What of one list of types is not in the other. */
static void compare_types(const struct comparing *c, const char *what,
                          enum schema_finding kind,
                          const struct cedar_schema *of, const uint32_t *list,
                          uint32_t count, const struct cedar_schema *in,
                          const uint32_t *other, uint32_t other_count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct ts_str name = of->entities[list[i]].name;

        if (!has_type(in, other, other_count, name))
            tell(c, kind, "%s %s", what, plan_shown(name).s);
    }
}

static void compare_action(struct comparing *c, const struct schema_action *m)
{
    const struct schema_action *g = cedar_schema_action(c->given, m->uid);
    const struct place at = {.text = "context"};

    if (m->principal_count == 0)
        return;
    (void)snprintf(c->where, sizeof(c->where), "action \"%s\"",
                   plan_shown(m->uid->id).s);
    if (g == NULL) {
        tell(c, SCHEMA_LACKS, "is not declared");
        return;
    }
    compare_types(c, "principal", SCHEMA_LACKS, c->made, m->principals,
                  m->principal_count, c->given, g->principals,
                  g->principal_count);
    compare_types(c, "principal", SCHEMA_MORE, c->given, g->principals,
                  g->principal_count, c->made, m->principals,
                  m->principal_count);
    compare_types(c, "resource", SCHEMA_LACKS, c->made, m->resources,
                  m->resource_count, c->given, g->resources, g->resource_count);
    compare_types(c, "resource", SCHEMA_MORE, c->given, g->resources,
                  g->resource_count, c->made, m->resources, m->resource_count);
    c->action = m;
    compare_attrs(c, &at, m->context->as.attrs, g->context->as.attrs);
    c->action = NULL;
}

static bool is_resource(const struct cedar_schema *s,
                        const struct schema_entity *t)
{
    for (uint32_t i = 0; i < s->action_count; i++)
        for (uint32_t k = 0; k < s->actions[i].resource_count; k++)
            if (s->actions[i].resources[k] == t->index)
                return true;
    return false;
}

static void compare_entity(struct comparing *c, const struct schema_entity *m)
{
    const struct schema_entity *g = cedar_schema_entity(c->given, m->name);
    bool resource = is_resource(c->made, m);
    const struct place at = {.text = "attribute"};

    if (m->is_action)
        return;
    (void)snprintf(c->where, sizeof(c->where), "entity %s",
                   plan_shown(m->name).s);
    if (g == NULL) {
        tell(c, SCHEMA_LACKS, "is not declared");
        return;
    }
    if (g->choice_count > 0)
        tell(c, SCHEMA_WRONG, "is an enum, and its ids come from arguments");
    compare_types(c, "in", SCHEMA_LACKS, c->made, m->ancestors,
                  m->ancestor_count, c->given, g->ancestors, g->ancestor_count);
    if (resource)
        compare_attrs(c, &at, m->attrs, g->attrs);
    for (uint32_t i = 0; !resource && i < m->attrs->count; i++)
        compare_attr(c, &at, &m->attrs->list[i],
                     cedar_attrs_find(g->attrs, m->attrs->list[i].name));
}

void schema_compare(const struct cedar_schema *made,
                    const struct cedar_schema *given, schema_found *found,
                    void *ctx)
{
    struct comparing c = {
        .made = made, .given = given, .found = found, .ctx = ctx};

    for (uint32_t i = 0; i < made->entity_count; i++)
        compare_entity(&c, &made->entities[i]);
    for (uint32_t i = 0; i < made->action_count; i++)
        compare_action(&c, &made->actions[i]);
    for (uint32_t i = 0; i < given->action_count; i++) {
        const struct schema_action *g = &given->actions[i];

        if (g->principal_count == 0 || g->resource_count == 0 ||
            cedar_schema_action(made, g->uid) != NULL)
            continue;
        (void)snprintf(c.where, sizeof(c.where), "action \"%s\"",
                       plan_shown(g->uid->id).s);
        tell(&c, SCHEMA_MORE, "no tool has it");
    }
}
