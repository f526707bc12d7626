/* A schema in JSON, in the shape in which the official engine writes it. */
#include <stdio.h>

#include "policy/schema/print_priv.h"
#include "proto/base/ts_buf.h"

static void type_members(struct printer *p, const struct decl_type *t);

static void string(struct printer *p, struct ts_str s)
{
    size_t from = 0;

    schema_print_text(p, "\"");
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        char esc[8];

        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        schema_print_str(p,
                         (struct ts_str){.ptr = s.ptr + from, .len = i - from});
        from = i + 1;
        if (c == '\n' || c == '\r' || c == '\t')
            (void)snprintf(esc, sizeof(esc), "\\%c",
                           c == '\n' ? 'n' : (c == '\r' ? 'r' : 't'));
        else if (c < 0x20)
            (void)snprintf(esc, sizeof(esc), "\\u%04x", (unsigned)c);
        else
            (void)snprintf(esc, sizeof(esc), "\\%c", (char)c);
        schema_print_text(p, esc);
    }
    if (from < s.len)
        schema_print_str(
            p, (struct ts_str){.ptr = s.ptr + from, .len = s.len - from});
    schema_print_text(p, "\"");
}

/* A comma before all but the first. */
static void comma(struct printer *p, bool *first)
{
    if (!*first)
        schema_print_text(p, ",");
    *first = false;
}

static void key(struct printer *p, bool *first, const char *name)
{
    comma(p, first);
    string(p, ts_str_of(name));
    schema_print_text(p, ":");
}

static void notes(struct printer *p, const struct decl_note *list, bool *first)
{
    uint32_t n;
    const struct decl_note **all = schema_print_notes(p, list, &n);
    bool inner = true;

    if (all == NULL)
        return;
    key(p, first, "annotations");
    schema_print_text(p, "{");
    for (uint32_t i = 0; i < n; i++) {
        comma(p, &inner);
        string(p, all[i]->key);
        schema_print_text(p, ":");
        if (all[i]->has_value)
            string(p, all[i]->value);
        else
            schema_print_text(p, "null");
    }
    schema_print_text(p, "}");
}

static void type(struct printer *p, const struct decl_type *t)
{
    schema_print_text(p, "{");
    type_members(p, t);
    schema_print_text(p, "}");
}

static void record(struct printer *p, const struct decl_type *t)
{
    const struct decl_attr **list = schema_print_attrs(p, t);

    schema_print_text(p, "\"type\":\"Record\",\"attributes\":{");
    for (uint32_t i = 0; list != NULL && i < t->attr_count; i++) {
        bool inner = false; /* "type" came first */

        schema_print_text(p, i > 0 ? "," : "");
        string(p, list[i]->name.text);
        schema_print_text(p, ":{");
        type_members(p, list[i]->type);
        notes(p, list[i]->notes, &inner);
        if (!list[i]->required)
            schema_print_text(p, ",\"required\":false");
        schema_print_text(p, "}");
    }
    schema_print_text(p, "}");
}

static void named(struct printer *p, const char *kind, struct ts_str name)
{
    schema_print_text(p, "\"type\":\"");
    schema_print_text(p, kind);
    schema_print_text(p, "\",\"name\":");
    string(p, name);
}

/* What stands between the braces of a type. */
static void type_members(struct printer *p, const struct decl_type *t)
{
    switch (t->kind) {
    case DECL_BOOL:
        schema_print_text(p, "\"type\":\"Boolean\"");
        break;
    case DECL_LONG:
        schema_print_text(p, "\"type\":\"Long\"");
        break;
    case DECL_STRING:
        schema_print_text(p, "\"type\":\"String\"");
        break;
    case DECL_SET:
        schema_print_text(p, "\"type\":\"Set\",\"element\":");
        type(p, t->elem);
        break;
    case DECL_RECORD:
        record(p, t);
        break;
    case DECL_ENTITY:
        named(p, "Entity", t->name);
        break;
    case DECL_EITHER:
        named(p, "EntityOrCommon", t->name);
        break;
    case DECL_EXTENSION:
        named(p, "Extension", t->name);
        break;
    case DECL_COMMON:
        schema_print_text(p, "\"type\":");
        string(p, t->name);
        break;
    case DECL_NONE:
        p->err = TS_E_STATE;
        break;
    }
}

