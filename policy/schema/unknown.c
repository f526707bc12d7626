/* Names that nothing declares: what the reader may have meant. */
#include <stdio.h>

#include "policy/core/diag.h"
#include "policy/core/lit.h"
#include "policy/core/name.h"
#include "policy/schema/resolve_priv.h"

void res_error(struct resolver *r, const char *code, struct cedar_span span,
               const char *label, const char *hint, const char *fmt, ...)
{
    struct cedar_diag_about about = {.label = label, .hint = hint};
    va_list ap;

    r->failed = true;
    va_start(ap, fmt);
    cedar_diag_vput(r->diags, CEDAR_ERROR, code, span, &about, fmt, ap);
    va_end(ap);
}

/* What other languages call the types of Cedar. */
static const char *synonym(struct ts_str name)
{
    static const struct {
        struct ts_str other;
        const char *ours;
    } table[] = {
        {CEDAR_LIT("Boolean"), "Bool"},   {CEDAR_LIT("boolean"), "Bool"},
        {CEDAR_LIT("bool"), "Bool"},      {CEDAR_LIT("Int"), "Long"},
        {CEDAR_LIT("int"), "Long"},       {CEDAR_LIT("Integer"), "Long"},
        {CEDAR_LIT("integer"), "Long"},   {CEDAR_LIT("Number"), "Long"},
        {CEDAR_LIT("number"), "Long"},    {CEDAR_LIT("Float"), "decimal"},
        {CEDAR_LIT("Double"), "decimal"}, {CEDAR_LIT("Text"), "String"},
        {CEDAR_LIT("Str"), "String"},     {CEDAR_LIT("Date"), "datetime"},
        {CEDAR_LIT("Time"), "datetime"},  {CEDAR_LIT("Timestamp"), "datetime"},
        {CEDAR_LIT("IP"), "ipaddr"},      {CEDAR_LIT("ip"), "ipaddr"},
        {CEDAR_LIT("List"), "Set<...>"},  {CEDAR_LIT("Array"), "Set<...>"},
        {CEDAR_LIT("Set"), "Set<...>"},   {CEDAR_LIT("Record"), "{ ... }"},
        {CEDAR_LIT("Map"), "{ ... }"},    {CEDAR_LIT("Object"), "{ ... }"},
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (ts_str_eq(name, table[i].other))
            return table[i].ours;
    return NULL;
}

/* The same name in a namespace; empty when there is none. */
static struct ts_str elsewhere(const struct resolver *r, struct ts_str base,
                               unsigned want)
{
    for (uint32_t i = 0; (want & WANT_ENTITY) != 0 && i < r->entity_count; i++)
        if (ts_str_eq(cedar_name_base(r->entities[i].name), base))
            return r->entities[i].name;
    for (uint32_t i = 0; (want & WANT_COMMON) != 0 && i < r->common_count; i++)
        if (ts_str_eq(cedar_name_base(r->commons[i].name), base))
            return r->commons[i].name;
    return (struct ts_str){0};
}

/* The nearest of all names that could stand here, as they would be written. */
static struct ts_str nearest(struct resolver *r, struct ts_str ns,
                             struct ts_str name, unsigned want)
{
    static const struct ts_str own[] = {
        CEDAR_LIT("Bool"),     CEDAR_LIT("Long"),   CEDAR_LIT("String"),
        CEDAR_LIT("decimal"),  CEDAR_LIT("ipaddr"), CEDAR_LIT("datetime"),
        CEDAR_LIT("duration"),
    };
    struct ts_str *list, none = {0};
    uint32_t n = 0;
    void *p;

    if (ts_arena_array(&r->scratch,
                       (size_t)r->entity_count + r->common_count + BUILTINS,
                       sizeof(*list), &p) != TS_OK)
        return none; /* a hint is not worth a failure */
    list = p;
    for (uint32_t i = 0; (want & WANT_COMMON) != 0 && i < BUILTINS; i++)
        list[n++] = own[i];
    for (uint32_t i = 0; (want & WANT_ENTITY) != 0 && i < r->entity_count; i++)
        list[n++] = ts_str_eq(r->entities[i].space->name.text, ns)
                        ? cedar_name_base(r->entities[i].name)
                        : r->entities[i].name;
    for (uint32_t i = 0; (want & WANT_COMMON) != 0 && i < r->common_count; i++)
        list[n++] = ts_str_eq(r->commons[i].space->name.text, ns)
                        ? cedar_name_base(r->commons[i].name)
                        : r->commons[i].name;
    return cedar_did_you_mean(name, list, n);
}

static void type_hint(struct resolver *r, const struct decl_space *space,
                      struct ts_str name, unsigned want, char *out, size_t cap)
{
    const char *ours = (want & WANT_COMMON) != 0 ? synonym(name) : NULL;
    struct ts_str near = {0};

    if (ours != NULL) {
        (void)snprintf(out, cap, "Cedar calls it `%s`", ours);
        return;
    }
    if (r->diags == NULL || r->diags->count < CEDAR_DIAGS_MAX) {
        near = elsewhere(r, cedar_name_base(name), want);
        if (near.len == 0)
            near = nearest(r, space->name.text, name, want);
    }
    if (near.len > 0)
        (void)snprintf(out, cap, "did you mean `%s`?", cedar_quote(near).s);
    else if (want == WANT_ENTITY)
        (void)snprintf(out, cap, "declare it: entity %s;",
                       cedar_quote(cedar_name_base(name)).s);
    else
        (void)snprintf(out, cap, "declare it with `entity` or `type`");
}

void res_unknown_type(struct resolver *r, const struct decl_space *space,
                      struct ts_str name, struct cedar_span span, unsigned want)
{
    struct found other = res_find(r, space, name, WANT_COMMON | WANT_ENTITY);
    const char *what = "type";
    char hint[CEDAR_HINT_BYTES];

    if (other.kind != FOUND_NONE) {
        res_error(r, "wrong_kind_of_type", span,
                  want == WANT_ENTITY ? "an entity type is needed here"
                                      : "a common type is needed here",
                  NULL, "`%s` is %s, not %s", cedar_quote(name).s,
                  other.kind == FOUND_ENTITY ? "an entity type"
                                             : "the name of another type",
                  want == WANT_ENTITY ? "an entity type" : "a common type");
        return;
    }
    if (want == WANT_ENTITY)
        what = "entity type";
    else if (want == WANT_COMMON)
        what = "common type";
    type_hint(r, space, name, want, hint, sizeof(hint));
    res_error(r, "unknown_type", span, "not declared", hint,
              "%s `%s` is not declared in the schema", what,
              cedar_quote(name).s);
}

void res_unknown_action(struct resolver *r, const struct decl_space *space,
                        const struct decl_ref *ref)
{
    struct ts_str near = {0}, *list;
    char hint[192] = "declare it: action ...;";
    void *p;

    if ((r->diags == NULL || r->diags->count < CEDAR_DIAGS_MAX) &&
        ts_arena_array(&r->scratch, r->action_count + 1u, sizeof(*list), &p) ==
            TS_OK) {
        list = p;
        for (uint32_t i = 0; i < r->action_count; i++)
            list[i] = r->actions[i].uid.id;
        near = cedar_did_you_mean(ref->id, list, r->action_count);
    }
    for (uint32_t i = 0; i < r->action_count; i++) {
        const struct res_action *a = &r->actions[i];

        if (ts_str_eq(a->uid.id, ref->id) && a->space != space) {
            (void)snprintf(hint, sizeof(hint), "did you mean %s::\"%s\"?",
                           cedar_quote(a->uid.type).s,
                           cedar_quote(a->uid.id).s);
            near.len = 0;
            break;
        }
    }
    if (near.len > 0)
        (void)snprintf(hint, sizeof(hint), "did you mean `%s`?",
                       cedar_quote(near).s);
    res_error(r, "unknown_action", ref->span, "not declared", hint,
              "action `%s` is not declared in the schema",
              cedar_quote(ref->id).s);
}
