/* Canonical arguments as a tree: exactly the bytes that will run. */
#include "sidecar/question/render_args.h"

#include <float.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/wire/mp_read.h"

#define STEP      2u
#define HEX_BYTES 32u
#define WHOLE_MAX 1e15 /* every digit of such a float is its own */

struct walk {
    struct screen *s;
    const struct approval_view *v;
    bool all;
    size_t cut, values;
    char path[TICKET_CONTEXT_ARG_MAX + 1]; /* a JSON pointer */
    size_t path_len;
    bool path_lost; /* longer than any that the context names */
};

static void value(struct walk *w, struct mp_reader *r, unsigned depth);

static void path_char(struct walk *w, char c)
{
    if (w->path_len >= TICKET_CONTEXT_ARG_MAX) {
        w->path_lost = true;
        return;
    }
    w->path[w->path_len++] = c;
}

static void path_push(struct walk *w, struct ts_str key)
{
    path_char(w, '/');
    for (size_t i = 0; i < key.len; i++) {
        if (key.ptr[i] != '~' && key.ptr[i] != '/') {
            path_char(w, key.ptr[i]);
            continue;
        }
        path_char(w, '~');
        path_char(w, key.ptr[i] == '~' ? '0' : '1');
    }
}

/* Where the value at the path comes from, as the service found. */
static void origin(struct walk *w)
{
    const struct ticket_context *c = &w->v->context;
    const struct ts_str path = {.ptr = w->path, .len = w->path_len};

    for (uint32_t i = 0; i < c->arg_count && !w->path_lost; i++) {
        enum ticket_source from = c->args[i].source;

        if (!ts_str_eq(c->args[i].arg, path) || c->args[i].value.len > 0)
            continue;
        screen_style(w->s, from == TICKET_SOURCE_UNTRUSTED ? w->s->term.red
                           : from == TICKET_SOURCE_UNKNOWN ? w->s->term.yellow
                                                           : w->s->term.dim);
        screen_say(w->s, "  <- %s", ticket_source_name(from));
        screen_style(w->s, w->s->term.reset);
    }
}

static void text(struct walk *w, struct ts_str v)
{
    size_t left;
    uint32_t odd;

    screen_words(w->s, "\"");
    left = screen_value(w->s, v, w->all ? SIZE_MAX : APPROVAL_VALUE_MAX, true);
    screen_words(w->s, "\"");
    if (left > 0) {
        w->cut++;
        screen_style(w->s, w->s->term.yellow);
        screen_say(w->s, " ... %zu more bytes", left);
        screen_style(w->s, w->s->term.reset);
    }
    if (screen_mixes_alphabets(v, &odd)) {
        screen_style(w->s, w->s->term.red);
        screen_say(w->s, "  (mixes alphabets: U+%04" PRIX32 ")", odd);
        screen_style(w->s, w->s->term.reset);
    }
}

static void bytes(struct walk *w, struct ts_bytes b)
{
    size_t n = w->all || b.len < HEX_BYTES ? b.len : HEX_BYTES;

    screen_say(w->s, "%zu bytes: ", b.len);
    for (size_t i = 0; i < n; i++)
        screen_say(w->s, "%02x", (unsigned)b.ptr[i]);
    if (n < b.len) {
        w->cut++;
        screen_say(w->s, " ... %zu more bytes", b.len - n);
    }
}

/* The shortest digits that are this very number again, and that no eye takes
 * for an integer. */
static void number(struct walk *w, double v)
{
    char text[40] = "";

    if (v > -WHOLE_MAX && v < WHOLE_MAX && v == (double)(int64_t)v) {
        (void)snprintf(text, sizeof(text), "%.1f", v);
        screen_words(w->s, text);
        return;
    }
    for (int digits = 1; digits <= DBL_DECIMAL_DIG; digits++) {
        (void)snprintf(text, sizeof(text), "%.*g", digits, v);
        if (strtod(text, NULL) == v)
            break;
    }
    screen_words(w->s, text);
}

