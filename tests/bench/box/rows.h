#ifndef TESTS_BENCH_BOX_ROWS_H
#define TESTS_BENCH_BOX_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/bench/bench.h"

/*
 * Rows that are measured in turn. In every round each of them comes once, in
 * another order; the ratio of a row is the median over the rounds of (it / row
 * 0 of that round).
 */
#define ROWS_MAX 40

struct row;
typedef uint64_t row_fn(const struct row *r); /* once; nanoseconds */

struct row {
    const char *name;
    row_fn *once;
    const void *of; /* what it is once of: the floor's path, a box, .. */
    const char *tool, *path;
    char **argv;
    struct bench_series us;
    double *ratio; /* of each round, to row 0 */
    size_t ratios;
};

struct rows {
    struct row row[ROWS_MAX];
    size_t count;
    bool *comma; /* something was printed before */
};

/* The new row; what else it needs is the caller's to fill in. */
struct row *rows_add(struct rows *b, const char *name, row_fn *once,
                     const void *of);
void rows_run(struct rows *b, size_t rounds, long gap_ns);
/* As JSON, under the name of this set of rounds; forgets the figures. */
void rows_print(const char *title, struct rows *b);

/* 0 .. n-1 in another order each time. */
void rows_shuffle(size_t *order, size_t n);

/* of: path of the program. vfork, exec, wait. */
row_fn rows_floor;
/* argv: posix_spawn(3), wait. */
row_fn rows_spawn;

#endif
