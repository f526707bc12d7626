#include "sidecar/gate/revocation/feed.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "proto/trust/heartbeat.h"
#include "proto/trust/id.h"
#include "proto/trust/signed.h"
#include "proto/wire/limits.h"
#include "proto/wire/mp_read.h"
#include "sidecar/common/log.h"
#include "sidecar/gate/people/directory.h"
#include "sidecar/gate/people/snapshot.h"
#include "sidecar/gate/revocation/revoke_signed.h"
#include "sidecar/gate/running/order_out.h"
#include "sidecar/gate/session.h"
#include "sidecar/gate/steps/mark_journal.h"
#include "sidecar/gate/steps/records.h"

_Static_assert(TS_SNAPSHOT_MAX == SIGNED_SNAPSHOT_MAX,
               "what a message may carry is what can be signed");

#define RECORD_MAX 3072 /* bytes of a record of this file */
#define FEED_SLICE 128  /* new revocations of a directory in one turn */

/* Evidence is judged by what the clock says, also while that is not believed:
 * it is what may confirm it. */
static uint64_t judged_at(struct gate *g)
{
    struct moment now = gate_now(g);

    return clock_guard_admits(&g->guard) ? now.unix_ms / 1000
                                         : clock_guard_real_s(&g->guard);
}

static uint64_t capped_ns(uint64_t ms)
{
    return ms > UINT64_MAX / 1000000 ? UINT64_MAX : ms * 1000000;
}

static void clock_evidence(struct gate *g, uint64_t issued, bool newer)
{
    uint64_t before_ms = gate_now(g).unix_ms, ahead_ns;

    if (!clock_guard_evidence(&g->guard, issued, newer))
        return;
    log_event(LOG_WARN, "clock_confirmed issued=%llu",
              (unsigned long long)issued);
    g->now.unix_ms = g->guard.unix_ms;
    if (g->now.unix_ms <= before_ms)
        return;
    /* Deadlines were made by a clock that was behind: they are that late. */
    ahead_ns = capped_ns(g->now.unix_ms - before_ms);
    tenant_states_sooner(&g->states, ahead_ns);
    sessions_sooner(g, ahead_ns);
    escalations_sooner(&g->escalations, ahead_ns);
}

/* Evidence that cannot be old: a directory above a mark. The first one of a
 * tenant is above nothing. */
static bool has_mark(const struct gate *g, struct ts_str tenant)
{
    const struct tenant_state *t = tenant_states_find(&g->states, tenant);

    return t != NULL && t->mark_seq > 0;
}

static struct tenant_evidence evidence_of(const struct directory_snapshot *d)
{
    return (struct tenant_evidence){.seq = d->seq,
                                    .hash = d->hash,
                                    .issued = d->issued,
                                    .not_after = d->not_after};
}

/* ---- what is written down ---------------------------------------------- */

static ts_err write_mark(struct gate *g, const struct directory_snapshot *d)
{
    struct mark_entry m = {.tenant = d->tenant, .seq = d->seq};
    uint8_t payload[MARK_PAYLOAD_MAX];
    struct ring_journal j = {.type = JOURNAL_DIRECTORY,
                             .tenant = d->tenant,
                             .keep_until = UINT64_MAX,
                             .payload.ptr = payload};
    ts_err e;

    memcpy(m.hash, d->hash, sizeof(m.hash));
    order_out_journal_key(j.key, 0, (struct ts_bytes){0});
    e = mark_entry_encode(&m, payload, sizeof(payload), &j.payload.len);
    return e != TS_OK ? e : order_out_journal(g, &j);
}

static ts_err write_loaded(struct gate *g, const struct directory_snapshot *d,
                           uint32_t revoked, const char *by, uint32_t by_uid)
{
    uint8_t record[RECORD_MAX];
    size_t len;
    ts_err e = record_directory_loaded(d, revoked, by, by_uid, record,
                                       sizeof(record), &len);

    return e != TS_OK ? e : order_out_record_small(g, record, len);
}

/* Best effort: what is refused changes nothing, so nothing hangs on it. */
static void write_rejected(struct gate *g, const struct feed_offer *o,
                           struct ts_str tenant, const char *text)
{
    uint8_t record[RECORD_MAX];
    size_t len;

