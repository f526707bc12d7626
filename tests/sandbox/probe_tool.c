/*
 * A tool that misbehaves on order: the first argument names what to try. One
 * line on stdout: "allowed", or the name of the errno that stopped it, or what
 * the probe says of itself. Links nothing of ours: it is a stranger.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static int number(const char *s)
{
    return (int)strtol(s, NULL, 10);
}

static void ignore(int sig)
{
    const struct sigaction a = {.sa_handler = SIG_IGN};

    (void)sigaction(sig, &a, NULL);
}

static void stay(void)
{
    for (;;)
        (void)pause();
}

static int say(long rc)
{
    (void)printf("%s\n", rc >= 0 ? "allowed" : strerrorname_np(errno));
    (void)fflush(stdout);
    return 0;
}

static int probe_open(const char *path, int flags)
{
    return say(open(path, flags | O_CLOEXEC, 0600));
}

static int p_read(const char *a)
{
    return probe_open(a, O_RDONLY);
}

static int p_write(const char *a)
{
    return probe_open(a, O_WRONLY | O_CREAT);
}

static int p_socket(const char *a)
{
    return say(socket(number(a), SOCK_STREAM, 0));
}

static int p_dgram_pair(const char *a)
{
    int p[2];

    (void)a;
    return say(socketpair(AF_UNIX, SOCK_DGRAM, 0, p));
}

static int p_stream_pair(const char *a)
{
    int p[2];

    (void)a;
    return say(socketpair(AF_UNIX, SOCK_STREAM, 0, p));
}

static int p_connect_pair(const char *a)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int p[2];

    (void)snprintf(to.sun_path, sizeof(to.sun_path), "%s", a);
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, p) != 0)
        return say(-1);
    return say(connect(p[0], (struct sockaddr *)&to, sizeof(to)));
}

/* A system call by number with harmless arguments. */
static int p_call(const char *a)
{
    return say(syscall(number(a), 0, 0, 0, 0, 0, 0));
}

static int p_ptrace(const char *a)
{
    (void)a;
    return say(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}

static int p_unshare(const char *a)
{
    (void)a;
    return say(unshare(CLONE_NEWUSER));
}

static int p_clone_user(const char *a)
{
    long rc = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);

    (void)a;
    if (rc == 0)
        _exit(0);
    return say(rc);
}

static int p_mount(const char *a)
{
    (void)a;
    return say(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL));
}

static int p_memfd(const char *a)
{
    (void)a;
    return say(memfd_create("x", 0));
}

static int p_chmod_suid(const char *a)
{
    return say(chmod(a, 04755));
}

static int p_open_suid(const char *a)
{
    return say(open(a, O_CREAT | O_WRONLY | O_CLOEXEC, 04755));
}

/* Each limit raised, lowered; above all the one that marks the run. */
static int p_limits(const char *a)
{
    const struct rlimit less = {1, 1};

    (void)a;
    if (setrlimit(RLIMIT_RTTIME, &less) == 0 ||
        setrlimit(RLIMIT_NOFILE, &less) == 0 ||
        prlimit(getppid(), RLIMIT_NOFILE, NULL,
                (struct rlimit *)(uintptr_t) & (struct rlimit){0}) == 0)
        return say(0);
    return say(-1);
}

static int p_deathsig(const char *a)
{
    (void)a;
    return say(prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0));
}

