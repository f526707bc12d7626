#ifndef SIDECAR_COMMON_TRIPWIRE_TRIPWIRE_PRIV_H
#define SIDECAR_COMMON_TRIPWIRE_TRIPWIRE_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "sidecar/common/tripwire/tripwire.h"

/* Shared by the maker and the scanner of tripwires; tests see it. */
#define TRIPWIRE_KEY    16 /* bytes */
#define TRIPWIRE_ENTRY  26 /* bytes */
#define TRIPWIRE_DIGEST 16 /* bytes */
#define TRIPWIRE_WINDOW 8  /* bytes that the fingerprint covers */
/* "\u00xx" for each byte */
#define TRIPWIRE_LEN_MAX   (6 * TRIPWIRE_SECRET_MAX)
#define TRIPWIRE_COUNT_MAX ((TS_TRIPWIRES_MAX - TRIPWIRE_KEY) / TRIPWIRE_ENTRY)

/* Bytes that often end a piece of output and seldom are in a secret. Bit i of
 * `stops` and `head_stops` is set if the i-th is not there. */
extern const uint8_t tripwire_stops[8];

struct tripwire_hash {
    uint64_t flip, factor; /* of the fingerprint; factor is odd */
    uint64_t base;         /* of the sums, below TRIPWIRE_PRIME */
    uint64_t mix;          /* of the check; odd */
    uint8_t digest_key[32];
};
void tripwire_hash_derive(const uint8_t key[TRIPWIRE_KEY],
                          struct tripwire_hash *ret);

static inline uint32_t tripwire_fingerprint(const struct tripwire_hash *h,
                                            const uint8_t *p)
{
    uint64_t x;

    memcpy(&x, p, sizeof(x)); /* made and used on one host */
    return (uint32_t)(((x ^ h->flip) * h->factor) >> 32);
}

/*
 * Sums: polynomials modulo 2^61 - 1 over the bytes plus one. From the sums up
 * to two places the sum of what lies between them takes two multiplications,
 * however long it is.
 */
#define TRIPWIRE_PRIME ((UINT64_C(1) << 61) - 1)

static inline uint64_t tripwire_mul(uint64_t a, uint64_t b)
{
    __extension__ typedef unsigned __int128 wide;
    wide m = (wide)a * b;
    uint64_t s = (uint64_t)(m & TRIPWIRE_PRIME) + (uint64_t)(m >> 61);

    return s >= TRIPWIRE_PRIME ? s - TRIPWIRE_PRIME : s;
}

static inline uint64_t tripwire_sum(const struct tripwire_hash *h, uint64_t sum,
                                    uint8_t byte)
{
    uint64_t s = tripwire_mul(sum, h->base) + byte + 1u;

    return s >= TRIPWIRE_PRIME ? s - TRIPWIRE_PRIME : s;
}

static inline uint16_t tripwire_check(const struct tripwire_hash *h,
                                      uint64_t sum)
{
    return (uint16_t)((sum * h->mix) >> 52);
}

void tripwire_digest(const struct tripwire_hash *h, const uint8_t *p,
                     size_t len, uint8_t out[TRIPWIRE_DIGEST]);

/* Calls take for each way of writing the secret, some doubles included. bytes
 * last for the call. Ends with the first error. */
typedef ts_err (*tripwire_way)(void *arg, const uint8_t *bytes, size_t len);
TS_NODISCARD ts_err tripwire_ways(const uint8_t *secret, size_t len,
                                  tripwire_way take, void *arg);

#endif
