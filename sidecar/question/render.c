/* The screen of a question: who, what, with what, and what a yes would cover.
 */
#include "sidecar/question/render.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "sidecar/question/render_args.h"

#define HEX_GROUP 8u

void render_heading(struct screen *s, const char *text)
{
    screen_close(s);
    screen_open(s, 0, 0, false);
    screen_style(s, s->term.bold);
    screen_words(s, text);
    screen_style(s, s->term.reset);
    screen_close(s);
}

static void hex_field(struct screen *s, const char *key, const uint8_t *p,
                      size_t n)
{
    char hex[2 * TRUST_HASH_LEN + 1];

    ts_hex_encode(hex, p, n);
    screen_field(s, key, ts_str_of(hex));
}

/* In groups, to be compared with another screen. */
static void id_field(struct screen *s, const uint8_t id[TRUST_HASH_LEN])
{
    char hex[2 * TRUST_HASH_LEN + 1], text[3 * TRUST_HASH_LEN];
    size_t at = 0;

    ts_hex_encode(hex, id, TRUST_HASH_LEN);
    for (size_t i = 0; i < 2 * (size_t)TRUST_HASH_LEN; i++) {
        if (i > 0 && i % HEX_GROUP == 0)
            text[at++] = ' ';
        text[at++] = hex[i];
    }
    text[at] = '\0';
    screen_open(s, 2, 13, false);
    screen_words(s, "ticket     ");
    screen_style(s, s->term.bold);
    screen_words(s, text);
    screen_style(s, s->term.reset);
    screen_close(s);
}

#define TIME_TEXT 32

