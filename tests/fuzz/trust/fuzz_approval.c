/*
 * First byte: 0 a ticket's body, 1 an SSHSIG blob, 2 an answer as received,
 * 3 armour, 4 a body that a real approver signed (raw), 5 the same as SSHSIG of
 * an agent. What is accepted encodes to the same bytes.
 */
#include <stdint.h>
#include <string.h>

#include "proto/base/ts_mem.h"
#include "proto/base/ts_require.h"
#include "proto/trust/approval.h"
#include "proto/trust/sshsig.h"

#define NOW 1700000000u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct trust_secret key;
static const struct ts_str classes[] = {{"four-eyes", 9}};

static bool find(void *ctx, const uint8_t kid[TRUST_KID_LEN],
                 struct approver *ret)
{
    uint8_t own[TRUST_KID_LEN];

    (void)ctx;
    trust_kid(key.pk, own);
    if (memcmp(own, kid, sizeof(own)) != 0)
        return false;
    *ret = (struct approver){.tenant = TS_STR_LIT("t"),
                             .person = TS_STR_LIT("p"),
                             .active = true,
                             .classes = classes,
                             .class_count = 1};
    memcpy(ret->pk, key.pk, sizeof(ret->pk));
    return true;
}

static bool revoked(void *ctx, const struct approver *a, uint64_t iat)
{
    (void)ctx;
    (void)a;
    return iat == 0;
}

static bool owns(void *ctx, struct ts_str t, struct ts_str a, struct ts_str p)
{
    (void)ctx;
    (void)t;
    (void)a;
    return p.len == 0;
}

static struct ticket ticket(void)
{
    return (struct ticket){
        .sidecar_id = TS_STR_LIT("s"),
        .tenant = TS_STR_LIT("t"),
        .user = TS_STR_LIT("u"),
        .agents = {TS_STR_LIT("a")},
        .agent_count = 1,
        .task = TS_STR_LIT("k"),
        .tool = TS_STR_LIT("x"),
        .action = TS_STR_LIT("x"),
        .resource = TS_STR_LIT("r"),
        .rules = {{TS_STR_LIT("i"), TS_STR_LIT("four-eyes"), 1}},
        .rule_count = 1,
        .created = NOW - 10,
        .expires = NOW + 10};
}

static void try_ticket(struct ts_bytes in, struct ts_buf *out)
{
    struct ticket t;

    if (ticket_decode(in, &t) != TRUST_OK)
        return;
    TS_REQUIRE(t.rule_count > 0 && t.agent_count > 0 && t.created < t.expires);
    TS_REQUIRE(ticket_encode(&t, out) == TS_OK);
    TS_REQUIRE(out->len == in.len &&
               memcmp(ts_buf_bytes(out), in.ptr, in.len) == 0);
}

static void try_blob(struct ts_bytes in)
{
    struct sshsig s;

    if (sshsig_decode(in, &s) != TRUST_OK)
        return;
    TS_REQUIRE(s.sig >= in.ptr && s.sig + TRUST_SIG_LEN <= in.ptr + in.len);
    TS_REQUIRE(s.is_token || s.application.len == 0);
    TS_REQUIRE(sshsig_verify(&s, "another", in, s.pk) == TRUST_E_SIG ||
               ts_str_eq_c(s.name_space, "another"));
}

static void try_answer(struct ts_bytes in)
{
    const struct approval_people who = {
        .find = find, .revoked = revoked, .owns = owns};
    const uint8_t id[TRUST_HASH_LEN] = {0};
    const struct ticket t = ticket();
    struct approval_tally tally = {0};
    struct approval a;
    uint8_t decision[16];

    if (approval_accept(&who, &t, id, in, NOW, &tally, &a) != APPROVAL_OK) {
        TS_REQUIRE(tally.people_count == 0 && !tally.denied);
        return;
    }
    TS_REQUIRE(approval_peek(in, decision));
    TS_REQUIRE(ts_str_eq_c(a.person, "p") && a.iat < a.exp && a.exp > NOW);
    TS_REQUIRE(tally.denied != approval_quorum(&t, &tally));
}

static void try_signed(struct ts_bytes body, struct ts_buf *out)
{
    if (approval_sign(body, &key, out) == TS_OK)
        try_answer((struct ts_bytes){ts_buf_bytes(out), out->len});
}

static void try_joined(struct ts_bytes in, struct ts_buf *out)
{
    size_t cut = in.len > 0 ? in.ptr[0] : 0;

    if (in.len == 0 || cut > in.len - 1)
        return;
    if (approval_join_ssh((struct ts_bytes){in.ptr + 1, cut},
                          (struct ts_bytes){in.ptr + 1 + cut, in.len - 1 - cut},
                          out) == TS_OK)
        try_answer((struct ts_bytes){ts_buf_bytes(out), out->len});
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    uint8_t seed[TRUST_SEED_LEN] = {7};
    struct ts_bytes in;
    struct ts_buf out;

    if (key.sk == NULL)
        TS_REQUIRE(trust_init() == TS_OK &&
                   trust_secret_from_seed(seed, &key) == TS_OK);
    if (len == 0)
        return 0;
    in = (struct ts_bytes){.ptr = data + 1, .len = len - 1};
    ts_buf_init(&out, 1u << 17);
    switch (data[0] % 6) {
    case 0:
        try_ticket(in, &out);
        break;
    case 1:
        try_blob(in);
        break;
    case 2:
        try_answer(in);
        break;
    case 3:
        (void)!sshsig_dearmour((struct ts_str){(const char *)in.ptr, in.len},
                               &out);
        break;
    case 4:
        try_signed(in, &out);
        break;
    default:
        try_joined(in, &out);
        break;
    }
    ts_buf_done(&out);
    return 0;
}