static int p_subreaper(const char *a)
{
    (void)a;
    return say(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
}

static int p_kill_parent(const char *a)
{
    (void)a;
    return say(kill(getppid(), SIGCONT));
}

static int p_tty(const char *a)
{
    (void)a;
    return probe_open("/dev/tty", O_RDWR);
}

static int p_exec(const char *a)
{
    char *const argv[] = {(char *)(uintptr_t)a, NULL};

    (void)execv(a, argv);
    return say(-1);
}

static int p_fork(const char *a)
{
    pid_t pid = fork();

    (void)a;
    if (pid == 0)
        _exit(0);
    return say(pid);
}

static int p_fds(const char *a)
{
    int n = 0;

    (void)a;
    for (int fd = 0; fd < 1024; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    (void)printf("%d\n", n);
    return 0;
}

/* What is at the descriptor that TIPSTAFF_TOKEN_FD names, to its end. */
static int p_token(const char *a)
{
    const char *fd = getenv("TIPSTAFF_TOKEN_FD");
    char buf[8192];
    size_t len = 0;
    ssize_t n = 1;

    (void)a;
    if (fd == NULL) {
        (void)printf("none\n");
        return 0;
    }
    while (n > 0 && len < sizeof(buf)) {
        n = read(number(fd), buf + len, sizeof(buf) - len);
        len += n > 0 ? (size_t)n : 0;
    }
    (void)printf("%zu %.*s\n", len, (int)len, buf);
    return 0;
}

static int p_env(const char *a)
{
    (void)a;
    for (char **e = environ; *e != NULL; e++)
        (void)printf("%s\n", *e);
    return 0;
}

/* getpid by the door of 32-bit programs; the filter ends who tries. */
static int p_int80(const char *a)
{
    long rc = 20;

    (void)a;
#if defined(__x86_64__)
    __asm__ volatile("int $0x80" : "+a"(rc) : : "memory");
#endif
    return say(rc);
}

static int p_x32(const char *a)
{
    (void)a;
    return say(syscall(0x40000000 | SYS_getpid));
}

static int p_exit(const char *a)
{
    return number(a);
}

static int p_signal(const char *a)
{
    (void)kill(getpid(), number(a));
    stay();
    return 0;
}

/* Goes on if it was not met by it. */
static int p_signal_only(const char *a)
{
    (void)kill(getpid(), number(a));
    return say(0);
}

/* The kernel's own signal. */
static int p_crash(const char *a)
{
    (void)a;
    __builtin_trap();
}

static int p_forkbomb(const char *a)
{
    int n = 0;

    (void)a;
    for (int i = 0; i < 400; i++) {
        pid_t pid = fork();

        if (pid == 0)
            stay();
        if (pid < 0)
            break;
        n++;
    }
    (void)printf("%d\n", n);
    return 0;
}

static int p_memory(const char *a)
{
    size_t mb = 0;

    (void)a;
    for (; mb < 4096; mb++) {
        void *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (p == MAP_FAILED)
            break;
        memset(p, 1, 4096);
    }
    (void)printf("%zu\n", mb);
    return 0;
}

static int p_flood(const char *a)
{
    static char buf[65536];

    (void)a;
    memset(buf, 'x', sizeof(buf));
    while (write(1, buf, sizeof(buf)) > 0)
        ;
    return 0;
}

static int p_sleep(const char *a)
{
    (void)a;
    ignore(SIGTERM);
    stay();
    return 0;
}

/* Its number in its namespace. */
static int p_pid(const char *a)
{
    (void)a;
    (void)printf("%d\n", (int)getpid());
    return 0;
}

/* N children, one after the other, all reaped. */
static int p_forks(const char *a)
{
    for (int i = 0; i < number(a); i++) {
        pid_t pid = fork();

        if (pid == 0)
            _exit(0);
        if (pid < 0 || waitpid(pid, NULL, 0) != pid)
            return say(-1);
    }
    return say(0);
}

/* A process that is not its child but its parent's, and stays. */
static int p_sibling(const char *a)
{
    long pid = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);

    (void)a;
    if (pid == 0) {
        for (int fd = 0; fd < 3; fd++)
            (void)close(fd);
        stay();
    }
    return say(pid);
}

static void daemon_body(void)
{
    pid_t pid;

    (void)setsid();
    ignore(SIGTERM);
    ignore(SIGHUP);
    pid = fork();
    if (pid != 0)
        _exit(pid > 0 ? 0 : 1);
    (void)setsid();
    for (int fd = 0; fd < 3; fd++)
        (void)close(fd);
    stay();
}

/* N daemons that left group, session and parent; then "ready", then stays. */
static int make_daemons(const char *a)
{
    for (int i = 0; i < number(a); i++) {
        pid_t pid = fork();
        int status = 0;

        if (pid == 0)
            daemon_body();
        if (pid < 0 || waitpid(pid, &status, 0) != pid)
            return say(-1);
        if (status != 0) {
            errno = EAGAIN;
            return say(-1);
        }
    }
    (void)printf("ready\n");
    (void)fflush(stdout);
    return 0;
}

static int p_daemons(const char *a)
{
    return make_daemons(a);
}

static int p_daemons_stay(const char *a)
{
    (void)make_daemons(a);
    return p_sleep(a);
}

/* Counts stdin, slowly at first so that the writer must wait. */
static int p_count(const char *a)
{
    static char buf[65536];
    unsigned long long n = 0;
    ssize_t got;

    (void)a;
    (void)usleep(50000);
    while ((got = read(0, buf, sizeof(buf))) > 0)
        n += (unsigned long long)got;
    (void)printf("%llu\n", n);
    return 0;
}

static int p_create(const char *a)
{
    char path[4096];

    (void)snprintf(path, sizeof(path), "%s/new", a);
    return probe_open(path, O_WRONLY | O_CREAT | O_EXCL);
}

static int p_scratch(const char *a)
{
    const char *dir = getenv("TMPDIR");

    (void)a;
    return p_create(dir != NULL ? dir : "/tmp");
}

/* Deeper than a walk with a descriptor for each level would go. */
static int p_scratch_deep(const char *a)
{
    const char *dir = getenv("TMPDIR");

    (void)a;
    if (dir == NULL || chdir(dir) != 0)
        return say(-1);
    for (int i = 0; i < 100; i++) {
        if (mkdir("d", 0700) != 0 || chdir("d") != 0)
            return say(-1);
    }
    return say(0);
}

static const struct {
    const char *name;
    int (*run)(const char *arg);
} probes[] = {
    {"read", p_read},
    {"write", p_write},
    {"socket", p_socket},
    {"dgram_pair", p_dgram_pair},
    {"stream_pair", p_stream_pair},
    {"connect_pair", p_connect_pair},
    {"call", p_call},
    {"ptrace", p_ptrace},
    {"unshare", p_unshare},
    {"clone_user", p_clone_user},
    {"mount", p_mount},
    {"memfd", p_memfd},
    {"chmod_suid", p_chmod_suid},
    {"open_suid", p_open_suid},
    {"limits", p_limits},
    {"deathsig", p_deathsig},
    {"subreaper", p_subreaper},
    {"kill_parent", p_kill_parent},
    {"tty", p_tty},
    {"exec", p_exec},
    {"fork", p_fork},
    {"forks", p_forks},
    {"pid", p_pid},
    {"sibling", p_sibling},
    {"fds", p_fds},
    {"env", p_env},
    {"token", p_token},
    {"int80", p_int80},
    {"x32", p_x32},
    {"exit", p_exit},
    {"signal", p_signal},
    {"signal_only", p_signal_only},
    {"crash", p_crash},
    {"forkbomb", p_forkbomb},
    {"memory", p_memory},
    {"flood", p_flood},
    {"sleep", p_sleep},
    {"daemons", p_daemons},
    {"daemons_stay", p_daemons_stay},
    {"count", p_count},
    {"create", p_create},
    {"scratch", p_scratch},
    {"scratch_deep", p_scratch_deep},
};

int main(int argc, char **argv)
{
    if (argc < 2)
        return 99;
    for (size_t i = 0; i < sizeof(probes) / sizeof(probes[0]); i++) {
        if (strcmp(argv[1], probes[i].name) == 0)
            return probes[i].run(argc > 2 ? argv[2] : "");
    }
    return 98;
}
