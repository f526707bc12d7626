/*
 * Our half of tests/oracle/differential.py: reads one command a line, answers
 * with one line. Words are separated by blanks; bytes and texts are hex, "-" is
 * empty, numbers are decimal. First the configuration and "build", then any
 * number of objects to judge ("chain NOW HEX") or to make ("mint_cert SEED
 * .."). A line that it does not know ends it with status 2: the other half is
 * wrong.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/ts_buf.h"
#include "proto/trust/agent_cert.h"
#include "proto/trust/delegation_build.h"
#include "proto/trust/directory_snapshot.h"
#include "proto/trust/handshake.h"
#include "proto/trust/heartbeat.h"
#include "proto/trust/revocation_record.h"
#include "proto/wire/frame.h"

#define WORDS_MAX 64
#define LIST_MAX  64
#define OUT_MAX   ((size_t)8 << 20)

struct worker {
    struct ts_arena config, scratch; /* for ever; of one line */
    struct trust_tenant tenants[LIST_MAX];
    struct trust_key keys[LIST_MAX];
    struct trust_agent agents[LIST_MAX];
    struct trust_user users[LIST_MAX];
    struct trust_input in;
    struct trust_config cfg;
    struct revocations revoked;
    char *word[WORDS_MAX];
    size_t words;
};

_Noreturn static void broken(const char *what)
{
    (void)fprintf(stderr, "trust_worker: %s\n", what);
    exit(2);
}

static const char *word(struct worker *w, size_t i)
{
    if (i >= w->words)
        broken("a word is missing");
    return w->word[i];
}

static uint64_t number(struct worker *w, size_t i)
{
    return strtoull(word(w, i), NULL, 10);
}

static struct ts_bytes bytes_in(struct worker *w, size_t i, struct ts_arena *a)
{
    const char *s = word(w, i);
    size_t n = strlen(s) / 2;
    void *p;

    if (strcmp(s, "-") == 0)
        return (struct ts_bytes){.ptr = (const uint8_t *)""};
    if (ts_arena_alloc(a, n, &p) != TS_OK ||
        ts_hex_decode(s, strlen(s), p, n) != TS_OK)
        broken("hex");
    return (struct ts_bytes){.ptr = p, .len = n};
}

static struct ts_bytes bytes(struct worker *w, size_t i)
{
    return bytes_in(w, i, &w->scratch);
}

static struct ts_str text_in(struct worker *w, size_t i, struct ts_arena *a)
{
    struct ts_bytes b = bytes_in(w, i, a);

    return (struct ts_str){.ptr = (const char *)b.ptr, .len = b.len};
}

static struct ts_str text(struct worker *w, size_t i)
{
    return text_in(w, i, &w->scratch);
}

static void exact(struct worker *w, size_t i, uint8_t *out, size_t len)
{
    struct ts_bytes b = bytes(w, i);

    if (b.len != len)
        broken("a length");
    memcpy(out, b.ptr, len);
}

static void hex(const void *p, size_t n)
{
    const uint8_t *b = p;

    (void)fputc(' ', stdout);
    if (n == 0)
        (void)fputc('-', stdout);
    for (size_t i = 0; i < n; i++)
        (void)printf("%02x", b[i]);
}

static void hex_str(struct ts_str s)
{
    hex(s.ptr, s.len);
}

/* Everything but OK ends the line here. */
static bool verdict(enum trust_code c)
{
    (void)fputs(trust_code_name(c), stdout);
    return c == TRUST_OK;
}

static struct trust_secret secret(struct worker *w, size_t i)
{
    uint8_t seed[TRUST_SEED_LEN];
    struct trust_secret s;

    exact(w, i, seed, sizeof(seed));
    if (trust_secret_from_seed(seed, &s) != TS_OK)
        broken("seed");
    return s;
}

static void made(const struct ts_buf *b, ts_err e)
{
    if (e != TS_OK)
        (void)fputs("REFUSED", stdout);
    else {
        (void)fputs("OK", stdout);
        hex(ts_buf_bytes(b), b->len);
    }
}

