#ifndef TESTS_LIB_OOM_PAGE_H
#define TESTS_LIB_OOM_PAGE_H

#include <stdbool.h>

/*
 * A page that a program built by ts_oom_program() shares with the test that
 * runs it: which of its allocations fails. The test writes `left` last. What is
 * in Python reads it as struct "<i??xxii".
 */
#define OOM_ENV "TS_OOM_PAGE" /* names the file */

struct oom_page {
    volatile int left; /* allocations until it fails; -1: none does */
    volatile bool all; /* and all that follow */
    volatile bool fired;
    volatile int live; /* not freed yet */
    volatile int made; /* since the test set it to 0 */
};

#endif
