/* The lines of each kind of file. */
#include "cli/replay/check.h"

#include <stdio.h>
#include <string.h>

#include "proto/base/ts_str.h"

#define DEPTH_MAX 64

enum kind {
    NAME = 1, /* a text that is not empty, printable */
    TEXT,
    TEXT_OR_NULL,
    NAME_OR_NULL,
    BOOL_OR_NULL,
    NAMES, /* a list of texts */
    TEXTS, /* the same, "" too */
    MAP,
    MAP_OR_NULL,
    CALLS,
    CAPABILITIES,
    VERDICTS,
    EFFECT,
    LABELS,
    LEVEL,
    ANY,
    NOTED /* carried by the records for people: not used, not looked at */
};

struct key {
    const char *name;
    enum kind kind;
    bool must;
};

static const struct key tools[] = {{"suite", NAME, true},
                                   {"tool", NAME, true},
                                   {"parameters", MAP, true},
                                   {"required", NAMES, false},
                                   {"effect", EFFECT, true},
                                   {"authority_args", NAMES, true},
                                   {"content_args", NAMES, true},
                                   {"confidentiality", LEVEL, false},
                                   {"untrusted_F_patterns", TEXTS, false},
                                   {"selectors", MAP_OR_NULL, false},
                                   {"$defs", MAP_OR_NULL, false},
                                   {"description", TEXT_OR_NULL, false},
                                   {"source", NOTED, false},
                                   {"version", NOTED, false},
                                   {"note", NOTED, false},
                                   {NULL, ANY, false}};

static const struct key records[] = {{"suite", NAME, true},
                                     {"task_id", NAME, true},
                                     {"user_task_id", NAME_OR_NULL, false},
                                     {"user_task", TEXT_OR_NULL, false},
                                     {"calls", CALLS, true},
                                     {"kind", TEXT_OR_NULL, false},
                                     {"injection_task_id", NAME_OR_NULL, false},
                                     {"injection_task", NOTED, false},
                                     {"utility", BOOL_OR_NULL, false},
                                     {"attack_succeeded", BOOL_OR_NULL, false},
                                     {"attack", NOTED, false},
                                     {"vectors", NOTED, false},
                                     {"pipeline", NOTED, false},
                                     {"security_if_all_run", NOTED, false},
                                     {"utility_if_all_run", NOTED, false},
                                     {"utility_of_gold_calls", NOTED, false},
                                     {"calls_origin", NOTED, false},
                                     {"security_of_gold_calls", NOTED, false},
                                     {"expected_output", NOTED, false},
                                     {"fides_category", NOTED, false},
                                     {"defined_in", NOTED, false},
                                     {"source", NOTED, false},
                                     {"version", NOTED, false},
                                     {NULL, ANY, false}};

static const struct key calls[] = {{"tool", NAME_OR_NULL, true},
                                   {"args", MAP_OR_NULL, true},
                                   {"output", ANY, false},
                                   {"effect", EFFECT, false},
                                   {"by", NAME, false},
                                   {"error", NOTED, false},
                                   {"untrusted_F", TEXTS, false},
                                   {"untrusted_C", TEXTS, false},
                                   {"output_source_trust", NOTED, false},
                                   {"carries_injection", NOTED, false},
                                   {NULL, ANY, false}};

static const struct key delegations[] = {
    {"suite", NAME, true},    {"task_id", NAME, true},
    {"labels", LABELS, true}, {"capabilities", CAPABILITIES, true},
    {"verbs", NOTED, false},  {"reads", NOTED, false},
    {NULL, ANY, false}};

static const struct key capability[] = {{"tool", NAME, true},
                                        {"max_calls", ANY, false},
                                        {"args", MAP, true},
                                        {NULL, ANY, false}};

static const struct key reference[] = {{"suite", NAME, true},
                                       {"task_id", NAME, true},
                                       {"labels", LABELS, true},
                                       {"policy", NAME, true},
                                       {"decisions", VERDICTS, true},
                                       {"kind", NOTED, false},
                                       {NULL, ANY, false}};

struct checking {
    char *what;
    char where[64]; /* "calls[3]." */
};

static bool wrong(struct checking *c, const char *key, const char *expected)
{
    char shown[96];

    (void)ts_str_show(shown, sizeof(shown), key, strlen(key));
    (void)snprintf(c->what, CHECK_WHAT_MAX, "%s%s: %s", c->where, shown,
                   expected);
    return false;
}

static bool is_name(json_t *v)
{
    const char *s = json_string_value(v);
    size_t n = s != NULL ? strlen(s) : 0;

    if (n == 0 || n > CHECK_NAME_MAX || n != json_string_length(v))
        return false;
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)s[i] < ' ' || s[i] == 0x7f || s[i] == '|')
            return false;
    return true;
}

static bool is_text(json_t *v)
{
    return json_is_string(v) &&
           strlen(json_string_value(v)) == json_string_length(v);
}

static bool all_are(json_t *list, bool (*is)(json_t *))
{
    size_t i;
    json_t *v;

    json_array_foreach(list, i, v) if (!is(v)) return false;
    return json_is_array(list);
}

static bool is_one_of(json_t *v, const char *const *words)
{
    const char *s = json_string_value(v);

    for (; s != NULL && *words != NULL; words++)
        if (strcmp(s, *words) == 0)
            return true;
    return false;
}