/* ---- configuration ------------------------------------------------------- */

static void add_tenant(struct worker *w)
{
    w->tenants[w->in.tenant_count++] =
        (struct trust_tenant){.id = text_in(w, 1, &w->config),
                              .max_ttl_s = number(w, 2),
                              .any_user = number(w, 3) != 0};
}

static void add_key(struct worker *w)
{
    struct trust_key *k = &w->keys[w->in.key_count++];

    *k = (struct trust_key){.role = (enum trust_role)number(w, 1),
                            .tenant = text_in(w, 2, &w->config),
                            .name = text_in(w, 3, &w->config),
                            .not_before = number(w, 5),
                            .not_after = number(w, 6),
                            .disabled = number(w, 7) != 0};
    exact(w, 4, k->pk, sizeof(k->pk));
}

static void add_agent(struct worker *w)
{
    struct trust_agent *a = &w->agents[w->in.agent_count++];

    *a = (struct trust_agent){.tenant = text_in(w, 1, &w->config),
                              .id = text_in(w, 2, &w->config),
                              .status = (enum trust_status)number(w, 3)};
    for (size_t i = 4; i < w->words; i++)
        exact(w, i, a->keys[a->key_count++], TRUST_PK_LEN);
}

static void add_user(struct worker *w)
{
    w->users[w->in.user_count++] =
        (struct trust_user){.tenant = text_in(w, 1, &w->config),
                            .id = text_in(w, 2, &w->config),
                            .status = (enum trust_status)number(w, 3)};
}

static void add_audience(struct worker *w)
{
    w->cfg.audiences[w->cfg.audience_count++] = text_in(w, 1, &w->config);
}

static void add_revoked(struct worker *w)
{
    if (revocations_add(&w->revoked, (enum revocation_kind)number(w, 1),
                        text(w, 2), bytes(w, 3), number(w, 4), UINT64_MAX,
                        0) != TS_OK)
        broken("revoked");
}

static void build(struct worker *w)
{
    char why[256];

    w->in.tenants = w->tenants;
    w->in.keys = w->keys;
    w->in.agents = w->agents;
    w->in.users = w->users;
    if (trust_store_build(&w->in, &w->config, &w->cfg.store, why,
                          sizeof(why)) != TS_OK)
        broken(why);
    w->cfg.revoked = &w->revoked;
    w->cfg.skew_s = TS_SKEW_S;
    (void)fputs("OK", stdout);
}

/* ---- judging ------------------------------------------------------------- */

static enum trust_code chain_of(struct worker *w, size_t i, uint64_t now,
                                struct delegation *d)
{
    struct ts_bytes b = bytes(w, i);

    return delegation_decode_verify(&w->cfg, b.ptr, b.len, now, &w->scratch, d);
}

static void judge_chain(struct worker *w)
{
    struct delegation d;

    if (!verdict(chain_of(w, 2, number(w, 1), &d)))
        return;
    hex(d.kid, sizeof(d.kid));
    hex(d.grant_id, sizeof(d.grant_id));
    hex_str(d.tenant);
    hex_str(d.issuer);
    hex_str(d.user);
    hex_str(d.aud);
    hex_str(d.task);
    (void)printf(" %" PRIu64 " %" PRIu64 " %" PRIu64, d.max_calls, d.not_before,
                 d.expires);
    for (size_t i = 0; i < d.attr_count; i++) {
        hex_str(d.attrs[i].key);
        hex_str(d.attrs[i].value);
    }
    for (size_t i = 0; i < d.block_count; i++) {
        const struct delegation_block *b = &d.blocks[i];

        hex(b->id, sizeof(b->id));
        hex(b->holder, sizeof(b->holder));
        hex_str(b->agent);
        (void)printf(" %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu32, b->iat,
                     b->nbf, b->exp, b->depth);
        hex_str(b->policies);
    }
}

