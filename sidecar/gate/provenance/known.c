#include "sidecar/gate/provenance/known.h"

#include <sodium.h>
#include <string.h>

#include "proto/base/ts_mem.h"

#define FIRST_CAP 16u /* a power of two */

void known_init(struct known *k)
{
    *k = (struct known){0};
    randombytes_buf(k->key, sizeof(k->key));
}

void known_done(struct known *k)
{
    ts_mem_free(k->table);
    k->table = NULL;
    k->cap = 0;
    k->count = 0;
}

uint64_t known_hash(const struct known *k, enum prov_kind kind,
                    struct ts_str text, const struct prov_label *l,
                    uint32_t place)
{
    uint8_t all[crypto_shorthash_BYTES + 12], out[crypto_shorthash_BYTES];
    uint64_t h;

    /* cannot fail */
    (void)crypto_shorthash(all, (const uint8_t *)text.ptr, text.len, k->key);
    all[8] = (uint8_t)kind;
    all[9] = (uint8_t)l->source;
    all[10] = (uint8_t)l->level;
    all[11] = l->is_id;
    memcpy(all + 12, &place, sizeof(place));
    memcpy(all + 16, &l->said, sizeof(l->said));
    (void)crypto_shorthash(out, all, sizeof(all), k->key);
    memcpy(&h, out, sizeof(h));
    return h == 0 ? 1 : h;
}

static uint32_t place_for(const uint64_t *table, uint32_t cap, uint64_t hash)
{
    uint32_t i = (uint32_t)hash & (cap - 1);

    while (table[i] != 0 && table[i] != hash)
        i = (i + 1) & (cap - 1);
    return i;
}

bool known_has(const struct known *k, uint64_t hash)
{
    return k->cap > 0 && k->table[place_for(k->table, k->cap, hash)] != 0;
}

static bool grow(struct known *k)
{
    uint32_t cap = k->cap == 0 ? FIRST_CAP : k->cap * 2;
    uint64_t *table;

    if (cap * sizeof(*table) > KNOWN_BYTES_MAX ||
        (table = ts_mem_alloc(cap * sizeof(*table))) == NULL)
        return false;
    for (uint32_t i = 0; i < k->cap; i++)
        if (k->table[i] != 0)
            table[place_for(table, cap, k->table[i])] = k->table[i];
    ts_mem_free(k->table);
    k->table = table;
    k->cap = cap;
    return true;
}

void known_add(struct known *k, uint64_t hash)
{
    uint32_t at;

    if ((k->count + 1) * 3 > k->cap * 2 && !grow(k))
        return;
    at = place_for(k->table, k->cap, hash);
    k->count += k->table[at] == 0;
    k->table[at] = hash;
}

size_t known_bytes(const struct known *k)
{
    return k->cap * sizeof(*k->table);
}
