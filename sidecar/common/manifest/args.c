/* The arguments of one call against their declarations. Pure. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "proto/base/ts_num.h"
#include "proto/wire/mp_read.h"
#include "sidecar/common/manifest/manifest_priv.h"

struct args_reader {
    const struct manifest *m;
    struct ts_arena *arena;
    struct mp_reader mp;
    bool recorded; /* values come out of a record, not from a caller */
    char *text;
    size_t cap;
};

static ts_err refuse(const struct args_reader *r, const char *fmt, ...)
    TS_PRINTF(2, 3);

static ts_err refuse(const struct args_reader *r, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(r->text, r->cap, fmt, ap);
    va_end(ap);
    return TS_E_INVALID;
}

static bool is_one_of(const struct manifest_arg *d, struct ts_str s)
{
    if (d->one_of == NULL)
        return true;
    for (uint32_t i = 0; i < d->one_of_count; i++) {
        if (ts_str_eq(d->one_of[i], s))
            return true;
    }
    return false;
}

/* A text within its limits; argv words cannot hold NUL. */
static ts_err read_text(struct args_reader *r, const struct manifest_arg *d,
                        struct ts_str *ret)
{
    int name_len = (int)d->name.len;
    struct ts_str s;

    if (mp_peek(&r->mp) != MP_STR)
        return refuse(r, "argument \"%.*s\" must be a text", name_len,
                      d->name.ptr);
    s = mp_read_str(&r->mp, ARG_STRING_MAX);
    if (r->mp.error != TS_OK)
        return refuse(r, "argument \"%.*s\": %s", name_len, d->name.ptr,
                      r->mp.what);
    if ((int64_t)s.len < d->min || (int64_t)s.len > d->max)
        return refuse(r, "argument \"%.*s\" must have %lld to %lld bytes",
                      name_len, d->name.ptr, (long long)d->min,
                      (long long)d->max);
    if (memchr(s.ptr, '\0', s.len) != NULL)
        return refuse(r, "argument \"%.*s\" holds a NUL byte", name_len,
                      d->name.ptr);
    if (!is_one_of(d, s))
        return refuse(r, "argument \"%.*s\" is not one of its allowed values",
                      name_len, d->name.ptr);
    *ret = s;
    return TS_OK;
}

static ts_err read_path(struct args_reader *r, struct arg_value *v)
{
    const struct manifest_arg *d = v->decl;
    struct ts_str root = r->m->resource_root, s;
    ts_err e = read_text(r, d, &s);

    if (e != TS_OK)
        return e;
    if (root.len == 0)
        root = TS_STR_LIT("/");
    e = path_canonical(root, s, r->arena, &v->text);
    if (e == TS_E_NOMEM)
        return e;
    if (e != TS_OK)
        return refuse(r, "argument \"%.*s\" is not a path beneath %.*s",
                      (int)d->name.len, d->name.ptr, (int)root.len, root.ptr);
    return TS_OK;
}

static ts_err read_url(struct args_reader *r, struct arg_value *v)
{
    const struct manifest_arg *d = v->decl;
    struct url_parts parts;
    struct ts_str s;
    ts_err e = read_text(r, d, &s);

    if (e != TS_OK)
        return e;
    e = url_canonical(s, r->arena, &parts);
    if (e == TS_E_NOMEM)
        return e;
    if (e != TS_OK)
        return refuse(r,
                      "argument \"%.*s\" is not a plain absolute URL (no user, "
                      "no fragment, ASCII host)",
                      (int)d->name.len, d->name.ptr);
    v->text = parts.url;
    return TS_OK;
}

static ts_err read_int(struct args_reader *r, struct arg_value *v)
{
    const struct manifest_arg *d = v->decl;
    enum mp_type t = mp_peek(&r->mp);

    if (t != MP_UINT && t != MP_NINT)
        return refuse(r, "argument \"%.*s\" must be a whole number",
                      (int)d->name.len, d->name.ptr);
    v->integer = mp_read_int(&r->mp);
    if (r->mp.error != TS_OK || v->integer < d->min || v->integer > d->max)
        return refuse(r, "argument \"%.*s\" must be from %lld to %lld",
                      (int)d->name.len, d->name.ptr, (long long)d->min,
                      (long long)d->max);
    return TS_OK;
}

