#include "sidecar/gate/people/meter_key.h"

#include <sodium.h>

static struct meter_key key_of(const uint8_t h[16])
{
    struct meter_key k = {0, 0};

    for (unsigned i = 0; i < 8; i++) {
        k.hi = k.hi << 8 | h[i];
        k.lo = k.lo << 8 | h[8 + i];
    }
    k.lo |= 1; /* never the zero of an unused entry */
    return k;
}

struct meter_key meter_key_make(enum meter_kind kind, struct ts_str tenant,
                                struct ts_str name)
{
    crypto_generichash_state st;
    uint8_t head[1 + 8], h[16];

    head[0] = (uint8_t)kind;
    for (unsigned i = 0; i < 8; i++)
        head[1 + i] = (uint8_t)(tenant.len >> (8 * i));
    (void)crypto_generichash_init(&st, NULL, 0, sizeof(h));
    (void)crypto_generichash_update(&st, head, sizeof(head));
    (void)crypto_generichash_update(&st, (const uint8_t *)tenant.ptr,
                                    tenant.len);
    (void)crypto_generichash_update(&st, (const uint8_t *)name.ptr, name.len);
    (void)crypto_generichash_final(&st, h, sizeof(h));
    return key_of(h);
}

struct meter_key meter_key_join(struct meter_key a, struct meter_key b)
{
    /* Both are outputs of a hash with its kind inside, so the sum is as hard to
     * steer as they are. */
    return (struct meter_key){a.hi + b.hi, (a.lo + b.lo) | 1};
}
