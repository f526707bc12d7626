/* The bytes of the journal. Files are journal_file.c's. */
#include "sidecar/recorder/journal.h"

#include <sodium.h>
#include <string.h>

#include "proto/base/ts_require.h"

static uint32_t load32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
           (uint32_t)p[3] << 24;
}

static uint64_t load64(const uint8_t *p)
{
    return (uint64_t)load32(p) | (uint64_t)load32(p + 4) << 32;
}

static void store(uint8_t *p, uint64_t v, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        p[i] = (uint8_t)(v >> 8 * i);
}

static void mac_of(uint8_t out[JOURNAL_MAC], const uint8_t *key,
                   const uint8_t before[JOURNAL_MAC], const uint8_t *head,
                   const uint8_t *payload, size_t len)
{
    crypto_generichash_state s;
    int r = crypto_generichash_init(&s, key, JOURNAL_KEY, JOURNAL_MAC);

    TS_REQUIRE(r == 0);
    (void)crypto_generichash_update(&s, before, JOURNAL_MAC); /* cannot fail */
    (void)crypto_generichash_update(&s, head, JOURNAL_HEAD);  /* cannot fail */
    if (len > 0)
        (void)crypto_generichash_update(&s, payload, len); /* cannot fail */
    r = crypto_generichash_final(&s, out, JOURNAL_MAC);
    TS_REQUIRE(r == 0);
}

/*
 * Is what is left really a torn last record, or whole records behind a damaged
 * length? Whole: with the length that fits it verifies, or the head of a later
 * record stands somewhere inside.
 */
static bool hides_records(const struct journal_walk *w)
{
    const uint8_t *p = w->bytes + w->at;
    size_t left = w->len - w->at;
    uint8_t head[JOURNAL_HEAD], mac[JOURNAL_MAC];

    if (left < JOURNAL_HEAD + JOURNAL_MAC)
        return false;
    memcpy(head, p, sizeof(head));
    store(head, left - JOURNAL_HEAD - JOURNAL_MAC, 4);
    mac_of(mac, w->key, w->mac, head, p + JOURNAL_HEAD,
           left - JOURNAL_HEAD - JOURNAL_MAC);
    if (sodium_memcmp(mac, p + left - JOURNAL_MAC, JOURNAL_MAC) == 0)
        return true;
    for (size_t i = 1; i + JOURNAL_HEAD + JOURNAL_MAC <= left; i++)
        if (load64(p + i + 5) == w->seq + 2 &&
            load32(p + i) <= JOURNAL_BODY_MAX)
            return true;
    return false;
}

ts_err journal_next(struct journal_walk *w, struct journal_entry *ret)
{
    const uint8_t *p = w->bytes + w->at;
    size_t left = w->len - w->at, need;
    uint8_t mac[JOURNAL_MAC];
    uint32_t len;

    if (left == 0)
        return TS_E_AGAIN;
    if (left < JOURNAL_HEAD)
        return TS_E_TRUNCATED;
    len = load32(p);
    need = (size_t)JOURNAL_HEAD + len + JOURNAL_MAC;
    if (len > JOURNAL_BODY_MAX || p[4] == 0)
        return TS_E_FORMAT;
    if (load64(p + 5) != w->seq + 1)
        return TS_E_STATE;
    if (left < need)
        return hides_records(w) ? TS_E_AUTH : TS_E_TRUNCATED;
    mac_of(mac, w->key, w->mac, p, p + JOURNAL_HEAD, len);
    if (sodium_memcmp(mac, p + need - JOURNAL_MAC, JOURNAL_MAC) != 0)
        return TS_E_AUTH;
    w->at += need;
    w->seq++;
    memcpy(w->mac, mac, sizeof(mac));
    *ret =
        (struct journal_entry){.type = p[4],
                               .seq = w->seq,
                               .body = {.ptr = p + JOURNAL_HEAD, .len = len}};
    return TS_OK;
}

void journal_encode(struct journal_walk *w, uint8_t type, struct ts_bytes body,
                    uint8_t *out)
{
    TS_REQUIRE(body.len <= JOURNAL_BODY_MAX && type != 0);
    w->seq++;
    store(out, body.len, 4);
    out[4] = type;
    store(out + 5, w->seq, 8);
    if (body.len > 0)
        memcpy(out + JOURNAL_HEAD, body.ptr, body.len);
    mac_of(w->mac, w->key, w->mac, out, body.ptr, body.len);
    memcpy(out + JOURNAL_HEAD + body.len, w->mac, JOURNAL_MAC);
}
