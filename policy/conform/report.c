/* What is said when data does not fit the schema: who, which attribute, what
 * was declared, what stood there, what may have been meant. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "policy/conform/conform.h"
#include "policy/core/diag.h"
#include "policy/core/limits.h"
#include "policy/core/name.h"
#include "policy/core/value.h"

struct path {
    char s[160];
    size_t len;
};

static void TS_PRINTF(2, 3) add(struct path *p, const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(p->s + p->len, sizeof(p->s) - p->len, fmt, ap);
    va_end(ap);
    if (n > 0)
        p->len += (size_t)n;
    if (p->len >= sizeof(p->s)) { /* marked, so that nobody takes it as whole */
        p->len = sizeof(p->s) - 1;
        memcpy(p->s + p->len - 3, "...", 3);
    }
}

static void add_step(struct path *p, const struct conform_step *step)
{
    struct cedar_quoted q = cedar_quote(step->key);

    switch (step->kind) {
    case CONFORM_ATTR:
        if (cedar_ident_ok(step->key))
            add(p, ".%s", q.s);
        else
            add(p, "[\"%s\"]", q.s);
        break;
    case CONFORM_TAG:
        add(p, ".getTag(\"%s\")", q.s);
        break;
    case CONFORM_MEMBER:
        add(p, "[%u]", step->index);
        break;
    }
}

/* User::"a".address.zip */
static struct path path_of(const struct conform *c,
                           const struct conform_step *at)
{
    const struct conform_step *steps[CEDAR_VALUE_DEPTH];
    struct path p = {.len = 0};
    uint32_t n = 0;

    if (c->uid != NULL)
        add(&p, "%s::\"%s\"", cedar_quote(c->uid->type).s,
            cedar_quote(c->uid->id).s);
    else
        add(&p, "context");
    for (; at != NULL && n < CEDAR_VALUE_DEPTH; at = at->up)
        steps[n++] = at;
    while (n > 0)
        add_step(&p, steps[--n]);
    return p;
}

static void TS_PRINTF(5, 6)
    put(const struct conform *c, const char *code, const char *label,
        const char *hint, const char *fmt, ...)
{
    struct cedar_diag_about about = {.label = label, .hint = hint};
    va_list ap;

    va_start(ap, fmt);
    cedar_diag_vput(c->diags, CEDAR_ERROR, code, c->span, &about, fmt, ap);
    va_end(ap);
}

/* The nearest of the names, as a hint; empty when none is near. */
static void near(char *out, size_t cap, struct ts_str name,
                 const struct ts_str *list, size_t count)
{
    struct ts_str best = cedar_did_you_mean(name, list, count);

    out[0] = '\0';
    if (best.len > 0)
        (void)snprintf(out, cap, "did you mean `%s`?", cedar_quote(best).s);
}

/* At most this many candidates are compared for a hint. */
#define CANDIDATES 256

/* What v is, as a type is written. */
static void value_type(const struct cedar_value *v, char *out, size_t cap)
{
    static const char *const names[] = {
        [CEDAR_BOOL] = "Bool",         [CEDAR_LONG] = "Long",
        [CEDAR_STRING] = "String",     [CEDAR_SET] = "a set",
        [CEDAR_RECORD] = "a record",   [CEDAR_DECIMAL] = "decimal",
        [CEDAR_IPADDR] = "ipaddr",     [CEDAR_DATETIME] = "datetime",
        [CEDAR_DURATION] = "duration",
    };

    if (v->kind == CEDAR_ENTITY)
        (void)snprintf(out, cap, "an entity of type %s",
                       cedar_quote(v->as.uid->type).s);
    else
        (void)snprintf(out, cap, "%s",
                       v->kind != CEDAR_NONE ? names[v->kind] : "nothing");
}

static bool say_type(const struct conform *c, const struct conform_step *at,
                     const struct cedar_type *should, const char *found)
{
    char type[64], label[CEDAR_LABEL_BYTES];
    struct path p;

    if (c->diags == NULL)
        return false;
    p = path_of(c, at);
    (void)cedar_type_print(should, type, sizeof(type));
    (void)snprintf(label, sizeof(label), "expected %s", type);
    put(c, "wrong_type", label, NULL, "%.130s should be %s but is %.60s", p.s,
        type, found);
    return false;
}

bool conform_say_type(const struct conform *c, const struct conform_step *at,
                      const struct cedar_type *should,
                      const struct cedar_value *found)
{
    char s[100];

    if (c->diags == NULL)
        return false;
    value_type(found, s, sizeof(s));
    return say_type(c, at, should, s);
}

bool conform_say_json(const struct conform *c, const struct conform_step *at,
                      const struct cedar_type *should, const struct json *found)
{
    return say_type(c, at, should, cedar_json_kind_name(found->kind));
}

bool conform_say_fault(const struct conform *c, const struct conform_step *at,
                       const char *text)
{
    if (c->diags != NULL)
        put(c, "bad_value", NULL, NULL, "%.110s: %s", path_of(c, at).s, text);
    return false;
}

bool conform_say_missing(const struct conform *c, const struct conform_step *up,
                         const struct cedar_attr *attr)
{
    char type[64], hint[CEDAR_HINT_BYTES];
    struct path p;

    if (c->diags == NULL)
        return false;
    p = path_of(c, up);
    (void)cedar_type_print(attr->type, type, sizeof(type));
    (void)snprintf(hint, sizeof(hint), "add it, of type %s", type);
    put(c, "missing_attribute", NULL, hint,
        "%.150s has no attribute `%s`, which is required", p.s,
        cedar_quote(attr->name).s);
    return false;
}

