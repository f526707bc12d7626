#include "policy/core/uidmap.h"

#include "policy/core/sort.h"

#define DIR_ROOMY 16384

static int entry_order(const void *a, const void *b)
{
    const struct cedar_uidmap_entry *x = a, *y = b;
    int c = cedar_uid_cmp(x->uid, y->uid);

    if (c != 0)
        return c;
    return (x->value > y->value) - (x->value < y->value);
}

void cedar_uidmap_sort(struct cedar_uidmap_entry *entries, uint32_t n)
{
    cedar_sort(entries, n, sizeof(*entries), entry_order);
}

ts_err cedar_uidmap_build(struct ts_arena *arena,
                          struct cedar_uidmap_entry *entries, uint32_t n,
                          struct cedar_uidmap *ret)
{
    unsigned bits = 1;
    uint32_t *dir, at = 0;
    void *p;
    ts_err e;

    /* Room to spare where it costs little: most misses meet an empty run. */
    while (bits < 24 && ((uint32_t)1 << bits) < n)
        bits++;
    bits += n < DIR_ROOMY ? 2 : 0;
    e = ts_arena_array(arena, ((size_t)1 << bits) + 1, sizeof(*dir), &p);
    if (e != TS_OK)
        return e;
    dir = p;
    cedar_uidmap_sort(entries, n);
    for (uint32_t i = 0; i < n; i++)
        entries[i].tag = (uint32_t)entries[i].uid->hash;
    for (uint32_t b = 0; b < (uint32_t)1 << bits; b++) {
        dir[b] = at;
        while (at < n && entries[at].uid->hash >> (64 - bits) == b)
            at++;
    }
    dir[(size_t)1 << bits] = n;
    *ret = (struct cedar_uidmap){
        .entries = entries, .dir = dir, .count = n, .shift = 64 - bits};
    return TS_OK;
}

void cedar_uidmap_move(struct cedar_uidmap *m, struct cedar_uid *uids)
{
    for (uint32_t i = 0; i < m->count; i++) {
        struct cedar_uid *to = &uids[m->entries[i].value];

        *to = *m->entries[i].uid;
        m->entries[i].uid = to;
    }
}

uint32_t cedar_uidmap_bisect(const struct cedar_uidmap *m, uint32_t lo,
                             uint32_t hi, const struct cedar_uid *uid)
{
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        int c = cedar_uid_cmp(m->entries[mid].uid, uid);

        if (c == 0)
            return m->entries[mid].value;
        if (c < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return CEDAR_UIDMAP_NONE;
}