static void show_revocation(const struct revocation_record *r)
{
    hex_str(r->tenant);
    (void)printf(" %u", (unsigned)r->kind);
    hex(r->target.ptr, r->target.len);
    (void)printf(" %" PRIu64 " %" PRIu64, r->cutoff, r->keep_until);
    hex_str(r->reason);
    hex(r->nonce, sizeof(r->nonce));
}

static void judge_revocation(struct worker *w)
{
    struct revocation_record r;
    enum revocation_signer by;

    if (verdict(revocation_record_verify(w->cfg.store, bytes(w, 2),
                                         number(w, 1), &r, &by))) {
        (void)fputs(by == REVOCATION_BY_REVOKER ? " revoker" : " directory",
                    stdout);
        show_revocation(&r);
    }
}

static void judge_holder(struct worker *w)
{
    struct revocation_record r;
    struct delegation d;

    if (chain_of(w, 2, number(w, 1), &d) != TRUST_OK)
        broken("the evidence must hold");
    if (verdict(revocation_record_verify_holder(&d, bytes(w, 3), &r)))
        show_revocation(&r);
}

static void judge_heartbeat(struct worker *w)
{
    struct heartbeat h;

    if (!verdict(heartbeat_verify(w->cfg.store, bytes(w, 2), number(w, 1), &h)))
        return;
    hex_str(h.tenant);
    (void)printf(" %" PRIu64, h.seq);
    hex(h.snapshot_hash, sizeof(h.snapshot_hash));
    (void)printf(" %" PRIu64 " %" PRIu64, h.issued, h.not_after);
}

static void judge_cert(struct worker *w)
{
    uint8_t kid[TRUST_KID_LEN];
    struct agent_cert c;

    if (!verdict(agent_cert_verify(w->cfg.store, bytes(w, 2), &c, kid)))
        return;
    hex_str(c.tenant);
    hex_str(c.agent);
    hex(c.pk, sizeof(c.pk));
    (void)printf(" %" PRIu64 " %" PRIu64, c.nbf, c.exp);
    hex(kid, sizeof(kid));
}

/* What was understood is told by what it encodes to again. */
static void judge_snapshot(struct worker *w)
{
    struct directory_snapshot s;
    const char *what = NULL;
    uint32_t index = 0;
    struct ts_buf b;

    if (!verdict(directory_snapshot_verify(w->cfg.store, text(w, 2),
                                           bytes(w, 3), number(w, 1),
                                           &w->scratch, &s, &what, &index)))
        return;
    hex(s.hash, sizeof(s.hash));
    ts_buf_init(&b, OUT_MAX);
    (void)fputc(' ', stdout);
    made(&b, directory_snapshot_encode(&s, &b, &what, &index));
    ts_buf_done(&b);
}

static void transcript(struct worker *w, struct handshake_transcript *t)
{
    struct ts_bytes chain = bytes(w, 7);

    *t = (struct handshake_transcript){.sidecar_id = text(w, 6),
                                       .uid = (uint32_t)number(w, 1),
                                       .gid = (uint32_t)number(w, 2)};
    exact(w, 3, t->challenge, sizeof(t->challenge));
    exact(w, 4, t->client_nonce, sizeof(t->client_nonce));
    exact(w, 5, t->sidecar_pk, sizeof(t->sidecar_pk));
    delegation_chain_hash(chain.ptr, chain.len, t->chain_hash);
}

static void judge_handshake(struct worker *w)
{
    uint8_t holder[TRUST_PK_LEN], proof[TRUST_SIG_LEN], server[TRUST_SIG_LEN];
    uint8_t session[HANDSHAKE_SESSION_LEN];
    struct handshake_transcript t;

    transcript(w, &t);
    exact(w, 8, holder, sizeof(holder));
    exact(w, 9, proof, sizeof(proof));
    exact(w, 10, session, sizeof(session));
    exact(w, 11, server, sizeof(server));
    (void)printf("%d %d", handshake_verify_client(&t, holder, proof) == TS_OK,
                 handshake_verify_server(&t, proof, session, server) == TS_OK);
}

/* ---- making -------------------------------------------------------------- */

