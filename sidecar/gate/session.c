#include "sidecar/gate/session.h"

#include <sodium.h>
#include <string.h>

#include "proto/msg/client.h"
#include "proto/trust/handshake.h"
#include "proto/trust/id.h"
#include "proto/trust/revocation_record.h"
#include "proto/trust/store.h"
#include "proto/wire/mp_read.h"
#include "sidecar/common/log.h"
#include "sidecar/gate/calls.h"
#include "sidecar/gate/decide/decide.h"
#include "sidecar/gate/people/snapshot.h"
#include "sidecar/gate/revocation/revoke.h"
#include "sidecar/gate/revocation/revoke_signed.h"
#include "sidecar/gate/running/running.h"
#include "sidecar/gate/task_in.h"
#include "sidecar/gate/tools.h"

#define NS_PER_S UINT64_C(1000000000)

void session_hello(struct client *c)
{
    struct gate *g = c->gate;
    struct handshake_hello m = {.sidecar_id = g->settings.sidecar_id,
                                .now = gate_now(g).unix_ms / 1000,
                                .max_frame = TS_FRAME_MAX};

    randombytes_buf(c->challenge, sizeof(c->challenge));
    memcpy(m.challenge, c->challenge, sizeof(m.challenge));
    memcpy(m.sidecar_pk, g->key.pk, sizeof(m.sidecar_pk));
    client_sent(c, handshake_hello_send(&c->out, MSG_HELLO, &m));
}

/* A stranger can fail as often as he likes: at most ten lines a second. */
static void log_refusal(struct client *c, const char *why)
{
    struct gate *g = c->gate;
    uint64_t now = gate_now(g).boot_ns;

    g->stats.handshake_failures++;
    if (now - g->warned_ns < NS_PER_S / 10) {
        g->warn_skipped++;
        return;
    }
    log_event(LOG_WARN, "handshake_refused uid=%u reason=%s skipped=%llu",
              c->uid, why, (unsigned long long)g->warn_skipped);
    g->warned_ns = now;
    g->warn_skipped = 0;
}

/* The issuer's key id in front of a chain that is not verified yet: it only
 * selects the tenant whose keys must then verify it. */
static ts_err peek_kid(struct ts_bytes chain, uint8_t kid[16])
{
    struct mp_reader r;

    mp_reader_init(&r, chain.ptr, chain.len);
    mp_read_tuple(&r, 3);
    (void)mp_read_uint(&r, UINT64_MAX);
    mp_read_bin_exact(&r, kid, 16);
    return r.error;
}

static const struct snapshot_tenant *tenant_of(const struct client *c,
                                               struct ts_bytes chain)
{
    uint8_t kid[16];

    if (peek_kid(chain, kid) != TS_OK)
        return NULL;
    return snapshot_by_kid(c->gate->snapshot, kid);
}

static struct handshake_transcript transcript_of(const struct client *c,
                                                 const struct handshake_auth *m,
                                                 const struct delegation *d)
{
    struct handshake_transcript t = {.sidecar_id = c->gate->settings.sidecar_id,
                                     .uid = c->uid,
                                     .gid = c->gid};

    memcpy(t.challenge, c->challenge, sizeof(t.challenge));
    memcpy(t.client_nonce, m->client_nonce, sizeof(t.client_nonce));
    memcpy(t.sidecar_pk, c->gate->key.pk, sizeof(t.sidecar_pk));
    memcpy(t.chain_hash, d->chain_hash, sizeof(t.chain_hash));
    return t;
}

static void welcome(struct client *c, const struct handshake_transcript *t,
                    const struct handshake_auth *m)
{
    struct gate *g = c->gate;
    const struct delegation *d = c->authority->delegation;
    struct moment now = gate_now(g);
    uint64_t now_s = now.unix_ms / 1000;
    struct handshake_welcome w = {.rev_seq = g->rev_seq};

    w.ttl_s = d->expires > now_s ? d->expires - now_s : 0;
    /* A deadline of the boot clock: setting the clock back extends nothing. */
    c->expires_ns = now.boot_ns + w.ttl_s * NS_PER_S;
    handshake_server_proof(t, m->proof, &g->key, w.session_id, w.server_proof);
    memcpy(c->authority->session_id, w.session_id, sizeof(w.session_id));
    c->authority->peer_uid = c->uid;
    c->authority->peer_gid = c->gid;
    c->authority->peer_pid = c->pid;
    c->authority->peer_pidfs_ino = c->pidfs_ino;
    g->stats.handshakes++;
    client_sent(c, handshake_welcome_send(&c->out, MSG_WELCOME, &w));
}

/* Not this peer's fault, and no secret: NULL, or what is missing. Everything
 * else that a stranger hears is auth_failed. */
