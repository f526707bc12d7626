/*
 * Takes as much as it can get of one thing, says "full N" (how many it got) and
 * holds it until it is killed. "quick" says "ok" and ends: a neighbour.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOST 100000 /* of anything: a bomb that meets no limit ends as well */

static void say_full(long n)
{
    (void)printf("full %ld %d\n", n, errno);
    (void)fflush(stdout);
}

static void hold(void)
{
    for (;;)
        (void)pause();
}

static int b_quick(void)
{
    (void)printf("ok\n");
    return 0;
}

static int b_fork(void)
{
    long n = 0;
    pid_t pid;

    while (n < MOST && (pid = fork()) >= 0) {
        if (pid == 0)
            hold();
        n++;
    }
    say_full(n);
    hold();
    return 0;
}

/* Every child forks on, for as long as any of them can: nobody says when they
 * are done, so the first one says so at the beginning. */
static int b_storm(void)
{
    say_full(0);
    for (;;)
        (void)fork();
    return 0;
}

static void *thread_body(void *arg)
{
    (void)arg;
    hold();
    return NULL;
}

static int b_threads(void)
{
    pthread_attr_t a;
    pthread_t t;
    long n = 0;

    (void)pthread_attr_init(&a);
    (void)pthread_attr_setstacksize(&a, 65536);
    while (n < MOST && (errno = pthread_create(&t, &a, thread_body, NULL)) == 0)
        n++;
    say_full(n);
    hold();
    return 0;
}

static int b_zombies(void)
{
    long n = 0;
    pid_t pid;

    while (n < MOST && (pid = fork()) >= 0) {
        if (pid == 0)
            _exit(0);
        n++;
    }
    say_full(n);
    hold();
    return 0;
}

/* MB that were really touched, by this process. */
static long fill_memory(void)
{
    const size_t mb = (size_t)1 << 20;
    long n = 0;

    for (; n < 4096; n++) {
        char *p = mmap(NULL, mb, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (p == MAP_FAILED)
            break;
        memset(p, 1, mb);
    }
    return n;
}

static int b_memory(void)
{
    say_full(fill_memory());
    hold();
    return 0;
}

/* Four processes do it: limits are for each of them. */
static int b_memory4(void)
{
    int p[2];
    long sum = 0;

    if (pipe(p) != 0)
        return 1;
    for (int i = 0; i < 4; i++) {
        if (fork() == 0) {
            long n = fill_memory();

            (void)!write(p[1], &n, sizeof(n));
            hold();
        }
    }
    for (int i = 0; i < 4; i++) {
        long n;

        if (read(p[0], &n, sizeof(n)) == (ssize_t)sizeof(n))
            sum += n;
    }
    say_full(sum);
    hold();
    return 0;
}

/* Files of 4 MB in a folder, 40 at most. Counts MB. */
static int fill_disk(const char *dir)
{
    static char mb[1 << 20];
    char path[4096];
    long n = 0;
    bool full = false;

    for (int i = 0; i < 40 && !full; i++) {
        int fd;

        (void)snprintf(path, sizeof(path), "%s/bomb%d", dir, i);
        fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        for (int k = 0; k < 4 && !full; k++) {
            full = fd < 0 || write(fd, mb, sizeof(mb)) != (ssize_t)sizeof(mb);
            n += !full;
        }
        (void)close(fd);
    }
    say_full(n);
    hold();
    return 0;
}

static int b_scratch(void)
{
    const char *dir = getenv("TMPDIR");

    return dir != NULL ? fill_disk(dir) : 1;
}

static int b_tmp(void)
{
    return fill_disk("/tmp");
}

static int b_one_file(void)
{
    static char mb[1 << 20];
    const char *dir = getenv("TMPDIR");
    char path[4096];
    long n = 0;
    int fd;

    (void)signal(SIGXFSZ, SIG_IGN);
    (void)snprintf(path, sizeof(path), "%s/big", dir != NULL ? dir : "/tmp");
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return 1;
    while (n < 4096 && write(fd, mb, sizeof(mb)) == (ssize_t)sizeof(mb))
        n++;
    (void)!ftruncate(fd, 0);
    say_full(n);
    hold();
    return 0;
}

static int b_flood(void)
{
    static char line[65536];

    memset(line, 'x', sizeof(line));
    (void)!write(1, "full 0 0\n", 9);
    for (;;)
        (void)!write(1, line, sizeof(line));
    return 0;
}

static int b_files(void)
{
    long n = 0;

    while (n < MOST && open("/dev/null", O_RDONLY) >= 0)
        n++;
    say_full(n);
    hold();
    return 0;
}

/* Each as large as the system lets it be, and full. */
static int b_pipes(void)
{
    static char chunk[65536];
    long n = 0;
    int p[2];

    while (n < MOST && pipe2(p, O_NONBLOCK) == 0) {
        (void)fcntl(p[1], F_SETPIPE_SZ, 1 << 20);
        while (write(p[1], chunk, sizeof(chunk)) > 0)
            ;
        n++;
    }
    say_full(n);
    hold();
    return 0;
}

static int b_sockets(void)
{
    static char chunk[65536];
    long n = 0;
    int p[2];

    while (n < MOST &&
           socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, p) == 0) {
        while (write(p[1], chunk, sizeof(chunk)) > 0)
            ;
        n++;
    }
    say_full(n);
    hold();
    return 0;
}

