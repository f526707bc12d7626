/* What the sidecar knows beside the call: where values come from, what is
 * unusual, who is asked. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sidecar/question/render.h"

static const char *source_sentence(enum ticket_source s)
{
    switch (s) {
    case TICKET_SOURCE_PROMPT:
        return "in the user's own words";
    case TICKET_SOURCE_TRUSTED:
        return "where only trusted people write";
    case TICKET_SOURCE_UNTRUSTED:
        return "ONLY WHERE STRANGERS CAN WRITE";
    case TICKET_SOURCE_UNKNOWN:
        return "found nowhere: the model made it";
    case TICKET_SOURCE_COUNT_:
        break;
    }
    return "not known";
}

static const char *source_colour(const struct screen *s, enum ticket_source x)
{
    return x == TICKET_SOURCE_UNTRUSTED ? s->term.red
           : x == TICKET_SOURCE_UNKNOWN ? s->term.yellow
                                        : "";
}

/* That the user's own words have it is said already. */
static void places(struct screen *s, const struct ticket_context_arg *a)
{
    uint32_t shown = 0;

    for (uint32_t i = 0; i < a->place_count; i++) {
        if (ts_str_eq_c(a->places[i], "prompt"))
            continue;
        screen_words(s, shown++ == 0 ? ", " : "; ");
        if (ts_str_eq_c(a->places[i], "user"))
            screen_words(s, "it is who the user is");
        else
            (void)screen_value(s, a->places[i], SIZE_MAX, false);
    }
}

static void one_source(struct screen *s, const struct ticket_context_arg *a)
{
    screen_open(s, 4, 8, true);
    screen_style(s, s->term.bold);
    (void)screen_value(s, a->arg, SIZE_MAX, false);
    screen_style(s, s->term.reset);
    if (a->value.len > 0) {
        screen_words(s, " in it \"");
        (void)screen_value(s, a->value, SIZE_MAX, true);
        screen_words(s, "\"");
    }
    screen_words(s, ": ");
    screen_style(s, source_colour(s, a->source));
    screen_words(s, source_sentence(a->source));
    screen_style(s, s->term.reset);
    places(s, a);
    if (a->places_left > 0)
        screen_say(s, " and %" PRIu32 " more place%s", a->places_left,
                   a->places_left == 1 ? "" : "s");
    if (a->is_new) {
        screen_words(s, "; ");
        screen_style(s, s->term.yellow);
        screen_words(s, "new to this grant");
        screen_style(s, s->term.reset);
    }
    screen_close(s);
}

void render_sources(struct screen *s, const struct approval_view *v)
{
    const struct ticket_context *c = &v->context;

    render_heading(s, "Where the values that matter come from");
    for (uint32_t i = 0; i < c->arg_count; i++)
        one_source(s, &c->args[i]);
    if (c->args_left > 0) {
        screen_open(s, 2, 4, false);
        screen_say(s, "and %" PRIu32 " more, no worse than the last of these",
                   c->args_left);
        screen_close(s);
    }
    if (c->arg_count == 0 && c->args_left == 0) {
        screen_open(s, 2, 4, false);
        screen_words(s, "the sidecar does not say");
        screen_close(s);
    }
}

static void mark(struct screen *s, const char *colour)
{
    screen_open(s, 2, 4, false);
    screen_style(s, colour);
    screen_words(s, "! ");
}

static void note(struct screen *s, const char *colour, const char *text)
{
    mark(s, colour);
    screen_words(s, text);
    screen_style(s, s->term.reset);
    screen_close(s);
}

static uint32_t count_from(const struct ticket_context *c,
                           enum ticket_source from)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < c->arg_count; i++)
        n += c->args[i].source == from ? 1 : 0;
    return n;
}

static uint32_t note_sources(struct screen *s, const struct ticket_context *c)
{
    uint32_t bad = count_from(c, TICKET_SOURCE_UNTRUSTED);
    uint32_t made = count_from(c, TICKET_SOURCE_UNKNOWN);

    if (bad > 0) {
        mark(s, s->term.red);
        screen_say(s,
                   "%" PRIu32 " of the values above stand%s only where "
                   "strangers can write: was the agent told this by a mail, a "
                   "page, a ticket?",
                   bad, bad == 1 ? "s" : "");
        screen_style(s, s->term.reset);
        screen_close(s);
    }
    if (made > 0) {
        mark(s, s->term.yellow);
        screen_say(s,
                   "%" PRIu32 " of the values above stand%s in nothing that "
                   "the sidecar has seen",
                   made, made == 1 ? "s" : "");
        screen_style(s, s->term.reset);
        screen_close(s);
    }
    return bad + made;
}

static uint32_t note_new(struct screen *s, const struct ticket_context *c)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < c->arg_count; i++)
        n += c->args[i].is_new ? 1 : 0;
    if (n == 0)
        return 0;
    mark(s, s->term.yellow);
    screen_say(s,
               "%" PRIu32 " of the values above ha%s been in no call of this "
               "grant that ran",
               n, n == 1 ? "s" : "ve");
    screen_style(s, s->term.reset);
    screen_close(s);
    return n;
}

static uint32_t note_origin(struct screen *s, const struct ticket_context *c)
{
    if (c->origin.len == 0 || ts_str_eq_c(c->origin, "user"))
        return 0;
    mark(s, s->term.yellow);
    if (ts_str_eq_c(c->origin, "unknown")) {
        screen_words(s, "nobody vouches for what began this task");
    } else {
        screen_words(s, "the task was begun by: ");
        (void)screen_value(s, c->origin, SIZE_MAX, false);
    }
    screen_style(s, s->term.reset);
    screen_close(s);
    return 1;
}

