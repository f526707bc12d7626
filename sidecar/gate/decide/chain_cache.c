#include "sidecar/gate/decide/chain_cache.h"

#include <string.h>

#include "sidecar/gate/decide/decide.h"

void chain_cache_done(struct chain_cache *c)
{
    for (size_t i = 0; i < CHAIN_CACHE_MAX; i++)
        verified_release(c->slots[i].verified);
    *c = (struct chain_cache){0};
}

/* What was judged under another snapshot says nothing about this one. */
static void come_to(struct chain_cache *c, uint64_t serial)
{
    if (c->serial == serial)
        return;
    chain_cache_done(c);
    c->serial = serial;
}

struct verified *chain_cache_find(struct chain_cache *c, uint64_t serial,
                                  const uint8_t hash[TRUST_HASH_LEN])
{
    come_to(c, serial);
    for (size_t i = 0; i < CHAIN_CACHE_MAX; i++) {
        struct chain_slot *s = &c->slots[i];

        if (s->verified == NULL || memcmp(s->hash, hash, TRUST_HASH_LEN) != 0)
            continue;
        s->used = ++c->clock;
        return s->verified;
    }
    return NULL;
}

/* A free slot, or the one that was not used for the longest time. */
static struct chain_slot *slot_for(struct chain_cache *c)
{
    struct chain_slot *oldest = &c->slots[0];

    for (size_t i = 0; i < CHAIN_CACHE_MAX; i++) {
        if (c->slots[i].verified == NULL)
            return &c->slots[i];
        if (c->slots[i].used < oldest->used)
            oldest = &c->slots[i];
    }
    return oldest;
}

void chain_cache_put(struct chain_cache *c, uint64_t serial,
                     const uint8_t hash[TRUST_HASH_LEN], size_t chain_len,
                     struct verified *v)
{
    struct chain_slot *s;

    if (chain_len > CHAIN_CACHE_BYTES ||
        chain_cache_find(c, serial, hash) != NULL)
        return;
    s = slot_for(c);
    verified_release(s->verified);
    verified_hold(v);
    s->verified = v;
    s->used = ++c->clock;
    memcpy(s->hash, hash, TRUST_HASH_LEN);
}
