#include "cli/policy/recorded_call.h"

#include <string.h>

#include "cli/log/line.h"
#include "proto/wire/mp_write.h"
#include "sidecar/common/manifest/manifest.h"

static bool text_of(const json_t *j, struct ts_str *ret)
{
    if (!json_is_string(j))
        return false;
    *ret = (struct ts_str){.ptr = json_string_value(j),
                           .len = json_string_length(j)};
    return true;
}

static bool text_in(const json_t *map, const char *key, struct ts_str *ret)
{
    return text_of(json_object_get(map, key), ret);
}

/* A number that is not negative. */
static bool number(const json_t *j, uint64_t *ret)
{
    if (!json_is_integer(j) || json_integer_value(j) < 0)
        return false;
    *ret = (uint64_t)json_integer_value(j);
    return true;
}

static bool number_in(const json_t *map, const char *key, uint64_t *ret)
{
    return number(json_object_get(map, key), ret);
}

/* ---- arguments ---------------------------------------------------------- */

static bool put_list(struct mp_writer *w, const json_t *list)
{
    size_t n = json_array_size(list);

    mp_write_array(w, (uint32_t)n);
    for (size_t i = 0; i < n; i++) {
        struct ts_str s;

        if (!text_of(json_array_get(list, i), &s))
            return false;
        mp_write_str(w, s.ptr, s.len);
    }
    return true;
}

/* {"len": n} stands for a value that the manifest keeps out of the log. */
static bool put_value(struct mp_writer *w, const json_t *v)
{
    struct ts_str s;

    if (json_is_integer(v))
        mp_write_int(w, json_integer_value(v));
    else if (json_is_boolean(v))
        mp_write_bool(w, json_is_true(v));
    else if (text_of(v, &s))
        mp_write_str(w, s.ptr, s.len);
    else
        return json_is_array(v) && put_list(w, v);
    return true;
}

/* BLAKE2b-256 of the empty msgpack map, as args_digest shows it. */
static bool had_no_arguments(const json_t *line)
{
    static const char empty[] =
        "45b0cfc220ceec5b7c1c62c4d4193d38e4eba48e8815729ce75f9c0ab0e4c1c0";
    struct ts_str digest;

    return text_in(line, "args_digest", &digest) && ts_str_eq_c(digest, empty);
}

static enum recorded_kind read_args(const json_t *line,
                                    struct recorded_call *ret)
{
    json_t *args = json_object_get(line, "args"), *v;
    struct mp_writer w;
    const char *key;
    size_t len = 0;

    if (!json_is_object(args))
        return RECORDED_MALFORMED;
    if (json_object_size(args) == 0 && !had_no_arguments(line))
        return RECORDED_WITHOUT;
    mp_writer_init(&w, ret->args, sizeof(ret->args));
    mp_write_map(&w, (uint32_t)json_object_size(args));
    json_object_foreach(args, key, v)
    {
        mp_write_cstr(&w, key);
        if (!put_value(&w, v))
            return RECORDED_WITHOUT;
    }
    if (mp_written(&w, &len) != TS_OK)
        return RECORDED_MALFORMED;
    ret->call.args = (struct ts_bytes){.ptr = ret->args, .len = len};
    return RECORDED_CALL;
}

/* ---- the rest ----------------------------------------------------------- */

/* ["user:alice", "agent:a", "agent:a/b"] */
static bool read_chain(const json_t *line, struct replay_call *c)
{
    static const struct ts_str agent = {.ptr = "agent:", .len = 6};
    const json_t *chain = json_object_get(line, "chain");
    size_t n = json_array_size(chain);

    if (!text_in(line, "user", &c->user) || n < 2 || n - 1 > TS_BLOCKS_MAX)
        return false;
    for (size_t i = 1; i < n; i++) {
        struct ts_str s;

        if (!text_of(json_array_get(chain, i), &s) || !ts_str_starts(s, agent))
            return false;
        c->agents[c->agent_count++] =
            (struct ts_str){.ptr = s.ptr + agent.len, .len = s.len - agent.len};
    }
    return true;
}

/* [[agent, key, block id, iat, exp], ...], root first */
static bool read_blocks(const json_t *line, struct replay_call *c)
{
    const json_t *blocks = json_object_get(line, "blocks");
    size_t n = json_array_size(blocks);

    c->expires = UINT64_MAX;
    for (size_t i = 0; i < n; i++) {
        const json_t *b = json_array_get(blocks, i);
        uint64_t iat, exp;

        if (!number(json_array_get(b, 3), &iat) ||
            !number(json_array_get(b, 4), &exp))
            return false;
        if (i == 0)
            c->issued = iat;
        if (exp < c->expires)
            c->expires = exp;
    }
    return n > 0;
}

static bool read_rate(const json_t *rate, struct call_rates *r)
{
    const struct {
        const char *key;
        int64_t *to;
    } all[] = {{"agent_1m", &r->agent.last_1m},
               {"agent_1h", &r->agent.last_1h},
               {"agent_tool_1m", &r->agent_tool.last_1m},
               {"agent_tool_1h", &r->agent_tool.last_1h},
               {"task_1m", &r->task.last_1m},
               {"task_1h", &r->task.last_1h},
               {"denied_1m", &r->denied.last_1m},
               {"denied_1h", &r->denied.last_1h}};

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        uint64_t n;

        if (!number_in(rate, all[i].key, &n))
            return false;
        *all[i].to = (int64_t)n;
    }
    return true;
}

