/* What people are told beside a call: as a map of at most 4 KiB. */
#include "sidecar/gate/approve/ticket_context.h"

#include <string.h>

#include "proto/wire/mp_write.h"

#define DOTS           "..."
#define DOTS_LEN       3u
#define REASONS_BUDGET 960u /* bytes of all reasons together */
#define LABELS_BUDGET  256u
#define NONE_LEFT      UINT32_MAX

const char *ticket_source_name(enum ticket_source s)
{
    static const char *const names[] = {"none", "prompt", "trusted",
                                        "untrusted", "unknown"};

    return (size_t)s < TICKET_SOURCE_COUNT_ ? names[s] : names[0];
}

/* How much of it is written: what worries most first. */
struct plan {
    uint32_t order[TICKET_CONTEXT_ARGS_MAX];
    uint32_t args, places, endorses;
    uint32_t labels;
    uint32_t reasons;
    size_t reason_max;
};

static bool text_ok(struct ts_str s)
{
    return ts_utf8_valid(s.ptr, s.len);
}

static bool arg_ok(const struct ticket_context_arg *a)
{
    if (!text_ok(a->arg) || !text_ok(a->value) ||
        a->source < TICKET_SOURCE_PROMPT || a->source >= TICKET_SOURCE_COUNT_ ||
        a->place_count > TICKET_CONTEXT_PLACES_MAX)
        return false;
    for (uint32_t i = 0; i < a->place_count; i++)
        if (!text_ok(a->places[i]))
            return false;
    return true;
}

static bool endorses_ok(const struct ticket_context *c)
{
    for (uint32_t i = 0; i < c->endorses_count; i++) {
        const struct ticket_endorses *x = &c->endorses[i];

        if (x->arg.len == 0 || x->arg.len > TICKET_CONTEXT_ARG_MAX ||
            x->value.len == 0 || x->value.len > TICKET_CONTEXT_VALUE_MAX ||
            !text_ok(x->arg) || !text_ok(x->value))
            return false;
    }
    return true;
}

static bool context_ok(const struct ticket_context *c)
{
    if (c->arg_count > TICKET_CONTEXT_ARGS_MAX ||
        c->declared_count > TICKET_CONTEXT_LABELS_MAX || c->level > 3 ||
        c->endorses_count > TICKET_CONTEXT_ENDORSES_MAX || !endorses_ok(c) ||
        !text_ok(c->origin) || !text_ok(c->sensitivity))
        return false;
    for (uint32_t i = 0; i < c->arg_count; i++)
        if (!arg_ok(&c->args[i]))
            return false;
    for (uint32_t i = 0; i < c->declared_count; i++)
        if (!text_ok(c->declared[i]))
            return false;
    for (uint32_t i = 0; i < TICKET_RULES_MAX; i++)
        if (!text_ok(c->reasons[i]))
            return false;
    return true;
}

static void put_key(struct mp_writer *w, const char *key)
{
    mp_write_cstr(w, key);
}

/* Cut at a character, so that it stays UTF-8. */
static void put_text(struct mp_writer *w, struct ts_str s, size_t max)
{
    char cut[TICKET_CONTEXT_REASON_MAX];
    size_t n = max - DOTS_LEN;

    if (s.len <= max) {
        mp_write_str(w, s.len > 0 ? s.ptr : "", s.len);
        return;
    }
    while (n > 0 && ((unsigned char)s.ptr[n] & 0xC0) == 0x80)
        n--;
    memcpy(cut, s.ptr, n);
    memcpy(cut + n, DOTS, DOTS_LEN);
    mp_write_str(w, cut, n + DOTS_LEN);
}

static uint32_t added(uint32_t a, uint32_t b)
{
    return a > NONE_LEFT - b ? NONE_LEFT : a + b;
}

