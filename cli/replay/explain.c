#include "cli/replay/explain.h"

#include <errno.h>
#include <string.h>

#include "cli/cmd.h"

static const struct {
    const char *key, *text;
} whys[EXPLAIN_CLASSES] = {
    [EXPLAIN_ASKED_OUTSIDE] =
        {"asked_outside_pins",
         "The verb is delegated, a value is outside its pins, and no value of "
         "authority and no link is a stranger's: people are asked, the "
         "reference denies."},
    [EXPLAIN_ASKED_USED] =
        {"asked_when_used_up",
         "The delegated number of calls is used up: people are asked, the "
         "reference denies."},
    [EXPLAIN_NOT_COUNTED] =
        {"calls_not_counted",
         "The delegated number of calls is used up, and the block counts "
         "none: within its pins the verb is allowed again."},
    [EXPLAIN_OTHER_COUNT] =
        {"counted_in_another",
         "The verb has several capabilities with a number of calls, and an "
         "earlier call was within more than one: it counts in another one "
         "here than with the reference."},
    [EXPLAIN_STRANGER] =
        {"denied_to_strangers",
         "The verb is delegated, a value is outside its pins, and a value of "
         "authority or a link is a stranger's: denied, where the reference "
         "asks."},
    [EXPLAIN_LIST] =
        {"mixed_list",
         "A list with several values, of which no single constraint holds "
         "all: outside the pins, where the reference judges value by value."},
    [EXPLAIN_LEFT_OUT] =
        {"argument_left_out",
         "The delegation names an argument that the call leaves out: it is "
         "outside the pins, where the reference judges what is given."},
    [EXPLAIN_OWN] =
        {"own_address_alone",
         "A list holds the user's own addresses and no other: outside the "
         "pins, where the reference lets them pass."},
    [EXPLAIN_STRUCTURE] =
        {"part_of_structure",
         "The delegation pins a part of a structured argument, which a block "
         "cannot say."},
    [EXPLAIN_NO_BLOCK] =
        {"delegation_too_large",
         "The delegation does not fit into a block; only reads were "
         "delegated."},
    [EXPLAIN_HISTORY] =
        {"other_history",
         "An earlier call of the sequence ran with one of the two and not "
         "with the other, so that they have seen different outputs; or people "
         "let it through here, so that it counts in no capability."},
    [EXPLAIN_INPUTS] =
        {"other_inputs",
         "The reference judged the labels and delegations of the records, and "
         "--outputs or --sources changed them here."},
    [EXPLAIN_UNEXPLAINED] = {"unexplained",
                             "No fact of the record explains it."},
};

const char *explain_why_key(enum explain_why w)
{
    return whys[w].key;
}

const char *explain_why_text(enum explain_why w)
{
    return whys[w].text;
}

static const char *text_of(json_t *o, const char *key)
{
    return json_string_value(json_object_get(o, key));
}

struct facts {
    json_t *call;
    const char *tool;
    const struct drive_call *c;
    const char *policies;
    uint32_t capabilities; /* of the verb */
    bool in_verb, in_part; /* delegated; with a pin on a part of structure */
    bool has_list;         /* an argument of authority with several values */
    bool left_out;         /* what a capability names is not given */
    bool is_own;           /* a list of the user's own addresses alone */
    bool used_up;          /* for the reference */
    bool other_history;
};

static bool is_arg(const struct shape_tool *t, const char *name)
{
    for (size_t i = 0; t != NULL && i < t->arg_count; i++)
        if (strcmp(t->args[i].name, name) == 0)
            return true;
    return false;
}

static bool is_own(const struct traces *t, json_t *list)
{
    size_t i, k, own = 0;
    json_t *v, *me;

    json_array_foreach(list, i, v) json_array_foreach(t->identities, k, me)
        own += json_equal(v, me) == 1;
    return own > 0 && own >= json_array_size(list);
}

static bool has_own(const struct explain_in *in, json_t *args)
{
    const char *name;
    json_t *v;

    json_object_foreach(args, name, v)
    {
        if (is_own(in->plan->traces, v))
            return true;
    }
    return false;
}

static bool is_given(json_t *args, const char *name)
{
    json_t *v = json_object_get(args, name);

    return v != NULL && !json_is_null(v) &&
           !(json_is_array(v) && json_array_size(v) == 0);
}

