#include "sidecar/gate/wire/admin_status.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "sidecar/gate/asking/approvals.h"
#include "sidecar/gate/asking/hook_in.h"
#include "sidecar/gate/people/snapshot.h"
#include "sidecar/gate/refused.h"
#include "sidecar/gate/revocation/revoke_signed.h"
#include "sidecar/gate/running/order_out.h"
#include "sidecar/gate/running/running.h"

#define PART_MAX 1024

static const char *ring_name(enum order_out_state s)
{
    switch (s) {
    case ORDER_OUT_ALL:
        return "ok";
    case ORDER_OUT_DENIALS:
        return "no_space";
    case ORDER_OUT_NOTHING:
        break;
    }
    return "stopped";
}

TS_PRINTF(2, 3)
static ts_err put(struct ts_buf *out, const char *fmt, ...)
{
    char part[PART_MAX];
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(part, sizeof(part), fmt, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= sizeof(part))
        return TS_E_LIMIT;
    return ts_buf_append(out, part, (size_t)n);
}

/* Numbers and fixed words only: nothing in it needs escaping. */
static ts_err put_gate(struct gate *g, struct ts_buf *out)
{
    const struct gate_stats *s = &g->stats;
    uint64_t up = (gate_now(g).boot_ns - g->started_ns) / 1000000000u;

    return put(
        out,
        "{\"uptime_s\":%" PRIu64 ",\"generation\":%" PRIu64
        ",\"rev_seq\":%" PRIu64 ",\"sessions\":%u,\"running\":%u,"
        "\"draining\":%s,\"ring\":\"%s\",\"decisions\":{\"permit\":%" PRIu64
        ",\"forbid\":%" PRIu64 ",\"pending\":%" PRIu64 "},\"checks\":%" PRIu64
        ",\"recorded\":%" PRIu64 ",\"handshakes\":%" PRIu64
        ",\"chains_known\":%" PRIu64 ",\"handshake_failures\":%" PRIu64
        ",\"peers_refused\":%" PRIu64 ",\"bad_frames\":%" PRIu64,
        up, g->snapshot->generation, g->rev_seq, g->client_count, runs_count(g),
        g->draining ? "true" : "false", ring_name(order_out_state(g)),
        s->permits, s->denials, s->pendings, s->checks, s->recorded,
        s->handshakes, s->chains_known, s->handshake_failures, s->refused_peers,
        s->frames_bad);
}

static ts_err put_state(struct gate *g, struct ts_buf *out)
{
    const struct journal_counts *j = &g->replayed;

    return put(out,
               ",\"clock\":{\"state\":\"%s\",\"unix_ms\":%" PRIu64
               ",\"system_ms\":%" PRIu64 "},\"revocations\":%zu,"
               "\"approvals\":{\"open\":%u,\"held\":%u},"
               "\"journal\":{\"revocations\":%" PRIu64 ",\"budgets\":%" PRIu64
               ",\"counters\":%" PRIu64 ",\"directories\":%" PRIu64
               ",\"last_seen_ms\":%" PRIu64 ",\"took_us\":%" PRIu64 "}",
               clock_guard_state_name(g->guard.state), gate_now(g).unix_ms,
               gate_now(g).real_ms, g->revoked.count, approvals_waiting(g),
               approvals_held(g), j->revocations, j->budgets, j->uses, j->marks,
               j->last_seen_ms, j->took_us);
}

/* An id needs no escaping either (proto/trust/id.h). */
static ts_err put_tenant(struct gate *g, const struct snapshot_tenant *t,
                         bool first, struct ts_buf *out)
{
    const struct tenant_state *state = tenant_states_find(&g->states, t->name);
    uint64_t boot_ns = gate_now(g).boot_ns, now_s = gate_now(g).unix_ms / 1000;
    enum call_code code =
        state != NULL ? tenant_state_code(state, boot_ns) : CODE_NOT_READY;
    uint64_t fresh_ms = code == CODE_PERMITTED && state->until_ns > boot_ns
                            ? (state->until_ns - boot_ns) / 1000000u
                            : 0;
    uint64_t issued = state != NULL ? state->issued : 0;

    return put(out,
               "%s\"%.*s\":{\"state\":\"%s\",\"dir_seq\":%" PRIu64
               ",\"age_s\":%" PRIu64 ",\"fresh_for_ms\":%" PRIu64
               ",\"revocations_full\":%s}",
               first ? "" : ",", (int)t->name.len, t->name.ptr,
               code == CODE_PERMITTED ? "ready" : call_code_name(code),
               t->people != NULL ? t->people->seq : 0,
               issued > 0 && now_s > issued ? now_s - issued : 0, fresh_ms,
               state != NULL && state->overflowed ? "true" : "false");
}

ts_err admin_status_text(struct gate *g, uint32_t uid, struct ts_buf *out)
{
    uint32_t shown = 0, left_out = 0;
    ts_err e;

    if ((e = put_gate(g, out)) != TS_OK || (e = put_state(g, out)) != TS_OK ||
        (e = hook_in_status(g, out)) != TS_OK ||
        (e = refused_status(g, operator_of_all(g, uid), out)) != TS_OK ||
        (e = put(out, ",\"tenants\":{")) != TS_OK)
        return e;
    for (uint32_t i = 0; i < g->snapshot->tenant_count; i++) {
        const struct snapshot_tenant *t = &g->snapshot->tenants[i];

        if (!operator_may(g, uid, t->name))
            continue;
        if (out->max - out->len < 2 * (size_t)PART_MAX) {
            left_out++;
            continue;
        }
        if ((e = put_tenant(g, t, shown == 0, out)) != TS_OK)
            return e;
        shown++;
    }
    return put(out, "},\"tenants_left_out\":%u}", left_out);
}
