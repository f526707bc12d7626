#include "proto/base/ts_arena.h"

#include <stdalign.h>
#include <string.h>

#include "proto/base/ts_mem.h"
#include "proto/base/ts_num.h"

#define CHUNK_MIN ((size_t)4096)

struct ts_arena_chunk {
    struct ts_arena_chunk *next;
    size_t cap;
    size_t len;
    alignas(max_align_t) unsigned char data[];
};

void ts_arena_init(struct ts_arena *a, size_t budget)
{
    *a = (struct ts_arena){.budget = budget};
}

void ts_arena_done(struct ts_arena *a)
{
    struct ts_arena_chunk *c = a->head;

    while (c != NULL) {
        struct ts_arena_chunk *next = c->next;
        ts_mem_free(c);
        c = next;
    }
    *a = (struct ts_arena){0};
}

void ts_arena_reset(struct ts_arena *a)
{
    struct ts_arena_chunk *c = a->head;
    size_t budget = a->budget, total = 0;

    a->used = 0;
    if (c == NULL)
        return;
    if (c->next == NULL) {
        memset(c->data, 0, c->len);
        c->len = 0;
        return;
    }
    for (; c != NULL; c = c->next)
        total += c->cap; /* each was allocated, so the sum cannot wrap */
    ts_arena_done(a);
    ts_arena_init(a, budget);
    a->chunk = total < budget ? total : budget;
}

static ts_err arena_grow(struct ts_arena *a, size_t need)
{
    struct ts_arena_chunk *c;
    size_t least = a->chunk > CHUNK_MIN ? a->chunk : CHUNK_MIN;
    size_t cap = need > least ? need : least;
    size_t total;

    if (ts_ckd_add(&total, sizeof(*c), cap))
        return TS_E_LIMIT;
    c = ts_mem_alloc(total);
    if (c == NULL)
        return TS_E_NOMEM;
    c->cap = cap;
    c->next = a->head;
    a->head = c;
    return TS_OK;
}

ts_err ts_arena_alloc(struct ts_arena *a, size_t n, void **ret)
{
    const size_t align = alignof(max_align_t);
    size_t need, used;
    ts_err e;

    if (ts_ckd_add(&need, n, align - 1))
        return TS_E_LIMIT;
    need &= ~(align - 1);
    if (ts_ckd_add(&used, a->used, need) || used > a->budget)
        return TS_E_LIMIT;
    if (a->head == NULL || a->head->cap - a->head->len < need) {
        e = arena_grow(a, need);
        if (e != TS_OK)
            return e;
    }
    *ret = a->head->data + a->head->len;
    a->head->len += need;
    a->used = used;
    return TS_OK;
}

ts_err ts_arena_array(struct ts_arena *a, size_t count, size_t size, void **ret)
{
    size_t n;

    if (ts_ckd_mul(&n, count, size))
        return TS_E_LIMIT;
    return ts_arena_alloc(a, n, ret);
}

ts_err ts_arena_strndup(struct ts_arena *a, const char *s, size_t n,
                        const char **ret)
{
    void *p;
    size_t room;
    ts_err e;

    if (ts_ckd_add(&room, n, 1))
        return TS_E_LIMIT;
    e = ts_arena_alloc(a, room, &p);
    if (e != TS_OK)
        return e;
    if (n > 0)
        memcpy(p, s, n);
    *ret = p;
    return TS_OK;
}
