/*
 * First byte: 0 an object as received, 1 a body that an approver signs. What is
 * split joins to the same bytes; what verifies is of an escalation and of the
 * person whose key it was.
 */
#include <stdint.h>
#include <string.h>

#include "proto/base/ts_require.h"
#include "proto/trust/revocation_person.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct trust_secret key;

static bool find(void *ctx, const uint8_t kid[TRUST_KID_LEN],
                 struct approver *ret)
{
    uint8_t own[TRUST_KID_LEN];

    (void)ctx;
    trust_kid(key.pk, own);
    if (memcmp(own, kid, sizeof(own)) != 0)
        return false;
    *ret = (struct approver){
        .tenant = TS_STR_LIT("t"), .person = TS_STR_LIT("p"), .active = true};
    memcpy(ret->pk, key.pk, sizeof(ret->pk));
    return true;
}

static enum trust_code try_object(struct ts_bytes in)
{
    const struct approval_people who = {.find = find};
    struct revocation_person o;
    struct revocation_record r;
    struct approver by;
    struct ts_buf out;
    enum trust_code c = revocation_person_verify(&who, in, &r, &by);

    if (c == TRUST_OK) {
        TS_REQUIRE(r.kind == REVOCATION_ESCALATION && r.target.len == 16);
        TS_REQUIRE(ts_str_eq_c(by.person, "p") && ts_str_eq_c(r.tenant, "t"));
    }
    if (revocation_person_split(in, &o) != TRUST_OK) {
        TS_REQUIRE(c != TRUST_OK);
        return c;
    }
    ts_buf_init(&out, SIGNED_REVOCATION_MAX);
    TS_REQUIRE(revocation_person_join(o.body, o.kid, o.sig, &out) == TS_OK);
    TS_REQUIRE(out.len == in.len &&
               memcmp(ts_buf_bytes(&out), in.ptr, in.len) == 0);
    ts_buf_done(&out);
    return c;
}

/* Signed over, a body verifies just when it is one of an escalation of t. */
static void try_body(struct ts_bytes body)
{
    struct revocation_record r;
    enum trust_code read = revocation_record_decode(body, &r);
    struct ts_buf out;

    ts_buf_init(&out, SIGNED_REVOCATION_MAX);
    if (signed_make(SIGNED_REVOCATION, body, &key, &out) == TS_OK) {
        bool good = read == TRUST_OK && r.kind == REVOCATION_ESCALATION &&
                    ts_str_eq_c(r.tenant, "t");

        TS_REQUIRE(good == (try_object((struct ts_bytes){
                                ts_buf_bytes(&out), out.len}) == TRUST_OK));
    }
    ts_buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    uint8_t seed[TRUST_SEED_LEN] = {7};
    struct ts_bytes in;

    if (key.sk == NULL)
        TS_REQUIRE(trust_init() == TS_OK &&
                   trust_secret_from_seed(seed, &key) == TS_OK);
    if (len == 0)
        return 0;
    in = (struct ts_bytes){.ptr = data + 1, .len = len - 1};
    if (data[0] % 2 == 0)
        (void)try_object(in);
    else
        try_body(in);
    return 0;
}
