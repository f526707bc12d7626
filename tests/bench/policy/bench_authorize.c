/*
 * Time of one cedar_authorize(): every determining policy and every error.
 *
 *   bench_authorize [--json] [--rounds N] DIR...
 *
 * Each DIR holds policies.cedar, entities.json and requests.json with the
 * official engine's answers (tests/bench/peers makes them). All answers are
 * checked first; a wrong one ends the run. Then, for each DIR in a process of
 * its own:
 *
 *   mixed  64 different requests in turn, eight times over; p50 and p99 over
 *          such batches of the mean of one: what a busy gate sees
 *   hot    one request 64 times; p50 and p99 over the requests of the best of
 *          three: what different requests cost
 *   floor  the mixed batches of the lookups alone, see floor.h
 *
 * A request's own data is warm, as it is when it was just decoded.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/base/ts_mem.h"
#include "tests/bench/policy/data.h"
#include "tests/bench/policy/floor.h"

#define BATCH  64
#define PASSES 8

struct spread {
    double p50, p99;
};

static uint64_t allocations;

static void *counted_alloc(void *ctx, size_t n)
{
    (void)ctx;
    allocations++;
    return calloc(1, n);
}

static void counted_free(void *ctx, void *p)
{
    (void)ctx;
    free(p);
}

static int order(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static struct spread spread_of(double *t, size_t n)
{
    qsort(t, n, sizeof(*t), order);
    return (struct spread){.p50 = t[n / 2], .p99 = t[n - 1 - n / 100]};
}

static bool as_expected(const struct bench_request *r,
                        const struct cedar_answer *a)
{
    if (a->decision != r->expect || a->error_count > 0)
        return false;
    if (!r->has_reasons)
        return true;
    return a->reason_count == r->reason_count &&
           (r->reason_count == 0 ||
            memcmp(a->reasons, r->reasons,
                   r->reason_count * sizeof(r->reasons[0])) == 0);
}

static bool verify(const struct bench_data *d)
{
    size_t wrong = 0;

    for (size_t i = 0; i < d->request_count; i++) {
        struct cedar_answer a;
        struct ts_arena arena;

        ts_arena_init(&arena, 1 << 20);
        if (cedar_authorize(d->policies, d->entities, &d->requests[i].req,
                            &arena, &a) != TS_OK ||
            !as_expected(&d->requests[i], &a))
            wrong++;
        ts_arena_done(&arena);
    }
    if (wrong > 0)
        (void)fprintf(stderr, "bench_authorize: %zu of %zu answers differ\n",
                      wrong, d->request_count);
    return wrong == 0;
}

/* The arena is emptied after each answer, as a gate's is after each call. */
static inline void ask(const struct bench_data *d, struct ts_arena *arena,
                       size_t i)
{
    struct cedar_answer a;

    if (cedar_authorize(d->policies, d->entities, &d->requests[i].req, arena,
                        &a) != TS_OK)
        abort();
    ts_arena_reset(arena);
}

/* Batch b: 64 requests from its place on; the first pass warms their data. */
static struct spread mixed(const struct bench_data *d, struct ts_arena *arena,
                           double *t, size_t n)
{
    for (size_t b = 0; b < n; b++) {
        size_t from = b * BATCH % (d->request_count - BATCH + 1);
        double start = 0;

        for (unsigned pass = 0; pass <= PASSES; pass++) {
            if (pass == 1)
                start = bench_now_ns();
            for (unsigned i = 0; i < BATCH; i++)
                ask(d, arena, from + i);
        }
        t[b] = (bench_now_ns() - start) / (BATCH * PASSES);
    }
    return spread_of(t, n);
}

static struct spread hot(const struct bench_data *d, struct ts_arena *arena,
                         double *t)
{
    for (size_t r = 0; r < d->request_count; r++) {
        t[r] = 1e9;
        for (unsigned again = 0; again < 3; again++) {
            double start = bench_now_ns();

            for (unsigned i = 0; i < BATCH; i++)
                ask(d, arena, r);
            start = (bench_now_ns() - start) / BATCH;
            t[r] = start < t[r] ? start : t[r];
        }
    }
    return spread_of(t, d->request_count);
}

static struct spread floor_of(const struct bench_data *d,
                              const struct bench_floor *f, double *t, size_t n,
                              uint64_t *ret_sum)
{
    for (size_t b = 0; b < n; b++) {
        size_t from = b * BATCH % (d->request_count - BATCH + 1);
        double start = 0;

        for (unsigned pass = 0; pass <= PASSES; pass++) {
            if (pass == 1)
                start = bench_now_ns();
            for (unsigned i = 0; i < BATCH; i++)
                *ret_sum += bench_floor_one(f, &d->requests[from + i].req);
        }
        t[b] = (bench_now_ns() - start) / (BATCH * PASSES);
    }
    return spread_of(t, n);
}

