#include "sidecar/gate/revocation/revoke.h"

#include <string.h>

#include "proto/msg/client.h"
#include "proto/trust/revocation_record.h"
#include "proto/wire/limits.h"
#include "sidecar/common/log.h"
#include "sidecar/gate/asking/approvals.h"
#include "sidecar/gate/asking/breakglass.h"
#include "sidecar/gate/people/tenant_state.h"
#include "sidecar/gate/provenance/task.h"
#include "sidecar/gate/running/order_out.h"
#include "sidecar/gate/running/running.h"
#include "sidecar/gate/session.h"
#include "sidecar/gate/steps/records.h"
#include "sidecar/gate/wire/admin_uv.h"

/* A session does not outlive its grant: nor need its end be remembered. */
#define SESSION_KEEP_S        (TS_TTL_HARD_S + 60u)
#define REVOCATION_RECORD_MAX 2048

static struct revoke_job *job_for(struct gate *g, bool from_operator)
{
    struct revoke_job *found = NULL;
    uint32_t others = 0;

    for (uint32_t i = 0; i < GATE_JOBS; i++) {
        if (!g->jobs[i].used)
            found = &g->jobs[i];
        else if (g->jobs[i].asker.admin == NULL)
            others++;
    }
    return from_operator || others < GATE_JOBS / 2 ? found : NULL;
}

ts_err revoke_ready(struct gate *g, bool from_operator)
{
    uint8_t *room;

    if (order_out_state(g) == ORDER_OUT_NOTHING)
        return TS_E_STATE;
    if (job_for(g, from_operator) == NULL) {
        gate_retry_soon(g);
        return TS_E_AGAIN;
    }
    /* Room for the largest entry is room for all of ours together. */
    return order_out_begin(g, &room);
}

/* Journal entry and record. The room for both was reserved just before. */
static ts_err write_down(struct gate *g, const struct revocation_entry *r,
                         const struct revoke_request *q)
{
    uint8_t payload[REVOCATION_PAYLOAD_MAX];
    struct ring_journal j = {.type = JOURNAL_REVOCATION,
                             .tenant = r->tenant,
                             .keep_until = q->keep_until,
                             .payload.ptr = payload};
    uint8_t record[REVOCATION_RECORD_MAX];
    size_t len;
    ts_err e;

    order_out_journal_key(j.key, (uint8_t)r->kind, r->target);
    if ((e = revocation_entry_encode(r, payload, sizeof(payload),
                                     &j.payload.len)) != TS_OK ||
        (e = order_out_journal(g, &j)) != TS_OK ||
        (e = record_revocation(r, q->by, q->by_uid, q->signer, record,
                               sizeof(record), &len)) != TS_OK)
        return e;
    return order_out_record_small(g, record, len);
}

/* q made as wide as what is known already; false: it says nothing new. */
static bool merge(const struct gate *g, uint64_t now_s,
                  struct revoke_request *q)
{
    struct revocation_state known;

    if (q->kind == REVOCATION_SESSION && q->keep_until > now_s + SESSION_KEEP_S)
        q->keep_until = now_s + SESSION_KEEP_S;
    if (!revocations_get(&g->revoked, q->kind, q->tenant, q->target, &known)) {
        /* What it names may live for a day: to forget it at once would undo it.
         */
        if (revocation_by_id(q->kind) && q->keep_until <= now_s)
            q->keep_until = revocation_keep_until(q->kind, 0, now_s);
        return true;
    }
    if ((revocation_by_id(q->kind) || q->cutoff <= known.cutoff) &&
        q->keep_until <= known.keep_until)
        return false;
    if (known.keep_until > q->keep_until)
        q->keep_until = known.keep_until;
    if (!revocation_by_id(q->kind) && known.cutoff > q->cutoff)
        q->cutoff = known.cutoff;
    return true;
}

/* What cannot be remembered ends the tenant's decisions instead: to forget it
 * would give the authority back. */