    log_event(LOG_WARN, "directory_rejected by=%s uid=%u text=\"%s\"", o->by,
              o->by_uid, text);
    if (o->what != FEED_SNAPSHOT || order_out_state(g) == ORDER_OUT_NOTHING ||
        record_directory_rejected(tenant, ts_str_of(text), o->by, o->by_uid,
                                  record, sizeof(record), &len) != TS_OK ||
        order_out_record_small(g, record, len) != TS_OK)
        log_event(LOG_INFO, "directory_rejected_unrecorded");
    else
        order_out_wake(g);
}

TS_PRINTF(3, 4)
static ts_err refuse(struct feed_refusal *ret, const char *code,
                     const char *fmt, ...)
{
    va_list ap;

    ret->code = code;
    va_start(ap, fmt);
    (void)vsnprintf(ret->text, sizeof(ret->text), fmt, ap);
    va_end(ap);
    return TS_E_DENIED;
}

/* ---- a directory ------------------------------------------------------- */

static const char *code_of(ts_err e)
{
    if (e == TS_E_AUTH)
        return "auth_failed";
    if (e == TS_E_STATE || e == TS_E_DENIED)
        return "stale_state";
    if (e == TS_E_NOMEM)
        return "internal";
    return "bad_arguments";
}

/*
 * Revocations that stand in it; *ret_new counts those that said something. Each
 * that does costs a verification: TS_E_AGAIN after FEED_SLICE of them, so that
 * thousands do not hold up everybody's calls; those stand, and the next time
 * they are known.
 */
static ts_err take_revocations(struct gate *g, const struct trust_store *store,
                               struct ts_str tenant,
                               const struct directory_snapshot *people,
                               uint32_t *ret_new, uint32_t *reterr_index)
{
    uint32_t taken = 0;

    for (uint32_t i = 0; i < people->revocation_count; i++) {
        bool is_new;
        ts_err e;

        if (taken == FEED_SLICE) {
            gate_retry_soon(g);
            return TS_E_AGAIN;
        }
        e = revoke_by_directory(g, store, tenant, people->revocations[i],
                                &is_new);
        if (e != TS_OK) {
            *reterr_index = i;
            return e;
        }
        taken += is_new ? 1 : 0;
    }
    *ret_new = taken;
    return TS_OK;
}

/* The same rules with the new directory, for what is in force and for what is
 * prepared; NULL for none. */
struct fresh {
    struct snapshot *now, *next;
};

static void fresh_release(struct fresh *f)
{
    if (f->now != NULL)
        snapshot_free(f->now);
    if (f->next != NULL)
        snapshot_free(f->next);
    *f = (struct fresh){0};
}

static ts_err refused(struct feed_refusal *ret, ts_err e)
{
    ret->code = code_of(e);
    return TS_E_DENIED;
}

static struct snapshot_past past_of(struct gate *g)
{
    return (struct snapshot_past){.states = &g->states, .now_s = judged_at(g)};
}

static ts_err fresh_make(struct gate *g, struct ts_str tenant,
                         struct ts_bytes object, struct directory *d,
                         struct fresh *ret, struct feed_refusal *reterr)
{
    struct snapshot_past past = past_of(g);
    struct fresh f = {0};
    ts_err e;

    if (g->next != NULL) { /* what would not fit it is refused now */
        e = snapshot_with_directory(g->next, tenant, object, &past, &f.next,
                                    reterr->text, sizeof(reterr->text));
        if (e != TS_OK && e != TS_E_EXISTS)
            return refused(reterr, e);
    }
    e = snapshot_with_opened(g->snapshot, tenant, d, &f.now, reterr->text,
                             sizeof(reterr->text));
    if (e != TS_OK) {
        fresh_release(&f);
        return refused(reterr, e);
    }
    *ret = f;
    return TS_OK;
}

void feed_swap(struct gate *g, struct snapshot *s)
{
    struct snapshot *old = g->snapshot;

    g->snapshot = s;
    g->snapshot_serial++;
    if (old != NULL)
        snapshot_free(old);
}

/* Everything but the swap; nothing is done yet at TS_E_AGAIN. */
static ts_err enter(struct gate *g, const struct feed_offer *o,
                    const struct snapshot_tenant *t, uint32_t revoked,
                    struct feed_refusal *reterr)
{
    const struct tenant_evidence ev = evidence_of(t->people);
    bool newer = has_mark(g, t->name);
    struct tenant_state *state;
    uint8_t *room;
    ts_err e = order_out_begin(g, &room);

