#include "cli/replay/drive.h"

#include <stdio.h>
#include <string.h>

#include "cli/cmd.h"
#include "proto/base/ts_mem.h"

static const char *code_of(const char *code)
{
    static const char *const known[] = {"permitted",         "denied",
                                        "forbidden",         "policy_error",
                                        "approval_required", "bad_arguments",
                                        "unknown_tool",      "tool_unavailable",
                                        "schema_mismatch",   "duplicate_call"};

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strcmp(known[i], code) == 0)
            return known[i];
    return "other";
}

static bool give_output(const struct drive *d, json_t *call,
                        const struct shape_tool *tool)
{
    static const struct output_rules none = {.patterns = NULL};
    json_t *error = json_object_get(call, "error");
    json_t *o;
    char *text;
    size_t len;
    bool ok;

    if (error != NULL && !json_is_null(error) && !json_is_false(error))
        return replay_gate_prints(d->gate, "", 0, 1);
    o = output_of(call, tool != NULL ? &tool->rules : &none, d->plan.label);
    len = o != NULL ? json_dumpb(o, NULL, 0, JSON_COMPACT) : 0;
    text = len > 0 ? ts_mem_alloc(len) : NULL;
    if (text != NULL)
        (void)json_dumpb(o, text, len, JSON_COMPACT);
    json_decref(o);
    if (text == NULL) {
        cli_error("an output cannot be replayed: out of memory, or its "
                  "structure is too deep");
        return false;
    }
    ok = replay_gate_prints(d->gate, text, len, 0);
    ts_mem_free(text);
    return ok;
}

static bool has_effect(const struct shape_tool *tool, json_t *call)
{
    const char *effect = json_string_value(json_object_get(call, "effect"));

    if (effect != NULL)
        return strcmp(effect, "R") != 0;
    return tool == NULL || strcmp(tool->group, "read") != 0;
}

static bool one(const struct drive *d, struct replay_session *s,
                const struct traces_record *r, json_t *call,
                struct drive_result *ret)
{
    const char *name = json_string_value(json_object_get(call, "tool"));
    const char *by = json_string_value(json_object_get(call, "by"));
    json_t *args = json_object_get(call, "args");
    const struct shape_tool *tool = shape_tool_of(d->plan.shape, name);
    struct drive_call *c = &ret->calls[ret->count];
    struct replay_answer a;

    if (!give_output(d, call, tool) || !replay_session_call(s, name, args, &a))
        return false;
    *c = (struct drive_call){.verdict = a.verdict == TIPSTAFF_PERMIT    ? 'A'
                                        : a.verdict == TIPSTAFF_PENDING ? 'P'
                                                                        : 'D',
                             .is_effect = has_effect(tool, call),
                             .has_run = a.has_run,
                             .us = a.us > UINT32_MAX ? UINT32_MAX
                                                     : (uint32_t)a.us,
                             .code = code_of(a.code)};
    c->is_attack = by != NULL ? strcmp(by, "user") != 0
                              : r->kind == TRACES_RUN && r->is_attack &&
                                    c->is_effect &&
                                    drive_is_attack(d->plan.traces, r, call);
    (void)snprintf(ret->policies[ret->count], sizeof(ret->policies[0]), "%.*s",
                   (int)sizeof(ret->policies[0]) - 1, a.policies);
    ret->count++;
    return true;
}

static const char *prompt_of(const struct drive *d,
                             const struct traces_record *r)
{
    const struct traces_record *t;
    const char *own = json_string_value(json_object_get(r->json, "user_task"));

    if (own != NULL)
        return own;
    t = traces_task(d->plan.traces, r->suite, r->task);
    return t != NULL ? json_string_value(json_object_get(t->json, "user_task"))
                     : NULL;
}

static bool open_session(const struct drive *d, const struct traces_record *r,
                         struct replay_session *s)
{
    struct replay_task task = {.name = "task", .prompt = prompt_of(d, r)};
    struct text policy;
    bool ok;

    text_init(&policy, (size_t)4 * CAPABILITY_POLICY_MAX);
    ok = plan_policy(&d->plan, r, &policy);
    task.policy = (struct ts_str){(const char *)ts_buf_bytes(&policy.buf),
                                  policy.buf.len};
    ok = ok && replay_session_open(s, d->gate, d->keys, d->plan.shape, &task);
    text_done(&policy);
    s->people_say_yes = d->people_say_yes;
    return ok;
}

bool drive_record(const struct drive *d, const struct traces_record *r,
                  struct drive_result *ret)
{
    struct replay_session s;
    bool ok = true;
    json_t *c;
    size_t i;

    ret->count = 0;
    ret->is_long = false;
    if (!open_session(d, r, &s))
        return false;
    json_array_foreach(r->calls, i, c)
    {
        if (!ok || !json_is_string(json_object_get(c, "tool")))
            continue;
        ret->is_long = ret->count == DRIVE_CALLS_MAX;
        if (ret->is_long)
            break;
        ok = one(d, &s, r, c, ret);
    }
    replay_session_close(&s);
    return ok;
}

void drive_string(const struct drive_result *r, char out[DRIVE_CALLS_MAX + 1])
{
    for (uint32_t i = 0; i < r->count; i++)
        out[i] = r->calls[i].verdict;
    out[r->count] = '\0';
}