static uint32_t note_flow(struct screen *s, const struct ticket_context *c)
{
    static const char *const levels[] = {"public", "internal", "private",
                                         "secret"};
    uint32_t n = 0;

    if (c->lost) {
        note(s, s->term.yellow,
             "what the task did and read before is older than the sidecar's "
             "memory of it");
        n++;
    }
    if (c->tainted) {
        note(s, s->term.yellow,
             "the task has read what strangers can write before this call");
        n++;
    }
    if (c->secrets) {
        note(s, s->term.red,
             "a secret that a tool has shown is in the "
             "arguments");
        n++;
    }
    if (c->has_level && c->level >= 2) {
        mark(s, s->term.yellow);
        screen_say(s, "what flows in is %s", levels[c->level]);
        screen_style(s, s->term.reset);
        screen_close(s);
        n++;
    }
    return n;
}

static uint32_t note_first(struct screen *s, const struct ticket_context *c)
{
    uint32_t n = 0;

    if (c->first_tool) {
        note(s, s->term.yellow, "this grant has never used this tool");
        n++;
    }
    if (c->first_action) {
        note(s, s->term.yellow, "this grant has never done this action");
        n++;
    }
    if (c->first_resource) {
        note(s, s->term.yellow, "this grant has never touched this resource");
        n++;
    }
    return n;
}

static uint32_t note_asking(struct screen *s, const struct ticket_context *c)
{
    if (c->asked_hour < 3 && c->asked_minute < 3)
        return 0;
    mark(s, s->term.yellow);
    screen_say(s,
               "this grant has asked people %" PRIu32 " times in the last "
               "hour, %" PRIu32 " of them in the last minute",
               c->asked_hour, c->asked_minute);
    screen_style(s, s->term.reset);
    screen_close(s);
    return 1;
}

static void declared(struct screen *s, const struct ticket_context *c)
{
    if (c->declared_count == 0)
        return;
    screen_open(s, 4, 8, true);
    screen_words(s, "the agent itself says its inputs are ");
    for (uint32_t i = 0; i < c->declared_count; i++) {
        if (i > 0)
            screen_words(s, ", ");
        screen_words(s, "\"");
        (void)screen_value(s, c->declared[i], SIZE_MAX, true);
        screen_words(s, "\"");
    }
    if (c->declared_left > 0)
        screen_say(s, " and %" PRIu32 " more", c->declared_left);
    screen_close(s);
}

/* The two upper labels of sidecar/gate/people/sensitivity.h. */
static uint32_t note_label(struct screen *s, const struct ticket_context *c)
{
    if (ts_str_eq_c(c->sensitivity, "secret"))
        note(s, s->term.red, "the resource is labelled secret");
    else if (ts_str_eq_c(c->sensitivity, "confidential"))
        note(s, s->term.red, "the resource is labelled confidential");
    else
        return 0;
    return 1;
}

void render_unusual(struct screen *s, const struct approval_view *v, size_t cut)
{
    const struct ticket_context *c = &v->context;
    uint32_t n = 0;

    render_heading(s, "Look at this");
    if (cut > 0) {
        note(s, s->term.red, "not all of the arguments is on this screen");
        n++;
    }
    if (c->has_stdin) {
        note(s, s->term.red,
             "the agent sends it more than the arguments: standard input, "
             "which nobody sees before it runs");
        n++;
    }
    n += note_sources(s, c);
    n += note_new(s, c);
    n += note_origin(s, c);
    n += note_flow(s, c);
    n += note_label(s, c);
    n += note_first(s, c);
    n += note_asking(s, c);
    declared(s, c);
    if (n == 0) {
        screen_open(s, 2, 2, false);
        screen_words(s, "the sidecar notes nothing unusual, which is no "
                        "promise that there is nothing");
        screen_close(s);
    }
}

static void rule_people(struct screen *s, const struct approval_view *v,
                        uint32_t rule)
{
    uint32_t n = 0;

    screen_open(s, 6, 8, false);
    for (uint32_t i = 0; i < v->people_count; i++) {
        if ((v->people[i].rules >> rule & 1u) == 0)
            continue;
        screen_words(s, n++ == 0 ? "yes so far: " : ", ");
        (void)screen_value(s, v->people[i].person, SIZE_MAX, false);
    }
    screen_words(s,
                 n == 0 ? "nobody has answered yet" : " (as the service says)");
    screen_close(s);
}

void render_rules(struct screen *s, const struct approval_view *v)
{
    const struct ticket *t = &v->ticket;

    render_heading(s, "Who is asked");
    for (uint32_t i = 0; i < t->rule_count; i++) {
        const struct ticket_rule *r = &t->rules[i];

        screen_open(s, 2, 6, false);
        screen_say(s, "%" PRIu32 " %s of class ", r->count,
                   r->count == 1 ? "person" : "people");
        screen_style(s, s->term.bold);
        (void)screen_value(s, r->class_id, SIZE_MAX, false);
        screen_style(s, s->term.reset);
        screen_words(s, ", by policy ");
        (void)screen_value(s, r->policy, SIZE_MAX, false);
        screen_close(s);
        if (v->context.reasons[i].len > 0) {
            screen_open(s, 6, 8, true);
            (void)screen_value(s, v->context.reasons[i], SIZE_MAX, false);
            screen_close(s);
        }
        rule_people(s, v, i);
    }
    if (v->stage == TICKET_STAGE_GRANTED)
        note(s, s->term.green,
             "enough people have said yes; the call has not come back for it");
}