    if (e != TS_OK)
        return e;
    if (tenant_states_get(&g->states, t->name, &state) != TS_OK)
        return refuse(reterr, "internal", "too many tenants, or no memory");
    e = write_mark(g, t->people);
    if (e == TS_OK)
        e = write_loaded(g, t->people, revoked, o->by, o->by_uid);
    if (e == TS_OK) {
        clock_evidence(g, ev.issued, newer); /* before deadlines are made */
        e = tenant_state_directory(state, &ev, t->max_staleness_s, gate_now(g));
    }
    if (e != TS_OK)
        gate_fail(g, "a directory could not be written down");
    return e;
}

/* Its revocations first, a slice in each turn; the costly rest in one turn. */
static ts_err take_directory(struct gate *g, const struct feed_offer *o,
                             struct ts_str tenant, struct directory *d,
                             struct feed_refusal *reterr)
{
    const struct snapshot_tenant *t;
    uint32_t revoked = 0, at = 0;
    struct fresh f;
    ts_err e = take_revocations(g, g->snapshot->store, tenant,
                                directory_people(d), &revoked, &at);

    if (e == TS_E_AUTH)
        return refuse(reterr, "auth_failed",
                      "revocations[%u] does not verify: sign it with a revoker "
                      "of the tenant, or leave it out",
                      at);
    if (e != TS_OK ||
        (e = fresh_make(g, tenant, o->object, d, &f, reterr)) != TS_OK)
        return e;
    t = snapshot_tenant_find(f.now, tenant);
    e = t != NULL && t->people != NULL ? enter(g, o, t, revoked, reterr)
                                       : TS_E_STATE;
    if (e != TS_OK) {
        fresh_release(&f);
        return e;
    }
    log_event(LOG_INFO, "directory_loaded tenant=\"%.*s\" seq=%llu by=%s",
              (int)tenant.len, tenant.ptr, (unsigned long long)t->people->seq,
              o->by);
    feed_swap(g, f.now);
    if (f.next != NULL) {
        snapshot_free(g->next);
        g->next = f.next;
    }
    return TS_OK;
}

/* What goes on in a later turn is not verified in each. */
static void keep_opened(struct gate *g, struct directory *d)
{
    if (d != NULL)
        directory_hold(d);
    directory_release(g->opened);
    g->opened = d;
    g->opened_serial = g->snapshot_serial;
}

/* The one that was taken already: acknowledged behind what it did. */
static ts_err apply_same(struct gate *g, struct ts_str tenant,
                         struct revoke_asker asker, struct feed_refusal *reterr)
{
    const struct snapshot_tenant *t = snapshot_tenant_find(g->snapshot, tenant);
    const struct tenant_state *state = tenant_states_find(&g->states, tenant);

    if (t == NULL || t->people == NULL || state == NULL ||
        !state->has_directory)
        return refuse(reterr, "auth_failed",
                      "this directory was taken from its file, but is not in "
                      "force: a revocation in it does not verify; leave that "
                      "out, or sign it with a revoker of the tenant");
    clock_evidence(g, t->people->issued, false);
    revoke_settle(g, asker);
    return TS_OK;
}

static ts_err apply_directory(struct gate *g, const struct feed_offer *o,
                              struct ts_str tenant, struct revoke_asker asker,
                              struct feed_refusal *reterr)
{
    const struct snapshot_past past = past_of(g);
    const struct revoke_asker nobody = {0};
    uint64_t epoch = g->revoked.epoch;
    struct directory *d;
    ts_err e = snapshot_directory_open(
        g->snapshot, tenant, o->object, &past,
        g->opened_serial == g->snapshot_serial ? g->opened : NULL, &d,
        reterr->text, sizeof(reterr->text));

    if (e == TS_E_EXISTS)
        return apply_same(g, tenant, asker, reterr);
    if (e != TS_OK)
        return refused(reterr, e);
    e = take_directory(g, o, tenant, d, reterr);
    keep_opened(g, e == TS_E_AGAIN ? d : NULL);
    directory_release(d);
    /* Revocations that came before the flaw stand on their own. */
    if (e == TS_OK || g->revoked.epoch != epoch)
        revoke_settle(g, e == TS_OK ? asker : nobody);
    return e;
}

