#include "policy/json/reader.h"

#include <string.h>

#include "policy/core/budget.h"
#include "policy/core/diag.h"
#include "policy/core/limits.h"
#include "policy/core/lit.h"
#include "policy/core/sort.h"
#include "policy/core/uid.h"
#include "policy/json/reader_priv.h"
#include "proto/base/ts_num.h"

static struct cedar_span here(const struct json_reader *r)
{
    return (struct cedar_span){.source = r->source,
                               .offset = (uint32_t)r->at,
                               .len = 1,
                               .line = r->line,
                               .column = r->column};
}

ts_err cedar_json_fail(struct json_reader *r, const char *text)
{
    cedar_diag_add(r->diags, "bad_json", here(r), NULL, "%s", text);
    return TS_E_FORMAT;
}

void cedar_json_advance(struct json_reader *r, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)r->src.ptr[r->at++];

        if (c == '\n') {
            r->line++;
            r->column = 1;
        } else if ((c & 0xC0) != 0x80) {
            r->column++;
        }
    }
}

/* '\0' stands for the end and for a NUL byte: neither begins anything. */
static char peek(const struct json_reader *r)
{
    return r->at < r->src.len ? r->src.ptr[r->at] : '\0';
}

static char skip_space(struct json_reader *r)
{
    while (r->at < r->src.len && (peek(r) == ' ' || peek(r) == '\t' ||
                                  peek(r) == '\n' || peek(r) == '\r'))
        cedar_json_advance(r, 1);
    return peek(r);
}

/* -?(0|[1-9][0-9]*); a fraction or an exponent is refused, and -0 with them:
 * Cedar has no numbers but 64-bit integers. */
static ts_err read_int(struct json_reader *r, struct json *v)
{
    const char *p = r->src.ptr + r->at, *end = r->src.ptr + r->src.len;
    bool negative = *p == '-', fits = true;
    const char *digits = p + (negative ? 1 : 0), *q = digits;
    int64_t n = 0;

    for (; q < end && *q >= '0' && *q <= '9'; q++)
        fits = fits && !ts_ckd_mul(&n, n, 10) && !ts_ckd_sub(&n, n, *q - '0');
    if (q == digits || (*digits == '0' && q > digits + 1))
        return cedar_json_fail(r, "this is not a JSON number");
    if (q < end && (*q == '.' || *q == 'e' || *q == 'E'))
        return cedar_json_fail(r, "Cedar has no floating-point numbers; use an "
                                  "integer or a decimal");
    if (negative && *digits == '0')
        return cedar_json_fail(r, "-0 is a floating-point number; write 0");
    if (!negative)
        fits = fits && !ts_ckd_sub(&n, (int64_t)0, n);
    if (!fits)
        return cedar_json_fail(r, "this integer does not fit 64 bits");
    v->kind = JSON_INT;
    v->integer = n;
    cedar_json_advance(r, (size_t)(q - p));
    return TS_OK;
}

static ts_err read_word(struct json_reader *r, struct json *v)
{
    static const struct {
        struct ts_str text;
        enum json_kind kind;
        bool boolean;
    } words[] = {{CEDAR_LIT("true"), JSON_BOOL, true},
                 {CEDAR_LIT("false"), JSON_BOOL, false},
                 {CEDAR_LIT("null"), JSON_NULL, false}};
    struct ts_str rest = {.ptr = r->src.ptr + r->at, .len = r->src.len - r->at};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (!ts_str_starts(rest, words[i].text))
            continue;
        v->kind = words[i].kind;
        v->boolean = words[i].boolean;
        cedar_json_advance(r, words[i].text.len);
        return TS_OK;
    }
    return cedar_json_fail(r, r->at < r->src.len ? "expected a JSON value"
                                                 : "the text ends early");
}

static int key_order(const void *a, const void *b)
{
    const struct json *const *x = a, *const *y = b;

    return cedar_str_order((*x)->key, (*y)->key);
}

static ts_err sort_members(struct json_reader *r, struct json *obj)
{
    const struct json *m = obj->first;
    void *mem;
    ts_err e = ts_arena_array(r->arena, obj->count, sizeof(m), &mem);

    if (e != TS_OK)
        return e;
    obj->by_key = mem;
    for (uint32_t i = 0; i < obj->count; i++, m = m->next)
        obj->by_key[i] = m;
    cedar_sort(obj->by_key, obj->count, sizeof(m), key_order);
    for (uint32_t i = 1; i < obj->count; i++) {
        const struct json *a = obj->by_key[i - 1], *b = obj->by_key[i];

        if (!ts_str_eq(a->key, b->key))
            continue;
        cedar_diag_add(r->diags, "duplicate_key",
                       a->span.offset > b->span.offset ? a->span : b->span,
                       "remove one of the two",
                       "the key \"%s\" stands twice in this object",
                       cedar_quote(b->key).s);
        return TS_E_FORMAT;
    }
    return TS_OK;
}

