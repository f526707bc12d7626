#include "sidecar/gate/steps/revoke_rate.h"

#include <sodium.h>
#include <string.h>

#include "proto/base/ts_require.h"

#define EVERY_NS (REVOKE_RATE_EVERY_S * UINT64_C(1000000000))
#define FULL_NS  (REVOKE_RATE_BURST * EVERY_NS)

static void name_of(struct ts_str tenant, const uint8_t holder[32],
                    uint8_t ret[16])
{
    crypto_generichash_state s;

    /* With these lengths none of the three can fail. */
    TS_REQUIRE(crypto_generichash_init(&s, NULL, 0, 16) == 0 &&
               crypto_generichash_update(&s, holder, 32) == 0 &&
               crypto_generichash_update(&s, (const uint8_t *)tenant.ptr,
                                         tenant.len) == 0 &&
               crypto_generichash_final(&s, ret, 16) == 0);
    if (sodium_is_zero(ret, 16))
        ret[0] = 1;
}

ts_err revoke_rate_take(struct revoke_rate *r, struct ts_str tenant,
                        const uint8_t holder[32], uint64_t boot_ns)
{
    uint8_t who[16];
    size_t at = REVOKE_RATE_SLOTS;
    uint64_t from;

    name_of(tenant, holder, who);
    for (size_t i = 0; i < REVOKE_RATE_SLOTS; i++) {
        if (memcmp(r->slots[i].who, who, sizeof(who)) == 0) {
            at = i;
            break;
        }
        /* Who has a full bucket need not be remembered. */
        if (at == REVOKE_RATE_SLOTS && r->slots[i].full_ns <= boot_ns)
            at = i;
    }
    if (at == REVOKE_RATE_SLOTS)
        return TS_E_LIMIT;
    from = r->slots[at].full_ns > boot_ns ? r->slots[at].full_ns : boot_ns;
    if (from + EVERY_NS > boot_ns + FULL_NS)
        return TS_E_LIMIT;
    memcpy(r->slots[at].who, who, sizeof(who));
    r->slots[at].full_ns = from + EVERY_NS;
    return TS_OK;
}