/* ---- a heartbeat ------------------------------------------------------- */

static ts_err take_heartbeat(struct gate *g, const struct trust_store *store,
                             struct ts_str tenant, struct ts_bytes object,
                             const char **reterr_what)
{
    struct tenant_state *state;
    struct tenant_evidence ev;
    struct heartbeat h;
    enum trust_code c = heartbeat_verify(store, object, judged_at(g), &h);

    if (c != TRUST_OK) {
        *reterr_what = c == TRUST_E_ISSUER || c == TRUST_E_SIG
                           ? "not signed by a directory key of the tenant"
                       : c == TRUST_E_TIME    ? "issued in the future"
                       : c == TRUST_E_EXPIRED ? "too old"
                                              : "malformed";
        return TS_E_AUTH;
    }
    state = tenant_states_find(&g->states, tenant);
    if (!ts_str_eq(h.tenant, tenant) || state == NULL) {
        *reterr_what = "no such tenant";
        return TS_E_NOT_FOUND;
    }
    ev = (struct tenant_evidence){.seq = h.seq,
                                  .hash = h.snapshot_hash,
                                  .issued = h.issued,
                                  .not_after = h.not_after};
    if (!tenant_state_holds(state, &ev)) {
        *reterr_what = "of another directory than the one in force";
        return TS_E_STATE;
    }
    clock_evidence(g, h.issued, false); /* before deadlines are made */
    return tenant_state_heartbeat(state, &ev, gate_now(g));
}

/* ---- both -------------------------------------------------------------- */

/* Which tenant an object names, before anything of it is verified: it only
 * selects the keys that must then verify it. */
static ts_err tenant_named(enum feed_what what, struct ts_bytes object,
                           struct ts_str *ret)
{
    struct signed_object o;
    struct mp_reader r;

    if (signed_split(what == FEED_SNAPSHOT ? SIGNED_SNAPSHOT : SIGNED_HEARTBEAT,
                     object, &o) != TRUST_OK)
        return TS_E_FORMAT;
    mp_reader_init(&r, o.body.ptr, o.body.len);
    (void)mp_read_array(&r, 64);
    (void)mp_read_uint(&r, UINT64_MAX);
    *ret = mp_read_str(&r, TS_ID_MAX);
    return r.error == TS_OK && trust_id_valid(*ret) ? TS_OK : TS_E_FORMAT;
}

/* What it is and whose, by its form alone: so that junk takes nobody's place
 * among those that wait. */
static ts_err look(const struct feed_offer *o, struct ts_str *ret_tenant,
                   struct feed_refusal *reterr)
{
    struct ts_str named;

    *ret_tenant = o->tenant;
    if (tenant_named(o->what, o->object, &named) != TS_OK)
        return refuse(reterr, "bad_arguments", "not a signed %s",
                      o->what == FEED_SNAPSHOT ? "directory" : "heartbeat");
    if (o->tenant.len > 0 && !ts_str_eq(o->tenant, named))
        return refuse(reterr, "bad_arguments", "it is of another tenant");
    *ret_tenant = named;
    return TS_OK;
}

static ts_err apply_heartbeat(struct gate *g, const struct feed_offer *o,
                              struct ts_str tenant, struct revoke_asker asker,
                              struct feed_refusal *reterr)
{
    const char *what = "";

    if (take_heartbeat(g, g->snapshot->store, tenant, o->object, &what) !=
        TS_OK)
        return refuse(reterr, "stale_state",
                      "tenants/%.*s/directory.heartbeat: %s", (int)tenant.len,
                      tenant.ptr, what);
    if (asker.admin != NULL)
        revoke_settle(g, asker);
    return TS_OK;
}

ts_err feed_apply(struct gate *g, const struct feed_offer *o,
                  struct revoke_asker asker, struct feed_refusal *reterr)
{
    struct ts_str tenant;
    ts_err e = look(o, &tenant, reterr);

