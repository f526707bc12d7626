/* A plan as text in Cedar's schema syntax. */
#include <stdio.h>
#include <string.h>

#include "cli/schema/plan.h"
#include "policy/core/name.h"
#include "sidecar/gate/decide/context_types.h"

#define PLAN_BUDGET ((size_t)64 << 20)

struct field {
    const char *name, *type;
};
#define FIELD(name, type)        {name, type},
#define FIELDS(table, map)       static const struct field table[] = {map(FIELD)}
#define COUNT(table)             (sizeof(table) / sizeof((table)[0]))
#define COMMON_FIELDS(name, map) {name, {map(FIELD)}},

FIELDS(context_fields, CONTEXT_FIELD_TYPES);
FIELDS(provenance_fields, CONTEXT_PROVENANCE_TYPES);

#define COMMON_FIELDS_MAX 16
static const struct common {
    const char *name;
    struct field fields[COMMON_FIELDS_MAX]; /* up to one without a name */
} commons[] = {CONTEXT_TYPES(COMMON_FIELDS)};

struct writer {
    const struct plan *p;
    struct ts_buf *out;
    const struct plan_action *action; /* whose context is being written */
    unsigned depth;
    ts_err err; /* sticky */
};

static void put(struct writer *w, struct ts_str s)
{
    if (w->err == TS_OK)
        w->err = ts_buf_append(w->out, s.ptr, s.len);
}

static void put_text(struct writer *w, const char *s)
{
    put(w, ts_str_of(s));
}

static void indent(struct writer *w)
{
    for (unsigned i = 0; i < w->depth; i++)
        put_text(w, "    ");
}

/* Names of actions and arguments are of letters, digits and ._-:/ where they
 * come from manifests; from a schema they may be anything. */
static void put_quoted(struct writer *w, struct ts_str s)
{
    uint8_t *room = NULL;

    put_text(w, "\"");
    if (w->err == TS_OK)
        w->err = ts_buf_reserve(w->out, s.len * 4 + 1, &room);
    if (w->err == TS_OK)
        ts_buf_grew(w->out,
                    ts_str_escape((char *)room, s.len * 4 + 1, s.ptr, s.len));
    put_text(w, "\"");
}

static void put_name(struct writer *w, struct ts_str s)
{
    if (cedar_ident_ok(s))
        put(w, s);
    else
        put_quoted(w, s);
}

static bool is_entity(const struct plan *p, const char *name, struct ts_str end)
{
    size_t len = strlen(name);

    for (const struct plan_entity *t = p->entities; t != NULL; t = t->next)
        if (t->name.len == len + end.len &&
            memcmp(t->name.ptr, name, len) == 0 &&
            memcmp(t->name.ptr + len, end.ptr, end.len) == 0)
            return true;
    return false;
}

/* A common type may not be called as an entity type is, which a manifest may
 * call as it likes. */
static void put_common_name(struct writer *w, const char *name)
{
    struct ts_str all = {"________________________________", 32};
    bool taken = true;

    for (size_t n = 0; taken && n < all.len; n++) {
        struct ts_str end = {all.ptr, n};

        taken = is_entity(w->p, name, end);
        if (!taken) {
            put_text(w, name);
            put(w, end);
        }
    }
}

static void begin(struct writer *w)
{
    put_text(w, "{\n");
    w->depth++;
}

static void end(struct writer *w)
{
    w->depth--;
    indent(w);
    put_text(w, "}");
}

static void put_attrs(struct writer *w, const struct plan_attr *list)
{
    if (list == NULL) {
        put_text(w, "{}");
        return;
    }
    begin(w);
    for (; list != NULL; list = list->next) {
        indent(w);
        put_name(w, list->name);
        put_text(w, list->required ? ": " : "?: ");
        put(w, list->type);
        put_text(w, ",\n");
    }
    end(w);
}

/* Where each argument that was given comes from. */
static void put_found(struct writer *w)
{
    const struct plan_attr *a = w->action->args;

    if (a == NULL) {
        put_text(w, "{}");
        return;
    }
    begin(w);
    for (; a != NULL; a = a->next) {
        indent(w);
        put_name(w, a->name);
        put_text(w, a->required ? ": " : "?: ");
        put_common_name(w, "Found");
        put_text(w, ",\n");
    }
    end(w);
}

static void put_fields(struct writer *w, const struct field *list,
                       size_t count);

static void put_type(struct writer *w, const char *type)
{
    if (type[0] == '$')
        put_common_name(w, type + 1);
    else if (strcmp(type, "@args") == 0)
        put_attrs(w, w->action->args);
    else if (strcmp(type, "@attrs") == 0)
        put_attrs(w, w->p->grant);
    else if (strcmp(type, "@found") == 0)
        put_found(w);
    else if (strcmp(type, "@provenance") == 0)
        put_fields(w, provenance_fields, COUNT(provenance_fields));
    else
        put_text(w, type);
}

static void put_fields(struct writer *w, const struct field *list, size_t count)
{
    begin(w);
    for (size_t i = 0; i < count && list[i].name != NULL; i++) {
        indent(w);
        put_text(w, list[i].name);
        put_text(w, ": ");
        put_type(w, list[i].type);
        put_text(w, ",\n");
    }
    end(w);
}

static void put_list(struct writer *w, const struct plan_name *list,
                     bool quoted)
{
    put_text(w, "[");
    for (; list != NULL; list = list->next) {
        if (quoted)
            put_quoted(w, list->name);
        else
            put(w, list->name);
        put_text(w, list->next != NULL ? ", " : "]");
    }
}

