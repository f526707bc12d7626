#ifndef SIDECAR_SUPERVISOR_RESTART_H
#define SIDECAR_SUPERVISOR_RESTART_H

#include <stdbool.h>
#include <stdint.h>

/*
 * How long to wait before a fresh set is started, and when to give up. Pure:
 * time comes in. The first death of a while costs nothing, then 100 ms, doubled
 * each time; more than RESTART_MAX deaths within RESTART_WINDOW_MS and the
 * service ends, so that its manager sees it.
 */
#define RESTART_MAX       5
#define RESTART_WINDOW_MS 30000
#define RESTART_FIRST_MS  100

struct restart {
    uint64_t deaths[RESTART_MAX]; /* ms; the latest ones, a ring */
    uint32_t count;               /* all that ever happened */
};

/* Notes a death. False: give up. Otherwise *ret_wait_ms is the delay. */
bool restart_note(struct restart *r, uint64_t now_ms, uint64_t *ret_wait_ms);

#endif
