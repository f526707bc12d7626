/* The order of the steps, and those that are one system call. */
#include "sidecar/common/confine/confine.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "sidecar/common/confine/confine_priv.h"
#include "sidecar/common/fds.h"

static ts_err no_core(void)
{
    const struct rlimit none = {0, 0};

    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 ||
        setrlimit(RLIMIT_CORE, &none) != 0)
        return ts_err_from_errno(errno);
    return TS_OK;
}

static ts_err die_with_parent(void)
{
    struct pollfd p = {.fd = FD_CONTROL, .events = 0};

    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
        return ts_err_from_errno(errno);
    /* A parent that died before the line above sends no signal any more, but
     * its end of the control socket is closed. */
    if (poll(&p, 1, 0) < 0)
        return ts_err_from_errno(errno);
    return (p.revents & (POLLHUP | POLLERR | POLLNVAL)) != 0 ? TS_E_CLOSED
                                                             : TS_OK;
}

/* True for decimal text over `highest`; own is the descriptor of the listing
 * itself. */
static bool is_stray(const char *name, int highest, int own)
{
    int fd = 0;

    for (const char *p = name; *p != '\0'; p++) {
        if (*p < '0' || *p > '9' || fd > 100000000)
            return false; /* "." and ".." */
        fd = fd * 10 + (*p - '0');
    }
    return fd > highest && fd != own;
}

static ts_err check_fds_one_by_one(int highest)
{
    struct rlimit most;

    if (getrlimit(RLIMIT_NOFILE, &most) != 0)
        return ts_err_from_errno(errno);
    if (most.rlim_cur > (1u << 20))
        return TS_E_LIMIT; /* cannot be checked in reasonable time */
    for (int fd = highest + 1; (rlim_t)fd < most.rlim_cur; fd++) {
        if (fcntl(fd, F_GETFD) >= 0)
            return TS_E_STATE;
    }
    return TS_OK;
}

static ts_err check_fds(int highest)
{
    DIR *d = opendir("/proc/self/fd");
    const struct dirent *entry;
    ts_err e = TS_OK;

    if (d == NULL)
        return check_fds_one_by_one(highest);
    while (e == TS_OK && (entry = readdir(d)) != NULL) {
        if (is_stray(entry->d_name, highest, dirfd(d)))
            e = TS_E_STATE;
    }
    (void)closedir(d);
    return e;
}

ts_err confine_base(int highest_fd, const char **reterr_step)
{
    ts_err e;

    *reterr_step = "no core dumps";
    if ((e = no_core()) != TS_OK)
        return e;
    *reterr_step = "death with the supervisor";
    if ((e = die_with_parent()) != TS_OK)
        return e;
    *reterr_step = "an unexpected descriptor is open";
    return check_fds(highest_fd);
}

static ts_err no_new_privs(void)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return ts_err_from_errno(errno);
    return TS_OK;
}

ts_err confine_self(enum confine_role role, int highest_fd,
                    const char **reterr_step)
{
    const char *step = "no core dumps";
    ts_err e = TS_OK;

    if (role == CONFINE_SUPERVISOR)
        e = no_core();
    else
        e = confine_base(highest_fd, &step);
    if (e != TS_OK)
        goto out;
    step = "no new privileges";
    if ((e = no_new_privs()) != TS_OK)
        goto out;
    /* gmtime_r() reads /etc/localtime at its first use, which the filter of
     * the gate would answer with death. */
    tzset();
    step = "landlock";
    if (role != CONFINE_SUPERVISOR && (e = confine_landlock(role)) != TS_OK)
        goto out;
    step = "seccomp";
    e = confine_filter(role);
out:
    if (e != TS_OK)
        *reterr_step = step;
    return e;
}