static void put_arg(struct mp_writer *w, const struct ticket_context_arg *a,
                    uint32_t places)
{
    uint32_t n = a->place_count < places ? a->place_count : places;

    mp_write_array(w, 6);
    put_text(w, a->arg, TICKET_CONTEXT_ARG_MAX);
    put_text(w, a->value, TICKET_CONTEXT_VALUE_MAX);
    mp_write_cstr(w, ticket_source_name(a->source));
    mp_write_array(w, n);
    for (uint32_t i = 0; i < n; i++)
        put_text(w, a->places[i], TICKET_CONTEXT_PLACE_MAX);
    mp_write_uint(w, added(a->places_left, a->place_count - n));
    mp_write_bool(w, a->is_new);
}

static void put_args(struct mp_writer *w, const struct ticket_context *c,
                     const struct plan *p)
{
    uint32_t left = added(c->args_left, c->arg_count - p->args);

    if (p->args > 0) {
        put_key(w, "args");
        mp_write_array(w, p->args);
        for (uint32_t i = 0; i < p->args; i++)
            put_arg(w, &c->args[p->order[i]], p->places);
    }
    if (left > 0) {
        put_key(w, "args_left");
        mp_write_uint(w, left);
    }
}

static void put_declared(struct mp_writer *w, const struct ticket_context *c,
                         const struct plan *p)
{
    uint32_t left = added(c->declared_left, c->declared_count - p->labels);

    if (p->labels > 0) {
        put_key(w, "declared");
        mp_write_array(w, p->labels);
        for (uint32_t i = 0; i < p->labels; i++)
            put_text(w, c->declared[i], TICKET_CONTEXT_WORD_MAX);
    }
    if (left > 0) {
        put_key(w, "declared_left");
        mp_write_uint(w, left);
    }
}

static void put_endorses(struct mp_writer *w, const struct ticket_context *c,
                         const struct plan *p)
{
    if (p->endorses == 0)
        return;
    put_key(w, "endorses");
    mp_write_array(w, p->endorses);
    for (uint32_t i = 0; i < p->endorses; i++) {
        mp_write_array(w, 2);
        put_text(w, c->endorses[i].arg, TICKET_CONTEXT_ARG_MAX);
        put_text(w, c->endorses[i].value, TICKET_CONTEXT_VALUE_MAX);
    }
}

static uint32_t firsts(const struct ticket_context *c)
{
    return (uint32_t)c->first_tool + (uint32_t)c->first_action +
           (uint32_t)c->first_resource;
}

static void put_firsts(struct mp_writer *w, const struct ticket_context *c)
{
    if (firsts(c) == 0)
        return;
    put_key(w, "first");
    mp_write_array(w, firsts(c));
    if (c->first_tool)
        mp_write_cstr(w, "tool");
    if (c->first_action)
        mp_write_cstr(w, "action");
    if (c->first_resource)
        mp_write_cstr(w, "resource");
}

static void put_reasons(struct mp_writer *w, const struct ticket_context *c,
                        const struct plan *p)
{
    if (p->reasons == 0)
        return;
    put_key(w, "reasons");
    mp_write_array(w, p->reasons);
    for (uint32_t i = 0; i < TICKET_RULES_MAX; i++) {
        if (c->reasons[i].len == 0)
            continue;
        mp_write_array(w, 2);
        mp_write_uint(w, i);
        put_text(w, c->reasons[i], p->reason_max);
    }
}

static void put_true(struct mp_writer *w, const char *key, bool on)
{
    if (!on)
        return;
    put_key(w, key);
    mp_write_bool(w, true);
}

static void put_word(struct mp_writer *w, const char *key, struct ts_str s)
{
    if (s.len == 0)
        return;
    put_key(w, key);
    put_text(w, s, TICKET_CONTEXT_WORD_MAX);
}

static void put_pair(struct mp_writer *w, const char *key, uint32_t minute,
                     uint32_t hour)
{
    put_key(w, key);
    mp_write_array(w, 2);
    mp_write_uint(w, minute);
    mp_write_uint(w, hour);
}

static bool has_asked(const struct ticket_context *c)
{
    return c->asked_minute > 0 || c->asked_hour > 0;
}

