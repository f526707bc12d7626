#include "cli/replay/drive.h"

#include <stdio.h>
#include <string.h>

#include "cli/cmd.h"
#include "cli/replay/score.h"
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

static bool has_failed(json_t *call)
{
    json_t *error = json_object_get(call, "error");

    return error != NULL && !json_is_null(error) && !json_is_false(error);
}

bool drive_give_output(const struct drive *d, json_t *call)
{
    static const struct output_rules none = {.patterns = NULL};
    const struct shape_tool *tool = shape_tool_of(
        d->plan.shape, json_string_value(json_object_get(call, "tool")));
    json_t *o;
    char *text;
    size_t len;
    bool ok;

    if (has_failed(call))
        return replay_gate_prints(d->gate, "", 0, 1);
    if (!d->plan.has_provenance)
        return replay_gate_prints(d->gate, "", 0, 0);
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

static uint32_t small(uint64_t us)
{
    return us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
}

/* The sessions of one record. */
struct sessions {
    struct replay_session main, plain;
    struct drive_opened opened, plain_opened;
    const struct traces_record *record;
};

static bool says_yes(const struct drive *d, const struct drive_call *c)
{
    return d->people == DRIVE_ALL ||
           (d->people == DRIVE_OF_TASK && !c->is_attack);
}

static bool is_attack(const struct drive *d, const struct traces_record *r,
                      json_t *call)
{
    const char *by = json_string_value(json_object_get(call, "by"));
    const char *name = json_string_value(json_object_get(call, "tool"));

    if (by != NULL)
        return strcmp(by, "user") != 0;
    return r->kind == TRACES_RUN && r->is_attack &&
           has_effect(shape_tool_of(d->plan.shape, name), call) &&
           drive_is_attack(d->plan.traces, r, call);
}

static bool plain_one(const struct drive *d, struct sessions *s, json_t *call,
                      struct drive_call *c)
{
    const char *name = json_string_value(json_object_get(call, "tool"));
    struct replay_answer a;

    if (d->plain == NULL)
        return true;
    s->plain.people_say_yes = says_yes(d->plain, c);
    if (!drive_give_output(d->plain, call) ||
        !replay_session_call(&s->plain, name, json_object_get(call, "args"),
                             &a))
        return false;
    c->plain_us = small(a.us);
    return true;
}

static bool one(const struct drive *d, struct sessions *s, json_t *call,
                struct drive_result *ret)
{
    const char *name = json_string_value(json_object_get(call, "tool"));
    struct drive_call *c = &ret->calls[ret->count];
    struct replay_answer a;

    *c = (struct drive_call){.is_attack = is_attack(d, s->record, call)};
    s->main.people_say_yes = says_yes(d, c);
    if (!drive_give_output(d, call) ||
        !replay_session_call(&s->main, name, json_object_get(call, "args"), &a))
        return false;
    *c = (struct drive_call){
        .verdict = a.verdict == TIPSTAFF_PERMIT    ? 'A'
                   : a.verdict == TIPSTAFF_PENDING ? 'P'
                                                   : 'D',
        .is_attack = c->is_attack,
        .is_effect = has_effect(shape_tool_of(d->plan.shape, name), call),
        .has_run = a.has_run,
        .has_failed = has_failed(call),
        .us = small(a.us),
        .code = code_of(a.code)};
    block_names_put(&s->opened.names, a.policies, ret->policies[ret->count],
                    sizeof(ret->policies[0]));
    if (!plain_one(d, s, call, c))
        return false;
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

bool drive_open(const struct drive *d, const struct traces_record *r,
                struct replay_session *s, struct drive_opened *ret)
{
    struct replay_task task = {
        .name = "task",
        .prompt = d->plan.has_provenance ? prompt_of(d, r) : NULL};
    struct text policy;
    bool ok;

    text_init(&policy, (size_t)4 * CAPABILITY_POLICY_MAX);
    ok = plan_policy(&d->plan, r, &policy, &ret->only_reads);
    task.policy = (struct ts_str){(const char *)ts_buf_bytes(&policy.buf),
                                  policy.buf.len};
    ok = ok && block_names_of(task.policy, &ret->names) &&
         replay_session_open(s, d->gate, d->keys, d->plan.shape, &task);
    text_done(&policy);
    return ok;
}

static bool calls(const struct drive *d, struct sessions *s, json_t *list,
                  struct drive_result *ret)
{
    json_t *c;
    size_t i;

    json_array_foreach(list, i, c)
    {
        if (!json_is_string(json_object_get(c, "tool")))
            continue;
        ret->is_long = ret->count == DRIVE_CALLS_MAX;
        if (ret->is_long)
            return true;
        if (!one(d, s, c, ret))
            return false;
    }
    return true;
}

/* list: calls in place of the record's. */
static bool drive_list(const struct drive *d, const struct traces_record *r,
                       json_t *list, struct drive_result *ret)
{
    struct sessions *s = ts_mem_alloc(sizeof(*s));
    bool ok = s != NULL, main = false, plain = false;

    if (!ok)
        cli_error("out of memory");
    ret->count = 0;
    ret->is_long = ret->only_reads = false;
    if (ok) {
        s->record = r;
        main = drive_open(d, r, &s->main, &s->opened);
        ret->only_reads = s->opened.only_reads;
        plain = main && d->plain != NULL &&
                drive_open(d->plain, r, &s->plain, &s->plain_opened);
        ok = main && (plain || d->plain == NULL) && calls(d, s, list, ret);
    }
    if (main)
        replay_session_close(&s->main);
    if (plain)
        replay_session_close(&s->plain);
    ts_mem_free(s);
    return ok;
}

bool drive_record(const struct drive *d, const struct traces_record *r,
                  struct drive_result *ret)
{
    return drive_list(d, r, r->calls, ret);
}

static bool is_users(json_t *call)
{
    const char *by = json_string_value(json_object_get(call, "by"));

    return by != NULL && strcmp(by, "user") == 0;
}

/* The first `users` calls of the user, then all of the attack. */
static json_t *at_place(const struct traces_record *r, uint32_t users)
{
    json_t *list = json_array(), *c;
    bool ok = list != NULL;
    size_t i;

    json_array_foreach(r->calls, i, c) if (is_users(c) && users > 0)
    {
        users--;
        ok = ok && json_array_append(list, c) == 0;
    }
    json_array_foreach(r->calls, i, c) if (!is_users(c)) ok =
        ok && json_array_append(list, c) == 0;
    if (ok)
        return list;
    json_decref(list);
    cli_error("out of memory");
    return NULL;
}

bool drive_places(const struct drive *d, const struct traces_record *r,
                  struct drive_result *scratch, uint32_t *ret_places,
                  bool *ret_silent)
{
    struct drive alone = *d; /* times are those of the recorded order */
    uint32_t first = 0, users = 0;
    bool before = true;
    size_t i;
    json_t *c;

    alone.plain = NULL;
    json_array_foreach(r->calls, i, c)
    {
        before = before && is_users(c);
        first += before;
        users += is_users(c);
    }
    *ret_places = users - first;
    *ret_silent = false;
    for (uint32_t n = first + 1; n <= users && !*ret_silent; n++) {
        json_t *list = at_place(r, n);
        bool ok = list != NULL && drive_list(&alone, r, list, scratch);

        json_decref(list);
        if (!ok)
            return false;
        *ret_silent = score_is_silent(scratch);
    }
    return true;
}

void drive_string(const struct drive_result *r, char out[DRIVE_CALLS_MAX + 1])
{
    for (uint32_t i = 0; i < r->count; i++)
        out[i] = r->calls[i].verdict;
    out[r->count] = '\0';
}
