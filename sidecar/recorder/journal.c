/* The bytes of the journal. Files are journal_file.c's. */
#include "sidecar/recorder/journal.h"

#include <sodium.h>
#include <string.h>

#include "proto/base/ts_require.h"

static const uint8_t base_body[2] = {0x91, JOURNAL_FORMAT};

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
                   const uint8_t *body, size_t len)
{
    crypto_generichash_state s;
    int r = crypto_generichash_init(&s, key, JOURNAL_KEY, JOURNAL_MAC);

    TS_REQUIRE(r == 0);
    (void)crypto_generichash_update(&s, before, JOURNAL_MAC); /* cannot fail */
    (void)crypto_generichash_update(&s, head, JOURNAL_HEAD);  /* cannot fail */
    if (len > 0)
        (void)crypto_generichash_update(&s, body, len); /* cannot fail */
    r = crypto_generichash_final(&s, out, JOURNAL_MAC);
    TS_REQUIRE(r == 0);
}

/* Does the record at p verify if its body is len bytes long? */
static bool verifies(const struct journal_walk *w,
                     const uint8_t before[JOURNAL_MAC], const uint8_t *p,
                     size_t len)
{
    uint8_t head[JOURNAL_HEAD], mac[JOURNAL_MAC];

    memcpy(head, p, sizeof(head));
    store(head, len, 4);
    mac_of(mac, w->key, before, head, p + JOURNAL_HEAD, len);
    return sodium_memcmp(mac, p + JOURNAL_HEAD + len, JOURNAL_MAC) == 0;
}

/*
 * Is what is left really a torn last record, or whole records behind a damaged
 * length? Whole: it verifies with some length that fits, or a later record
 * does, whose mac before stands right in front of it. Nobody without the key
 * can make a torn record look so.
 */
static bool hides_records(const struct journal_walk *w)
{
    const uint8_t *p = w->bytes + w->at;
    size_t left = w->len - w->at;

    for (size_t len = 0; len + JOURNAL_HEAD + JOURNAL_MAC <= left; len++)
        if (verifies(w, w->mac, p, len))
            return true;
    for (size_t i = JOURNAL_HEAD + JOURNAL_MAC;
         i + JOURNAL_HEAD + JOURNAL_MAC <= left; i++) {
        size_t len = load32(p + i);

        if (p[i + 4] == JOURNAL_ENTRY && load64(p + i + 5) > w->seq &&
            len <= left - i - JOURNAL_HEAD - JOURNAL_MAC &&
            verifies(w, p + i - JOURNAL_MAC, p + i, len))
            return true;
    }
    return false;
}

/* What must hold of the head alone. */
static ts_err head_check(const struct journal_walk *w, const uint8_t *p)
{
    if (!w->begun && (p[4] == 1 || p[4] == 2) && load64(p + 5) == 1)
        return TS_E_UNSUPPORTED;
    if (load32(p) > JOURNAL_BODY_MAX ||
        p[4] != (w->begun ? JOURNAL_ENTRY : JOURNAL_BASE))
        return TS_E_FORMAT;
    if (w->begun ? load64(p + 5) <= w->seq : load64(p + 5) != 0)
        return TS_E_STATE;
    return TS_OK;
}

/* One record, base or entry, from the mac's side. */
static ts_err take(struct journal_walk *w, struct journal_entry *ret)
{
    const uint8_t *p = w->bytes + w->at;
    size_t left = w->len - w->at, need;
    uint8_t mac[JOURNAL_MAC];
    ts_err e;

    if (left == 0)
        return w->begun ? TS_E_AGAIN : TS_E_TRUNCATED;
    if (left < JOURNAL_HEAD)
        return TS_E_TRUNCATED;
    e = head_check(w, p);
    if (e != TS_OK)
        return e;
    need = (size_t)JOURNAL_HEAD + load32(p) + JOURNAL_MAC;
    if (left < need)
        return w->last && hides_records(w) ? TS_E_AUTH : TS_E_TRUNCATED;
    mac_of(mac, w->key, w->mac, p, p + JOURNAL_HEAD, load32(p));
    if (sodium_memcmp(mac, p + need - JOURNAL_MAC, JOURNAL_MAC) != 0)
        return TS_E_AUTH;
    *ret = (struct journal_entry){
        .seq = load64(p + 5),
        .body = {.ptr = p + JOURNAL_HEAD, .len = load32(p)}};
    w->at += need;
    w->seq = ret->seq;
    memcpy(w->mac, mac, sizeof(mac));
    return TS_OK;
}

ts_err journal_next(struct journal_walk *w, struct journal_entry *ret)
{
    struct journal_walk next = *w;
    struct journal_entry entry;
    const char *what;
    ts_err e;

    if (!next.begun) {
        e = take(&next, &entry);
        if (e != TS_OK)
            return e;
        if (entry.body.len != sizeof(base_body) ||
            memcmp(entry.body.ptr, base_body, sizeof(base_body)) != 0)
            return TS_E_UNSUPPORTED;
        next.begun = true;
        *w = next;
    }
    e = take(&next, &entry);
    if (e != TS_OK)
        return e;
    /* Under a good mac it is ours: a version that we do not know. */
    e = ring_journal_decode(entry.body.ptr, entry.body.len, &entry.as, &what);
    if (e != TS_OK)
        return TS_E_FORMAT;
    *w = next;
    *ret = entry;
    return TS_OK;
}

static void encode(struct journal_walk *w, enum journal_kind kind, uint64_t seq,
                   struct ts_bytes body, uint8_t *out)
{
    w->seq = seq;
    w->begun = true;
    store(out, body.len, 4);
    out[4] = (uint8_t)kind;
    store(out + 5, seq, 8);
    if (body.len > 0)
        memcpy(out + JOURNAL_HEAD, body.ptr, body.len);
    mac_of(w->mac, w->key, w->mac, out, body.ptr, body.len);
    memcpy(out + JOURNAL_HEAD + body.len, w->mac, JOURNAL_MAC);
}

void journal_encode(struct journal_walk *w, uint64_t seq, struct ts_bytes body,
                    uint8_t *out)
{
    TS_REQUIRE(body.len <= JOURNAL_BODY_MAX && w->begun && seq > w->seq);
    encode(w, JOURNAL_ENTRY, seq, body, out);
}

void journal_encode_base(struct journal_walk *w, uint8_t out[JOURNAL_BASE_LEN])
{
    TS_REQUIRE(!w->begun && w->seq == 0);
    encode(w, JOURNAL_BASE, 0,
           (struct ts_bytes){.ptr = base_body, .len = sizeof(base_body)}, out);
}