static ts_err read_strings(struct args_reader *r, struct arg_value *v)
{
    const struct manifest_arg *d = v->decl;
    uint32_t n;
    void *p;
    ts_err e;

    if (mp_peek(&r->mp) != MP_ARRAY)
        return refuse(r, "argument \"%.*s\" must be a list of texts",
                      (int)d->name.len, d->name.ptr);
    n = mp_read_array(&r->mp, d->max_items);
    if (r->mp.error != TS_OK)
        return refuse(r, "argument \"%.*s\" may have at most %u entries",
                      (int)d->name.len, d->name.ptr, d->max_items);
    e = ts_arena_array(r->arena, (size_t)n + 1, sizeof(*v->items), &p);
    if (e != TS_OK)
        return e;
    v->items = p;
    v->item_count = n;
    for (uint32_t i = 0; i < n; i++) {
        if ((e = read_text(r, d, &v->items[i])) != TS_OK)
            return e;
    }
    return TS_OK;
}

/* The number in any of its three forms. TS_E_FORMAT, TS_E_LIMIT. */
static ts_err decimal_of(struct mp_reader *mp, int64_t *ret)
{
    enum mp_type t = mp_peek(mp);
    int64_t whole;

    if (t == MP_FLOAT)
        return decimal_of_float(mp_read_float(mp), ret);
    if (t == MP_STR)
        return decimal_parse(mp_read_str(mp, DECIMAL_TEXT_MAX), ret);
    if (t != MP_UINT && t != MP_NINT)
        return TS_E_FORMAT;
    whole = mp_read_int(mp);
    if (mp->error != TS_OK || ts_ckd_mul(ret, whole, 10000))
        return TS_E_LIMIT;
    return TS_OK;
}

static ts_err read_decimal(struct args_reader *r, struct arg_value *v)
{
    const struct manifest_arg *d = v->decl;
    char text[DECIMAL_TEXT_MAX], min[DECIMAL_TEXT_MAX], max[DECIMAL_TEXT_MAX];
    int name_len = (int)d->name.len;
    const char *copy;
    ts_err e = decimal_of(&r->mp, &v->integer);

    if (e == TS_E_LIMIT && r->mp.error == TS_OK)
        return refuse(r,
                      "argument \"%.*s\" has too many digits to be exact; a "
                      "text holds up to 922337203685477.5807",
                      name_len, d->name.ptr);
    if (e != TS_OK || r->mp.error != TS_OK)
        return refuse(r,
                      "argument \"%.*s\" must be a number with at most four "
                      "fraction digits, as a number or a text like \"12.50\"",
                      name_len, d->name.ptr);
    if (v->integer < d->min || v->integer > d->max)
        return refuse(r, "argument \"%.*s\" must be from %.*s to %.*s",
                      name_len, d->name.ptr, (int)decimal_text(d->min, min),
                      min, (int)decimal_text(d->max, max), max);
    v->text.len = decimal_text(v->integer, text);
    e = ts_arena_strndup(r->arena, text, v->text.len, &copy);
    if (e == TS_OK)
        v->text.ptr = copy;
    return e;
}

static ts_err read_json(struct args_reader *r, struct arg_value *v)
{
    const struct manifest_arg *d = v->decl;
    int name_len = (int)d->name.len;
    const uint8_t *start = r->mp.at;
    ts_err e;

    if (r->recorded)
        return read_text(r, d, &v->text);
    mp_skip_checked(&r->mp);
    e = manifest_json((struct ts_bytes){start, (size_t)(r->mp.at - start)},
                      (size_t)d->max, r->arena, &v->text);
    if (e == TS_E_FORMAT)
        return refuse(r, "argument \"%.*s\" holds bytes, which JSON has not",
                      name_len, d->name.ptr);
    if (e == TS_E_INVALID)
        return refuse(r,
                      "argument \"%.*s\" has names that are too long: the "
                      "pointer to a value may have %d bytes",
                      name_len, d->name.ptr, MANIFEST_PATTERN_MAX);
    if (e == TS_E_LIMIT || (e == TS_OK && v->text.len < (size_t)d->min))
        return refuse(r,
                      "argument \"%.*s\" must have %lld to %lld bytes as "
                      "JSON",
                      name_len, d->name.ptr, (long long)d->min,
                      (long long)d->max);
    return e;
}

static ts_err read_value(struct args_reader *r, struct arg_value *v)
{
    switch (v->decl->type) {
    case ARG_STRING:
        return read_text(r, v->decl, &v->text);
    case ARG_INT:
        return read_int(r, v);
    case ARG_BOOL:
        if (mp_peek(&r->mp) != MP_BOOL)
            return refuse(r, "argument \"%.*s\" must be true or false",
                          (int)v->decl->name.len, v->decl->name.ptr);
        v->integer = mp_read_bool(&r->mp);
        return TS_OK;
    case ARG_PATH:
        return read_path(r, v);
    case ARG_URL:
        return read_url(r, v);
    case ARG_STRINGS:
        return read_strings(r, v);
    case ARG_DECIMAL:
        return read_decimal(r, v);
    case ARG_JSON:
        return read_json(r, v);
    }
    return TS_E_INVALID;
}

