#include <sodium.h>
#include <string.h>

#include "proto/base/ts_require.h"
#include "proto/wire/mp_write.h"
#include "sidecar/common/layer.h"
#include "sidecar/gate/decide/decide_priv.h"

/*
 * One decision record; its shape is in proto/msg/record.h. This runs for every
 * call, so keys are written already encoded: "\xa4" "kind" is the msgpack text
 * "kind". tests/unit/gate_decide decodes every record again.
 */
#define KEY(w, tag, name) put_raw((w), tag name, sizeof(tag name) - 1)

/* A list of ids may be as long as the policy set; the record says how many more
 * there were. */
#define IDS_MAX    32
#define ID_SHOWN   128 /* bytes of one id */
#define EMPTY_TEXT "\xa0"

/* What mp_write_raw() does, where the compiler knows the length. */
static inline void put_raw(struct mp_writer *w, const char *p, size_t len)
{
    if (w->error != TS_OK || len > w->cap - w->len) {
        w->error = w->error != TS_OK ? w->error : TS_E_LIMIT;
        return;
    }
    memcpy(w->buf + w->len, p, len);
    w->len += len;
}

static inline void put_uint(struct mp_writer *w, uint64_t v)
{
    const char small = (char)v;

    if (v <= 0x7f)
        put_raw(w, &small, 1);
    else
        mp_write_uint(w, v);
}

/* A count is never negative. */
static inline void put_count(struct mp_writer *w, int64_t v)
{
    put_uint(w, v > 0 ? (uint64_t)v : 0);
}

/* Most texts are short: a tag of one byte, and no call. */
static inline void put(struct mp_writer *w, struct ts_str s)
{
    const char tag = (char)(0xa0 + s.len);

    if (s.len > 31) {
        mp_write_str(w, s.ptr, s.len);
        return;
    }
    put_raw(w, &tag, 1);
    if (s.len > 0) /* an empty text may have no place at all */
        put_raw(w, s.ptr, s.len);
}

/* At most ID_SHOWN bytes, not cutting a character. */
static struct ts_str shown(struct ts_str id)
{
    if (id.len <= ID_SHOWN)
        return id;
    id.len = ID_SHOWN;
    while (id.len > 0 && ((unsigned char)id.ptr[id.len] & 0xc0) == 0x80)
        id.len--;
    return id;
}

static struct ts_str policy_id(const struct set_result *s, uint32_t index)
{
    return shown(cedar_policies_info(s->policies, index).id);
}

static void put_more(struct mp_writer *w, uint32_t left_out)
{
    char text[24] = "+";
    size_t n = 1, digits = 1;

    for (uint32_t v = left_out; v >= 10; v /= 10)
        digits++;
    for (size_t i = digits; i > 0; i--, left_out /= 10)
        text[i] = (char)('0' + left_out % 10);
    n += digits;
    mp_write_str(w, text, n);
}

static void put_ids(struct mp_writer *w, const struct set_result *s,
                    const uint32_t *ids, uint32_t count)
{
    uint32_t n = count < IDS_MAX ? count : IDS_MAX;

    mp_write_array(w, n + (count > n));
    for (uint32_t i = 0; i < n; i++)
        put(w, policy_id(s, ids[i]));
    if (count > n)
        put_more(w, count - n);
}

static void put_errors(struct mp_writer *w, const struct set_result *s)
{
    uint32_t count = s->answer.error_count;
    uint32_t n = count < IDS_MAX ? count : IDS_MAX;

    mp_write_array(w, n + (count > n));
    for (uint32_t i = 0; i < n; i++) {
        mp_write_array(w, 2);
        put(w, policy_id(s, s->answer.errors[i].policy));
        mp_write_cstr(w, s->answer.errors[i].text);
    }
    if (count > n)
        put_more(w, count - n);
}

static void put_cedar(struct mp_writer *w, const struct deciding *d)
{
    KEY(w, "\xa5", "cedar");
    mp_write_array(w, d->set_count);
    for (uint32_t i = 0; i < d->set_count; i++) {
        const struct set_result *s = &d->sets[i];

        mp_write_array(w, 5);
        mp_write_cstr(w, s->set_name);
        if (s->answer.decision == CEDAR_ALLOW)
            KEY(w, "\xa5", "allow");
        else
            KEY(w, "\xa4", "deny");
        put_ids(w, s, s->answer.reasons, s->answer.reason_count);
        put_errors(w, s);
        put_ids(w, s, s->answer.satisfied_permits, s->answer.permit_count);
    }
}

