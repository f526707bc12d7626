/* Lists of tripwires: the side that knows the secrets. */
#include <string.h>
#include <sys/random.h>

#include <sodium.h>

#include "sidecar/common/tripwire/tripwire_priv.h"

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
