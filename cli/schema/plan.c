/* What the gate makes of each manifest: entity types, actions, arguments. */
#include "cli/schema/plan.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct ts_str issuer_attrs[] = {
    {"acr", 3}, {"amr", 3}, {"auth_time", 9}, {"sid", 3}};
const struct schema_names schema_grant_attrs = {
    issuer_attrs, sizeof(issuer_attrs) / sizeof(issuer_attrs[0])};

ts_err plan_fail(struct plan *p, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(p->text, p->cap, fmt, ap);
    va_end(ap);
    return TS_E_INVALID;
}

void plan_note(const struct plan *p, const char *fmt, ...)
{
    char text[512];
    va_list ap;

    if (p->request->note == NULL)
        return;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    p->request->note(p->request->ctx, text);
}

struct plan_shown plan_shown(struct ts_str s)
{
    struct plan_shown shown;

    (void)ts_str_show(shown.s, sizeof(shown.s), s.ptr, s.len);
    return shown;
}

ts_err plan_entity(struct plan *p, struct ts_str name, struct plan_entity **ret)
{
    struct plan_entity **at = &p->entities, *new;
    void *mem;
    ts_err e;

    while (*at != NULL && ts_str_cmp((*at)->name, name) < 0)
        at = &(*at)->next;
    if (*at == NULL || !ts_str_eq((*at)->name, name)) {
        if ((e = ts_arena_alloc(&p->arena, sizeof(*new), &mem)) != TS_OK)
            return e;
        new = mem;
        *new = (struct plan_entity){.name = name, .next = *at};
        *at = new;
    }
    *ret = *at;
    return TS_OK;
}

ts_err plan_action(struct plan *p, struct ts_str name, struct plan_action **ret)
{
    struct plan_action **at = &p->actions, *new;
    void *mem;
    ts_err e;

    while (*at != NULL && ts_str_cmp((*at)->name, name) < 0)
        at = &(*at)->next;
    if (*at == NULL || !ts_str_eq((*at)->name, name)) {
        if ((e = ts_arena_alloc(&p->arena, sizeof(*new), &mem)) != TS_OK)
            return e;
        new = mem;
        *new = (struct plan_action){.name = name, .next = *at};
        *at = new;
    }
    *ret = *at;
    return TS_OK;
}

ts_err plan_name_add(struct plan *p, struct plan_name **list,
                     struct ts_str name)
{
    struct plan_name *new;
    void *mem;
    ts_err e;

    while (*list != NULL && ts_str_cmp((*list)->name, name) < 0)
        list = &(*list)->next;
    if (*list != NULL && ts_str_eq((*list)->name, name))
        return TS_OK;
    if ((e = ts_arena_alloc(&p->arena, sizeof(*new), &mem)) != TS_OK)
        return e;
    new = mem;
    *new = (struct plan_name){.name = name, .next = *list};
    *list = new;
    return TS_OK;
}

struct plan_attr *plan_attr_find(struct plan_attr *list, struct ts_str name)
{
    while (list != NULL && !ts_str_eq(list->name, name))
        list = list->next;
    return list;
}

ts_err plan_attr(struct plan *p, struct plan_attr **list, struct ts_str name,
                 struct plan_attr **ret)
{
    struct plan_attr *new;
    void *mem;
    ts_err e;

    while (*list != NULL && !ts_str_eq((*list)->name, name))
        list = &(*list)->next;
    if (*list == NULL) {
        if ((e = ts_arena_alloc(&p->arena, sizeof(*new), &mem)) != TS_OK)
            return e;
        new = mem;
        *new = (struct plan_attr){.name = name};
        *list = new;
    }
    *ret = *list;
    return TS_OK;
}

/* Entity types ------------------------------------------------------------- */

/* always: the gate gives it to each entity of the type, and no other part of
 * the program makes entities of it. */
static ts_err attr(struct plan *p, struct plan_entity *t, struct ts_str name,
                   struct ts_str type, bool always)
{
    struct plan_attr *a;
    ts_err e = plan_attr(p, &t->attrs, name, &a);

    if (e != TS_OK)
        return e;
    if (a->type.len == 0)
        *a = (struct plan_attr){.name = name, .type = type, .required = always};
    if (!ts_str_eq(a->type, type))
        return plan_fail(p,
                         "attribute \"%s\" of %s is made as %s and as %s; "
                         "rename it in the directory",
                         plan_shown(name).s, plan_shown(t->name).s,
                         plan_shown(a->type).s, plan_shown(type).s);
    a->required = a->required && always;
    return TS_OK;
}

