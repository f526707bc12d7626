/*
 * Equal types of a schema are one object. So a type that is used twice is
 * stored once, however often common types multiply it, and whoever compares
 * two types of one schema compares two pointers.
 */
#include "policy/core/uid.h"
#include "policy/schema/resolve_priv.h"

#define FIRST_SIZE 256u

static ts_err slots_new(struct ts_arena *scratch, uint32_t size,
                        const struct cedar_type ***ret)
{
    void *p;
    ts_err e = ts_arena_array(scratch, size, sizeof(**ret), &p);

    if (e == TS_OK)
        *ret = p;
    return e;
}

ts_err intern_init(struct intern *in, struct ts_arena *scratch)
{
    *in = (struct intern){.size = FIRST_SIZE};
    return slots_new(scratch, in->size, &in->slots);
}

static uint64_t add(uint64_t h, uint64_t v)
{
    h = (h ^ v) * UINT64_C(0x9E3779B97F4A7C15);
    return h ^ (h >> 32);
}

static uint64_t hash(const struct cedar_type *t)
{
    uint64_t h = add(0, (uint64_t)t->kind);

    if (t->kind == TYPE_SET)
        return add(h, (uint64_t)(uintptr_t)t->as.elem);
    if (t->kind == TYPE_RECORD) {
        for (uint32_t i = 0; i < t->as.attrs->count; i++) {
            const struct cedar_attr *a = &t->as.attrs->list[i];

            h = cedar_hash_str(a->name, h);
            h = add(h, (uint64_t)(uintptr_t)a->type);
            h = add(h, a->required ? 1 : 2);
        }
    }
    return h;
}

static bool same(const struct cedar_type *a, const struct cedar_type *b)
{
    if (a->kind != b->kind)
        return false;
    if (a->kind == TYPE_SET)
        return a->as.elem == b->as.elem;
    if (a->as.attrs->count != b->as.attrs->count)
        return false;
    for (uint32_t i = 0; i < a->as.attrs->count; i++) {
        const struct cedar_attr *x = &a->as.attrs->list[i];
        const struct cedar_attr *y = &b->as.attrs->list[i];

        if (x->type != y->type || x->required != y->required ||
            !ts_str_eq(x->name, y->name))
            return false;
    }
    return true;
}

static const struct cedar_type **slot(const struct intern *in,
                                      const struct cedar_type *t)
{
    uint32_t i = (uint32_t)(hash(t) & (in->size - 1));

    while (in->slots[i] != NULL && !same(in->slots[i], t))
        i = (i + 1) & (in->size - 1);
    return &in->slots[i];
}

static ts_err grow(struct resolver *r)
{
    struct intern bigger = {.size = r->intern.size * 2, .used = r->intern.used};
    ts_err e = slots_new(&r->scratch, bigger.size, &bigger.slots);

    if (e != TS_OK)
        return e;
    for (uint32_t i = 0; i < r->intern.size; i++)
        if (r->intern.slots[i] != NULL)
            *slot(&bigger, r->intern.slots[i]) = r->intern.slots[i];
    r->intern = bigger;
    return TS_OK;
}

/* The attributes of a record move from the scratch arena into the schema. */
static ts_err keep(struct resolver *r, const struct cedar_type *t,
                   const struct cedar_type **ret)
{
    struct cedar_type *kept;
    struct cedar_attrs *attrs;
    struct cedar_attr *list;
    void *p, *q, *l;
    ts_err e = ts_arena_alloc(r->arena, sizeof(*kept), &p);

    if (e != TS_OK)
        return e;
    kept = p;
    *kept = *t;
    if (t->kind == TYPE_RECORD) {
        if ((e = ts_arena_alloc(r->arena, sizeof(*attrs), &q)) != TS_OK ||
            (e = ts_arena_array(r->arena, t->as.attrs->count + 1u,
                                sizeof(*list), &l)) != TS_OK)
            return e;
        attrs = q;
        list = l;
        *attrs = *t->as.attrs;
        for (uint32_t i = 0; i < attrs->count; i++)
            list[i] = t->as.attrs->list[i];
        attrs->list = list;
        kept->as.attrs = attrs;
    }
    *ret = kept;
    return TS_OK;
}

ts_err intern_type(struct resolver *r, const struct cedar_type *t,
                   const struct cedar_type **ret)
{
    const struct cedar_type **at = slot(&r->intern, t);
    ts_err e;

    if (*at == NULL) {
        if ((e = keep(r, t, at)) != TS_OK)
            return e;
        *ret = *at;
        r->intern.used++;
        return r->intern.used * 2 > r->intern.size ? grow(r) : TS_OK;
    }
    *ret = *at;
    return TS_OK;
}
