/*
 * The words of a command line from their template. No shell ever sees them;
 * what is left to prevent is a value that the program itself takes for an
 * option, so a value may start a word with "-" only behind a literal "--" or
 * where the manifest says allow_dash.
 */
#include <string.h>

#include "sidecar/common/manifest/manifest_priv.h"

static struct ts_str cut(struct ts_str *word, size_t n)
{
    struct ts_str s = {.ptr = word->ptr, .len = n};

    word->ptr += n;
    word->len -= n;
    return s;
}

ts_err argv_next_piece(struct ts_str *word, struct argv_piece *ret)
{
    static const struct ts_str dots = {"...", 3};
    struct argv_piece p = {0};
    const char *end;
    size_t n = 0;

    if (word->len >= 2 && word->ptr[0] == word->ptr[1] &&
        (word->ptr[0] == '{' || word->ptr[0] == '}')) {
        p.text = cut(word, 1);
        (void)cut(word, 1);
        *ret = p;
        return TS_OK;
    }
    if (word->ptr[0] == '}')
        return TS_E_FORMAT;
    if (word->ptr[0] != '{') {
        while (n < word->len && word->ptr[n] != '{' && word->ptr[n] != '}')
            n++;
        p.text = cut(word, n);
        *ret = p;
        return TS_OK;
    }
    end = memchr(word->ptr, '}', word->len);
    if (end == NULL)
        return TS_E_FORMAT;
    (void)cut(word, 1);
    p.text = cut(word, (size_t)(end - word->ptr));
    (void)cut(word, 1);
    p.is_arg = true;
    if (p.text.len > dots.len &&
        memcmp(p.text.ptr + p.text.len - dots.len, dots.ptr, dots.len) == 0) {
        p.is_spread = true;
        p.text.len -= dots.len;
    }
    if (p.text.len == 0)
        return TS_E_FORMAT;
    *ret = p;
    return TS_OK;
}

static const struct arg_value *value_of(const struct call_args *args,
                                        struct ts_str name)
{
    for (uint32_t i = 0; i < args->count; i++) {
        if (ts_str_eq(args->values[i].decl->name, name))
            return &args->values[i];
    }
    return NULL;
}

/* Room for any 64-bit number. */
struct number {
    char text[24];
};

static struct ts_str text_of(const struct arg_value *v, struct number *n)
{
    uint64_t u;
    size_t at = sizeof(n->text);

    if (v->decl->type == ARG_BOOL)
        return v->integer != 0 ? TS_STR_LIT("true") : TS_STR_LIT("false");
    if (v->decl->type != ARG_INT)
        return v->text;
    u = v->integer < 0 ? 0 - (uint64_t)v->integer : (uint64_t)v->integer;
    do {
        n->text[--at] = (char)('0' + u % 10);
        u /= 10;
    } while (u > 0);
    if (v->integer < 0)
        n->text[--at] = '-';
    return (struct ts_str){n->text + at, sizeof(n->text) - at};
}

static bool starts_option(const struct arg_value *v, struct ts_str text)
{
    return text.len > 0 && text.ptr[0] == '-' && !v->decl->allow_dash;
}

static bool has_dash_item(const struct arg_value *v)
{
    for (uint32_t i = 0; i < v->item_count; i++) {
        if (starts_option(v, v->items[i]))
            return true;
    }
    return false;
}

/* The argument that supplies the first byte of the word, if that is a dash. */
static const struct manifest_arg *word_offender(struct ts_str word,
                                                const struct call_args *args)
{
    while (word.len > 0) {
        const struct arg_value *v;
        struct argv_piece p;
        struct ts_str text;
        struct number n;

        if (argv_next_piece(&word, &p) != TS_OK || !p.is_arg)
            return NULL;
        v = value_of(args, p.text);
        if (v == NULL)
            return NULL; /* the word is dropped */
        if (p.is_spread)
            return has_dash_item(v) ? v->decl : NULL;
        text = text_of(v, &n);
        if (starts_option(v, text))
            return v->decl;
        if (text.len > 0)
            return NULL;
    }
    return NULL;
}

