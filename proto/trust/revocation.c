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
    uint64_t keep; /* seconds, and above them whose it is: see keep_until() */
};

#define FOR_EVER   ((UINT64_C(1) << 48) - 1) /* seconds: nine million years */
#define OWNER_BITS 48

static uint64_t keep_until(const struct revocation_slot *s)
{
    uint64_t t = s->keep & FOR_EVER;

    return t == FOR_EVER ? UINT64_MAX : t;
}

static size_t owner_of(const struct revocation_slot *s)
{
    return (size_t)(s->keep >> OWNER_BITS);
}

static uint64_t keep_of(uint64_t until, size_t owner)
{
    return (uint64_t)owner << OWNER_BITS |
           (until < FOR_EVER ? until : FOR_EVER);
}

enum target_shape {
    TARGET_NONE = 0, /* "" */
    TARGET_ID,
    TARGET_16,
    TARGET_32
};

/* One table for all that differs by kind. */
struct kind_form {
    const char *name;
    enum target_shape target;
    bool by_id;
};

static const struct kind_form kinds[REVOCATION_KIND_COUNT] = {
    [REVOCATION_GRANT] = {"grant", TARGET_16, true},
    [REVOCATION_BLOCK] = {"block", TARGET_32, true},
    [REVOCATION_KEY] = {"key", TARGET_32, false},
    [REVOCATION_USER] = {"user", TARGET_ID, false},
    [REVOCATION_AGENT] = {"agent", TARGET_ID, false},
    [REVOCATION_TASK] = {"task", TARGET_ID, false},
    [REVOCATION_TENANT] = {"tenant", TARGET_NONE, false},
    [REVOCATION_ISSUER_KEY] = {"issuer-key", TARGET_16, false},
    [REVOCATION_APPROVER] = {"approver", TARGET_ID, false},
    [REVOCATION_ESCALATION] = {"escalation", TARGET_16, true},
    [REVOCATION_DECISION] = {"decision", TARGET_16, true},
    [REVOCATION_SESSION] = {"session", TARGET_16, true},
};

static const struct kind_form *form_of(enum revocation_kind kind)
{
    return (size_t)kind < REVOCATION_KIND_COUNT && kinds[kind].name != NULL
               ? &kinds[kind]
               : NULL;
}

void revocations_init(struct revocations *r, size_t max)
{
    TS_REQUIRE(max <= REVOCATIONS_MAX);
    *r = (struct revocations){.max = max, .next_end = UINT64_MAX};
    randombytes_buf(r->hash_key, sizeof(r->hash_key));
}

void revocations_done(struct revocations *r)
{
    ts_mem_free(r->slots);
    *r = (struct revocations){0};
}

bool revocation_by_id(enum revocation_kind kind)
{
    const struct kind_form *f = form_of(kind);

    return f != NULL && f->by_id;
}

bool revocation_target_is_text(enum revocation_kind kind)
{
    const struct kind_form *f = form_of(kind);

    return f != NULL && (f->target == TARGET_ID || f->target == TARGET_NONE);
}

