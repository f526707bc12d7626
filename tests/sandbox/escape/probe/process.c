/* Other processes: the victim (same user where there is one), the launcher,
 * the gate, a neighbour tool. */
#include "probe.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static struct result list_there(const struct probe *p)
{
    DIR *d = opendir(expand(p->text));

    if (d == NULL)
        return stopped(errno);
    errno = 0;
    for (int i = 0; i < 3; i++)
        if (readdir(d) == NULL)
            return stopped(errno);
    return allowed();
}

static struct result read_some(const struct probe *p)
{
    char buf[64];
    int fd = open(expand(p->text), O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return stopped(errno);
    return by(read(fd, buf, sizeof(buf)) > 0 ? 0 : -1);
}

/* The secret at the address that the victim told. */
static struct result read_memory(const struct probe *p)
{
    char buf[16];
    int fd = open(expand(p->text), O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return stopped(errno);
    if (pread(fd, buf, sizeof(buf), (off_t)fact_number('X')) > 0)
        return allowed();
    return errno == EIO ? noted(allowed(), "opened") : stopped(errno);
}

static struct result read_target(const struct probe *p)
{
    char buf[256];

    return by(readlink(expand(p->text), buf, sizeof(buf)));
}

/* More processes than a box could hold of its own. */
static struct result count_pids(const struct probe *p)
{
    DIR *d = opendir("/proc");
    const struct dirent *e;
    struct result r;
    char note[32];
    int n = 0;

    (void)p;
    if (d == NULL)
        return stopped(errno);
    while ((e = readdir(d)) != NULL)
        n += e->d_name[0] >= '1' && e->d_name[0] <= '9';
    (void)snprintf(note, sizeof(note), "%d processes", n);
    r = n > 6 ? allowed() : stopped(0);
    return noted(r, note);
}

static struct result attach(const struct probe *p)
{
    pid_t pid = (pid_t)strtol(expand(p->text), NULL, 10);
    long rc = ptrace((enum __ptrace_request)p->nr, pid, NULL, NULL);

    if (rc == 0)
        (void)ptrace(PTRACE_DETACH, pid, NULL, NULL);
    return by(rc);
}

static struct result vm_copy(const struct probe *p)
{
    char buf[16] = "same";
    struct iovec ours = {buf, p->nr == SYS_process_vm_writev ? 0u : 16u};
    struct iovec theirs = {(void *)(uintptr_t)fact_number('X'), ours.iov_len};
    long pid = strtol(expand(p->text), NULL, 10);

    /* nothing is written: the kernel checks the right before the length */
    return by(syscall(p->nr, pid, &ours, 1, &theirs, 1, 0));
}

/* Zero bytes to write end before the right is checked: one in a page that is
 * nobody's tells the same by EFAULT. */
static struct result vm_write(const struct probe *p)
{
    char byte = 0;
    struct iovec ours = {&byte, 1};
    struct iovec theirs = {(void *)(uintptr_t)64, 1};
    long pid = strtol(expand(p->text), NULL, 10);
    long rc = syscall(p->nr, pid, &ours, 1, &theirs, 1, 0);

    return rc < 0 && errno == ESRCH ? stopped(errno) : reached(rc);
}

static int open_pid(const char *text)
{
    return (int)syscall(SYS_pidfd_open, strtol(expand(text), NULL, 10), 0);
}

static struct result pid_descriptor(const struct probe *p)
{
    int fd = open_pid(p->text);

    if (fd < 0)
        return stopped(errno);
    if (p->nr == SYS_pidfd_open)
        return allowed();
    return by(syscall(p->nr, fd, 0, 0, 0));
}

static struct result queue_signal(const struct probe *p)
{
    siginfo_t info = {.si_code = SI_QUEUE};

    info.si_pid = getpid();
    info.si_uid = getuid();
    return by(syscall(SYS_rt_sigqueueinfo, fact_number('P'), 0, &info));
    (void)p;
}

static struct result advise(const struct probe *p)
{
    int fd = open_pid(p->text);
    struct iovec v = {(void *)(uintptr_t)0x10000, 4096};

    if (fd < 0)
        return stopped(errno);
    if (p->nr == SYS_process_madvise)
        return reached(syscall(p->nr, fd, &v, 1, MADV_COLD, 0));
    return reached(syscall(p->nr, fd, 0));
}

static struct result compare(const struct probe *p)
{
    (void)p;
    return by(syscall(SYS_kcmp, fact_number('P'), getpid(), KCMP_VM, 0, 0));
}

static struct result robust_list(const struct probe *p)
{
    void *head = NULL;
    size_t len = 0;

    (void)p;
    return by(syscall(SYS_get_robust_list, fact_number('P'), &head, &len));
}

static struct result move_pages_of(const struct probe *p)
{
    void *page = (void *)(uintptr_t)(fact_number('X') & ~4095L);
    int status = 0;

