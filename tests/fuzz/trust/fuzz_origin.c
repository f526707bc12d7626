/* Bodies of statements of origin: what is accepted encodes to the same bytes.
 */
#include <stdint.h>
#include <string.h>

#include "proto/base/ts_require.h"
#include "proto/trust/origin.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct trust_secret *key(void)
{
    static struct trust_secret k;
    uint8_t seed[TRUST_SEED_LEN] = {7};

    if (k.sk == NULL)
        TS_REQUIRE(trust_init() == TS_OK &&
                   trust_secret_from_seed(seed, &k) == TS_OK);
    return &k;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct signed_object object;
    struct origin o;
    struct ts_buf out;

    if (origin_decode((struct ts_bytes){data, len}, &o) != TRUST_OK)
        return 0;
    ts_buf_init(&out, SIGNED_ORIGIN_MAX);
    TS_REQUIRE(origin_make(&o, key(), &out) == TS_OK);
    TS_REQUIRE(signed_split(SIGNED_ORIGIN,
                            (struct ts_bytes){ts_buf_bytes(&out), out.len},
                            &object) == TRUST_OK);
    TS_REQUIRE(object.body.len == len &&
               memcmp(object.body.ptr, data, len) == 0);
    ts_buf_done(&out);
    return 0;
}
