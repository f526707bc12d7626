/*
 * First byte: 0 a body, 1 an object as received, 2 a body that two approvers
 * sign. What is accepted encodes to the same bytes, and has its people.
 */
#include <stdint.h>
#include <string.h>

#include "proto/base/ts_require.h"
#include "proto/trust/escalation.h"

#define NOW 1700000000u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct trust_secret keys[2];
static const struct ts_str classes[] = {{"four-eyes", 9}};

static bool find(void *ctx, const uint8_t kid[TRUST_KID_LEN],
                 struct approver *ret)
{
    (void)ctx;
    for (int i = 0; i < 2; i++) {
        uint8_t own[TRUST_KID_LEN];

        trust_kid(keys[i].pk, own);
        if (memcmp(own, kid, sizeof(own)) != 0)
            continue;
        *ret = (struct approver){.tenant = TS_STR_LIT("t"),
                                 .person =
                                     i == 0 ? TS_STR_LIT("p") : TS_STR_LIT("q"),
                                 .active = true,
                                 .classes = classes,
                                 .class_count = 1};
        memcpy(ret->pk, keys[i].pk, sizeof(ret->pk));
        return true;
    }
    return false;
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
    return ts_str_eq(a, p);
}

static void try_body(struct ts_bytes in, struct ts_buf *out)
{
    struct escalation e;

    if (escalation_decode(in, &e) != TRUST_OK)
        return;
    TS_REQUIRE(e.nbf < e.exp && e.exp - e.nbf <= ESCALATION_TTL_HARD_S);
    TS_REQUIRE(e.max_uses >= 1 && e.max_uses <= ESCALATION_USES_MAX);
    TS_REQUIRE(escalation_body(&e, out) == TS_OK);
    TS_REQUIRE(out->len == in.len &&
               memcmp(ts_buf_bytes(out), in.ptr, in.len) == 0);
}

static void try_object(struct ts_bytes in, struct ts_buf *out)
{
    const struct approval_people who = {
        .find = find, .revoked = revoked, .owns = owns};
    const struct escalation_rules rules = {.quorum = 2, .max_s = 3600};
    struct escalation_signers by;
    struct escalation_object o;
    struct escalation e;

    if (escalation_split(in, &o) != TRUST_OK)
        return;
    TS_REQUIRE(escalation_join(&o, NULL, (struct ts_bytes){NULL, 0}, out) ==
               TS_OK);
    TS_REQUIRE(out->len == in.len &&
               memcmp(ts_buf_bytes(out), in.ptr, in.len) == 0);
    if (escalation_accept(&who, in, &rules, NOW, &e, &by) != ESCALATION_OK)
        return;
    TS_REQUIRE(by.count == 2 && ts_str_eq_c(e.tenant, "t"));
    TS_REQUIRE(e.exp > NOW && e.nbf <= NOW + 5 && e.exp - e.nbf <= 3600);
}

static void try_signed(struct ts_bytes body, struct ts_buf *out)
{
    struct escalation_object o = {.body = body, .sig_count = 2};
    uint8_t sig[2][TRUST_SIG_LEN], kid[2][TRUST_KID_LEN];
    struct ts_buf again;

    for (int i = 0; i < 2; i++) {
        trust_kid(keys[i].pk, kid[i]);
        if (escalation_sign(body, &keys[i], sig[i]) != TS_OK)
            return;
    }
    for (int i = 0; i < 2; i++) {
        int k = memcmp(kid[0], kid[1], TRUST_KID_LEN) < 0 ? i : 1 - i;

        o.sigs[i] = (struct escalation_sig){
            .kid = kid[k], .sig = {.ptr = sig[k], .len = TRUST_SIG_LEN}};
    }
    if (escalation_join(&o, NULL, (struct ts_bytes){NULL, 0}, out) != TS_OK)
        return;
    ts_buf_init(&again, ESCALATION_MAX);
    try_object((struct ts_bytes){ts_buf_bytes(out), out->len}, &again);
    ts_buf_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    uint8_t seed[TRUST_SEED_LEN] = {7};
    struct ts_bytes in;
    struct ts_buf out;

    for (int i = 0; i < 2 && keys[i].sk == NULL; i++) {
        seed[1] = (uint8_t)i;
        TS_REQUIRE(trust_init() == TS_OK &&
                   trust_secret_from_seed(seed, &keys[i]) == TS_OK);
    }
    if (len == 0)
        return 0;
    in = (struct ts_bytes){.ptr = data + 1, .len = len - 1};
    ts_buf_init(&out, 1u << 16);
    if (data[0] % 3 == 0)
        try_body(in, &out);
    else if (data[0] % 3 == 1)
        try_object(in, &out);
    else
        try_signed(in, &out);
    ts_buf_done(&out);
    return 0;
}
