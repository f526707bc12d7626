/* Types of schema text: a name, Set<...> or a record. */
#include "policy/core/limits.h"
#include "policy/core/sort.h"
#include "policy/schema/text_priv.h"

static ts_err set_of(struct schema_text *p, struct decl_type *ret)
{
    ts_err e;

    ret->kind = DECL_SET;
    if ((e = text_next(p)) != TS_OK || /* < */
        (e = text_type(p, &ret->elem)) != TS_OK)
        return e;
    return text_expect(p, '>', "`>`", "a set is written Set<ElementType>");
}

static ts_err deeper(struct schema_text *p)
{
    if (p->depth < CEDAR_TYPE_NESTING) {
        p->depth++;
        return TS_OK;
    }
    return decl_fail(p->diags, "limit", p->tok.span, "too deep",
                     "give the inner part a name: type Inner = ...;",
                     "types are nested more than %d levels deep",
                     CEDAR_TYPE_NESTING);
}

ts_err text_type(struct schema_text *p, const struct decl_type **ret)
{
    struct decl_type t = {.span = p->tok.span}, *kept;
    struct decl_name name;
    ts_err e;

    if (text_at(p, '{'))
        return text_record(p, ret);
    if ((e = text_path(p, "a type", &name)) != TS_OK)
        return e;
    t.kind = DECL_EITHER;
    t.name = name.text;
    if (text_at(p, '<')) {
        if (!ts_str_eq_c(name.text, "Set"))
            return text_unexpected(p, "the end of the type",
                                   "only Set takes a type in angle brackets");
        if ((e = deeper(p)) != TS_OK || (e = set_of(p, &t)) != TS_OK)
            return e;
        p->depth--;
    }
    t.span = text_since(p, t.span);
    if ((e = text_alloc(p, sizeof(t), &kept)) != TS_OK)
        return e;
    *kept = t;
    *ret = kept;
    return TS_OK;
}

static ts_err attribute(struct schema_text *p, struct decl_attr **ret)
{
    struct decl_attr a = {0}, *kept;
    bool optional;
    ts_err e;

    if ((e = text_notes(p, &a.notes)) != TS_OK ||
        (e = text_ident_or_string(p, "an attribute name or `}`", &a.name)) !=
            TS_OK ||
        (e = text_skip_if(p, '?', &optional)) != TS_OK ||
        (e = text_expect(p, ':', "`:` and a type", NULL)) != TS_OK ||
        (e = text_type(p, &a.type)) != TS_OK)
        return e;
    a.required = !optional;
    if ((e = text_alloc(p, sizeof(a), &kept)) != TS_OK)
        return e;
    *kept = a;
    *ret = kept;
    return TS_OK;
}

struct place {
    struct decl_attr *attr;
    uint32_t at;
};

static int by_name(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    int c = ts_str_cmp(x->attr->name.text, y->attr->name.text);

    if (c != 0)
        return c;
    return x->at < y->at ? -1 : (x->at > y->at ? 1 : 0);
}

/* Of attributes of one name the last one counts, as in the official engine,
 * which forgets the others; returns how many are left. */
static ts_err forget_earlier(struct schema_text *p, struct decl_attr **list,
                             uint32_t count, uint32_t *ret)
{
    struct place *places;
    struct decl_attr **link = list;
    uint32_t left = 0, i = 0;
    ts_err e = text_alloc(p, count * sizeof(*places) + 1, &places);

    if (e != TS_OK)
        return e;
    for (struct decl_attr *a = *list; a != NULL; a = a->next, i++)
        places[i] = (struct place){.attr = a, .at = i};
    cedar_sort(places, count, sizeof(*places), by_name);
    for (i = 0; i + 1 < count; i++)
        if (ts_str_eq(places[i].attr->name.text, places[i + 1].attr->name.text))
            places[i].attr->type = NULL;
    while (*link != NULL) {
        if ((*link)->type == NULL) {
            *link = (*link)->next;
        } else {
            link = &(*link)->next;
            left++;
        }
    }
    *ret = left;
    return TS_OK;
}

static ts_err attributes(struct schema_text *p, struct decl_type *t)
{
    struct decl_attr *first = NULL, **end = &first;
    uint32_t count = 0;
    bool comma = true;
    ts_err e;

    while (!text_at(p, '}')) {
        if (!comma)
            return text_unexpected(p, "`,` or `}`",
                                   p->tok.kind == LEX_IDENT ||
                                           p->tok.kind == LEX_STRING
                                       ? "put a comma before it"
                                       : NULL);
        if ((e = attribute(p, end)) != TS_OK ||
            (e = text_skip_if(p, ',', &comma)) != TS_OK)
            return e;
        end = &(*end)->next;
        count++;
    }
    if ((e = forget_earlier(p, &first, count, &t->attr_count)) != TS_OK)
        return e;
    t->attrs = first;
    return TS_OK;
}

ts_err text_record(struct schema_text *p, const struct decl_type **ret)
{
    struct decl_type t = {.kind = DECL_RECORD, .span = p->tok.span}, *kept;
    ts_err e;

    if ((e = deeper(p)) != TS_OK || (e = text_next(p)) != TS_OK ||
        (e = attributes(p, &t)) != TS_OK || (e = text_next(p)) != TS_OK)
        return e;
    p->depth--;
    t.span = text_since(p, t.span);
    if ((e = text_alloc(p, sizeof(t), &kept)) != TS_OK)
        return e;
    *kept = t;
    *ret = kept;
    return TS_OK;
}
