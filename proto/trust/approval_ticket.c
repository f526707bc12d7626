/* The question that a person is asked: its bytes, its id, its signature. */
#include "proto/trust/approval_ticket.h"

#include <string.h>

#include "proto/trust/id.h"
#include "proto/trust/pae.h"
#include "proto/trust/signed.h"
#include "proto/trust/smp.h"
#include "proto/wire/mp_write.h"

#define TICKET_VERSION 1
#define TICKET_FIELDS  20
#define ACTION_MAX     256u

static bool is_text(struct ts_str s, size_t max)
{
    return s.len > 0 && s.len <= max && ts_utf8_valid(s.ptr, s.len);
}

static enum trust_code check_rules(const struct ticket *t)
{
    uint64_t people = 0;

    if (t->rule_count == 0 || t->rule_count > TICKET_RULES_MAX)
        return TRUST_E_FORMAT;
    for (uint32_t i = 0; i < t->rule_count; i++) {
        const struct ticket_rule *r = &t->rules[i];

        if (!is_text(r->policy, TICKET_RULE_ID_MAX) || r->count == 0)
            return TRUST_E_FORMAT;
        if (!trust_id_valid(r->class_id))
            return TRUST_E_ID;
        if (r->count > TICKET_COUNT_MAX ||
            (people += r->count) > TICKET_PEOPLE_MAX)
            return TRUST_E_LIMIT;
        for (uint32_t k = 0; k < i; k++)
            if (ts_str_eq(t->rules[k].policy, r->policy))
                return TRUST_E_FORMAT;
    }
    return TRUST_OK;
}

static enum trust_code check(const struct ticket *t)
{
    const struct ts_str ids[] = {t->sidecar_id, t->tenant, t->user, t->task};

    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
        if (!trust_id_valid(ids[i]))
            return TRUST_E_ID;
    if (t->agent_count == 0 || t->agent_count > TS_BLOCKS_MAX)
        return TRUST_E_FORMAT;
    for (uint32_t i = 0; i < t->agent_count; i++)
        if (!trust_id_valid(t->agents[i]))
            return TRUST_E_ID;
    if (!is_text(t->tool, TS_TOOL_NAME_MAX) ||
        !is_text(t->action, ACTION_MAX) ||
        !is_text(t->resource, TICKET_RESOURCE_MAX))
        return TRUST_E_FORMAT;
    if (t->args.len > TICKET_ARGS_MAX || t->context.len > TICKET_CONTEXT_MAX)
        return TRUST_E_LIMIT;
    if (t->created >= t->expires)
        return TRUST_E_TIME;
    return check_rules(t);
}

static void read_agents(struct smp *s, struct ticket *t)
{
    t->agent_count = smp_array(s);
    if (t->agent_count > TS_BLOCKS_MAX) {
        mp_fail(&s->r, TS_E_LIMIT, "too many agents");
        return;
    }
    for (uint32_t i = 0; i < t->agent_count; i++)
        t->agents[i] = smp_str(s, TS_ID_MAX);
}

static void read_rules(struct smp *s, struct ticket *t)
{
    t->rule_count = smp_array(s);
    if (t->rule_count > TICKET_RULES_MAX) {
        mp_fail(&s->r, TS_E_LIMIT, "too many rules");
        return;
    }
    for (uint32_t i = 0; i < t->rule_count; i++) {
        struct ticket_rule *r = &t->rules[i];
        uint64_t count;

        smp_tuple(s, 3);
        r->policy = smp_str(s, TICKET_RULE_ID_MAX);
        r->class_id = smp_str(s, TS_ID_MAX);
        count = smp_uint(s);
        r->count = count > UINT32_MAX ? UINT32_MAX : (uint32_t)count;
    }
}

enum trust_code ticket_decode(struct ts_bytes body, struct ticket *ret)
{
    struct ticket t = {0};
    enum trust_code c;
    struct smp s;

