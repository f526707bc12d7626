/* Change mode, owner or times of a file outside: by every call and every way to
 * name a file, and while names and memory are swapped under the call. */
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <utime.h>

#define FILE_OUTSIDE "@D/drop/mode.txt"
#define RACE_MS      500
#define MARK_MODE    0604 /* what only a won race gives it */

#ifndef SYS_utime /* arm64 */
#define SYS_utime     -1
#define SYS_utimes    -1
#define SYS_futimesat -1
#define SYS_lchown    -1
#endif

/* A descriptor that can do nothing but name it: Landlock gives that. */
static int named(const char *path)
{
    return open(path, O_PATH | O_CLOEXEC);
}

static struct result by_call(const struct probe *p)
{
    const char *path = expand(p->text);
    long folder = named(expand("@D/drop")), cwd = AT_FDCWD, self;

    switch (p->nr) {
    case SYS_fchmodat:
        return by(syscall(SYS_fchmodat, folder, "mode.txt", 0640));
    case SYS_fchownat:
        self = named(path);
        return by(
            syscall(SYS_fchownat, self, "", getuid(), getgid(), AT_EMPTY_PATH));
    case SYS_utimensat:
        self = named(path);
        return by(syscall(SYS_utimensat, self, "", NULL, AT_EMPTY_PATH));
    case SYS_futimesat:
        return by(syscall(SYS_futimesat, folder, "mode.txt", NULL));
    case SYS_lchown:
        return by(syscall(SYS_lchown, path, getuid(), getgid()));
    case SYS_fchown:
        return by(syscall(SYS_fchownat, cwd, path, getuid(), getgid(), 0));
    default:
        return by(syscall(p->nr, path, NULL));
    }
}

static struct result by_descriptor_name(const struct probe *p)
{
    int fd = named(expand(FILE_OUTSIDE));
    char path[64];

    if (fd < 0)
        return stopped(errno);
    (void)snprintf(path, sizeof(path), "%s%d", p->text, fd);
    return by(chmod(path, 0640));
}

static struct result by_link(const struct probe *p)
{
    const char *here = scratch("to-outside");

    (void)unlink(here);
    if (symlink(expand(FILE_OUTSIDE), here) != 0)
        return stopped(errno);
    return by(p->nr == 0 ? chmod(here, 0640)
                         : utimensat(AT_FDCWD, here, NULL, 0));
}

static struct result by_child(const struct probe *p)
{
    const char *path = expand(FILE_OUTSIDE);
    volatile int err = 0;
    pid_t pid = vfork();

    (void)p;
    if (pid == 0) {
        if (chmod(path, 0640) != 0)
            err = errno;
        _exit(0);
    }
    if (pid < 0)
        return stopped(errno);
    (void)waitpid(pid, NULL, 0);
    return err == 0 ? allowed() : stopped(err);
}

static bool has_mark(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && (st.st_mode & 07777) == MARK_MODE;
}

static int make_own(const char *path)
{
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

    if (fd >= 0)
        (void)close(fd);
    return fd;
}

/* What the racing child does until it is killed. */
static void swap_names(const char *a, const char *b)
{
    for (;;)
        (void)renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE);
}

static void swap_memory(char *shared, const char *own, const char *outside)
{
    size_t n = strlen(own) + 1, m = strlen(outside) + 1;

    for (;;) {
        memcpy(shared, own, n);
        memcpy(shared, outside, m);
    }
}

static long passed_ms(const struct timespec *from)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (now.tv_sec - from->tv_sec) * 1000 +
           (now.tv_nsec - from->tv_nsec) / 1000000;
}

static struct result race(pid_t racer, const char *path, const char *outside)
{
    struct result r = stopped(EPERM);
    struct timespec from;

    (void)clock_gettime(CLOCK_MONOTONIC, &from);
    while (r.verdict != ALLOWED && passed_ms(&from) < RACE_MS) {
        (void)chmod(path, MARK_MODE);
        if (has_mark(outside))
            r = allowed();
    }
    (void)kill(racer, SIGKILL);
    (void)waitpid(racer, NULL, 0);
    if (r.verdict == ALLOWED)
        (void)chmod(outside, 0640); /* for the other races */
    return r;
}

