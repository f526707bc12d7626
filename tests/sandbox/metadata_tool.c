/*
 * A tool of metadata_test.c: metadata_tool WHAT, in its folder $TMPDIR. Prints
 * "ok N" with the number of calls that went as they should, or what did not.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#define FILES  400
#define ROUNDS 300
#define MANY   12

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif

static int fail(const char *what)
{
    (void)printf("%s: %s\n", what, strerror(errno));
    return 1;
}

static int make(const char *name)
{
    int fd = open(name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

    if (fd < 0)
        return -1;
    return close(fd);
}

/* As tar does it: mode, owner and times of each, by name and by descriptor. */
static int t_tree(void)
{
    const struct timespec times[2] = {{1000, 1}, {2000, 2}};
    struct stat st;
    char name[32];

    if (mkdir("tree", 0700) != 0 || chdir("tree") != 0)
        return fail("mkdir");
    for (int i = 0; i < FILES; i++) {
        int fd;

        (void)snprintf(name, sizeof(name), "f%d", i);
        fd = open(name, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
        if (fd < 0 || fchmod(fd, 0640) != 0 ||
            fchown(fd, (uid_t)-1, getgid()) != 0 || futimens(fd, times) != 0)
            return fail("by descriptor");
        (void)close(fd);
        if (chmod(name, 0444) != 0 || lchown(name, getuid(), (gid_t)-1) != 0 ||
            utimensat(AT_FDCWD, name, times, AT_SYMLINK_NOFOLLOW) != 0)
            return fail("by name");
        if (stat(name, &st) != 0 || (st.st_mode & 07777) != 0444 ||
            st.st_mtim.tv_sec != 2000)
            return fail("it was not done");
    }
    (void)printf("ok %d\n", FILES);
    return 0;
}

static void *call_forever(void *arg)
{
    (void)arg;
    for (;;)
        (void)chmod("mine", 0640);
    return NULL;
}

/* Threads in the middle of calls; then all of it stops, for good. */
static int t_stopped(void)
{
    pthread_t t;

    if (make("mine") != 0)
        return fail("mine");
    for (int i = 0; i < MANY; i++) {
        if (pthread_create(&t, NULL, call_forever, NULL) != 0)
            return fail("thread");
    }
    (void)usleep(20000);
    (void)printf("ready\n");
    (void)fflush(stdout);
    (void)kill(getpid(), SIGSTOP);
    return 0;
}

/* A call that nobody can answer: DIR/hung, beside the program. */
static void *call_into_nothing(void *arg)
{
    (void)chmod(arg, 0640);
    return NULL;
}

static int t_hung(void)
{
    static char path[300];
    ssize_t n = readlink("/proc/self/exe", path, 200);
    char *slash;
    pthread_t t;

    if (n <= 0 || (slash = strrchr(path, '/')) == NULL)
        return fail("exe");
    (void)snprintf(slash, 32, "/hung/x");
    for (int i = 0; i < 3; i++) {
        if (pthread_create(&t, NULL, call_into_nothing, path) != 0)
            return fail("thread");
    }
    (void)usleep(50000);
    (void)printf("ready\n");
    (void)fflush(stdout);
    (void)pause();
    return 0;
}

/* A child that is left when the launcher has gone, and calls then. */
static int t_orphan(void)
{
    pid_t parent = getpid();
    struct stat st;

    if (make("mine") != 0)
        return fail("mine");
    if (fork() == 0) {
        int err;

        while (getppid() == parent)
            (void)usleep(1000);
        err = chmod("mine", 0604) == 0 ? 0 : errno;
        if (stat("mine", &st) == 0)
            (void)printf("late %d %o\n", err, st.st_mode & 07777u);
        return 0;
    }
    (void)printf("ready\n");
    (void)fflush(stdout);
    (void)pause();
    return 0;
}

static int t_flood(void)
{
    if (make("mine") != 0)
        return fail("mine");
    for (int i = 0; i < MANY; i++) {
        if (fork() == 0)
            (void)call_forever(NULL);
    }
    (void)printf("ready\n");
    (void)fflush(stdout);
    (void)call_forever(NULL);
    return 0;
}

/* Processes that are killed while they wait for an answer. */
static int t_killed(void)
{
    if (make("mine") != 0)
        return fail("mine");
    for (int i = 0; i < ROUNDS; i++) {
        pid_t pid = fork();

        if (pid == 0)
            (void)call_forever(NULL);
        if (pid < 0)
            return fail("fork");
        if (i % 2 != 0)
            (void)usleep((useconds_t)(i * 7));
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, NULL, 0);
    }
    if (chmod("mine", 0600) != 0)
        return fail("afterwards");
    (void)printf("ok %d\n", ROUNDS);
    return 0;
}

/* Of a file that it may read: by a descriptor that was opened for that. */
static int t_readable(void)
{
    const struct timespec times[2] = {{1000, 1}, {2000, 2}};
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), flags = 0;
    struct stat before, now;

    if (fd < 0 || fstat(fd, &before) != 0)
        return fail("open");
    if (before.st_uid != getuid())
        return fail("another's, and nothing is shown");
    if (fchmod(fd, 0604) == 0 || errno != EPERM)
        return fail("fchmod");
    if (fchown(fd, getuid(), (gid_t)-1) == 0 || errno != EPERM)
        return fail("fchown");
    if (futimens(fd, times) == 0 || errno != EPERM)
        return fail("futimens");
    if (syscall(SYS_fchmodat2, fd, "", 0604, AT_EMPTY_PATH) == 0 ||
        (errno != EPERM && errno != ENOSYS))
        return fail("fchmodat2");
    if (fsetxattr(fd, "user.x", "1", 1, 0) == 0 || errno != EOPNOTSUPP)
        return fail("fsetxattr");
    if (fremovexattr(fd, "user.x") == 0 || errno != EOPNOTSUPP)
        return fail("fremovexattr");
    if (ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0 &&
        (ioctl(fd, FS_IOC_SETFLAGS, &flags) == 0 || errno != EPERM))
        return fail("flags");
    if (fstat(fd, &now) != 0 || now.st_ctim.tv_sec != before.st_ctim.tv_sec ||
        now.st_ctim.tv_nsec != before.st_ctim.tv_nsec)
        return fail("it was changed");
    (void)printf("ok 7\n");
    return 0;
}