static void names(struct printer *p, const struct decl_name *list)
{
    bool first = true;

    schema_print_text(p, "[");
    for (const struct decl_name *n = list; n != NULL; n = n->next) {
        comma(p, &first);
        string(p, n->text);
    }
    schema_print_text(p, "]");
}

static bool is_empty_record(const struct decl_type *t)
{
    return t == NULL || (t->kind == DECL_RECORD && t->attr_count == 0);
}

static void common(struct printer *p, const void *decl)
{
    const struct decl_common *d = decl;
    bool first = false;

    schema_print_text(p, "{");
    type_members(p, d->type);
    notes(p, d->notes, &first);
    schema_print_text(p, "}");
}

static void entity(struct printer *p, const void *decl)
{
    const struct decl_entity *d = decl;
    bool first = true;

    schema_print_text(p, "{");
    if (d->is_enum) {
        key(p, &first, "enum");
        names(p, d->choices);
    }
    if (d->parents != NULL) {
        key(p, &first, "memberOfTypes");
        names(p, d->parents);
    }
    if (!is_empty_record(d->shape)) {
        key(p, &first, "shape");
        type(p, d->shape);
    }
    if (d->tags != NULL) {
        key(p, &first, "tags");
        type(p, d->tags);
    }
    notes(p, d->notes, &first);
    schema_print_text(p, "}");
}

static void applies(struct printer *p, const struct decl_action *d)
{
    schema_print_text(p, "{\"resourceTypes\":");
    names(p, d->resources);
    schema_print_text(p, ",\"principalTypes\":");
    names(p, d->principals);
    if (!is_empty_record(d->context)) {
        schema_print_text(p, ",\"context\":");
        type(p, d->context);
    }
    schema_print_text(p, "}");
}

static void parents(struct printer *p, const struct decl_ref *list)
{
    schema_print_text(p, "[");
    for (const struct decl_ref *r = list; r != NULL; r = r->next) {
        schema_print_text(p, "{\"id\":");
        string(p, r->id);
        if (r->type.len > 0) {
            schema_print_text(p, ",\"type\":");
            string(p, r->type);
        }
        schema_print_text(p, r->next != NULL ? "}," : "}");
    }
    schema_print_text(p, "]");
}

static void action(struct printer *p, const void *decl)
{
    const struct decl_action *d = decl;
    bool first = true;

    schema_print_text(p, "{");
    if (d->has_applies) {
        key(p, &first, "appliesTo");
        applies(p, d);
    }
    if (d->has_parents) {
        key(p, &first, "memberOf");
        parents(p, d->parents);
    }
    notes(p, d->notes, &first);
    schema_print_text(p, "}");
}

typedef void (*item_fn)(struct printer *p, const void *decl);

static void items(struct printer *p, bool *first, const char *name,
                  const struct print_items *all, item_fn each)
{
    bool inner = true;

    key(p, first, name);
    schema_print_text(p, "{");
    for (uint32_t i = 0; i < all->count && p->err == TS_OK; i++) {
        comma(p, &inner);
        schema_print_text(p, "\n");
        string(p, all->list[i].name);
        schema_print_text(p, ":");
        each(p, all->list[i].decl);
    }
    schema_print_text(p, "}");
}

static void group(struct printer *p, const struct print_group *g)
{
    bool first = true;

    p->group = g;
    string(p, g->name);
    schema_print_text(p, ":{");
    if (g->commons.count > 0)
        items(p, &first, "commonTypes", &g->commons, common);
    items(p, &first, "entityTypes", &g->entities, entity);
    items(p, &first, "actions", &g->actions, action);
    notes(p, schema_print_group_notes(p, g), &first);
    schema_print_text(p, "}");
}

ts_err cedar_schema_print_json(const struct cedar_schema *s, struct ts_buf *out)
{
    struct printer p;
    ts_err e = schema_printer_init(&p, s, out);

    if (e == TS_OK) {
        schema_print_text(&p, "{");
        for (uint32_t i = 0; i < p.group_count && p.err == TS_OK; i++) {
            schema_print_text(&p, i > 0 ? ",\n" : "");
            group(&p, &p.groups[i]);
        }
        schema_print_text(&p, "}\n");
        e = p.err;
    }
    schema_printer_done(&p);
    return e;
}