static const char *not_ready(const struct client *c,
                             const struct snapshot_tenant *tenant)
{
    if (!clock_guard_admits(&c->gate->guard))
        return "clock";
    if (tenant != NULL && !tenant->has_directory)
        return "no_directory";
    return NULL;
}

/* A name ends with every one above it that is registered and inactive, also
 * where it has an entry of its own and none of those is in the chain. The
 * decision asks the same; here it ends what runs. */
static bool names_are_active(const struct trust_store *store,
                             const struct delegation *d)
{
    for (size_t i = 0; i < d->block_count; i++) {
        struct ts_str a = trust_id_parent(d->blocks[i].agent);

        for (; a.len > 0; a = trust_id_parent(a)) {
            const struct trust_agent *up =
                trust_store_agent(store, d->tenant, a);

            if (up != NULL && up->status != TRUST_ACTIVE)
                return false;
        }
    }
    return true;
}

static enum trust_code check_now(const struct trust_config *cfg,
                                 const struct delegation *d, uint64_t now_s)
{
    enum trust_code c = delegation_check_now(cfg, d, now_s);

    if (c == TRUST_OK && !names_are_active(cfg->store, d))
        c = TRUST_E_REVOKED;
    return c;
}

/* The authority of a chain: of one that was verified under this snapshot only
 * what changes is asked again. */
static ts_err authority_of(struct client *c, struct ts_bytes chain,
                           const struct trust_config *cfg,
                           enum trust_code *reterr_code)
{
    struct gate *g = c->gate;
    uint64_t now_s = gate_now(g).unix_ms / 1000;
    uint8_t hash[TRUST_HASH_LEN];
    struct verified *known;
    ts_err e;

    delegation_chain_hash(chain.ptr, chain.len, hash);
    known = chain_cache_find(&g->chains, g->snapshot_serial, hash);
    if (known == NULL)
        return authority_make(chain.ptr, chain.len, cfg, now_s, &c->authority,
                              reterr_code);
    e = authority_again(known, &c->authority);
    if (e != TS_OK)
        return e;
    g->stats.chains_known++;
    *reterr_code = check_now(cfg, c->authority->delegation, now_s);
    return *reterr_code == TRUST_OK ? TS_OK : TS_E_AUTH;
}

/* Verifies chain and proof; NULL on success, else why not (for the log). */
static const char *admit(struct client *c, const struct snapshot_tenant *tenant,
                         const struct handshake_auth *m,
                         struct handshake_transcript *ret_t)
{
    struct gate *g = c->gate;
    uint64_t now_s = gate_now(g).unix_ms / 1000;
    enum trust_code why = TRUST_E_INTERNAL;
    const struct delegation *d;
    struct trust_config cfg;

    if (tenant == NULL)
        return "issuer_unknown";
    cfg = tenant->trust;
    cfg.revoked = &g->revoked;
    if (authority_of(c, m->chain, &cfg, &why) != TS_OK)
        return trust_code_name(why);
    d = c->authority->delegation;
    if (!ts_str_eq(d->tenant, tenant->name))
        return "tenant";
    if (!names_are_active(cfg.store, d))
        return trust_code_name(TRUST_E_REVOKED);
    if (!delegation_uid_allowed(&cfg, d, c->uid))
        return "uid_not_allowed";
    *ret_t = transcript_of(c, m, d);
    if (handshake_verify_client(ret_t, delegation_leaf(d)->holder, m->proof) !=
        TS_OK)
        return "proof";
    if (authority_blocks(c->authority, tenant->schema, &why) != TS_OK)
        return trust_code_name(why);
    c->tenant = tenant_states_find(&g->states, tenant->name);
    if (c->tenant == NULL)
        return "tenant_state";
    if (!call_ids_has_place(&g->ids, d->tenant, d->grant_id, now_s) ||
        call_ids_open(&g->ids, d->tenant, d->grant_id, d->blocks[0].exp, now_s,
                      &c->ids) != TS_OK)
        return "too_many_grants";
    if (task_in_open(c, tenant) != TS_OK)
        return "too_many_tasks";
    chain_cache_put(&g->chains, g->snapshot_serial, d->chain_hash, m->chain.len,
                    c->authority->verified);
    return NULL;
}

