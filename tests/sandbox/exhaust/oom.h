/* A page that a launcher with oom_alloc.c shares with the test: which of its
 * allocations fails. */
#ifndef TESTS_SANDBOX_EXHAUST_OOM_H
#define TESTS_SANDBOX_EXHAUST_OOM_H

#include <stdbool.h>

#define OOM_ENV "TS_OOM_PAGE" /* names the file */

struct oom_page {
    volatile int left; /* allocations until it fails; -1: none does */
    volatile bool all; /* and all that follow */
    volatile bool fired;
    volatile int live; /* not freed yet */
};

#endif
