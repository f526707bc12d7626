/* Capabilities to the Cedar text of a block. */
#include <stdio.h>
#include <string.h>

#include "cli/capability/check.h"
#include "cli/capability/limit.h"
#include "proto/base/ts_str.h"

struct work {
    const struct capability_rules *rules;
    json_t *list; /* checked */
    struct text *out;
};

/* with_own: the user's own names and addresses, too. They may stand in a list
 * beside others, such as those who take part in something; they are no value to
 * choose for who gets something, or what becomes of it, unless delegated. */
static void literal_list(struct work *w, json_t *texts, bool with_own)
{
    bool first = true;
    size_t i;
    json_t *v;

    text_add(w->out, "[");
    json_array_foreach(texts, i, v)
    {
        text_add(w->out, first ? "" : ",");
        text_cedar(w->out, json_string_value(v));
        first = false;
    }
    for (i = 0; with_own && i < w->rules->identity_count; i++) {
        text_add(w->out, ",");
        text_cedar(w->out, w->rules->identities[i]);
    }
    text_add(w->out, "]");
}

/* Numbers and booleans that stand as texts; what is none matches nothing. */
static void scalar_list(struct work *w, const struct capability_arg *a,
                        json_t *texts)
{
    bool first = true;
    size_t i;
    json_t *v;

    json_array_foreach(texts, i, v)
    {
        json_t *n = json_loads(json_string_value(v), JSON_DECODE_ANY, NULL);

        if (a->kind == CAPABILITY_BOOL ? json_is_boolean(n)
                                       : json_is_integer(n)) {
            text_add(w->out, first ? "[" : ",");
            if (json_is_integer(n))
                text_add(w->out, "%lld", (long long)json_integer_value(n));
            else
                text_add(w->out, "%s", json_is_true(n) ? "true" : "false");
            first = false;
        }
        json_decref(n);
    }
    if (first)
        text_add(w->out, "false");
    else
        text_add(w->out, "].contains(context.args.%s)", a->name);
}

static void literals(struct work *w, const struct capability_arg *a,
                     json_t *texts)
{
    if (a->kind == CAPABILITY_INT || a->kind == CAPABILITY_BOOL) {
        scalar_list(w, a, texts);
        return;
    }
    if (a->kind == CAPABILITY_OTHER || /* no literal to compare with */
        a->kind == CAPABILITY_DECIMAL || json_array_size(texts) == 0) {
        text_add(w->out, "false"); /* an empty set has no type */
        return;
    }
    literal_list(w, texts, a->kind == CAPABILITY_STRINGS);
    if (a->kind != CAPABILITY_STRINGS) {
        text_add(w->out, ".contains(context.args.%s)", a->name);
        return;
    }
    text_add(w->out, ".containsAll(context.args.%s)&&", a->name);
    literal_list(w, texts, false);
    text_add(w->out, ".containsAny(context.args.%s)", a->name);
}

/* With has, although the argument is required: the schema of the tenant may
 * have one context for all tools, in which no argument always is. */
static void sources(struct work *w, const struct capability_arg *a,
                    json_t *from)
{
    size_t i;
    json_t *v;

    text_add(w->out, "(context.provenance.args has %s&&[", a->name);
    json_array_foreach(from, i, v)
    {
        const char *tool = json_string_value(json_array_get(v, 0));
        const char *pointer = json_string_value(json_array_get(v, 1));
        char name[CAPABILITY_SOURCE_MAX]; /* it fits: it was checked */

        (void)snprintf(name, sizeof(name), "%s:%s", tool, pointer);
        text_add(w->out, i == 0 ? "" : ",");
        text_cedar(w->out, name);
    }
    text_add(w->out, "].containsAny(context.provenance.args.%s.sources))",
             a->name);
}

/* All literals of an argument are one set: a list may mix them. */
static json_t *all_literals(json_t *constraints)
{
    json_t *all = json_array(), *c;
    size_t i;

    json_array_foreach(constraints, i, c)
    {
        json_t *in = json_object_get(c, "in");

        if (in != NULL && json_array_extend(all, in) != 0) {
            json_decref(all);
            return NULL;
        }
    }
    return all;
}

