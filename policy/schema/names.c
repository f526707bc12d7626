/* The names that a schema declares: sorted, each once, none that the rules of
 * RFC 70 forbid. */
#include <stdio.h>
#include <string.h>

#include "policy/core/diag.h"
#include "policy/core/limits.h"
#include "policy/core/name.h"
#include "policy/core/sort.h"
#include "policy/core/uid.h"
#include "policy/schema/resolve_priv.h"

static int by_place(const struct cedar_span *a, const struct cedar_span *b)
{
    if (a->source != b->source)
        return a->source < b->source ? -1 : 1;
    if (a->offset != b->offset)
        return a->offset < b->offset ? -1 : 1;
    return 0;
}

static int by_common(const void *a, const void *b)
{
    const struct res_common *x = a, *y = b;
    int c = ts_str_cmp(x->name, y->name);

    return c != 0 ? c : by_place(&x->decl->name.span, &y->decl->name.span);
}

static int by_entity(const void *a, const void *b)
{
    const struct res_entity *x = a, *y = b;
    int c = ts_str_cmp(x->name, y->name);

    if (c != 0 || x->at == NULL || y->at == NULL)
        return c;
    return by_place(&x->at->span, &y->at->span);
}

static int by_action(const void *a, const void *b)
{
    const struct res_action *x = a, *y = b;
    int c = cedar_uid_cmp(&x->uid, &y->uid);

    return c != 0 ? c : by_place(&x->at->span, &y->at->span);
}

/* ns::name in the schema's arena; name itself where there is no namespace. */
static ts_err full_name(struct resolver *r, const struct decl_space *space,
                        const struct decl_name *name, struct ts_str *ret)
{
    struct ts_str ns = space->name.text;
    size_t len = ns.len + name->text.len + 2;
    void *p;
    char *out;
    ts_err e;

    *ret = name->text;
    if (len - 2 > CEDAR_SCHEMA_NAME) {
        res_error(r, "limit", name->span, "too long", NULL,
                  "a name has more than %d bytes, its namespace counted",
                  CEDAR_SCHEMA_NAME);
        return TS_OK;
    }
    if (ns.len == 0)
        return TS_OK;
    if ((e = ts_arena_alloc(r->arena, len, &p)) != TS_OK)
        return e;
    out = p;
    memcpy(out, ns.ptr, ns.len);
    memcpy(out + ns.len, "::", 2);
    memcpy(out + ns.len + 2, name->text.ptr, name->text.len);
    *ret = (struct ts_str){.ptr = out, .len = len};
    return TS_OK;
}

static uint32_t name_count(const struct decl_name *n)
{
    uint32_t count = 0;

    for (; n != NULL; n = n->next)
        count++;
    return count;
}

static ts_err make_tables(struct resolver *r)
{
    uint32_t commons = 0, entities = 0, actions = 0, spaces = 0;
    void *c, *n, *a;
    ts_err e;

    for (const struct decl_space *s = r->schema->decls->spaces; s != NULL;
         s = s->next, spaces++) {
        for (const struct decl_common *d = s->commons; d != NULL; d = d->next)
            commons++;
        for (const struct decl_entity *d = s->entities; d != NULL; d = d->next)
            entities += name_count(d->names);
        for (const struct decl_action *d = s->actions; d != NULL; d = d->next)
            actions += name_count(d->names);
    }
    if ((e = ts_arena_array(&r->scratch, commons + 1u, sizeof(*r->commons),
                            &c)) != TS_OK ||
        /* a namespace may add its Action */
        (e = ts_arena_array(&r->scratch, entities + spaces + 1u,
                            sizeof(*r->entities), &n)) != TS_OK ||
        (e = ts_arena_array(&r->scratch, actions + 1u, sizeof(*r->actions),
                            &a)) != TS_OK)
        return e;
    r->commons = c;
    r->entities = n;
    r->actions = a;
    return TS_OK;
}

static ts_err take_entity(struct resolver *r, const struct decl_space *s,
                          const struct decl_entity *d)
{
    for (const struct decl_name *n = d->names; n != NULL; n = n->next) {
        struct res_entity *t = &r->entities[r->entity_count];
        ts_err e;

        if (ts_str_eq_c(n->text, "Action")) {
            res_error(r, "reserved_name", n->span, "a reserved name",
                      "actions are declared with `action`",
                      "an entity type cannot be called `Action`");
            continue;
        }
        *t = (struct res_entity){.space = s, .decl = d, .at = n};
        if ((e = full_name(r, s, n, &t->name)) != TS_OK)
            return e;
        r->entity_count++;
    }
    return TS_OK;
}

