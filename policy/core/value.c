#include "policy/core/value.h"

#include <string.h>

#include "policy/core/limits.h"
#include "policy/core/sort.h"
#include "policy/core/uid.h"
#include "proto/base/ts_num.h"

struct cedar_value cedar_bool(bool v)
{
    return (struct cedar_value){.kind = CEDAR_BOOL, .as.boolean = v};
}

struct cedar_value cedar_long(int64_t v)
{
    return cedar_ext_int(CEDAR_LONG, v);
}

struct cedar_value cedar_string(struct ts_str v)
{
    return (struct cedar_value){.kind = CEDAR_STRING, .as.string = v};
}

struct cedar_value cedar_entity(const struct cedar_uid *uid)
{
    return (struct cedar_value){.kind = CEDAR_ENTITY, .as.uid = uid};
}

struct cedar_value cedar_datetime_ms(int64_t unix_ms)
{
    return cedar_ext_int(CEDAR_DATETIME, unix_ms);
}

struct cedar_value cedar_duration_ms(int64_t ms)
{
    return cedar_ext_int(CEDAR_DURATION, ms);
}

uint32_t cedar_value_depth(const struct cedar_value *v)
{
    if (v->kind == CEDAR_SET)
        return v->as.set->depth;
    return v->kind == CEDAR_RECORD ? v->as.record->depth : 0;
}

uint64_t cedar_value_cost(const struct cedar_value *v)
{
    if (v->kind == CEDAR_SET)
        return v->as.set->cost;
    if (v->kind == CEDAR_RECORD)
        return v->as.record->cost;
    if (v->kind == CEDAR_STRING)
        return 1 + v->as.string.len / CEDAR_WORK_BYTES;
    return 1;
}

static int value_order(const void *a, const void *b)
{
    return cedar_value_cmp(a, b);
}

/* Room for a header and n members; one overflow check for both kinds. */
static ts_err alloc_members(struct ts_arena *arena, size_t head, size_t n,
                            size_t size, void **ret)
{
    size_t bytes;

    if (n > UINT32_MAX || ts_ckd_mul(&bytes, n, size) ||
        ts_ckd_add(&bytes, bytes, head))
        return TS_E_LIMIT;
    return ts_arena_alloc(arena, bytes, ret);
}

ts_err cedar_set_make(struct ts_arena *arena, const struct cedar_value *values,
                      size_t n, struct cedar_value *ret)
{
    struct cedar_set *s;
    uint32_t depth = 0, kept = 0;
    void *p;
    ts_err e;

    for (size_t i = 0; i < n; i++) {
        uint32_t d = cedar_value_depth(&values[i]);

        if (values[i].kind == CEDAR_NONE)
            return TS_E_INVALID;
        depth = d > depth ? d : depth;
    }
    if (depth >= CEDAR_VALUE_DEPTH)
        return TS_E_LIMIT;
    e = alloc_members(arena, sizeof(*s), n, sizeof(values[0]), &p);
    if (e != TS_OK)
        return e;
    s = p;
    if (n > 0)
        memcpy(s->items, values, n * sizeof(values[0]));
    cedar_sort(s->items, n, sizeof(values[0]), value_order);
    for (size_t i = 0; i < n; i++)
        if (kept == 0 ||
            cedar_value_cmp(&s->items[kept - 1], &s->items[i]) != 0)
            s->items[kept++] = s->items[i];
    s->count = kept;
    s->depth = depth + 1;
    s->cost = 1;
    for (uint32_t i = 0; i < kept; i++)
        s->cost += cedar_value_cost(&s->items[i]);
    *ret = (struct cedar_value){.kind = CEDAR_SET, .as.set = s};
    return TS_OK;
}

size_t cedar_set_count(const struct cedar_set *s)
{
    return s->count;
}

const struct cedar_value *cedar_set_at(const struct cedar_set *s, size_t i)
{
    return &s->items[i];
}

