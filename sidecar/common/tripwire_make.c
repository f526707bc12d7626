/* Lists of tripwires: the side that knows the secrets. */
#include <string.h>
#include <sys/random.h>

#include <sodium.h>

#include "sidecar/common/tripwire_priv.h"

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

ts_err tripwires_begin(struct ts_buf *list)
{
    uint8_t key[TRIPWIRE_KEY];

    if (list->len != 0)
        return TS_E_STATE;
    if (getrandom(key, sizeof(key), 0) != (ssize_t)sizeof(key))
        return TS_E_SYSTEM;
    return ts_buf_append(list, key, sizeof(key));
}

struct adding {
    struct tripwire_hash hash;
    uint8_t entry[TRIPWIRE_EACH_MAX][TRIPWIRE_ENTRY];
    size_t count;
};

static void put_le(uint8_t *p, uint32_t v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)(v >> 8 * i);
}

static uint8_t stops_of(const uint8_t *bytes, size_t len)
{
    unsigned stops = 0;

    for (unsigned i = 0; i < sizeof(tripwire_stops); i++) {
        if (memchr(bytes, tripwire_stops[i], len) == NULL)
            stops |= 1u << i;
    }
    return (uint8_t)stops;
}

static ts_err add_way(void *arg, const uint8_t *bytes, size_t len)
{
    struct adding *a = arg;
    uint8_t *e = a->entry[a->count];
    uint64_t sum = 0;

    for (size_t i = 0; i < len; i++)
        sum = tripwire_sum(&a->hash, sum, bytes[i]);
    put_le(e, tripwire_fingerprint(&a->hash, bytes), 4);
    put_le(e + 4, (uint32_t)len, 2);
    put_le(e + 6, tripwire_check(&a->hash, sum), 2);
    e[8] = stops_of(bytes, len);
    e[9] = stops_of(bytes, TRIPWIRE_WINDOW);
    tripwire_digest(&a->hash, bytes, len, e + 10);
    for (size_t i = 0; i < a->count; i++) {
        if (memcmp(a->entry[i], e, TRIPWIRE_ENTRY) == 0)
            return TS_OK; /* the same text, written in another way */
    }
    a->count++;
    return TS_OK;
}

ts_err tripwires_add(struct ts_buf *list, const uint8_t *secret, size_t len)
{
    struct adding a = {.count = 0};
    ts_err e;

    if (len < TRIPWIRE_SECRET_MIN)
        return TS_E_INVALID;
    if (len > TRIPWIRE_SECRET_MAX)
        return TS_E_LIMIT;
    if (list->len < TRIPWIRE_KEY)
        return TS_E_STATE;
    tripwire_hash_derive(ts_buf_bytes(list), &a.hash);
    e = tripwire_ways(secret, len, add_way, &a);
    if (e == TS_OK)
        e = ts_buf_append(list, a.entry, a.count * TRIPWIRE_ENTRY);
    sodium_memzero(&a, sizeof(a));
    return e;
}
