/* More of the machine than the manifest gives. The runner's manifest: 48
 * processes, 512 MB, 16 MB files, 64 descriptors. */
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FORKS 400
#define MB    (1L << 20)

static struct result raise_limit(const struct probe *p)
{
    struct rlimit r = {0};

    if (syscall(SYS_prlimit64, 0, p->nr, NULL, &r) != 0)
        return unsure("cannot be read");
    if (r.rlim_max == RLIM_INFINITY)
        return noted(allowed(), "unlimited");
    r.rlim_cur = ++r.rlim_max;
    return by(syscall(SYS_prlimit64, 0, p->nr, &r, NULL));
}

/* Lowering is everybody's right, but ours mark a run: none may move. */
static struct result lower_limit(const struct probe *p)
{
    struct rlimit r = {0};

    if (getrlimit((__rlimit_resource_t)p->nr, &r) != 0)
        return unsure("cannot be read");
    r.rlim_cur = r.rlim_max = r.rlim_max / 2;
    return by(syscall(SYS_setrlimit, p->nr, &r));
}

static struct result real_time(const struct probe *p)
{
    const int priority = p->arg[0] == 1 || p->arg[0] == 2 ? 1 : 0;

    return by(syscall(SYS_sched_setscheduler, 0, p->arg[0], &priority));
}

static struct result deadline(const struct probe *p)
{
    uint32_t a[14] = {48, 6 /* SCHED_DEADLINE */};
    const uint64_t times[3] = {1000000, 100000000, 100000000};

    (void)p;
    memcpy(&a[6], times, sizeof(times));
    return by(syscall(SYS_sched_setattr, 0, a, 0));
}

static struct result nicer(const struct probe *p)
{
    return by(setpriority(PRIO_PROCESS, 0, (int)p->nr));
}

static struct result oom_score(const struct probe *p)
{
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

    if (fd < 0)
        return stopped(errno);
    return by(write(fd, p->text, strlen(p->text)));
}

static struct result many_forks(const struct probe *p)
{
    static pid_t pids[FORKS];
    struct result r;
    int n = 0, err = 0;
    char note[32];

    (void)p;
    for (; n < FORKS; n++) {
        pids[n] = fork();
        if (pids[n] == 0) {
            (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
            for (;;)
                (void)pause();
        }
        if (pids[n] < 0) {
            err = errno;
            break;
        }
    }
    (void)snprintf(note, sizeof(note), "%d processes", n);
    r = noted(n == FORKS ? allowed() : stopped(err), note);
    for (int i = 0; i < n; i++) {
        (void)kill(pids[i], SIGKILL);
        (void)waitpid(pids[i], NULL, 0);
    }
    return r;
}

static struct result much_memory(const struct probe *p)
{
    long mb = 0;
    char note[32];
    struct result r;

    for (; mb < p->nr; mb++)
        if (mmap(NULL, MB, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
                 0) == MAP_FAILED)
            break;
    (void)snprintf(note, sizeof(note), "%ld MB", mb);
    r = mb == p->nr ? allowed() : stopped(errno);
    return noted(r, note);
}

static struct result large_file(const struct probe *p)
{
    const char *path = scratch("large");
    struct sigaction a = {.sa_handler = SIG_IGN};
    int fd;
    struct result r;

    (void)unlink(path);
    (void)sigaction(SIGXFSZ, &a, NULL);
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return stopped(errno);
    r = by(ftruncate(fd, p->nr)); /* a hole: no disk is used */
    (void)unlink(path);
    return r;
}

static struct result many_fds(const struct probe *p)
{
    long n = 0;

    while (n < p->nr && fcntl(0, F_DUPFD_CLOEXEC, 0) >= 0)
        n++;
    return n == p->nr ? allowed() : stopped(errno);
}

static struct result large_pipe(const struct probe *p)
{
    int pair[2];

    if (pipe2(pair, O_CLOEXEC) != 0)
        return unsure("no pipe");
    return by(fcntl(pair[1], F_SETPIPE_SZ, (int)p->nr));
}

static struct result lock_memory(const struct probe *p)
{
    void *at = mmap(NULL, (size_t)p->nr, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS,
                    -1, 0);

    if (at == MAP_FAILED)
        return stopped(errno);
    return by(mlock2(at, (size_t)p->nr, 1 /* MLOCK_ONFAULT */));
}

static struct result huge_pages(const struct probe *p)
{
    void *at = mmap(NULL, 2 * MB, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);

    (void)p;
    return at != MAP_FAILED ? allowed() : stopped(errno);
}

static struct result many_watches(const struct probe *p)
{
    int n = 0;

