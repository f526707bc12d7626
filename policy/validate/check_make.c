/* Calls of extension functions, set and record literals. */
#include <stdio.h>

#include "policy/core/diag.h"
#include "policy/validate/validate_priv.h"

struct signature {
    enum cedar_kind first, second; /* CEDAR_NONE: takes no such argument */
    enum cedar_kind result;
};

static struct signature signature_of(enum cedar_ext fn)
{
    static const struct signature table[CEDAR_EXT_COUNT] = {
        [CEDAR_EXT_IP] = {CEDAR_STRING, CEDAR_NONE, CEDAR_IPADDR},
        [CEDAR_EXT_IS_IPV4] = {CEDAR_IPADDR, CEDAR_NONE, CEDAR_BOOL},
        [CEDAR_EXT_IS_IPV6] = {CEDAR_IPADDR, CEDAR_NONE, CEDAR_BOOL},
        [CEDAR_EXT_IS_LOOPBACK] = {CEDAR_IPADDR, CEDAR_NONE, CEDAR_BOOL},
        [CEDAR_EXT_IS_MULTICAST] = {CEDAR_IPADDR, CEDAR_NONE, CEDAR_BOOL},
        [CEDAR_EXT_IS_IN_RANGE] = {CEDAR_IPADDR, CEDAR_IPADDR, CEDAR_BOOL},
        [CEDAR_EXT_DECIMAL] = {CEDAR_STRING, CEDAR_NONE, CEDAR_DECIMAL},
        [CEDAR_EXT_LESS] = {CEDAR_DECIMAL, CEDAR_DECIMAL, CEDAR_BOOL},
        [CEDAR_EXT_LESS_EQ] = {CEDAR_DECIMAL, CEDAR_DECIMAL, CEDAR_BOOL},
        [CEDAR_EXT_GREATER] = {CEDAR_DECIMAL, CEDAR_DECIMAL, CEDAR_BOOL},
        [CEDAR_EXT_GREATER_EQ] = {CEDAR_DECIMAL, CEDAR_DECIMAL, CEDAR_BOOL},
        [CEDAR_EXT_DATETIME] = {CEDAR_STRING, CEDAR_NONE, CEDAR_DATETIME},
        [CEDAR_EXT_OFFSET] = {CEDAR_DATETIME, CEDAR_DURATION, CEDAR_DATETIME},
        [CEDAR_EXT_DURATION_SINCE] = {CEDAR_DATETIME, CEDAR_DATETIME,
                                      CEDAR_DURATION},
        [CEDAR_EXT_TO_DATE] = {CEDAR_DATETIME, CEDAR_NONE, CEDAR_DATETIME},
        [CEDAR_EXT_TO_TIME] = {CEDAR_DATETIME, CEDAR_NONE, CEDAR_DURATION},
        [CEDAR_EXT_DURATION] = {CEDAR_STRING, CEDAR_NONE, CEDAR_DURATION},
        [CEDAR_EXT_TO_MS] = {CEDAR_DURATION, CEDAR_NONE, CEDAR_LONG},
        [CEDAR_EXT_TO_SECONDS] = {CEDAR_DURATION, CEDAR_NONE, CEDAR_LONG},
        [CEDAR_EXT_TO_MINUTES] = {CEDAR_DURATION, CEDAR_NONE, CEDAR_LONG},
        [CEDAR_EXT_TO_HOURS] = {CEDAR_DURATION, CEDAR_NONE, CEDAR_LONG},
        [CEDAR_EXT_TO_DAYS] = {CEDAR_DURATION, CEDAR_NONE, CEDAR_LONG},
    };

    return table[fn];
}

static const struct cedar_type *type_of(enum cedar_kind kind)
{
    if (kind == CEDAR_STRING)
        return &v_string;
    if (kind == CEDAR_BOOL)
        return &v_bool;
    return kind == CEDAR_LONG ? &v_long : v_ext_type(kind);
}

static bool is_literal(const struct vnode *n)
{
    return n->op == V_BOOL || n->op == V_INT || n->op == V_STR ||
           n->op == V_UID;
}

static bool literals_only(struct validate *v, const struct vnode *n)
{
    for (uint32_t i = 0; i < n->count && v_spend(v, 1); i++)
        if (!is_literal(n->kids[i]))
            return false;
    return true;
}

