#include "tests/bench/policy/floor.h"

#include "policy/data/entity.h"

bool bench_floor_make(struct bench_data *d, struct bench_floor *ret)
{
    size_t n = 16;
    void *mem;

    while (n < (size_t)d->entities->count * 2)
        n *= 2;
    if (ts_arena_array(&d->arena, n, sizeof(*ret->slots), &mem) != TS_OK)
        return false;
    *ret = (struct bench_floor){.slots = mem, .mask = n - 1};
    for (uint32_t i = 0; i < d->entities->count; i++) {
        const struct cedar_uid *uid = d->entities->list[i].uid;
        size_t at = uid->hash & ret->mask;

        while (ret->slots[at] != NULL)
            at = (at + 1) & ret->mask;
        ret->slots[at] = uid;
    }
    return true;
}

static uint64_t find(const struct bench_floor *f, const struct cedar_uid *uid)
{
    for (size_t at = uid->hash & f->mask; f->slots[at] != NULL;
         at = (at + 1) & f->mask)
        if (cedar_uid_eq(f->slots[at], uid))
            return f->slots[at]->hash;
    return 0;
}

uint64_t bench_floor_one(const struct bench_floor *f,
                         const struct cedar_request *req)
{
    return find(f, &req->principal) + find(f, &req->action) +
           find(f, &req->resource);
}

double bench_clock_ns(void)
{
    volatile uint64_t sink = 0; /* keeps the loop from being removed */
    double best = 1e9;

    for (unsigned r = 0; r < 20; r++) {
        uint64_t x = r + 1;
        double t = bench_now_ns();

        for (unsigned i = 0; i < 100000; i++)
            x = x * 6364136223846793005u + 1;
        sink += x;
        t = (bench_now_ns() - t) / 100000;
        best = t < best ? t : best;
    }
    return sink != 0 ? best : 0;
}