static void mint_handshake(struct worker *w)
{
    uint8_t proof[TRUST_SIG_LEN], server[TRUST_SIG_LEN];
    uint8_t session[HANDSHAKE_SESSION_LEN];
    struct trust_secret holder = secret(w, 8), sidecar = secret(w, 9);
    struct handshake_transcript t;

    transcript(w, &t);
    handshake_client_proof(&t, &holder, proof);
    handshake_server_proof(&t, proof, &sidecar, session, server);
    (void)fputs("OK", stdout);
    hex(proof, sizeof(proof));
    hex(session, sizeof(session));
    hex(server, sizeof(server));
    trust_secret_done(&holder);
    trust_secret_done(&sidecar);
}

static void mint_revocation(struct worker *w)
{
    struct revocation_record r = {.tenant = text(w, 2),
                                  .kind = (enum revocation_kind)number(w, 3),
                                  .target = bytes(w, 4),
                                  .cutoff = number(w, 5),
                                  .keep_until = number(w, 6),
                                  .reason = text(w, 7)};
    struct trust_secret key = secret(w, 1);
    struct ts_buf b;

    exact(w, 8, r.nonce, sizeof(r.nonce));
    ts_buf_init(&b, OUT_MAX);
    made(&b, revocation_record_make(&r, &key, &b));
    ts_buf_done(&b);
    trust_secret_done(&key);
}

static void mint_heartbeat(struct worker *w)
{
    struct heartbeat h = {.tenant = text(w, 2),
                          .seq = number(w, 3),
                          .issued = number(w, 5),
                          .not_after = number(w, 6)};
    struct trust_secret key = secret(w, 1);
    struct ts_buf b;

    exact(w, 4, h.snapshot_hash, sizeof(h.snapshot_hash));
    ts_buf_init(&b, OUT_MAX);
    made(&b, heartbeat_make(&h, &key, &b));
    ts_buf_done(&b);
    trust_secret_done(&key);
}

static void mint_cert(struct worker *w)
{
    struct agent_cert c = {.tenant = text(w, 2),
                           .agent = text(w, 3),
                           .nbf = number(w, 5),
                           .exp = number(w, 6)};
    struct trust_secret key = secret(w, 1);
    struct ts_buf b;

    exact(w, 4, c.pk, sizeof(c.pk));
    ts_buf_init(&b, OUT_MAX);
    made(&b, agent_cert_make(&c, &key, &b));
    ts_buf_done(&b);
    trust_secret_done(&key);
}

/* mint_snapshot SEED BODY: decoded, encoded again, signed. */
static void mint_snapshot(struct worker *w)
{
    struct trust_secret key = secret(w, 1);
    struct directory_snapshot s;
    struct ts_buf body, out;
    const char *what = NULL;
    uint32_t index = 0;
    ts_err e = TS_E_INVALID;

    ts_buf_init(&body, OUT_MAX);
    ts_buf_init(&out, OUT_MAX);
    if (directory_snapshot_decode(bytes(w, 2), &w->scratch, &s, &what,
                                  &index) == TRUST_OK &&
        (e = directory_snapshot_encode(&s, &body, &what, &index)) == TS_OK)
        e = signed_make(SIGNED_SNAPSHOT,
                        (struct ts_bytes){ts_buf_bytes(&body), body.len}, &key,
                        &out);
    made(&out, e);
    ts_buf_done(&body);
    ts_buf_done(&out);
    trust_secret_done(&key);
}

static void chain_made(enum trust_code c, const uint8_t *out, size_t n)
{
    if (c != TRUST_OK)
        (void)fputs("REFUSED", stdout);
    else {
        (void)fputs("OK", stdout);
        hex(out, n);
    }
}

