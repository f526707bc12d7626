/* What people wrote and no manifest says: groups of actions, more types. */
#include <string.h>

#include "cli/schema/plan.h"
#include "policy/core/name.h"
#include "policy/schema/schema.h"

/* Common types that double make texts of exponential length. */
#define TYPE_TEXT_MAX ((size_t)1 << 20)

static void type_text(struct ts_buf *out, const struct cedar_type *t,
                      ts_err *err);

static void put(struct ts_buf *out, struct ts_str s, ts_err *err)
{
    if (*err == TS_OK)
        *err = ts_buf_append(out, s.ptr, s.len);
}

static void put_text(struct ts_buf *out, const char *s, ts_err *err)
{
    put(out, ts_str_of(s), err);
}

static void put_quoted(struct ts_buf *out, struct ts_str s, ts_err *err)
{
    uint8_t *room = NULL;

    put_text(out, "\"", err);
    if (*err == TS_OK)
        *err = ts_buf_reserve(out, s.len * 4 + 1, &room);
    if (*err == TS_OK)
        ts_buf_grew(out,
                    ts_str_escape((char *)room, s.len * 4 + 1, s.ptr, s.len));
    put_text(out, "\"", err);
}

static void record_text(struct ts_buf *out, const struct cedar_attrs *a,
                        ts_err *err)
{
    put_text(out, "{ ", err);
    for (uint32_t i = 0; i < a->count && *err == TS_OK; i++) {
        if (i > 0)
            put_text(out, ", ", err);
        if (cedar_ident_ok(a->list[i].name))
            put(out, a->list[i].name, err);
        else
            put_quoted(out, a->list[i].name, err);
        put_text(out, a->list[i].required ? ": " : "?: ", err);
        type_text(out, a->list[i].type, err);
    }
    put_text(out, " }", err);
}

static const char *extension_name(enum cedar_kind kind)
{
    if (kind == CEDAR_DECIMAL)
        return "decimal";
    if (kind == CEDAR_IPADDR)
        return "ipaddr";
    return kind == CEDAR_DATETIME ? "datetime" : "duration";
}

static void type_text(struct ts_buf *out, const struct cedar_type *t,
                      ts_err *err)
{
    switch (t->kind) {
    case TYPE_BOOL:
        put_text(out, "Bool", err);
        return;
    case TYPE_LONG:
        put_text(out, "Long", err);
        return;
    case TYPE_STRING:
        put_text(out, "String", err);
        return;
    case TYPE_EXT:
        put_text(out, extension_name(t->as.ext), err);
        return;
    case TYPE_ENTITY:
        put(out, t->as.entities.list[0]->name, err);
        return;
    case TYPE_SET:
        put_text(out, "Set<", err);
        type_text(out, t->as.elem, err);
        put_text(out, ">", err);
        return;
    case TYPE_RECORD:
        record_text(out, t->as.attrs, err);
        return;
    case TYPE_NONE: /* none of these is in a schema */
    case TYPE_NEVER:
    case TYPE_TRUE:
    case TYPE_FALSE:
    case TYPE_ANY_ENTITY:
        break;
    }
    if (*err == TS_OK)
        *err = TS_E_STATE;
}

static ts_err text_of(struct plan *p, const struct cedar_type *t,
                      struct ts_str *ret)
{
    struct ts_buf out;
    const char *copy = NULL;
    ts_err e = TS_OK;

    ts_buf_init(&out, TYPE_TEXT_MAX);
    type_text(&out, t, &e);
    if (e == TS_OK)
        e = ts_arena_strndup(&p->arena, (const char *)ts_buf_bytes(&out),
                             out.len, &copy);
    if (e == TS_OK)
        *ret = (struct ts_str){copy, out.len};
    ts_buf_done(&out);
    return e;
}

/* One that the gate makes stays of its type, but may be optional: entities.json
 * need not give it then. */