static bool has_list(const struct shape_tool *t, json_t *args)
{
    for (size_t i = 0; t != NULL && i < t->arg_count; i++)
        if (!t->args[i].is_content &&
            json_array_size(json_object_get(args, t->args[i].name)) > 1)
            return true;
    return false;
}

/* What the delegation says of the verb. *ret_least: of its capabilities the
 * lowest number of calls; the reference cannot have used one up before. */
static void of_verb(const struct explain_in *in, struct facts *f,
                    json_int_t *ret_least)
{
    const struct shape_tool *t = shape_tool_of(in->plan->shape, f->tool);
    json_t *list = json_object_get(in->delegation, "capabilities"), *c, *v;
    json_t *args = json_object_get(f->call, "args");
    const char *name;
    size_t i;

    json_array_foreach(list, i, c)
    {
        const char *tool = text_of(c, "tool");
        json_int_t max = json_integer_value(json_object_get(c, "max_calls"));

        if (tool == NULL || strcmp(tool, f->tool) != 0)
            continue;
        *ret_least = !f->in_verb || max < *ret_least ? max : *ret_least;
        f->in_verb = true;
        f->capabilities++;
        json_object_foreach(json_object_get(c, "args"), name, v)
        {
            f->in_part = f->in_part || !is_arg(t, name);
            f->left_out = f->left_out || !is_given(args, name);
        }
    }
    f->has_list = has_list(t, args);
    f->is_own = has_own(in, args);
}

static json_t *call_at(const struct traces_record *r, uint32_t at)
{
    size_t i;
    json_t *c;

    json_array_foreach(r->calls, i, c)
    {
        if (text_of(c, "tool") != NULL && at-- == 0)
            return c;
    }
    return NULL;
}

static bool ran(char verdict)
{
    return verdict != 'D'; /* people say yes in the reference's strings */
}

static struct facts facts_of(const struct explain_in *in, uint32_t at)
{
    struct facts f = {.call = call_at(in->record, at),
                      .c = &in->ours->calls[at],
                      .policies = in->ours->policies[at]};
    json_int_t least = 0, used = 0;

    f.tool = text_of(f.call, "tool");
    of_verb(in, &f, &least);
    for (uint32_t i = 0; i < at; i++) {
        const char *tool = text_of(call_at(in->record, i), "tool");

        if (tool != NULL && strcmp(tool, f.tool) == 0)
            used += ran(in->theirs[i]);
        f.other_history =
            f.other_history ||
            in->ours->calls[i].has_run != ran(in->theirs[i]) ||
            (in->ours->calls[i].verdict == 'P' && in->theirs[i] == 'A');
    }
    f.used_up = f.in_verb && used >= least;
    return f;
}

static enum explain_why why(const struct explain_in *in, const struct facts *f,
                            char theirs)
{
    bool outside = strstr(f->policies, "/outside") != NULL;
    char ours = f->c->verdict;

    if (in->ours->only_reads)
        return EXPLAIN_NO_BLOCK;
    if (theirs == 'D' && f->in_verb) {
        if (f->used_up && ours == 'P')
            return EXPLAIN_ASKED_USED;
        if (f->used_up && ours == 'A' && !in->plan->has_uses)
            return EXPLAIN_NOT_COUNTED;
        if (ours == 'P' && outside)
            return EXPLAIN_ASKED_OUTSIDE;
        if (f->used_up && ours == 'A')
            return f->other_history      ? EXPLAIN_HISTORY
                   : f->capabilities > 1 ? EXPLAIN_OTHER_COUNT
                                         : EXPLAIN_UNEXPLAINED;
    }
    if (f->in_verb && f->in_part && theirs != ours)
        return EXPLAIN_STRUCTURE;
    if (theirs != 'D' && f->has_list && (outside || ours == 'D') && f->in_verb)
        return EXPLAIN_LIST;
    if (theirs == 'A' && ours == 'P' && outside && f->in_verb &&
        (f->left_out || f->is_own))
        return f->left_out ? EXPLAIN_LEFT_OUT : EXPLAIN_OWN;
    if (theirs == 'P' && ours == 'D' && f->in_verb &&
        strstr(f->policies, "/strangers") != NULL)
        return EXPLAIN_STRANGER;
    return f->other_history ? EXPLAIN_HISTORY : EXPLAIN_UNEXPLAINED;
}

