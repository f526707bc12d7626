/* What people are told beside a call: read, strictly. */
#include "sidecar/gate/approve/ticket_context.h"

#include "proto/wire/mp_read.h"

static void refuse(struct mp_reader *r, bool ok, const char *what)
{
    if (!ok)
        mp_fail(r, TS_E_FORMAT, what);
}

static uint32_t read_u32(struct mp_reader *r)
{
    return (uint32_t)mp_read_uint(r, UINT32_MAX);
}

static enum ticket_source read_source(struct mp_reader *r)
{
    struct ts_str s = mp_read_str(r, TICKET_CONTEXT_WORD_MAX);

    for (unsigned i = TICKET_SOURCE_PROMPT; i < TICKET_SOURCE_COUNT_; i++)
        if (ts_str_eq_c(s, ticket_source_name((enum ticket_source)i)))
            return (enum ticket_source)i;
    mp_fail(r, TS_E_FORMAT, "source");
    return TICKET_SOURCE_UNKNOWN;
}

static void read_arg(struct mp_reader *r, struct ticket_context_arg *a)
{
    mp_read_tuple(r, 6);
    a->arg = mp_read_str(r, TICKET_CONTEXT_ARG_MAX);
    a->value = mp_read_str(r, TICKET_CONTEXT_VALUE_MAX);
    a->source = read_source(r);
    a->place_count = mp_read_array(r, TICKET_CONTEXT_PLACES_MAX);
    for (uint32_t i = 0; i < a->place_count; i++)
        a->places[i] = mp_read_str(r, TICKET_CONTEXT_PLACE_MAX);
    a->places_left = read_u32(r);
    a->is_new = mp_read_bool(r);
}

static void read_args(struct mp_reader *r, struct ticket_context *c)
{
    c->arg_count = mp_read_array(r, TICKET_CONTEXT_ARGS_MAX);
    refuse(r, c->arg_count > 0, "args");
    for (uint32_t i = 0; i < c->arg_count; i++)
        read_arg(r, &c->args[i]);
}

static void read_args_left(struct mp_reader *r, struct ticket_context *c)
{
    c->args_left = read_u32(r);
    refuse(r, c->args_left > 0, "args_left");
}

static void read_asked(struct mp_reader *r, struct ticket_context *c)
{
    mp_read_tuple(r, 2);
    c->asked_minute = read_u32(r);
    c->asked_hour = read_u32(r);
    refuse(r, c->asked_minute > 0 || c->asked_hour > 0, "asked");
}

static void read_calls(struct mp_reader *r, struct ticket_context *c)
{
    mp_read_tuple(r, 2);
    c->calls_minute = read_u32(r);
    c->calls_hour = read_u32(r);
    c->has_calls = true;
}

static void read_declared(struct mp_reader *r, struct ticket_context *c)
{
    c->declared_count = mp_read_array(r, TICKET_CONTEXT_LABELS_MAX);
    refuse(r, c->declared_count > 0, "declared");
    for (uint32_t i = 0; i < c->declared_count; i++)
        c->declared[i] = mp_read_str(r, TICKET_CONTEXT_WORD_MAX);
}

static void read_declared_left(struct mp_reader *r, struct ticket_context *c)
{
    c->declared_left = read_u32(r);
    refuse(r, c->declared_left > 0, "declared_left");
}

static void read_endorses(struct mp_reader *r, struct ticket_context *c)
{
    c->endorses_count = mp_read_array(r, TICKET_CONTEXT_ENDORSES_MAX);
    refuse(r, c->endorses_count > 0, "endorses");
    for (uint32_t i = 0; i < c->endorses_count; i++) {
        struct ticket_endorses *x = &c->endorses[i];

        mp_read_tuple(r, 2);
        x->arg = mp_read_str(r, TICKET_CONTEXT_ARG_MAX);
        x->value = mp_read_str(r, TICKET_CONTEXT_VALUE_MAX);
        refuse(r, x->arg.len > 0 && x->value.len > 0, "endorses");
    }
}

static void read_first(struct mp_reader *r, struct ticket_context *c)
{
    static const char *const names[] = {"tool", "action", "resource"};
    bool *const to[] = {&c->first_tool, &c->first_action, &c->first_resource};
    uint32_t n = mp_read_array(r, 3), at = 0;

    refuse(r, n > 0, "first");
    for (uint32_t i = 0; i < n; i++) {
        struct ts_str s = mp_read_str(r, TICKET_CONTEXT_WORD_MAX);

        while (at < 3 && !ts_str_eq_c(s, names[at]))
            at++;
        refuse(r, at < 3, "first");
        if (at < 3)
            *to[at++] = true;
    }
}