static ts_err take_space(struct resolver *r, const struct decl_space *s)
{
    static const struct decl_name action = {
        .text = {.ptr = "Action", .len = 6}};
    struct ts_str type = {0};
    ts_err e;

    for (const struct decl_common *d = s->commons; d != NULL; d = d->next) {
        struct res_common *t = &r->commons[r->common_count++];

        *t = (struct res_common){.space = s, .decl = d};
        if ((e = full_name(r, s, &d->name, &t->name)) != TS_OK)
            return e;
    }
    for (const struct decl_entity *d = s->entities; d != NULL; d = d->next)
        if ((e = take_entity(r, s, d)) != TS_OK)
            return e;
    if (s->actions != NULL && (e = full_name(r, s, &action, &type)) != TS_OK)
        return e;
    for (const struct decl_action *d = s->actions; d != NULL; d = d->next)
        for (const struct decl_name *n = d->names; n != NULL; n = n->next)
            r->actions[r->action_count++] =
                (struct res_action){.uid = cedar_uid_make(type, n->text),
                                    .space = s,
                                    .decl = d,
                                    .at = n};
    return TS_OK;
}

static void twice(struct resolver *r, const char *what, struct ts_str name,
                  const struct cedar_span *first,
                  const struct cedar_span *second)
{
    char label[CEDAR_LABEL_BYTES];

    (void)snprintf(label, sizeof(label), "declared again, first in line %u",
                   first->line);
    res_error(r, "duplicate_declaration", *second, label,
              "keep one of the two declarations", "%s `%s` is declared twice",
              what, cedar_quote(name).s);
}

/* Keeps the first of each name. */
static void drop_duplicates(struct resolver *r)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < r->common_count; i++) {
        const struct res_common *c = &r->commons[i];

        if (n > 0 && ts_str_eq(c->name, r->commons[n - 1].name))
            twice(r, "type", c->name, &r->commons[n - 1].decl->name.span,
                  &c->decl->name.span);
        else
            r->commons[n++] = *c;
    }
    r->common_count = n;
    n = 0;
    for (uint32_t i = 0; i < r->entity_count; i++) {
        const struct res_entity *t = &r->entities[i];

        if (n > 0 && ts_str_eq(t->name, r->entities[n - 1].name))
            twice(r, "entity type", t->name, &r->entities[n - 1].at->span,
                  &t->at->span);
        else
            r->entities[n++] = *t;
    }
    r->entity_count = n;
    n = 0;
    for (uint32_t i = 0; i < r->action_count; i++) {
        const struct res_action *a = &r->actions[i];

        if (n > 0 && cedar_uid_same(&a->uid, &r->actions[n - 1].uid))
            twice(r, "action", a->uid.id, &r->actions[n - 1].at->span,
                  &a->at->span);
        else
            r->actions[n++] = *a;
    }
    r->action_count = n;
}

static int by_space(const void *a, const void *b)
{
    const struct decl_space *const *x = a, *const *y = b;
    int c = ts_str_cmp((*x)->name.text, (*y)->name.text);

    return c != 0 ? c : by_place(&(*x)->name.span, &(*y)->name.span);
}

/* All namespaces by name, those of one name together. */
static ts_err sorted_spaces(struct resolver *r, const struct decl_space ***ret,
                            uint32_t *ret_n)
{
    const struct decl_space **list;
    uint32_t n = 0;
    void *p;
    ts_err e;

    for (const struct decl_space *s = r->schema->decls->spaces; s != NULL;
         s = s->next)
        n++;
    if ((e = ts_arena_array(&r->scratch, n + 1u, sizeof(*list), &p)) != TS_OK)
        return e;
    list = p;
    n = 0;
    for (const struct decl_space *s = r->schema->decls->spaces; s != NULL;
         s = s->next)
        list[n++] = s;
    cedar_sort(list, n, sizeof(*list), by_space);
    *ret = list;
    *ret_n = n;
    return TS_OK;
}