/* Faults that need no types: how many, and what is in the literal. */
static bool call_is_bad(struct validate *v, struct vnode *n)
{
    enum cedar_ext fn = (enum cedar_ext)n->sub;
    const struct cedar_ext_info *info = cedar_ext_info(fn);
    struct v_saying arity = {.code = "wrong_arity",
                             .hint = info->method
                                         ? "the value before the dot counts "
                                           "as the first"
                                         : NULL},
                    text = {.code = "bad_extension_literal", .label = n->why},
                    literal = {.code = "non_literal_constructor",
                               .label = "not a literal",
                               .hint = "write the text here, or make it an "
                                       "attribute of that type in the schema"};
    bool constructor = signature_of(fn).first == CEDAR_STRING, bad = false;

    if (n->count != info->arity) {
        v_find(v, n, &arity, "`%s` takes %u argument%s, not %u",
               cedar_quote(info->name).s, info->arity,
               info->arity == 1 ? "" : "s", n->count);
        bad = true;
    }
    if (n->why != NULL) {
        v_find(v, n, &text, "`%s` is not a valid `%s`",
               cedar_quote(n->kids[0]->str).s,
               v_type_text(type_of(signature_of(fn).result)).s);
        bad = true;
    }
    if (v->strict && constructor && !literals_only(v, n)) {
        v_find(v, n, &literal,
               "`%s()` takes a literal only, so that it can "
               "be checked before it is used",
               cedar_quote(info->name).s);
        bad = true;
    }
    return bad;
}

struct answer v_check_ext(struct validate *v, struct vnode *n)
{
    struct signature s = signature_of((enum cedar_ext)n->sub);
    bool ok = !call_is_bad(v, n);

    if (!ok) {
        for (uint32_t i = 0; i < n->count && v->err == TS_OK; i++)
            (void)v_check(v, n->kids[i]);
        return v_answer(false, type_of(s.result));
    }
    for (uint32_t i = 0; i < n->count && v->err == TS_OK; i++)
        ok &= v_expect_one(v, n->kids[i], type_of(i == 0 ? s.first : s.second),
                           NULL)
                  .ok;
    return v_answer(ok, type_of(s.result));
}

static void mixed_set(struct validate *v, struct vnode *n,
                      const struct cedar_type *first,
                      const struct cedar_type *other)
{
    struct v_saying say = {.code = "incompatible_types",
                           .label = "members of different types",
                           .hint = "give all members of a set one type"};

    v_find(v, n, &say,
           "a set holds values of one type, not `%.80s` and `%.80s`",
           v_type_text(first).s, v_type_text(other).s);
}

struct answer v_check_set(struct validate *v, struct vnode *n)
{
    struct v_saying empty = {.code = "empty_set",
                             .label = "its members' type cannot be told",
                             .hint = "test a set with `.isEmpty()`"};
    const struct cedar_type *sum = &v_never, *next;
    enum lub_help why;
    bool ok = true;

    for (uint32_t i = 0; i < n->count && v->err == TS_OK; i++)
        ok &= v_check(v, n->kids[i]).ok;
    if (v->strict && n->count == 0) {
        v_find(v, n, &empty, "an empty set literal has no type");
        return v_answer(false, NULL);
    }
    for (uint32_t i = 0; i < n->count && v->err == TS_OK; i++)
        if (n->kids[i]->type == NULL)
            return v_answer(false, NULL);
    for (uint32_t i = 0; i < n->count && v->err == TS_OK; i++) {
        next = v_lub(v, sum, n->kids[i]->type, v->strict, &why);
        if (next == NULL) {
            mixed_set(v, n, sum, n->kids[i]->type);
            return v_answer(false, NULL);
        }
        sum = next;
    }
    next = v_set_type(v, sum);
    return v_answer(ok && next != NULL, next);
}

static const struct cedar_type *record_type(struct validate *v,
                                            const struct vnode *n)
{
    struct cedar_attr *list = v_temp(v, n->count, sizeof(*list));
    struct cedar_attrs *attrs = v_temp(v, 1, sizeof(*attrs));
    struct cedar_type *t = v_temp(v, 1, sizeof(*t));

    if (list == NULL || attrs == NULL || t == NULL)
        return NULL;
    for (uint32_t i = 0; i < n->count; i++)
        list[i] = (struct cedar_attr){
            .name = n->keys[i], .type = n->kids[i]->type, .required = true};
    *attrs = (struct cedar_attrs){.count = n->count, .list = list};
    *t = (struct cedar_type){.kind = TYPE_RECORD, .as.attrs = attrs};
    return t;
}

struct answer v_check_record(struct validate *v, struct vnode *n)
{
    const struct cedar_type *t;
    bool ok = true;

    for (uint32_t i = 0; i < n->count && v->err == TS_OK; i++)
        ok &= v_check(v, n->kids[i]).ok;
    for (uint32_t i = 0; i < n->count && v->err == TS_OK; i++)
        if (n->kids[i]->type == NULL)
            return v_answer(false, NULL);
    t = record_type(v, n);
    return v_answer(ok && t != NULL, t);
}