static void print_json(const char *dir, const struct bench_data *d,
                       const struct spread s[3], uint64_t on_path)
{
    (void)printf(
        "{\"dir\":\"%s\",\"rules\":%zu,\"requests\":%zu,"
        "\"mixed_p50_ns\":%.1f,\"mixed_p99_ns\":%.1f,"
        "\"hot_p50_ns\":%.1f,\"hot_p99_ns\":%.1f,\"floor_p50_ns\":%.1f,"
        "\"multiply_ns\":%.3f,\"allocations\":%" PRIu64 ","
        "\"load_policies_ms\":%.1f,\"load_entities_ms\":%.1f,"
        "\"rss_kib\":%zu,\"peak_kib\":%zu}\n",
        dir, cedar_policies_count(d->policies), d->request_count, s[0].p50,
        s[0].p99, s[1].p50, s[1].p99, s[2].p50, bench_clock_ns(), on_path,
        d->load_policies_ms, d->load_entities_ms, d->rss_kib, d->peak_kib);
}

static void print(const char *dir, const struct bench_data *d,
                  const struct spread s[3], uint64_t on_path)
{
    (void)printf(
        "%s: %zu rules, %zu requests as expected\n"
        "  mixed p50 %.1f ns  p99 %.1f ns\n"
        "  hot   p50 %.1f ns  p99 %.1f ns\n"
        "  floor p50 %.1f ns (three lookups); one multiply-add %.3f ns\n"
        "  allocations on the path %" PRIu64 "\n"
        "  load %.1f ms of policies, %.1f ms of entities\n"
        "  memory %zu KiB resident, %zu KiB at most while loading\n",
        dir, cedar_policies_count(d->policies), d->request_count, s[0].p50,
        s[0].p99, s[1].p50, s[1].p99, s[2].p50, bench_clock_ns(), on_path,
        d->load_policies_ms, d->load_entities_ms, d->rss_kib, d->peak_kib);
}

static int run(const char *dir, unsigned rounds, bool json)
{
    static const struct ts_mem_ops counting = {counted_alloc, counted_free,
                                               NULL};
    struct bench_data d;
    struct bench_floor f;
    struct spread s[3];
    struct ts_arena arena;
    size_t batches;
    double *t;
    uint64_t before, sum = 0;
    int status = 1;

    if (!bench_load(dir, &d) || !verify(&d) || !bench_floor_make(&d, &f))
        return 1;
    if (d.request_count < BATCH) {
        (void)fprintf(stderr, "bench_authorize: fewer than %d requests\n",
                      BATCH);
        return 1;
    }
    batches = rounds * (d.request_count / BATCH);
    ts_mem_set_ops(&counting);
    t = calloc(batches > d.request_count ? batches : d.request_count,
               sizeof(*t));
    ts_arena_init(&arena, 1 << 20);
    if (t != NULL) {
        (void)mixed(&d, &arena, t, batches); /* caches, branch predictors */
        before = allocations;
        s[0] = mixed(&d, &arena, t, batches);
        s[1] = hot(&d, &arena, t);
        before = allocations - before;
        s[2] = floor_of(&d, &f, t, batches, &sum);
        if (json)
            print_json(dir, &d, s, before);
        else
            print(dir, &d, s, before);
        status = before != 0 || sum == 0;
    }
    free(t);
    ts_arena_done(&arena);
    ts_mem_set_ops(NULL);
    bench_free(&d);
    return status;
}

static unsigned parse_number(const char *s)
{
    unsigned n = 0;

    for (; *s >= '0' && *s <= '9' && n < 100000; s++)
        n = n * 10 + (unsigned)(*s - '0');
    return n;
}

int main(int argc, char **argv)
{
    unsigned rounds = 5;
    bool json = false;
    int status = 0, i = 1;

    for (; i < argc && argv[i][0] == '-'; i++) {
        if (strcmp(argv[i], "--json") == 0)
            json = true;
        else if (strcmp(argv[i], "--rounds") == 0 && i + 1 < argc)
            rounds = parse_number(argv[++i]);
        else
            break;
    }
    if (i >= argc || argv[i][0] == '-' || rounds == 0) {
        (void)fprintf(stderr,
                      "usage: bench_authorize [--json] [--rounds N] DIR...\n");
        return 2;
    }
    for (; i < argc; i++) {
        int child = 0;
        pid_t pid = fork(); /* so that each DIR's memory is its own */

        if (pid == 0) {
            child = run(argv[i], rounds, json);
            (void)fflush(stdout);
            _exit(child);
        }
        if (pid < 0 || waitpid(pid, &child, 0) != pid || child != 0)
            status = 1;
    }
    return status;
}