/* Within one source a namespace is written once; several sources may add to
 * it. */
static ts_err check_reopened(struct resolver *r)
{
    const struct decl_space **s;
    uint32_t n;
    ts_err e = sorted_spaces(r, &s, &n);

    for (uint32_t i = 1; e == TS_OK && i < n; i++)
        if (s[i]->name.span.source == s[i - 1]->name.span.source &&
            ts_str_eq(s[i]->name.text, s[i - 1]->name.text))
            twice(r, "namespace", s[i]->name.text, &s[i - 1]->name.span,
                  &s[i]->name.span);
    return e;
}

ts_err res_collect(struct resolver *r)
{
    ts_err e = make_tables(r);

    if (e != TS_OK || (e = check_reopened(r)) != TS_OK)
        return e;
    for (const struct decl_space *s = r->schema->decls->spaces; s != NULL;
         s = s->next)
        if ((e = take_space(r, s)) != TS_OK)
            return e;
    cedar_sort(r->commons, r->common_count, sizeof(*r->commons), by_common);
    cedar_sort(r->entities, r->entity_count, sizeof(*r->entities), by_entity);
    cedar_sort(r->actions, r->action_count, sizeof(*r->actions), by_action);
    drop_duplicates(r);
    for (uint32_t i = 0; i < BUILTINS; i++)
        r->hidden[i] = false;
    for (uint32_t i = 0; i < r->common_count; i++)
        if (r->commons[i].space->name.text.len == 0 &&
            res_builtin(r->commons[i].name) != UINT32_MAX)
            r->hidden[res_builtin(r->commons[i].name)] = true;
    for (uint32_t i = 0; i < r->entity_count; i++)
        if (r->entities[i].space->name.text.len == 0 &&
            res_builtin(r->entities[i].name) != UINT32_MAX)
            r->hidden[res_builtin(r->entities[i].name)] = true;
    return TS_OK;
}

ts_err res_add_action_types(struct resolver *r)
{
    const struct decl_space **s;
    uint32_t n;
    ts_err e = sorted_spaces(r, &s, &n);

    for (uint32_t i = 0; e == TS_OK && i < n; i++) {
        static const struct decl_name action = {
            .text = {.ptr = "Action", .len = 6}};
        struct res_entity *t = &r->entities[r->entity_count];

        if (s[i]->actions == NULL)
            continue;
        *t = (struct res_entity){.space = s[i]};
        e = full_name(r, s[i], &action, &t->name);
        if (e == TS_OK &&
            (r->entity_count == 0 || !ts_str_eq(t->name, (t - 1)->name) ||
             (t - 1)->decl != NULL))
            r->entity_count++;
    }
    cedar_sort(r->entities, r->entity_count, sizeof(*r->entities), by_entity);
    return e;
}

static void shadows(struct resolver *r, const struct decl_name *at,
                    struct ts_str full, const char *what)
{
    res_error(r, "shadowed_name", at->span, "hides another declaration",
              "give one of the two another name",
              "%s `%s` hides `%s`, which is declared outside any namespace",
              what, cedar_quote(full).s, cedar_quote(at->text).s);
}

static bool in_empty(const struct resolver *r, struct ts_str name)
{
    struct ts_str none = {0};

    return res_common_at(r, none, name) != UINT32_MAX ||
           res_entity_at(r, none, name) != UINT32_MAX;
}

void res_check_shadowing(struct resolver *r)
{
    for (uint32_t i = 0; i < r->common_count; i++)
        if (r->commons[i].space->name.text.len > 0 &&
            in_empty(r, r->commons[i].decl->name.text))
            shadows(r, &r->commons[i].decl->name, r->commons[i].name, "type");
    for (uint32_t i = 0; i < r->entity_count; i++)
        if (r->entities[i].space->name.text.len > 0 &&
            in_empty(r, r->entities[i].at->text))
            shadows(r, r->entities[i].at, r->entities[i].name, "entity type");
    for (uint32_t i = 0; i < r->action_count; i++) {
        const struct res_action *a = &r->actions[i];
        static const struct decl_space empty = {0};
        struct decl_ref ref = {.id = a->uid.id};

        if (a->space->name.text.len > 0 &&
            res_find_action(r, &empty, &ref) != NULL)
            shadows(r, a->at, a->uid.id, "action");
    }
}