static void read_level(struct mp_reader *r, struct ticket_context *c)
{
    c->level = (uint8_t)mp_read_uint(r, 3);
    c->has_level = true;
}

static void read_reasons(struct mp_reader *r, struct ticket_context *c,
                         uint32_t rules)
{
    uint32_t n = mp_read_array(r, TICKET_RULES_MAX), least = 0;

    refuse(r, n > 0, "reasons");
    for (uint32_t i = 0; i < n; i++) {
        uint32_t rule;
        struct ts_str text;

        mp_read_tuple(r, 2);
        rule = (uint32_t)mp_read_uint(r, TICKET_RULES_MAX - 1);
        text = mp_read_str(r, TICKET_CONTEXT_REASON_MAX);
        refuse(r, rule >= least && rule < rules && text.len > 0, "reasons");
        if (r->error != TS_OK)
            return;
        c->reasons[rule] = text;
        least = rule + 1;
    }
}

static bool read_true(struct mp_reader *r)
{
    bool on = mp_read_bool(r);

    refuse(r, on, "a flag that is false");
    return on;
}

static struct ts_str read_word(struct mp_reader *r)
{
    struct ts_str s = mp_read_str(r, TICKET_CONTEXT_WORD_MAX);

    refuse(r, s.len > 0, "an empty word");
    return s;
}

static void read_origin(struct mp_reader *r, struct ticket_context *c)
{
    c->origin = read_word(r);
}

static void read_lost(struct mp_reader *r, struct ticket_context *c)
{
    c->lost = read_true(r);
}

static void read_secrets(struct mp_reader *r, struct ticket_context *c)
{
    c->secrets = read_true(r);
}

static void read_sensitivity(struct mp_reader *r, struct ticket_context *c)
{
    c->sensitivity = read_word(r);
}

static void read_stdin(struct mp_reader *r, struct ticket_context *c)
{
    c->has_stdin = read_true(r);
}

static void read_tainted(struct mp_reader *r, struct ticket_context *c)
{
    c->tainted = read_true(r);
}

/* In the order in which they are written; read NULL: reasons, which also need
 * to know how many rules there are. */
static const struct key {
    const char *name;
    void (*read)(struct mp_reader *r, struct ticket_context *c);
} keys[] = {
    {"args", read_args},         {"args_left", read_args_left},
    {"asked", read_asked},       {"calls", read_calls},
    {"declared", read_declared}, {"declared_left", read_declared_left},
    {"endorses", read_endorses}, {"first", read_first},
    {"level", read_level},       {"lost", read_lost},
    {"origin", read_origin},     {"reasons", NULL},
    {"secrets", read_secrets},   {"sensitivity", read_sensitivity},
    {"stdin", read_stdin},       {"tainted", read_tainted},
};
#define KEY_COUNT (sizeof(keys) / sizeof(keys[0]))

ts_err ticket_context_decode(struct ts_bytes in, uint32_t rules,
                             struct ticket_context *ret)
{
    struct ticket_context c = {.arg_count = 0};
    struct mp_reader r;
    uint32_t n;
    size_t at = 0;
    ts_err e;

    if (in.len == 0) {
        *ret = c;
        return TS_OK;
    }
    if (in.len > TICKET_CONTEXT_MAX)
        return TS_E_LIMIT;
    mp_reader_init(&r, in.ptr, in.len);
    n = mp_read_map(&r, KEY_COUNT);
    for (uint32_t i = 0; i < n && r.error == TS_OK; i++) {
        struct ts_str key = mp_read_str(&r, TICKET_CONTEXT_WORD_MAX);

        while (at < KEY_COUNT && !ts_str_eq_c(key, keys[at].name))
            at++;
        if (at == KEY_COUNT)
            return r.error != TS_OK ? r.error : TS_E_FORMAT;
        if (keys[at].read != NULL)
            keys[at].read(&r, &c);
        else
            read_reasons(&r, &c, rules);
        at++;
    }
    e = mp_done(&r);
    if (e == TS_OK)
        *ret = c;
    return e;
}
