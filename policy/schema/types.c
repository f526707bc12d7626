/*
 * From written types to types: names looked up, common types inlined. Common
 * types are resolved once each and shared; their height is bounded, so the
 * recursion here and everywhere else that walks types is.
 */
#include "policy/core/diag.h"
#include "policy/core/limits.h"
#include "policy/core/sort.h"
#include "policy/core/uid.h"
#include "policy/schema/resolve_priv.h"

struct walk {
    const struct decl_space *space;
    uint32_t depth; /* of common types and nesting above */
};

static ts_err resolve(struct resolver *r, struct walk w,
                      const struct decl_type *t, const struct cedar_type **ret,
                      uint32_t *ret_height);

void res_types_init(struct resolver *r)
{
    static const struct cedar_type plain[BUILTINS] = {
        {.kind = TYPE_BOOL},
        {.kind = TYPE_LONG},
        {.kind = TYPE_STRING},
        {.kind = TYPE_EXT, .as = {.ext = CEDAR_DECIMAL}},
        {.kind = TYPE_EXT, .as = {.ext = CEDAR_IPADDR}},
        {.kind = TYPE_EXT, .as = {.ext = CEDAR_DATETIME}},
        {.kind = TYPE_EXT, .as = {.ext = CEDAR_DURATION}},
    };

    for (uint32_t i = 0; i < BUILTINS; i++)
        r->builtin[i] = &plain[i];
}

static void too_high(struct resolver *r, struct cedar_span span)
{
    res_error(r, "limit", span, "too deep",
              "flatten the records, or let entities hold some of them",
              "types are nested more than %d levels deep, common types counted",
              CEDAR_TYPE_HEIGHT);
}

/* The type of common type i, which stands in span. */
static ts_err common(struct resolver *r, uint32_t depth, uint32_t i,
                     struct cedar_span span, const struct cedar_type **ret,
                     uint32_t *ret_height)
{
    struct res_common *c = &r->commons[i];
    struct walk w = {.space = c->space, .depth = depth};
    ts_err e = TS_OK;

    if (c->state == COMMON_BUSY) {
        res_error(r, "type_cycle", span, "this leads back to itself",
                  "a type cannot hold itself; let an entity type do so",
                  "type `%s` is defined in terms of itself",
                  cedar_quote(c->name).s);
        return TS_OK;
    }
    if (c->state == COMMON_NEW) {
        c->state = COMMON_BUSY;
        c->type = r->builtin[0];
        e = resolve(r, w, c->decl->type, &c->type, &c->height);
        c->state = COMMON_DONE;
    }
    *ret = c->type;
    *ret_height = c->height;
    return e;
}

static ts_err by_name(struct resolver *r, struct walk w,
                      const struct decl_type *t, unsigned want,
                      const struct cedar_type **ret, uint32_t *ret_height)
{
    struct found f = res_find(r, w.space, t->name, want);

    switch (f.kind) {
    case FOUND_COMMON:
        return common(r, w.depth, f.index, t->span, ret, ret_height);
    case FOUND_BUILTIN:
        *ret = r->builtin[f.index];
        return TS_OK;
    case FOUND_ENTITY:
        *ret = &r->made[f.index].type;
        return TS_OK;
    case FOUND_NONE:
        break;
    }
    res_unknown_type(r, w.space, t->name, t->span, want);
    return TS_OK;
}

static int by_order(const void *a, const void *b)
{
    const struct cedar_attr *x = a, *y = b;

    return cedar_str_order(x->name, y->name);
}