static bool keys(struct checking *c, const struct key *table, json_t *o);

static bool list_of(struct checking *c, const char *key, json_t *list,
                    const struct key *table)
{
    char before[sizeof(c->where)];
    size_t i;
    json_t *v;

    if (!json_is_array(list))
        return wrong(c, key, "a list of objects is expected");
    memcpy(before, c->where, sizeof(before));
    json_array_foreach(list, i, v)
    {
        (void)snprintf(c->where, sizeof(c->where), "%s[%zu].", key, i);
        if (!json_is_object(v))
            return wrong(c, "", "an object is expected");
        if (!keys(c, table, v))
            return false;
    }
    memcpy(c->where, before, sizeof(before));
    return true;
}

static bool is_verdicts(json_t *v)
{
    const char *s = json_string_value(v);

    return s != NULL && strspn(s, "APD") == json_string_length(v);
}

static bool is_shallow(json_t *v, int depth)
{
    const char *key;
    size_t i;
    json_t *c;

    if (depth == 0)
        return false;
    json_object_foreach(v, key, c) if (!is_shallow(c, depth - 1)) return false;
    json_array_foreach(v, i, c) if (!is_shallow(c, depth - 1)) return false;
    return true;
}

static bool value(struct checking *c, const struct key *k, json_t *v)
{
    static const char *const effects[] = {"R", "W", "X", "X?", "I", NULL};
    static const char *const labels[] = {"F", "S", "C", NULL};
    static const char *const levels[] = {"public", "internal", "private",
                                         "secret", NULL};

    switch (k->kind) {
    case NAME:
    case NAME_OR_NULL:
        return is_name(v) || (k->kind == NAME_OR_NULL && json_is_null(v)) ||
               wrong(c, k->name,
                     "a printable text of 1 to 200 bytes without \"|\" is "
                     "expected");
    case TEXT:
    case TEXT_OR_NULL:
        return is_text(v) || (k->kind == TEXT_OR_NULL && json_is_null(v)) ||
               wrong(c, k->name, "a text without NUL is expected");
    case BOOL_OR_NULL:
        return json_is_boolean(v) || json_is_null(v) ||
               wrong(c, k->name, "true, false or null is expected");
    case NAMES:
        return all_are(v, is_name) ||
               wrong(c, k->name, "a list of names is expected");
    case TEXTS:
        return all_are(v, is_text) ||
               wrong(c, k->name, "a list of JSON pointers is expected");
    case MAP:
    case MAP_OR_NULL:
        return json_is_object(v) ||
               (k->kind == MAP_OR_NULL && json_is_null(v)) ||
               wrong(c, k->name, "an object is expected");
    case CALLS:
        return list_of(c, k->name, v, calls);
    case CAPABILITIES:
        return list_of(c, k->name, v, capability);
    case VERDICTS:
        return is_verdicts(v) ||
               wrong(c, k->name, "letters A, P and D are expected");
    case EFFECT:
        return is_one_of(v, effects) ||
               wrong(c, k->name, "R, W, X, X? or I is expected");
    case LABELS:
        return is_one_of(v, labels) ||
               wrong(c, k->name, "F, S or C is expected");
    case LEVEL:
        return is_one_of(v, levels) ||
               wrong(c, k->name,
                     "public, internal, private or secret is expected");
    case ANY:
    case NOTED:
        break;
    }
    return is_shallow(v, DEPTH_MAX) ||
           wrong(c, k->name, "it is more than 64 levels deep");
}

static bool keys(struct checking *c, const struct key *table, json_t *o)
{
    for (const struct key *k = table; k->name != NULL; k++) {
        json_t *v = json_object_get(o, k->name);

        if (v == NULL && k->must)
            return wrong(c, k->name, "is missing");
        if (v != NULL && !value(c, k, v))
            return false;
    }
    return true;
}

static const struct key *const tables[] = {
    [CHECK_TOOLS] = tools,
    [CHECK_TASKS] = records,
    [CHECK_PAIRS] = records,
    [CHECK_RUNS] = records,
    [CHECK_DELEGATIONS] = delegations,
    [CHECK_REFERENCE] = reference,
};

bool check_line(enum check_file f, json_t *o, char ret_what[CHECK_WHAT_MAX])
{
    struct checking c = {.what = ret_what};
    bool of_task = f == CHECK_PAIRS || f == CHECK_RUNS;

    if (!keys(&c, tables[f], o))
        return false;
    if (of_task && !json_is_string(json_object_get(o, "user_task_id")))
        return wrong(&c, "user_task_id", "is missing");
    if (f == CHECK_TASKS && !json_is_string(json_object_get(o, "user_task")))
        return wrong(&c, "user_task", "is missing");
    return true;
}

static const char *unknown(const struct key *table, json_t *o)
{
    const char *name;
    json_t *v;

    json_object_foreach(o, name, v)
    {
        const struct key *k = table;

        while (k->name != NULL && strcmp(k->name, name) != 0)
            k++;
        if (k->name == NULL)
            return name;
    }
    return NULL;
}

const char *check_unknown(enum check_file f, json_t *o)
{
    const char *name = unknown(tables[f], o);
    size_t i;
    json_t *c;

    json_array_foreach(json_object_get(o, "calls"), i, c)
    {
        if (name == NULL)
            name = unknown(calls, c);
    }
    return name;
}
