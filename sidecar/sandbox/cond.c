/* Conditions on arguments: text to structure and back. */
#include "sidecar/sandbox/cond.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SHOWN 48 /* bytes of a foreign word in a message */

struct reader {
    const char *call;
    struct ts_str rest;
    struct ts_arena *arena;
    struct sandbox_why *why;
};

TS_PRINTF(2, 3)
static ts_err bad(struct reader *r, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    if (vsnprintf(r->why->text, sizeof(r->why->text), fmt, ap) < 0)
        r->why->text[0] = '\0';
    va_end(ap);
    return TS_E_FORMAT;
}

static struct ts_str peek(const struct reader *r)
{
    struct ts_str w = r->rest;
    size_t start = 0, end;

    while (start < w.len && w.ptr[start] == ' ')
        start++;
    end = start;
    while (end < w.len && w.ptr[end] != ' ')
        end++;
    return (struct ts_str){w.ptr + start, end - start};
}

static struct ts_str next(struct reader *r)
{
    struct ts_str w = peek(r);
    size_t used = (size_t)(w.ptr + w.len - r->rest.ptr);

    r->rest = (struct ts_str){r->rest.ptr + used, r->rest.len - used};
    return w;
}

static bool next_is(struct reader *r, const char *word)
{
    if (!ts_str_eq_c(peek(r), word))
        return false;
    (void)next(r);
    return true;
}

static ts_err unknown_value(struct reader *r, struct ts_str w)
{
    const char *near = sandbox_constant_near(w);
    char shown[SHOWN];

    (void)ts_str_escape(shown, sizeof(shown), w.ptr, w.len);
    if (near != NULL)
        return bad(r, "\"%s\" is no known value; did you mean %s?", shown,
                   near);
    return bad(r,
               "\"%s\" is no known value; write a number (12, 0x0c, 0o14) or "
               "a name of the headers, such as O_CREAT or TCGETS",
               shown);
}

/* A|B|0x4, or ~A|B. */
static ts_err value(struct reader *r, bool may_complement, uint64_t *ret)
{
    struct ts_str w = next(r);
    bool inverse = may_complement && w.len > 0 && w.ptr[0] == '~';
    uint64_t all = 0;

    if (inverse)
        w = (struct ts_str){w.ptr + 1, w.len - 1};
    if (w.len == 0)
        return bad(r, "a value is missing");
    while (w.len > 0) {
        const char *bar = memchr(w.ptr, '|', w.len);
        struct ts_str part = {w.ptr,
                              bar == NULL ? w.len : (size_t)(bar - w.ptr)};
        uint64_t v;

        if (!sandbox_constant(part, &v))
            return unknown_value(r, part);
        all |= v;
        if (bar != NULL && part.len + 1 == w.len)
            return bad(r, "a value is missing after \"|\"");
        w = bar == NULL ? (struct ts_str){w.ptr + w.len, 0}
                        : (struct ts_str){bar + 1, w.len - part.len - 1};
    }
    *ret = inverse ? ~all : all;
    return TS_OK;
}

static ts_err argument(struct reader *r, struct sandbox_cond *c)
{
    unsigned bits = next_is(r, "u32") ? 32 : next_is(r, "u64") ? 64 : 0;
    struct ts_str w = next(r);
    unsigned known;
    char shown[SHOWN];

    if (w.len != 4 || memcmp(w.ptr, "arg", 3) != 0 || w.ptr[3] < '0' ||
        w.ptr[3] > '5') {
        (void)ts_str_escape(shown, sizeof(shown), w.ptr, w.len);
        return bad(r, "expected arg0 to arg5, not \"%s\"", shown);
    }
    c->arg = (uint8_t)(w.ptr[3] - '0');
    known = sandbox_arg_bits(r->call, c->arg);
    if (bits == 0 && known == 0)
        return bad(r,
                   "how wide argument %u of %s is, is not known here; write "
                   "u32 arg%u or u64 arg%u, as the kernel reads it",
                   c->arg, r->call, c->arg, c->arg);
    if (bits != 0 && known != 0 && bits != known)
        return bad(r,
                   "the kernel reads %u bits of argument %u of %s; leave the "
                   "u%u away",
                   known, c->arg, r->call, bits);
    c->is32 = (bits != 0 ? bits : known) == 32;
    return TS_OK;
}

/* A value that the masked argument can never be is a mistake of the writer. */
static ts_err add_value(struct reader *r, struct sandbox_cond *c,
                        uint64_t *values, bool may_complement)
{
    uint64_t v = 0;
    ts_err e;

    if (c->count == SANDBOX_VALUES_MAX)
        return bad(r, "more than %d values in one condition",
                   SANDBOX_VALUES_MAX);
    if ((e = value(r, may_complement, &v)) != TS_OK)
        return e;
    if ((v & c->mask) != v)
        return bad(r,
                   "argument %u can never be 0x%llx here: only the bits "
                   "0x%llx are looked at",
                   c->arg, (unsigned long long)v, (unsigned long long)c->mask);
    for (uint32_t i = 0; i < c->count; i++) {
        if (values[i] == v)
            return bad(r, "0x%llx stands twice in one condition",
                       (unsigned long long)v);
    }
    values[c->count++] = v;
    return TS_OK;
}