    (void)p;
    return by(
        syscall(SYS_move_pages, fact_number('P'), 1, &page, NULL, &status, 0));
}

/* SIGIO at the victim when something comes through an own pipe. */
static struct result own_signal(const struct probe *p)
{
    struct f_owner_ex owner = {F_OWNER_TID, (pid_t)fact_number('P')};
    int pair[2];
    long rc;

    if (pipe2(pair, O_CLOEXEC) != 0)
        return unsure("no pipe");
    rc = p->nr == F_SETOWN ? fcntl(pair[0], F_SETOWN, (pid_t)fact_number('P'))
                           : fcntl(pair[0], F_SETOWN_EX, &owner);
    if (rc != 0)
        return stopped(errno);
    if (fcntl(pair[0], F_SETSIG, (int)p->arg[0]) != 0 ||
        fcntl(pair[0], F_SETFL, O_ASYNC | O_NONBLOCK) != 0)
        return stopped(errno);
    if (write(pair[1], "x", 1) != 1)
        return unsure("no write");
    (void)usleep(20000);
    return noted(allowed(), "judged at the victim");
}

/* A timer whose signal goes to a thread of the victim. */
static struct result foreign_timer(const struct probe *p)
{
    struct sigevent ev = {.sigev_notify = SIGEV_THREAD_ID,
                          .sigev_signo = SIGIO};
    int id = 0;

