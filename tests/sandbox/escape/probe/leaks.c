/* What came along without being given. */
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

extern char **environ;

static int is_ours(int fd)
{
    char path[64], to[128];
    ssize_t n;

    /* the pipe to our own parent is above 2, too */
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    n = readlink(path, to, sizeof(to) - 1);
    return n > 0 && n < 128;
}

/* Our own parent's pipe has at most two: anything beyond came from outside. */
static struct result descriptors(const struct probe *p)
{
    struct stat st;
    char note[64];

    for (int fd = 3; fd < (p->nr != 0 ? 65536 : 1024); fd++) {
        if (fstat(fd, &st) != 0)
            continue;
        if (S_ISFIFO(st.st_mode) && fd < 5 && (fcntl(fd, F_GETFD) & FD_CLOEXEC))
            continue;
        (void)snprintf(note, sizeof(note), "%d, type %o%s", fd,
                       st.st_mode >> 12, is_ours(fd) ? "" : ", nameless");
        return noted(allowed(), note);
    }
    return stopped(EBADF);
}

static struct result secret_variable(const struct probe *p)
{
    return getenv(p->text) != NULL ? allowed() : stopped(0);
}

static struct result any_variable(const struct probe *p)
{
    static const char *const fine[] = {
        "PATH=",     "LANG=", "HOME=",  "TMPDIR=",
        "TIPSTAFF_", "PWD=",  "SHLVL=", "_="};
    char note[64];

    (void)p;
    for (char **e = environ; *e != NULL; e++) {
        size_t i = 0;

        while (i < sizeof(fine) / sizeof(fine[0]) &&
               strncmp(*e, fine[i], strlen(fine[i])) != 0)
            i++;
        if (i == sizeof(fine) / sizeof(fine[0])) {
            (void)snprintf(note, sizeof(note), "%.40s", *e);
            note[strcspn(note, "=")] = '\0';
            return noted(allowed(), note);
        }
    }
    return stopped(0);
}

/* A pipe's end opened the other way: what somebody else wrote, or reads. */
static struct result other_end(const struct probe *p)
{
    char path[32];
    struct stat st;

    if (fstat((int)p->arg[0], &st) != 0 || !S_ISFIFO(st.st_mode))
        return noted(stopped(0), "not a pipe");
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%ld", p->arg[0]);
    return by(open(path, (int)p->nr | O_CLOEXEC | O_NONBLOCK));
}

static struct result stdio_kind(const struct probe *p)
{
    struct stat st;

    (void)p;
    for (int fd = 0; fd < 3; fd++)
        if (fstat(fd, &st) == 0 && (S_ISDIR(st.st_mode) || S_ISBLK(st.st_mode)))
            return allowed();
    return stopped(0);
}

static struct result blocked_signals(const struct probe *p)
{
    sigset_t now;

    (void)p;
    (void)sigemptyset(&now);
    (void)sigprocmask(SIG_BLOCK, NULL, &now);
    for (int s = 1; s < 32; s++)
        if (sigismember(&now, s) == 1)
            return allowed();
    return stopped(0);
}

static struct result ignored_signals(const struct probe *p)
{
    struct sigaction a;

    (void)p;
    for (int s = 1; s < 32; s++)
        if (sigaction(s, NULL, &a) == 0 && a.sa_handler == SIG_IGN)
            return allowed();
    return stopped(0);
}

static struct result host_name(const struct probe *p)
{
    struct utsname u;

    (void)p;
    if (uname(&u) != 0)
        return stopped(errno);
    return strcmp(u.nodename, fact('H')) == 0 ? allowed() : stopped(0);
}

static struct result foreign_session(const struct probe *p)
{
    pid_t sid = getsid(0), launcher = (pid_t)fact_number('L');

    (void)p;
    errno = 0;
    return launcher > 0 && sid == getsid(launcher) && errno == 0 ? allowed()
                                                                 : stopped(0);
}

static struct result core_dump(const struct probe *p)
{
    struct rlimit r = {0};

    (void)p;
    return getrlimit(RLIMIT_CORE, &r) == 0 && r.rlim_max > 0 ? allowed()
                                                             : stopped(0);
}

static const struct probe probes[] = {
    {"leaks.descriptors", "any descriptor above 2", descriptors, "", 0, {0}},
    {"leaks.high_descriptors",
     "any descriptor up to 65535",
     descriptors,
     "",
     1,
     {0}},
    {"leaks.secret_variable",
     "SBX_SECRET of the sidecar's environment",
     secret_variable,
     "SBX_SECRET",
     0,
     {0}},
    {"leaks.variables",
     "any variable that no manifest gave",
     any_variable,
     "",
     0,
     {0}},
    {"leaks.stdout_read",
     "open standard output for reading",
     other_end,
     "",
     O_RDONLY,
     {1}},
    {"leaks.stdin_write",
     "open standard input for writing",
     other_end,
     "",
     O_WRONLY,
     {0}},
    {"leaks.stdio_kind",
     "standard input or output is a folder or a disk",
     stdio_kind,
     "",
     0,
     {0}},
    {"leaks.signals_blocked",
     "signals are blocked",
     blocked_signals,
     "",
     0,
     {0}},
    {"leaks.signals_ignored",
     "signals are ignored",
     ignored_signals,
     "",
     0,
     {0}},
    {"leaks.host_name", "the host's name", host_name, "", 0, {0}},
    {"leaks.session", "the launcher's session", foreign_session, "", 0, {0}},
    {"leaks.core", "a core file may be written", core_dump, "", 0, {0}},
    {"leaks.mounts",
     "the mounts of the host",
     open_path,
     "/proc/self/mountinfo",
     O_RDONLY,
     {0}},
    {"leaks.cgroup",
     "the path of its control group",
     open_path,
     "/proc/self/cgroup",
     O_RDONLY,
     {0}},
    {"leaks.boot_id",
     "the boot's id",
     open_path,
     "/proc/sys/kernel/random/boot_id",
     O_RDONLY,
     {0}},
    {"leaks.machine_id",
     "the machine's id",
     open_path,
     "/etc/machine-id",
     O_RDONLY,
     {0}},
    {"leaks.interfaces",
     "the host's interfaces in /sys",
     open_path,
     "/sys/class/net",
     O_RDONLY | O_DIRECTORY,
     {0}},
};

const struct area area_leaks = {probes, sizeof(probes) / sizeof(probes[0])};
