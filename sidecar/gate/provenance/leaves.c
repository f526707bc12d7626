/* JSON to leaves: an explicit stack, one buffer for strings with escapes. */
#include "sidecar/gate/provenance/leaves.h"

#include <string.h>

#include "proto/base/ts_buf.h"
#include "proto/base/ts_require.h"
#include "sidecar/gate/provenance/json_scan.h"

struct level {
    size_t pointer_len; /* before this level's segment */
    uint32_t index;     /* of the next element or member */
    bool object;
};

struct walk {
    struct json_scan in;
    leaf_seen seen;
    void *ctx;
    struct ts_buf text;
    char pointer[LEAVES_POINTER_MAX];
    size_t pointer_len;
    struct level levels[LEAVES_DEPTH_MAX];
    uint32_t depth, count;
};

static ts_err put(struct walk *w, char c)
{
    if (w->pointer_len == sizeof(w->pointer))
        return TS_E_LIMIT;
    w->pointer[w->pointer_len++] = c;
    return TS_OK;
}

static ts_err push_key(struct walk *w, struct ts_str key)
{
    ts_err e = put(w, '/');

    for (size_t i = 0; i < key.len && e == TS_OK; i++) {
        char c = key.ptr[i];

        if (c != '~' && c != '/') {
            e = put(w, c);
        } else {
            e = put(w, '~');
            if (e == TS_OK)
                e = put(w, c == '~' ? '0' : '1');
        }
    }
    return e;
}

static ts_err push_index(struct walk *w, uint32_t index)
{
    char digits[10];
    size_t n = 0;
    ts_err e = put(w, '/');

    do
        digits[n++] = (char)('0' + index % 10);
    while ((index /= 10) > 0);
    while (n > 0 && e == TS_OK)
        e = put(w, digits[--n]);
    return e;
}

static ts_err tell(struct walk *w, enum leaf_type type, struct ts_str text)
{
    const struct leaf l = {
        .type = type,
        .pointer = {.ptr = w->pointer, .len = w->pointer_len},
        .text = text};

    if (++w->count > LEAVES_COUNT_MAX)
        return TS_E_LIMIT;
    return w->seen(w->ctx, &l);
}

static ts_err open_level(struct walk *w, bool object)
{
    if (w->depth == LEAVES_DEPTH_MAX)
        return TS_E_LIMIT;
    w->levels[w->depth++] =
        (struct level){.pointer_len = w->pointer_len, .object = object};
    return TS_OK;
}

static ts_err scalar(struct walk *w, const struct json_token *t)
{
    static const enum leaf_type types[] = {[JSON_STRING] = LEAF_STRING,
                                           [JSON_NUMBER] = LEAF_NUMBER,
                                           [JSON_BOOL] = LEAF_BOOL,
                                           [JSON_NULL] = LEAF_NULL};
    struct ts_str text = t->text;
    ts_err e = TS_OK;

    if (t->type == JSON_STRING)
        e = json_string_text(t, LEAVES_STRING_MAX, &w->text, &text);
    return e == TS_OK ? tell(w, types[t->type], text) : e;
}

/* What begins here: a leaf, or a level. */
static ts_err begin_value(struct walk *w, const struct json_token *t)
{
    switch (t->type) {
    case JSON_OBJECT:
        return open_level(w, true);
    case JSON_ARRAY:
        return open_level(w, false);
    case JSON_STRING:
    case JSON_NUMBER:
    case JSON_BOOL:
    case JSON_NULL:
        return scalar(w, t);
    }
    return TS_E_FORMAT;
}

static ts_err key(struct walk *w)
{
    struct json_token t;
    struct ts_str text;
    ts_err e;

    if ((e = json_scan_key(&w->in, &t)) != TS_OK ||
        (e = json_string_text(&t, LEAVES_STRING_MAX, &w->text, &text)) !=
            TS_OK ||
        (e = push_key(w, text)) != TS_OK)
        return e;
    return tell(w, LEAF_KEY, text);
}

static ts_err next_member(struct walk *w, struct level *l)
{
    struct json_token t;
    bool more;
    ts_err e = json_scan_more(&w->in, l->object, l->index == 0, &more);

    if (e != TS_OK)
        return e;
    w->pointer_len = l->pointer_len;
    if (!more) {
        w->depth--;
        return TS_OK;
    }
    e = l->object ? key(w) : push_index(w, l->index);
    l->index++;
    if (e != TS_OK || (e = json_scan_value(&w->in, &t)) != TS_OK)
        return e;
    return begin_value(w, &t);
}

static ts_err whole_value(struct walk *w)
{
    struct json_token t;
    uint32_t floor = w->depth;
    ts_err e = json_scan_value(&w->in, &t);

    if (e == TS_OK)
        e = begin_value(w, &t);
    while (e == TS_OK && w->depth > floor)
        e = next_member(w, &w->levels[w->depth - 1]);
    return e;
}

/* Is there more than one value? Then they are told as elements of an array. */
static ts_err is_sequence(struct ts_str json, bool *ret)
{
    struct json_scan in = json_scan_of(json);
    ts_err e = json_skip_value(&in, LEAVES_DEPTH_MAX, NULL);

    if (e == TS_OK)
        *ret = !json_scan_is_over(&in);
    return e;
}

static ts_err all_values(struct walk *w, bool sequence)
{
    ts_err e = TS_OK;

    for (uint32_t i = 0; e == TS_OK && !json_scan_is_over(&w->in); i++) {
        w->pointer_len = 0;
        if (sequence)
            e = push_index(w, i);
        if (e == TS_OK)
            e = whole_value(w);
        if (!sequence)
            break;
    }
    return e;
}

ts_err leaves_walk(struct ts_str json, leaf_seen seen, void *ctx)
{
    struct walk w = {.in = json_scan_of(json), .seen = seen, .ctx = ctx};
    bool sequence;
    ts_err e = is_sequence(json, &sequence);

    if (e != TS_OK)
        return e;
    ts_buf_init(&w.text, LEAVES_STRING_MAX);
    e = all_values(&w, sequence);
    ts_buf_done(&w.text);
    return e;
}

static ts_err ignore(void *ctx, const struct leaf *l)
{
    (void)ctx;
    (void)l;
    return TS_OK;
}

ts_err leaves_check(struct ts_str json)
{
    return leaves_walk(json, ignore, NULL);
}
