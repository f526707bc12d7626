/* A schema in Cedar's own syntax. What it cannot say (a shape that is the name
 * of a type; an entity type that a common type of the same name hides) is
 * TS_E_UNSUPPORTED. */
#include "policy/core/name.h"
#include "policy/schema/print_priv.h"
#include "policy/schema/resolve_priv.h"
#include "proto/base/ts_buf.h"

static void type(struct printer *p, const struct decl_type *t, unsigned depth);

/* Four bytes at most come of one. */
static void quoted(struct printer *p, struct ts_str s)
{
    uint8_t *room;

    schema_print_text(p, "\"");
    if (p->err == TS_OK && s.len > 0) {
        p->err = ts_buf_reserve(p->out, s.len * 4 + 1, &room);
        if (p->err == TS_OK)
            ts_buf_grew(p->out, ts_str_escape((char *)room, s.len * 4 + 1,
                                              s.ptr, s.len));
    }
    schema_print_text(p, "\"");
}

static void name_or_quoted(struct printer *p, struct ts_str s)
{
    if (decl_ident_ok(s))
        schema_print_str(p, s);
    else
        quoted(p, s);
}

static void notes(struct printer *p, const struct decl_note *list,
                  unsigned depth)
{
    uint32_t n;
    const struct decl_note **all = schema_print_notes(p, list, &n);

    for (uint32_t i = 0; all != NULL && i < n; i++) {
        schema_print_indent(p, depth);
        schema_print_text(p, "@");
        schema_print_str(p, all[i]->key);
        if (all[i]->value.len > 0) {
            schema_print_text(p, "(");
            quoted(p, all[i]->value);
            schema_print_text(p, ")");
        }
        schema_print_text(p, "\n");
    }
}

static void record(struct printer *p, const struct decl_type *t, unsigned depth)
{
    const struct decl_attr **list = schema_print_attrs(p, t);

    if (t->attr_count == 0) {
        schema_print_text(p, "{}");
        return;
    }
    schema_print_text(p, "{\n");
    for (uint32_t i = 0; list != NULL && i < t->attr_count; i++) {
        notes(p, list[i]->notes, depth + 1);
        schema_print_indent(p, depth + 1);
        name_or_quoted(p, list[i]->name.text);
        schema_print_text(p, list[i]->required ? ": " : "?: ");
        type(p, list[i]->type, depth + 1);
        schema_print_text(p, ",\n");
    }
    schema_print_indent(p, depth);
    schema_print_text(p, "}");
}

/* `Long` where nothing else is called so, else `__cedar::Long`. */
static void builtin(struct printer *p, struct ts_str name)
{
    uint32_t i = res_builtin(name);

    if (i == UINT32_MAX || p->taken[i])
        schema_print_text(p, "__cedar::");
    schema_print_str(p, name);
}

static void type(struct printer *p, const struct decl_type *t, unsigned depth)
{
    switch (t->kind) {
    case DECL_BOOL:
        builtin(p, TS_STR_LIT("Bool"));
        break;
    case DECL_LONG:
        builtin(p, TS_STR_LIT("Long"));
        break;
    case DECL_STRING:
        builtin(p, TS_STR_LIT("String"));
        break;
    case DECL_SET:
        schema_print_text(p, "Set<");
        type(p, t->elem, depth);
        schema_print_text(p, ">");
        break;
    case DECL_RECORD:
        record(p, t, depth);
        break;
    case DECL_EXTENSION:
        builtin(p, t->name);
        break;
    case DECL_ENTITY:
        if (p->err == TS_OK && schema_print_names_common(p, t->name))
            p->err = TS_E_UNSUPPORTED;
        schema_print_str(p, t->name);
        break;
    case DECL_COMMON:
    case DECL_EITHER:
        schema_print_str(p, t->name);
        break;
    case DECL_NONE:
        p->err = TS_E_STATE;
        break;
    }
}

static void names(struct printer *p, const struct decl_name *list)
{
    schema_print_text(p, "[");
    for (const struct decl_name *n = list; n != NULL; n = n->next) {
        schema_print_str(p, n->text);
        schema_print_text(p, n->next != NULL ? ", " : "]");
    }
}

