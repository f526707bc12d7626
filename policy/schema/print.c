/* What both printers share: order, and one place for failures. */
#include "policy/schema/print_priv.h"

#include <string.h>

#include "policy/core/limits.h"
#include "policy/core/name.h"
#include "policy/core/sort.h"
#include "policy/schema/resolve_priv.h"
#include "proto/base/ts_buf.h"

static void *array(struct printer *p, size_t count, size_t size)
{
    void *got = NULL;

    if (p->err == TS_OK)
        p->err = ts_arena_array(&p->scratch, count + 1, size, &got);
    return p->err == TS_OK ? got : NULL;
}

static int by_name(const void *a, const void *b)
{
    const struct print_item *x = a, *y = b;

    return ts_str_cmp(x->name, y->name);
}

static void add(struct printer *p, struct print_items *items,
                struct ts_str name, const void *decl)
{
    uint32_t b = res_builtin(name);

    if (b != UINT32_MAX)
        p->taken[b] = true;
    if (items->list != NULL)
        items->list[items->count] =
            (struct print_item){.name = name, .decl = decl};
    items->count++;
}

/* With lists NULL only counts. */
static void gather(struct printer *p, struct print_group *g)
{
    g->commons.count = g->entities.count = g->actions.count = 0;
    for (uint32_t i = 0; i < g->space_count; i++) {
        const struct decl_space *s = g->spaces[i];

        for (const struct decl_common *d = s->commons; d != NULL; d = d->next)
            add(p, &g->commons, d->name.text, d);
        for (const struct decl_entity *d = s->entities; d != NULL; d = d->next)
            for (const struct decl_name *n = d->names; n != NULL; n = n->next)
                add(p, &g->entities, n->text, d);
        for (const struct decl_action *d = s->actions; d != NULL; d = d->next)
            for (const struct decl_name *n = d->names; n != NULL; n = n->next)
                add(p, &g->actions, n->text, d);
    }
}

static void fill(struct printer *p, struct print_group *g)
{
    struct print_items *all[3] = {&g->commons, &g->entities, &g->actions};

    gather(p, g);
    for (size_t i = 0; i < 3; i++)
        all[i]->list = array(p, all[i]->count, sizeof(struct print_item));
    if (p->err != TS_OK)
        return;
    gather(p, g);
    for (size_t i = 0; i < 3; i++)
        cedar_sort(all[i]->list, all[i]->count, sizeof(struct print_item),
                   by_name);
}

static int by_space(const void *a, const void *b)
{
    const struct decl_space *const *x = a, *const *y = b;
    int c = ts_str_cmp((*x)->name.text, (*y)->name.text);

    if (c != 0)
        return c;
    return (*x)->name.span.source < (*y)->name.span.source ? -1 : 1;
}

static void make_groups(struct printer *p, const struct schema_decls *d)
{
    const struct decl_space **list;
    uint32_t n = 0;

    for (const struct decl_space *s = d->spaces; s != NULL; s = s->next)
        n++;
    list = array(p, n, sizeof(*list));
    p->groups = array(p, n, sizeof(*p->groups));
    if (p->err != TS_OK)
        return;
    n = 0;
    for (const struct decl_space *s = d->spaces; s != NULL; s = s->next)
        list[n++] = s;
    cedar_sort(list, n, sizeof(*list), by_space);
    for (uint32_t i = 0; i < n; i++) {
        struct print_group *g = &p->groups[p->group_count];

        if (i == 0 || !ts_str_eq(list[i]->name.text, g[-1].name)) {
            *g = (struct print_group){.name = list[i]->name.text,
                                      .spaces = &list[i]};
            p->group_count++;
        }
        p->groups[p->group_count - 1].space_count++;
    }
    for (uint32_t i = 0; i < p->group_count; i++)
        fill(p, &p->groups[i]);
}

/* A budget that any schema which could be made can be sorted in. */
#define SCRATCH (CEDAR_SCHEMA_BYTES * CEDAR_SCHEMA_PER_BYTE)

ts_err schema_printer_init(struct printer *p, const struct cedar_schema *s,
                           struct ts_buf *out)
{
    *p = (struct printer){.out = out};
    ts_arena_init(&p->scratch, SCRATCH);
    make_groups(p, s->decls);
    return p->err;
}

