#include "proto/trust/pae.h"

#include <sodium.h>
#include <string.h>

#include "proto/base/ts_require.h"

void pae_le32(uint8_t out[4], uint32_t v)
{
    out[0] = (uint8_t)v;
    out[1] = (uint8_t)(v >> 8);
    out[2] = (uint8_t)(v >> 16);
    out[3] = (uint8_t)(v >> 24);
}

size_t pae_size(const char *ctx, const struct ts_bytes *parts, size_t n)
{
    size_t total = 4 + 4 + strlen(ctx);

    for (size_t i = 0; i < n; i++)
        total += 4 + parts[i].len;
    return total;
}

static uint8_t *put_part(uint8_t *p, const void *data, size_t len)
{
    pae_le32(p, (uint32_t)len);
    if (len > 0)
        memmove(p + 4, data, len);
    return p + 4 + len;
}

size_t pae_encode(uint8_t *out, size_t cap, const char *ctx,
                  const struct ts_bytes *parts, size_t n)
{
    size_t total = pae_size(ctx, parts, n);
    uint8_t *p = out + 4;

    TS_REQUIRE(total <= cap && total <= UINT32_MAX && n <= PAE_PARTS_MAX);
    pae_le32(out, (uint32_t)(n + 1));
    p = put_part(p, ctx, strlen(ctx));
    for (size_t i = 0; i < n; i++)
        p = put_part(p, parts[i].ptr, parts[i].len);
    return total;
}

static void hash_part(crypto_generichash_state *s, const void *data, size_t len)
{
    uint8_t head[4];

    pae_le32(head, (uint32_t)len);
    (void)crypto_generichash_update(s, head, sizeof(head)); /* cannot fail */
    if (len > 0)
        (void)crypto_generichash_update(s, data, len); /* cannot fail */
}

void pae_hash(uint8_t *out, size_t out_len, const char *ctx,
              const struct ts_bytes *parts, size_t n)
{
    crypto_generichash_state s;
    uint8_t head[4];
    int r;

    TS_REQUIRE(pae_size(ctx, parts, n) <= UINT32_MAX && n <= PAE_PARTS_MAX);
    r = crypto_generichash_init(&s, NULL, 0, out_len);
    TS_REQUIRE(r == 0); /* only a wrong out_len fails */
    pae_le32(head, (uint32_t)(n + 1));
    (void)crypto_generichash_update(&s, head, sizeof(head)); /* cannot fail */
    hash_part(&s, ctx, strlen(ctx));
    for (size_t i = 0; i < n; i++)
        hash_part(&s, parts[i].ptr, parts[i].len);
    r = crypto_generichash_final(&s, out, out_len);
    TS_REQUIRE(r == 0);
}