bool revocation_target_fits(enum revocation_kind kind, size_t len)
{
    const struct kind_form *f = form_of(kind);

    if (f == NULL)
        return false;
    switch (f->target) {
    case TARGET_NONE:
        return len == 0;
    case TARGET_ID:
        return len >= 1 && len <= TS_ID_MAX;
    case TARGET_16:
        return len == 16;
    case TARGET_32:
        return len == 32;
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

static bool used(const struct revocation_slot *s)
{
    return s->h[0] != 0 || s->h[1] != 0;
}

/* The slot that holds h, or the free one where it would go. */
static struct revocation_slot *probe(struct revocation_slot *slots, size_t cap,
                                     const uint64_t h[2])
{
    size_t i = (size_t)h[0] & (cap - 1);

    while (used(&slots[i]) && (slots[i].h[0] != h[0] || slots[i].h[1] != h[1]))
        i = (i + 1) & (cap - 1);
    return &slots[i];
}

/* The entry of a target; NULL when there is none. The lengths fit. */
static struct revocation_slot *find(const struct revocations *r,
                                    enum revocation_kind kind,
                                    struct ts_str tenant,
                                    struct ts_bytes target, uint64_t ret_h[2])
{
    struct revocation_slot *slot;

    slot_hash(r, kind, tenant, target, ret_h);
    if (r->cap == 0)
        return NULL;
    slot = probe(r->slots, r->cap, ret_h);
    return used(slot) ? slot : NULL;
}

/* Empties slot i and closes the gap: whatever was pushed past it by probing
 * moves back, so that no search ends too early. */
static void drop(struct revocations *r, size_t i)
{
    size_t mask = r->cap - 1, owner = owner_of(&r->slots[i]);

    for (size_t k = (i + 1) & mask; used(&r->slots[k]); k = (k + 1) & mask) {
        size_t home = (size_t)r->slots[k].h[0] & mask;

        if (((k - home) & mask) < ((k - i) & mask))
            continue; /* it stands between its home and the gap's end */
        r->slots[i] = r->slots[k];
        i = k;
    }
    r->slots[i] = (struct revocation_slot){.cutoff = 0};
    r->count--;
    r->held[owner]--;
}

size_t revocations_purge(struct revocations *r, uint64_t now_s)
{
    uint64_t next = UINT64_MAX;
    size_t before = r->count, i = 0;

    if (now_s <= r->next_end)
        return 0;
    while (i < r->cap) {
        const struct revocation_slot *s = &r->slots[i];

        if (used(s) && keep_until(s) < now_s) {
            drop(r, i); /* and look at what came into its place */
            continue;
        }
        if (used(s) && keep_until(s) < next)
            next = keep_until(s);
        i++;
    }
    r->next_end = next;
    return before - r->count;
}

static ts_err grow(struct revocations *r)
{
    size_t cap = r->cap > 0 ? r->cap * 2 : CAP_MIN;
    struct revocation_slot *slots;

    slots = ts_mem_alloc(cap * sizeof(*slots)); /* cap <= 4 * max: no wrap */
    if (slots == NULL)
        return TS_E_NOMEM;
    for (size_t i = 0; i < r->cap; i++)
        if (used(&r->slots[i]))
            *probe(slots, cap, r->slots[i].h) = r->slots[i];
    ts_mem_free(r->slots);
    r->slots = slots;
    r->cap = cap;
    return TS_OK;
}

/* Which counter is a tenant's. By chance two may share one; nobody can choose
 * to, since the hash has a key. */
static size_t owner_find(const struct revocations *r, struct ts_str tenant)
{
    uint64_t h;

    (void)crypto_shorthash((unsigned char *)&h,
                           (const unsigned char *)tenant.ptr, tenant.len,
                           r->hash_key); /* cannot fail */
    return (size_t)h & (REVOCATION_OWNERS - 1);
}

/* The last places are for those who have few: one tenant's revocations cannot
 * fill the table for the others. */
static bool is_full(const struct revocations *r, size_t owner)
{
    size_t few =
        r->max >= REVOCATIONS_SHARED ? r->max / REVOCATIONS_RESERVED : 0;

    return r->count >= r->max ||
           (few > 0 && r->count >= r->max - few && r->held[owner] >= few);
}

/* Room for one more entry, at most half of the slots being used. */
static ts_err make_room(struct revocations *r, size_t owner, uint64_t now_s)
{
    bool crowded = r->cap == 0 || r->count >= r->cap / 2;

    if (crowded || is_full(r, owner))
        (void)revocations_purge(r, now_s); /* how many does not matter */
    if (is_full(r, owner))
        return TS_E_LIMIT;
    return r->cap == 0 || r->count >= r->cap / 2 ? grow(r) : TS_OK;
}

/* Never narrower, never shorter. */
static void widen(struct revocations *r, struct revocation_slot *slot,
                  uint64_t cutoff, uint64_t until)
{
    if (until > keep_until(slot))
        slot->keep = keep_of(until, owner_of(slot));
    if (cutoff > slot->cutoff) {
        slot->cutoff = cutoff;
        r->epoch++;
    }
}

ts_err revocations_add(struct revocations *r, enum revocation_kind kind,
                       struct ts_str tenant, struct ts_bytes target,
                       uint64_t cutoff, uint64_t until, uint64_t now_s)
{
    struct revocation_slot *slot;
    uint64_t h[2];
    size_t owner;
    ts_err e;

    if (tenant.len > TS_ID_MAX || !revocation_target_fits(kind, target.len))
        return TS_E_INVALID;
    if (revocation_by_id(kind))
        cutoff = UINT64_MAX;
    slot = find(r, kind, tenant, target, h);
    if (slot != NULL) {
        widen(r, slot, cutoff, until);
        return TS_OK;
    }
    owner = owner_find(r, tenant);
    e = make_room(r, owner, now_s);
    if (e != TS_OK)
        return e;
    *probe(r->slots, r->cap, h) = (struct revocation_slot){
        .h = {h[0], h[1]}, .cutoff = cutoff, .keep = keep_of(until, owner)};
    r->count++;
    r->held[owner]++;
    r->epoch++;
    if (until < r->next_end)
        r->next_end = until;
    return TS_OK;
}

bool revocations_get(const struct revocations *r, enum revocation_kind kind,
                     struct ts_str tenant, struct ts_bytes target,
                     struct revocation_state *ret)
{
    const struct revocation_slot *slot;
    uint64_t h[2];

    if (tenant.len > TS_ID_MAX || !revocation_target_fits(kind, target.len))
        return false;
    slot = find(r, kind, tenant, target, h);
    if (slot == NULL)
        return false;
    *ret = (struct revocation_state){.cutoff = slot->cutoff,
                                     .keep_until = keep_until(slot)};
    return true;
}

enum revocation_kind revocations_first_hit(const struct revocations *r,
                                           struct ts_str tenant,
                                           const struct revocation_ask *asks,
                                           size_t count)
{
    uint64_t h[REVOCATION_ASKS_MAX][2];

    TS_REQUIRE(count <= REVOCATION_ASKS_MAX);
    if (r->count == 0)
        return REVOCATION_NONE;
    for (size_t i = 0; i < count; i++) {
        if (tenant.len > TS_ID_MAX ||
            !revocation_target_fits(asks[i].kind, asks[i].target.len))
            return asks[i].kind; /* nothing valid looks like this: deny */
        slot_hash(r, asks[i].kind, tenant, asks[i].target, h[i]);
        __builtin_prefetch(&r->slots[(size_t)h[i][0] & (r->cap - 1)]);
    }
    for (size_t i = 0; i < count; i++) {
        const struct revocation_slot *slot = probe(r->slots, r->cap, h[i]);

        if (used(slot) && asks[i].iat <= slot->cutoff)
            return asks[i].kind;
    }
    return REVOCATION_NONE;
}

bool revocations_hit(const struct revocations *r, enum revocation_kind kind,
                     struct ts_str tenant, struct ts_bytes target, uint64_t iat)
{
    const struct revocation_slot *slot;
    uint64_t h[2];

    if (r->count == 0)
        return false;
    if (tenant.len > TS_ID_MAX || !revocation_target_fits(kind, target.len))
        return true; /* nothing valid looks like this: deny */
    slot = find(r, kind, tenant, target, h);
    return slot != NULL && iat <= slot->cutoff;
}

const char *revocation_kind_name(enum revocation_kind kind)
{
    const struct kind_form *f = form_of(kind);

    if (f != NULL)
        return f->name;
    return kind == REVOCATION_NONE ? "none" : "unknown";
}

bool revocation_kind_parse(struct ts_str name, enum revocation_kind *ret)
{
    for (size_t i = 0; i < REVOCATION_KIND_COUNT; i++) {
        if (kinds[i].name == NULL || !ts_str_eq_c(name, kinds[i].name))
            continue;
        *ret = (enum revocation_kind)i;
        return true;
    }
    return false;
}