const struct manifest_arg *argv_dash_offender(const struct manifest *m,
                                              const struct call_args *args)
{
    for (uint32_t i = 0; i < m->argv_count; i++) {
        const struct manifest_arg *bad;

        if (ts_str_eq_c(m->argv[i], "--"))
            return NULL; /* only operands can follow */
        bad = word_offender(m->argv[i], args);
        if (bad != NULL)
            return bad;
    }
    return NULL;
}

struct argv_out {
    char **words;
    uint32_t count;
    size_t bytes;
    struct ts_arena *arena;
};

static ts_err put_word(struct argv_out *o, const char *s, size_t len)
{
    const char *copy;
    void *slot;
    ts_err e;

    o->bytes += len + 1;
    if (o->count == TS_ARGV_MAX || o->bytes > TS_ARGV_BYTES_MAX)
        return TS_E_LIMIT;
    e = ts_arena_strndup(o->arena, s, len, &copy);
    if (e != TS_OK)
        return e;
    slot = &o->words[o->count++];
    memcpy(slot, &copy, sizeof(copy)); /* execve(2) wants char *, not const */
    return TS_OK;
}

/* One template word with a value in it: measured first, then written. */
static ts_err put_filled(struct argv_out *o, struct ts_str word,
                         const struct call_args *args)
{
    struct ts_str rest = word;
    size_t len = 0, at = 0;
    struct argv_piece p;
    struct number n;
    void *buf;
    ts_err e;

    while (rest.len > 0) {
        const struct arg_value *v;

        if ((e = argv_next_piece(&rest, &p)) != TS_OK)
            return e;
        v = p.is_arg ? value_of(args, p.text) : NULL;
        if (p.is_arg && v == NULL)
            return TS_OK; /* an absent optional argument drops its word */
        len += v != NULL ? text_of(v, &n).len : p.text.len;
    }
    if (len > TS_ARGV_BYTES_MAX)
        return TS_E_LIMIT;
    if ((e = ts_arena_alloc(o->arena, len + 1, &buf)) != TS_OK)
        return e;
    for (rest = word; rest.len > 0;) {
        struct ts_str s;

        if ((e = argv_next_piece(&rest, &p)) != TS_OK)
            return e;
        s = p.is_arg ? text_of(value_of(args, p.text), &n) : p.text;
        if (s.len > 0)
            memcpy((char *)buf + at, s.ptr, s.len);
        at += s.len;
    }
    o->bytes += len + 1;
    if (o->count == TS_ARGV_MAX || o->bytes > TS_ARGV_BYTES_MAX)
        return TS_E_LIMIT;
    o->words[o->count++] = buf;
    return TS_OK;
}

static ts_err put_template(struct argv_out *o, struct ts_str word,
                           const struct call_args *args)
{
    const struct arg_value *v;
    struct ts_str rest = word;
    struct argv_piece p;
    ts_err e;

    if (word.len == 0)
        return put_word(o, "", 0);
    if ((e = argv_next_piece(&rest, &p)) != TS_OK)
        return e;
    if (!p.is_spread)
        return put_filled(o, word, args);
    v = value_of(args, p.text);
    for (uint32_t i = 0; v != NULL && i < v->item_count; i++) {
        e = put_word(o, v->items[i].ptr, v->items[i].len);
        if (e != TS_OK)
            return e;
    }
    return TS_OK;
}

ts_err manifest_argv(const struct manifest *m, const struct call_args *args,
                     struct ts_arena *arena, char ***ret, uint32_t *ret_count)
{
    struct argv_out o = {.arena = arena};
    void *p;
    ts_err e;

    if (argv_dash_offender(m, args) != NULL)
        return TS_E_INVALID;
    e = ts_arena_array(arena, TS_ARGV_MAX + 1, sizeof(*o.words), &p);
    if (e != TS_OK)
        return e;
    o.words = p;
    for (uint32_t i = 0; i < m->argv_count; i++) {
        if ((e = put_template(&o, m->argv[i], args)) != TS_OK)
            return e;
    }
    if (o.count == 0)
        return TS_E_INVALID; /* argc is never 0 */
    *ret = o.words;
    *ret_count = o.count;
    return TS_OK;
}
