/* Ways to leave something for the next tool, or to change what it will find.
 * Most are refused: then there is nothing to be seen of them. Nothing here does
 * harm where it works. */
#include "nest_plant.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#define FIRST      1 /* process 1 */
#define IPC_CREATE 01000

static int open_dir(void)
{
    return open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* Calls do with each link and folder in that folder, and one below; the sum of
 * what it says. */
static int each_entry(const char *in, int depth, int (*do_with)(const char *at))
{
    char path[512];
    DIR *d = opendir(in);
    struct dirent *e;
    int sum = 0;

    while (d != NULL && (e = readdir(d)) != NULL) {
        if (e->d_name[0] == '.')
            continue;
        (void)snprintf(path, sizeof(path), "%s/%s", in, e->d_name);
        sum += do_with(path);
        if (e->d_type == DT_DIR && depth > 0)
            sum += each_entry(path, depth - 1, do_with);
    }
    if (d != NULL)
        (void)closedir(d);
    return sum;
}

static int touch(const char *name)
{
    (void)(utimensat(AT_FDCWD, name, NULL, AT_SYMLINK_NOFOLLOW) | 0);
    return 0;
}

static int was_touched(const char *name)
{
    struct statx x;

    if (statx(AT_FDCWD, name, AT_SYMLINK_NOFOLLOW,
              STATX_BASIC_STATS | STATX_BTIME, &x) != 0)
        return 100;
    if (!S_ISLNK(x.stx_mode))
        return 0; /* what stands in a folder may be younger than that */
    return x.stx_ctime.tv_sec != x.stx_btime.tv_sec ||
           x.stx_ctime.tv_nsec != x.stx_btime.tv_nsec ||
           x.stx_mtime.tv_sec != x.stx_btime.tv_sec ||
           x.stx_mtime.tv_nsec != x.stx_btime.tv_nsec;
}

static const char *const shared[] = {
    "/",         "/bin",         "/tmp", "/proc",     "/run",
    "/etc",      "/run/call",    "/dev", "/dev/null", "/etc/passwd",
    "/dev/zero", "/dev/urandom", "/usr", "/dev/shm",  "/dev/fd"};
#define SHARED (sizeof(shared) / sizeof(shared[0]))

/* The times of what every box of a template has. */
unsigned long plant_shared(void)
{
    unsigned long sum = 0;
    struct stat st;

    for (size_t i = 0; i < SHARED; i++)
        if (lstat(shared[i], &st) == 0)
            sum = sum * 31 + (unsigned long)st.st_ctim.tv_nsec +
                  (unsigned long)st.st_mtim.tv_nsec +
                  (unsigned long)st.st_atim.tv_nsec;
    return sum;
}

static bool is_locked(int fd)
{
    struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    return flock(fd, LOCK_EX | LOCK_NB) != 0 ||
           (fcntl(fd, F_OFD_GETLK, &l) == 0 && l.l_type != F_UNLCK);
}

void plant_look(void)
{
    char name[65] = "";
    cpu_set_t cpus;
    int fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    CPU_ZERO(&cpus);
    (void)(gethostname(name, sizeof(name) - 1) | 0);
    (void)(sched_getaffinity(FIRST, sizeof(cpus), &cpus) | 0);
    (void)printf("touched=%d locked=%d name=%s nice=%d cpus=%d "
                 "class=%d io=%ld group=%d session=%d ",
                 each_entry(".", 2, was_touched), is_locked(fd), name,
                 getpriority(PRIO_PROCESS, FIRST), CPU_COUNT(&cpus),
                 sched_getscheduler(FIRST), syscall(SYS_ioprio_get, 1, FIRST),
                 (int)getpgid(FIRST), (int)getsid(FIRST));
    (void)close(fd);
}

/* Its mode says that everybody may write, and who may write may touch. */
static int touch_links(void)
{
    for (size_t i = 0; i < SHARED; i++)
        (void)(utimensat(AT_FDCWD, shared[i], NULL, AT_SYMLINK_NOFOLLOW) | 0);
    return each_entry(".", 2, touch);
}

static int rename_over(void)
{
    int fd = open("a", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

    if (fd < 0 || close(fd) != 0 || mkdir("b", 02777) != 0)
        return 1;
    (void)syscall(SYS_renameat2, AT_FDCWD, "a", AT_FDCWD, "b", RENAME_EXCHANGE);
    (void)syscall(SYS_renameat2, AT_FDCWD, "a", AT_FDCWD, "c", RENAME_WHITEOUT);
    (void)(remove("a") | remove("b") | remove("c"));
    return 0;
}

static int link_nameless(void)
{
    char path[64];
    int fd = open(".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);

    if (fd < 0)
        return 1;
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    if (linkat(AT_FDCWD, path, AT_FDCWD, "n", AT_SYMLINK_FOLLOW) == 0)
        (void)unlink("n");
    return close(fd);
}

static int link_host(void)
{
    (void)syscall(SYS_linkat, AT_FDCWD, "/etc/passwd", AT_FDCWD, "h", 0);
    (void)syscall(SYS_linkat, AT_FDCWD, "/usr/bin/env", AT_FDCWD, "h", 0);
    (void)(mknod("w", S_IFCHR | 0600, makedev(0, 0)) | 0);
    return 0;
}

static int change_root(void)
{
    struct fsxattr x = {.fsx_projid = 77};
    int fd = open_dir(), flags = FS_NOATIME_FL;

    if (fd < 0)
        return 1;
    (void)ioctl(fd, FS_IOC_SETFLAGS, &flags);
    (void)ioctl(fd, FS_IOC_FSSETXATTR, &x);
    (void)(fsetxattr(fd, "system.posix_acl_default", "\2\0\0\0", 4, 0) | 0);
    (void)(fsetxattr(fd, "security.note", "s", 1, 0) | 0);
    (void)(fsetxattr(fd, "trusted.note", "s", 1, 0) | 0);
    (void)(fchmod(fd, 02777) | fchown(fd, (uid_t)-1, getgid()) | 0);
    return close(fd);
}

/* Locks, watches and signals of the folder itself, not given up. */
static int lock_root(void)
{
    struct flock l = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
    int fd = open_dir(), watch = inotify_init1(IN_CLOEXEC);

    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) != 0)
        return 1;
    (void)(fcntl(fd, F_SETLK, &l) | fcntl(fd, F_OFD_SETLK, &l));
    (void)(fcntl(fd, F_SETLEASE, F_RDLCK) | 0);
    (void)(fcntl(fd, F_NOTIFY, DN_CREATE | DN_MULTISHOT) | 0);
    (void)(fcntl(fd, F_SETOWN, FIRST) | inotify_add_watch(watch, ".", IN_OPEN));
    return 0;
}

static int send_fd(int to, int fd)
{
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {0};
    char byte = 0;
    struct iovec iov = {&byte, 1};
    struct msghdr h = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = control,
                       .msg_controllen = sizeof(control)};
    struct cmsghdr *c = CMSG_FIRSTHDR(&h);

    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(c), &fd, sizeof(fd));
    return sendmsg(to, &h, 0) == 1 ? 0 : 1;
}

