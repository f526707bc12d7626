/* What an adaptive agent reaches. */
#include "cli/replay/reach.h"

#include <string.h>

#include "cli/cmd.h"
#include "sidecar/gate/provenance/canon.h"

#define SPELLING_MAX ((size_t)65536)

/* What a candidate is beside the task's own calls of that tool. */
enum reach_how {
    REACH_SAME,     /* one of them */
    REACH_QUANTITY, /* one of them, but for how much or in which way */
    REACH_OTHER     /* for somebody or something else */
};

struct search {
    const struct drive *drive;
    const struct traces_record *task;
    struct replay_session session;
    json_t *authority; /* names of the tool's arguments of authority */
    FILE *lines;
};

static const char *text_of(json_t *o, const char *key)
{
    return json_string_value(json_object_get(o, key));
}

static bool no_memory(void)
{
    cli_error("out of memory");
    return false;
}

/* The user's own calls, to their end: what they print is known then. */
static bool begin(struct search *s)
{
    struct replay_answer a;
    size_t i;
    json_t *c;

    json_array_foreach(s->task->calls, i, c)
    {
        const char *tool = text_of(c, "tool");

        if (tool == NULL)
            continue;
        if (!drive_give_output(s->drive, c) ||
            !replay_session_call(&s->session, tool, json_object_get(c, "args"),
                                 &a))
            return false;
    }
    return true;
}

/* ---- candidates --------------------------------------------------------- */

/* What fills an argument that must be there and says nothing of who. */
static json_t *filler(const struct shape_arg *a)
{
    if (a->one_of != NULL)
        return json_incref(json_array_get(a->one_of, 0));
    if (strcmp(a->type, "int") == 0)
        return json_integer(1);
    if (strcmp(a->type, "bool") == 0)
        return json_true();
    if (strcmp(a->type, "decimal") == 0)
        return json_real(1);
    if (strcmp(a->type, "strings") == 0)
        return json_pack("[s]", "x");
    return strcmp(a->type, "json") == 0 ? json_object() : json_string("x");
}

static bool is_chosen(const struct shape_tool *t, size_t at)
{
    const struct shape_arg *a = &t->args[at];

    return t->pins[at].is_authority && strcmp(a->type, "bool") != 0 &&
           strcmp(a->type, "json") != 0;
}

/* Of the arguments that are chosen (bit mask) the values of their pools. */
static bool pools(const struct search *s, const struct shape_tool *t,
                  uint32_t chosen, json_t *ret)
{
    for (size_t i = 0; i < t->arg_count && i < 32; i++) {
        json_t *pool;

        if ((chosen & (1u << i)) == 0)
            continue;
        pool = reach_pool(&s->drive->plan, s->task, t, &t->args[i]);
        if (pool == NULL ||
            json_object_set_new(ret, t->args[i].name, pool) != 0)
            return no_memory();
    }
    return true;
}

static json_t *candidate(const struct shape_tool *t, json_t *pools, size_t nth)
{
    json_t *args = json_object();

    /* The last argument changes fastest. */
    for (size_t k = t->arg_count; args != NULL && k > 0; k--) {
        const struct shape_arg *a = &t->args[k - 1];
        json_t *pool = json_object_get(pools, a->name), *v = NULL;

        if (pool != NULL) {
            size_t n = json_array_size(pool);

            v = json_incref(json_array_get(pool, nth % n));
            nth /= n;
            if (strcmp(a->type, "strings") == 0)
                v = json_pack("[o]", v);
        } else if (a->is_required) {
            v = filler(a);
        }
        if (v != NULL && json_object_set_new(args, a->name, v) != 0) {
            json_decref(args);
            args = NULL;
        }
    }
    return args;
}

static bool same_value(const struct shape_arg *a, json_t *ours, json_t *theirs)
{
    struct ts_buf x, y;
    bool same = json_equal(ours, theirs) == 1;

    if (same || !json_is_string(ours) || !json_is_string(theirs) || a->is_id)
        return same;
    ts_buf_init(&x, SPELLING_MAX);
    ts_buf_init(&y, SPELLING_MAX);
    same =
        canon_text(ts_str_of(json_string_value(ours)), &x) == TS_OK &&
        canon_text(ts_str_of(json_string_value(theirs)), &y) == TS_OK &&
        x.len == y.len &&
        (x.len == 0 || memcmp(ts_buf_bytes(&x), ts_buf_bytes(&y), x.len) == 0);
    ts_buf_done(&x);
    ts_buf_done(&y);
    return same;
}

static bool is_quantity(const struct search *s, const struct shape_tool *t,
                        size_t at)
{
    const char *name = t->args[at].name;
    json_t *v;
    size_t i;

    if (!t->args[at].is_content)
        return false;
    json_array_foreach(s->authority, i, v)
    {
        if (json_is_string(v) && strcmp(json_string_value(v), name) == 0)
            return true;
    }
    return false;
}

static json_t *given(json_t *args, const char *name)
{
    json_t *v = json_object_get(args, name);

    return json_is_null(v) ? NULL : v;
}

/* How a candidate relates to one of the task's own calls. */
static enum reach_how compared(const struct search *s,
                               const struct shape_tool *t, json_t *ours,
                               json_t *theirs)
{
    enum reach_how how = REACH_SAME;

    for (size_t i = 0; i < t->arg_count; i++) {
        const struct shape_arg *a = &t->args[i];
        json_t *x = given(ours, a->name), *y = given(theirs, a->name);
        bool same = x == NULL || y == NULL ? x == y : same_value(a, x, y);

        if (same)
            continue;
        if (!a->is_content)
            return REACH_OTHER;
        if (is_quantity(s, t, i))
            how = REACH_QUANTITY;
    }
    return how;
}

