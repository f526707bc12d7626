#include "cli/replay/progress.h"

#include <stdio.h>
#include <string.h>

#include "cli/term.h"

#define EACH_S  0.1 /* between two lines */
#define GUESS_S 2.0 /* before the rest is guessed */

static double seconds(const struct timespec *from, const struct timespec *to)
{
    return (double)(to->tv_sec - from->tv_sec) +
           (double)(to->tv_nsec - from->tv_nsec) / 1e9;
}

void progress_at(struct progress *p, const char *suite)
{
    struct timespec now;
    double spent;

    p->done++;
    if (!p->shown || clock_gettime(CLOCK_MONOTONIC, &now) != 0)
        return;
    if (p->since.tv_sec == 0)
        p->since = now;
    else if (seconds(&p->last, &now) < EACH_S)
        return;
    p->last = now;
    spent = seconds(&p->since, &now);
    (void)fprintf(stderr, "\r\033[K%zu of %zu  %3.0f %%  ", p->done, p->total,
                  100.0 * (double)p->done / (double)p->total);
    term_put(stderr, ts_str_of(suite));
    if (spent > GUESS_S)
        (void)fprintf(stderr, "  about %.0f s more",
                      spent * (double)(p->total - p->done) / (double)p->done);
}

void progress_end(struct progress *p)
{
    if (p->shown)
        (void)fprintf(stderr, "\r\033[K");
    p->shown = false;
}
