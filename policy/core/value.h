#ifndef POLICY_CORE_VALUE_H
#define POLICY_CORE_VALUE_H

#include "policy/core/uid.h"

/*
 * Composite values are immutable and canonical: a set is sorted and free of
 * duplicates, a record is sorted by key. Equality is then element by element,
 * membership is a bisection. depth is 1 + the depth of the deepest member and
 * never above CEDAR_VALUE_DEPTH, so walks over a value need no counter.
 */
struct cedar_set {
    uint32_t count;
    uint32_t depth;
    uint64_t cost; /* see cedar_value_cost() */
    struct cedar_value items[];
};

struct cedar_record {
    uint32_t count;
    uint32_t depth;
    uint64_t cost;
    struct cedar_field fields[];
};

/* A total order over all values; 0 exactly when Cedar's == is true. */
int cedar_value_cmp(const struct cedar_value *a, const struct cedar_value *b);
uint32_t cedar_value_depth(const struct cedar_value *v);
/* Units of work (CEDAR_WORK_BASE) that walking over all of v takes. */
uint64_t cedar_value_cost(const struct cedar_value *v);
bool cedar_set_has(const struct cedar_set *s, const struct cedar_value *v);
/* As policies call the type in error messages, e.g. "string". */
const char *cedar_kind_name(enum cedar_kind kind);

/* cedar_record_get() without a call; most records are short. */
static inline const struct cedar_value *
cedar_record_find(const struct cedar_record *r, struct ts_str key)
{
    if (r->count > 12)
        return cedar_record_get(r, key);
    for (uint32_t i = 0; i < r->count; i++)
        if (cedar_str_same(r->fields[i].key, key))
            return &r->fields[i].value;
    return NULL;
}

/* Writes two fields instead of a whole value: evaluation does little else. */
static inline void cedar_put_bool(struct cedar_value *ret, bool v)
{
    ret->kind = CEDAR_BOOL;
    ret->as.boolean = v;
}

static inline struct cedar_value cedar_ext_int(enum cedar_kind kind, int64_t v)
{
    return (struct cedar_value){.kind = kind, .as.integer = v};
}

#endif