/* Reads every entry into the slot of its declaration. */
static ts_err read_entries(struct args_reader *r, struct arg_value *slots)
{
    uint32_t n = mp_read_map(&r->mp, TS_ARGS_KEYS_MAX);

    for (uint32_t i = 0; i < n; i++) {
        struct ts_str key = mp_read_str(&r->mp, TS_ARGS_MAX);
        const struct manifest_arg *d = manifest_arg_find(r->m, key);
        char shown[80];
        ts_err e;

        if (d == NULL) {
            (void)ts_str_escape(shown, sizeof(shown), key.ptr, key.len);
            return refuse(r, "argument \"%s\" is not known to this tool",
                          shown);
        }
        slots[d - r->m->args].decl = d;
        if ((e = read_value(r, &slots[d - r->m->args])) != TS_OK)
            return e;
    }
    if (mp_done(&r->mp) != TS_OK)
        return refuse(r, "the arguments are not one strict map: %s",
                      r->mp.what);
    return TS_OK;
}

/* Closes the gaps that optional arguments left; required ones must be there. */
static ts_err pack(const struct args_reader *r, struct call_args *c)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < r->m->arg_count; i++) {
        const struct manifest_arg *d = &r->m->args[i];

        if (c->values[i].decl != NULL)
            c->values[n++] = c->values[i];
        else if (d->required)
            return refuse(r, "argument \"%.*s\" is missing", (int)d->name.len,
                          d->name.ptr);
    }
    c->count = n;
    return TS_OK;
}

static ts_err find_resource(const struct args_reader *r, struct call_args *c)
{
    const struct manifest *m = r->m;

    c->resource = m->tool;
    if (m->resource_path.len > 0)
        c->resource = m->resource_path;
    for (uint32_t i = 0; i < c->count && m->resource_arg.len > 0; i++) {
        if (ts_str_eq(c->values[i].decl->name, m->resource_arg))
            c->resource = c->values[i].text;
    }
    if (m->resource == RESOURCE_FILE &&
        ts_str_eq(c->resource, m->resource_root))
        return refuse(r, "argument \"%.*s\" names the folder, not a file in it",
                      (int)m->resource_arg.len, m->resource_arg.ptr);
    return TS_OK;
}

static ts_err read_args(const struct args_reader *how, struct ts_bytes args,
                        struct call_args *ret)
{
    const struct manifest *m = how->m;
    struct ts_arena *arena = how->arena;
    struct args_reader r = *how;
    const struct manifest_arg *bad;
    struct call_args c = {0};
    void *p;
    ts_err e;

    if (r.cap > 0)
        r.text[0] = '\0';
    if (args.len > TS_ARGS_MAX)
        return refuse(&r, "the arguments are larger than %d bytes",
                      TS_ARGS_MAX);
    e = ts_arena_array(arena, (size_t)m->arg_count + 1, sizeof(*c.values), &p);
    if (e == TS_OK) {
        c.values = p;
        mp_reader_init(&r.mp, args.ptr, args.len);
        if ((e = read_entries(&r, c.values)) == TS_OK &&
            (e = pack(&r, &c)) == TS_OK)
            e = find_resource(&r, &c);
    }
    if (e == TS_OK && (bad = argv_dash_offender(m, &c)) != NULL)
        e = refuse(&r, "argument \"%.*s\" may not start with \"-\"",
                   (int)bad->name.len, bad->name.ptr);
    if (e == TS_OK)
        *ret = c;
    else if (r.cap > 0 && r.text[0] == '\0')
        (void)snprintf(r.text, r.cap, "%s", ts_err_text(e));
    return e;
}

ts_err manifest_args(const struct manifest *m, struct ts_bytes args,
                     struct ts_arena *arena, struct call_args *ret,
                     char *reterr_text, size_t reterr_cap)
{
    return read_args(
        &(struct args_reader){
            .m = m, .arena = arena, .text = reterr_text, .cap = reterr_cap},
        args, ret);
}

ts_err manifest_args_recorded(const struct manifest *m, struct ts_bytes args,
                              struct ts_arena *arena, struct call_args *ret,
                              char *reterr_text, size_t reterr_cap)
{
    return read_args(&(struct args_reader){.m = m,
                                           .arena = arena,
                                           .recorded = true,
                                           .text = reterr_text,
                                           .cap = reterr_cap},
                     args, ret);
}