/* Attributes and flags are nobody's, of an own file neither. */
static int t_attributes(void)
{
    int fd = open("mine", O_CREAT | O_RDWR | O_CLOEXEC, 0600), flags = 0;

    if (fd < 0)
        return fail("mine");
    if (setxattr("mine", "user.x", "1", 1, 0) == 0 || errno != EOPNOTSUPP)
        return fail("setxattr");
    if (lsetxattr("mine", "user.x", "1", 1, 0) == 0 || errno != EOPNOTSUPP)
        return fail("lsetxattr");
    if (fsetxattr(fd, "user.x", "1", 1, 0) == 0 || errno != EOPNOTSUPP)
        return fail("fsetxattr");
    if (removexattr("mine", "user.x") == 0 || errno != EOPNOTSUPP)
        return fail("removexattr");
    if (ioctl(fd, FS_IOC_SETFLAGS, &flags) == 0 || errno != EPERM)
        return fail("flags");
    (void)printf("ok 5\n");
    return 0;
}

static void *call_and_end(void *arg)
{
    (void)arg;
    (void)chmod("mine", 0640);
    return NULL;
}

/* Processes that end while their threads call, and threads whose numbers are
 * used again at once. */
static int t_ending(void)
{
    if (make("mine") != 0)
        return fail("mine");
    for (int i = 0; i < ROUNDS / 3; i++) {
        pid_t pid = fork();

        if (pid == 0) {
            pthread_t t;

            for (int k = 0; k < MANY; k++)
                (void)pthread_create(
                    &t, NULL, k % 2 == 0 ? call_and_end : call_forever, NULL);
            (void)usleep((useconds_t)(i * 20));
            _exit(0);
        }
        if (pid < 0 || waitpid(pid, NULL, 0) != pid)
            return fail("fork");
    }
    if (chmod("mine", 0600) != 0)
        return fail("afterwards");
    (void)printf("ok %d\n", ROUNDS / 3);
    return 0;
}

static void *swap_descriptor(void *arg)
{
    const int *pair = arg;

    for (;;) {
        (void)dup2(pair[0], 50);
        (void)dup2(pair[1], 50);
    }
    return NULL;
}

/* A descriptor that is its own file and its program in turn: only the first is
 * ever changed. */
static int t_swapped(void)
{
    int pair[2] = {open("mine", O_CREAT | O_RDWR | O_CLOEXEC, 0600),
                   open("/proc/self/exe", O_RDONLY | O_CLOEXEC)};
    struct stat before, now;
    pthread_t t;

    if (pair[1] < 0)
        pair[1] = open("/usr/lib", O_PATH | O_CLOEXEC);
    if (pair[0] < 0 || pair[1] < 0 || fstat(pair[1], &before) != 0 ||
        before.st_uid != getuid() ||
        pthread_create(&t, NULL, swap_descriptor, pair) != 0)
        return fail("pair");
    for (int i = 0; i < 10 * ROUNDS; i++)
        (void)fchmod(50, 0604);
    if (fstat(pair[1], &now) != 0 || now.st_mode != before.st_mode)
        return fail("the other was changed");
    (void)printf("ok %d\n", ROUNDS);
    return 0;
}

static void *nothing(void *arg)
{
    *(volatile long *)arg = syscall(SYS_gettid);
    for (;;)
        (void)pause();
    return NULL;
}

/* Its own threads, by their numbers; nobody else's. */
static int t_threads(void)
{
    volatile long tid = 0;
    cpu_set_t set;
    pthread_t t;

    if (pthread_create(&t, NULL, nothing, (void *)(uintptr_t)&tid) != 0)
        return fail("thread");
    while (tid == 0)
        (void)sched_yield();
    if (sched_getaffinity(0, sizeof(set), &set) != 0 ||
        sched_setaffinity((pid_t)tid, sizeof(set), &set) != 0 ||
        sched_setaffinity(getpid(), sizeof(set), &set) != 0 ||
        sched_setaffinity(0, sizeof(set), &set) != 0)
        return fail("own");
    if (sched_setaffinity(getppid(), sizeof(set), &set) == 0 || errno != ESRCH)
        return fail("the launcher's");
    if (syscall(SYS_sched_setaffinity, getpid(), 8, NULL) == 0 ||
        errno != EFAULT)
        return fail("no mask");
    (void)printf("ok 4\n");
    return 0;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(void);
    } all[] = {{"tree", t_tree},         {"stopped", t_stopped},
               {"flood", t_flood},       {"killed", t_killed},
               {"swapped", t_swapped},   {"threads", t_threads},
               {"hung", t_hung},         {"orphan", t_orphan},
               {"readable", t_readable}, {"attributes", t_attributes},
               {"ending", t_ending},     {"exit", NULL}};
    const char *dir = getenv("TMPDIR");

    if (argc < 2 || dir == NULL || chdir(dir) != 0)
        return 64;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (strcmp(all[i].name, argv[1]) == 0)
            return all[i].run == NULL ? 0 : all[i].run();
    }
    return 64;
}