static bool is_free(const struct work *w, json_t *constraints)
{
    size_t i;
    json_t *c;

    json_array_foreach(constraints, i, c)
    {
        if (json_object_get(c, "any") != NULL ||
            (json_object_get(c, "from") != NULL && !w->rules->has_provenance))
            return true;
    }
    return false;
}

static void one_of(struct work *w, const struct capability_arg *a,
                   json_t *constraints)
{
    json_t *in = all_literals(constraints), *c;
    size_t i;

    if (in == NULL) {
        w->out->failed = true;
        return;
    }
    text_add(w->out, "(");
    if (json_array_size(in) > 0)
        text_add(w->out, "context.args has %s&&", a->name);
    literals(w, a, in);
    json_array_foreach(constraints, i, c)
    {
        json_t *from = json_object_get(c, "from");

        if (from != NULL) {
            text_add(w->out, "||");
            sources(w, a, from);
        }
    }
    text_add(w->out, ")");
    json_decref(in);
}

/* An argument that the capability does not name is not given; an empty list
 * gives nothing. */
static void left_out(struct work *w, const struct capability_arg *a)
{
    if (a->kind == CAPABILITY_STRINGS)
        text_add(w->out,
                 "&&(if context.args has %s then "
                 "context.args.%s.isEmpty() else true)",
                 a->name, a->name);
    else if (a->is_required)
        text_add(w->out, "&&false");
    else
        text_add(w->out, "&&!(context.args has %s)", a->name);
}

/* "&& ..." for one argument; nothing when any value will do. One that is named
 * must be given: without it the call is another than was delegated, such as an
 * entry that nobody is invited to. */
static void pin(struct work *w, const struct capability_arg *a,
                json_t *constraints)
{
    if (constraints == NULL)
        left_out(w, a);
    else if (!is_free(w, constraints)) {
        text_add(w->out, "&&");
        one_of(w, a, constraints);
    }
}

static bool is_counted(const struct work *w, size_t at)
{
    return w->rules->has_uses && limit_is_counted(w->list, at);
}

/* Its values are within the capability and, with_room, so is their number. */
static void within(struct work *w, const struct capability_tool *t, size_t at,
                   bool with_room)
{
    json_t *args = json_object_get(json_array_get(w->list, at), "args");

    text_add(w->out, "(true");
    for (size_t k = 0; k < t->arg_count; k++)
        if (t->args[k].is_authority)
            pin(w, &t->args[k], json_object_get(args, t->args[k].name));
    if (with_room && w->rules->has_uses)
        limit_room(w->list, at, w->out);
    text_add(w->out, ")");
}

/* The capabilities of a tool that differ, those without a limit first: a call
 * counts in the first that it is within. The next one after at (which is none
 * of them: the first one); the length of the list at the end. */
static size_t next_of(const struct work *w, const struct capability_tool *t,
                      size_t at)
{
    size_t count = json_array_size(w->list);
    bool counted = at < count && is_counted(w, at);

    for (size_t i = at < count ? at + 1 : 0;; i++) {
        const char *tool;

        if (i == count && counted)
            return count;
        if (i == count) { /* again, from the first, those with a limit */
            counted = true;
            i = 0;
        }
        tool = json_string_value(
            json_object_get(json_array_get(w->list, i), "tool"));
        if (strcmp(tool, t->name) == 0 && !limit_is_joined(w->list, i) &&
            is_counted(w, i) == counted)
            return i;
    }
}

static void pins(struct work *w, const struct capability_tool *t,
                 bool with_room)
{
    size_t count = json_array_size(w->list);
    bool first = true;

    for (size_t i = next_of(w, t, count); i < count; i = next_of(w, t, i)) {
        text_add(w->out, first ? "" : "||");
        within(w, t, i, with_room);
        first = false;
    }
}

/* A permit that counts, for calls in this capability and in none before it.
 * Nobody counts what people let through outside of all of them. The last one
 * need not ask: the rest of what is permitted is within it. */