/* epoll sets that watch one another's descriptors; inotify where it is given.
 */
static int b_watches(void)
{
    struct epoll_event ev = {.events = EPOLLIN};
    long n = 0;
    int e, i = inotify_init1(0);

    for (int k = 0; i >= 0 && k < MOST; k++) {
        if (inotify_add_watch(i, "/proc/self", IN_OPEN) < 0)
            break;
    }
    while (n < MOST && (e = epoll_create1(0)) >= 0) {
        for (int fd = 0; fd < e; fd++)
            (void)epoll_ctl(e, EPOLL_CTL_ADD, fd, &ev);
        n++;
    }
    say_full(n);
    hold();
    return 0;
}

static int b_daemons(void)
{
    for (int i = 0; i < 100; i++) {
        pid_t pid = fork();

        if (pid == 0) {
            (void)setsid();
            if (fork() == 0)
                hold();
            _exit(0);
        }
        (void)waitpid(pid, NULL, 0);
    }
    say_full(100);
    return 0;
}

static int b_spin(void)
{
    for (int i = 0; i < 15; i++) {
        if (fork() == 0)
            break;
    }
    say_full(0);
    for (volatile unsigned long k = 0;; k++)
        ;
    return 0;
}

static int b_signals(void)
{
    const union sigval v = {.sival_int = 1};
    sigset_t s;
    long n = 0;

    (void)sigemptyset(&s);
    (void)sigaddset(&s, SIGRTMIN);
    (void)sigprocmask(SIG_BLOCK, &s, NULL);
    while (n < MOST && sigqueue(getpid(), SIGRTMIN, v) == 0)
        n++;
    say_full(n);
    hold();
    return 0;
}

/* "BITS": of the three streams, which have O_NONBLOCK. Then turns it around. */
static int b_nonblock(void)
{
    int had = 0;

    for (int fd = 0; fd < 3; fd++) {
        int flags = fcntl(fd, F_GETFL);

        had |= (flags & O_NONBLOCK) != 0 ? 1 << fd : 0;
        (void)fcntl(fd, F_SETFL, flags ^ O_NONBLOCK);
    }
    (void)dprintf(1, "full %d 0\n", had);
    hold();
    return 0;
}

static int b_closed(void)
{
    say_full(0);
    (void)close(1);
    (void)close(2);
    (void)usleep(50000);
    return 7;
}

/* Its own stdin, opened again to be written to. */
static int b_fill_stdin(void)
{
    static char chunk[4096];
    int fd = open("/proc/self/fd/0", O_WRONLY | O_NONBLOCK);
    long n = 0;

    while (fd >= 0 && write(fd, chunk, sizeof(chunk)) > 0)
        n++;
    say_full(n);
    hold();
    return 0;
}

static const struct {
    const char *name;
    int (*run)(void);
} bombs[] = {
    {"quick", b_quick},
    {"fork", b_fork},
    {"storm", b_storm},
    {"threads", b_threads},
    {"zombies", b_zombies},
    {"memory", b_memory},
    {"memory4", b_memory4},
    {"scratch", b_scratch},
    {"tmp", b_tmp},
    {"one_file", b_one_file},
    {"flood", b_flood},
    {"files", b_files},
    {"pipes", b_pipes},
    {"sockets", b_sockets},
    {"watches", b_watches},
    {"daemons", b_daemons},
    {"spin", b_spin},
    {"signals", b_signals},
    {"nonblock", b_nonblock},
    {"closed", b_closed},
    {"fill_stdin", b_fill_stdin},
};

int main(int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < sizeof(bombs) / sizeof(bombs[0]); i++) {
        if (strcmp(argv[1], bombs[i].name) == 0)
            return bombs[i].run();
    }
    return 2;
}
