#include "sidecar/launcher/start/habits.h"

#include <stddef.h>

static struct habit *find(struct habits *h, const void *space)
{
    for (int i = 0; i < HABITS_MAX; i++)
        if (h->list[i].space == space)
            return &h->list[i];
    return NULL;
}

/* A free one, or the one that was idle longest. */
static struct habit *find_or_make(struct habits *h, const void *space)
{
    struct habit *least = find(h, space);

    if (least != NULL)
        return least;
    least = &h->list[0];
    for (int i = 1; i < HABITS_MAX; i++)
        if (h->list[i].at < least->at)
            least = &h->list[i];
    *least = (struct habit){.space = space};
    return least;
}

bool habits_allow(struct habits *h, const void *space)
{
    struct habit *b = find_or_make(h, space);

    b->at = ++h->now;
    if (b->bare == 0)
        return true;
    if (b->bare != UINT32_MAX)
        b->bare--;
    return false;
}

bool habits_missed(struct habits *h, const void *space)
{
    struct habit *b = find(h, space);

    if (b == NULL)
        return false;
    if (b->misses < HABITS_MISSES)
        b->misses++;
    return b->misses == HABITS_MISSES;
}

static void go_bare(struct habits *h, const void *space, uint32_t runs)
{
    struct habit *b = find(h, space);

    if (b != NULL && b->bare < runs)
        b->bare = runs;
}

void habits_untidy(struct habits *h, const void *space)
{
    go_bare(h, space, HABITS_BARE_RUNS);
}

void habits_never(struct habits *h, const void *space)
{
    go_bare(h, space, UINT32_MAX);
}

bool habits_know(const struct habits *h, const void *space)
{
    for (int i = 0; i < HABITS_MAX; i++)
        if (h->list[i].space == space)
            return true;
    return false;
}