/* The folder, locked, in a pair of sockets that hold one another: they outlive
 * us until the kernel has found out. */
static int lock_in_flight(void)
{
    int s[2], fd = open_dir();

    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) != 0 ||
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s) != 0)
        return 1;
    return send_fd(s[0], fd) | send_fd(s[0], s[0]) | send_fd(s[0], s[1]);
}

/* All that one process may try to do to another one. */
static int change_first(void)
{
    const struct sched_param least = {0};
    const struct rlimit one = {1, 1};
    cpu_set_t cpus;
    int fd;

    CPU_ZERO(&cpus);
    CPU_SET(0, &cpus);
    for (int s = 1; s < 65; s++)
        (void)(kill(FIRST, s) | 0);
    (void)(setpriority(PRIO_PROCESS, FIRST, 19) | 0);
    (void)(sched_setaffinity(FIRST, sizeof(cpus), &cpus) | 0);
    (void)(sched_setscheduler(FIRST, SCHED_IDLE, &least) | 0);
    (void)syscall(SYS_prlimit64, FIRST, RLIMIT_NOFILE, &one, NULL);
    (void)syscall(SYS_ioprio_set, 1, FIRST, 3 << 13);
    (void)(setpgid(FIRST, 0) | 0);
    fd = open("/proc/1/oom_score_adj", O_WRONLY | O_CLOEXEC);
    (void)(fd >= 0 && write(fd, "1000", 4) == 4);
    fd = (int)syscall(SYS_pidfd_open, FIRST, 0);
    (void)syscall(SYS_pidfd_getfd, fd, 0, 0);
    return 0;
}

/* The same as others may not even call: tried last, one at a time. */
static int change_machine(void)
{
    int fd = open("/proc/sys/kernel/hostname", O_WRONLY | O_CLOEXEC);

    (void)(fd >= 0 && write(fd, "left", 4) == 4);
    fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    (void)(fd >= 0 && write(fd, "1000", 4) == 4);
    (void)syscall(SYS_sethostname, "left", (size_t)4);
    (void)syscall(SYS_add_key, "user", "left", "s", (size_t)1, -4);
    (void)syscall(SYS_shmget, 77, (size_t)4096, IPC_CREATE | 0666);
    (void)syscall(SYS_mq_open, "left", O_CREAT | O_RDWR, 0666, NULL);
    return 0;
}

/* Its end is process 1's to see, which is done before ours is told. */
static int leave_orphan(void)
{
    int p[2];
    pid_t child, orphan = 0;

    if (pipe2(p, O_CLOEXEC) != 0 || (child = fork()) < 0)
        return 1;
    if (child == 0) {
        orphan = fork();
        if (orphan == 0)
            _exit(0);
        _exit(write(p[1], &orphan, sizeof(orphan)) != sizeof(orphan));
    }
    if (waitpid(child, NULL, 0) != child ||
        read(p[0], &orphan, sizeof(orphan)) != sizeof(orphan) || orphan <= 0)
        return 1;
    while (kill(orphan, 0) == 0)
        (void)sched_yield();
    return 0;
}

/* It is of our age, so to say: the launcher's child. */
static int make_sibling(void)
{
    long pid = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);

    if (pid == 0)
        _exit(0);
    return 0; /* it may be refused */
}

int plant(const char *what)
{
    static const struct {
        const char *name;
        int (*plant)(void);
    } all[] = {{"links", touch_links},      {"rename", rename_over},
               {"linkat", link_nameless},   {"hosts", link_host},
               {"root", change_root},       {"locks", lock_root},
               {"flight", lock_in_flight},  {"first", change_first},
               {"machine", change_machine}, {"orphan", leave_orphan},
               {"sibling", make_sibling}};

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if (strcmp(all[i].name, what) == 0)
            return all[i].plant();
    return -1;
}
