#ifndef SIDECAR_LAUNCHER_START_WATCH_H
#define SIDECAR_LAUNCHER_START_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"

/*
 * A starting child borrows the launcher's memory, and the launcher sleeps until
 * the child has executed. Whoever stops the child meanwhile (SIGSTOP by a
 * process of the same user) stops the launcher, and with it every revocation.
 * So a thread watches the window: one that stays open for WATCH_CONT_MS is sent
 * SIGCONT, again and again. A child that was found stopped WATCH_STOPS times,
 * each time after it was sent on, is sent SIGKILL: by accident one is stopped
 * once, and the launcher sleeps meanwhile. One that is merely slow, on a busy
 * machine or disk, has WATCH_KILL_MS. A child that was killed has not started,
 * and the launch is refused with the step "watchdog".
 *
 * The thread sleeps on a futex as long as nothing starts. While launches come
 * it wakes every WATCH_CONT_MS, and goes back to sleep after a second without.
 */
#define WATCH_CONT_MS 20
#define WATCH_STOPS   10
#define WATCH_KILL_MS 15000

struct watch {
    uint32_t state;  /* futex: WATCH_*; the rest is the opener's until OPEN */
    uint32_t bell;   /* futex: 1 while the thread sleeps for good */
    uint32_t serial; /* of the window */
    int tid[2]; /* of the children; written by the kernel before they run */
    uint64_t opened_ns; /* CLOCK_MONOTONIC */
    uint32_t stops;     /* how often a child of the window was found stopped */
    uint32_t killed;    /* the window's child was sent SIGKILL */
};

/* Starts the thread: with capabilities as they are to stay, all signals
 * blocked, before the filter is installed. w must live as long as the process.
 */
TS_NODISCARD ts_err watch_start(struct watch *w);

void watch_open(struct watch *w);
/* After the clone has come back. While the thread is signalling this waits, so
 * that the child's number is not reused under it. True: the child was killed.
 */
bool watch_close(struct watch *w);

#endif
