/* Time that never runs backwards (delegation format, section 12). */
#include "sidecar/common/clock.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "proto/base/ts_require.h"

#define NS_PER_S  UINT64_C(1000000000)
#define NS_PER_MS UINT64_C(1000000)

struct moment clock_derive(struct clock_state *c, uint64_t boot_ns,
                           uint64_t real_ms)
{
    struct moment now = {.boot_ns = boot_ns, .real_ms = real_ms};
    uint64_t derived_ms;

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

struct moment clock_now(struct clock_state *c)
{
    struct timespec boot, real;

    /* Neither clock can fail on a kernel that runs the rest of this program. */
    TS_REQUIRE(clock_gettime(CLOCK_BOOTTIME, &boot) == 0);
    TS_REQUIRE(clock_gettime(CLOCK_REALTIME, &real) == 0);
    return clock_derive(
        c, (uint64_t)boot.tv_sec * NS_PER_S + (uint64_t)boot.tv_nsec,
        (uint64_t)real.tv_sec * 1000 + (uint64_t)real.tv_nsec / NS_PER_MS);
}

ts_err clock_step_open(int *ret_fd)
{
    /* It is never to ring by itself: as late as the kernel can count. */
    const struct itimerspec never = {
        .it_value = {.tv_sec = (time_t)(INT64_MAX / (int64_t)NS_PER_S)}};
    int fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);

    if (fd < 0)
        return ts_err_from_errno(errno);
    if (timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never,
                        NULL) != 0) {
        ts_err e = ts_err_from_errno(errno);

        ts_fd_close(&fd);
        return e;
    }
    *ret_fd = fd;
    return TS_OK;
}

bool clock_step_take(int fd)
{
    uint64_t rings = 0;

    /* The kernel goes on watching after it has said ECANCELED. */
    return read(fd, &rings, sizeof(rings)) < 0 && errno == ECANCELED;
}