static enum reach_how how_of(const struct search *s, const struct shape_tool *t,
                             json_t *args)
{
    enum reach_how best = REACH_OTHER;
    size_t i;
    json_t *c;

    json_array_foreach(s->task->calls, i, c)
    {
        const char *name = text_of(c, "tool");
        enum reach_how how;

        if (name == NULL || strcmp(name, t->name) != 0)
            continue;
        how = compared(s, t, args, json_object_get(c, "args"));
        best = how < best ? how : best;
    }
    return best;
}

static size_t combinations(json_t *pools)
{
    size_t n = 1;
    const char *key;
    json_t *pool;

    json_object_foreach(pools, key, pool)
    {
        n *= json_array_size(pool);
        if (n > REPLAY_CHECKS_MAX)
            n = REPLAY_CHECKS_MAX;
    }
    return n;
}

static bool candidates(const struct search *s, const struct shape_tool *t,
                       uint32_t chosen, enum reach_how wanted, json_t *list)
{
    json_t *of = json_object();
    bool ok = of != NULL && pools(s, t, chosen, of);
    size_t n = ok ? combinations(of) : 0;

    for (size_t i = 0; ok && i < n; i++) {
        json_t *args = candidate(t, of, i);

        ok = args != NULL;
        if (ok && how_of(s, t, args) == wanted)
            ok = json_array_append(list, args) == 0;
        json_decref(args);
    }
    json_decref(of);
    return ok || no_memory();
}

/* ---- the search --------------------------------------------------------- */

static bool say(const struct search *s, const char *tool, enum reach_how how,
                json_t *args)
{
    json_t *o;
    bool ok;

    if (s->lines == NULL)
        return true;
    o = json_pack("{s:s, s:s, s:s, s:s, s:O}", "class",
                  how == REACH_OTHER ? "reached" : "reached_quantity", "suite",
                  s->task->suite, "task_id", s->task->id, "tool", tool, "args",
                  args);
    ok = json_dumpf(o, s->lines, JSON_COMPACT) == 0 &&
         fputc('\n', s->lines) != EOF;
    json_decref(o);
    return ok || no_memory();
}

static bool try_with(struct search *s, const struct shape_tool *t,
                     uint32_t chosen, enum reach_how how, bool *ret_reached)
{
    json_t *list = json_array();
    size_t at = 0;
    bool ok = list != NULL && candidates(s, t, chosen, how, list) &&
              replay_session_check(&s->session, t->name, list, &at);

    *ret_reached = ok && at < json_array_size(list);
    if (*ret_reached)
        ok = say(s, t->name, how, json_array_get(list, at));
    json_decref(list);
    return ok;
}

/* What must be there, then with each of what may be there, too. */
static bool tool(struct search *s, const struct shape_tool *t,
                 enum reach_how how, bool *ret_reached)
{
    uint32_t must = 0;

    for (size_t i = 0; i < t->arg_count && i < 32; i++)
        if (t->args[i].is_required && is_chosen(t, i))
            must |= 1u << i;
    if (!try_with(s, t, must, how, ret_reached))
        return false;
    for (size_t i = 0; i < t->arg_count && i < 32 && !*ret_reached; i++)
        if (!t->args[i].is_required && is_chosen(t, i) &&
            !try_with(s, t, must | 1u << i, how, ret_reached))
            return false;
    return true;
}

static bool both(struct search *s, const struct shape_tool *t,
                 struct reach_counts *ret)
{
    bool reached = false, quantity = false;

    if (!tool(s, t, REACH_OTHER, &reached) ||
        (!reached && !tool(s, t, REACH_QUANTITY, &quantity)))
        return false;
    ret->pairs++;
    ret->reached += reached || quantity;
    ret->quantity += quantity;
    ret->high += (reached || quantity) && strcmp(t->group, "irreversible") == 0;
    return true;
}

static json_t *authority_names(const struct traces *t, const char *suite,
                               const char *name)
{
    size_t i;
    json_t *o;

    json_array_foreach(t->tools, i, o)
    {
        if (strcmp(text_of(o, "suite"), suite) == 0 &&
            strcmp(text_of(o, "tool"), name) == 0)
            return json_object_get(o, "authority_args");
    }
    return NULL;
}

bool reach_task(const struct drive *d, const struct traces_record *task,
                FILE *lines, struct reach_counts *ret)
{
    struct drive all = *d;
    struct search s = {.drive = &all, .task = task, .lines = lines};
    struct drive_opened opened;
    bool ok;

    /* It acts before the user's own calls have used anything up, and has seen
     * what all of them print. */
    all.plan.has_uses = false;
    *ret = (struct reach_counts){.pairs = 0};
    if (!drive_open(&all, task, &s.session, &opened))
        return false;
    s.session.people_say_yes = true;
    ok = begin(&s);
    for (size_t i = 0; ok && i < d->plan.shape->count; i++) {
        const struct shape_tool *t = &d->plan.shape->tools[i];

        if (strcmp(t->group, "read") == 0)
            continue;
        s.authority = authority_names(d->plan.traces, task->suite, t->name);
        ok = both(&s, t, ret);
    }
    replay_session_close(&s.session);
    return ok;
}
