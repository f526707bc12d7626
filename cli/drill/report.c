/* What a drill came to. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/drill/drill.h"

static double ms(uint64_t ns)
{
    return (double)ns / 1e6;
}

void drill_report_round(uint64_t number, const struct drill_round *r)
{
    if (r->pass)
        (void)printf("round %llu: signalled %.2f ms, dead %.2f ms, next call "
                     "denied %.2f ms\n",
                     (unsigned long long)number, ms(r->signalled), ms(r->dead),
                     ms(r->denied));
    else
        (void)printf("round %llu: FAIL: %s\n", (unsigned long long)number,
                     r->why);
    (void)fflush(stdout);
}

struct column {
    const char *name, *key;
    size_t at; /* of the figure in struct drill_round */
};

static const struct column columns[] = {
    {"signalled (ACK)", "signalled_ms",
     offsetof(struct drill_round, signalled)},
    {"dead (COMPLETE)", "dead_ms", offsetof(struct drill_round, dead)},
    {"result at the agent", "result_ms", offsetof(struct drill_round, result)},
    {"next call denied", "denied_ms", offsetof(struct drill_round, denied)},
};

static uint64_t figure(const struct drill_round *r, const struct column *c)
{
    return *(const uint64_t *)(const void *)((const char *)r + c->at);
}

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

/* Of the rounds that passed; *v has room for all. */
static size_t sorted(const struct drill_round *rounds, size_t count,
                     const struct column *c, uint64_t *v)
{
    size_t n = 0;

    for (size_t i = 0; i < count; i++)
        if (rounds[i].pass)
            v[n++] = figure(&rounds[i], c);
    qsort(v, n, sizeof(*v), by_number);
    return n;
}

static uint64_t quantile(const uint64_t *v, size_t n, unsigned percent)
{
    return v[(n - 1) * percent / 100];
}

static void text(const struct column *c, const uint64_t *v, size_t n)
{
    (void)printf("  %-20s p50 %8.2f ms   p99 %8.2f ms   most %8.2f ms\n",
                 c->name, ms(quantile(v, n, 50)), ms(quantile(v, n, 99)),
                 ms(v[n - 1]));
}

static void json(const struct column *c, const uint64_t *v, size_t n)
{
    (void)printf(",\"%s\":{\"p50\":%.3f,\"p99\":%.3f,\"max\":%.3f}", c->key,
                 ms(quantile(v, n, 50)), ms(quantile(v, n, 99)), ms(v[n - 1]));
}

bool drill_report(const struct drill_options *o, struct drill_round *rounds,
                  size_t count)
{
    static uint64_t v[DRILL_ROUNDS_MAX];
    size_t passed = 0;

    for (size_t i = 0; i < count; i++)
        passed += rounds[i].pass;
    if (o->json)
        (void)printf("{\"pass\":%s,\"rounds\":%zu,\"passed\":%zu",
                     passed == count ? "true" : "false", count, passed);
    for (size_t i = 0; passed > 0 && i < sizeof(columns) / sizeof(columns[0]);
         i++) {
        size_t n = sorted(rounds, count, &columns[i], v);

        if (o->json)
            json(&columns[i], v, n);
        else if (count > 1)
            text(&columns[i], v, n);
    }
    if (o->json)
        (void)printf("}\n");
    else
        (void)printf("%s: %zu of %zu rounds\n",
                     passed == count ? "PASS" : "FAIL", passed, count);
    return passed == count;
}