void schema_printer_done(struct printer *p)
{
    ts_arena_done(&p->scratch);
}

void schema_print_str(struct printer *p, struct ts_str s)
{
    if (p->err == TS_OK && s.len > 0)
        p->err = ts_buf_append(p->out, s.ptr, s.len);
}

void schema_print_text(struct printer *p, const char *s)
{
    schema_print_str(p, ts_str_of(s));
}

void schema_print_indent(struct printer *p, unsigned depth)
{
    for (unsigned i = 0; i < depth; i++)
        schema_print_text(p, "  ");
}

static int by_attr(const void *a, const void *b)
{
    const struct decl_attr *const *x = a, *const *y = b;

    return ts_str_cmp((*x)->name.text, (*y)->name.text);
}

const struct decl_attr **schema_print_attrs(struct printer *p,
                                            const struct decl_type *t)
{
    const struct decl_attr **list = array(p, t->attr_count, sizeof(*list));
    uint32_t n = 0;

    if (list == NULL)
        return NULL;
    for (const struct decl_attr *a = t->attrs; a != NULL; a = a->next)
        list[n++] = a;
    cedar_sort(list, n, sizeof(*list), by_attr);
    return list;
}

static int by_key(const void *a, const void *b)
{
    const struct decl_note *const *x = a, *const *y = b;

    return ts_str_cmp((*x)->key, (*y)->key);
}

const struct decl_note **schema_print_notes(struct printer *p,
                                            const struct decl_note *notes,
                                            uint32_t *ret_count)
{
    const struct decl_note **list;
    uint32_t n = 0;

    *ret_count = 0;
    for (const struct decl_note *d = notes; d != NULL; d = d->next)
        n++;
    if (n == 0 || (list = array(p, n, sizeof(*list))) == NULL)
        return NULL;
    *ret_count = n;
    n = 0;
    for (const struct decl_note *d = notes; d != NULL; d = d->next)
        list[n++] = d;
    cedar_sort(list, n, sizeof(*list), by_key);
    return list;
}

static bool has_key(const struct decl_note *list, struct ts_str key)
{
    for (; list != NULL; list = list->next)
        if (ts_str_eq(list->key, key))
            return true;
    return false;
}

const struct decl_note *schema_print_group_notes(struct printer *p,
                                                 const struct print_group *g)
{
    const struct decl_note *first = NULL, **end = &first;
    uint32_t count = 0;

    for (uint32_t i = 0; i < g->space_count; i++) {
        for (const struct decl_note *d = g->spaces[i]->notes; d != NULL;
             d = d->next) {
            struct decl_note *copy;

            if (count >= CEDAR_SCHEMA_NOTES || has_key(first, d->key))
                continue;
            if ((copy = array(p, 1, sizeof(*copy))) == NULL)
                return NULL;
            *copy = *d;
            copy->next = NULL;
            *end = copy;
            end = &copy->next;
            count++;
        }
    }
    return first;
}

static const struct print_group *group_named(const struct printer *p,
                                             struct ts_str name)
{
    uint32_t lo = 0, hi = p->group_count;

    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        int c = ts_str_cmp(name, p->groups[mid].name);

        if (c == 0)
            return &p->groups[mid];
        if (c < 0)
            hi = mid;
        else
            lo = mid + 1;
    }
    return NULL;
}

static bool common_in(const struct print_group *g, struct ts_str name)
{
    uint32_t lo = 0, hi = g != NULL ? g->commons.count : 0;

    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        int c = ts_str_cmp(name, g->commons.list[mid].name);

        if (c == 0)
            return true;
        if (c < 0)
            hi = mid;
        else
            lo = mid + 1;
    }
    return false;
}

bool schema_print_names_common(const struct printer *p, struct ts_str name)
{
    struct ts_str base = cedar_name_base(name), ns = {0};

    if (base.len < name.len) {
        ns = (struct ts_str){.ptr = name.ptr, .len = name.len - base.len - 2};
        return common_in(group_named(p, ns), base);
    }
    return common_in(p->group, name) || common_in(group_named(p, ns), name);
}
