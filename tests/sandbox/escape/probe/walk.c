/* Whole trees at once, for what nobody thought of by name; and what other
 * processes, locks and counters tell. */
#include "probe.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define ENTRIES_MOST 20000
#define DEPTH_MOST   6

/* One walk: each entry is asked, until one says that it was ALLOWED. */
struct walk {
    int (*ask)(const char *path, const struct stat *st);
    long left;
    char found[64];
    int err;
};

static int is_ours(const char *path)
{
    static const char *const ours[] = {
        "/dev/null", "/dev/zero",   "/dev/full",   "/dev/tty",
        "/dev/fd/",  "/dev/random", "/dev/urandom"};

    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
        if (strncmp(path, ours[i], strlen(ours[i])) == 0)
            return 1;
    return 0;
}

static int open_to_write(const char *path, const struct stat *st)
{
    int fd;

    if (!S_ISREG(st->st_mode) && !S_ISCHR(st->st_mode) && !S_ISBLK(st->st_mode))
        return 0;
    if (is_ours(path) || strstr(path, "ptmx") != NULL)
        return 0;
    if (geteuid() == 0) /* to open a watchdog starts it */
        return access(path, W_OK) == 0;
    fd = open(path, O_WRONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return 0;
    (void)close(fd);
    return 1;
}

static int make_there(const char *path, const struct stat *st)
{
    char name[512];

    if (!S_ISDIR(st->st_mode))
        return 0;
    (void)snprintf(name, sizeof(name), "%s/escape-%s", path, fact('W'));
    if (mkdir(name, 0700) != 0)
        return 0;
    (void)rmdir(name);
    return 1;
}

static int is_device(const char *path, const struct stat *st)
{
    int fd;

    if ((!S_ISCHR(st->st_mode) && !S_ISBLK(st->st_mode)) || is_ours(path))
        return 0;
    if (geteuid() == 0)
        return access(path, R_OK) == 0;
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return 0;
    (void)close(fd);
    return 1;
}

static int is_socket(const char *path, const struct stat *st)
{
    (void)path;
    return S_ISSOCK(st->st_mode);
}

/* Its own folders. */
static int is_given(const char *path)
{
    const char *mine = *fact('S') != '\0' ? fact('S') : getenv("TMPDIR");

    return strcmp(path, "/tmp") == 0 ||
           (mine != NULL && strcmp(path, mine) == 0);
}

static int walk_from(struct walk *w, const char *folder, int depth)
{
    DIR *d = opendir(folder);
    const struct dirent *e;
    int found = 0;

    if (d == NULL) {
        w->err = errno;
        return 0;
    }
    while (!found && w->left > 0 && (e = readdir(d)) != NULL) {
        char path[400];
        struct stat st;

        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        w->left--;
        (void)snprintf(path, sizeof(path), "%s/%s",
                       strcmp(folder, "/") == 0 ? "" : folder, e->d_name);
        if (is_given(path) || lstat(path, &st) != 0)
            continue;
        if (w->ask(path, &st)) {
            (void)snprintf(w->found, sizeof(w->found), "%.60s", path);
            found = 1;
        } else if (S_ISDIR(st.st_mode) && depth < DEPTH_MOST &&
                   strcmp(path, "/proc") != 0 && strcmp(path, "/sys") != 0) {
            found = walk_from(w, path, depth + 1);
        }
    }
    (void)closedir(d);
    return found;
}

static struct result ask_all(const struct probe *p,
                             int (*ask)(const char *, const struct stat *))
{
    struct walk w = {.ask = ask, .left = ENTRIES_MOST, .err = ENOENT};

    if (walk_from(&w, expand(p->text), 0))
        return noted(allowed(), w.found);
    return stopped(w.err);
}

static struct result write_anything(const struct probe *p)
{
    return ask_all(p, open_to_write);
}

static struct result make_anywhere(const struct probe *p)
{
    return ask_all(p, make_there);
}

static struct result any_device(const struct probe *p)
{
    return ask_all(p, is_device);
}

static struct result any_socket(const struct probe *p)
{
    return ask_all(p, is_socket);
}

static struct result list_it(const struct probe *p)
{
    DIR *d = opendir(expand(p->text));
    const struct dirent *e;

    if (d == NULL)
        return stopped(errno);
    while ((e = readdir(d)) != NULL)
        if (e->d_name[0] != '.')
            return allowed();
    return noted(stopped(0), "empty");
}

/* Not merely opened: there is something in it. */
static struct result read_it(const struct probe *p)
{
    char byte;
    int fd = open(expand(p->text), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t n;

    if (fd < 0)
        return stopped(errno);
    n = read(fd, &byte, 1);
    return n > 0 ? allowed() : stopped(n < 0 ? errno : 0);
}

/* A box may have one of its own: other users tell the host's. */
static struct result read_users(const struct probe *p)
{
    char line[256];
    FILE *f = fopen(p->text, "re");
    struct result r = noted(stopped(0), "its own");

    if (f == NULL)
        return stopped(errno);
    while (fgets(line, sizeof(line), f) != NULL)
        if (strncmp(line, "daemon:", 7) == 0)
            r = allowed();
    (void)fclose(f);
    return r;
}

static struct result stat_it(const struct probe *p)
{
    struct stat st;

    return by(stat(expand(p->text), &st));
}

static int own_program(void)
{
    const char *path = (const char *)(uintptr_t)getauxval(AT_EXECFN);
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

    if (fd < 0 && path != NULL)
        fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        fd = open(expand("@E"), O_RDONLY | O_CLOEXEC);
    return fd;
}

static struct result lock_program(const struct probe *p)
{
    const struct flock l = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
    int fd = own_program();

    if (fd < 0)
        return stopped(errno);
    if (p->nr == F_SETLEASE)
        return by(fcntl(fd, F_SETLEASE, F_RDLCK));
    if (p->nr == F_SETLK)
        return by(fcntl(fd, F_SETLK, &l));
    return by(flock(fd, LOCK_EX | LOCK_NB));
}

/* Is a page of a file that others use in memory? (Gruss and others, 2019) */
static struct result page_cache(const struct probe *p)
{
    char byte;
    struct iovec v = {&byte, 1};
    int fd = own_program();

    (void)p;
    if (fd < 0)
        return stopped(errno);
    return by(preadv2(fd, &v, 1, 0, 8 /* RWF_NOWAIT */));
}

static struct result load_of_all(const struct probe *p)
{
    struct sysinfo s;

    (void)p;
    return by(sysinfo(&s));
}

/* PRIO_PROCESS 0; IOPRIO_WHO_PROCESS 1 */
static struct result priority_of(const struct probe *p)
{
    char attr[56] = {0};
    long pid = fact_number('P');

    if (p->nr == SYS_getpriority)
        return by(syscall(SYS_getpriority, 0, pid));
    if (p->nr == SYS_ioprio_get)
        return by(syscall(SYS_ioprio_get, 1, pid));
    return by(syscall(p->nr, pid, attr, 48, 0));
}

static struct result thread_signal(const struct probe *p)
{
    long pid = strtol(expand(p->text), NULL, 10);
    siginfo_t info = {.si_code = SI_QUEUE};
    int fd;

    info.si_pid = getpid();
    info.si_uid = getuid();
    if (p->nr == SYS_tgkill)
        return by(syscall(SYS_tgkill, pid, pid, p->arg[0]));
    if (p->nr == SYS_rt_tgsigqueueinfo)
        return by(syscall(p->nr, pid, pid, p->arg[0], &info));
    if (p->nr == SYS_rt_sigqueueinfo)
        return by(syscall(p->nr, pid, p->arg[0], &info));
    if (p->nr == SYS_kill)
        return by(kill((pid_t)-getpgid((pid_t)pid), (int)p->arg[0]));
    fd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (fd < 0)
        return stopped(errno);
    return by(syscall(SYS_pidfd_send_signal, fd, p->arg[0], NULL, p->arg[1]));
}

/* Its parent is then whoever started the tool; nothing of ours waits for it. */
static struct result beside(const struct probe *p)
{
    char name[16];
    long pid = syscall(SYS_clone, p->nr | SIGCHLD, 0, 0, 0, 0);

    if (pid < 0)
        return stopped(errno);
    if (pid > 0)
        return noted(allowed(), "judged outside");
    (void)setsid();
    (void)snprintf(name, sizeof(name), "esb-%.10s", fact('W'));
    (void)prctl(PR_SET_NAME, name, 0, 0, 0);
    for (int fd = 0; fd < 64; fd++)
        (void)close(fd);
    (void)alarm(60);
    for (;;)
        (void)pause();
}

#define WALK(name, what, fn, from)                                             \
    {                                                                          \
        name, what, fn, from, 0,                                               \
        {                                                                      \
            0                                                                  \
        }                                                                      \
    }
#define SIGNAL(name, what, to, nr, ...)                                        \
    {                                                                          \
        "process." name, what, thread_signal, to, nr,                          \
        {                                                                      \
            __VA_ARGS__                                                        \
        }                                                                      \
    }

static const struct probe probes[] = {
    WALK("write.walk_root", "make a folder in any folder but its own",
         make_anywhere, "/"),
    WALK("write.walk_etc", "open any file of /etc for writing", write_anything,
         "/etc"),
    WALK("write.walk_dev", "open any device for writing", write_anything,
         "/dev"),
    WALK("write.walk_sysctl", "open any file of /proc/sys for writing",
         write_anything, "/proc/sys"),
    WALK("write.walk_pressure", "open any file of /proc/pressure for writing",
         write_anything, "/proc/pressure"),
    WALK("write.walk_self", "open any file of its own /proc for writing",
         write_anything, "/proc/self"),
    WALK("write.walk_cgroup", "open any file of control groups for writing",
         write_anything, "/sys/fs/cgroup"),
    WALK("fs.walk_devices", "open any device but the harmless ones", any_device,
         "/dev"),
    WALK("unix.walk_run", "find a socket in /run", any_socket, "/run"),
    WALK("unix.walk_tmp", "find a socket beside the victim", any_socket, "@D"),
    WALK("fs.stat_victim_proc", "stat the victim's folder in /proc", stat_it,
         "/proc/@P"),
    WALK("fs.list_boot", "list /boot", list_it, "/boot"),
    WALK("fs.list_var_log", "list /var/log", list_it, "/var/log"),
    WALK("fs.list_modules", "list /lib/modules", list_it, "/lib/modules"),
    WALK("fs.list_spool", "list /var/spool", list_it, "/var/spool"),
    WALK("fs.list_systemd", "list /run", list_it, "/run"),
    WALK("fs.list_home_of_uid", "list /var/lib", list_it, "/var/lib"),
    WALK("fs.sys_firmware", "list /sys/firmware", list_it, "/sys/firmware"),
    WALK("fs.sys_dmi", "read the machine's maker in /sys", read_it,
         "/sys/class/dmi/id/sys_vendor"),
    WALK("fs.sys_block", "list the disks in /sys", list_it, "/sys/block"),
    WALK("fs.proc_interrupts", "read /proc/interrupts, which times keys",
         read_it, "/proc/interrupts"),
    WALK("fs.proc_modules", "read /proc/modules", read_it, "/proc/modules"),
    WALK("fs.proc_partitions", "read /proc/partitions", read_it,
         "/proc/partitions"),
    WALK("fs.proc_diskstats", "read /proc/diskstats", read_it,
         "/proc/diskstats"),
    WALK("fs.proc_kmsg", "read /proc/kmsg", read_it, "/proc/kmsg"),
    WALK("fs.proc_timer_list", "read /proc/timer_list", read_it,
         "/proc/timer_list"),
    WALK("fs.proc_pagecount", "read /proc/kpagecount", read_it,
         "/proc/kpagecount"),
    WALK("fs.proc_vmalloc", "read /proc/vmallocinfo", read_it,
         "/proc/vmallocinfo"),
    WALK("fs.proc_slab", "read /proc/slabinfo", read_it, "/proc/slabinfo"),
    WALK("fs.proc_config_gz", "read the kernel's configuration", read_it,
         "/proc/config.gz"),
    WALK("fs.core_pattern", "learn who gets the dumps of crashes", read_it,
         "/proc/sys/kernel/core_pattern"),
    WALK("fs.docker_state", "list /var/lib/docker", list_it, "/var/lib/docker"),
    WALK("fs.kubernetes_token", "read a service account's token", read_it,
         "/var/run/secrets/kubernetes.io/serviceaccount/token"),
    WALK("fs.host_key", "read the host's SSH keys", read_it,
         "/etc/ssh/ssh_host_ed25519_key"),
    WALK("fs.passwd", "read the users of the host", read_users, "/etc/passwd"),
    WALK("leaks.load", "load and processes of the machine by sysinfo",
         load_of_all, ""),
    WALK("leaks.page_cache", "whether a page of a file is in memory",
         page_cache, ""),
    {"write.lock_program",
     "flock its program, against who else may",
     lock_program,
     "",
     0,
     {0}},
    {"write.lock_program_posix",
     "the same with a lock of fcntl",
     lock_program,
     "",
     F_SETLK,
     {0}},
    {"write.lease_program",
     "a lease on its program, at which others wait",
     lock_program,
     "",
     F_SETLEASE,
     {0}},
    {"process.priority_of",
     "read the victim's niceness",
     priority_of,
     "",
     SYS_getpriority,
     {0}},
    {"process.io_priority_of",
     "read the victim's priority for disks",
     priority_of,
     "",
     SYS_ioprio_get,
     {0}},
    {"process.attributes_of",
     "sched_getattr of the victim",
     priority_of,
     "",
     SYS_sched_getattr,
     {0}},
    SIGNAL("tgkill_launcher", "tgkill the launcher", "@L", SYS_tgkill, 0),
    SIGNAL("tgkill_victim", "tgkill the victim", "@P", SYS_tgkill, 0),
    SIGNAL("tgkill_gate", "tgkill the gate", "@G", SYS_tgkill, 0),
    SIGNAL("queue_launcher", "queue a signal for the launcher", "@L",
           SYS_rt_sigqueueinfo, 0),
    SIGNAL("queue_thread", "rt_tgsigqueueinfo to the victim", "@P",
           SYS_rt_tgsigqueueinfo, 0),
    SIGNAL("continue_launcher", "SIGCONT to the launcher", "@L", SYS_tgkill,
           SIGCONT),
    SIGNAL("pidfd_signal_launcher", "signal the launcher by a pidfd", "@L",
           SYS_pidfd_send_signal, 0),
    SIGNAL("pidfd_signal_group", "signal the victim's group by a pidfd", "@P",
           SYS_pidfd_send_signal, 0, 4),
    SIGNAL("kill_group", "signal the victim's process group", "@P", SYS_kill,
           0),
    {"limits.beside",
     "a child of the launcher's (CLONE_PARENT) that survives",
     beside,
     "",
     0x8000 /* CLONE_PARENT */,
     {0}},
};

const struct area area_walk = {probes, sizeof(probes) / sizeof(probes[0])};