static ts_err record(struct resolver *r, struct walk w,
                     const struct decl_type *t, const struct cedar_type **ret,
                     uint32_t *ret_height)
{
    struct cedar_attrs attrs = {.count = t->attr_count};
    struct cedar_type type = {.kind = TYPE_RECORD, .as = {.attrs = &attrs}};
    struct cedar_attr *list;
    uint32_t i = 0, most = 0, h;
    void *p;
    ts_err e =
        ts_arena_array(&r->scratch, t->attr_count + 1u, sizeof(*list), &p);

    if (e != TS_OK)
        return e;
    list = p;
    for (const struct decl_attr *a = t->attrs; a != NULL; a = a->next, i++) {
        list[i] =
            (struct cedar_attr){.name = a->name.text, .required = a->required};
        if ((e = resolve(r, w, a->type, &list[i].type, &h)) != TS_OK)
            return e;
        most = h > most ? h : most;
    }
    cedar_sort(list, attrs.count, sizeof(*list), by_order);
    attrs.list = list;
    *ret_height = most;
    return intern_type(r, &type, ret);
}

static ts_err set(struct resolver *r, struct walk w, const struct decl_type *t,
                  const struct cedar_type **ret, uint32_t *ret_height)
{
    struct cedar_type type = {.kind = TYPE_SET};
    ts_err e = resolve(r, w, t->elem, &type.as.elem, ret_height);

    return e != TS_OK ? e : intern_type(r, &type, ret);
}

static void extension(struct resolver *r, const struct decl_type *t,
                      const struct cedar_type **ret)
{
    uint32_t i = res_builtin(t->name);

    if (i != UINT32_MAX && r->builtin[i]->kind == TYPE_EXT) {
        *ret = r->builtin[i];
        return;
    }
    res_error(r, "unknown_type", t->span, "not an extension type",
              "there are decimal, ipaddr, datetime and duration",
              "there is no extension type `%s`", cedar_quote(t->name).s);
}

static ts_err by_kind(struct resolver *r, struct walk w,
                      const struct decl_type *t, const struct cedar_type **ret,
                      uint32_t *ret_height)
{
    switch (t->kind) {
    case DECL_BOOL:
    case DECL_LONG:
    case DECL_STRING:
        *ret = r->builtin[t->kind - DECL_BOOL];
        return TS_OK;
    case DECL_SET:
        return set(r, w, t, ret, ret_height);
    case DECL_RECORD:
        return record(r, w, t, ret, ret_height);
    case DECL_ENTITY:
        return by_name(r, w, t, WANT_ENTITY, ret, ret_height);
    case DECL_COMMON:
        return by_name(r, w, t, WANT_COMMON, ret, ret_height);
    case DECL_EITHER:
        return by_name(r, w, t, WANT_COMMON | WANT_ENTITY, ret, ret_height);
    case DECL_EXTENSION:
        extension(r, t, ret);
        return TS_OK;
    case DECL_NONE:
        break;
    }
    return TS_E_STATE;
}

static ts_err resolve(struct resolver *r, struct walk w,
                      const struct decl_type *t, const struct cedar_type **ret,
                      uint32_t *ret_height)
{
    const struct cedar_type *got = r->builtin[0];
    uint32_t height = 0;
    ts_err e = TS_OK;

    w.depth++;
    if (w.depth > CEDAR_TYPE_HEIGHT)
        too_high(r, t->span);
    else
        e = by_kind(r, w, t, &got, &height);
    if (e == TS_OK && w.depth + height > CEDAR_TYPE_HEIGHT &&
        w.depth <= CEDAR_TYPE_HEIGHT && !r->failed)
        too_high(r, t->span);
    *ret = got;
    *ret_height = height + 1;
    return e;
}

ts_err res_type(struct resolver *r, const struct decl_space *space,
                const struct decl_type *t, const struct cedar_type **ret)
{
    struct walk w = {.space = space};
    uint32_t height;

    return resolve(r, w, t, ret, &height);
}

ts_err res_commons(struct resolver *r)
{
    ts_err e = TS_OK;

    for (uint32_t i = 0; e == TS_OK && i < r->common_count; i++) {
        const struct cedar_type *t;
        uint32_t height;

        e = common(r, 0, i, r->commons[i].decl->name.span, &t, &height);
    }
    return e;
}