static void entity(struct printer *p, const struct print_item *item,
                   unsigned depth)
{
    const struct decl_entity *d = item->decl;

    notes(p, d->notes, depth);
    schema_print_indent(p, depth);
    schema_print_text(p, "entity ");
    schema_print_str(p, item->name);
    if (d->is_enum) {
        schema_print_text(p, " enum [");
        for (const struct decl_name *c = d->choices; c != NULL; c = c->next) {
            quoted(p, c->text);
            schema_print_text(p, c->next != NULL ? ", " : "]");
        }
    }
    if (d->parents != NULL) {
        schema_print_text(p, " in ");
        names(p, d->parents);
    }
    if (d->shape != NULL && d->shape->kind != DECL_RECORD && p->err == TS_OK)
        p->err = TS_E_UNSUPPORTED;
    if (d->shape != NULL && d->shape->attr_count > 0) {
        schema_print_text(p, " = ");
        type(p, d->shape, depth);
    }
    if (d->tags != NULL) {
        schema_print_text(p, " tags ");
        type(p, d->tags, depth);
    }
    schema_print_text(p, ";\n");
}

static void action_parents(struct printer *p, const struct decl_ref *list)
{
    schema_print_text(p, " in [");
    for (const struct decl_ref *r = list; r != NULL; r = r->next) {
        if (r->type.len > 0) {
            schema_print_str(p, r->type);
            schema_print_text(p, "::");
            quoted(p, r->id);
        } else {
            name_or_quoted(p, r->id);
        }
        schema_print_text(p, r->next != NULL ? ", " : "]");
    }
}

/* Text has no type but a name or a record for a context; both names mean a
 * common type there. */
static void context(struct printer *p, const struct decl_type *t,
                    unsigned depth)
{
    if (t->kind == DECL_RECORD || t->kind == DECL_COMMON ||
        t->kind == DECL_EITHER)
        type(p, t, depth);
    else if (p->err == TS_OK)
        p->err = TS_E_UNSUPPORTED;
}

static void action(struct printer *p, const struct print_item *item,
                   unsigned depth)
{
    const struct decl_action *d = item->decl;

    notes(p, d->notes, depth);
    schema_print_indent(p, depth);
    schema_print_text(p, "action ");
    name_or_quoted(p, item->name);
    if (d->parents != NULL)
        action_parents(p, d->parents);
    /* Without principals or resources it applies to nothing: a group. */
    if (d->principals != NULL && d->resources != NULL) {
        schema_print_text(p, " appliesTo {\n");
        schema_print_indent(p, depth + 1);
        schema_print_text(p, "principal: ");
        names(p, d->principals);
        schema_print_text(p, ",\n");
        schema_print_indent(p, depth + 1);
        schema_print_text(p, "resource: ");
        names(p, d->resources);
        if (d->context != NULL) {
            schema_print_text(p, ",\n");
            schema_print_indent(p, depth + 1);
            schema_print_text(p, "context: ");
            context(p, d->context, depth + 1);
        }
        schema_print_text(p, "\n");
        schema_print_indent(p, depth);
        schema_print_text(p, "}");
    }
    schema_print_text(p, ";\n");
}

static void common(struct printer *p, const struct print_item *item,
                   unsigned depth)
{
    const struct decl_common *d = item->decl;

    notes(p, d->notes, depth);
    schema_print_indent(p, depth);
    schema_print_text(p, "type ");
    schema_print_str(p, item->name);
    schema_print_text(p, " = ");
    type(p, d->type, depth);
    schema_print_text(p, ";\n");
}

typedef void (*item_fn)(struct printer *p, const struct print_item *item,
                        unsigned depth);

/* A blank line before each but the first in its braces. */
static void items(struct printer *p, const struct print_items *all,
                  item_fn each, unsigned depth, bool *first)
{
    for (uint32_t i = 0; i < all->count && p->err == TS_OK; i++) {
        if (!*first)
            schema_print_text(p, "\n");
        *first = false;
        each(p, &all->list[i], depth);
    }
}

static void group(struct printer *p, const struct print_group *g, bool *first)
{
    bool inner = true, *f = g->name.len > 0 ? &inner : first;
    unsigned depth = g->name.len > 0 ? 1 : 0;

    p->group = g;
    if (g->name.len > 0) {
        if (!*first)
            schema_print_text(p, "\n");
        *first = false;
        notes(p, schema_print_group_notes(p, g), 0);
        schema_print_text(p, "namespace ");
        schema_print_str(p, g->name);
        schema_print_text(p, " {\n");
    }
    items(p, &g->commons, common, depth, f);
    items(p, &g->entities, entity, depth, f);
    items(p, &g->actions, action, depth, f);
    if (g->name.len > 0)
        schema_print_text(p, "}\n");
}

ts_err cedar_schema_print(const struct cedar_schema *s, struct ts_buf *out)
{
    struct printer p;
    bool first = true;
    ts_err e = schema_printer_init(&p, s, out);

    for (uint32_t i = 0; e == TS_OK && i < p.group_count; i++) {
        group(&p, &p.groups[i], &first);
        e = p.err;
    }
    schema_printer_done(&p);
    return e;
}
