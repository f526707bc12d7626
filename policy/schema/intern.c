/*
 * Equal types of a schema are one object. So a type that is used twice is
 * stored once, however often common types multiply it, and whoever compares
 * two types of one schema compares two pointers.
 *
 * Types are found by their hash, which has no key: a schema may be written so
 * that all are equal. So nothing is addressed by it. Types stand in sorted runs
 * of 1, 2, 4, ... and are bisected in each; a new one is sorted together with
 * the runs that it completes. n types cost n log2(n)^2 compares, whatever their
 * hashes, and the hash only makes most of them short.
 */
#include "policy/core/sort.h"
#include "policy/core/uid.h"
#include "policy/schema/resolve_priv.h"
#include "proto/base/ts_require.h"

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

static int pointer_order(const void *a, const void *b)
{
    uintptr_t x = (uintptr_t)a, y = (uintptr_t)b;

    return (x > y) - (x < y);
}

/* 0 for equal types alone. */
static int type_order(const struct cedar_type *a, const struct cedar_type *b)
{
    int c;

    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    if (a->kind == TYPE_SET)
        return pointer_order(a->as.elem, b->as.elem);
    if (a->as.attrs->count != b->as.attrs->count)
        return a->as.attrs->count < b->as.attrs->count ? -1 : 1;
    for (uint32_t i = 0; i < a->as.attrs->count; i++) {
        const struct cedar_attr *x = &a->as.attrs->list[i];
        const struct cedar_attr *y = &b->as.attrs->list[i];

        if (x->required != y->required)
            return x->required ? 1 : -1;
        if ((c = pointer_order(x->type, y->type)) != 0 ||
            (c = cedar_str_order(x->name, y->name)) != 0)
            return c;
    }
    return 0;
}

static int order(const void *a, const void *b)
{
    const struct interned *x = a, *y = b;

    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return type_order(x->type, y->type);
}

static const struct cedar_type *find(const struct intern *in,
                                     const struct interned *key)
{
    for (unsigned i = 0; in->count >> i != 0; i++) {
        uint32_t lo = 0, hi = (in->count >> i & 1) << i;

        while (lo < hi) {
            uint32_t mid = lo + (hi - lo) / 2;
            int c = order(&in->runs[i][mid], key);

            if (c == 0)
                return in->runs[i][mid].type;
            if (c < 0)
                lo = mid + 1;
            else
                hi = mid;
        }
    }
    return NULL;
}

/* Adding one to count carries: the runs of its low ones become one run. */
static ts_err insert(struct resolver *r, struct interned item)
{
    struct intern *in = &r->intern;
    struct interned *to;
    unsigned full = 0;
    uint32_t n = 1;
    ts_err e;

    TS_REQUIRE(in->count < UINT32_MAX >> 1);
    while ((in->count >> full & 1) != 0)
        full++;
    if (in->runs[full] == NULL) {
        void *p;

        if ((e = ts_arena_array(&r->scratch, (size_t)1 << full, sizeof(*to),
                                &p)) != TS_OK)
            return e;
        in->runs[full] = p;
    }
    to = in->runs[full];
    to[0] = item;
    for (unsigned i = 0; i < full; i++)
        for (uint32_t j = 0; j < (uint32_t)1 << i; j++)
            to[n++] = in->runs[i][j];
    cedar_sort(to, n, sizeof(*to), order);
    in->count++;
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
    struct interned item = {.type = t, .hash = hash(t)};
    const struct cedar_type *known = find(&r->intern, &item);
    ts_err e;

    if (known == NULL) {
        if ((e = keep(r, t, &known)) != TS_OK)
            return e;
        item.type = known;
        if ((e = insert(r, item)) != TS_OK)
            return e;
    }
    *ret = known;
    return TS_OK;
}
