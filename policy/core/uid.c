#include "policy/core/uid.h"

#include <string.h>

#include "proto/base/ts_num.h"

/*
 * Not a keyed hash, although names come from strangers (delegation blocks,
 * entity files): cedar has no randomness, and no structure here degrades when
 * hashes collide. Every look-up by hash, and what bounds it:
 *
 *   uidmap (entities, scopes, types of the index)   sorted by (hash, type, id);
 *                          a run longer than 8 is bisected: log2(n)
 *   ancestors of an entity    sorted likewise, beyond 16 bisected; equal hashes
 *                          in a row of 16 are each confirmed
 *   paths while lowering      at most EV_PATHS_SHARED are chained at all
 *   shapes of the validator   open addressing; every step is paid for from
 *                          its budget of work
 *   types of a schema         sorted by (hash, type) in log2(n) runs, each
 *                          bisected
 *   records and sets          no hash: sorted by length and bytes
 *
 * Building each is one heap sort: n log2(n) for any input. A crafted collision
 * thus costs a few string compares, of strings that were paid for in full.
 */
#define MIX UINT64_C(0x9E3779B97F4A7C15)

static uint64_t mix(uint64_t h)
{
    h *= MIX;
    return h ^ (h >> 32);
}

uint64_t cedar_hash_str(struct ts_str s, uint64_t seed)
{
    uint64_t h = mix(seed ^ s.len), w;

    while (s.len >= sizeof(w)) {
        memcpy(&w, s.ptr, sizeof(w));
        h = mix(h ^ w);
        s.ptr += sizeof(w);
        s.len -= sizeof(w);
    }
    w = 0;
    if (s.len > 0)
        memcpy(&w, s.ptr, s.len);
    return mix(h ^ w);
}

struct cedar_uid cedar_uid_make(struct ts_str type, struct ts_str id)
{
    return (struct cedar_uid){.type = type,
                              .id = id,
                              .hash =
                                  cedar_hash_str(id, cedar_hash_str(type, 1))};
}

__attribute__((noinline)) static bool confirm_long(const struct cedar_uid *a,
                                                   const struct cedar_uid *b)
{
    return cedar_bytes_same(a->id.ptr, b->id.ptr, a->id.len) &&
           cedar_bytes_same(a->type.ptr, b->type.ptr, a->type.len);
}

/* Names are short: their way calls nothing, so it saves no registers. */
bool cedar_uid_confirm(const struct cedar_uid *a, const struct cedar_uid *b)
{
    if (a->hash != b->hash || a->id.len != b->id.len ||
        a->type.len != b->type.len)
        return false;
    if (a->id.len > 32 || a->type.len > 32)
        return confirm_long(a, b);
    return cedar_few_same(a->id.ptr, b->id.ptr, a->id.len) &&
           cedar_few_same(a->type.ptr, b->type.ptr, a->type.len);
}

bool cedar_uid_eq(const struct cedar_uid *a, const struct cedar_uid *b)
{
    return a == b || cedar_uid_confirm(a, b);
}

int cedar_uid_cmp(const struct cedar_uid *a, const struct cedar_uid *b)
{
    int c;

    if (a == b)
        return 0;
    if (a->hash != b->hash)
        return a->hash < b->hash ? -1 : 1;
    c = cedar_str_order(a->type, b->type);
    return c != 0 ? c : cedar_str_order(a->id, b->id);
}

ts_err cedar_str_copy(struct ts_arena *arena, struct ts_str s,
                      struct ts_str *ret)
{
    const char *p;
    ts_err e = ts_arena_strndup(arena, s.ptr, s.len, &p);

    if (e == TS_OK)
        *ret = (struct ts_str){.ptr = p, .len = s.len};
    return e;
}

/* One piece: whoever compares uids finds the names beside the hash. */
ts_err cedar_uid_copy(struct ts_arena *arena, struct ts_str type,
                      struct ts_str id, const struct cedar_uid **ret)
{
    struct cedar_uid *uid;
    size_t bytes;
    char *names;
    void *p;
    ts_err e;

    if (ts_ckd_add(&bytes, sizeof(*uid), type.len) ||
        ts_ckd_add(&bytes, bytes, id.len))
        return TS_E_LIMIT;
    if ((e = ts_arena_alloc(arena, bytes, &p)) != TS_OK)
        return e;
    uid = p;
    names = (char *)(uid + 1);
    if (type.len > 0)
        memcpy(names, type.ptr, type.len);
    if (id.len > 0)
        memcpy(names + type.len, id.ptr, id.len);
    *uid =
        cedar_uid_make((struct ts_str){.ptr = names, .len = type.len},
                       (struct ts_str){.ptr = names + type.len, .len = id.len});
    *ret = uid;
    return TS_OK;
}