static void scalar(struct walk *w, struct mp_reader *r, enum mp_type type)
{
    switch (type) {
    case MP_STR:
        text(w, mp_read_str(r, TICKET_ARGS_MAX));
        return;
    case MP_BIN:
        bytes(w, mp_read_bin(r, TICKET_ARGS_MAX));
        return;
    case MP_UINT:
        screen_say(w->s, "%" PRIu64, mp_read_uint(r, UINT64_MAX));
        return;
    case MP_NINT:
        screen_say(w->s, "%" PRId64, mp_read_int(r));
        return;
    case MP_FLOAT:
        number(w, mp_read_float(r));
        return;
    case MP_BOOL:
        screen_words(w->s, mp_read_bool(r) ? "true" : "false");
        return;
    case MP_NIL:
        mp_read_nil(r);
        screen_words(w->s, "null");
        return;
    case MP_NONE:
    case MP_ARRAY:
    case MP_MAP:
        mp_fail(r, TS_E_FORMAT, "value");
        return;
    }
}

/* A key that could be taken for something else is quoted. */
static void key_of(struct walk *w, struct ts_str key)
{
    bool simple = key.len > 0;

    for (size_t i = 0; i < key.len; i++) {
        char c = key.ptr[i];

        simple = simple &&
                 ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                  (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.');
    }
    screen_style(w->s, w->s->term.bold);
    if (!simple)
        screen_words(w->s, "\"");
    if (screen_value(w->s, key, w->all ? SIZE_MAX : APPROVAL_VALUE_MAX,
                     !simple) > 0) {
        w->cut++;
        screen_words(w->s, "...");
    }
    if (!simple)
        screen_words(w->s, "\"");
    screen_style(w->s, w->s->term.reset);
}

/* One entry of a map or list: its name, and what is there. */
static void entry(struct walk *w, struct mp_reader *r, struct ts_str key,
                  bool is_map, unsigned depth)
{
    size_t len = w->path_len;
    bool lost = w->path_lost;
    unsigned indent = 4 + STEP * depth;

    path_push(w, key);
    if (!w->all && w->values >= APPROVAL_VALUES_MAX) {
        w->cut++;
        mp_skip_checked(r);
    } else {
        screen_open(w->s, indent, indent + 4, true);
        if (is_map)
            key_of(w, key);
        else
            screen_say(w->s, "%.*s", (int)key.len, key.ptr);
        screen_words(w->s, ": ");
        value(w, r, depth + 1);
    }
    w->path_len = len;
    w->path_lost = lost;
}

static void list(struct walk *w, struct mp_reader *r, unsigned depth)
{
    uint32_t n = mp_read_array(r, TICKET_ARGS_MAX);
    char index[16];

    if (n == 0)
        screen_words(w->s, "[] (empty)");
    else
        screen_say(w->s, "list of %" PRIu32, n);
    screen_close(w->s);
    for (uint32_t i = 0; i < n && r->error == TS_OK; i++) {
        (void)snprintf(index, sizeof(index), "%" PRIu32, i);
        entry(w, r, ts_str_of(index), false, depth);
    }
}

static void map(struct walk *w, struct mp_reader *r, unsigned depth)
{
    uint32_t n = mp_read_map(r, TICKET_ARGS_MAX);

    if (n == 0)
        screen_words(w->s, "{} (empty)");
    else
        screen_say(w->s, "map of %" PRIu32, n);
    screen_close(w->s);
    for (uint32_t i = 0; i < n && r->error == TS_OK; i++)
        entry(w, r, mp_read_str(r, TICKET_ARGS_MAX), true, depth);
}

/* Ends the line that is open. */
static void value(struct walk *w, struct mp_reader *r, unsigned depth)
{
    enum mp_type type = mp_peek(r);

    w->values++;
    if (type == MP_ARRAY) {
        list(w, r, depth);
    } else if (type == MP_MAP) {
        map(w, r, depth);
    } else {
        scalar(w, r, type);
        origin(w);
        screen_close(w->s);
    }
}

size_t render_args(struct screen *s, const struct approval_view *v, bool all)
{
    struct walk w = {.s = s, .v = v, .all = all};
    struct mp_reader r;
    uint32_t n;

    mp_reader_init(&r, v->ticket.args.ptr, v->ticket.args.len);
    n = mp_read_map(&r, TICKET_ARGS_MAX);
    if (n == 0) {
        screen_open(s, 4, 4, true);
        screen_words(s, "none");
        screen_close(s);
    }
    for (uint32_t i = 0; i < n && r.error == TS_OK; i++)
        entry(&w, &r, mp_read_str(&r, TICKET_ARGS_MAX), true, 0);
    if (mp_done(&r) != TS_OK)
        s->failed = true; /* the view was opened, so it cannot be */
    return w.cut;
}
