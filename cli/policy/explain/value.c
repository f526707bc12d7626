/* Values that a policy looked at, and masks over them. */
#include <string.h>

#include "cli/policy/explain/view.h"

#define HIDDEN TS_STR_LIT("***")

/* `a` is `b` or a part of the path above it. */
static bool covers(struct ts_str a, struct ts_str b)
{
    return ts_str_starts(b, a) && (b.len == a.len || b.ptr[a.len] == '.');
}

static bool contains(struct ts_str text, struct ts_str part)
{
    return part.len > 0 && text.len >= part.len &&
           memmem(text.ptr, text.len, part.ptr, part.len) != NULL;
}

/* The first component, and the rest after the dot. */
static struct ts_str take_component(struct ts_str *path)
{
    const char *dot = memchr(path->ptr, '.', path->len);
    struct ts_str c = *path;

    if (dot != NULL)
        c.len = (size_t)(dot - path->ptr);
    path->ptr += c.len + (dot != NULL ? 1 : 0);
    path->len -= c.len + (dot != NULL ? 1 : 0);
    return c;
}

/* The variable stands in the text as a whole, not only as a base of `.`. */
static bool whole_variable(struct ts_str text, struct ts_str var)
{
    const char *at;

    while (text.len >= var.len &&
           (at = memmem(text.ptr, text.len, var.ptr, var.len)) != NULL) {
        size_t used = (size_t)(at - text.ptr) + var.len;

        if (used == text.len || (at[var.len] != '.' && at[var.len] != '['))
            return true;
        text.ptr += used;
        text.len -= used;
    }
    return false;
}

/* A computed value may hold what a mask covers whenever its text names any part
 * of the masked path: better hidden once too often. */
static bool may_hold(struct ts_str text, struct ts_str mask)
{
    struct ts_str var = take_component(&mask);

    if (whole_variable(text, var))
        return true;
    while (mask.len > 0)
        if (contains(text, take_component(&mask)))
            return true;
    return false;
}

static ts_err hide_inside(const struct explain_view *v, struct ts_str rest,
                          struct cedar_value *value);

/* The record with one member hidden, or hidden in part. */
static ts_err hide_member(const struct explain_view *v, struct ts_str rest,
                          struct cedar_value *value)
{
    const struct cedar_record *r = value->as.record;
    struct ts_str key = take_component(&rest);
    size_t n = cedar_record_count(r);
    struct cedar_field *fields;
    void *mem;
    ts_err e = ts_arena_array(v->arena, n, sizeof(*fields), &mem);

    if (e != TS_OK)
        return e;
    fields = mem;
    for (size_t i = 0; i < n; i++) {
        fields[i] = *cedar_record_at(r, i);
        if (!ts_str_eq(fields[i].key, key))
            continue;
        if (rest.len == 0)
            fields[i].value = cedar_string(HIDDEN);
        else if ((e = hide_inside(v, rest, &fields[i].value)) != TS_OK)
            return e;
    }
    return cedar_record_make(v->arena, fields, n, value);
}

/* A depth of masks is a depth of the command line, and of the record. */
static ts_err hide_inside(const struct explain_view *v, struct ts_str rest,
                          struct cedar_value *value)
{
    if (value->kind != CEDAR_RECORD ||
        cedar_record_count(value->as.record) == 0)
        return TS_OK; /* an entity shows its uid only */
    return hide_member(v, rest, value);
}

static struct ts_str print(const struct explain_view *v,
                           const struct cedar_value *value, size_t cap)
{
    void *mem;
    size_t n;

    if (ts_arena_alloc(v->arena, cap, &mem) != TS_OK)
        return explain_no_memory;
    n = cedar_value_print(value, mem, cap);
    return (struct ts_str){.ptr = mem, .len = n < cap ? n : strlen(mem)};
}

struct ts_str explain_value(const struct explain_view *v,
                            const struct cedar_operand *op, size_t cap)
{
    struct cedar_value value = op->value;
    size_t masks = v->masks != NULL ? v->masks->count : 0;

    for (size_t i = 0; i < masks; i++) {
        struct ts_str mask = ts_str_of(v->masks->items[i]);

        if (op->path.len == 0) {
            struct ts_str text = explain_text(v, op->span, SIZE_MAX);

            /* what cannot be looked at may hold it, too */
            if (text.ptr == explain_no_memory.ptr || may_hold(text, mask))
                return HIDDEN;
            continue;
        }
        if (covers(mask, op->path))
            return HIDDEN;
        if (covers(op->path, mask)) {
            struct ts_str rest = {.ptr = mask.ptr + op->path.len + 1,
                                  .len = mask.len - op->path.len - 1};

            if (hide_inside(v, rest, &value) != TS_OK)
                return HIDDEN;
        }
    }
    return print(v, &value, cap);
}

struct ts_str explain_variable(const struct explain_view *v, const char *name,
                               const struct cedar_uid *uid, size_t cap)
{
    struct cedar_operand op = {.value = cedar_entity(uid),
                               .path = ts_str_of(name)};

    return explain_value(v, &op, cap);
}