    (void)p;
    ev._sigev_un._tid = (pid_t)fact_number('P');
    return by(syscall(SYS_timer_create, CLOCK_MONOTONIC, &ev, &id));
}

/* A signal that all ignore by default, to all; judged at the victim. The
 * super-user's would reach every process of the machine: he asks with 0. */
static struct result everybody(const struct probe *p)
{
    (void)p;
    return by(kill(-1, geteuid() == 0 ? 0 : SIGURG));
}

#define ON(name, what, nr, ...)                                                \
    {                                                                          \
        "process." name, what, call_on_fact, "@P", nr,                         \
        {                                                                      \
            0, __VA_ARGS__                                                     \
        }                                                                      \
    }

static const struct probe probes[] = {
    {"process.list",
     "see the host's processes in /proc",
     count_pids,
     "",
     0,
     {0}},
    {"process.victim_mem",
     "read the victim's memory",
     read_memory,
     "/proc/@P/mem",
     0,
     {0}},
    {"process.victim_environ",
     "read the victim's environment",
     read_some,
     "/proc/@P/environ",
     0,
     {0}},
    {"process.victim_cmdline",
     "read the victim's arguments",
     read_some,
     "/proc/@P/cmdline",
     0,
     {0}},
    {"process.victim_status",
     "read the victim's status",
     read_some,
     "/proc/@P/status",
     0,
     {0}},
    {"process.victim_maps",
     "read the victim's mappings",
     read_some,
     "/proc/@P/maps",
     0,
     {0}},
    {"process.victim_root",
     "the victim's root",
     list_there,
     "/proc/@P/root/",
     0,
     {0}},
    {"process.victim_cwd",
     "the victim's folder",
     read_target,
     "/proc/@P/cwd",
     0,
     {0}},
    {"process.victim_exe",
     "the victim's program",
     read_target,
     "/proc/@P/exe",
     0,
     {0}},
    {"process.victim_fds",
     "the victim's descriptors",
     list_there,
     "/proc/@P/fd",
     0,
     {0}},
    {"process.victim_fd",
     "open a descriptor of the victim",
     open_path,
     "/proc/@P/fd/0",
     O_RDONLY,
     {0}},
    {"process.victim_stack",
     "the victim's system call",
     read_some,
     "/proc/@P/syscall",
     0,
     {0}},
    {"process.init_mem",
     "open /proc/1/mem",
     open_path,
     "/proc/1/mem",
     O_RDONLY,
     {0}},
    {"process.init_environ",
     "read /proc/1/environ",
     read_some,
     "/proc/1/environ",
     0,
     {0}},
    {"process.launcher_environ",
     "read the launcher's environment",
     read_some,
     "/proc/@L/environ",
     0,
     {0}},
    {"process.launcher_mem",
     "open the launcher's memory",
     open_path,
     "/proc/@L/mem",
     O_RDONLY,
     {0}},
    {"process.launcher_fds",
     "the launcher's descriptors",
     list_there,
     "/proc/@L/fd",
     0,
     {0}},
    {"process.launcher_cmdline",
     "read the launcher's arguments",
     read_some,
     "/proc/@L/cmdline",
     0,
     {0}},
    {"process.gate_environ",
     "read the gate's environment",
     read_some,
     "/proc/@G/environ",
     0,
     {0}},
    {"process.gate_fds",
     "the gate's descriptors",
     list_there,
     "/proc/@G/fd",
     0,
     {0}},
    {"process.neighbour_environ",
     "read a neighbour tool's environment",
     read_some,
     "/proc/@N/environ",
     0,
     {0}},
    {"process.neighbour_mem",
     "open a neighbour tool's memory",
     open_path,
     "/proc/@N/mem",
     O_RDONLY,
     {0}},
    {"process.neighbour_fd",
     "open a descriptor of a neighbour tool",
     open_path,
     "/proc/@N/fd/1",
     O_WRONLY,
     {0}},
    {"process.pidfd_getfd_neighbour",
     "take a descriptor from a neighbour tool",
     pid_descriptor,
     "@N",
     SYS_pidfd_getfd,
     {0}},
    {"process.parent_environ",
     "read the environment of /proc/PPID",
     read_some,
     "/proc/self/../1/../@L/environ",
     0,
     {0}},
    {"process.ptrace_victim",
     "attach to the victim",
     attach,
     "@P",
     PTRACE_SEIZE,
     {0}},
    {"process.ptrace_launcher",
     "attach to the launcher",
     attach,
     "@L",
     PTRACE_SEIZE,
     {0}},
    {"process.ptrace_neighbour",
     "attach to a neighbour tool",
     attach,
     "@N",
     PTRACE_SEIZE,
     {0}},
    {"process.vm_read_victim",
     "process_vm_readv of the victim",
     vm_copy,
     "@P",
     SYS_process_vm_readv,
     {0}},
    {"process.vm_write_victim",
     "process_vm_writev to the victim",
     vm_write,
     "@P",
     SYS_process_vm_writev,
     {0}},
    {"process.vm_read_launcher",
     "process_vm_readv of the launcher",
     vm_write,
     "@L",
     SYS_process_vm_readv,
     {0}},
    {"process.vm_read_neighbour",
     "process_vm_readv of a neighbour",
     vm_write,
     "@N",
     SYS_process_vm_readv,
     {0}},
    {"process.pidfd_victim",
     "a pidfd of the victim",
     pid_descriptor,
     "@P",
     SYS_pidfd_open,
     {0}},
    {"process.pidfd_launcher",
     "a pidfd of the launcher",
     pid_descriptor,
     "@L",
     SYS_pidfd_open,
     {0}},
    {"process.pidfd_getfd",
     "take a descriptor from the victim",
     pid_descriptor,
     "@P",
     SYS_pidfd_getfd,
     {0}},
    {"process.pidfd_getfd_launcher",
     "take a descriptor from the launcher",
     pid_descriptor,
     "@L",
     SYS_pidfd_getfd,
     {0}},
    {"process.pidfd_signal",
     "signal the victim by a pidfd",
     pid_descriptor,
     "@P",
     SYS_pidfd_send_signal,
     {0}},
    ON("kill_victim", "signal the victim", SYS_kill, 0),
    {"process.kill_launcher",
     "signal the launcher",
     call_on_fact,
     "@L",
     SYS_kill,
     {0}},
    {"process.kill_gate", "signal the gate", call_on_fact, "@G", SYS_kill, {0}},
    {"process.kill_neighbour",
     "signal a neighbour tool",
     call_on_fact,
     "@N",
     SYS_kill,
     {0}},
    {"process.stop_neighbour",
     "SIGCONT to a neighbour tool",
     call_on_fact,
     "@N",
     SYS_kill,
     {0, SIGCONT}},
    {"process.kill_all",
     "signal everybody with kill(-1)",
     everybody,
     "",
     0,
     {0}},
    {"process.kill_init", "signal process 1", call_on_fact, "1", SYS_kill, {0}},
    ON("tkill_victim", "tkill the victim", SYS_tkill, 0),
    {"process.queue_victim",
     "queue a signal for the victim",
     queue_signal,
     "",
     0,
     {0}},
    {"process.setown",
     "SIGIO at the victim by F_SETOWN",
     own_signal,
     "",
     F_SETOWN,
     {SIGUSR1}},
    {"process.setown_ex",
     "SIGIO at a thread by F_SETOWN_EX",
     own_signal,
     "",
     F_SETOWN_EX,
     {SIGUSR2}},
    {"process.timer",
     "SIGEV_THREAD_ID at the victim's thread",
     foreign_timer,
     "",
     0,
     {0}},
    {"process.kcmp",
     "compare the victim's memory with its own",
     compare,
     "",
     0,
     {0}},
    {"process.move_pages",
     "where the victim's pages are",
     move_pages_of,
     "",
     0,
     {0}},
    {"process.migrate_pages",
     "move the victim's pages",
     call_on_fact,
     "@P",
     SYS_migrate_pages,
     {0, 0, 0, 0}},
    {"process.madvise",
     "advice on the victim's memory",
     advise,
     "@P",
     SYS_process_madvise,
     {0}},
    {"process.mrelease",
     "free the victim's memory",
     advise,
     "@P",
     SYS_process_mrelease,
     {0}},
    {"process.robust_list",
     "the victim's robust list",
     robust_list,
     "",
     0,
     {0}},
};

const struct area area_process = {probes, sizeof(probes) / sizeof(probes[0])};