static ts_err read_key(struct json_reader *r, struct ts_str *ret)
{
    ts_err e;

    if (skip_space(r) != '"')
        return cedar_json_fail(r, "expected a key in double quotes");
    if ((e = cedar_json_string(r, ret)) != TS_OK)
        return e;
    if (skip_space(r) != ':')
        return cedar_json_fail(r, "expected a colon after the key");
    cedar_json_advance(r, 1);
    return TS_OK;
}

/* Room for one more open container. The stack is in the arena, not on the
 * machine's: nesting costs memory that the budget counts, and nothing else. */
static ts_err grow_stack(struct json_reader *r)
{
    uint32_t room = r->room == 0 ? 32 : 2 * r->room;
    struct json_open *more;
    void *mem;
    ts_err e;

    if (r->depth < r->room)
        return TS_OK;
    if ((e = ts_arena_array(r->arena, room, sizeof(*more), &mem)) != TS_OK)
        return e;
    more = mem;
    for (uint32_t i = 0; i < r->depth; i++)
        more[i] = r->open[i];
    r->open = more;
    r->room = room;
    return TS_OK;
}

static ts_err open_container(struct json_reader *r, struct json *v)
{
    ts_err e;

    v->kind = peek(r) == '{' ? JSON_OBJECT : JSON_ARRAY;
    if (r->depth >= r->max_depth)
        return cedar_json_fail(r, "nested too deeply");
    if ((e = grow_stack(r)) != TS_OK)
        return e;
    r->open[r->depth++] = (struct json_open){.v = v};
    cedar_json_advance(r, 1);
    return TS_OK;
}

/* A whole value, or the beginning of an array or object, which is then the
 * innermost open one. */
static ts_err read_value(struct json_reader *r, struct json **ret)
{
    struct json *v;
    void *mem;
    char c;
    ts_err e = ts_arena_alloc(r->arena, sizeof(*v), &mem);

    if (e != TS_OK)
        return e;
    v = mem;
    c = skip_space(r);
    v->span = here(r);
    *ret = v;
    if (c == '{' || c == '[')
        return open_container(r, v);
    if (c == '"') {
        v->kind = JSON_STRING;
        e = cedar_json_string(r, &v->str);
    } else if (c == '-' || (c >= '0' && c <= '9')) {
        e = read_int(r, v);
    } else {
        e = read_word(r, v);
    }
    v->span.len = (uint32_t)r->at - v->span.offset;
    return e;
}

static ts_err close_container(struct json_reader *r)
{
    struct json *v = r->open[--r->depth].v;

    cedar_json_advance(r, 1);
    v->span.len = (uint32_t)r->at - v->span.offset;
    return v->kind == JSON_OBJECT ? sort_members(r, v) : TS_OK;
}

/* The next member of the innermost container, or its end. */
static ts_err read_member(struct json_reader *r)
{
    uint32_t at = r->depth - 1;
    struct json *parent = r->open[at].v, *last = r->open[at].last, *m;
    bool object = parent->kind == JSON_OBJECT;
    char c = skip_space(r);
    struct ts_str key = {0};
    ts_err e;

    if (c == (object ? '}' : ']'))
        return close_container(r);
    if (last != NULL) {
        if (c != ',')
            return cedar_json_fail(r, object ? "expected a comma or }"
                                             : "expected a comma or ]");
        cedar_json_advance(r, 1);
    }
    if (object && (e = read_key(r, &key)) != TS_OK)
        return e;
    if ((e = read_value(r, &m)) != TS_OK)
        return e;
    m->key = key;
    if (last != NULL)
        last->next = m;
    else
        parent->first = m;
    r->open[at].last = m; /* read_value() may have moved the stack */
    parent->count++;
    return TS_OK;
}

/* Whether the text may be read at all. */
static ts_err check_text(struct json_reader *r)
{
    struct cedar_span bad;

    if (r->src.len > CEDAR_JSON_BYTES) {
        (void)cedar_json_fail(r,
                              "the JSON text is larger than the limit allows");
        return TS_E_LIMIT;
    }
    if (!cedar_utf8_find_bad(r->src, r->source, &bad))
        return TS_OK;
    cedar_diag_add(r->diags, "bad_utf8", bad, "save the file as UTF-8",
                   "this is not valid UTF-8");
    return TS_E_FORMAT;
}

