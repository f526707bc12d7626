#include "sidecar/gate/revoke.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include "proto/trust/revocation_record.h"
#include "proto/wire/mp_read.h"
#include "sidecar/gate/admin_uv.h"
#include "sidecar/gate/budget_journal.h"
#include "sidecar/gate/callids.h"
#include "sidecar/gate/order_out.h"
#include "sidecar/gate/records.h"
#include "sidecar/gate/running.h"
#include "sidecar/gate/session.h"

#define JOURNAL_BYTES_MAX (512u << 20)

static struct revoke_job *job_for(struct gate *g)
{
    for (uint32_t i = 0; i < GATE_JOBS; i++) {
        if (!g->jobs[i].used)
            return &g->jobs[i];
    }
    return NULL;
}

/* Journal entry and record. The room for both was reserved just before. */
static ts_err write_down(struct gate *g, const struct revocation_entry *r,
                         const char *by, uint32_t by_uid)
{
    uint8_t payload[REVOCATION_PAYLOAD_MAX];
    struct ring_journal j = {.type = JOURNAL_REVOCATION,
                             .tenant = r->tenant,
                             .keep_until = UINT64_MAX,
                             .payload.ptr = payload};
    uint8_t *record;
    size_t len;
    ts_err e;

    order_out_journal_key(j.key, (uint8_t)r->kind, r->target);
    if ((e = revocation_entry_encode(r, payload, sizeof(payload),
                                     &j.payload.len)) != TS_OK ||
        (e = order_out_journal(g, &j)) != TS_OK ||
        (e = order_out_begin(g, &record)) != TS_OK ||
        (e = record_revocation(r, by, by_uid, record, TS_RECORD_MAX, &len)) !=
            TS_OK)
        return e;
    order_out_record(g, len);
    return TS_OK;
}

static void job_start(struct gate *g, struct revoke_job *job, uint64_t tools,
                      uint64_t sessions, struct admin *asker)
{
    *job = (struct revoke_job){.used = true,
                               .rev_seq = g->rev_seq,
                               .barrier_id = ++g->barrier_counter,
                               .barrier_pending = true,
                               .since_ns = gate_now(g).boot_ns,
                               .launchers_left = g->settings.launchers,
                               .tools = tools,
                               .sessions = sessions,
                               .admin = asker};
    job->runs_left = runs_mark_stopping(g, (uint32_t)(job - g->jobs));
    revoke_retry(g);
}

ts_err revoke_apply(struct gate *g, const struct revocation_entry *r,
                    const char *by, uint32_t by_uid, struct admin *asker)
{
    struct revoke_job *job = job_for(g);
    struct revocation_entry entry = *r;
    uint64_t sessions;
    uint32_t stopping;
    uint8_t *room;
    ts_err e;

    entry.rev_seq = g->rev_seq + 1;
    entry.unix_ms = gate_now(g).unix_ms;
    if (order_out_state(g) == ORDER_OUT_NOTHING)
        return TS_E_STATE;
    if (job == NULL)
        return TS_E_AGAIN;
    /* Room for the largest entry is room for all of ours together. */
    if ((e = order_out_begin(g, &room)) != TS_OK ||
        (e = revocations_add(&g->revoked, entry.kind, entry.tenant,
                             entry.target, entry.cutoff,
                             revocation_keep_until(entry.kind, entry.cutoff,
                                                   entry.unix_ms / 1000),
                             entry.unix_ms / 1000)) != TS_OK)
        return e;
    g->rev_seq++;
    e = write_down(g, &entry, by, by_uid);
    if (e != TS_OK) {
        /* In force, yet not durable: the promise of the ACK is broken. */
        gate_fail(g, "a revocation could not be written");
        return e;
    }
    stopping = runs_stopping(g);
    sessions = sessions_recheck(g);
    job_start(g, job, runs_stopping(g) - stopping, sessions, asker);
    return TS_OK;
}

static void advance(struct gate *g, struct revoke_job *job)
{
    (void)g;
    if (!job->acked && job->launchers_left == 0 && !job->barrier_pending) {
        job->acked = true;
        if (job->admin != NULL)
            admin_ack(job->admin, job);
    }
    if (job->acked && job->runs_left == 0) {
        job->used = false;
        if (job->admin != NULL)
            admin_done(job->admin, job);
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
        advance(g, job);
    }
}