static void on_auth(struct client *c, const struct frame *f)
{
    struct gate *g = c->gate;
    struct handshake_transcript t;
    const struct snapshot_tenant *tenant = NULL;
    struct handshake_auth m;
    const char *why = "malformed", *lacks = NULL;

    g->verified_this_turn++;
    if (handshake_auth_decode(f->body, f->len, &m, &why) == TS_OK) {
        tenant = tenant_of(c, m.chain);
        lacks = not_ready(c, tenant);
        why = lacks == NULL ? admit(c, tenant, &m, &t) : lacks;
    }
    if (lacks != NULL) {
        log_refusal(c, lacks);
        client_event(c, CONN_EV_NOT_READY);
        return;
    }
    if (why != NULL) {
        log_refusal(c, why);
        peers_punish(&g->peers, c->uid);
        client_event(c, CONN_EV_AUTH_FAILED);
        return;
    }
    c->checked_epoch = g->revoked.epoch;
    c->checked_serial = g->snapshot_serial;
    client_event(c, CONN_EV_AUTH_OK);
    if (c->core.state == CONN_READY)
        welcome(c, &t, &m);
}

static enum call_code code_of(enum trust_code t)
{
    switch (t) {
    case TRUST_OK:
        return CODE_PERMITTED;
    case TRUST_E_EXPIRED:
        return CODE_EXPIRED;
    case TRUST_E_NOT_YET:
        return CODE_NOT_YET_VALID;
    case TRUST_E_INTERNAL:
        return CODE_INTERNAL;
    case TRUST_E_FORMAT:
    case TRUST_E_LIMIT:
    case TRUST_E_VERSION:
    case TRUST_E_TYPE:
    case TRUST_E_ID:
    case TRUST_E_ISSUER:
    case TRUST_E_SIG:
    case TRUST_E_TENANT:
    case TRUST_E_AUD:
    case TRUST_E_TTL:
    case TRUST_E_TIME:
    case TRUST_E_DEPTH:
    case TRUST_E_AGENT:
    case TRUST_E_USER:
    case TRUST_E_KEY:
    case TRUST_E_POLICY:
    case TRUST_E_REVOKED:
    case TRUST_CODE_COUNT_:
        break;
    }
    return CODE_REVOKED; /* whatever was trusted once and is no longer */
}

enum call_code session_chain_code(struct gate *g, const struct delegation *d)
{
    const struct snapshot_tenant *tenant =
        snapshot_tenant_find(g->snapshot, d->tenant);
    struct trust_config cfg;

    if (tenant == NULL)
        return CODE_REVOKED;
    cfg = tenant->trust;
    cfg.revoked = &g->revoked;
    return code_of(check_now(&cfg, d, gate_now(g).unix_ms / 1000));
}

enum call_code session_authority(struct client *c)
{
    struct gate *g = c->gate;
    const struct delegation *d = c->authority->delegation;
    const struct snapshot_tenant *tenant;
    struct trust_config cfg;
    enum call_code code;

    if (gate_now(g).boot_ns >= c->expires_ns)
        return CODE_EXPIRED;
    if (c->checked_epoch == g->revoked.epoch &&
        c->checked_serial == g->snapshot_serial)
        return CODE_PERMITTED;
    tenant = snapshot_tenant_find(g->snapshot, c->authority->tenant);
    if (tenant == NULL)
        return CODE_REVOKED;
    cfg = tenant->trust;
    cfg.revoked = &g->revoked;
    code = code_of(check_now(&cfg, d, gate_now(g).unix_ms / 1000));
    if (code == CODE_PERMITTED && !delegation_uid_allowed(&cfg, d, c->uid))
        code = CODE_REVOKED;
    if (code == CODE_PERMITTED &&
        revoked_session(g, c->authority->tenant, c->authority->session_id))
        code = CODE_REVOKED;
    if (code == CODE_PERMITTED) {
        c->checked_epoch = g->revoked.epoch;
        c->checked_serial = g->snapshot_serial;
    }
    return code;
}

void sessions_sooner(struct gate *g, uint64_t by_ns)
{
    for (struct client *c = g->clients; c != NULL; c = c->next)
        c->expires_ns = c->expires_ns > by_ns ? c->expires_ns - by_ns : 0;
}

uint64_t sessions_recheck(struct gate *g)
{
    uint64_t drained = 0;

    for (struct client *c = g->clients; c != NULL; c = c->next) {
        enum call_code code;

        if (c->core.state != CONN_READY)
            continue;
        code = session_authority(c);
        if (code == CODE_PERMITTED && !c->tenant->overflowed)
            continue;
        drained++;
        client_event(c,
                     code == CODE_EXPIRED ? CONN_EV_EXPIRED : CONN_EV_REVOKED);
    }
    return drained;
}

static ts_err on_ping(struct client *c, const struct frame *f)
{
    struct msg_ping m;
    const char *what;
    ts_err e = msg_ping_decode(f->body, f->len, &m, &what);

    if (e != TS_OK)
        return e;
    client_sent(c, msg_ping_send(&c->out, &m));
    return TS_OK;
}

