#include "sidecar/common/reap.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "sidecar/common/clock.h"

#define LOOK_MS 5 /* between two looks while something still dies */

static bool is_kept(pid_t pid, const pid_t *keep, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (keep[i] == pid)
            return true;
    }
    return false;
}

/* Walks the kernel's list of our children, "12 345 ", and counts those that
 * are not kept; -1 without a list. Killing by number is safe: none of them
 * is reaped meanwhile. */
static int others(const pid_t *keep, size_t keep_count, bool kill_them)
{
    char path[64], buf[4096];
    int fd TS_CLEANUP(ts_fd_close) = -1;
    int count = 0;
    pid_t pid = 0;
    ssize_t n;

    (void)snprintf(path, sizeof(path), "/proc/self/task/%d/children",
                   (int)getpid());
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    while ((n = read(fd, buf, sizeof(buf))) > 0) {
        for (ssize_t i = 0; i < n; i++) {
            if (buf[i] >= '0' && buf[i] <= '9') {
                pid = pid * 10 + (buf[i] - '0');
                continue;
            }
            if (pid > 0 && !is_kept(pid, keep, keep_count)) {
                count++;
                if (kill_them)
                    (void)kill(pid, SIGKILL); /* a zombie does not mind */
            }
            pid = 0;
        }
    }
    return count;
}

void reap_strays(const pid_t *keep, size_t count)
{
    (void)others(keep, count, true);
}

/* Reaps who has ended; false when no child is left at all. */
static bool reap_ended(pid_t except, struct reaped *r)
{
    for (;;) {
        int status = 0;
        pid_t pid = waitpid(-1, &status, WNOHANG);

        if (pid < 0 && errno == EINTR)
            continue;
        if (pid <= 0)
            return pid == 0;
        if (pid == except)
            r->except_status = status;
        else
            r->count++;
    }
}

ts_err reap_all(pid_t except, uint64_t limit_ms, struct reaped *ret)
{
    struct clock_state clock = {0};
    uint64_t end_ns = clock_now(&clock).boot_ns + limit_ms * 1000000;
    struct reaped r = {.except_status = -1};
    int quiet = 0; /* looks in a row that found nobody */

    while (quiet < 2) {
        if (others(&except, 1, true) > 0)
            quiet = 0;
        if (!reap_ended(except, &r))
            break;
        if (others(&except, 1, false) == 0)
            quiet++;
        else if (clock_now(&clock).boot_ns >= end_ns)
            return TS_E_LIMIT;
        else
            (void)poll(NULL, 0, LOOK_MS);
    }
    *ret = r;
    return TS_OK;
}