static ts_err text_attr(struct plan *p, struct plan_entity *t, const char *name,
                        bool always)
{
    return attr(p, t, ts_str_of(name), TS_STR_LIT("String"), always);
}

/* What a resource of any type has. */
static ts_err labels(struct plan *p, struct plan_entity *t, bool always)
{
    ts_err e = text_attr(p, t, "sensitivity", always);

    return e != TS_OK ? e
                      : attr(p, t, TS_STR_LIT("sensitivity_level"),
                             TS_STR_LIT("Long"), always);
}

/* A type that is in itself, or in another. */
static ts_err container(struct plan *p, const char *name, const char *in,
                        struct plan_entity **ret)
{
    ts_err e = plan_entity(p, ts_str_of(name), ret);

    return e != TS_OK ? e : plan_name_add(p, &(*ret)->parents, ts_str_of(in));
}

/* Folders stand in entities.json for a label alone, so nothing of them is
 * demanded. */
static ts_err path_type(struct plan *p, const struct manifest *m)
{
    bool is_file = m->resource == RESOURCE_FILE;
    struct plan_entity *t, *dir;
    ts_err e;

    if ((e = container(p, "Dir", "Dir", &dir)) != TS_OK ||
        (e = container(p, is_file ? "File" : "Dir", "Dir", &t)) != TS_OK ||
        (e = text_attr(p, t, "name", is_file)) != TS_OK ||
        (e = text_attr(p, t, "path", is_file)) != TS_OK ||
        (e = labels(p, t, is_file)) != TS_OK)
        return e;
    return text_attr(p, dir, "sensitivity", false);
}

static ts_err url_type(struct plan *p)
{
    struct plan_entity *t, *host;
    ts_err e;

    if ((e = container(p, "Host", "Host", &host)) != TS_OK ||
        (e = container(p, "Url", "Host", &t)) != TS_OK ||
        (e = text_attr(p, t, "host", true)) != TS_OK ||
        (e = text_attr(p, t, "path", true)) != TS_OK ||
        (e = attr(p, t, TS_STR_LIT("port"), TS_STR_LIT("Long"), true)) !=
            TS_OK ||
        (e = text_attr(p, t, "scheme", true)) != TS_OK ||
        (e = labels(p, t, true)) != TS_OK)
        return e;
    return text_attr(p, host, "sensitivity", false);
}

/* People, folders and hosts exist without a call, too. */
static bool is_made_elsewhere(struct ts_str type)
{
    return ts_str_eq_c(type, "User") || ts_str_eq_c(type, "Agent") ||
           ts_str_eq_c(type, "Uses") || ts_str_eq_c(type, "Sums") ||
           ts_str_eq_c(type, "Group") || ts_str_eq_c(type, "Dir") ||
           ts_str_eq_c(type, "Host");
}

static ts_err named_type(struct plan *p, struct ts_str name)
{
    bool always = !is_made_elsewhere(name);
    struct plan_entity *t;
    ts_err e = plan_entity(p, name, &t);

    if (e == TS_OK)
        e = text_attr(p, t, "name", always);
    return e == TS_OK ? labels(p, t, always) : e;
}

static struct ts_str type_of(const struct manifest *m)
{
    return m->resource == RESOURCE_TOOL ? TS_STR_LIT("Tool") : m->resource_type;
}

static ts_err resource_type(struct plan *p, const struct manifest *m)
{
    switch (m->resource) {
    case RESOURCE_FILE:
    case RESOURCE_DIR:
        return path_type(p, m);
    case RESOURCE_URL:
        return url_type(p);
    case RESOURCE_TOOL:
    case RESOURCE_NAMED:
        break;
    }
    return named_type(p, type_of(m));
}

static ts_err attrs_of(struct plan *p, struct plan_entity *t,
                       const struct directory_attr *list, uint32_t count)
{
    ts_err e = TS_OK;

    for (uint32_t i = 0; e == TS_OK && i < count; i++)
        e = attr(p, t, list[i].key, TS_STR_LIT("String"), false);
    return e;
}