static void counter(struct work *w, const struct capability_tool *t, size_t n,
                    size_t at)
{
    size_t count = json_array_size(w->list);

    text_add(w->out, "@id(\"cap%zu\")", at);
    limit_annotations(w->list, at, w->out);
    text_add(w->out, "permit(principal,action==Action::");
    text_cedar(w->out, t->action);
    text_add(w->out, ",resource)");
    if (next_of(w, t, at) < count) {
        text_add(w->out, "when{");
        within(w, t, at, true);
        text_add(w->out, "}");
    }
    text_add(w->out, "unless{context.approvals.contains(\"outside%zu\")", n);
    for (size_t i = next_of(w, t, count); i != at; i = next_of(w, t, i)) {
        text_add(w->out, "||");
        within(w, t, i, true);
    }
    text_add(w->out, "};\n");
}

static void counters(struct work *w, const struct capability_tool *t, size_t n)
{
    size_t count = json_array_size(w->list);

    for (size_t i = next_of(w, t, count); i < count; i = next_of(w, t, i))
        if (is_counted(w, i))
            counter(w, t, n, i);
}

static void verb(struct work *w, const struct capability_tool *t, size_t n)
{
    text_add(w->out, "@id(\"verb%zu\")permit(principal,action==Action::", n);
    text_cedar(w->out, t->action);
    text_add(w->out, ",resource);\n");
    counters(w, t, n);
    if (w->rules->has_provenance) {
        text_add(w->out,
                 "@id(\"strangers%zu\")forbid(principal,action==Action::", n);
        text_cedar(w->out, t->action);
        text_add(w->out, ",resource)when{context.provenance.authority.untrusted"
                         "||context.provenance.links.untrusted}unless{");
        pins(w, t, false); /* one too many of them is for people to say */
        text_add(w->out, "};\n");
    }
    text_add(w->out,
             "@id(\"outside%zu\")@approval(\"confirm\")"
             "forbid(principal,action==Action::",
             n);
    text_cedar(w->out, t->action);
    text_add(w->out,
             ",resource)unless{"
             "context.approvals.contains(\"outside%zu\")||",
             n);
    pins(w, t, true);
    text_add(w->out, "};\n");
}

static bool is_first(json_t *list, size_t at, const char *tool)
{
    for (size_t i = 0; i < at; i++)
        if (strcmp(json_string_value(
                       json_object_get(json_array_get(list, i), "tool")),
                   tool) == 0)
            return false;
    return true;
}

static void allow(struct work *w, json_t *groups)
{
    size_t i;
    json_t *v;

    json_array_foreach(groups, i, v)
    {
        text_add(w->out,
                 "@id(\"allow%zu\")permit(principal,action in Action::", i);
        text_cedar(w->out, json_string_value(v));
        text_add(w->out, ",resource);\n");
    }
}

bool capability_compile(json_t *file, const struct capability_rules *r,
                        struct text *out, char reterr[CAPABILITY_ERROR_MAX])
{
    struct work w = {
        .rules = r, .list = json_object_get(file, "capabilities"), .out = out};
    size_t verbs = 0, before = out->buf.len, i;
    json_t *c;

    if (!capability_check(file, r, reterr))
        return false;
    allow(&w, json_object_get(file, "allow"));
    json_array_foreach(w.list, i, c)
    {
        const char *tool = json_string_value(json_object_get(c, "tool"));

        if (is_first(w.list, i, tool))
            verb(&w, capability_tool_of(r, tool), verbs++);
    }
    if (verbs > CAPABILITY_TOOLS_MAX)
        return capability_fail(reterr, "%zu verbs; at most %d are possible",
                               verbs, CAPABILITY_TOOLS_MAX);
    if (r->has_uses && limit_counters(w.list) > CAPABILITY_COUNTERS)
        return capability_fail(reterr,
                               "more than %d limits (max_calls, sums); "
                               "delegate less, or in two tasks",
                               CAPABILITY_COUNTERS);
    if (out->failed || out->buf.len - before > CAPABILITY_POLICY_MAX)
        return capability_fail(reterr,
                               "the policy of the block would have more than "
                               "%d bytes; delegate less, or in two tasks",
                               CAPABILITY_POLICY_MAX);
    return true;
}
