#include "sidecar/gate/people/use_rule.h"

#include <sodium.h>
#include <string.h>

_Static_assert(USE_COUNTERS_MAX <= 16, "a mask has 16 bits");

struct item { /* of an annotation's list */
    struct ts_str name, arg;
    bool has_arg;
};

static struct ts_str trim(struct ts_str s)
{
    while (s.len > 0 && s.ptr[0] == ' ') {
        s.ptr++;
        s.len--;
    }
    while (s.len > 0 && s.ptr[s.len - 1] == ' ')
        s.len--;
    return s;
}

/* Takes the next item off the list; false at its end. */
static bool next(struct ts_str *list, bool *more, struct item *ret)
{
    const char *at;
    struct ts_str one = *list;

    if (!*more)
        return false;
    at = one.len > 0 ? memchr(one.ptr, ',', one.len) : NULL;
    *more = at != NULL;
    if (at != NULL) {
        one.len = (size_t)(at - list->ptr);
        list->len -= one.len + 1;
        list->ptr = at + 1;
    }
    at = one.len > 0 ? memchr(one.ptr, '=', one.len) : NULL;
    *ret = (struct item){.name = one, .has_arg = at != NULL};
    if (at != NULL) {
        ret->name.len = (size_t)(at - one.ptr);
        ret->arg =
            (struct ts_str){.ptr = at + 1, .len = one.len - ret->name.len - 1};
    }
    ret->name = trim(ret->name);
    ret->arg = trim(ret->arg);
    return true;
}

static bool is_name(struct ts_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
            !(c >= '0' && c <= '9') && c != '_' && c != '-' && c != '.')
            return false;
    }
    return s.len > 0 && s.len <= USE_NAME_MAX;
}

static bool all_good(struct ts_str list, bool has_args)
{
    struct item one;

    for (bool more = true; next(&list, &more, &one);)
        if (!is_name(one.name) || one.has_arg != has_args ||
            (has_args && !is_name(one.arg)))
            return false;
    return true;
}

const char *use_annotation_fault(struct ts_str key, struct ts_str value)
{
    if (ts_str_eq_c(key, "counts") && !all_good(value, false))
        return "write names of counters, of 1 to 32 letters, digits and _-., "
               "with commas between them: @counts(\"pay\")";
    if (ts_str_eq_c(key, "sums") && !all_good(value, true))
        return "write counters and the arguments that they sum: "
               "@sums(\"spent=amount\")";
    return NULL;
}

/* The order of a record's keys, of calls before amounts. */
static int order(const struct use_counter *a, const struct use_counter *b)
{
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    if (a->name.len != b->name.len)
        return a->name.len < b->name.len ? -1 : 1;
    return ts_str_cmp(a->name, b->name);
}

static ts_err add_arg(struct use_counter *c, struct ts_str arg)
{
    for (uint32_t i = 0; i < c->arg_count; i++)
        if (ts_str_eq(c->args[i], arg))
            return TS_OK;
    if (c->arg_count == USE_ARGS_MAX)
        return TS_E_LIMIT;
    c->args[c->arg_count++] = arg;
    return TS_OK;
}

static ts_err add(struct use_rules *r, enum use_kind kind,
                  const struct item *one)
{
    const struct use_counter c = {.kind = kind, .name = one->name};
    uint32_t at = 0;

    while (at < r->count && order(&r->counters[at], &c) < 0)
        at++;
    if (at == r->count || order(&r->counters[at], &c) != 0) {
        if (r->count == USE_COUNTERS_MAX)
            return TS_E_LIMIT;
        memmove(&r->counters[at + 1], &r->counters[at],
                (r->count - at) * sizeof(c));
        r->counters[at] = c;
        r->count++;
    }
    return one->has_arg ? add_arg(&r->counters[at], one->arg) : TS_OK;
}

static uint16_t bit_of(const struct use_rules *r, enum use_kind kind,
                       struct ts_str name)
{
    for (uint32_t i = 0; i < r->count; i++)
        if (r->counters[i].kind == kind && ts_str_eq(r->counters[i].name, name))
            return (uint16_t)(1u << i);
    return 0;
}

static const struct {
    const char *key;
    enum use_kind kind;
} keys[] = {{"counts", USE_CALLS}, {"sums", USE_AMOUNT}};

/* First all names, which sorts them, then who counts which. */
static ts_err add_policy(const struct cedar_policies *p, size_t i,
                         struct use_rules *r, uint16_t *mask)
{
    for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++) {
        struct ts_str list;
        struct item one;

        if (cedar_policies_info(p, i).effect != CEDAR_PERMIT ||
            !cedar_policies_annotation(p, i, keys[k].key, &list))
            continue;
        if (use_annotation_fault(ts_str_of(keys[k].key), list) != NULL)
            return TS_E_FORMAT;
        for (bool more = true; next(&list, &more, &one);) {
            ts_err e = mask == NULL ? add(r, keys[k].kind, &one) : TS_OK;

            if (e != TS_OK)
                return e;
            if (mask != NULL)
                *mask |= bit_of(r, keys[k].kind, one.name);
        }
    }
    return TS_OK;
}

static void name_all(struct use_rules *r, struct ts_bytes owner)
{
    for (uint32_t i = 0; i < r->count; i++) {
        struct use_counter *c = &r->counters[i];
        const uint8_t head[2] = {(uint8_t)c->kind, (uint8_t)owner.len};
        crypto_generichash_state s;

        /* None of these can fail: the lengths are constants. */
        (void)crypto_generichash_init(&s, NULL, 0, USE_ID);
        (void)crypto_generichash_update(&s, head, sizeof(head));
        if (owner.len > 0)
            (void)crypto_generichash_update(&s, owner.ptr, owner.len);
        (void)crypto_generichash_update(&s, (const uint8_t *)c->name.ptr,
                                        c->name.len);
        (void)crypto_generichash_final(&s, c->id, USE_ID);
    }
}

ts_err use_rules_make(const struct cedar_policies *p, struct ts_bytes owner,
                      struct ts_arena *arena, const struct use_rules **ret)
{
    size_t count = cedar_policies_count(p);
    struct use_rules all = {.count = 0}, *r;
    uint16_t *masks;
    void *mem;
    ts_err e;

    for (size_t i = 0; i < count; i++)
        if ((e = add_policy(p, i, &all, NULL)) != TS_OK)
            return e;
    if (all.count == 0) {
        *ret = NULL;
        return TS_OK;
    }
    name_all(&all, owner);
    if ((e = ts_arena_array(arena, count, sizeof(*masks), &mem)) != TS_OK)
        return e;
    masks = mem;
    for (size_t i = 0; i < count; i++)
        if ((e = add_policy(p, i, &all, &masks[i])) != TS_OK)
            return e;
    if ((e = ts_arena_alloc(arena, sizeof(*r), &mem)) != TS_OK)
        return e;
    r = mem;
    *r = all;
    r->masks = masks;
    *ret = r;
    return TS_OK;
}

uint16_t use_rules_counted(const struct use_rules *rules,
                           const struct cedar_answer *answer)
{
    uint16_t all = 0;

    for (uint32_t i = 0; rules != NULL && i < answer->permit_count; i++)
        all |= rules->masks[answer->satisfied_permits[i]];
    return all;
}
