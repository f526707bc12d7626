#include "cli/replay/plan.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "cli/cmd.h"
#include "sidecar/gate/provenance/canon.h"
#include "sidecar/gate/provenance/places.h"

#define CANON_MAX  ((size_t)65536)
#define IDENTITIES 64

static bool canonical(struct ts_str s, struct ts_buf *out)
{
    ts_buf_clear(out);
    return canon_text(s, out) == TS_OK;
}

static bool known(json_t *list, const char *s, size_t len)
{
    size_t i;
    json_t *v;

    json_array_foreach(list, i, v)
    {
        if (json_string_length(v) == len &&
            memcmp(json_string_value(v), s, len) == 0)
            return true;
    }
    return false;
}

static bool add(json_t *list, const char *s, size_t len)
{
    return known(list, s, len) ||
           json_array_append_new(list, json_stringn(s, len)) == 0;
}

/* As the prompt writes it. */
static bool from_prompt(json_t *list, const char *value, const char *prompt)
{
    size_t n = strlen(value);

    for (; n > 0 && *prompt != '\0'; prompt++)
        if (strncasecmp(prompt, value, n) == 0)
            return add(list, prompt, n);
    return true;
}

/* As the calls of the task write it: v or any text below it. */
static bool from_value(json_t *list, struct ts_buf *scratch, const char *value,
                       json_t *v)
{
    const char *key;
    json_t *c;
    size_t i;

    if (json_is_string(v)) {
        if (!canonical(
                (struct ts_str){json_string_value(v), json_string_length(v)},
                scratch))
            return false;
        return scratch->len != strlen(value) ||
               memcmp(ts_buf_bytes(scratch), value, scratch->len) != 0 ||
               add(list, json_string_value(v), json_string_length(v));
    }
    json_object_foreach(
        v, key, c) if (!from_value(list, scratch, value, c)) return false;
    json_array_foreach(
        v, i, c) if (!from_value(list, scratch, value, c)) return false;
    return true;
}

static json_t *spellings(const struct traces_record *task, json_t *in,
                         const char *tool, const char *arg)
{
    const char *prompt =
        json_string_value(json_object_get(task->json, "user_task"));
    json_t *list = json_array(), *v, *c;
    struct ts_buf scratch;
    bool ok = list != NULL;
    size_t i, k;

    ts_buf_init(&scratch, CANON_MAX);
    json_array_foreach(in, i, v)
    {
        const char *s = json_string_value(v);

        ok = ok && s != NULL && add(list, s, strlen(s)) &&
             from_prompt(list, s, prompt != NULL ? prompt : "");
        json_array_foreach(task->calls, k, c)
        {
            const char *t = json_string_value(json_object_get(c, "tool"));

            if (ok && t != NULL && strcmp(t, tool) == 0)
                ok = from_value(
                    list, &scratch, s,
                    json_object_get(json_object_get(c, "args"), arg));
        }
    }
    ts_buf_done(&scratch);
    if (ok)
        return list;
    json_decref(list);
    return NULL;
}

/* [tool, pattern], with the pattern as the gate names that place: keys that
 * are data, such as addresses, are "*". */
static json_t *place(const char *tool, const char *half, const char *at)
{
    char pointer[PLACE_MAX], name[PLACE_MAX];
    int n = snprintf(pointer, sizeof(pointer), "%s%s", half, at);
    size_t len, skip = strlen(tool) + 1;

    if (n < 0 || (size_t)n >= sizeof(pointer))
        return NULL;
    len = place_of(ts_str_of(tool),
                   (struct ts_str){.ptr = pointer, .len = (size_t)n}, name);
    if (len < skip)
        return NULL;
    return json_pack("[s, s%]", tool, name + skip, len - skip);
}

/* A place of a recorded output as one of what our tools print. */
static json_t *places(json_t *from, bool of_strangers)
{
    json_t *list = json_array(), *v;
    size_t i;

    json_array_foreach(from, i, v)
    {
        const char *tool = json_string_value(json_array_get(v, 0));
        const char *at = json_string_value(json_array_get(v, 1));

        for (int half = 0; half <= (of_strangers ? 1 : 0); half++) {
            json_t *one =
                place(tool != NULL ? tool : "",
                      half == 0 ? OUTPUT_TRUSTED_AT : OUTPUT_UNTRUSTED_AT,
                      at != NULL ? at : "");

            if (json_array_append_new(list, one) != 0) {
                json_decref(list);
                return NULL;
            }
        }
    }
    return list;
}

