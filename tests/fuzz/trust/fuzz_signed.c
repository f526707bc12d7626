/*
 * First byte: the kind (1 revocation, 3 heartbeat, 4 agent certificate; others
 * are taken modulo), and bit 7: the rest is an object as received. Without it
 * the rest is a body that a trusted key really signed, so that everything
 * behind the signature is reached. What is accepted has one encoding: made
 * again from its fields it is the same bytes.
 */
#include <stdint.h>
#include <string.h>

#include "proto/base/ts_mem.h"
#include "proto/base/ts_require.h"
#include "proto/trust/agent_cert.h"
#include "proto/trust/heartbeat.h"
#include "proto/trust/revocation_record.h"

#define NOW 1700000000u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct setting {
    struct trust_secret directory, revoker;
    struct ts_arena arena;
    const struct trust_store *store;
};

static struct trust_key key_of(enum trust_role role, uint8_t fill,
                               struct trust_secret *ret)
{
    struct trust_key k = {
        .role = role, .tenant = TS_STR_LIT("t"), .name = TS_STR_LIT("n")};
    uint8_t seed[TRUST_SEED_LEN];

    memset(seed, fill, sizeof(seed));
    TS_REQUIRE(trust_secret_from_seed(seed, ret) == TS_OK);
    memcpy(k.pk, ret->pk, sizeof(k.pk));
    return k;
}

static const struct setting *setting(void)
{
    static struct setting s;
    const struct trust_tenant tenant = {.id = TS_STR_LIT("t")};
    struct trust_key keys[2];
    struct trust_input in = {
        .tenants = &tenant, .tenant_count = 1, .keys = keys, .key_count = 2};
    char why[128];

    if (s.store != NULL)
        return &s;
    TS_REQUIRE(trust_init() == TS_OK);
    keys[0] = key_of(TRUST_ROLE_DIRECTORY, 1, &s.directory);
    keys[1] = key_of(TRUST_ROLE_REVOKER, 2, &s.revoker);
    ts_arena_init(&s.arena, 1u << 16);
    TS_REQUIRE(trust_store_build(&in, &s.arena, &s.store, why, sizeof(why)) ==
               TS_OK);
    return &s;
}

static void same(const struct ts_buf *made, struct ts_bytes in)
{
    TS_REQUIRE(made->len == in.len &&
               memcmp(ts_buf_bytes(made), in.ptr, in.len) == 0);
}

static void try_revocation(const struct setting *s, struct ts_bytes in,
                           struct ts_buf *out)
{
    struct revocation_record r;
    enum revocation_signer by;

    if (revocation_record_verify(s->store, in, NOW, &r, &by) != TRUST_OK)
        return;
    TS_REQUIRE(r.kind > REVOCATION_NONE && r.kind < REVOCATION_KIND_COUNT);
    TS_REQUIRE(revocation_target_fits(r.kind, r.target.len));
    TS_REQUIRE(by == REVOCATION_BY_REVOKER || by == REVOCATION_BY_DIRECTORY);
    TS_REQUIRE(revocation_record_make(
                   &r,
                   by == REVOCATION_BY_REVOKER ? &s->revoker : &s->directory,
                   out) == TS_OK);
    same(out, in);
}

static void try_heartbeat(const struct setting *s, struct ts_bytes in,
                          struct ts_buf *out)
{
    struct heartbeat h;

    if (heartbeat_verify(s->store, in, NOW, &h) != TRUST_OK)
        return;
    TS_REQUIRE(h.seq > 0 && h.issued < h.not_after && h.not_after > NOW);
    TS_REQUIRE(heartbeat_make(&h, &s->directory, out) == TS_OK);
    same(out, in);
}

static void try_cert(const struct setting *s, struct ts_bytes in,
                     struct ts_buf *out)
{
    uint8_t kid[TRUST_KID_LEN];
    struct agent_cert c;

    if (agent_cert_verify(s->store, in, &c, kid) != TRUST_OK)
        return;
    TS_REQUIRE(trust_pk_check(c.pk) == TS_OK && c.nbf < c.exp);
    TS_REQUIRE(agent_cert_make(&c, &s->directory, out) == TS_OK);
    same(out, in);
}

static void try_object(const struct setting *s, enum signed_kind kind,
                       struct ts_bytes in)
{
    struct signed_object o;
    struct ts_buf out;

    ts_buf_init(&out, 4096);
    if (signed_split(kind, in, &o) == TRUST_OK)
        TS_REQUIRE(o.body.ptr > in.ptr && o.body.len < in.len &&
                   o.sig + TRUST_SIG_LEN == in.ptr + in.len);
    switch (kind) {
    case SIGNED_REVOCATION:
        try_revocation(s, in, &out);
        break;
    case SIGNED_HEARTBEAT:
        try_heartbeat(s, in, &out);
        break;
    case SIGNED_AGENT_CERT:
        try_cert(s, in, &out);
        break;
    case SIGNED_SNAPSHOT: /* fuzz_directory_snapshot.c */
    case SIGNED_TICKET:   /* fuzz_approval.c */
    case SIGNED_APPROVAL:
    case SIGNED_ORIGIN:     /* fuzz_origin.c */
    case SIGNED_ESCALATION: /* fuzz_escalation.c */
    case SIGNED_KIND_COUNT_:
        break;
    }
    ts_buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const struct setting *s = setting();
    enum signed_kind kind;
    struct ts_bytes in;
    struct ts_buf made;
    uint8_t *exact;

    if (len == 0)
        return 0;
    kind = (enum signed_kind)(SIGNED_REVOCATION + ((data[0] & 0x7f) + 3u) % 4u);
    exact = ts_mem_alloc(len);
    TS_REQUIRE(exact != NULL);
    memcpy(exact, data + 1, len - 1);
    in = (struct ts_bytes){.ptr = exact, .len = len - 1};
    ts_buf_init(&made, SIGNED_SNAPSHOT_MAX);
    if ((data[0] & 0x80) != 0)
        try_object(s, kind, in);
    else if (signed_make(kind, in,
                         kind == SIGNED_REVOCATION ? &s->revoker
                                                   : &s->directory,
                         &made) == TS_OK)
        try_object(s, kind, (struct ts_bytes){ts_buf_bytes(&made), made.len});
    ts_buf_done(&made);
    ts_mem_free(exact);
    return 0;
}
