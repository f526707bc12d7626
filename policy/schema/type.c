/* Types, looked into and shown to people. */
#include "policy/schema/type.h"

#include <string.h>

#include "policy/core/diag.h"
#include "policy/core/uid.h"
#include "policy/schema/schema.h"

#define SHOWN_DEPTH 16 /* what lies deeper is "..." */

const struct cedar_attr *cedar_attrs_find(const struct cedar_attrs *a,
                                          struct ts_str name)
{
    uint32_t lo = 0, hi = a->count;

    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        int c = cedar_str_order(name, a->list[mid].name);

        if (c == 0)
            return &a->list[mid];
        if (c < 0)
            hi = mid;
        else
            lo = mid + 1;
    }
    return NULL;
}

/* Pieces go out whole or not at all; good is where "..." would still fit. */
struct out {
    char *p;
    size_t cap, len, good;
    bool full;
};

static void put(struct out *o, const char *s)
{
    size_t n = strlen(s);

    if (o->full || n + 1 > o->cap - o->len) {
        o->full = true;
        return;
    }
    memcpy(o->p + o->len, s, n + 1);
    o->len += n;
    if (o->len + 4 <= o->cap)
        o->good = o->len;
}

static void put_name(struct out *o, struct ts_str name)
{
    struct cedar_quoted q = cedar_quote(name);

    put(o, q.s);
}

static void put_type(struct out *o, const struct cedar_type *t, unsigned depth);

static void put_record(struct out *o, const struct cedar_attrs *a,
                       unsigned depth)
{
    put(o, a->count == 0 && !a->open ? "{" : "{ ");
    for (uint32_t i = 0; i < a->count && !o->full; i++) {
        put(o, i > 0 ? ", \"" : "\"");
        put_name(o, a->list[i].name);
        put(o, a->list[i].required ? "\": " : "\"?: ");
        put_type(o, a->list[i].type, depth);
    }
    if (a->open)
        put(o, a->count > 0 ? ", .." : "..");
    put(o, a->count == 0 && !a->open ? "}" : " }");
}

static void put_entities(struct out *o, const struct cedar_entity_lub *lub)
{
    for (uint32_t i = 0; i < lub->count && !o->full; i++) {
        if (i > 0)
            put(o, " | ");
        put_name(o, lub->list[i]->name);
    }
}

static const char *ext_name(enum cedar_kind ext)
{
    if (ext == CEDAR_DECIMAL)
        return "decimal";
    if (ext == CEDAR_IPADDR)
        return "ipaddr";
    return ext == CEDAR_DATETIME ? "datetime" : "duration";
}

static void put_type(struct out *o, const struct cedar_type *t, unsigned depth)
{
    if (depth > SHOWN_DEPTH) {
        put(o, "...");
        return;
    }
    switch (t->kind) {
    case TYPE_NONE:
    case TYPE_NEVER:
        put(o, "nothing");
        break;
    case TYPE_TRUE:
    case TYPE_FALSE:
    case TYPE_BOOL:
        put(o, "Bool");
        break;
    case TYPE_LONG:
        put(o, "Long");
        break;
    case TYPE_STRING:
        put(o, "String");
        break;
    case TYPE_EXT:
        put(o, ext_name(t->as.ext));
        break;
    case TYPE_ANY_ENTITY:
        put(o, "any entity");
        break;
    case TYPE_ENTITY:
        put_entities(o, &t->as.entities);
        break;
    case TYPE_SET:
        put(o, t->as.elem != NULL ? "Set<" : "Set");
        if (t->as.elem != NULL) {
            put_type(o, t->as.elem, depth + 1);
            put(o, ">");
        }
        break;
    case TYPE_RECORD:
        put_record(o, t->as.attrs, depth + 1);
        break;
    }
}

size_t cedar_type_print(const struct cedar_type *t, char *out, size_t cap)
{
    struct out o = {.p = out, .cap = cap};

    if (cap == 0)
        return 0;
    out[0] = '\0';
    put_type(&o, t, 0);
    if (o.full) {
        size_t dots = cap - o.good < 4 ? cap - o.good - 1 : 3;

        memcpy(out + o.good, "...", dots);
        o.len = o.good + dots;
        out[o.len] = '\0';
    }
    return o.len;
}
