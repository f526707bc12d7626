/* Time that never runs backwards (delegation format, section 12). */
#include "sidecar/common/clock.h"

#include <time.h>

#include "proto/base/ts_require.h"

#define NS_PER_S  UINT64_C(1000000000)
#define NS_PER_MS UINT64_C(1000000)

struct moment clock_now(struct clock_state *c)
{
    struct timespec boot, real;
    struct moment now;
    uint64_t real_ms, derived_ms;

    /* Neither clock can fail on a kernel that runs the rest of this program. */
    TS_REQUIRE(clock_gettime(CLOCK_BOOTTIME, &boot) == 0);
    TS_REQUIRE(clock_gettime(CLOCK_REALTIME, &real) == 0);
    now.boot_ns = (uint64_t)boot.tv_sec * NS_PER_S + (uint64_t)boot.tv_nsec;
    real_ms = (uint64_t)real.tv_sec * 1000 + (uint64_t)real.tv_nsec / NS_PER_MS;
    /* A clock that is set back stays where it would have been. Whole
     * milliseconds only move the base when they have passed in full, so the
     * derived value rounds down and never runs ahead. */
    derived_ms =
        c->last.boot_ns == 0
            ? 0
            : c->last.unix_ms + (now.boot_ns - c->last.boot_ns) / NS_PER_MS;
    now.unix_ms = real_ms > derived_ms ? real_ms : derived_ms;
    if (c->last.boot_ns == 0 || now.unix_ms != c->last.unix_ms)
        c->last = now;
    return now;
}