/* Entities ----------------------------------------------------------------- */

static struct ts_str namespace_of(struct ts_str name)
{
    size_t base = cedar_name_base(name).len;

    name.len = name.len > base ? name.len - base - 2 : 0;
    return name;
}

static void put_entity(struct writer *w, const struct plan_entity *t)
{
    indent(w);
    put_text(w, "entity ");
    put(w, cedar_name_base(t->name));
    if (t->choices != NULL) {
        put_text(w, " enum ");
        put_list(w, t->choices, true);
    }
    if (t->parents != NULL) {
        put_text(w, " in ");
        put_list(w, t->parents, false);
    }
    if (t->attrs != NULL) {
        put_text(w, " = ");
        put_attrs(w, t->attrs);
    }
    if (t->tags.len > 0) {
        put_text(w, " tags ");
        put(w, t->tags);
    }
    put_text(w, ";\n");
}

/* Those of one namespace; they may be apart in the order of names. */
static void put_space(struct writer *w, struct ts_str space)
{
    if (space.len > 0) {
        put_text(w, "\nnamespace ");
        put(w, space);
        put_text(w, " {\n");
        w->depth++;
    }
    for (const struct plan_entity *t = w->p->entities; t != NULL; t = t->next)
        if (ts_str_eq(namespace_of(t->name), space))
            put_entity(w, t);
    if (space.len > 0) {
        w->depth--;
        put_text(w, "}\n");
    }
}

static bool is_first_of(const struct plan *p, const struct plan_entity *t)
{
    struct ts_str space = namespace_of(t->name);
    const struct plan_entity *u = p->entities;

    while (u != t && !ts_str_eq(namespace_of(u->name), space))
        u = u->next;
    return u == t && space.len > 0;
}

static void put_entities(struct writer *w)
{
    put_space(w, TS_STR_LIT(""));
    for (const struct plan_entity *t = w->p->entities; t != NULL; t = t->next)
        if (is_first_of(w->p, t))
            put_space(w, namespace_of(t->name));
}

/* Actions ------------------------------------------------------------------ */

static void put_action(struct writer *w, const struct plan_action *a)
{
    put_text(w, "\naction ");
    put_quoted(w, a->name);
    if (a->groups != NULL) {
        put_text(w, " in ");
        put_list(w, a->groups, true);
    }
    if (a->resources != NULL) {
        w->action = a;
        put_text(w, " appliesTo ");
        begin(w);
        indent(w);
        put_text(w, "principal: [User, Agent],\n");
        indent(w);
        put_text(w, "resource: ");
        put_list(w, a->resources, false);
        put_text(w, ",\n");
        indent(w);
        put_text(w, "context: ");
        put_fields(w, context_fields, COUNT(context_fields));
        put_text(w, ",\n");
        end(w);
    }
    put_text(w, ";\n");
}

ts_err plan_write(struct plan *p, struct ts_buf *out)
{
    struct writer w = {.p = p, .out = out};

    put_text(&w, "// Made by `tipstaff policy schema` of the manifests of "
                 "tools. docs/POLICY-CONTEXT.md\n"
                 "// says what each field means.\n\n");
    for (size_t i = 0; i < COUNT(commons); i++) {
        put_text(&w, "type ");
        put_common_name(&w, commons[i].name);
        put_text(&w, " = ");
        put_fields(&w, commons[i].fields, COMMON_FIELDS_MAX);
        put_text(&w, ";\n");
    }
    put_text(&w, "\n");
    put_entities(&w);
    for (const struct plan_action *a = p->actions; a != NULL; a = a->next)
        put_action(&w, a);
    return w.err;
}

/* What is written is read once more, so that a name that Cedar does not take is
 * told here and not by the service. */
static ts_err check(struct plan *p, const struct ts_buf *out, size_t from)
{
    const struct cedar_source source = {
        "schema", {(const char *)ts_buf_bytes(out) + from, out->len - from}};
    struct cedar_schema *s = NULL;
    struct cedar_diags *diags;
    void *mem;
    ts_err e = ts_arena_alloc(&p->arena, sizeof(*diags), &mem);

    if (e != TS_OK)
        return e;
    diags = mem;
    e = cedar_schema_parse(&source, 1, &s, diags);
    cedar_schema_free(s);
    if (e == TS_E_FORMAT)
        return plan_fail(p,
                         "the schema would not be valid: %s; rename it in the "
                         "manifest or the merged schema",
                         diags->count > 0 ? diags->list[0].text
                                          : ts_err_text(e));
    return e;
}

ts_err schema_write(const struct schema_request *r, struct ts_buf *out,
                    char *reterr_text, size_t reterr_cap)
{
    struct plan p = {.request = r, .text = reterr_text, .cap = reterr_cap};
    size_t from = out->len;
    ts_err e;

    if (reterr_cap > 0)
        reterr_text[0] = '\0';
    ts_arena_init(&p.arena, PLAN_BUDGET);
    e = plan_make(&p);
    if (e == TS_OK && r->merge != NULL)
        e = plan_merge(&p);
    if (e == TS_OK)
        e = plan_write(&p, out);
    if (e == TS_OK)
        e = check(&p, out, from);
    ts_arena_done(&p.arena);
    if (e != TS_OK && reterr_cap > 0 && reterr_text[0] == '\0')
        (void)snprintf(reterr_text, reterr_cap, "%s", ts_err_text(e));
    return e;
}
