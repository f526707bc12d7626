#ifndef SIDECAR_LAUNCHER_START_HABITS_H
#define SIDECAR_LAUNCHER_START_HABITS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * For which templates it is worth while to have nests stand by (nest.h). Making
 * one costs as much as a whole launch, so the second call of a template in a
 * short time asks for one, and tools that leave something in their /tmp, whose
 * nests are of no use to anybody else, get none for some time. Pure.
 */
#define HABITS_MAX 4 /* templates; the one that was idle longest goes */
#define HABITS_BARE_RUNS                                                       \
    32 /* without a nest after one that was not left clean */
#define HABITS_MISSES 2

struct habits {
    struct habit {
        const void *space; /* NULL: free */
        uint32_t misses;
        uint32_t bare; /* so many launches without; UINT32_MAX: all */
        uint64_t at;
    } list[HABITS_MAX];
    uint64_t now; /* launches */
};

/* A tool of that template is to be started. False: not in a nest. */
bool habits_allow(struct habits *h, const void *space);
/* It was allowed, and none fits. True: one should be made. */
bool habits_missed(struct habits *h, const void *space);
/* One was not left as it was found. */
void habits_untidy(struct habits *h, const void *space);
/* One cannot be made. */
void habits_never(struct habits *h, const void *space);
/* It has been called lately. */
bool habits_know(const struct habits *h, const void *space);

#endif