static json_t *words(const char *s)
{
    json_t *list = json_array();

    while (list != NULL && *s != '\0') {
        size_t n = strcspn(s, " ");

        if (n > 0 && json_array_append_new(list, json_stringn(s, n)) != 0) {
            json_decref(list);
            return NULL;
        }
        s += n + strspn(s + n, " ");
    }
    return list;
}

static bool put_line(const struct explain_in *in, const struct facts *f,
                     uint32_t at, enum explain_why w)
{
    const char ours[2] = {f->c->verdict, '\0'};
    const char theirs[2] = {in->theirs[at], '\0'};
    char all[DRIVE_CALLS_MAX + 1];
    json_t *o, *args = json_object_get(f->call, "args");
    bool ok;

    drive_string(in->ours, all);
    o = json_pack("{s:s, s:s, s:s, s:s, s:i, s:s, s:O, s:b, s:s, s:s, s:s, "
                  "s:o, s:s, s:s}",
                  "class", explain_why_key(w), "why", explain_why_text(w),
                  "suite", in->record->suite, "task_id", in->record->id, "call",
                  (int)at + 1, "tool", f->tool, "args",
                  args != NULL ? args : json_null(), "attack", f->c->is_attack,
                  "ours", ours, "reference", theirs, "code", f->c->code,
                  "policies", words(f->policies), "decisions", all,
                  "reference_decisions", in->theirs);
    ok = o != NULL && json_dumpf(o, in->lines, JSON_COMPACT) == 0 &&
         fputc('\n', in->lines) != EOF;
    json_decref(o);
    if (!ok)
        cli_error("--disagreements: %s",
                  errno != 0 ? strerror(errno) : "out of memory");
    return ok;
}

bool explain_run(const struct explain_in *in)
{
    const struct drive_result *d = in->ours;
    bool ok = true;

    for (uint32_t i = 0; ok && in->lines != NULL && i < d->count; i++) {
        const char ours[2] = {d->calls[i].verdict, '\0'};
        json_t *call = call_at(in->record, i), *o;

        if (ours[0] == 'A')
            continue;
        o = json_pack("{s:s, s:s, s:s, s:i, s:O, s:O, s:b, s:s, s:s, s:o}",
                      "class", ours[0] == 'D' ? "run_denied" : "run_asked",
                      "suite", in->record->suite, "task_id", in->record->id,
                      "call", (int)i + 1, "tool", json_object_get(call, "tool"),
                      "args", json_object_get(call, "args"), "failed",
                      d->calls[i].has_failed, "ours", ours, "code",
                      d->calls[i].code, "policies", words(d->policies[i]));
        ok = o != NULL && json_dumpf(o, in->lines, JSON_COMPACT) == 0 &&
             fputc('\n', in->lines) != EOF;
        json_decref(o);
    }
    if (!ok)
        cli_error("--disagreements: %s",
                  errno != 0 ? strerror(errno) : "out of memory");
    return ok;
}

static void example(const struct explain_in *in, const struct facts *f,
                    uint32_t at, struct explain_class *k)
{
    if (k->count++ == 0)
        (void)snprintf(k->example, sizeof(k->example),
                       "%s %s, call %u (%s): ours %c, reference %c",
                       in->record->suite, in->record->id, at + 1, f->tool,
                       f->c->verdict, in->theirs[at]);
    k->attacks += f->c->is_attack;
}

static bool has_other_inputs(const struct plan *p)
{
    return p->traces->outputs != NULL || p->sources != PLAN_NAMED;
}

bool explain_sequence(const struct explain_in *in,
                      struct explain_class *classes, struct explain_counts *ret)
{
    const struct drive_result *d = in->ours;

    *ret = (struct explain_counts){.all_agree = strlen(in->theirs) == d->count};
    for (uint32_t i = 0; i < d->count && in->theirs[i] != '\0'; i++) {
        struct facts f;
        enum explain_why w;

        ret->calls++;
        if (in->theirs[i] == d->calls[i].verdict) {
            ret->agree++;
            continue;
        }
        ret->all_agree = false;
        f = facts_of(in, i);
        w = why(in, &f, in->theirs[i]);
        if (w == EXPLAIN_UNEXPLAINED && has_other_inputs(in->plan))
            w = EXPLAIN_INPUTS;
        ret->unexplained += w == EXPLAIN_UNEXPLAINED;
        example(in, &f, i, &classes[w]);
        if (in->lines != NULL && !put_line(in, &f, i, w))
            return false;
    }
    return true;
}
