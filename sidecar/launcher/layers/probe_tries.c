/* The tries themselves. Always in a throw-away child (probe.c). */
#include "sidecar/launcher/layers/probe_tries.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sidecar/launcher/layers/filter.h"
#include "sidecar/launcher/layers/landlock.h"
#include "sidecar/sandbox/profile.h"

#define WAIT_MS     20000
#define NO_EFFECT   EPROTO
#define FILES_INDEX 1 /* of profile "files", sidecar/sandbox/names.h */

#ifndef SYS_landlock_restrict_self
#define SYS_landlock_restrict_self 446
#endif
#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif

extern char **environ;

int try_no_new_privs(void)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return errno;
    return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : NO_EFFECT;
}

int try_seccomp(void)
{
    struct sandbox_profile *p;
    struct filter_key key;
    struct ts_arena a;
    char text[1] = "";

    errno = 0;
    ts_arena_init(&a, SANDBOX_ARENA_BYTES);
    if (filter_profile_load(NULL, FILES_INDEX, &a, &p, text, 0) != TS_OK ||
        filter_key_make(&key) != TS_OK || filter_install(p, &key) != TS_OK)
        return errno != 0 ? errno : NO_EFFECT; /* this process ends now */
    ts_arena_done(&a);
    if (socket(AF_UNIX, SOCK_STREAM, 0) >= 0 || errno != EACCES)
        return NO_EFFECT;
    return 0;
}

/* Enters a domain in which nothing is granted. */
static int enter_landlock(int least_abi)
{
    int abi = landlock_abi(), fd = -1, err = ENOSYS;

    if (abi < least_abi)
        return ENOSYS;
    if (landlock_make(abi, &fd, &err) != TS_OK)
        return err;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        syscall(SYS_landlock_restrict_self, fd, 0) != 0)
        return errno;
    return 0;
}

int try_landlock(void)
{
    int err = enter_landlock(1);

    if (err != 0)
        return err;
    if (open("/proc/self/status", O_RDONLY | O_CLOEXEC) >= 0 || errno != EACCES)
        return NO_EFFECT;
    return 0;
}

int try_landlock_net(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
    int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int err;

    if (s < 0)
        return errno;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if ((err = enter_landlock(4)) != 0)
        return err;
    if (connect(s, (const struct sockaddr *)&to, sizeof(to)) == 0 ||
        errno != EACCES)
        return NO_EFFECT;
    return 0;
}

int try_landlock_scope(void)
{
    int err = enter_landlock(6);

    if (err != 0)
        return err;
    if (kill(getppid(), 0) == 0 || errno != EPERM)
        return NO_EFFECT;
    return 0;
}

int try_rlimits(void)
{
    const struct rlimit none = {0, 0}, mark = {1u << 20, 1u << 20};
    struct rlimit back;
    int fd;

    if (setrlimit(RLIMIT_RTTIME, &mark) != 0 ||
        getrlimit(RLIMIT_RTTIME, &back) != 0 ||
        setrlimit(RLIMIT_NOFILE, &none) != 0)
        return errno;
    fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (fd >= 0 || errno != EMFILE || back.rlim_max != mark.rlim_max)
        return NO_EFFECT;
    return 0;
}

int try_process_limit(void)
{
    const struct rlimit one = {1, 1};
    struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct none[2] = {{0, 0, 0}, {0, 0, 0}};
    pid_t pid;

    /* tools have none, and CAP_SYS_ADMIN is not bound by it */
    (void)syscall(SYS_capset, &h, none);
    if (setrlimit(RLIMIT_NPROC, &one) != 0)
        return errno;
    pid = fork();
    if (pid == 0)
        _exit(0);
    if (pid > 0) {
        (void)waitpid(pid, NULL, 0);
        return NO_EFFECT; /* uid 0 is not bound by it */
    }
    return errno == EAGAIN ? 0 : errno;
}

int try_fds_closed(void)
{
    int fd = open("/dev/null", O_RDONLY);

    if (fd < 0)
        return errno;
    if (syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC) != 0)
        return errno;
    return (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0 ? 0 : NO_EFFECT;
}

int try_clean_env(void)
{
    static char *none[] = {NULL};

    environ = none;
    return environ[0] == NULL ? 0 : NO_EFFECT;
}

int try_session(void)
{
    if (setsid() < 0)
        return errno;
    return open("/dev/tty", O_RDWR | O_CLOEXEC) < 0 ? 0 : NO_EFFECT;
}

/* A grandchild that asked for it must die when its parent does: its end of the
 * pipe closes. */
int try_pdeathsig(void)
{
    int p[2];
    struct pollfd in;
    pid_t pid;
    char c;

    if (pipe2(p, O_CLOEXEC) != 0)
        return errno;
    pid = fork();
    if (pid == 0) {
        if (fork() == 0) {
            if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
                _exit(errno);
            if (write(p[1], "x", 1) == 1) {
                for (;;)
                    (void)pause();
            }
            _exit(0);
        }
        /* stay until the grandchild has asked */
        _exit(read(p[0], &c, 1) == 1 ? 0 : 1);
    }
    if (pid < 0)
        return errno;
    (void)close(p[1]);
    (void)waitpid(pid, NULL, 0);
    in = (struct pollfd){.fd = p[0], .events = POLLIN};
    return poll(&in, 1, WAIT_MS) == 1 && (in.revents & POLLHUP) != 0
               ? 0
               : NO_EFFECT;
}

int try_subreaper(void)
{
    int p[2];
    pid_t pid, orphan = -1;

    if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0 ||
        pipe2(p, O_CLOEXEC) != 0)
        return errno;
    pid = fork();
    if (pid == 0) {
        orphan = fork();
        if (orphan > 0)
            (void)!write(p[1], &orphan, sizeof(orphan));
        _exit(0);
    }
    if (pid < 0)
        return errno;
    (void)waitpid(pid, NULL, 0);
    if (read(p[0], &orphan, sizeof(orphan)) != (ssize_t)sizeof(orphan))
        return NO_EFFECT;
    return waitpid(orphan, NULL, 0) == orphan ? 0 : NO_EFFECT;
}

/* And no way back to the old one. */
int try_uid(void)
{
    const uid_t old = getuid(), other = old == 65534 ? 65533 : 65534;

    if (syscall(SYS_setgroups, 0, NULL) != 0 ||
        syscall(SYS_setresuid, other, other, other) != 0)
        return errno;
    return getuid() == other && syscall(SYS_setresuid, -1, old, -1) != 0
               ? 0
               : NO_EFFECT;
}