static uint32_t key_count(const struct ticket_context *c, const struct plan *p)
{
    const bool there[] = {
        p->args > 0,
        added(c->args_left, c->arg_count - p->args) > 0,
        has_asked(c),
        c->has_calls,
        p->labels > 0,
        added(c->declared_left, c->declared_count - p->labels) > 0,
        p->endorses > 0,
        firsts(c) > 0,
        c->has_level,
        c->lost,
        c->origin.len > 0,
        p->reasons > 0,
        c->secrets,
        c->sensitivity.len > 0,
        c->has_stdin,
        c->tainted};
    uint32_t n = 0;

    for (size_t i = 0; i < sizeof(there) / sizeof(there[0]); i++)
        n += there[i] ? 1 : 0;
    return n;
}

static ts_err put_all(const struct ticket_context *c, const struct plan *p,
                      uint8_t *out, size_t *ret_len)
{
    struct mp_writer w;

    mp_writer_init(&w, out, TICKET_CONTEXT_MAX);
    mp_write_map(&w, key_count(c, p));
    put_args(&w, c, p);
    if (has_asked(c))
        put_pair(&w, "asked", c->asked_minute, c->asked_hour);
    if (c->has_calls)
        put_pair(&w, "calls", c->calls_minute, c->calls_hour);
    put_declared(&w, c, p);
    put_endorses(&w, c, p);
    put_firsts(&w, c);
    if (c->has_level) {
        put_key(&w, "level");
        mp_write_uint(&w, c->level);
    }
    put_true(&w, "lost", c->lost);
    put_word(&w, "origin", c->origin);
    put_reasons(&w, c, p);
    put_true(&w, "secrets", c->secrets);
    put_word(&w, "sensitivity", c->sensitivity);
    put_true(&w, "stdin", c->has_stdin);
    put_true(&w, "tainted", c->tainted);
    return mp_written(&w, ret_len);
}

static struct plan plan_of(const struct ticket_context *c)
{
    static const enum ticket_source worst_first[] = {
        TICKET_SOURCE_UNTRUSTED, TICKET_SOURCE_UNKNOWN, TICKET_SOURCE_TRUSTED,
        TICKET_SOURCE_PROMPT};
    struct plan p = {.places = TICKET_CONTEXT_PLACES_MAX,
                     .endorses = c->endorses_count};
    size_t bytes = 0;

    for (size_t s = 0; s < sizeof(worst_first) / sizeof(worst_first[0]); s++)
        for (uint32_t i = 0; i < c->arg_count; i++)
            if (c->args[i].source == worst_first[s])
                p.order[p.args++] = i;
    while (p.labels < c->declared_count) {
        size_t len = c->declared[p.labels].len;

        bytes += len < TICKET_CONTEXT_WORD_MAX ? len : TICKET_CONTEXT_WORD_MAX;
        if (bytes > LABELS_BUDGET)
            break;
        p.labels++;
    }
    for (uint32_t i = 0; i < TICKET_RULES_MAX; i++)
        p.reasons += c->reasons[i].len > 0 ? 1 : 0;
    p.reason_max = p.reasons > 0 ? REASONS_BUDGET / p.reasons : 0;
    if (p.reason_max > TICKET_CONTEXT_REASON_MAX)
        p.reason_max = TICKET_CONTEXT_REASON_MAX;
    return p;
}

ts_err ticket_context_encode(const struct ticket_context *c, struct ts_buf *out)
{
    struct plan p;
    uint8_t *room;
    size_t n;
    ts_err e;

    if (!context_ok(c))
        return TS_E_INVALID;
    e = ts_buf_reserve(out, TICKET_CONTEXT_MAX, &room);
    if (e != TS_OK)
        return e;
    p = plan_of(c);
    while ((e = put_all(c, &p, room, &n)) == TS_E_LIMIT &&
           (p.places > 0 || p.endorses > 0 || p.args > 0)) {
        if (p.places > 0)
            p.places--;
        else if (p.endorses > 0)
            p.endorses--;
        else
            p.args--;
    }
    if (e == TS_OK)
        ts_buf_grew(out, n);
    return e;
}
