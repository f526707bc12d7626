#ifndef CLI_REPLAY_PROGRESS_H
#define CLI_REPLAY_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

/* One line on standard error that is written over, when that is a terminal. */
struct progress {
    bool shown;
    size_t done, total;
    struct timespec since, last; /* zero: not begun */
};

/* Another record of this suite begins. */
void progress_at(struct progress *p, const char *suite);
/* Takes the line away. */
void progress_end(struct progress *p);

#endif
