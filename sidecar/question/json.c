/* A question for machines. Every text in it is JSON, so a terminal sees no byte
 * of it but printable ones when it is written with JSON_ENSURE_ASCII. */
#include <inttypes.h>
#include <stdio.h>

#include "proto/base/ts_mem.h"
#include "proto/wire/mp_read.h"
#include "sidecar/question/view.h"

static json_t *tree(struct mp_reader *r);

static json_t *text(struct ts_str s)
{
    return json_stringn(s.len > 0 ? s.ptr : "", s.len);
}

static json_t *hex(struct ts_bytes b)
{
    char *out = ts_mem_alloc(2 * b.len + 1);
    json_t *j;

    if (out == NULL)
        return NULL;
    ts_hex_encode(out, b.ptr, b.len);
    j = json_stringn(out, 2 * b.len);
    ts_mem_free(out);
    return j;
}

static json_t *number(uint64_t v)
{
    char digits[24];

    if (v <= INT64_MAX)
        return json_integer((json_int_t)v);
    (void)snprintf(digits, sizeof(digits), "%" PRIu64, v);
    return json_string(digits);
}

static json_t *bytes(struct ts_bytes b)
{
    return json_pack("{s:o}", "$bytes", hex(b));
}

static json_t *list(struct mp_reader *r)
{
    uint32_t n = mp_read_array(r, TICKET_ARGS_MAX);
    json_t *a = json_array();

    for (uint32_t i = 0; i < n && r->error == TS_OK && a != NULL; i++) {
        if (json_array_append_new(a, tree(r)) != 0) {
            json_decref(a);
            a = NULL;
        }
    }
    return a;
}

static json_t *map(struct mp_reader *r)
{
    uint32_t n = mp_read_map(r, TICKET_ARGS_MAX);
    json_t *o = json_object();

    for (uint32_t i = 0; i < n && r->error == TS_OK && o != NULL; i++) {
        struct ts_str key = mp_read_str(r, TICKET_ARGS_MAX);

        if (json_object_setn_new(o, key.len > 0 ? key.ptr : "", key.len,
                                 tree(r)) != 0) {
            json_decref(o);
            o = NULL;
        }
    }
    return o;
}

static json_t *tree(struct mp_reader *r)
{
    switch (mp_peek(r)) {
    case MP_UINT:
        return number(mp_read_uint(r, UINT64_MAX));
    case MP_NINT:
        return json_integer(mp_read_int(r));
    case MP_STR:
        return text(mp_read_str(r, TICKET_ARGS_MAX));
    case MP_BIN:
        return bytes(mp_read_bin(r, TICKET_ARGS_MAX));
    case MP_ARRAY:
        return list(r);
    case MP_MAP:
        return map(r);
    case MP_BOOL:
        return json_boolean(mp_read_bool(r));
    case MP_FLOAT:
        return json_real(mp_read_float(r));
    case MP_NIL:
        mp_read_nil(r);
        return json_null();
    case MP_NONE:
        break;
    }
    mp_fail(r, TS_E_FORMAT, "value");
    return NULL;
}

json_t *approval_args_json(struct ts_bytes args)
{
    struct mp_reader r;
    json_t *j;

    mp_reader_init(&r, args.ptr, args.len);
    j = tree(&r);
    if (mp_done(&r) == TS_OK)
        return j;
    json_decref(j);
    return NULL;
}

/* Takes v; false when there is none, or no memory. */
static bool set(json_t *o, const char *key, json_t *v)
{
    return json_object_set_new(o, key, v) == 0;
}

static bool set_text(json_t *o, const char *key, struct ts_str s)
{
    return s.len == 0 || set(o, key, text(s));
}

static bool set_count(json_t *o, const char *key, uint64_t n)
{
    return n == 0 || set(o, key, number(n));
}

static bool set_true(json_t *o, const char *key, bool on)
{
    return !on || set(o, key, json_true());
}

/* Takes v. */
static bool add(json_t *array, json_t *v)
{
    return json_array_append_new(array, v) == 0;
}

static json_t *strings(const struct ts_str *s, uint32_t count)
{
    json_t *a = json_array();

    for (uint32_t i = 0; i < count && a != NULL; i++) {
        if (!add(a, text(s[i]))) {
            json_decref(a);
            return NULL;
        }
    }
    return a;
}

static json_t *source(const struct ticket_context_arg *a)
{
    json_t *o = json_object();

    if (o != NULL && set(o, "arg", text(a->arg)) &&
        set_text(o, "value", a->value) &&
        set(o, "source", json_string(ticket_source_name(a->source))) &&
        set(o, "places", strings(a->places, a->place_count)) &&
        set_count(o, "places_left", a->places_left) &&
        set_true(o, "new", a->is_new))
        return o;
    json_decref(o);
    return NULL;
}

static json_t *sources(const struct ticket_context *c)
{
    json_t *a = json_array();

    for (uint32_t i = 0; i < c->arg_count && a != NULL; i++) {
        if (!add(a, source(&c->args[i]))) {
            json_decref(a);
            return NULL;
        }
    }
    return a;
}

