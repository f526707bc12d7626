/* A schema in JSON, in the shape in which the official engine writes it. */
#include "policy/json/writer.h"
#include "policy/schema/print_priv.h"

struct out {
    struct printer *p; /* order, and memory for it */
    struct json_writer w;
};

static void type_members(struct out *o, const struct decl_type *t);

static void key(struct out *o, const char *name)
{
    cedar_json_write_key(&o->w, ts_str_of(name));
}

static void member(struct out *o, const char *name, struct ts_str value)
{
    key(o, name);
    cedar_json_write_str(&o->w, value);
}

static void notes(struct out *o, const struct decl_note *list)
{
    uint32_t n;
    const struct decl_note **all = schema_print_notes(o->p, list, &n);

    if (all == NULL)
        return;
    key(o, "annotations");
    cedar_json_write_begin(&o->w, '{');
    for (uint32_t i = 0; i < n; i++) {
        cedar_json_write_key(&o->w, all[i]->key);
        if (all[i]->has_value)
            cedar_json_write_str(&o->w, all[i]->value);
        else
            cedar_json_write_null(&o->w);
    }
    cedar_json_write_end(&o->w, '}');
}

static void type(struct out *o, const struct decl_type *t)
{
    cedar_json_write_begin(&o->w, '{');
    type_members(o, t);
    cedar_json_write_end(&o->w, '}');
}

static void record(struct out *o, const struct decl_type *t)
{
    const struct decl_attr **list = schema_print_attrs(o->p, t);

    member(o, "type", TS_STR_LIT("Record"));
    key(o, "attributes");
    cedar_json_write_begin(&o->w, '{');
    for (uint32_t i = 0; list != NULL && i < t->attr_count; i++) {
        cedar_json_write_key(&o->w, list[i]->name.text);
        cedar_json_write_begin(&o->w, '{');
        type_members(o, list[i]->type);
        notes(o, list[i]->notes);
        if (!list[i]->required) {
            key(o, "required");
            cedar_json_write_bool(&o->w, false);
        }
        cedar_json_write_end(&o->w, '}');
    }
    cedar_json_write_end(&o->w, '}');
}

static void named(struct out *o, const char *kind, struct ts_str name)
{
    member(o, "type", ts_str_of(kind));
    member(o, "name", name);
}

/* What stands between the braces of a type. */
static void type_members(struct out *o, const struct decl_type *t)
{
    switch (t->kind) {
    case DECL_BOOL:
        member(o, "type", TS_STR_LIT("Boolean"));
        break;
    case DECL_LONG:
        member(o, "type", TS_STR_LIT("Long"));
        break;
    case DECL_STRING:
        member(o, "type", TS_STR_LIT("String"));
        break;
    case DECL_SET:
        member(o, "type", TS_STR_LIT("Set"));
        key(o, "element");
        type(o, t->elem);
        break;
    case DECL_RECORD:
        record(o, t);
        break;
    case DECL_ENTITY:
        named(o, "Entity", t->name);
        break;
    case DECL_EITHER:
        named(o, "EntityOrCommon", t->name);
        break;
    case DECL_EXTENSION:
        named(o, "Extension", t->name);
        break;
    case DECL_COMMON:
        member(o, "type", t->name);
        break;
    case DECL_NONE:
        o->p->err = TS_E_STATE;
        break;
    }
}

static void names(struct out *o, const char *name, const struct decl_name *list)
{
    key(o, name);
    cedar_json_write_begin(&o->w, '[');
    for (const struct decl_name *n = list; n != NULL; n = n->next)
        cedar_json_write_str(&o->w, n->text);
    cedar_json_write_end(&o->w, ']');
}

static bool is_empty_record(const struct decl_type *t)
{
    return t == NULL || (t->kind == DECL_RECORD && t->attr_count == 0);
}

static void common(struct out *o, const void *decl)
{
    const struct decl_common *d = decl;

    type_members(o, d->type);
    notes(o, d->notes);
}

static void entity(struct out *o, const void *decl)
{
    const struct decl_entity *d = decl;

    if (d->is_enum)
        names(o, "enum", d->choices);
    if (d->parents != NULL)
        names(o, "memberOfTypes", d->parents);
    if (!is_empty_record(d->shape)) {
        key(o, "shape");
        type(o, d->shape);
    }
    if (d->tags != NULL) {
        key(o, "tags");
        type(o, d->tags);
    }
    notes(o, d->notes);
}

static void applies(struct out *o, const struct decl_action *d)
{
    key(o, "appliesTo");
    cedar_json_write_begin(&o->w, '{');
    names(o, "resourceTypes", d->resources);
    names(o, "principalTypes", d->principals);
    if (!is_empty_record(d->context)) {
        key(o, "context");
        type(o, d->context);
    }
    cedar_json_write_end(&o->w, '}');
}

static void action(struct out *o, const void *decl)
{
    const struct decl_action *d = decl;

    if (d->has_applies)
        applies(o, d);
    if (d->has_parents) {
        key(o, "memberOf");
        cedar_json_write_begin(&o->w, '[');
        for (const struct decl_ref *r = d->parents; r != NULL; r = r->next) {
            cedar_json_write_begin(&o->w, '{');
            member(o, "id", r->id);
            if (r->type.len > 0)
                member(o, "type", r->type);
            cedar_json_write_end(&o->w, '}');
        }
        cedar_json_write_end(&o->w, ']');
    }
    notes(o, d->notes);
}

typedef void (*item_fn)(struct out *o, const void *decl);

static bool failed(const struct out *o)
{
    return o->p->err != TS_OK || o->w.err != TS_OK;
}

static void items(struct out *o, const char *name,
                  const struct print_items *all, item_fn each)
{
    key(o, name);
    cedar_json_write_begin(&o->w, '{');
    for (uint32_t i = 0; i < all->count && !failed(o); i++) {
        cedar_json_write_key(&o->w, all->list[i].name);
        cedar_json_write_begin(&o->w, '{');
        each(o, all->list[i].decl);
        cedar_json_write_end(&o->w, '}');
    }
    cedar_json_write_end(&o->w, '}');
}

static void group(struct out *o, const struct print_group *g)
{
    cedar_json_write_key(&o->w, g->name);
    cedar_json_write_begin(&o->w, '{');
    if (g->commons.count > 0)
        items(o, "commonTypes", &g->commons, common);
    items(o, "entityTypes", &g->entities, entity);
    items(o, "actions", &g->actions, action);
    notes(o, schema_print_group_notes(o->p, g));
    cedar_json_write_end(&o->w, '}');
}

ts_err cedar_schema_print_json(const struct cedar_schema *s, struct ts_buf *out)
{
    struct printer p;
    struct out o = {.p = &p};
    ts_err e = schema_printer_init(&p, s, out);

    if (e == TS_OK) {
        cedar_json_write_init(&o.w, out);
        cedar_json_write_begin(&o.w, '{');
        for (uint32_t i = 0; i < p.group_count && !failed(&o); i++)
            group(&o, &p.groups[i]);
        cedar_json_write_end(&o.w, '}');
        e = cedar_json_write_done(&o.w);
        e = p.err != TS_OK ? p.err : e;
    }
    schema_printer_done(&p);
    return e;
}