void revoke_barrier_back(struct gate *g, uint64_t id)
{
    for (uint32_t i = 0; i < GATE_JOBS; i++) {
        struct revoke_job *job = &g->jobs[i];

        if (!job->used || job->barrier_id != id || job->launchers_left == 0)
            continue;
        job->launchers_left--;
        advance(g, job);
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
        advance(g, &g->jobs[i]);
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

void revoke_asker_gone(struct gate *g, const struct admin *a)
{
    for (uint32_t i = 0; i < GATE_JOBS; i++) {
        if (g->jobs[i].used && g->jobs[i].admin == a)
            g->jobs[i].admin = NULL;
    }
}

/* ---- at start ---------------------------------------------------------- */

static ts_err replay_one(struct gate *g, struct ts_bytes payload,
                         const char **reterr_what)
{
    struct revocation_entry r;
    ts_err e =
        revocation_entry_decode(payload.ptr, payload.len, &r, reterr_what);

    if (e != TS_OK)
        return e;
    if (r.rev_seq <= g->rev_seq) {
        *reterr_what = "rev_seq: an entry is out of order";
        return TS_E_FORMAT;
    }
    e = revocations_add(
        &g->revoked, r.kind, r.tenant, r.target, r.cutoff,
        revocation_keep_until(r.kind, r.cutoff, r.unix_ms / 1000), 0);
    if (e != TS_OK) {
        *reterr_what = "too many revocations, or no memory for them";
        return e;
    }
    g->rev_seq = r.rev_seq;
    return TS_OK;
}

static ts_err replay_budget(struct gate *g, struct ts_bytes payload,
                            const char **reterr_what)
{
    uint64_t now_s = gate_now(g).unix_ms / 1000;
    struct grant_calls *calls;
    struct budget_entry b;
    ts_err e = budget_entry_decode(payload.ptr, payload.len, &b, reterr_what);

    if (e != TS_OK || b.expires_s <= now_s)
        return e;
    e = call_ids_open(&g->ids, b.tenant, b.grant_id, b.expires_s, now_s,
                      &calls);
    if (e != TS_OK) {
        *reterr_what = "too many grants with a budget, or no memory for them";
        return e;
    }
    grant_calls_replayed(calls, b.reserved);
    grant_calls_close(calls); /* remembered until it expires */
    return TS_OK;
}

static ts_err replay_entry(struct gate *g, uint64_t type,
                           struct ts_bytes payload, const char **reterr_what)
{
    if (type == JOURNAL_REVOCATION)
        return replay_one(g, payload, reterr_what);
    if (type == JOURNAL_CALLS)
        return replay_budget(g, payload, reterr_what);
    *reterr_what = "an entry of unknown type";
    return TS_E_FORMAT;
}

static ts_err replay_all(struct gate *g, const void *map, size_t len,
                         const char **reterr_what)
{
    struct mp_reader r;
    uint32_t count;
    ts_err e;

    mp_reader_init(&r, map, len);
    mp_read_tuple(&r, 2);
    if (mp_read_uint(&r, UINT64_MAX) != 1)
        mp_fail(&r, TS_E_FORMAT, "version");
    count = mp_read_array(&r, UINT32_MAX);
    for (uint32_t i = 0; i < count && r.error == TS_OK; i++) {
        struct ts_bytes payload;
        uint64_t type;

        mp_read_tuple(&r, 4);
        type = mp_read_uint(&r, UINT64_MAX);
        (void)mp_read_str(&r, TS_ID_MAX); /* the payload names it, too */
        (void)mp_read_uint(&r, UINT64_MAX);
        payload = mp_read_bin(&r, JOURNAL_PAYLOAD_MAX);
        if (r.error != TS_OK)
            break;
        e = replay_entry(g, type, payload, reterr_what);
        if (e != TS_OK)
            return e;
    }
    e = mp_done(&r);
    if (e != TS_OK)
        *reterr_what = r.what != NULL ? r.what : "malformed";
    return e;
}

ts_err revoke_replay(struct gate *g, int journal_fd, const char **reterr_what)
{
    struct stat st;
    void *map;
    ts_err e;

    if (fstat(journal_fd, &st) != 0 || st.st_size <= 0 ||
        (uint64_t)st.st_size > JOURNAL_BYTES_MAX) {
        *reterr_what = "size";
        return TS_E_FORMAT;
    }
    map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, journal_fd, 0);
    if (map == MAP_FAILED) {
        *reterr_what = "mmap";
        return TS_E_SYSTEM;
    }
    e = replay_all(g, map, (size_t)st.st_size, reterr_what);
    (void)munmap(map, (size_t)st.st_size);
    return e;
}
