#include "tests/unit/sandbox/models.h"

#include <string.h>

#define POINTS_MAX 4096

uint64_t models_take(struct models_bytes *b, unsigned bytes)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < bytes; i++)
        v = v << 8 | (b->at < b->len ? b->ptr[b->at++] : 0);
    return v;
}

static const uint32_t actions[] = {SANDBOX_ALLOW, SANDBOX_ERRNO(1),
                                   SANDBOX_ERRNO(13), SANDBOX_ABSENT,
                                   SANDBOX_KILL};

static uint32_t random_action(struct models_bytes *b)
{
    return actions[models_take(b, 1) % 5];
}

/* Small values, so that conditions meet; large ones, for the upper half. */
static uint64_t random_value(struct models_bytes *b)
{
    static const unsigned widths[] = {1, 1, 2, 4, 5, 8};
    uint64_t kind = models_take(b, 1);

    if (kind % 8 == 7)
        return 1ull << (models_take(b, 1) % 64);
    if (kind % 8 == 6)
        return models_take(b, 1) << 32;
    return models_take(b, widths[kind % 6]);
}

static ts_err random_cond(struct models_bytes *b, struct ts_arena *arena,
                          struct sandbox_cond *ret)
{
    uint64_t shape = models_take(b, 1), width;
    struct sandbox_cond c = {.arg = (uint8_t)(shape % 6),
                             .is32 = (shape & 0x10) != 0,
                             .differs = (shape & 0x20) != 0};
    uint32_t want = 1 + (uint32_t)(models_take(b, 1) % 5);
    uint64_t *values;
    void *room;
    ts_err e = ts_arena_array(arena, want, sizeof(*values), &room);

    if (e != TS_OK)
        return e;
    values = room;
    width = c.is32 ? UINT32_MAX : UINT64_MAX;
    c.mask = (shape & 0x40) != 0 ? random_value(b) & width : width;
    if (c.mask == 0)
        c.mask = width;
    for (uint32_t i = 0; i < want; i++) {
        uint64_t v = random_value(b) & c.mask;
        uint32_t k = 0;

        while (k < c.count && values[k] != v)
            k++;
        if (k == c.count)
            values[c.count++] = v;
    }
    c.values = values;
    c.secret = (shape & 0x80) != 0 && !c.is32 && !c.differs && c.count == 1 &&
               c.mask == UINT64_MAX;
    *ret = c;
    return TS_OK;
}

static ts_err random_call(struct models_bytes *b, struct ts_arena *arena,
                          const struct sandbox_call **ret)
{
    uint32_t count = (uint32_t)(models_take(b, 1) % 5);
    struct sandbox_clause *clauses;
    struct sandbox_call *c;
    void *room;
    ts_err e = ts_arena_alloc(arena, sizeof(*c), &room);

    if (e != TS_OK)
        return e;
    c = room;
    e = ts_arena_array(arena, count + 1, sizeof(*clauses), &room);
    if (e != TS_OK)
        return e;
    clauses = room;
    *c = (struct sandbox_call){
        .clauses = clauses, .count = count, .action = random_action(b)};
    for (uint32_t i = 0; i < count; i++) {
        uint32_t n = (uint32_t)(models_take(b, 1) % 4);
        struct sandbox_cond *conds;

        e = ts_arena_array(arena, n + 1, sizeof(*conds), &room);
        if (e != TS_OK)
            return e;
        conds = room;
        clauses[i] = (struct sandbox_clause){
            .conds = conds, .count = n, .action = random_action(b)};
        for (uint32_t k = 0; k < n && e == TS_OK; k++)
            e = random_cond(b, arena, &conds[k]);
        if (e != TS_OK)
            return e;
    }
    *ret = c;
    return TS_OK;
}

ts_err models_random(struct models_bytes *b, struct ts_arena *arena,
                     struct sandbox_model *ret)
{
    struct sandbox_model m = {
        .arch = (enum sandbox_arch)(models_take(b, 1) % SANDBOX_ARCHS)};
    uint32_t nr = 0;
    ts_err e = TS_OK;

    while (nr < SANDBOX_NR_END && b->at < b->len && e == TS_OK) {
        nr += (uint32_t)(models_take(b, 1) % 12);
        if (nr < SANDBOX_NR_END)
            e = random_call(b, arena, &m.by_nr[nr]);
    }
    if (e == TS_OK)
        *ret = m;
    return e;
}

/* ---- arguments ---------------------------------------------------------- */

struct points {
    uint64_t v[POINTS_MAX];
    uint32_t count;
};

static void point(struct points *p, uint64_t v)
{
    for (uint32_t i = 0; i < p->count; i++) {
        if (p->v[i] == v)
            return;
    }
    if (p->count < POINTS_MAX)
        p->v[p->count++] = v;
}

static void points_of(const struct sandbox_cond *c, struct points *p)
{
    for (uint32_t i = 0; i < c->count; i++) {
        uint64_t v = c->values[i];

        point(p, v);
        point(p, v ^ 1);
        point(p, v + 1);
        point(p, v - 1);
        point(p, v | 1ull << 32);
        point(p, v ^ 1ull << 63);
        point(p, v | ~c->mask);
        point(p, v ^ (c->mask & (~c->mask + 1))); /* the lowest bit of it */
    }
}

static void edges(struct points *p)
{
    static const uint64_t v[] = {0,          1,          0x7fffffff, 0xffffffff,
                                 1ull << 32, 1ull << 63, UINT64_MAX};

    for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++)
        point(p, v[i]);
}

/* The rest of the clause is satisfied, so that this condition decides. */
static void satisfy(const struct sandbox_clause *k, uint64_t args[SANDBOX_ARGS])
{
    memset(args, 0, SANDBOX_ARGS * sizeof(args[0]));
    for (uint32_t i = 0; i < k->count; i++) {
        const struct sandbox_cond *c = &k->conds[i];

        args[c->arg] |= c->differs ? c->values[0] ^ c->mask : c->values[0];
    }
}

bool models_each_args(const struct sandbox_call *c,
                      bool (*with)(void *ctx, const uint64_t *args), void *ctx)
{
    static struct points p;
    uint64_t args[SANDBOX_ARGS] = {0};

    if (!with(ctx, args))
        return false;
    for (uint32_t i = 0; c != NULL && i < c->count; i++) {
        const struct sandbox_clause *k = &c->clauses[i];

        satisfy(k, args);
        if (!with(ctx, args))
            return false;
        for (uint32_t j = 0; j < k->count; j++) {
            p.count = 0;
            points_of(&k->conds[j], &p);
            edges(&p);
            for (uint32_t n = 0; n < p.count; n++) {
                satisfy(k, args);
                args[k->conds[j].arg] = p.v[n];
                if (!with(ctx, args))
                    return false;
                memset(args, 0, sizeof(args));
                args[k->conds[j].arg] = p.v[n];
                if (!with(ctx, args))
                    return false;
            }
        }
    }
    return true;
}