/* "set/id", written in one go: an array element is one text. */
static void put_set_id(struct mp_writer *w, const struct set_result *s,
                       uint32_t index)
{
    char text[sizeof("escalation:user/") + ID_SHOWN];
    size_t n = strlen(s->set_name);
    struct ts_str id = policy_id(s, index);

    TS_REQUIRE(n < sizeof("escalation:user/"));
    memcpy(text, s->set_name, n);
    text[n++] = '/';
    memcpy(text + n, id.ptr, id.len);
    mp_write_str(w, text, n + id.len);
}

static void put_policies(struct mp_writer *w, const struct deciding *d)
{
    uint32_t count = 0, n, done = 0;

    for (uint32_t i = 0; i < d->set_count; i++)
        count += d->sets[i].answer.reason_count;
    n = count < IDS_MAX ? count : IDS_MAX;
    KEY(w, "\xa8", "policies");
    mp_write_array(w, n + (count > n));
    for (uint32_t i = 0; i < d->set_count; i++)
        for (uint32_t j = 0; j < d->sets[i].answer.reason_count; j++)
            if (done++ < n)
                put_set_id(w, &d->sets[i], d->sets[i].answer.reasons[j]);
    if (count > n)
        put_more(w, count - n);
}

static void put_arg_full(struct mp_writer *w, const struct arg_value *v)
{
    switch (v->decl->type) {
    case ARG_INT:
        mp_write_int(w, v->integer);
        break;
    case ARG_BOOL:
        mp_write_bool(w, v->integer != 0);
        break;
    case ARG_STRINGS:
        mp_write_array(w, v->item_count);
        for (uint32_t i = 0; i < v->item_count; i++)
            put(w, v->items[i]);
        break;
    case ARG_STRING:
    case ARG_PATH:
    case ARG_URL:
    case ARG_DECIMAL:
    case ARG_JSON:
        put(w, v->text);
        break;
    }
}

/* {"len": bytes of a text, items of a list, 0 for numbers and booleans} */
static void put_arg_len(struct mp_writer *w, const struct arg_value *v)
{
    uint64_t len = v->text.len;

    if (v->decl->type == ARG_STRINGS)
        len = v->item_count;
    else if (v->decl->type == ARG_INT || v->decl->type == ARG_BOOL ||
             v->decl->type == ARG_DECIMAL)
        len = 0;
    KEY(w, "\x81\xa3", "len");
    put_uint(w, len);
}

static void put_args(struct mp_writer *w, const struct deciding *d, bool brief)
{
    enum manifest_log log = LOG_DIGEST;

    if (d->has_args && !brief)
        log = d->tool->manifest->log;
    KEY(w, "\xa4", "args");
    if (log == LOG_DIGEST) {
        mp_write_map(w, 0);
        return;
    }
    mp_write_map(w, d->args.count);
    for (uint32_t i = 0; i < d->args.count; i++) {
        const struct arg_value *v = &d->args.values[i];

        put(w, v->decl->name);
        if (log == LOG_FULL)
            put_arg_full(w, v);
        else
            put_arg_len(w, v);
    }
}

static void put_rates(struct mp_writer *w, const struct call_rates *r)
{
    KEY(w, "\xa4", "rate");
    mp_write_map(w, 8);
    KEY(w, "\xa8", "agent_1m");
    put_count(w, r->agent.last_1m);
    KEY(w, "\xa8", "agent_1h");
    put_count(w, r->agent.last_1h);
    KEY(w, "\xad", "agent_tool_1m");
    put_count(w, r->agent_tool.last_1m);
    KEY(w, "\xad", "agent_tool_1h");
    put_count(w, r->agent_tool.last_1h);
    KEY(w, "\xa7", "task_1m");
    put_count(w, r->task.last_1m);
    KEY(w, "\xa7", "task_1h");
    put_count(w, r->task.last_1h);
    KEY(w, "\xa9", "denied_1m");
    put_count(w, r->denied.last_1m);
    KEY(w, "\xa9", "denied_1h");
    put_count(w, r->denied.last_1h);
}

