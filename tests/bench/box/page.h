#ifndef TESTS_BENCH_BOX_PAGE_H
#define TESTS_BENCH_BOX_PAGE_H

#include <stdint.h>

/*
 * What the timed launcher (timed.c: every object of tipstaff-launcher, three of
 * its functions wrapped) tells the measuring program about the last order.
 * CLOCK_MONOTONIC, nanoseconds.
 */
#define BENCH_TURNS_MAX 2000
struct bench_page {
    volatile uint32_t wait; /* 1: child_spawn() also waits for the tool's end */
    volatile uint32_t turns; /* that many more of the same launch, and of a
                                clone and exec of its program without any box,
                                in random order, before it goes on */
    volatile uint32_t box_ns[BENCH_TURNS_MAX], floor_ns[BENCH_TURNS_MAX];
    volatile uint64_t order_ns;   /* the order is decoded */
    volatile uint64_t spawn_ns;   /* everything is ready for the clone */
    volatile uint64_t exec_ns;    /* the program has been executed */
    volatile uint64_t over_ns;    /* with wait: it has ended, not reaped yet */
    volatile uint64_t started_ns; /* STARTED was sent */
    volatile uint64_t done_ns;    /* and what is next made ready */
};
#define BENCH_PAGE_FD 100

#endif