bool conform_say_unknown(const struct conform *c, const struct conform_step *at,
                         const struct cedar_attrs *attrs)
{
    struct ts_str names[CANDIDATES];
    char hint[CEDAR_HINT_BYTES];
    struct path p;
    uint32_t n = 0;

    if (c->diags == NULL)
        return false;
    p = path_of(c, at);
    for (; n < attrs->count && n < CANDIDATES; n++)
        names[n] = attrs->list[n].name;
    near(hint, sizeof(hint), at->key, names, n);
    put(c, "unknown_attribute", "not declared", hint,
        "%.150s is not declared in the schema", p.s);
    return false;
}

bool conform_say_tag(const struct conform *c, const struct conform_step *at)
{
    if (c->diags != NULL)
        put(c, "unexpected_tag", "not allowed", NULL,
            "%.120s: the schema allows no tags on `%s`", path_of(c, at).s,
            cedar_quote(c->uid->type).s);
    return false;
}

/* `a`, `b`, ... as far as they fit. */
static void list_ids(char *out, size_t cap, const char *head,
                     const struct schema_entity *t)
{
    size_t len = (size_t)snprintf(out, cap, "%s", head);

    for (uint32_t i = 0; i < t->choice_count; i++) {
        struct cedar_quoted q = cedar_quote(t->choices[i]);

        if (len + strlen(q.s) + 10 > cap) {
            (void)snprintf(out + len, cap - len, ", ...");
            return;
        }
        len += (size_t)snprintf(out + len, cap - len, "%s\"%s\"",
                                i > 0 ? ", " : "", q.s);
    }
}

bool conform_say_enum(const struct conform *c, const struct schema_entity *t,
                      const struct cedar_uid *uid,
                      const struct conform_step *at)
{
    char hint[CEDAR_HINT_BYTES];

    if (c->diags == NULL)
        return false;
    list_ids(hint, sizeof(hint), "declared are ", t);
    if (at != NULL)
        put(c, "unknown_enum_id", "not declared", hint,
            "%.100s: `%s` has no \"%s\"", path_of(c, at).s,
            cedar_quote(t->name).s, cedar_quote(uid->id).s);
    else
        put(c, "unknown_enum_id", "not declared", hint,
            "the enumeration `%s` has no \"%s\"", cedar_quote(t->name).s,
            cedar_quote(uid->id).s);
    return false;
}

bool conform_say_action(const struct conform *c, const struct cedar_uid *uid)
{
    struct ts_str ids[CANDIDATES];
    char hint[CEDAR_HINT_BYTES];
    uint32_t n = 0;

    if (c->diags == NULL)
        return false;
    for (uint32_t i = 0; i < c->schema->action_count && n < CANDIDATES; i++)
        if (ts_str_eq(c->schema->actions[i].uid->type, uid->type))
            ids[n++] = c->schema->actions[i].uid->id;
    near(hint, sizeof(hint), uid->id, ids, n);
    put(c, "unknown_action", "not declared", hint,
        "the schema has no action `%s::\"%s\"`", cedar_quote(uid->type).s,
        cedar_quote(uid->id).s);
    return false;
}

bool conform_say_no_type(const struct conform *c, const char *what,
                         struct ts_str type)
{
    struct ts_str names[CANDIDATES];
    char hint[CEDAR_HINT_BYTES];
    uint32_t n = 0;

    if (c->diags == NULL)
        return false;
    for (uint32_t i = 0; i < c->schema->entity_count && n < CANDIDATES; i++)
        if (!c->schema->entities[i].is_action)
            names[n++] = c->schema->entities[i].name;
    near(hint, sizeof(hint), type, names, n);
    put(c, "unknown_type", "not declared", hint,
        "the %s type `%s` is not declared in the schema", what,
        cedar_quote(type).s);
    return false;
}

/* "`A`, `B`, ...": the names of entity types, by index, as far as they fit. */
static void list_types(const struct conform *c, char *out, size_t cap,
                       const char *head, const uint32_t *list, uint32_t count)
{
    size_t len =
        (size_t)snprintf(out, cap, "%s%s", head, count > 0 ? "" : "nothing");

    for (uint32_t i = 0; i < count; i++) {
        struct cedar_quoted q = cedar_quote(c->schema->entities[list[i]].name);

        if (len + strlen(q.s) + 10 > cap) {
            (void)snprintf(out + len, cap - len, ", ...");
            return;
        }
        len += (size_t)snprintf(out + len, cap - len, "%s`%s`",
                                i > 0 ? ", " : "", q.s);
    }
}

bool conform_say_parent(const struct conform *c, const struct schema_entity *t,
                        const struct cedar_uid *parent)
{
    char hint[CEDAR_HINT_BYTES];

    if (c->diags == NULL)
        return false;
    list_types(c, hint, sizeof(hint), "it may be in ", t->ancestors,
               t->ancestor_count);
    put(c, "wrong_parent", "not allowed", hint,
        "%.120s may not be in an entity of type `%s`", path_of(c, NULL).s,
        cedar_quote(parent->type).s);
    return false;
}

bool conform_say_not_for(const struct conform *c, const char *what,
                         struct ts_str type, const struct schema_action *a,
                         const uint32_t *list, uint32_t count)
{
    char hint[CEDAR_HINT_BYTES];

    if (c->diags == NULL)
        return false;
    list_types(c, hint, sizeof(hint), "it is for ", list, count);
    put(c, "not_applicable", "not for this action", hint,
        "the action `%.60s::\"%.60s\"` is not for a %s of type `%.60s`",
        cedar_quote(a->uid->type).s, cedar_quote(a->uid->id).s, what,
        cedar_quote(type).s);
    return false;
}