    if (e == TS_OK) {
        /* A heartbeat that nobody waits for leaves nothing behind: it goes on
         * whatever else is under way, or all tenants would go stale. */
        if (o->what == FEED_SNAPSHOT || asker.admin != NULL)
            e = revoke_ready(g, asker.admin != NULL);
        if (e == TS_E_AGAIN)
            return e;
        if (e != TS_OK)
            return refuse(reterr, "audit_unavailable",
                          "the directory could not be recorded");
        e = o->what == FEED_SNAPSHOT
                ? apply_directory(g, o, tenant, asker, reterr)
                : apply_heartbeat(g, o, tenant, asker, reterr);
    }
    if (e == TS_E_DENIED)
        write_rejected(g, o, tenant, reterr->text);
    else if (e != TS_OK && e != TS_E_AGAIN)
        e = refuse(reterr, "internal", "%s", ts_err_text(e));
    return e;
}

/* ---- with the configuration -------------------------------------------- */

/* Marks and revocations of one tenant; may be repeated. */
static ts_err adopt_written(struct gate *g, const struct snapshot *s,
                            const struct snapshot_tenant *t, bool *ret_ready)
{
    struct tenant_state *state;
    uint32_t revoked = 0, at = 0;
    uint8_t *room;
    ts_err e;

    *ret_ready = false;
    if ((e = tenant_states_get(&g->states, t->name, &state)) != TS_OK)
        return e;
    if (!t->has_directory)
        return TS_OK;
    e = take_revocations(g, s->store, t->name, t->people, &revoked, &at);
    if (e == TS_E_AUTH) {
        log_event(LOG_ERROR,
                  "directory_rejected by=file text=\"tenants/%.*s/"
                  "directory.snapshot: revocations[%u] does not verify\"",
                  (int)t->name.len, t->name.ptr, at);
        return TS_OK;
    }
    if (e != TS_OK)
        return e;
    *ret_ready = true;
    if (tenant_state_judge(state, t->people->seq, t->people->hash) !=
        OFFER_NEWER)
        return TS_OK;
    if ((e = order_out_begin(g, &room)) != TS_OK ||
        (e = write_mark(g, t->people)) != TS_OK)
        return e;
    clock_evidence(g, t->people->issued, state->mark_seq > 0);
    return write_loaded(g, t->people, revoked, "file", 0);
}

static void adopt_state(struct gate *g, const struct snapshot *s,
                        const struct snapshot_tenant *t, bool ready)
{
    struct tenant_state *state = tenant_states_find(&g->states, t->name);
    const char *what = "";

    if (state == NULL)
        return;
    if (ready) {
        const struct tenant_evidence ev = evidence_of(t->people);

        ready = tenant_state_directory(state, &ev, t->max_staleness_s,
                                       gate_now(g)) == TS_OK;
        clock_evidence(g, t->people->issued, false);
    }
    if (!ready) {
        tenant_state_vanish(state);
        log_event(LOG_WARN, "tenant_not_ready tenant=\"%.*s\"",
                  (int)t->name.len, t->name.ptr);
        return;
    }
    if (t->heartbeat.len > 0 &&
        take_heartbeat(g, s->store, t->name, t->heartbeat, &what) != TS_OK)
        log_event(LOG_WARN, "heartbeat_refused tenant=\"%.*s\" reason=\"%s\"",
                  (int)t->name.len, t->name.ptr, what);
}

/* Of all tenants, before the state of any changes: this may take several turns,
 * in which the configuration before it decides. What does not verify is met
 * again by whoever may tell. */
static ts_err adopt_revocations(struct gate *g, const struct snapshot *s)
{
    for (uint32_t i = 0; i < s->tenant_count; i++) {
        const struct snapshot_tenant *t = &s->tenants[i];
        uint32_t revoked, at;
        ts_err e = TS_OK;

        if (t->has_directory)
            e = take_revocations(g, s->store, t->name, t->people, &revoked,
                                 &at);
        if (e != TS_OK && e != TS_E_AUTH)
            return e;
    }
    return TS_OK;
}

ts_err feed_adopt(struct gate *g, const struct snapshot *s)
{
    ts_err err = adopt_revocations(g, s);

    if (err != TS_OK)
        return err;
    for (uint32_t i = 0; i < s->tenant_count; i++) {
        bool ready;
        ts_err e = adopt_written(g, s, &s->tenants[i], &ready);

        if (e != TS_OK)
            return e;
        adopt_state(g, s, &s->tenants[i], ready);
    }
    for (uint32_t i = 0; i < g->states.count; i++) {
        if (snapshot_tenant_find(s, g->states.list[i]->name) == NULL)
            tenant_state_vanish(g->states.list[i]);
    }
    return TS_OK;
}