/* What of the context is not elsewhere in the record. */
static void put_context(struct mp_writer *w, const struct deciding *d,
                        bool brief)
{
    const struct call_input *call = d->in->call;
    const struct delegation *g = d->in->authority->delegation;

    KEY(w, "\xa7", "context");
    if (!d->has_context) {
        mp_write_map(w, 0);
        return;
    }
    mp_write_map(w, 9);
    KEY(w, "\xa3", "now");
    put_uint(w, call->now.unix_ms);
    KEY(w, "\xa5", "depth");
    put_uint(w, d->in->authority->parts->agent_count - 1);
    KEY(w, "\xaa", "check_only");
    mp_write_bool(w, call->check_only);
    KEY(w, "\xa9", "has_stdin");
    mp_write_bool(w, call->has_stdin);
    KEY(w, "\xa6", "origin");
    mp_write_cstr(w, prov_origin_name(d->context.provenance.origin));
    KEY(w, "\xa7", "tainted");
    mp_write_bool(w, d->context.tainted);
    put_rates(w, &d->rates);
    record_provenance(w, d, brief);
    KEY(w, "\xa5", "attrs");
    mp_write_map(w, (uint32_t)g->attr_count);
    for (size_t i = 0; i < g->attr_count; i++) {
        put(w, g->attrs[i].key);
        put(w, g->attrs[i].value);
    }
}

static void put_session(struct mp_writer *w, const struct deciding *d)
{
    const struct authority *a = d->in->authority;
    const struct call_input *call = d->in->call;

    KEY(w, "\xa7", "session");
    mp_write_bin(w, a->session_id, sizeof(a->session_id));
    KEY(w, "\xa4", "peer");
    mp_write_map(w, 4);
    KEY(w, "\xa3", "uid");
    put_uint(w, a->peer_uid);
    KEY(w, "\xa3", "gid");
    put_uint(w, a->peer_gid);
    KEY(w, "\xa3", "pid");
    put_uint(w, a->peer_pid);
    KEY(w, "\xa9", "pidfs_ino");
    put_uint(w, a->peer_pidfs_ino);
    KEY(w, "\xa4", "call");
    mp_write_bin(w, call->call_id, sizeof(call->call_id));
    KEY(w, "\xa8", "call_seq");
    put_uint(w, call->seq);
}

static void put_tool(struct mp_writer *w, const struct deciding *d)
{
    const struct call_input *call = d->in->call;
    uint8_t digest[32];

    KEY(w, "\xa4", "tool");
    put(w, call->tool);
    KEY(w, "\xab", "tool_digest");
    mp_write_bin(w, d->tool != NULL ? d->tool->manifest->digest : digest,
                 d->tool != NULL ? sizeof(digest) : 0);
    (void)crypto_generichash(digest, sizeof(digest), call->args.ptr,
                             call->args.len, NULL, 0);
    KEY(w, "\xab", "args_digest");
    mp_write_bin(w, digest, sizeof(digest));
}

static void put_request(struct mp_writer *w, const struct deciding *d,
                        bool brief)
{
    KEY(w, "\xa6", "action");
    if (d->tool != NULL)
        put(w, d->tool->action.id);
    else
        put_raw(w, EMPTY_TEXT, 1);
    KEY(w, "\xa8", "resource");
    if (d->has_target && !brief)
        put(w, d->target.resource.id);
    else
        put_raw(w, EMPTY_TEXT, 1);
    KEY(w, "\xad", "resource_type");
    if (d->has_target)
        put(w, d->target.resource.type);
    else
        put_raw(w, EMPTY_TEXT, 1);
    KEY(w, "\xab", "sensitivity");
    if (d->has_target)
        put(w, sensitivity_name(d->target.sensitivity));
    else
        put_raw(w, EMPTY_TEXT, 1);
}

static void put_verdict(struct mp_writer *w, const struct deciding *d)
{
    const struct decision *out = d->out;

    KEY(w, "\xa6", "effect");
    switch (out->verdict) {
    case VERDICT_PERMIT:
        KEY(w, "\xa6", "permit");
        break;
    case VERDICT_PENDING:
        KEY(w, "\xa7", "pending");
        break;
    case VERDICT_DENY:
        KEY(w, "\xa6", "forbid");
        break;
    }
    KEY(w, "\xa4", "code");
    mp_write_cstr(w, call_code_name(out->code));
    KEY(w, "\xa4", "text");
    mp_write_cstr(w, out->text);
}

static void put_call(struct mp_writer *w, const struct deciding *d, bool brief)
{
    const struct call_input *call = d->in->call;
    uint32_t n = call->provenance_count;

    KEY(w, "\xa8", "calls_1m");
    put_count(w, d->rates.agent.last_1m);
    KEY(w, "\xaa", "provenance");
    if (n > TS_PROVENANCE_MAX || brief)
        n = 0;
    mp_write_array(w, n);
    for (uint32_t i = 0; i < n; i++)
        put(w, call->provenance[i]);
    KEY(w, "\xa5", "trace");
    put(w, call->traceparent);
    KEY(w, "\xa7", "rev_seq");
    put_uint(w, call->rev_seq);
    KEY(w, "\xa7", "dir_seq");
    put_uint(w, d->tenant != NULL && d->tenant->people != NULL
                    ? d->tenant->people->seq
                    : 0);
    KEY(w, "\xaa", "generation");
    put_uint(w, d->in->snapshot->generation);
}

