#ifndef SIDECAR_COMMON_CLOCK_H
#define SIDECAR_COMMON_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"

/*
 * Time, read once per loop turn and passed on by value. Tests make their own.
 * boot_ns never jumps and counts suspended time; unix_ms never runs backwards
 * within one process (delegation format, section 12).
 */
struct moment {
    uint64_t boot_ns; /* CLOCK_BOOTTIME */
    uint64_t unix_ms; /* max(CLOCK_REALTIME, last + elapsed boot time) */
    uint64_t real_ms; /* CLOCK_REALTIME as it is: to judge jumps, never to
                         compare with a limit */
};

struct clock_state { /* zeroed at start */
    struct moment last;
};

struct moment clock_now(struct clock_state *c);

/* The rule alone, for readings that tests make. real_ms is milliseconds since
 * 1970, boot_ns at least that of the reading before. */
struct moment clock_derive(struct clock_state *c, uint64_t boot_ns,
                           uint64_t real_ms);

/*
 * A descriptor that becomes readable when CLOCK_REALTIME is set or the machine
 * was suspended (timerfd_create(2), TFD_TIMER_CANCEL_ON_SET), for a loop to
 * poll. Slewing by NTP is no step. *ret_fd is the caller's to close.
 */
TS_NODISCARD ts_err clock_step_open(int *ret_fd);
/* After it was readable: true if there was a step since the last call. Never
 * blocks; the descriptor then waits for the next one. */
bool clock_step_take(int fd);

#endif