/* [["tenant", "calls", "pay", 3, 1], ["block:0", ...]]: the tenant's; what the
 * blocks counted is not asked about again. */
static bool read_uses(const json_t *list, struct replay_call *c)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        struct replay_use *u;
        struct ts_str owner, kind, text;
        int64_t amount = 0;

        if (!text_of(json_array_get(one, 0), &owner) ||
            !text_of(json_array_get(one, 1), &kind))
            return false;
        if (!ts_str_eq_c(owner, "tenant"))
            continue;
        if (c->use_count == USE_COUNTERS_MAX)
            return false;
        u = &c->uses[c->use_count];
        u->kind = ts_str_eq_c(kind, "calls") ? USE_CALLS : USE_AMOUNT;
        if (!text_of(json_array_get(one, 2), &u->name))
            return false;
        if (u->kind == USE_CALLS
                ? !number(json_array_get(one, 3), &u->total)
                : !text_of(json_array_get(one, 3), &text) ||
                      decimal_parse(text, &amount) != TS_OK || amount < 0)
            return false;
        if (u->kind == USE_AMOUNT)
            u->total = (uint64_t)amount;
        c->use_count++;
    }
    return true;
}

static bool read_attrs(json_t *attrs, struct replay_call *c)
{
    const char *key;
    json_t *v;

    json_object_foreach(attrs, key, v)
    {
        struct delegation_attr *a = &c->attrs[c->attr_count];

        if (c->attr_count == TS_ATTRS_MAX || !text_of(v, &a->value))
            return false;
        a->key = ts_str_of(key);
        c->attr_count++;
    }
    return true;
}

static bool read_context(const json_t *line, struct recorded_call *ret)
{
    const json_t *x = json_object_get(line, "context");
    struct replay_call *c = &ret->call;

    c->has_stdin = json_is_true(json_object_get(x, "has_stdin"));
    c->check_only = json_is_true(json_object_get(x, "check_only"));
    if (json_object_get(x, "provenance") != NULL) { /* not in old records */
        if (!recorded_values_read(x, &ret->values))
            return false;
        c->values = &ret->values.is;
    }
    return number_in(x, "now", &c->now_ms) &&
           read_rate(json_object_get(x, "rate"), &c->rates) &&
           read_uses(json_object_get(line, "uses"), c) &&
           read_attrs(json_object_get(x, "attrs"), c);
}

static bool read_peer(const json_t *line, struct recorded_call *ret)
{
    const json_t *peer = json_object_get(line, "peer");
    const json_t *labels = json_object_get(line, "provenance");
    size_t n = json_array_size(labels);
    uint64_t uid, gid;

    if (!number_in(peer, "uid", &uid) || uid > UINT32_MAX ||
        !number_in(peer, "gid", &gid) || gid > UINT32_MAX ||
        n > TS_PROVENANCE_MAX)
        return false;
    ret->call.uid = (uint32_t)uid;
    ret->call.gid = (uint32_t)gid;
    for (size_t i = 0; i < n; i++)
        if (!text_of(json_array_get(labels, i), &ret->provenance[i]))
            return false;
    ret->call.provenance = ret->provenance;
    ret->call.provenance_count = (uint32_t)n;
    return true;
}

/* ["block:0", "allow", reasons, errors, permits]: whatever else it said, a
 * block that did not allow keeps the call from running. */
static bool read_answers(const json_t *line, struct recorded_call *ret)
{
    static const struct ts_str block = {.ptr = "block:", .len = 6};
    const json_t *sets = json_object_get(line, "cedar");
    size_t n = json_array_size(sets);

    ret->blocks = VERDICT_PERMIT;
    for (size_t i = 0; i < n; i++) {
        const json_t *s = json_array_get(sets, i);
        struct ts_str name, decision;

        if (!text_of(json_array_get(s, 0), &name) ||
            !text_of(json_array_get(s, 1), &decision))
            return false;
        if (ts_str_starts(name, block) && !ts_str_eq_c(decision, "allow"))
            ret->blocks = VERDICT_DENY;
    }
    return n > 0;
}

static bool read_result(const json_t *line, struct combined *ret)
{
    struct ts_str effect, code;

    if (!text_in(line, "effect", &effect) || !text_in(line, "code", &code))
        return false;
    ret->code = call_code_parse(code);
    if (ts_str_eq_c(effect, "permit"))
        ret->verdict = VERDICT_PERMIT;
    else
        ret->verdict =
            ts_str_eq_c(effect, "pending") ? VERDICT_PENDING : VERDICT_DENY;
    return true;
}

enum recorded_kind recorded_call_read(const json_t *line,
                                      struct recorded_call *ret)
{
    struct replay_call *c = &ret->call;

    if (!ts_str_eq_c(log_line_text(line, "kind"), "decision"))
        return RECORDED_OTHER;
    *c = (struct replay_call){0};
    if (!read_result(line, &ret->recorded))
        return RECORDED_MALFORMED;
    if (json_array_size(json_object_get(line, "cedar")) == 0)
        return RECORDED_OTHER; /* refused before any policy was asked */
    if (!text_in(line, "tenant", &c->tenant) ||
        !text_in(line, "task", &c->task) || !text_in(line, "tool", &c->tool) ||
        !read_chain(line, c) || !read_blocks(line, c) ||
        !read_context(line, ret) || !read_peer(line, ret) ||
        !read_answers(line, ret))
        return RECORDED_MALFORMED;
    return read_args(line, ret);
}