    smp_init(&s, body);
    if ((c = smp_begin(&s, TICKET_FIELDS, TICKET_VERSION)) != TRUST_OK)
        return c;
    smp_bin_exact(&s, t.decision_id, sizeof(t.decision_id));
    t.sidecar_id = smp_str(&s, TS_ID_MAX);
    t.tenant = smp_str(&s, TS_ID_MAX);
    t.user = smp_str(&s, TS_ID_MAX);
    read_agents(&s, &t);
    smp_bin_exact(&s, t.grant_id, sizeof(t.grant_id));
    smp_bin_exact(&s, t.block_id, sizeof(t.block_id));
    t.task = smp_str(&s, TS_ID_MAX);
    smp_bin_exact(&s, t.call_id, sizeof(t.call_id));
    t.tool = smp_str(&s, TS_TOOL_NAME_MAX);
    smp_bin_exact(&s, t.tool_digest, sizeof(t.tool_digest));
    t.action = smp_str(&s, ACTION_MAX);
    t.resource = smp_str(&s, TICKET_RESOURCE_MAX);
    t.args = smp_bin(&s, TICKET_ARGS_MAX);
    t.context = smp_bin(&s, TICKET_CONTEXT_MAX);
    read_rules(&s, &t);
    t.created = smp_uint(&s);
    t.expires = smp_uint(&s);
    t.policy_epoch = smp_uint(&s);
    if ((c = smp_done(&s)) != TRUST_OK || (c = check(&t)) != TRUST_OK)
        return c;
    *ret = t;
    return TRUST_OK;
}

static void write_str(struct mp_writer *w, struct ts_str s)
{
    mp_write_str(w, s.ptr, s.len);
}

static void write_body(struct mp_writer *w, const struct ticket *t)
{
    mp_write_array(w, TICKET_FIELDS);
    mp_write_uint(w, TICKET_VERSION);
    mp_write_bin(w, t->decision_id, sizeof(t->decision_id));
    write_str(w, t->sidecar_id);
    write_str(w, t->tenant);
    write_str(w, t->user);
    mp_write_array(w, t->agent_count);
    for (uint32_t i = 0; i < t->agent_count; i++)
        write_str(w, t->agents[i]);
    mp_write_bin(w, t->grant_id, sizeof(t->grant_id));
    mp_write_bin(w, t->block_id, sizeof(t->block_id));
    write_str(w, t->task);
    mp_write_bin(w, t->call_id, sizeof(t->call_id));
    write_str(w, t->tool);
    mp_write_bin(w, t->tool_digest, sizeof(t->tool_digest));
    write_str(w, t->action);
    write_str(w, t->resource);
    mp_write_bin(w, t->args.ptr, t->args.len);
    mp_write_bin(w, t->context.ptr, t->context.len);
    mp_write_array(w, t->rule_count);
    for (uint32_t i = 0; i < t->rule_count; i++) {
        mp_write_array(w, 3);
        write_str(w, t->rules[i].policy);
        write_str(w, t->rules[i].class_id);
        mp_write_uint(w, t->rules[i].count);
    }
    mp_write_uint(w, t->created);
    mp_write_uint(w, t->expires);
    mp_write_uint(w, t->policy_epoch);
}

ts_err ticket_encode(const struct ticket *t, struct ts_buf *out)
{
    struct mp_writer w;
    uint8_t *room;
    size_t n;
    ts_err e;

    if (check(t) != TRUST_OK)
        return TS_E_INVALID;
    e = ts_buf_reserve(out, SIGNED_TICKET_MAX, &room);
    if (e != TS_OK)
        return e;
    mp_writer_init(&w, room, SIGNED_TICKET_MAX);
    write_body(&w, t);
    e = mp_written(&w, &n);
    if (e == TS_OK)
        ts_buf_grew(out, n);
    return e;
}

void ticket_id(struct ts_bytes body, uint8_t ret[TRUST_HASH_LEN])
{
    pae_hash(ret, TRUST_HASH_LEN, PAE_PREFIX "ticket-id", &body, 1);
}

ts_err ticket_sign(struct ts_bytes body, const struct trust_secret *sidecar,
                   struct ts_buf *out)
{
    return signed_make(SIGNED_TICKET, body, sidecar, out);
}

enum trust_code ticket_verify(struct ts_bytes object,
                              const uint8_t sidecar_pk[TRUST_PK_LEN],
                              struct ts_bytes *ret_body, struct ticket *ret)
{
    struct signed_object o;
    enum trust_code c = signed_split(SIGNED_TICKET, object, &o);

    if (c != TRUST_OK ||
        (c = signed_verify(SIGNED_TICKET, &o, sidecar_pk)) != TRUST_OK ||
        (c = ticket_decode(o.body, ret)) != TRUST_OK)
        return c;
    *ret_body = o.body;
    return TRUST_OK;
}