/* What permits count: context.uses and context.sums. */
static ts_err counter_types(struct plan *p)
{
    struct plan_entity *uses = NULL, *sums = NULL;
    ts_err e = plan_entity(p, TS_STR_LIT("Uses"), &uses);

    if (e == TS_OK)
        e = plan_entity(p, TS_STR_LIT("Sums"), &sums);
    if (e == TS_OK) {
        uses->tags = TS_STR_LIT("Long");
        sums->tags = TS_STR_LIT("decimal");
    }
    return e;
}

static ts_err people_types(struct plan *p)
{
    const struct directory_snapshot *s = p->request->people;
    struct plan_entity *user, *agent, *group;
    ts_err e = counter_types(p);

    if (e != TS_OK || (e = container(p, "Group", "Group", &group)) != TS_OK ||
        (e = container(p, "User", "Group", &user)) != TS_OK ||
        (e = container(p, "Agent", "Agent", &agent)) != TS_OK ||
        (e = attr(p, agent, TS_STR_LIT("owner"), TS_STR_LIT("User"), false)) !=
            TS_OK)
        return e;
    for (size_t i = 0; s != NULL && e == TS_OK && i < s->user_count; i++)
        e = attrs_of(p, user, s->users[i].attrs, s->users[i].attr_count);
    for (size_t i = 0; s != NULL && e == TS_OK && i < s->agent_count; i++)
        e = attrs_of(p, agent, s->agents[i].attrs, s->agents[i].attr_count);
    return e;
}

/* Actions ------------------------------------------------------------------ */

static struct ts_str cedar_type_of(enum arg_type t)
{
    switch (t) {
    case ARG_INT:
        return TS_STR_LIT("Long");
    case ARG_BOOL:
        return TS_STR_LIT("Bool");
    case ARG_STRINGS:
        return TS_STR_LIT("Set<String>");
    case ARG_DECIMAL:
        return TS_STR_LIT("decimal");
    case ARG_STRING:
    case ARG_PATH:
    case ARG_URL:
    case ARG_JSON:
        break;
    }
    return TS_STR_LIT("String");
}

static ts_err argument(struct plan *p, struct plan_action *a,
                       const struct manifest *m, const struct manifest_arg *d)
{
    struct ts_str type = cedar_type_of(d->type);
    struct plan_attr *at;
    ts_err e = plan_attr(p, &a->args, d->name, &at);

    if (e != TS_OK)
        return e;
    if (at->type.len == 0)
        *at = (struct plan_attr){
            .name = d->name, .type = type, .required = d->required};
    if (!ts_str_eq(at->type, type))
        return plan_fail(p,
                         "%s and %s have the action \"%s\", and its argument "
                         "\"%s\" is %s in one and %s in the other; give one of "
                         "them an action of its own",
                         plan_shown(a->tool->file).s, plan_shown(m->file).s,
                         plan_shown(a->name).s, plan_shown(d->name).s,
                         plan_shown(at->type).s, plan_shown(type).s);
    at->required = at->required && d->required;
    at->tools++;
    return TS_OK;
}

static ts_err add_tool(struct plan *p, const struct manifest *m)
{
    struct plan_action *a = NULL;
    ts_err e = resource_type(p, m);

    if (e == TS_OK)
        e = plan_action(p, m->action, &a);
    if (e == TS_OK)
        e = plan_name_add(p, &a->resources, type_of(m));
    if (e != TS_OK)
        return e;
    if (a->tool == NULL)
        a->tool = m;
    a->tools++;
    for (uint32_t i = 0; e == TS_OK && i < m->arg_count; i++)
        e = argument(p, a, m, &m->args[i]);
    return e;
}

ts_err plan_make(struct plan *p)
{
    const struct schema_request *r = p->request;
    ts_err e = people_types(p);

    for (uint32_t i = 0; e == TS_OK && i < r->manifests->count; i++)
        e = add_tool(p, &r->manifests->list[i]);
    for (struct plan_action *a = p->actions; e == TS_OK && a != NULL;
         a = a->next)
        for (struct plan_attr *d = a->args; d != NULL; d = d->next)
            d->required = d->required && d->tools == a->tools;
    for (size_t i = 0; e == TS_OK && i < r->grant_attrs.count; i++) {
        struct plan_attr *at;

        e = plan_attr(p, &p->grant, r->grant_attrs.list[i], &at);
        if (e == TS_OK)
            at->type = TS_STR_LIT("String");
    }
    return e;
}
