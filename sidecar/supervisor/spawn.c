/* fork and exec: between the two only async-signal-safe calls, then _exit. */
#include "sidecar/supervisor/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sidecar/common/fds.h"

#define EXIT_NO_EXEC 127
#define PARK_FROM    64 /* above every number that is handed out */

static void child_signals(void)
{
    struct sigaction dfl = {.sa_handler = SIG_DFL};
    sigset_t none;

    for (int sig = 1; sig < NSIG; sig++)
        (void)sigaction(sig, &dfl, NULL); /* KILL and STOP refuse: fine */
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* First out of the way, then to their places: sources and targets overlap. */
static bool child_fds(const struct spawn *s, int *program)
{
    int parked[SPAWN_FDS_MAX];
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (null < 0 || dup2(null, STDIN_FILENO) < 0 ||
        dup2(null, STDOUT_FILENO) < 0)
        return false;
    *program = fcntl(s->program, F_DUPFD_CLOEXEC, PARK_FROM);
    if (*program < 0)
        return false;
    for (size_t i = 0; i < s->fd_count; i++) {
        parked[i] = fcntl(s->fds[i], F_DUPFD_CLOEXEC, PARK_FROM);
        if (parked[i] < 0)
            return false;
    }
    for (size_t i = 0; i < s->fd_count; i++) {
        if (dup2(parked[i], FD_CONTROL + (int)i) < 0)
            return false;
    }
    /* Not closed but marked, since the program itself is among them. */
    return syscall(SYS_close_range, FD_CONTROL + (unsigned)s->fd_count, ~0U,
                   1U << 2 /* CLOSE_RANGE_CLOEXEC */) == 0;
}

uint64_t spawn_launcher_caps(enum box_level most, bool network)
{
    const uint64_t uids = 1ull << CAP_SETUID | 1ull << CAP_SETGID |
                          1ull << CAP_KILL | 1ull << CAP_DAC_OVERRIDE |
                          1ull << CAP_FOWNER;
    const uint64_t spaces = 1ull << CAP_SYS_ADMIN | 1ull << CAP_SYS_CHROOT |
                            (network ? 1ull << CAP_NET_ADMIN : 0);

    if (most == BOX_BARE)
        return 0;
    return most == BOX_UID ? uids : uids | spaces;
}

uint64_t spawn_broker_caps(void)
{
    return 1ull << CAP_DAC_READ_SEARCH;
}

/* Those of `wanted` that we have, for an ordinary user: through the exec they
 * pass as ambient ones. What we lack the launcher does without, and says so. */
static bool child_caps(uint64_t wanted)
{
    struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct d[2] = {{0, 0, 0}, {0, 0, 0}};

    if (wanted == 0)
        return true;
    if (syscall(SYS_capget, &h, d) != 0)
        return false;
    for (int i = 0; i < 2; i++) {
        d[i].permitted &= (uint32_t)(wanted >> (32 * i));
        d[i].effective = d[i].inheritable = d[i].permitted;
    }
    if (syscall(SYS_capset, &h, d) != 0)
        return false;
    for (unsigned long cap = 0; cap < 64; cap++) {
        if ((d[cap / 32].permitted >> (cap % 32) & 1u) != 0 &&
            prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) != 0)
            return false;
    }
    return true;
}

/* With capabilities to keep, they survive the change of user but are not in
 * effect: so that there is no way back is still seen. */
static bool child_user(const struct config_user *u, uint64_t caps)
{
    if (u == NULL)
        return true;
    if (prctl(PR_SET_KEEPCAPS, caps != 0, 0, 0, 0) != 0)
        return false;
    return setgroups(0, NULL) == 0 && setresgid(u->gid, u->gid, u->gid) == 0 &&
           setresuid(u->uid, u->uid, u->uid) == 0 &&
           setresuid((uid_t)-1, 0, (uid_t)-1) != 0 && /* no way back */
           child_caps(caps);
}

/* Every call waits for the gate, and a revocation too: tools that fill the
 * processors must not keep it from them. Its session is a scheduling group of
 * its own (sched(7), autogroup), so the group's weight is what counts; where
 * there are no autogroups, the process's. Needs CAP_SYS_NICE: without it the
 * gate is one among others, and that is all that is lost. */
static void child_comes_first(void)
{
    static const char nice_value[] = "-10";
    int fd = open("/proc/self/autogroup", O_WRONLY | O_CLOEXEC);

    if (fd >= 0)
        (void)!write(fd, nice_value, sizeof(nice_value) - 1);
    (void)close(fd);
    (void)setpriority(PRIO_PROCESS, 0, -10);
}

static _Noreturn void child(const struct spawn *s)
{
    static char *const env[] = {NULL};
    char *const argv[] = {(char *)(uintptr_t)s->name, NULL};
    int program = -1;

    child_signals();
    (void)umask(0077);
    (void)setsid(); /* a terminal's signals are for the supervisor */
    if (s->comes_first)
        child_comes_first();
    if (chdir("/") != 0 || !child_fds(s, &program) ||
        !child_user(s->user, s->caps))
        _exit(EXIT_NO_EXEC);
    /* By name, so that ps shows it; by descriptor where the user that it runs
     * as may not walk the path. */
    (void)execve(s->path, argv, env);
    (void)syscall(SYS_execveat, program, "", argv, env, AT_EMPTY_PATH);
    _exit(EXIT_NO_EXEC);
}

ts_err spawn(const struct spawn *s, pid_t *ret_pid, int *ret_pidfd)
{
    pid_t pid = fork();
    int pidfd;

    if (pid < 0)
        return ts_err_from_errno(errno);
    if (pid == 0)
        child(s);
    pidfd = (int)syscall(SYS_pidfd_open, pid, 0); /* close-on-exec by itself */
    if (pidfd < 0) {
        ts_err e = ts_err_from_errno(errno);

        (void)kill(pid, SIGKILL); /* ours, and not reaped: the number is safe */
        return e == TS_OK ? TS_E_SYSTEM : e;
    }
    *ret_pid = pid;
    *ret_pidfd = pidfd;
    return TS_OK;
}
