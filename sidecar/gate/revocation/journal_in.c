#include "sidecar/gate/revocation/journal_in.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include "proto/msg/order.h"
#include "proto/wire/limits.h"
#include "proto/wire/mp_read.h"
#include "sidecar/common/revocation_entry.h"
#include "sidecar/gate/asking/breakglass.h"
#include "sidecar/gate/steps/approval_journal.h"
#include "sidecar/gate/steps/budget_journal.h"
#include "sidecar/gate/steps/callids.h"
#include "sidecar/gate/steps/mark_journal.h"
#include "sidecar/gate/uses_in.h"

#define JOURNAL_BYTES_MAX (1024u << 20) /* as much as the recorder keeps */

static void saw(struct gate *g, uint64_t unix_ms)
{
    if (unix_ms > g->replayed.last_seen_ms)
        g->replayed.last_seen_ms = unix_ms;
}

static ts_err take_revocation(struct gate *g, uint64_t keep_until,
                              struct ts_bytes payload, const char **reterr_what)
{
    struct revocation_entry r;
    struct tenant_state *t;
    ts_err e =
        revocation_entry_decode(payload.ptr, payload.len, &r, reterr_what);

    if (e != TS_OK)
        return e;
    if (r.rev_seq <= g->rev_seq) {
        *reterr_what = "rev_seq: an entry is out of order";
        return TS_E_FORMAT;
    }
    /* Nothing is dropped: the clock is not believed yet. */
    e = revocations_add(&g->revoked, r.kind, r.tenant, r.target, r.cutoff,
                        keep_until, 0);
    if (e == TS_E_LIMIT &&
        (e = tenant_states_get(&g->states, r.tenant, &t)) == TS_OK)
        tenant_state_overflow(t);
    if (e != TS_OK) {
        *reterr_what = "no memory for a revocation";
        return e;
    }
    g->rev_seq = r.rev_seq;
    g->replayed.revocations++;
    saw(g, r.unix_ms);
    return TS_OK;
}

static ts_err take_budget(struct gate *g, struct ts_bytes payload,
                          const char **reterr_what)
{
    uint64_t now_s = gate_now(g).real_ms / 1000;
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
    g->replayed.budgets++;
    return TS_OK;
}

static ts_err take_mark(struct gate *g, struct ts_bytes payload,
                        const char **reterr_what)
{
    struct tenant_state *t;
    struct mark_entry m;
    ts_err e = mark_entry_decode(payload.ptr, payload.len, &m, reterr_what);

    if (e != TS_OK)
        return e;
    e = tenant_states_get(&g->states, m.tenant, &t);
    if (e != TS_OK) {
        *reterr_what = "too many tenants, or no memory for them";
        return e;
    }
    tenant_state_mark(t, m.seq, m.hash);
    g->replayed.marks++;
    return TS_OK;
}

static ts_err take_clock(struct gate *g, struct ts_bytes payload,
                         const char **reterr_what)
{
    uint64_t unix_ms;
    ts_err e =
        clock_entry_decode(payload.ptr, payload.len, &unix_ms, reterr_what);

    if (e == TS_OK)
        saw(g, unix_ms);
    return e;
}

/* Evidence of a launch that people approved. Their question is gone with the
 * gate that asked it, so nothing is to be restored: it must only make sense. */
static ts_err take_approval(struct gate *g, struct ts_bytes payload,
                            const char **reterr_what)
{
    struct approval_entry a;
    ts_err e = approval_entry_decode(payload.ptr, payload.len, &a, reterr_what);

    if (e != TS_OK)
        return e;
    g->replayed.approvals++;
    saw(g, a.unix_ms);
    return TS_OK;
}

/* Nothing comes into force again by itself: but how often it was used counts,
 * if the same people's object is brought again. */
static ts_err take_escalation(struct gate *g, struct ts_bytes payload,
                              const char **reterr_what)
{
    uint64_t unix_ms;
    ts_err e = breakglass_replay(g, payload, &unix_ms, reterr_what);

    if (e != TS_OK)
        return e;
    g->replayed.escalations++;
    saw(g, unix_ms);
    return TS_OK;
}

static ts_err take(struct gate *g, uint64_t type, uint64_t keep_until,
                   struct ts_bytes payload, const char **reterr_what)
{
    switch (type) {
    case JOURNAL_REVOCATION:
        return take_revocation(g, keep_until, payload, reterr_what);
    case JOURNAL_CALLS:
        return take_budget(g, payload, reterr_what);
    case JOURNAL_DIRECTORY:
        return take_mark(g, payload, reterr_what);
    case JOURNAL_APPROVAL:
        return take_approval(g, payload, reterr_what);
    case JOURNAL_USES:
        return uses_replayed(g, payload, reterr_what);
    case JOURNAL_ESCALATION:
        return take_escalation(g, payload, reterr_what);
    case JOURNAL_CLOCK:
        return take_clock(g, payload, reterr_what);
    default: /* a number from outside, not one of our enums */
        *reterr_what = "an entry of unknown type";
        return TS_E_FORMAT;
    }
}

static ts_err take_all(struct gate *g, const void *map, size_t len,
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
        uint64_t type, keep_until;

        mp_read_tuple(&r, 4);
        type = mp_read_uint(&r, UINT64_MAX);
        (void)mp_read_str(&r, TS_ID_MAX); /* the payload names it, too */
        keep_until = mp_read_uint(&r, UINT64_MAX);
        payload = mp_read_bin(&r, JOURNAL_PAYLOAD_MAX);
        if (r.error != TS_OK)
            break;
        e = take(g, type, keep_until, payload, reterr_what);
        if (e != TS_OK)
            return e;
    }
    e = mp_done(&r);
    if (e != TS_OK)
        *reterr_what = r.what != NULL ? r.what : "malformed";
    return e;
}

ts_err journal_in(struct gate *g, int journal_fd, const char **reterr_what)
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
    e = take_all(g, map, (size_t)st.st_size, reterr_what);
    (void)munmap(map, (size_t)st.st_size);
    return e;
}