static ts_err comparison(struct reader *r, struct sandbox_cond *c)
{
    uint64_t all[SANDBOX_VALUES_MAX];
    void *room;
    ts_err e;

    c->differs = next_is(r, "not");
    if (next_is(r, "in")) {
        do {
            if ((e = add_value(r, c, all, false)) != TS_OK)
                return e;
        } while (peek(r).len > 0 && !ts_str_eq_c(peek(r), "and"));
    } else {
        if (c->differs)
            return bad(r, "expected \"in\" after \"not\"");
        c->differs = ts_str_eq_c(peek(r), "!=");
        if (!next_is(r, "==") && !next_is(r, "!="))
            return bad(r, "expected ==, !=, in or not in after the argument");
        if ((e = add_value(r, c, all, false)) != TS_OK)
            return e;
    }
    e = ts_arena_array(r->arena, c->count, sizeof(all[0]), &room);
    if (e != TS_OK)
        return e;
    memcpy(room, all, c->count * sizeof(all[0]));
    c->values = room;
    return TS_OK;
}

static ts_err condition(struct reader *r, struct sandbox_cond *ret)
{
    struct sandbox_cond c = {0};
    uint64_t width;
    ts_err e = argument(r, &c);

    if (e != TS_OK)
        return e;
    width = c.is32 ? UINT32_MAX : UINT64_MAX;
    c.mask = width;
    if (next_is(r, "&")) {
        if ((e = value(r, true, &c.mask)) != TS_OK)
            return e;
        c.mask &= width;
        if (c.mask == 0)
            return bad(r, "a mask without any bit that the kernel reads");
    }
    if ((e = comparison(r, &c)) == TS_OK)
        *ret = c;
    return e;
}

ts_err sandbox_cond_parse(const char *call, struct ts_str text,
                          struct ts_arena *arena, struct sandbox_clause *ret,
                          struct sandbox_why *reterr)
{
    struct reader r = {
        .call = call, .rest = text, .arena = arena, .why = reterr};
    struct sandbox_cond all[SANDBOX_CONDS_MAX];
    uint32_t count = 0;
    void *room;
    ts_err e;

    do {
        if (count == SANDBOX_CONDS_MAX)
            return bad(&r, "more than %d conditions joined by \"and\"",
                       SANDBOX_CONDS_MAX);
        if ((e = condition(&r, &all[count])) != TS_OK)
            return e;
        count++;
    } while (next_is(&r, "and"));
    if (peek(&r).len > 0) {
        char shown[SHOWN];

        (void)ts_str_escape(shown, sizeof(shown), peek(&r).ptr, peek(&r).len);
        return bad(&r, "expected \"and\" or the end, not \"%s\"", shown);
    }
    if ((e = ts_arena_array(arena, count, sizeof(all[0]), &room)) != TS_OK)
        return e;
    memcpy(room, all, count * sizeof(all[0]));
    *ret = (struct sandbox_clause){.conds = room, .count = count};
    return TS_OK;
}

TS_PRINTF(4, 5)
static void put(char *out, size_t cap, size_t *at, const char *fmt, ...)
{
    va_list ap;
    int n;

    if (*at >= cap)
        return;
    va_start(ap, fmt);
    n = vsnprintf(out + *at, cap - *at, fmt, ap);
    va_end(ap);
    *at = n < 0 ? cap : *at + (size_t)n;
}

size_t sandbox_clause_print(const struct sandbox_clause *c, char *out,
                            size_t cap)
{
    size_t at = 0;

    for (uint32_t i = 0; i < c->count; i++) {
        const struct sandbox_cond *d = &c->conds[i];
        uint64_t width = d->is32 ? UINT32_MAX : UINT64_MAX;

        put(out, cap, &at, "%su%d arg%u", i > 0 ? " and " : "",
            d->is32 ? 32 : 64, d->arg);
        if (d->mask != width)
            put(out, cap, &at, " & 0x%llx", (unsigned long long)d->mask);
        put(out, cap, &at, "%s",
            d->differs && d->count > 1 ? " not in"
            : d->differs               ? " !="
            : d->count > 1             ? " in"
                                       : " ==");
        for (uint32_t k = 0; k < d->count; k++)
            put(out, cap, &at, " 0x%llx", (unsigned long long)d->values[k]);
    }
    return at < cap ? at : cap - 1;
}