static ts_err read_whole(struct json_reader *r, struct json **ret)
{
    ts_err e = read_value(r, ret);

    while (e == TS_OK && r->depth > 0)
        e = read_member(r);
    return e;
}

static ts_err check_end(struct json_reader *r)
{
    (void)skip_space(r);
    return r->at == r->src.len
               ? TS_OK
               : cedar_json_fail(r, "there is text after the JSON value");
}

ts_err cedar_json_parse_depth(struct ts_arena *arena, struct ts_str text,
                              uint32_t source, uint32_t max_depth,
                              struct cedar_diags *diags,
                              const struct json **ret)
{
    struct json_reader r = {.src = text,
                            .source = source,
                            .line = 1,
                            .column = 1,
                            .max_depth = max_depth,
                            .arena = arena,
                            .diags = diags};
    struct json *v;
    ts_err e;

    if ((e = check_text(&r)) != TS_OK || (e = read_whole(&r, &v)) != TS_OK ||
        (e = check_end(&r)) != TS_OK)
        return e;
    *ret = v;
    return TS_OK;
}

ts_err cedar_json_parse(struct ts_arena *arena, struct ts_str text,
                        uint32_t source, struct cedar_diags *diags,
                        const struct json **ret)
{
    return cedar_json_parse_depth(arena, text, source, CEDAR_JSON_DEPTH, diags,
                                  ret);
}

ts_err cedar_json_parse_source(const struct cedar_source *source,
                               struct ts_arena *temp, struct cedar_diags *diags,
                               const struct json **ret)
{
    cedar_diags_clear(diags);
    ts_arena_init(temp, cedar_load_budget(source->text.len));
    if (source->text.len > CEDAR_JSON_BYTES)
        return TS_E_LIMIT;
    return cedar_json_parse(temp, source->text, 0, diags, ret);
}

/* ---- lists ------------------------------------------------------------- */

static struct json_reader list_reader(const struct cedar_json_list *l,
                                      struct ts_arena *arena)
{
    return (struct json_reader){.src = l->text,
                                .at = l->at,
                                .source = l->source,
                                .line = l->line,
                                .column = l->column,
                                .max_depth = CEDAR_JSON_DEPTH - 1,
                                .arena = arena,
                                .diags = l->diags};
}

static void list_went_on(struct cedar_json_list *l, const struct json_reader *r)
{
    l->at = r->at;
    l->line = r->line;
    l->column = r->column;
}

ts_err cedar_json_list_open(struct cedar_json_list *l, struct ts_str text,
                            uint32_t source, struct cedar_diags *diags)
{
    struct json_reader r;
    ts_err e;

    *l = (struct cedar_json_list){
        .text = text, .source = source, .line = 1, .column = 1, .diags = diags};
    r = list_reader(l, NULL);
    if ((e = check_text(&r)) != TS_OK)
        return e;
    if (skip_space(&r) != '[')
        return TS_E_INVALID;
    cedar_json_advance(&r, 1);
    list_went_on(l, &r);
    return TS_OK;
}

ts_err cedar_json_list_next(struct cedar_json_list *l, struct ts_arena *arena,
                            const struct json **ret)
{
    struct json_reader r = list_reader(l, arena);
    struct json *v = NULL;
    ts_err e;

    if (l->text.ptr == NULL) {
        *ret = NULL;
        return TS_OK;
    }
    if (skip_space(&r) == ']') {
        cedar_json_advance(&r, 1);
        if ((e = check_end(&r)) != TS_OK)
            return e;
        *l = (struct cedar_json_list){0};
        *ret = NULL;
        return TS_OK;
    }
    if (l->begun) {
        if (peek(&r) != ',')
            return cedar_json_fail(&r, "expected a comma or ]");
        cedar_json_advance(&r, 1);
    }
    if ((e = read_whole(&r, &v)) != TS_OK)
        return e;
    l->begun = true;
    list_went_on(l, &r);
    *ret = v;
    return TS_OK;
}

const struct json *cedar_json_get(const struct json *obj, struct ts_str key)
{
    uint32_t lo = 0, hi = obj->kind == JSON_OBJECT ? obj->count : 0;

    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        int c = cedar_str_order(obj->by_key[mid]->key, key);

        if (c == 0)
            return obj->by_key[mid];
        if (c < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

const char *cedar_json_kind_name(enum json_kind kind)
{
    switch (kind) {
    case JSON_NULL:
        return "null";
    case JSON_BOOL:
        return "a boolean";
    case JSON_INT:
        return "an integer";
    case JSON_STRING:
        return "a string";
    case JSON_ARRAY:
        return "an array";
    case JSON_OBJECT:
        return "an object";
    }
    return "nothing";
}