static ts_err merge_attr(struct plan *p, struct plan_entity *t,
                         const struct cedar_attr *a)
{
    struct plan_attr *have = plan_attr_find(t->attrs, a->name);
    struct ts_str type;
    ts_err e = text_of(p, a->type, &type);

    if (e != TS_OK)
        return e;
    if (have != NULL && !ts_str_eq(have->type, type)) {
        plan_note(p, "%s.%s is %s, not %s", plan_shown(t->name).s,
                  plan_shown(a->name).s, plan_shown(have->type).s,
                  plan_shown(type).s);
        return TS_OK;
    }
    if (have != NULL) {
        have->required = have->required && a->required;
        return TS_OK;
    }
    e = plan_attr(p, &t->attrs, a->name, &have);
    if (e == TS_OK) {
        have->type = type;
        have->required = a->required;
    }
    return e;
}

static ts_err merge_entity(struct plan *p, const struct cedar_schema *s,
                           const struct schema_entity *from)
{
    struct plan_entity *t;
    ts_err e = plan_entity(p, from->name, &t);

    for (uint32_t i = 0; e == TS_OK && i < from->ancestor_count; i++)
        e = plan_name_add(p, &t->parents, s->entities[from->ancestors[i]].name);
    for (uint32_t i = 0; e == TS_OK && i < from->attrs->count; i++)
        e = merge_attr(p, t, &from->attrs->list[i]);
    if (e == TS_OK && from->tags != NULL)
        e = text_of(p, from->tags, &t->tags);
    if (e != TS_OK)
        return e;
    if (from->choice_count > 0 && (t->attrs != NULL || t->parents != NULL)) {
        plan_note(p, "%s is no enum: the gate makes entities of it",
                  plan_shown(from->name).s);
        return TS_OK;
    }
    for (uint32_t i = 0; e == TS_OK && i < from->choice_count; i++)
        e = plan_name_add(p, &t->choices, from->choices[i]);
    return e;
}

/* "A::T" beside "T": inside of A, T would be the wrong one. */
static ts_err check_names(struct plan *p)
{
    for (const struct plan_entity *t = p->entities; t != NULL; t = t->next)
        for (const struct plan_entity *u = p->entities; u != NULL;
             u = u->next) {
            struct ts_str end = t->name;

            if (t->name.len < u->name.len + 3)
                continue;
            end.ptr += t->name.len - u->name.len;
            end.len = u->name.len;
            if (ts_str_eq(end, u->name) && end.ptr[-1] == ':')
                return plan_fail(p,
                                 "%s and %s cannot be told apart where they "
                                 "are merged; rename one of the types",
                                 plan_shown(t->name).s, plan_shown(u->name).s);
        }
    return TS_OK;
}

static bool is_plain(const struct schema_action *a)
{
    return ts_str_eq_c(a->uid->type, "Action");
}

/* Whether some other action, of a tool or a group, is in it. */
static bool has_members(const struct schema_action *a)
{
    return a->descendant_count > 0;
}

static ts_err merge_action(struct plan *p, const struct schema_action *from)
{
    struct plan_action *a = p->actions;
    bool is_group = from->principal_count == 0 && from->resource_count == 0;
    ts_err e = TS_OK;

    while (a != NULL && !ts_str_eq(a->name, from->uid->id))
        a = a->next;
    if (!is_plain(from)) {
        plan_note(p,
                  "action %s::\"%s\" is left out: actions of calls are in "
                  "no namespace",
                  plan_shown(from->uid->type).s, plan_shown(from->uid->id).s);
        return TS_OK;
    }
    if (a == NULL && !is_group && !has_members(from)) {
        plan_note(p, "action \"%s\" is left out: no tool has it",
                  plan_shown(from->uid->id).s);
        return TS_OK;
    }
    if (a == NULL)
        e = plan_action(p, from->uid->id, &a);
    for (uint32_t i = 0; e == TS_OK && i < from->parent_count; i++)
        if (ts_str_eq_c(from->parents[i]->type, "Action"))
            e = plan_name_add(p, &a->groups, from->parents[i]->id);
    return e;
}

ts_err plan_merge(struct plan *p)
{
    const struct cedar_schema *s = p->request->merge;
    ts_err e = TS_OK;

    for (uint32_t i = 0; e == TS_OK && i < s->entity_count; i++)
        if (!s->entities[i].is_action)
            e = merge_entity(p, s, &s->entities[i]);
    for (uint32_t i = 0; e == TS_OK && i < s->action_count; i++)
        e = merge_action(p, &s->actions[i]);
    return e == TS_OK ? check_names(p) : e;
}