static ts_err overflow(struct gate *g, struct ts_str tenant)
{
    struct tenant_state *t;
    ts_err e = tenant_states_get(&g->states, tenant, &t);

    if (e != TS_OK)
        return e;
    if (!t->overflowed)
        log_event(LOG_ERROR, "revocations_full tenant=\"%.*s\"",
                  (int)tenant.len, tenant.ptr);
    tenant_state_overflow(t); /* its sessions end with the next walk */
    return TS_OK;
}

/* Who said yes, or what they said it to, may have gone: nothing that people of
 * the tenant let through counts any more. It costs a question, no protection.
 */
static void unendorse(struct gate *g, const struct revoke_request *q)
{
    if (q->kind == REVOCATION_APPROVER || q->kind == REVOCATION_USER ||
        q->kind == REVOCATION_ESCALATION || q->kind == REVOCATION_DECISION)
        (void)prov_tasks_unendorse(g->tasks, q->tenant);
}

ts_err revoke_enter(struct gate *g, const struct revoke_request *given,
                    bool *ret_new)
{
    struct moment now = gate_now(g);
    struct revoke_request q = *given;
    struct revocation_entry entry;
    uint8_t *room;
    ts_err e;

    if (!revocation_target_fits(q.kind, q.target.len))
        return TS_E_INVALID;
    if (!merge(g, now.unix_ms / 1000, &q)) {
        *ret_new = false;
        return TS_OK;
    }
    if ((e = order_out_begin(g, &room)) != TS_OK)
        return e;
    e = revocations_add(&g->revoked, q.kind, q.tenant, q.target, q.cutoff,
                        q.keep_until,
                        clock_guard_admits(&g->guard) ? now.unix_ms / 1000 : 0);
    if (e == TS_E_LIMIT)
        e = overflow(g, q.tenant);
    if (e != TS_OK)
        return e;
    unendorse(g, &q);
    g->rev_seq++;
    entry = (struct revocation_entry){.rev_seq = g->rev_seq,
                                      .kind = q.kind,
                                      .tenant = q.tenant,
                                      .target = q.target,
                                      .cutoff = q.cutoff,
                                      .unix_ms = now.unix_ms,
                                      .reason = q.reason};
    e = write_down(g, &entry, &q);
    if (e != TS_OK) /* in force, yet not durable: the ACK would be a lie */
        gate_fail(g, "a revocation could not be written");
    *ret_new = true;
    return e;
}

void revoke_settle(struct gate *g, struct revoke_asker asker)
{
    struct revoke_job *job = job_for(g, true);
    uint32_t stopping = runs_stopping(g);
    uint64_t sessions = sessions_recheck(g);
    uint64_t tickets = approvals_recheck(g);

    breakglass_recheck(g);
    if (job == NULL) {
        gate_fail(g, "no job is left for a revocation");
        return;
    }
    *job = (struct revoke_job){.used = true,
                               .rev_seq = g->rev_seq,
                               .barrier_id = ++g->barrier_counter,
                               .barrier_pending = true,
                               .since_ns = gate_now(g).boot_ns,
                               .launchers_left = g->settings.launchers,
                               .tools = runs_stopping(g) - stopping,
                               .sessions = sessions,
                               .tickets = tickets,
                               .asker = asker};
    job->runs_left = runs_mark_stopping(g, (uint32_t)(job - g->jobs));
    revoke_retry(g);
}

ts_err revoke_apply(struct gate *g, const struct revoke_request *q,
                    struct revoke_asker asker)
{
    bool is_new;
    ts_err e = revoke_ready(g, asker.admin != NULL);

    if (e != TS_OK || (e = revoke_enter(g, q, &is_new)) != TS_OK)
        return e;
    /* A repetition has its barrier, too: the first one's may be under way. */
    revoke_settle(g, asker);
    return TS_OK;
}

static void tell_ack(struct revoke_job *job)
{
    struct msg_seq m = {.seq = job->asker.seq};
    struct client *c = job->asker.client;

    if (job->asker.admin != NULL)
        admin_ack(job->asker.admin, job);
    if (c != NULL)
        client_sent(c, msg_seq_send(&c->out, MSG_REVOKE, &m));
    job->asker.client = NULL; /* it gets no COMPLETE */
}