/* What the satisfied permits ask of the box; most ask for nothing. */
static void put_demand(struct mp_writer *w, const struct order *o)
{
    uint32_t n = 0;

    for (uint32_t left = o->require; left != 0; left &= left - 1)
        n++;
    KEY(w, "\xa3", "box");
    mp_write_cstr(w, box_level_name(o->box));
    KEY(w, "\xa7", "require");
    mp_write_array(w, n);
    for (uint32_t left = o->require; left != 0; left &= left - 1)
        mp_write_cstr(w, layer_first(left));
}

/* What people were asked, and who has lifted what. */
static void put_ticket(struct mp_writer *w, const struct deciding *d)
{
    KEY(w, "\xa6", "ticket");
    mp_write_bin(w, d->out->ticket_id, sizeof(d->out->ticket_id));
    KEY(w, "\xab", "approved_by");
    mp_write_array(w, d->people_count);
    for (uint32_t i = 0; i < d->people_count; i++)
        put(w, d->people[i]);
}

/* What people opened for a while, and which forbids that lifted. */
static void put_escalation(struct mp_writer *w, const struct deciding *d)
{
    KEY(w, "\xaa", "escalation");
    mp_write_bin(w, d->out->escalation_id, sizeof(d->out->escalation_id));
    KEY(w, "\xa6", "lifted");
    mp_write_array(w, d->lifted_count);
    for (uint32_t i = 0; i < d->lifted_count; i++)
        put(w, shown(d->lifted[i]));
}

static uint64_t elapsed_us(const struct decide_input *in)
{
    uint64_t now = in->boot_ns != NULL ? in->boot_ns() : in->call->now.boot_ns;

    if (now <= in->call->received_ns)
        return 0;
    return (now - in->call->received_ns) / 1000;
}

/* 2 + head + session 4 + tool 4 + request 4 + verdict 3 + cedar, policies,
 * context + call 6 + us; order of a launch, box and require of a demand. */
#define OTHER_KEYS (2 + 4 + 4 + 4 + 3 + 3 + 6 + 1)

ts_err decide_record_write(const struct deciding *d, bool brief,
                           uint8_t *record, size_t cap, size_t *ret_len)
{
    const struct authority_parts *p = d->in->authority->parts;
    bool launches =
        d->out->verdict == VERDICT_PERMIT && !d->in->call->check_only;
    bool demands = d->out->verdict == VERDICT_PERMIT &&
                   (d->out->order.box != BOX_ANY || d->out->order.require != 0);
    struct mp_writer w;

    mp_writer_init(&w, record, cap);
    mp_write_map(&w, AUTHORITY_HEAD_KEYS + OTHER_KEYS + launches +
                         (decide_counts(d) ? 1u : 0u) + (demands ? 2u : 0u) +
                         (d->out->has_ticket ? 2u : 0u) +
                         (d->endorses_count > 0 ? 1u : 0u) +
                         (d->out->has_escalation ? 2u : 0u));
    KEY(&w, "\xa4", "kind");
    KEY(&w, "\xa8", "decision");
    KEY(&w, "\xa2", "id");
    mp_write_bin(&w, d->out->id, sizeof(d->out->id));
    mp_write_raw(&w, p->record_head.ptr, p->record_head.len);
    put_session(&w, d);
    put_tool(&w, d);
    put_args(&w, d, brief);
    put_request(&w, d, brief);
    put_verdict(&w, d);
    put_cedar(&w, d);
    put_policies(&w, d);
    put_context(&w, d, brief);
    put_call(&w, d, brief);
    if (decide_counts(d))
        record_uses(&w, d, brief);
    if (launches) {
        KEY(&w, "\xa5", "order");
        put_uint(&w, d->in->order_id);
    }
    if (demands)
        put_demand(&w, &d->out->order);
    if (d->out->has_ticket)
        put_ticket(&w, d);
    if (d->endorses_count > 0)
        record_endorses(&w, d, brief);
    if (d->out->has_escalation)
        put_escalation(&w, d);
    KEY(&w, "\xa2", "us");
    put_uint(&w, elapsed_us(d->in));
    return mp_written(&w, ret_len);
}
