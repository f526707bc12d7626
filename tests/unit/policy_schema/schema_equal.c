#include "tests/unit/policy_schema/schema_equal.h"

#include <stdio.h>
#include <string.h>

struct pair {
    const struct cedar_schema *a, *b;
    char *why;
    size_t cap;
};

static bool differ(struct pair *p, struct ts_str name, const char *what)
{
    (void)snprintf(p->why, p->cap, "%.*s: %s", (int)name.len, name.ptr, what);
    return false;
}

/* Equal types of one schema are one object, so a pair that was found equal is
 * worth remembering: common types that double make trees without end. */
#define MEMO 4096u
static struct memo {
    const struct cedar_type *a, *b;
} memo[MEMO];

static struct memo *memo_of(const struct cedar_type *a,
                            const struct cedar_type *b)
{
    return &memo[(((uintptr_t)a >> 4) * 31 + ((uintptr_t)b >> 4)) % MEMO];
}

static bool same_type(const struct cedar_type *a, const struct cedar_type *b);

static bool same_attrs(const struct cedar_attrs *a, const struct cedar_attrs *b)
{
    if (a->count != b->count || a->open != b->open)
        return false;
    for (uint32_t i = 0; i < a->count; i++)
        if (!ts_str_eq(a->list[i].name, b->list[i].name) ||
            a->list[i].required != b->list[i].required ||
            !same_type(a->list[i].type, b->list[i].type))
            return false;
    return true;
}

static bool same_type(const struct cedar_type *a, const struct cedar_type *b)
{
    if (a->kind != b->kind)
        return false;
    if (a->kind == TYPE_EXT)
        return a->as.ext == b->as.ext;
    if (a->kind == TYPE_SET)
        return same_type(a->as.elem, b->as.elem);
    if (a->kind == TYPE_RECORD) {
        struct memo *m = memo_of(a, b);

        if (m->a == a && m->b == b)
            return true;
        if (!same_attrs(a->as.attrs, b->as.attrs))
            return false;
        *m = (struct memo){.a = a, .b = b};
        return true;
    }
    if (a->kind == TYPE_ENTITY)
        return a->as.entities.count == 1 && b->as.entities.count == 1 &&
               ts_str_eq(a->as.entities.list[0]->name,
                         b->as.entities.list[0]->name);
    return true;
}

static bool same_list(const uint32_t *a, uint32_t an, const uint32_t *b,
                      uint32_t bn)
{
    return an == bn && (an == 0 || memcmp(a, b, an * sizeof(*a)) == 0);
}

static bool same_entity(struct pair *p, const struct schema_entity *a,
                        const struct schema_entity *b)
{
    if (!ts_str_eq(a->name, b->name) || a->is_action != b->is_action)
        return differ(p, a->name, "another entity type");
    if (!same_attrs(a->attrs, b->attrs))
        return differ(p, a->name, "attributes");
    if ((a->tags == NULL) != (b->tags == NULL) ||
        (a->tags != NULL && !same_type(a->tags, b->tags)))
        return differ(p, a->name, "tags");
    if (a->choice_count != b->choice_count)
        return differ(p, a->name, "choices");
    for (uint32_t i = 0; i < a->choice_count; i++)
        if (!ts_str_eq(a->choices[i], b->choices[i]))
            return differ(p, a->name, "choices");
    if (!same_list(a->ancestors, a->ancestor_count, b->ancestors,
                   b->ancestor_count) ||
        !same_list(a->descendants, a->descendant_count, b->descendants,
                   b->descendant_count))
        return differ(p, a->name, "hierarchy");
    return true;
}

static bool same_action(struct pair *p, const struct schema_action *a,
                        const struct schema_action *b)
{
    if (!cedar_uid_eq(a->uid, b->uid) ||
        !ts_str_eq(a->type->name, b->type->name))
        return differ(p, a->uid->id, "another action");
    if (!same_type(a->context, b->context))
        return differ(p, a->uid->id, "context");
    if (a->principal_count > 0 && a->resource_count > 0 &&
        (!same_list(a->principals, a->principal_count, b->principals,
                    b->principal_count) ||
         !same_list(a->resources, a->resource_count, b->resources,
                    b->resource_count)))
        return differ(p, a->uid->id, "principals or resources");
    if (!same_list(a->ancestors, a->ancestor_count, b->ancestors,
                   b->ancestor_count) ||
        !same_list(a->descendants, a->descendant_count, b->descendants,
                   b->descendant_count))
        return differ(p, a->uid->id, "hierarchy");
    if (a->parent_count != b->parent_count)
        return differ(p, a->uid->id, "parents");
    for (uint32_t i = 0; i < a->parent_count; i++)
        if (!cedar_uid_eq(a->parents[i], b->parents[i]))
            return differ(p, a->uid->id, "parents");
    return true;
}

bool schema_equal(const struct cedar_schema *a, const struct cedar_schema *b,
                  char *why, size_t cap)
{
    struct pair p = {.a = a, .b = b, .why = why, .cap = cap};
    struct ts_str none = TS_STR_LIT("schema");

    memset(memo, 0, sizeof(memo));
    if (a->entity_count != b->entity_count)
        return differ(&p, none, "number of entity types");
    if (a->action_count != b->action_count)
        return differ(&p, none, "number of actions");
    for (uint32_t i = 0; i < a->entity_count; i++)
        if (!same_entity(&p, &a->entities[i], &b->entities[i]))
            return false;
    for (uint32_t i = 0; i < a->action_count; i++)
        if (!same_action(&p, &a->actions[i], &b->actions[i]))
            return false;
    return true;
}
