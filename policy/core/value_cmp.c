/*
 * One order over all values, so that sets have one canonical form. Recursion
 * is bounded by CEDAR_VALUE_DEPTH, which every composite value was measured
 * against when it was made.
 */
#include "policy/core/value.h"

#include <string.h>

#include "policy/core/uid.h"

static int int_cmp(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int ip_cmp(const struct cedar_ip *a, const struct cedar_ip *b)
{
    int c;

    if (a->v6 != b->v6)
        return a->v6 ? 1 : -1;
    c = memcmp(a->addr, b->addr, sizeof(a->addr));
    return c != 0 ? c : int_cmp(a->prefix, b->prefix);
}

static int set_cmp(const struct cedar_set *a, const struct cedar_set *b)
{
    if (a == b)
        return 0;
    if (a->count != b->count)
        return a->count < b->count ? -1 : 1;
    if (a->depth != b->depth)
        return a->depth < b->depth ? -1 : 1;
    for (uint32_t i = 0; i < a->count; i++) {
        int c = cedar_value_cmp(&a->items[i], &b->items[i]);

        if (c != 0)
            return c;
    }
    return 0;
}

static int record_cmp(const struct cedar_record *a,
                      const struct cedar_record *b)
{
    if (a == b)
        return 0;
    if (a->count != b->count)
        return a->count < b->count ? -1 : 1;
    if (a->depth != b->depth)
        return a->depth < b->depth ? -1 : 1;
    for (uint32_t i = 0; i < a->count; i++) {
        int c = cedar_str_order(a->fields[i].key, b->fields[i].key);

        if (c == 0)
            c = cedar_value_cmp(&a->fields[i].value, &b->fields[i].value);
        if (c != 0)
            return c;
    }
    return 0;
}

int cedar_value_cmp(const struct cedar_value *a, const struct cedar_value *b)
{
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    switch (a->kind) {
    case CEDAR_NONE:
        return 0;
    case CEDAR_BOOL:
        return (int)a->as.boolean - (int)b->as.boolean;
    case CEDAR_LONG:
    case CEDAR_DECIMAL:
    case CEDAR_DATETIME:
    case CEDAR_DURATION:
        return int_cmp(a->as.integer, b->as.integer);
    case CEDAR_STRING:
        return cedar_str_order(a->as.string, b->as.string);
    case CEDAR_ENTITY:
        return cedar_uid_cmp(a->as.uid, b->as.uid);
    case CEDAR_SET:
        return set_cmp(a->as.set, b->as.set);
    case CEDAR_RECORD:
        return record_cmp(a->as.record, b->as.record);
    case CEDAR_IPADDR:
        return ip_cmp(&a->as.ip, &b->as.ip);
    }
    return 0;
}

bool cedar_value_eq(const struct cedar_value *a, const struct cedar_value *b)
{
    return cedar_value_cmp(a, b) == 0;
}
