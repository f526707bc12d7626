#include "proto/trust/revocation.h"

#include <sodium.h>
#include <string.h>

#include "proto/base/ts_mem.h"
#include "proto/base/ts_require.h"
#include "proto/wire/limits.h"

#define CAP_MIN ((size_t)64)

struct revocation_slot {
    uint64_t h[2]; /* both 0: free */
    uint64_t cutoff;
};

void revocations_init(struct revocations *r, size_t max)
{
    TS_REQUIRE(max <= REVOCATIONS_MAX);
    *r = (struct revocations){.max = max};
    randombytes_buf(r->hash_key, sizeof(r->hash_key));
}

void revocations_done(struct revocations *r)
{
    ts_mem_free(r->slots);
    *r = (struct revocations){0};
}

static bool by_id(enum revocation_kind kind)
{
    return kind == REVOCATION_GRANT || kind == REVOCATION_BLOCK;
}

static bool target_fits(enum revocation_kind kind, size_t len)
{
    switch (kind) {
    case REVOCATION_GRANT:
    case REVOCATION_ISSUER_KEY:
        return len == 16;
    case REVOCATION_BLOCK:
    case REVOCATION_KEY:
        return len == 32;
    case REVOCATION_USER:
    case REVOCATION_AGENT:
    case REVOCATION_TASK:
        return len >= 1 && len <= TS_ID_MAX;
    case REVOCATION_TENANT:
        return len == 0;
    case REVOCATION_NONE:
        break;
    }
    return false;
}

/* kind, length of tenant, tenant, target: no two entries look the same. */
static void slot_hash(const struct revocations *r, enum revocation_kind kind,
                      struct ts_str tenant, struct ts_bytes target,
                      uint64_t ret[2])
{
    uint8_t in[2 + TS_ID_MAX + TS_ID_MAX];
    size_t n = 2;

    in[0] = (uint8_t)kind;
    in[1] = (uint8_t)tenant.len;
    if (tenant.len > 0)
        memcpy(in + n, tenant.ptr, tenant.len);
    n += tenant.len;
    if (target.len > 0)
        memcpy(in + n, target.ptr, target.len);
    n += target.len;
    (void)crypto_shorthash_siphashx24((unsigned char *)ret, in, n,
                                      r->hash_key); /* cannot fail */
    if (ret[0] == 0 && ret[1] == 0)
        ret[0] = 1;
}

/* The slot that holds h, or the free one where it would go. */
static struct revocation_slot *probe(struct revocation_slot *slots, size_t cap,
                                     const uint64_t h[2])
{
    size_t i = (size_t)h[0] & (cap - 1);

    while ((slots[i].h[0] != 0 || slots[i].h[1] != 0) &&
           (slots[i].h[0] != h[0] || slots[i].h[1] != h[1]))
        i = (i + 1) & (cap - 1);
    return &slots[i];
}

static ts_err grow(struct revocations *r)
{
    size_t cap = r->cap > 0 ? r->cap * 2 : CAP_MIN;
    struct revocation_slot *slots;

    if (r->cap > 0 && r->count < r->cap / 2)
        return TS_OK;
    slots = ts_mem_alloc(cap * sizeof(*slots)); /* cap <= 4 * max: no wrap */
    if (slots == NULL)
        return TS_E_NOMEM;
    for (size_t i = 0; i < r->cap; i++)
        if (r->slots[i].h[0] != 0 || r->slots[i].h[1] != 0)
            *probe(slots, cap, r->slots[i].h) = r->slots[i];
    ts_mem_free(r->slots);
    r->slots = slots;
    r->cap = cap;
    return TS_OK;
}

ts_err revocations_add(struct revocations *r, enum revocation_kind kind,
                       struct ts_str tenant, struct ts_bytes target,
                       uint64_t cutoff)
{
    struct revocation_slot *slot;
    uint64_t h[2];
    ts_err e;

    if (tenant.len > TS_ID_MAX || !target_fits(kind, target.len))
        return TS_E_INVALID;
    if (by_id(kind))
        cutoff = UINT64_MAX;
    slot_hash(r, kind, tenant, target, h);
    if (r->cap > 0) {
        slot = probe(r->slots, r->cap, h);
        if (slot->h[0] == h[0] && slot->h[1] == h[1]) {
            if (cutoff > slot->cutoff) { /* never narrower */
                slot->cutoff = cutoff;
                r->epoch++;
            }
            return TS_OK;
        }
    }
    if (r->count >= r->max)
        return TS_E_LIMIT;
    e = grow(r);
    if (e != TS_OK)
        return e;
    *probe(r->slots, r->cap, h) =
        (struct revocation_slot){.h = {h[0], h[1]}, .cutoff = cutoff};
    r->count++;
    r->epoch++;
    return TS_OK;
}

bool revocations_hit(const struct revocations *r, enum revocation_kind kind,
                     struct ts_str tenant, struct ts_bytes target, uint64_t iat)
{
    const struct revocation_slot *slot;
    uint64_t h[2];

    if (r->count == 0)
        return false;
    if (tenant.len > TS_ID_MAX || !target_fits(kind, target.len))
        return true; /* nothing valid looks like this: deny */
    slot_hash(r, kind, tenant, target, h);
    slot = probe(r->slots, r->cap, h);
    return slot->h[0] == h[0] && slot->h[1] == h[1] && iat <= slot->cutoff;
}

const char *revocation_kind_name(enum revocation_kind kind)
{
    switch (kind) {
    case REVOCATION_NONE:
        return "none";
    case REVOCATION_GRANT:
        return "grant";
    case REVOCATION_BLOCK:
        return "block";
    case REVOCATION_KEY:
        return "key";
    case REVOCATION_USER:
        return "user";
    case REVOCATION_AGENT:
        return "agent";
    case REVOCATION_TASK:
        return "task";
    case REVOCATION_TENANT:
        return "tenant";
    case REVOCATION_ISSUER_KEY:
        return "issuer key";
    }
    return "unknown";
}