static void mint_root(struct worker *w)
{
    struct delegation_attr attrs[TS_ATTRS_MAX];
    struct delegation_root r = {.tenant = text(w, 3),
                                .issuer = text(w, 4),
                                .user = text(w, 5),
                                .agent = text(w, 6),
                                .aud = text(w, 8),
                                .task = text(w, 9),
                                .iat = number(w, 10),
                                .nbf = number(w, 11),
                                .exp = number(w, 12),
                                .depth = (uint32_t)number(w, 13),
                                .max_calls = number(w, 14),
                                .policies = text(w, 15),
                                .attrs = attrs};
    struct trust_secret key = secret(w, 1);
    static uint8_t out[TS_CHAIN_MAX];
    size_t n = 0;
    enum trust_code c;

    exact(w, 2, r.grant_id, sizeof(r.grant_id));
    exact(w, 7, r.holder, sizeof(r.holder));
    for (size_t i = 16; i + 1 < w->words; i += 2)
        attrs[r.attr_count++] =
            (struct delegation_attr){text(w, i), text(w, i + 1)};
    c = delegation_sign_root(&r, &key, out, sizeof(out), &n);
    chain_made(c, out, n);
    trust_secret_done(&key);
}

static void mint_link(struct worker *w)
{
    struct delegation_link l = {.agent = text(w, 5),
                                .iat = number(w, 7),
                                .nbf = number(w, 8),
                                .exp = number(w, 9),
                                .depth = (uint32_t)number(w, 10),
                                .policies = text(w, 11)};
    struct trust_secret key = secret(w, 1);
    struct ts_bytes chain = bytes(w, 2);
    static uint8_t out[TS_CHAIN_MAX];
    uint8_t issuer[TRUST_PK_LEN];
    size_t n = 0;
    enum trust_code c;

    exact(w, 3, issuer, sizeof(issuer));
    exact(w, 4, l.nonce, sizeof(l.nonce));
    exact(w, 6, l.holder, sizeof(l.holder));
    c = delegation_append_link(chain.ptr, chain.len, &l, issuer, &key, out,
                               sizeof(out), &n);
    chain_made(c, out, n);
    trust_secret_done(&key);
}

/* ---- lines --------------------------------------------------------------- */

static void answer(struct worker *w)
{
    static const struct {
        const char *name;
        void (*run)(struct worker *);
        bool silent;
    } ops[] = {
        {"tenant", add_tenant, true},
        {"key", add_key, true},
        {"agent", add_agent, true},
        {"user", add_user, true},
        {"audience", add_audience, true},
        {"revoked", add_revoked, true},
        {"build", build, false},
        {"chain", judge_chain, false},
        {"revocation", judge_revocation, false},
        {"holder", judge_holder, false},
        {"heartbeat", judge_heartbeat, false},
        {"agent_cert", judge_cert, false},
        {"snapshot", judge_snapshot, false},
        {"handshake", judge_handshake, false},
        {"mint_handshake", mint_handshake, false},
        {"mint_revocation", mint_revocation, false},
        {"mint_heartbeat", mint_heartbeat, false},
        {"mint_agent_cert", mint_cert, false},
        {"mint_snapshot", mint_snapshot, false},
        {"mint_root", mint_root, false},
        {"mint_link", mint_link, false},
    };

    for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
        if (strcmp(word(w, 0), ops[i].name) == 0) {
            ops[i].run(w);
            if (!ops[i].silent) {
                (void)fputc('\n', stdout);
                (void)fflush(stdout);
            }
            return;
        }
    broken("an unknown command");
}

int main(void)
{
    static struct worker w;
    char *line = NULL, *save;
    size_t cap = 0;

    if (trust_init() != TS_OK)
        broken("this libsodium must not be used");
    revocations_init(&w.revoked, 1024);
    ts_arena_init(&w.config, (size_t)4 << 20);
    while (getline(&line, &cap, stdin) > 0) {
        ts_arena_init(&w.scratch, (size_t)64 << 20);
        w.words = 0;
        for (char *t = strtok_r(line, " \n", &save);
             t != NULL && w.words < WORDS_MAX; t = strtok_r(NULL, " \n", &save))
            w.word[w.words++] = t;
        answer(&w);
        ts_arena_done(&w.scratch);
    }
    free(line);
    ts_arena_done(&w.config);
    revocations_done(&w.revoked);
    return 0;
}
