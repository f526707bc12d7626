#include "sidecar/gate/approve/firsts.h"

#include <sodium.h>
#include <string.h>

#include "proto/base/ts_mem.h"

#define WAYS 4u /* places that one thing may be in */

struct firsts {
    uint8_t key[crypto_shorthash_KEYBYTES];
    uint32_t turn;             /* which of the places makes room next */
    uint64_t list[FIRSTS_MAX]; /* 0: free */
};

ts_err firsts_new(struct firsts **ret)
{
    struct firsts *f = ts_mem_alloc(sizeof(*f));

    if (f == NULL)
        return TS_E_NOMEM;
    randombytes_buf(f->key, sizeof(f->key));
    *ret = f;
    return TS_OK;
}

void firsts_free(struct firsts *f)
{
    ts_mem_free(f);
}

static uint64_t sip(const struct firsts *f, const void *p, size_t n)
{
    uint8_t out[crypto_shorthash_BYTES];
    uint64_t v;

    (void)crypto_shorthash(out, p, n, f->key); /* always 0 */
    memcpy(&v, out, sizeof(v));
    return v;
}

static uint64_t sip_text(const struct firsts *f, struct ts_str s)
{
    return sip(f, s.len > 0 ? s.ptr : "", s.len);
}

/* Each part by its own hash, so that none runs over into the next. */
static uint64_t hash_of(const struct firsts *f, const struct firsts_thing *t)
{
    uint64_t parts[7] = {(uint64_t)t->kind, sip_text(f, t->tenant)}, h;

    memcpy(&parts[2], t->grant_id, 16);
    parts[4] = sip_text(f, t->tool);
    parts[5] = sip_text(f, t->name);
    parts[6] = sip_text(f, t->value);
    h = sip(f, parts, sizeof(parts));
    return h == 0 ? 1 : h;
}

static uint32_t place_of(uint64_t h, uint32_t way)
{
    return ((uint32_t)h + way) & (FIRSTS_MAX - 1);
}

bool firsts_has(const struct firsts *f, const struct firsts_thing *t)
{
    uint64_t h = hash_of(f, t);

    for (uint32_t i = 0; i < WAYS; i++)
        if (f->list[place_of(h, i)] == h)
            return true;
    return false;
}

void firsts_add(struct firsts *f, const struct firsts_thing *t)
{
    uint64_t h = hash_of(f, t);
    uint32_t to = place_of(h, f->turn++ % WAYS);

    for (uint32_t i = 0; i < WAYS; i++) {
        uint32_t at = place_of(h, i);

        if (f->list[at] == h)
            return;
        if (f->list[at] == 0)
            to = at;
    }
    f->list[to] = h;
}
