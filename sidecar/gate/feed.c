#include "sidecar/gate/feed.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "proto/trust/heartbeat.h"
#include "proto/trust/id.h"
#include "proto/trust/signed.h"
#include "proto/wire/limits.h"
#include "proto/wire/mp_read.h"
#include "sidecar/common/log.h"
#include "sidecar/gate/mark_journal.h"
#include "sidecar/gate/order_out.h"
#include "sidecar/gate/records.h"
#include "sidecar/gate/revoke_signed.h"
#include "sidecar/gate/snapshot.h"

_Static_assert(TS_SNAPSHOT_MAX == SIGNED_SNAPSHOT_MAX,
               "what a message may carry is what can be signed");

#define RECORD_MAX 3072 /* bytes of a record of this file */

/* Evidence is judged by what the clock says, also while that is not believed:
 * it is what may confirm it. */
static uint64_t judged_at(struct gate *g)
{
    struct moment now = gate_now(g);

    return clock_guard_admits(&g->guard) ? now.unix_ms / 1000
                                         : clock_guard_real_s(&g->guard);
}

static void clock_evidence(struct gate *g, uint64_t issued, bool newer)
{
    if (clock_guard_evidence(&g->guard, issued, newer)) {
        log_event(LOG_WARN, "clock_confirmed issued=%llu",
                  (unsigned long long)issued);
        g->now.unix_ms = g->guard.unix_ms;
    }
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

/* Revocations that stand in it; *ret_new counts those that said something. */
static ts_err take_revocations(struct gate *g, const struct snapshot *s,
                               const struct snapshot_tenant *t,
                               uint32_t *ret_new, uint32_t *reterr_index)
{
    for (uint32_t i = 0; i < t->people->revocation_count; i++) {
        bool is_new;
        ts_err e = revoke_by_directory(g, s->store, t->name,
                                       t->people->revocations[i], &is_new);

        if (e != TS_OK) {
            *reterr_index = i;
            return e;
        }
        *ret_new += is_new ? 1 : 0;
    }
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
        snapshot_release(f->now);
    if (f->next != NULL)
        snapshot_release(f->next);
    *f = (struct fresh){0};
}

static ts_err fresh_make(struct gate *g, struct ts_str tenant,
                         struct ts_bytes object, struct fresh *ret,
                         struct feed_refusal *reterr)
{
    struct snapshot_past past = {.states = &g->states, .now_s = judged_at(g)};
    struct fresh f = {0};
    ts_err e;

    reterr->text[0] = '\0';
    if (g->next != NULL) { /* what would not fit it is refused now */
        e = snapshot_with_directory(g->next, tenant, object, &past, &f.next,
                                    reterr->text, sizeof(reterr->text));
        if (e != TS_OK && e != TS_E_EXISTS) {
            reterr->code = code_of(e);
            return TS_E_DENIED;
        }
    }
    e = snapshot_with_directory(g->snapshot, tenant, object, &past, &f.now,
                                reterr->text, sizeof(reterr->text));
    if (e != TS_OK) {
        fresh_release(&f);
        reterr->code = code_of(e);
        return e == TS_E_EXISTS ? e : TS_E_DENIED;
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
        snapshot_release(old);
}

/* Everything but the swap; may be repeated from the start after TS_E_AGAIN. */
static ts_err enter(struct gate *g, const struct feed_offer *o,
                    const struct snapshot *s, const struct snapshot_tenant *t,
                    struct feed_refusal *reterr)
{
    const struct tenant_evidence ev = evidence_of(t->people);
    struct tenant_state *state;
    uint32_t revoked = 0, at = 0;
    uint8_t *room;
    ts_err e = take_revocations(g, s, t, &revoked, &at);

    if (e == TS_E_AUTH)
        return refuse(reterr, "auth_failed",
                      "revocations[%u] does not verify: sign it with a revoker "
                      "of the tenant, or leave it out",
                      at);
    if (e != TS_OK || (e = order_out_begin(g, &room)) != TS_OK)
        return e;
    if ((e = tenant_states_get(&g->states, t->name, &state)) != TS_OK)
        return refuse(reterr, "internal", "too many tenants, or no memory");
    e = write_mark(g, t->people);
    if (e == TS_OK)
        e = write_loaded(g, t->people, revoked, o->by, o->by_uid);
    if (e == TS_OK)
        e = tenant_state_directory(state, &ev, t->max_staleness_s, gate_now(g));
    if (e != TS_OK)
        gate_fail(g, "a directory could not be written down");
    return e;
}

static ts_err apply_directory(struct gate *g, const struct feed_offer *o,
                              struct ts_str tenant, struct revoke_asker asker,
                              struct feed_refusal *reterr)
{
    const struct snapshot_tenant *t;
    const struct revoke_asker nobody = {0};
    uint64_t epoch = g->revoked.epoch;
    bool newer = has_mark(g, tenant);
    struct fresh f;
    ts_err e = fresh_make(g, tenant, o->object, &f, reterr);

    if (e == TS_E_EXISTS) { /* in force: acknowledged behind what it did */
        t = snapshot_tenant_find(g->snapshot, tenant);
        if (t != NULL && t->people != NULL)
            clock_evidence(g, t->people->issued, false);
        revoke_settle(g, asker);
        return TS_OK;
    }
    if (e != TS_OK)
        return e;
    t = snapshot_tenant_find(f.now, tenant);
    e = t != NULL && t->people != NULL ? enter(g, o, f.now, t, reterr)
                                       : TS_E_STATE;
    if (e != TS_OK) {
        fresh_release(&f);
        /* Revocations that came before the flaw stand on their own. */
        if (g->revoked.epoch != epoch)
            revoke_settle(g, nobody);
        return e;
    }
    log_event(LOG_INFO, "directory_loaded tenant=\"%.*s\" seq=%llu by=%s",
              (int)tenant.len, tenant.ptr, (unsigned long long)t->people->seq,
              o->by);
    clock_evidence(g, t->people->issued, newer);
    feed_swap(g, f.now);
    if (f.next != NULL) {
        snapshot_release(g->next);
        g->next = f.next;
    }
    revoke_settle(g, asker);
    return TS_OK;
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
    if (tenant_state_heartbeat(state, &ev, gate_now(g)) != TS_OK) {
        *reterr_what = "of another directory than the one in force";
        return TS_E_STATE;
    }
    clock_evidence(g, h.issued, false);
    return TS_OK;
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

ts_err feed_apply(struct gate *g, const struct feed_offer *o,
                  struct revoke_asker asker, struct feed_refusal *reterr)
{
    struct ts_str named, tenant = o->tenant;
    const char *what = "";
    ts_err e = revoke_ready(g, asker.admin != NULL);

    if (e == TS_E_AGAIN)
        return e;
    if (e != TS_OK)
        return refuse(reterr, "audit_unavailable",
                      "the directory could not be recorded");
    if (tenant_named(o->what, o->object, &named) != TS_OK)
        e = refuse(reterr, "bad_arguments", "not a signed %s",
                   o->what == FEED_SNAPSHOT ? "directory" : "heartbeat");
    else if (tenant.len > 0 && !ts_str_eq(tenant, named))
        e = refuse(reterr, "bad_arguments", "it is of another tenant");
    if (e == TS_OK && tenant.len == 0)
        tenant = named;
    if (e == TS_OK && o->what == FEED_SNAPSHOT) {
        e = apply_directory(g, o, tenant, asker, reterr);
    } else if (e == TS_OK) {
        if (take_heartbeat(g, g->snapshot->store, tenant, o->object, &what) !=
            TS_OK)
            e = refuse(reterr, "stale_state",
                       "tenants/%.*s/directory.heartbeat: %s", (int)tenant.len,
                       tenant.ptr, what);
        else if (asker.admin != NULL)
            revoke_settle(g, asker);
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
    e = take_revocations(g, s, t, &revoked, &at);
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
    if (t->people->seq == 0 || /* a source, which nobody signed */
        tenant_state_judge(state, t->people->seq, t->people->hash) !=
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

ts_err feed_adopt(struct gate *g, const struct snapshot *s)
{
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