static void advance(struct revoke_job *job)
{
    if (!job->acked && job->launchers_left == 0 && !job->barrier_pending) {
        job->acked = true;
        tell_ack(job);
    }
    if (job->acked && job->runs_left == 0) {
        job->used = false;
        if (job->asker.admin != NULL)
            admin_done(job->asker.admin, job);
    }
}

void revoke_retry(struct gate *g)
{
    if (g->runs_wait) /* a kill is still outside: no barrier may pass it */
        return;
    for (uint32_t i = 0; i < GATE_JOBS; i++) {
        struct revoke_job *job = &g->jobs[i];
        ts_err e;

        if (!job->used || !job->barrier_pending)
            continue;
        e = order_out_barrier(g, job->barrier_id);
        if (e == TS_E_AGAIN) {
            gate_retry_soon(g);
            return;
        }
        if (e != TS_OK) {
            gate_fail(g, "a barrier could not be sent");
            return;
        }
        job->barrier_pending = false;
        advance(job);
    }
}

void revoke_barrier_back(struct gate *g, uint64_t id)
{
    for (uint32_t i = 0; i < GATE_JOBS; i++) {
        struct revoke_job *job = &g->jobs[i];

        if (!job->used || job->barrier_id != id || job->launchers_left == 0)
            continue;
        job->launchers_left--;
        advance(job);
        return;
    }
    gate_fail(g, "a launcher returned a barrier that was not sent");
}

void revoke_run_gone(struct gate *g, uint32_t jobs)
{
    for (uint32_t i = 0; i < GATE_JOBS; i++) {
        if ((jobs & UINT32_C(1) << i) == 0)
            continue;
        g->jobs[i].runs_left--;
        advance(&g->jobs[i]);
    }
}

void revoke_sweep(struct gate *g)
{
    uint64_t now_ns = gate_now(g).boot_ns;

    for (uint32_t i = 0; i < GATE_JOBS; i++) {
        const struct revoke_job *job = &g->jobs[i];

        if (job->used && !job->acked &&
            (now_ns - job->since_ns) / 1000000u > GATE_LATE_MS)
            gate_fail(g, "a launcher did not confirm a revocation in time");
    }
}

void revoke_admin_gone(struct gate *g, const struct admin *a)
{
    for (uint32_t i = 0; i < GATE_JOBS; i++) {
        if (g->jobs[i].used && g->jobs[i].asker.admin == a)
            g->jobs[i].asker.admin = NULL;
    }
}

void revoke_client_gone(struct gate *g, const struct client *c)
{
    for (uint32_t i = 0; i < GATE_JOBS; i++) {
        if (g->jobs[i].used && g->jobs[i].asker.client == c)
            g->jobs[i].asker.client = NULL;
    }
}

/* ---- questions --------------------------------------------------------- */

static bool revoked_id(const struct gate *g, enum revocation_kind kind,
                       struct ts_str tenant, const uint8_t id[16])
{
    return revocations_hit(&g->revoked, kind, tenant,
                           (struct ts_bytes){.ptr = id, .len = 16}, 0);
}

bool revoked_approver(const struct gate *g, struct ts_str tenant,
                      struct ts_str person, uint64_t signed_at)
{
    return revocations_hit(&g->revoked, REVOCATION_APPROVER, tenant,
                           (struct ts_bytes){.ptr = (const uint8_t *)person.ptr,
                                             .len = person.len},
                           signed_at);
}

bool revoked_escalation(const struct gate *g, struct ts_str tenant,
                        const uint8_t id[16])
{
    return revoked_id(g, REVOCATION_ESCALATION, tenant, id);
}

bool revoked_decision(const struct gate *g, struct ts_str tenant,
                      const uint8_t id[16])
{
    return revoked_id(g, REVOCATION_DECISION, tenant, id);
}

bool revoked_session(const struct gate *g, struct ts_str tenant,
                     const uint8_t id[16])
{
    return revoked_id(g, REVOCATION_SESSION, tenant, id);
}