static bool fill_constraint(const struct traces_record *task, json_t *c,
                            const char *tool, const char *arg)
{
    json_t *in = json_object_get(c, "in");
    json_t *from = json_object_get(c, "from");

    if (in != NULL)
        return json_object_set_new(c, "in", spellings(task, in, tool, arg)) ==
               0;
    if (from != NULL)
        return json_object_set_new(c, "from",
                                   places(from, json_is_true(json_object_get(
                                                    c, "from_untrusted")))) ==
               0;
    return true;
}

/* The argument of structure that a record's name may be a part of. */
static const struct capability_arg *structured(const struct shape_tool *t)
{
    for (size_t i = 0; t != NULL && i < t->arg_count; i++)
        if (t->pins[i].kind == CAPABILITY_OTHER && t->pins[i].is_authority)
            return &t->pins[i];
    return NULL;
}

static bool is_arg(const struct shape_tool *t, const char *name)
{
    for (size_t i = 0; t != NULL && i < t->arg_count; i++)
        if (strcmp(t->args[i].name, name) == 0)
            return true;
    return false;
}

/* A pin on a part of a structured argument cannot be said: the argument may
 * then be anything, and where its values are from is still asked. */
static bool lift_parts(const struct shape_tool *t, json_t *args)
{
    const struct capability_arg *whole = structured(t);
    const char *name;
    json_t *list;
    void *next;

    json_object_foreach_safe(args, next, name, list)
    {
        if (whole == NULL || is_arg(t, name))
            continue;
        if (json_object_set_new(args, whole->name,
                                json_pack("[{s:b}]", "any", 1)) != 0 ||
            json_object_del(args, name) != 0)
            return false;
    }
    return true;
}

/* Constraints that name a source, as they are wanted. */
static bool name_sources(const struct plan *p, json_t *list)
{
    json_t *instead;
    size_t i;
    json_t *x;

    json_array_foreach(list, i, x)
    {
        if (p->sources == PLAN_NAMED || json_object_get(x, "from") == NULL)
            continue;
        instead = p->sources == PLAN_ANY ? json_pack("{s:b}", "any", 1)
                                         : json_pack("{s:[s]}", "in", "");
        if (json_array_set_new(list, i, instead) != 0)
            return false;
    }
    return true;
}

static bool fill(const struct plan *p, const struct traces_record *task,
                 json_t *capabilities)
{
    size_t i, k;
    json_t *c, *list, *x;
    const char *arg;

    json_array_foreach(capabilities, i, c)
    {
        const char *tool = json_string_value(json_object_get(c, "tool"));
        json_t *args = json_object_get(c, "args");

        if (tool == NULL || !lift_parts(shape_tool_of(p->shape, tool), args))
            return false;
        json_object_foreach(args, arg, list)
        {
            if (!name_sources(p, list))
                return false;
            json_array_foreach(list, k, x)
            {
                if (!fill_constraint(task, x, tool, arg))
                    return false;
            }
        }
    }
    return true;
}

static json_t *file_of(const struct plan *p, const struct traces_record *r)
{
    json_t *d = traces_delegation(p->traces, r->suite, r->task, p->label);
    const struct traces_record *task =
        traces_task(p->traces, r->suite, r->task);
    json_t *list = d != NULL
                       ? json_deep_copy(json_object_get(d, "capabilities"))
                       : json_array();

    if (list == NULL || !fill(p, task != NULL ? task : r, list)) {
        json_decref(list);
        return NULL;
    }
    return json_pack("{s:[s], s:o}", "allow", "read", "capabilities", list);
}

bool plan_policy(const struct plan *p, const struct traces_record *r,
                 struct text *out, bool *ret_only_reads)
{
    const char *identities[IDENTITIES];
    struct capability_rules rules = {.tools = p->shape->verbs,
                                     .tool_count = p->shape->count,
                                     .identities = identities,
                                     .has_provenance = p->has_provenance,
                                     .has_uses = p->has_uses};
    json_t *file = file_of(p, r), *v;
    char why[CAPABILITY_ERROR_MAX];
    size_t i;
    bool ok;

    json_array_foreach(p->traces->identities, i, v) if (i < IDENTITIES)
        identities[rules.identity_count++] = json_string_value(v);
    if (file == NULL) {
        cli_error("out of memory");
        return false;
    }
    ok = capability_compile(file, &rules, out, why);
    *ret_only_reads = !ok;
    /* such a task could not be delegated: it is left to fail */
    if (!ok && !out->no_memory) {
        cli_error("%s, %s: only reads are delegated: %s", r->suite, r->task,
                  why);
        text_done(out);
        text_init(out, (size_t)4 * CAPABILITY_POLICY_MAX);
        ok = json_array_clear(json_object_get(file, "capabilities")) == 0 &&
             capability_compile(file, &rules, out, why);
    }
    json_decref(file);
    if (out->no_memory)
        cli_error("out of memory");
    return ok;
}