    for (; n < p->nr; n++)
        if (inotify_init1(IN_CLOEXEC) < 0)
            break;
    return n == p->nr ? allowed() : stopped(errno);
}

/* Queued signals hold kernel memory for each user. */
static struct result many_timers(const struct probe *p)
{
    struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGURG};
    int id, n = 0;

    while (n < p->nr &&
           syscall(SYS_timer_create, CLOCK_MONOTONIC, &ev, &id) == 0)
        n++;
    return n == p->nr ? allowed() : stopped(errno);
}

/* Left the group, the session and its parent: who still finds it? */
static struct result daemonize(const struct probe *p)
{
    char name[16];
    pid_t pid = fork();

    (void)p;
    if (pid < 0)
        return stopped(errno);
    if (pid == 0) {
        (void)setsid();
        if (fork() != 0)
            _exit(0);
        (void)setsid();
        (void)snprintf(name, sizeof(name), "esc-%.10s", fact('W'));
        (void)prctl(PR_SET_NAME, name, 0, 0, 0);
        for (int fd = 0; fd < 64; fd++)
            (void)close(fd);
        (void)alarm(60);
        for (;;)
            (void)pause();
    }
    (void)waitpid(pid, NULL, 0);
    return noted(allowed(), "judged outside");
}

static const struct probe probes[] = {
    {"limits.core", "raise RLIMIT_CORE", raise_limit, "", RLIMIT_CORE, {0}},
    {"limits.files",
     "raise RLIMIT_NOFILE",
     raise_limit,
     "",
     RLIMIT_NOFILE,
     {0}},
    {"limits.processes",
     "raise RLIMIT_NPROC",
     raise_limit,
     "",
     RLIMIT_NPROC,
     {0}},
    {"limits.memory", "raise RLIMIT_AS", raise_limit, "", RLIMIT_AS, {0}},
    {"limits.stack",
     "raise RLIMIT_MSGQUEUE",
     raise_limit,
     "",
     RLIMIT_MSGQUEUE,
     {0}},
    {"limits.mark",
     "lower the limit that marks a run",
     lower_limit,
     "",
     RLIMIT_RTTIME,
     {0}},
    {"limits.lower",
     "lower the limit of files",
     lower_limit,
     "",
     RLIMIT_FSIZE,
     {0}},
    {"limits.fifo", "real-time scheduling", real_time, "", 0, {1}},
    {"limits.round_robin", "the same, round robin", real_time, "", 0, {2}},
    {"limits.deadline", "deadline scheduling", deadline, "", 0, {0}},
    {"limits.nice", "a higher priority", nicer, "", -5, {0}},
    {"limits.io_priority",
     "real-time input and output",
     call_by,
     "",
     SYS_ioprio_set,
     {1, 0, (1 << 13) | 4}},
    {"limits.oom",
     "never be the one that is killed",
     oom_score,
     "-500",
     0,
     {0}},
    {"limits.deathsig",
     "outlive the launcher (PR_SET_PDEATHSIG 0)",
     call_by,
     "",
     SYS_prctl,
     {PR_SET_PDEATHSIG, 0, 0, 0, 0}},
    {"limits.subreaper",
     "keep its orphans (PR_SET_CHILD_SUBREAPER)",
     call_by,
     "",
     SYS_prctl,
     {PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0}},
    {"limits.ptracer",
     "let anybody trace it (PR_SET_PTRACER)",
     call_reached,
     "",
     SYS_prctl,
     {0x59616d61, -1, 0, 0, 0}},
    {"limits.forks", "400 processes", many_forks, "", 0, {0}},
    {"limits.address_space",
     "3 GiB of address space",
     much_memory,
     "",
     3072,
     {0}},
    {"limits.large_file", "a file of 40 MiB", large_file, "", 40 * MB, {0}},
    {"limits.descriptors", "900 descriptors", many_fds, "", 900, {0}},
    {"limits.pipe", "a pipe of 16 MiB", large_pipe, "", 16 * MB, {0}},
    {"limits.locked", "64 MiB of locked memory", lock_memory, "", 64 * MB, {0}},
    {"limits.lock_all", "mlockall", call_by, "", SYS_mlockall, {2}},
    {"limits.huge_pages", "huge pages", huge_pages, "", 0, {0}},
    {"limits.inotify", "100 inotify instances", many_watches, "", 100, {0}},
    {"limits.timers", "20000 timers", many_timers, "", 20000, {0}},
    {"limits.daemon", "a daemon that survives its tool", daemonize, "", 0, {0}},
};

const struct area area_limits = {probes, sizeof(probes) / sizeof(probes[0])};