static json_t *endorsed(const struct ticket_endorses *x)
{
    json_t *o = json_object();

    if (o != NULL && set(o, "arg", text(x->arg)) &&
        set(o, "value", text(x->value)))
        return o;
    json_decref(o);
    return NULL;
}

static json_t *endorses(const struct ticket_context *c)
{
    json_t *a = json_array();

    for (uint32_t i = 0; i < c->endorses_count && a != NULL; i++) {
        if (!add(a, endorsed(&c->endorses[i]))) {
            json_decref(a);
            return NULL;
        }
    }
    return a;
}

static json_t *context(const struct ticket_context *c)
{
    const struct ts_str first[] = {TS_STR_LIT("tool"), TS_STR_LIT("action"),
                                   TS_STR_LIT("resource")};
    const bool is_first[] = {c->first_tool, c->first_action, c->first_resource};
    json_t *o = json_object(), *firsts = json_array();
    bool ok = o != NULL && firsts != NULL;

    for (size_t i = 0; i < 3 && ok; i++)
        ok = !is_first[i] || add(firsts, text(first[i]));
    if (ok && set(o, "args", sources(c)) &&
        set_count(o, "args_left", c->args_left) &&
        set(o, "asked_minute", number(c->asked_minute)) &&
        set(o, "asked_hour", number(c->asked_hour)) &&
        set(o, "declared", strings(c->declared, c->declared_count)) &&
        set_count(o, "declared_left", c->declared_left) &&
        (c->endorses_count == 0 || set(o, "endorses", endorses(c))) &&
        set(o, "first", json_incref(firsts)) &&
        (!c->has_calls || (set(o, "calls_minute", number(c->calls_minute)) &&
                           set(o, "calls_hour", number(c->calls_hour)))) &&
        (!c->has_level || set(o, "level", number(c->level))) &&
        set_true(o, "lost", c->lost) && set_text(o, "origin", c->origin) &&
        set_true(o, "secrets", c->secrets) &&
        set_text(o, "sensitivity", c->sensitivity) &&
        set_true(o, "stdin", c->has_stdin) &&
        set_true(o, "tainted", c->tainted)) {
        json_decref(firsts);
        return o;
    }
    json_decref(firsts);
    json_decref(o);
    return NULL;
}

static json_t *people(const struct approval_view *v, uint32_t rule)
{
    json_t *a = json_array();

    for (uint32_t i = 0; i < v->people_count && a != NULL; i++) {
        if ((v->people[i].rules >> rule & 1u) != 0 &&
            !add(a, text(v->people[i].person))) {
            json_decref(a);
            return NULL;
        }
    }
    return a;
}

static json_t *rule(const struct approval_view *v, uint32_t i)
{
    const struct ticket_rule *r = &v->ticket.rules[i];
    json_t *o = json_object();

    if (o != NULL && set(o, "policy", text(r->policy)) &&
        set(o, "class", text(r->class_id)) &&
        set(o, "count", number(r->count)) &&
        set_text(o, "reason", v->context.reasons[i]) &&
        set(o, "yes", people(v, i)))
        return o;
    json_decref(o);
    return NULL;
}

static json_t *rules(const struct approval_view *v)
{
    json_t *a = json_array();

    for (uint32_t i = 0; i < v->ticket.rule_count && a != NULL; i++) {
        if (!add(a, rule(v, i))) {
            json_decref(a);
            return NULL;
        }
    }
    return a;
}

static bool set_hex(json_t *o, const char *key, const uint8_t *p, size_t n)
{
    return set(o, key, hex((struct ts_bytes){p, n}));
}

static bool set_call(json_t *o, const struct ticket *t)
{
    return set_hex(o, "decision_id", t->decision_id, sizeof(t->decision_id)) &&
           set(o, "sidecar", text(t->sidecar_id)) &&
           set(o, "tenant", text(t->tenant)) && set(o, "user", text(t->user)) &&
           set(o, "agents", strings(t->agents, t->agent_count)) &&
           set_hex(o, "grant", t->grant_id, sizeof(t->grant_id)) &&
           set_hex(o, "block", t->block_id, sizeof(t->block_id)) &&
           set(o, "task", text(t->task)) &&
           set_hex(o, "call_id", t->call_id, sizeof(t->call_id)) &&
           set(o, "tool", text(t->tool)) &&
           set_hex(o, "tool_digest", t->tool_digest, sizeof(t->tool_digest)) &&
           set(o, "action", text(t->action)) &&
           set(o, "resource", text(t->resource)) &&
           set(o, "args", approval_args_json(t->args)) &&
           set(o, "args_hex", hex(t->args)) &&
           set(o, "created", number(t->created)) &&
           set(o, "expires", number(t->expires)) &&
           set(o, "policy_epoch", number(t->policy_epoch));
}

json_t *approval_json(const struct approval_view *v)
{
    const char *stage =
        v->stage == TICKET_STAGE_GRANTED ? "granted" : "waiting";
    json_t *o = json_object();

    if (o != NULL && set_hex(o, "ticket_id", v->id, sizeof(v->id)) &&
        set_call(o, &v->ticket) && set(o, "context", context(&v->context)) &&
        set(o, "rules", rules(v)) && set(o, "state", json_string(stage)))
        return o;
    json_decref(o);
    return NULL;
}