static ts_err on_tools(struct client *c, const struct frame *f)
{
    struct msg_seq m;
    const char *what;
    ts_err e = msg_seq_decode(f->body, f->len, &m, &what);

    if (e != TS_OK)
        return e;
    client_sent(c, tools_answer(c->gate->snapshot->manifests, m.seq, &c->out));
    return TS_OK;
}

/* Only who holds the root of the grant may give it up for everyone below. */
static ts_err on_task_end(struct client *c, const struct frame *f)
{
    const struct delegation *d = c->authority->delegation;
    struct revoke_request r = {
        .kind = REVOCATION_GRANT,
        .tenant = d->tenant,
        .target = {.ptr = d->grant_id, .len = sizeof(d->grant_id)},
        .reason = TS_STR_LIT("task ended by its holder"),
        .by = "session",
        .by_uid = c->uid};
    struct revoke_asker nobody = {0};
    struct msg_seq m;
    const char *what;
    ts_err e = msg_seq_decode(f->body, f->len, &m, &what);

    if (e != TS_OK)
        return e;
    if (d->block_count != 1)
        return TS_E_DENIED;
    r.keep_until = revocation_keep_until(REVOCATION_GRANT, 0,
                                         gate_now(c->gate).unix_ms / 1000);
    e = revoke_apply(c->gate, &r, nobody);
    if (e != TS_OK)
        return e;
    client_sent(c, msg_seq_send(&c->out, MSG_TASK_END, &m));
    client_event(c, CONN_EV_SURRENDERED); /* drained already, by the revoke */
    return TS_OK;
}

/* Answered when the barrier behind it is back. */
static ts_err on_revoke(struct client *c, const struct frame *f)
{
    struct msg_revoke m;
    const char *what;
    ts_err e = msg_revoke_decode(f->body, f->len, &m, &what);

    if (e != TS_OK)
        return e;
    e = revoke_by_holder(c, m.seq, m.record, m.chain);
    if (e == TS_E_LIMIT) {
        client_event(c, CONN_EV_LIMITED);
        return TS_OK;
    }
    if (e == TS_E_STATE) {
        client_event(c, CONN_EV_UNAVAILABLE);
        return TS_OK;
    }
    return e;
}

static bool event_of(uint8_t type, enum conn_event *ret)
{
    switch (type) {
    case MSG_AUTH:
        *ret = CONN_EV_AUTH;
        return true;
    case MSG_PING:
        *ret = CONN_EV_PING;
        return true;
    case MSG_CALL:
        *ret = CONN_EV_CALL;
        return true;
    case MSG_CHECK:
        *ret = CONN_EV_CHECK;
        return true;
    case MSG_STDIN:
        *ret = CONN_EV_STDIN;
        return true;
    case MSG_CANCEL:
        *ret = CONN_EV_CANCEL;
        return true;
    case MSG_TOOLS:
        *ret = CONN_EV_TOOLS;
        return true;
    case MSG_TASK_END:
        *ret = CONN_EV_TASK_END;
        return true;
    case MSG_REVOKE:
        *ret = CONN_EV_REVOKE;
        return true;
    case MSG_ORIGIN:
        *ret = CONN_EV_ORIGIN;
        return true;
    default: /* a byte from outside, not one of our enums */
        return false;
    }
}

ts_err session_frame(struct client *c, const struct frame *f)
{
    enum conn_event ev;

    if (!event_of(f->type, &ev))
        return TS_E_FORMAT;
    if ((ev == CONN_EV_AUTH || ev == CONN_EV_REVOKE || ev == CONN_EV_ORIGIN) &&
        c->gate->verified_this_turn >= GATE_VERIFIES)
        return TS_E_AGAIN;
    switch (conn_step(&c->core, ev)) {
    case CONN_DO_VERIFY:
        on_auth(c, f);
        return TS_OK;
    case CONN_DO_ECHO:
        return on_ping(c, f);
    case CONN_DO_CALL:
        return calls_on_call(c, f);
    case CONN_DO_CHECK:
        return calls_on_check(c, f);
    case CONN_DO_STDIN:
        return runs_on_stdin(c, f);
    case CONN_DO_CANCEL:
        return runs_on_cancel(c, f);
    case CONN_DO_TOOLS:
        return on_tools(c, f);
    case CONN_DO_TASK_END:
        return on_task_end(c, f);
    case CONN_DO_REVOKE:
        return on_revoke(c, f);
    case CONN_DO_ORIGIN:
        return task_in_origin(c, f);
    case CONN_DO_CLOSE: /* out of order: a second AUTH, a CALL before it */
        client_closes(c);
        return TS_OK;
    case CONN_DO_NOTHING:
    case CONN_DO_HELLO:
    case CONN_DO_WELCOME:
    case CONN_DO_DRAIN:
    case CONN_DO_REFUSE:
        break;
    }
    return TS_E_STATE;
}