static struct result race_link(const struct probe *p)
{
    const char *outside = expand(FILE_OUTSIDE), *a = scratch("race-a"),
               *b = scratch("race-b");
    pid_t pid;

    (void)p;
    (void)unlink(a);
    (void)unlink(b);
    if (make_own(a) < 0 || symlink(outside, b) != 0)
        return stopped(errno);
    pid = fork();
    if (pid == 0)
        swap_names(a, b);
    return race(pid, a, outside);
}

static struct result race_folder(const struct probe *p)
{
    const char *outside = expand(FILE_OUTSIDE), *a = scratch("race-folder"),
               *b = scratch("race-way");
    char inside[600];
    pid_t pid;

    (void)p;
    (void)mkdir(a, 0700);
    (void)unlink(b);
    (void)snprintf(inside, sizeof(inside), "%s/mode.txt", a);
    if (make_own(inside) < 0 || symlink(expand("@D/drop"), b) != 0)
        return stopped(errno);
    pid = fork();
    if (pid == 0)
        swap_names(a, b);
    return race(pid, inside, outside);
}

static struct result race_memory(const struct probe *p)
{
    const char *outside = expand(FILE_OUTSIDE), *own = scratch("race-own");
    char *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t pid;

    (void)p;
    if (make_own(own) < 0 || shared == MAP_FAILED)
        return stopped(errno);
    pid = fork();
    if (pid == 0)
        swap_memory(shared, own, outside);
    return race(pid, shared, outside);
}

static struct result processors(const struct probe *p)
{
    unsigned long mask[16] = {0};
    long victim = fact_number('P') | p->nr;
    long n =
        syscall(SYS_sched_getaffinity, fact_number('P'), sizeof(mask), mask);

    if (n <= 0)
        return stopped(errno);
    return by(syscall(SYS_sched_setaffinity, victim, n, mask));
}

#define CALL(name, what, nr)                                                   \
    {                                                                          \
        "write." name, what, by_call, FILE_OUTSIDE, nr,                        \
        {                                                                      \
            0                                                                  \
        }                                                                      \
    }
#define WAY(name, what, run, text, nr)                                         \
    {                                                                          \
        "write." name, what, run, text, nr,                                    \
        {                                                                      \
            0                                                                  \
        }                                                                      \
    }

static const struct probe probes[] = {
    CALL("fchmodat_folder", "fchmodat from a folder outside", SYS_fchmodat),
    CALL("fchownat_path", "fchownat a file of the same user", SYS_fchown),
    CALL("fchownat_empty", "fchownat of a descriptor that only names it",
         SYS_fchownat),
    CALL("utimensat_empty", "utimensat of a descriptor that only names it",
         SYS_utimensat),
    CALL("futimesat", "futimesat from a folder outside", SYS_futimesat),
    CALL("utime_old", "utime(2) of a file of the same user", SYS_utime),
    CALL("utimes_old", "utimes(2) of a file of the same user", SYS_utimes),
    CALL("lchown", "lchown a file of the same user", SYS_lchown),
    WAY("chmod_self_fd", "chmod by /proc/self/fd", by_descriptor_name,
        "/proc/self/fd/", 0),
    WAY("chmod_thread_fd", "chmod by /proc/thread-self/fd", by_descriptor_name,
        "/proc/thread-self/fd/", 0),
    WAY("chmod_link", "chmod by an own symbolic link", by_link, "", 0),
    WAY("utime_link", "set times by an own symbolic link", by_link, "", 1),
    WAY("chmod_vfork", "chmod by a child that borrows memory", by_child, "", 0),
    WAY("chmod_race_link", "chmod while a link takes the file's place",
        race_link, "", 0),
    WAY("chmod_race_folder", "chmod while a link takes the folder's place",
        race_folder, "", 0),
    WAY("chmod_race_memory", "chmod while the path is written over",
        race_memory, "", 0),
    {"process.affinity_high_bits",
     "set the victim's processors, with garbage above 32 bits",
     processors,
     "",
     1L << 32,
     {0}},
};

const struct area area_metadata = {probes, sizeof(probes) / sizeof(probes[0])};
