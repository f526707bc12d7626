#include "rows.h"

#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WARM_UP 5

extern char **environ;

struct row *rows_add(struct rows *b, const char *name, row_fn *once,
                     const void *of)
{
    struct row *r = &b->row[b->count++];

    if (b->count == ROWS_MAX)
        bench_die("rows");
    *r = (struct row){.name = name, .once = once, .of = of, .tool = "nop"};
    return r;
}

uint64_t rows_floor(const struct row *r)
{
    const char *nop = r->of;
    char *argv[] = {(char *)(uintptr_t)nop, NULL};
    static char *env[] = {NULL};
    uint64_t t0 = bench_now_ns();
    int status = 1;
    pid_t pid = vfork();

    if (pid == 0) {
        (void)execve(nop, argv, env);
        _exit(127);
    }
    if (waitpid(pid, &status, 0) != pid || status != 0)
        bench_die("floor");
    return bench_now_ns() - t0;
}

uint64_t rows_spawn(const struct row *r)
{
    uint64_t t0 = bench_now_ns();
    int status = 1;
    pid_t pid;

    if (posix_spawnp(&pid, r->argv[0], NULL, NULL, r->argv, environ) != 0 ||
        waitpid(pid, &status, 0) != pid || status != 0) {
        (void)fprintf(stderr, "%s: status %x\n", r->argv[0], (unsigned)status);
        bench_die("a peer failed");
    }
    return bench_now_ns() - t0;
}

void rows_shuffle(size_t *order, size_t n)
{
    for (size_t i = 0; i < n; i++)
        order[i] = i;
    for (size_t i = n; i > 1; i--) {
        size_t k = (size_t)random() % i, t = order[i - 1];

        order[i - 1] = order[k];
        order[k] = t;
    }
}

void rows_run(struct rows *b, size_t rounds, long gap_ns)
{
    const struct timespec gap = {0, gap_ns};
    size_t order[ROWS_MAX];

    for (size_t i = 0; i < b->count; i++)
        b->row[i].ratio = malloc(rounds * sizeof(double));
    for (size_t k = 0; k < rounds + WARM_UP; k++) {
        uint64_t ns[ROWS_MAX];

        rows_shuffle(order, b->count);
        for (size_t i = 0; i < b->count; i++) {
            const struct row *r = &b->row[order[i]];

            if (gap_ns > 0)
                (void)nanosleep(&gap, NULL);
            ns[order[i]] = r->once(r);
        }
        for (size_t i = 0; i < b->count && k >= WARM_UP; i++) {
            struct row *r = &b->row[i];

            bench_series_add(&r->us, ns[i]);
            r->ratio[r->ratios++] = (double)ns[i] / (double)ns[0];
        }
    }
}

void rows_print(const char *title, struct rows *b)
{
    for (size_t i = 0; i < b->count; i++) {
        struct row *r = &b->row[i];

        printf("%s\n  {\"round\": \"%s\", \"name\": \"%s\", "
               "\"us\": %.1f, \"p10_us\": %.1f, \"p90_us\": %.1f, "
               "\"ratio\": %.3f, \"rounds\": %zu}",
               *b->comma ? "," : "", title, r->name,
               bench_quantile_us(&r->us, 0.5), bench_quantile_us(&r->us, 0.1),
               bench_quantile_us(&r->us, 0.9),
               bench_median(r->ratio, r->ratios), r->ratios);
        *b->comma = true;
        free(r->ratio);
        free(r->us.v);
        r->ratio = NULL;
        r->us = (struct bench_series){0};
        r->ratios = 0;
    }
    (void)fflush(stdout);
}