/* "2026-11-22T10:00:00Z" */
static void time_text(char out[TIME_TEXT], uint64_t unix_s)
{
    time_t t = (time_t)unix_s;
    struct tm tm;

    if (unix_s > UINT64_C(253402300799) || gmtime_r(&t, &tm) == NULL ||
        strftime(out, TIME_TEXT, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        (void)snprintf(out, TIME_TEXT, "%" PRIu64, unix_s); /* beyond 9999 */
}

static void head(struct screen *s, const struct approval_view *v,
                 const struct approval_show *how)
{
    const struct ticket *t = &v->ticket;
    uint64_t left = t->expires > how->now_s ? t->expires - how->now_s : 0;
    char until[TIME_TEXT];

    screen_open(s, 0, 0, false);
    screen_style(s, s->term.bold);
    screen_words(s, "A CALL WAITS FOR APPROVAL");
    screen_style(s, s->term.reset);
    screen_close(s);
    id_field(s, v->id);
    hex_field(s, "decision", t->decision_id, sizeof(t->decision_id));
    time_text(until, t->expires);
    screen_open(s, 2, 13, false);
    if (left == 0)
        screen_say(s, "until      %s, which is past: no answer counts", until);
    else
        screen_say(s, "until      %s, in %" PRIu64 " min %" PRIu64 " s", until,
                   left / 60, left % 60);
    screen_close(s);
}

/* user, then each agent below the one that handed its authority on. */
static void chain(struct screen *s, const struct approval_view *v)
{
    const struct ticket *t = &v->ticket;
    const char *arm = s->utf8 ? "\xe2\x94\x94\xe2\x94\x80 " : "`- ";

    render_heading(s, "Who asks");
    screen_open(s, 2, 6, false);
    screen_words(s, "user ");
    (void)screen_value(s, t->user, SIZE_MAX, false);
    screen_words(s, " of tenant ");
    (void)screen_value(s, t->tenant, SIZE_MAX, false);
    screen_close(s);
    for (uint32_t i = 0; i < t->agent_count; i++) {
        unsigned indent = 2 + 3 * i;

        screen_open(s, indent, indent + 4, false);
        screen_style(s, arm); /* three columns, whatever the character set */
        s->column += 3;
        screen_words(s, "agent ");
        (void)screen_value(s, t->agents[i], SIZE_MAX, false);
        if (i + 1 == t->agent_count)
            screen_words(s, " makes the call");
        screen_close(s);
    }
    screen_field(s, "task", t->task);
    if (v->context.has_calls) {
        screen_open(s, 2, 13, false);
        screen_say(s,
                   "calls      of the task before this one: %" PRIu32
                   " in the last hour, %" PRIu32 " in the last minute",
                   v->context.calls_hour, v->context.calls_minute);
        screen_close(s);
    }
    hex_field(s, "grant", t->grant_id, sizeof(t->grant_id));
    screen_field(s, "sidecar", t->sidecar_id);
}

static void call(struct screen *s, const struct approval_view *v)
{
    const struct ticket *t = &v->ticket;

    render_heading(s, "What would run");
    screen_field(s, "tool", t->tool);
    screen_field(s, "action", t->action);
    screen_field(s, "resource", t->resource);
    if (v->context.sensitivity.len > 0)
        screen_field(s, "sensitive", v->context.sensitivity);
    hex_field(s, "manifest", t->tool_digest, sizeof(t->tool_digest));
}

/* What a yes lets through beyond this call: nobody may read over it. */
static void endorses(struct screen *s, const struct approval_view *v)
{
    const struct ticket_context *c = &v->context;

    for (uint32_t i = 0; i < c->endorses_count; i++) {
        screen_open(s, 2, 4, true);
        screen_style(s, s->term.red);
        screen_words(s, "! If you approve: \"");
        (void)screen_value(s, c->endorses[i].value, SIZE_MAX, true);
        screen_words(s, "\" as ");
        (void)screen_value(s, c->endorses[i].arg, SIZE_MAX, false);
        screen_words(s, " of ");
        (void)screen_value(s, v->ticket.tool, SIZE_MAX, false);
        screen_words(s, " is not asked about again in this task");
        screen_style(s, s->term.reset);
        screen_close(s);
    }
    if (c->endorses_count == 0)
        return;
    screen_open(s, 4, 4, false);
    screen_words(s,
                 "by these rules: other calls there, with whatever the agent "
                 "then writes, need no yes; rules about secrets and about "
                 "what cannot be taken back still hold.");
    screen_close(s);
}

static void covers(struct screen *s, const struct approval_view *v)
{
    char until[TIME_TEXT];

    time_text(until, v->ticket.expires);
    render_heading(s, "What a yes covers");
    screen_open(s, 2, 2, false);
    screen_say(s,
               "This call alone, once, with exactly these arguments, by this "
               "agent, under the policies and the tool of this moment, until "
               "%s. Any other argument is another question.",
               until);
    screen_close(s);
    endorses(s, v);
}

static size_t arguments(struct screen *s, const struct approval_view *v,
                        bool all)
{
    size_t cut;

    screen_close(s);
    screen_open(s, 0, 0, false);
    screen_style(s, s->term.bold);
    screen_words(s, "Arguments");
    screen_style(s, s->term.reset);
    screen_say(s, " (%zu bytes, written by the agent)", v->ticket.args.len);
    screen_close(s);
    cut = render_args(s, v, all);
    if (cut > 0) {
        screen_open(s, 2, 2, false);
        screen_style(s, s->term.yellow);
        screen_say(s, "%zu value%s not wholly shown; --all shows everything",
                   cut, cut == 1 ? " is" : "s are");
        screen_style(s, s->term.reset);
        screen_close(s);
    }
    return cut;
}

ts_err approval_render(const struct approval_view *v,
                       const struct approval_show *how, struct ts_buf *out,
                       size_t *ret_cut)
{
    struct screen s;
    size_t cut;

    screen_init(&s, out, how->width, how->utf8, &how->term);
    head(&s, v, how);
    chain(&s, v);
    call(&s, v);
    cut = arguments(&s, v, how->all);
    render_sources(&s, v);
    render_unusual(&s, v, cut);
    render_rules(&s, v);
    covers(&s, v);
    if (s.failed)
        return TS_E_LIMIT;
    *ret_cut = cut;
    return TS_OK;
}
