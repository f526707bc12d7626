/* What maker and scanner of tripwires compute alike. */
#include <sodium.h>

#include "sidecar/common/tripwire/tripwire_priv.h"

const uint8_t tripwire_stops[8] = {'\n', '\r', '\t', ' ', '>', ':', '}', ')'};

static uint64_t load(const uint8_t *p)
{
    uint64_t x;

    memcpy(&x, p, sizeof(x));
    return x;
}

void tripwire_hash_derive(const uint8_t key[TRIPWIRE_KEY],
                          struct tripwire_hash *ret)
{
    static const char info[] = "tipstaff tripwire 1";
    uint8_t k[64];

    (void)crypto_generichash(k, sizeof(k), (const uint8_t *)info,
                             sizeof(info) - 1, key, TRIPWIRE_KEY);
    ret->flip = load(k);
    ret->factor = load(k + 8) | 1;
    ret->base = (load(k + 16) & (TRIPWIRE_PRIME >> 1)) + 257;
    ret->mix = load(k + 24) | 1;
    memcpy(ret->digest_key, k + 32, sizeof(ret->digest_key));
    sodium_memzero(k, sizeof(k));
}

void tripwire_digest(const struct tripwire_hash *h, const uint8_t *p,
                     size_t len, uint8_t out[TRIPWIRE_DIGEST])
{
    (void)crypto_generichash(out, TRIPWIRE_DIGEST, p, len, h->digest_key,
                             sizeof(h->digest_key));
}
