#include "sidecar/hook/document.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "sidecar/question/screen.h"
#include "sidecar/question/view.h"

#define COLUMNS  76u
#define CUT_TEXT "... the rest is left out here\n"

static bool set(json_t *o, const char *key, json_t *v)
{
    return json_object_set_new(o, key, v) == 0;
}

static bool set_number(json_t *o, const char *key, uint64_t v)
{
    return set(o, key, json_integer(v > INT64_MAX ? INT64_MAX : (json_int_t)v));
}

static json_t *value(struct ts_str s)
{
    char shown[HOOK_VALUE_MAX];

    return json_stringn(shown, screen_escape(s, shown, sizeof(shown)));
}

static bool set_value(json_t *o, const char *key, struct ts_str s)
{
    return set(o, key, value(s));
}

static bool set_hex(json_t *o, const char *key, const uint8_t *p, size_t n)
{
    char hex[2 * TRUST_HASH_LEN + 1];

    ts_hex_encode(hex, p, n);
    return set(o, key, json_stringn(hex, 2 * n));
}

static json_t *agents(const struct ticket *t)
{
    json_t *a = json_array();

    for (uint32_t i = 0; a != NULL && i < t->agent_count; i++) {
        if (json_array_append_new(a, value(t->agents[i])) != 0) {
            json_decref(a);
            return NULL;
        }
    }
    return a;
}

static json_t *one_asked(const struct approval_view *v, uint32_t i)
{
    const struct ticket_rule *r = &v->ticket.rules[i];
    json_t *o = json_object();

    if (o != NULL && set_value(o, "class", r->class_id) &&
        set_number(o, "count", r->count) && set_value(o, "policy", r->policy) &&
        set_value(o, "reason", v->context.reasons[i]))
        return o;
    json_decref(o);
    return NULL;
}

static json_t *asked(const struct approval_view *v)
{
    json_t *a = json_array();

    for (uint32_t i = 0; a != NULL && i < v->ticket.rule_count; i++) {
        if (json_array_append_new(a, one_asked(v, i)) != 0) {
            json_decref(a);
            return NULL;
        }
    }
    return a;
}

/* The screen of an approver, without colours, and no longer than a chat takes:
 * what is cut off is whole lines. */
static json_t *screen_text(const struct approval_view *v, uint64_t now_s)
{
    const struct approval_show how = {.term = {"", "", "", "", "", "", ""},
                                      .width = COLUMNS,
                                      .utf8 = true,
                                      .now_s = now_s};
    struct ts_buf out;
    json_t *j = NULL;
    size_t cut, n;

    ts_buf_init(&out, SCREEN_OUT_MAX);
    if (approval_render(v, &how, &out, &cut) == TS_OK) {
        const char *p = (const char *)ts_buf_bytes(&out);

        n = out.len < HOOK_TEXT_MAX ? out.len : HOOK_TEXT_MAX;
        while (n > 0 && p[n - 1] != '\n')
            n--;
        j = n == out.len ? json_stringn(p, n)
                         : json_sprintf("%.*s" CUT_TEXT, (int)n, p);
    }
    ts_buf_done(&out);
    return j;
}

/* The ticket's id names it on every screen; the digits of the decision are what
 * an approver types. */
static json_t *command(const char *verb, const struct hook_job *j)
{
    char hex[2 * sizeof(j->decision_id) + 1];

    ts_hex_encode(hex, j->decision_id, sizeof(j->decision_id));
    return json_sprintf("tipstaff approvals %s %s", verb, hex);
}

static bool set_call(json_t *o, const struct approval_view *v)
{
    const struct ticket *t = &v->ticket;

    return set_hex(o, "ticket_id", v->id, sizeof(v->id)) &&
           set_number(o, "created", t->created) &&
           set_number(o, "expires", t->expires) &&
           set_value(o, "sidecar", t->sidecar_id) &&
           set_value(o, "user", t->user) && set(o, "agents", agents(t)) &&
           set_value(o, "task", t->task) && set_value(o, "tool", t->tool) &&
           set_value(o, "action", t->action) &&
           set_value(o, "resource", t->resource) && set(o, "asked", asked(v));
}

static ts_err set_pending(json_t *o, const struct hook_job *j, uint64_t now_s)
{
    struct approval_view v;
    const char *why;

    if (!approval_view_read(
            (struct ts_bytes){.ptr = j->object, .len = j->object_len}, &v,
            &why))
        return TS_E_FORMAT;
    return set_call(o, &v) && set_number(o, "more", j->more) &&
                   set(o, "text", screen_text(&v, now_s)) &&
                   set(o, "show", command("show", j)) &&
                   set(o, "approve", command("approve", j)) &&
                   set(o, "deny", command("deny", j))
               ? TS_OK
               : TS_E_NOMEM;
}

static ts_err set_end(json_t *o, const struct hook_job *j)
{
    return set_value(o, "why", (struct ts_str){j->why, j->why_len}) &&
                   set_number(o, "people", j->people)
               ? TS_OK
               : TS_E_NOMEM;
}

static ts_err fill(json_t *o, const struct hook_job *j, uint64_t now_s)
{
    if (!set_number(o, "v", 1) ||
        !set(o, "event", json_string(hook_event_name(j->event))) ||
        !set_hex(o, "decision_id", j->decision_id, sizeof(j->decision_id)) ||
        !set_value(o, "tenant", (struct ts_str){j->tenant, j->tenant_len}))
        return TS_E_NOMEM;
    return j->event == HOOK_PENDING ? set_pending(o, j, now_s) : set_end(o, j);
}

struct sink {
    struct ts_buf *out;
    ts_err error;
};

static int on_piece(const char *p, size_t n, void *data)
{
    struct sink *s = data;

    s->error = ts_buf_append(s->out, p, n);
    return s->error == TS_OK ? 0 : -1;
}

ts_err hook_document(const struct hook_job *j, uint64_t now_s,
                     struct ts_buf *out)
{
    struct sink s = {.out = out};
    json_t *o = json_object();
    ts_err e = o != NULL ? fill(o, j, now_s) : TS_E_NOMEM;

    if (e == TS_OK && json_dump_callback(o, on_piece, &s,
                                         JSON_COMPACT | JSON_ENSURE_ASCII) != 0)
        e = s.error != TS_OK ? s.error : TS_E_NOMEM;
    json_decref(o);
    if (e == TS_OK)
        e = ts_buf_append(out, "\n", 1);
    return e;
}
