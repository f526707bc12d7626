/*
 * What looking for revocations costs a decision, with 0, 100,000 and 1,000,000
 * entries and chains of 1, 3 and 8 blocks, and when nothing was revoked since
 * the last call; beside BLAKE2b-256 of 1 KiB in the same loop. Every figure is
 * a median over chains that differ, so that the table is not just warm. Prints
 * a table.
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "proto/trust/delegation.h"

#define CHAINS    512 /* different ones, in turn */
#define BATCH     64  /* measured at once: a clock costs as much as a look-up */
#define CASES     9
#define UNCHANGED 1000
#define KEEP      UINT64_MAX

static const size_t entries[3] = {0, 100000, 1000000};
static const size_t blocks[3] = {1, 3, 8};

struct figures {
    struct bench_series floor, look[CASES], unchanged;
};

static void fill(struct revocations *r, size_t count)
{
    while (r->count < count) {
        uint8_t id[32];

        randombytes_buf(id, sizeof(id));
        if (revocations_add(
                r, (r->count & 1) != 0 ? REVOCATION_KEY : REVOCATION_BLOCK,
                TS_STR_LIT("acme"),
                (struct ts_bytes){.ptr = id, .len = sizeof(id)}, 1, KEEP,
                0) != TS_OK)
            bench_die("the table is full");
    }
}

/* Only what is looked up is set: nothing else of a delegation is read. */
static void make(struct delegation *d, size_t count)
{
    static const char name[] = "coder/a/b/c/d/e/f/g";

    *d = (struct delegation){.tenant = TS_STR_LIT("acme"),
                             .user = TS_STR_LIT("alice"),
                             .task = TS_STR_LIT("task-1"),
                             .block_count = count};
    randombytes_buf(d->grant_id, sizeof(d->grant_id));
    randombytes_buf(d->kid, sizeof(d->kid));
    for (size_t i = 0; i < count; i++) {
        struct delegation_block *b = &d->blocks[i];

        randombytes_buf(b->id, sizeof(b->id));
        randombytes_buf(b->holder, sizeof(b->holder));
        b->agent = (struct ts_str){.ptr = name, .len = 5 + 2 * i};
        b->iat = 2; /* after every cutoff */
    }
}

static void look(const struct revocations *r, const struct delegation *all,
                 size_t first, struct bench_series *to)
{
    const struct trust_config cfg = {.revoked = r};
    uint64_t t = bench_now_ns();

    for (size_t i = 0; i < BATCH; i++)
        if (delegation_revoked_by(&cfg, &all[(first + i) % CHAINS]) !=
            REVOCATION_NONE)
            bench_die("something that nobody revoked was found");
    t = (bench_now_ns() - t) * 1000 / BATCH; /* in ps: it may be a few ns */
    bench_series_add(to, t);
}

/* What a gate asks first: is it the epoch that I last looked in? */
static void unchanged(const volatile struct revocations *r,
                      struct bench_series *to)
{
    uint64_t seen = r->epoch, other = 0, t = bench_now_ns();

    for (int i = 0; i < UNCHANGED; i++)
        other += r->epoch != seen;
    if (other != 0)
        bench_die("the epoch moved");
    bench_series_add(to, (bench_now_ns() - t) * 1000 / UNCHANGED);
}

static void blake(struct bench_series *to)
{
    static uint8_t kib[1024], h[32];
    uint64_t t = bench_now_ns();

    for (size_t i = 0; i < BATCH; i++) {
        (void)crypto_generichash(h, sizeof(h), kib, sizeof(kib), NULL, 0);
        memcpy(kib, h, sizeof(h));
    }
    bench_series_add(to, (bench_now_ns() - t) * 1000 / BATCH);
}

static double ns(struct bench_series *s)
{
    return bench_quantile_us(s, 0.5); /* of ps, so ns */
}

static void print(struct figures *f)
{
    double floor = ns(&f->floor);

    (void)printf("  %-42s%.0f ns\n", "BLAKE2b-256 of 1 KiB", floor);
    for (size_t c = 0; c < CASES; c++) {
        char name[64];
        double v = ns(&f->look[c]);

        (void)snprintf(name, sizeof(name), "%zu entries, chain of %zu",
                       entries[c / 3], blocks[c % 3]);
        (void)printf("  %-42s%.0f ns  (%.2fx)\n", name, v, v / floor);
    }
    (void)printf("  %-42s%.1f ns  (%.4fx)\n", "nothing revoked since the last",
                 ns(&f->unchanged), ns(&f->unchanged) / floor);
}

int main(int argc, char **argv)
{
    const char *count = bench_option(argc, argv, "count");
    long n = count != NULL ? strtol(count, NULL, 10) : 1000;
    static struct delegation all[3][CHAINS];
    static struct revocations r[3];
    static struct figures f;

    if (n < 10 || n > 1000000 || trust_init() != TS_OK)
        bench_die("usage: bench_revocations [--count 10..1000000]");
    for (size_t e = 0; e < 3; e++) {
        revocations_init(&r[e], REVOCATIONS_MAX);
        fill(&r[e], entries[e]);
    }
    for (size_t b = 0; b < 3; b++)
        for (size_t i = 0; i < CHAINS; i++)
            make(&all[b][i], blocks[b]);
    for (size_t i = 0; i < (size_t)n; i++) {
        blake(&f.floor);
        for (size_t c = 0; c < CASES; c++)
            look(&r[c / 3], all[c % 3], i * BATCH, &f.look[c]);
        unchanged(&r[2], &f.unchanged);
    }
    print(&f);
    return 0;
}
