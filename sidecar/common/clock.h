#ifndef SIDECAR_COMMON_CLOCK_H
#define SIDECAR_COMMON_CLOCK_H

#include <stdint.h>

/*
 * Time, read once per loop turn and passed on by value. Tests make their own.
 * boot_ns never jumps and counts suspended time; unix_ms never runs backwards
 * within one process (delegation format, section 12).
 */
struct moment {
    uint64_t boot_ns; /* CLOCK_BOOTTIME */
    uint64_t unix_ms; /* max(CLOCK_REALTIME, last + elapsed boot time) */
};

struct clock_state { /* zeroed at start */
    struct moment last;
};

struct moment clock_now(struct clock_state *c);

#endif
