/* Open addressing with linear probing; slots are only freed by growing. */
#include "sidecar/recorder/journal_index.h"

#include <sodium.h>
#include <string.h>

#include "proto/base/ts_mem.h"
#include "proto/base/ts_require.h"

#define CAP_MIN 1024u

static const uint8_t free_digest[16];

ts_err journal_index_init(struct journal_index *ix)
{
    *ix = (struct journal_index){.cap = CAP_MIN};
    ix->slots = ts_mem_alloc(CAP_MIN * sizeof(*ix->slots));
    if (ix->slots == NULL)
        return TS_E_NOMEM;
    randombytes_buf(ix->hash_key, sizeof(ix->hash_key));
    return TS_OK;
}

void journal_index_done(struct journal_index *ix)
{
    ts_mem_free(ix->slots);
    *ix = (struct journal_index){0};
}

static void digest_of(const struct journal_index *ix,
                      const struct ring_journal *j, uint8_t out[16])
{
    uint8_t in[2 + TS_ID_MAX + JOURNAL_KEY_ID] = {0};
    size_t len = 2;

    /* The decoder limits it; the length keeps tenant and key apart. */
    TS_REQUIRE(j->tenant.len <= TS_ID_MAX);
    in[0] = (uint8_t)j->type;
    in[1] = (uint8_t)j->tenant.len;
    if (j->tenant.len > 0)
        memcpy(in + len, j->tenant.ptr, j->tenant.len);
    len += j->tenant.len;
    memcpy(in + len, j->key, JOURNAL_KEY_ID);
    (void)crypto_shorthash_siphashx24(out, in, len + JOURNAL_KEY_ID,
                                      ix->hash_key); /* cannot fail */
    if (memcmp(out, free_digest, sizeof(free_digest)) == 0)
        out[0] = 1;
}

static bool is_free(const struct journal_slot *s)
{
    return memcmp(s->digest, free_digest, sizeof(free_digest)) == 0;
}

/* The slot of the digest, or the free one where it belongs. */
static struct journal_slot *find(struct journal_slot *slots, size_t cap,
                                 const uint8_t digest[16])
{
    uint64_t h;
    size_t i;

    memcpy(&h, digest, sizeof(h));
    for (i = (size_t)h & (cap - 1);; i = (i + 1) & (cap - 1))
        if (is_free(&slots[i]) || memcmp(slots[i].digest, digest, 16) == 0)
            return &slots[i];
}

ts_err journal_index_reserve(struct journal_index *ix)
{
    struct journal_slot *slots;
    size_t cap = CAP_MIN;

    if ((ix->used + 1) * 4 <= ix->cap * 3)
        return TS_OK;
    if (ix->count >= JOURNAL_KEYS_MAX)
        return TS_E_LIMIT;
    while (cap < (ix->count + 1) * 2)
        cap *= 2;
    slots = ts_mem_alloc(cap * sizeof(*slots));
    if (slots == NULL)
        return TS_E_NOMEM;
    for (size_t i = 0; i < ix->cap; i++)
        if (ix->slots[i].seq != 0)
            *find(slots, cap, ix->slots[i].digest) = ix->slots[i];
    ts_mem_free(ix->slots);
    ix->slots = slots;
    ix->cap = cap;
    ix->used = ix->count;
    return TS_OK;
}

void journal_index_put(struct journal_index *ix, const struct ring_journal *j,
                       uint64_t seq)
{
    uint8_t digest[16];
    struct journal_slot *s;

    digest_of(ix, j, digest);
    s = find(ix->slots, ix->cap, digest);
    if (is_free(s)) {
        TS_REQUIRE(ix->used + 1 < ix->cap); /* reserved before */
        memcpy(s->digest, digest, sizeof(digest));
        ix->used++;
    }
    if (s->seq == 0)
        ix->count++;
    s->seq = seq;
}

uint64_t journal_index_get(const struct journal_index *ix,
                           const struct ring_journal *j)
{
    uint8_t digest[16];

    digest_of(ix, j, digest);
    return find(ix->slots, ix->cap, digest)->seq;
}

void journal_index_forget(struct journal_index *ix,
                          const struct ring_journal *j)
{
    uint8_t digest[16];
    struct journal_slot *s;

    digest_of(ix, j, digest);
    s = find(ix->slots, ix->cap, digest);
    if (s->seq == 0)
        return;
    s->seq = 0;
    ix->count--;
}