bool cedar_set_has(const struct cedar_set *s, const struct cedar_value *v)
{
    uint32_t lo = 0, hi = s->count;

    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        int c = cedar_value_cmp(&s->items[mid], v);

        if (c == 0)
            return true;
        if (c < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return false;
}

static int field_order(const void *a, const void *b)
{
    const struct cedar_field *x = a, *y = b;

    return cedar_str_order(x->key, y->key);
}

ts_err cedar_record_make(struct ts_arena *arena,
                         const struct cedar_field *fields, size_t n,
                         struct cedar_value *ret)
{
    struct cedar_record *r;
    uint32_t depth = 0;
    bool sorted = true;
    void *p;
    ts_err e;

    for (size_t i = 0; i < n; i++) {
        uint32_t d = cedar_value_depth(&fields[i].value);

        if (fields[i].value.kind == CEDAR_NONE)
            return TS_E_INVALID;
        depth = d > depth ? d : depth;
        sorted =
            sorted && (i == 0 || field_order(&fields[i - 1], &fields[i]) < 0);
    }
    if (depth >= CEDAR_VALUE_DEPTH)
        return TS_E_LIMIT;
    e = alloc_members(arena, sizeof(*r), n, sizeof(fields[0]), &p);
    if (e != TS_OK)
        return e;
    r = p;
    if (n > 0)
        memcpy(r->fields, fields, n * sizeof(fields[0]));
    if (!sorted) {
        cedar_sort(r->fields, n, sizeof(fields[0]), field_order);
        for (size_t i = 1; i < n; i++)
            if (ts_str_eq(r->fields[i - 1].key, r->fields[i].key))
                return TS_E_EXISTS;
    }
    r->count = (uint32_t)n;
    r->depth = depth + 1;
    r->cost = 1;
    for (size_t i = 0; i < n; i++)
        r->cost += 1 + cedar_value_cost(&r->fields[i].value);
    *ret = (struct cedar_value){.kind = CEDAR_RECORD, .as.record = r};
    return TS_OK;
}

ts_err cedar_record_with(struct ts_arena *arena, const struct cedar_record *r,
                         size_t i, const struct cedar_value *v,
                         struct cedar_value *ret)
{
    size_t bytes = sizeof(*r) + r->count * sizeof(r->fields[0]);
    struct cedar_record *copy;
    void *p;
    ts_err e;

    if (i >= r->count || v->kind == CEDAR_NONE || cedar_value_depth(v) > 0 ||
        cedar_value_depth(&r->fields[i].value) > 0)
        return TS_E_INVALID;
    e = ts_arena_alloc(arena, bytes, &p);
    if (e != TS_OK)
        return e;
    copy = p;
    memcpy(copy, r, bytes);
    copy->cost -= cedar_value_cost(&copy->fields[i].value);
    copy->fields[i].value = *v;
    copy->cost += cedar_value_cost(v);
    *ret = (struct cedar_value){.kind = CEDAR_RECORD, .as.record = copy};
    return TS_OK;
}

size_t cedar_record_count(const struct cedar_record *r)
{
    return r->count;
}

const struct cedar_field *cedar_record_at(const struct cedar_record *r,
                                          size_t i)
{
    return &r->fields[i];
}

const struct cedar_value *cedar_record_get(const struct cedar_record *r,
                                           struct ts_str key)
{
    uint32_t lo = 0, hi = r->count;

    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        int c = cedar_str_order(r->fields[mid].key, key);

        if (c == 0)
            return &r->fields[mid].value;
        if (c < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

const char *cedar_kind_name(enum cedar_kind kind)
{
    switch (kind) {
    case CEDAR_NONE:
        return "nothing";
    case CEDAR_BOOL:
        return "bool";
    case CEDAR_LONG:
        return "long";
    case CEDAR_STRING:
        return "string";
    case CEDAR_ENTITY:
        return "entity";
    case CEDAR_SET:
        return "set";
    case CEDAR_RECORD:
        return "record";
    case CEDAR_DECIMAL:
        return "decimal";
    case CEDAR_IPADDR:
        return "ipaddr";
    case CEDAR_DATETIME:
        return "datetime";
    case CEDAR_DURATION:
        return "duration";
    }
    return "nothing";
}
