/*
 * Each filter is installed in a child of its own: what the role needs works
 * there, and every call that it must not have kills it.
 */
#include "tests/lib/ts_test.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#include "sidecar/common/confine/confine.h"
#include "sidecar/common/fds.h"

#define COUNT(a)   (sizeof(a) / sizeof((a)[0]))
#define HIGHEST    16
#define STEP_WRONG 77 /* exit code: confinement itself failed */

struct room {
    char path[64]; /* a directory with the file "data" in it */
};

static int setup(void **state)
{
    static struct room r;

    (void)snprintf(r.path, sizeof(r.path), "/tmp/ts-confine-XXXXXX");
    if (mkdtemp(r.path) == NULL)
        return -1;
    *state = &r;
    return 0;
}

static int teardown(void **state)
{
    static const char *const names[] = {"data", "new", "renamed"};
    const struct room *r = *state;

    for (size_t i = 0; i < COUNT(names); i++) {
        char path[128];

        (void)snprintf(path, sizeof(path), "%s/%s", r->path, names[i]);
        (void)unlink(path);
    }
    return rmdir(r->path);
}

/* Descriptors as the supervisor would hand them over: 3 is a control socket
 * whose other end lives in the parent, 6 and 7 the directory. */
static void arrange(const struct room *r, int control)
{
    int dir = open(r->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (dup2(control, 100) != 100 || dup2(dir, 101) != 101)
        _exit(STEP_WRONG);
    if (syscall(SYS_close_range, 3, 99, 0) != 0 ||
        dup2(100, FD_CONTROL) != FD_CONTROL ||
        dup2(101, RECORDER_FD_LOG) != RECORDER_FD_LOG ||
        dup2(101, RECORDER_FD_STATE) != RECORDER_FD_STATE ||
        syscall(SYS_close_range, HIGHEST + 1, ~0U, 0) != 0)
        _exit(STEP_WRONG);
}

/* Runs act in a confined child; returns its wait status. */
static int in_child(const struct room *r, enum confine_role role,
                    int (*act)(void))
{
    int sock[2], status = -1;
    pid_t pid;

    assert_int_equal(
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sock), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        const char *step = "";

        arrange(r, sock[1]);
        if (confine_self(role, HIGHEST, &step) != TS_OK) {
            (void)fprintf(stderr, "step: %s\n", step);
            _exit(STEP_WRONG);
        }
        _exit(act());
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    (void)close(sock[0]);
    (void)close(sock[1]);
    return status;
}

/* What must kill -------------------------------------------------------- */

static int do_fork(void)
{
    return fork() == 0 ? 0 : 1;
}
static int do_clone3(void)
{
    return (int)syscall(SYS_clone3, NULL, 0);
}
static int do_exec(void)
{
    return execl("/bin/true", "true", (char *)NULL);
}
static int do_socket(void)
{
    return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}
static int do_connect(void)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};

    return connect(FD_CONTROL, (struct sockaddr *)&a, sizeof(a));
}
static int do_bind(void)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};

    return bind(FD_CONTROL, (struct sockaddr *)&a, sizeof(a));
}
static int do_ptrace(void)
{
    return (int)syscall(SYS_ptrace, 0, 0, 0, 0);
}
static int do_kill_other(void)
{
    return kill(getppid(), 0);
}
static int do_openat(void)
{
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}
#ifdef SYS_open
static int do_open(void)
{
    return (int)syscall(SYS_open, "/dev/null", O_RDONLY);
}
#endif
static int do_mmap_exec(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
                -1, 0) == MAP_FAILED;
}
static int do_unlink(void)
{
    return unlink("/nonexistent");
}
static int do_chdir(void)
{
    return chdir("/");
}
static int do_setuid(void)
{
    return (int)syscall(SYS_setuid, 1);
}
static int do_unshare(void)
{
    return (int)syscall(SYS_unshare, 0);
}
static int do_mount(void)
{
    return (int)syscall(SYS_mount, 0, 0, 0, 0, 0);
}
static int do_memfd(void)
{
    return memfd_create("x", MFD_CLOEXEC) < 0;
}
static int do_dumpable(void)
{
    return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

static void assert_killed(const struct room *r, enum confine_role role,
                          int (*act)(void), size_t which)
{
    int status = in_child(r, role, act);

    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
        fail_msg("role %d, act %zu: status %x instead of SIGSYS", (int)role,
                 which, (unsigned)status);
}

static void confine_self_forbidden_calls_kill_gate_and_recorder(void **state)
{
    static int (*const acts[])(void) = {
#ifdef SYS_open
        do_open,
#endif
        do_fork,   do_clone3,  do_exec,      do_socket,   do_connect,
        do_bind,   do_ptrace,  do_mmap_exec, do_unlink,   do_chdir,
        do_setuid, do_unshare, do_mount,     do_dumpable, do_kill_other};

    for (size_t i = 0; i < COUNT(acts); i++) {
        assert_killed(*state, CONFINE_GATE, acts[i], i);
        assert_killed(*state, CONFINE_RECORDER, acts[i], i);
    }
}

static void confine_self_gate_cannot_open_or_make_files(void **state)
{
    static int (*const acts[])(void) = {do_openat, do_memfd};

    for (size_t i = 0; i < COUNT(acts); i++)
        assert_killed(*state, CONFINE_GATE, acts[i], i);
}

static int do_packet_socket(void)
{
    return socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
}
static int do_raw_socket(void)
{
    return socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);
}
static int do_netlink(void)
{
    return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0);
}
static int do_listen(void)
{
    return listen(FD_CONTROL, 1);
}

static void confine_self_broker_makes_no_sockets_but_tcp_and_udp(void **state)
{
    static int (*const acts[])(void) = {
#ifdef SYS_open
        do_open,
#endif
        do_fork,       do_clone3,  do_exec,      do_socket, do_ptrace,
        do_openat,     do_memfd,   do_unlink,    do_chdir,  do_packet_socket,
        do_raw_socket, do_netlink, do_listen,    do_setuid, do_unshare,
        do_mmap_exec,  do_mount,   do_kill_other};

    for (size_t i = 0; i < COUNT(acts); i++)
        assert_killed(*state, CONFINE_BROKER, acts[i], i);
}

/* What must work -------------------------------------------------------- */

#define NEED(cond)                                                             \
    do {                                                                       \
        if (!(cond))                                                           \
            return __LINE__ % 251 + 1;                                         \
    } while (0)

static int use_memory(void)
{
    for (size_t n = 1; n < ((size_t)1 << 26); n *= 3) {
        char *p = malloc(n), *q;

        NEED(p != NULL);
        memset(p, 1, n);
        q = realloc(p, n * 2);
        NEED(q != NULL);
        free(q);
    }
    return 0;
}

static int use_time_and_chance(void)
{
    unsigned char bytes[32];
    struct tm tm;
    time_t now = time(NULL);
    void *guarded;

    NEED(gmtime_r(&now, &tm) != NULL);
    randombytes_buf(bytes, sizeof(bytes));
    guarded = sodium_malloc(64);
    NEED(guarded != NULL);
    NEED(sodium_mprotect_readonly(guarded) == 0);
    sodium_free(guarded);
    return 0;
}

static int use_sockets(void)
{
    struct epoll_event ev = {.events = EPOLLIN};
    char byte = 'x';
    struct iovec iov = {&byte, 1};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
    int ep = epoll_create1(EPOLL_CLOEXEC);
    int wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    uint64_t one = 1;

    NEED(ep >= 0 && wake >= 0);
    NEED(epoll_ctl(ep, EPOLL_CTL_ADD, wake, &ev) == 0);
    NEED(write(wake, &one, sizeof(one)) == sizeof(one));
    NEED(epoll_wait(ep, &ev, 1, 1000) == 1);
    NEED(sendmsg(FD_CONTROL, &m, MSG_NOSIGNAL) == 1);
    NEED(recvmsg(FD_CONTROL, &m, MSG_DONTWAIT) < 0 && errno == EAGAIN);
    NEED(accept4(FD_CONTROL, NULL, NULL, SOCK_CLOEXEC) < 0); /* not listening */
    NEED(close(wake) == 0 && close(ep) == 0);
    return 0;
}

static void on_timer(uv_timer_t *t)
{
    uv_close((uv_handle_t *)t, NULL);
}

static int use_libuv(void)
{
    uv_loop_t loop;
    uv_timer_t timer;
    uv_poll_t poll;

    NEED(uv_loop_init(&loop) == 0);
    NEED(uv_timer_init(&loop, &timer) == 0);
    NEED(uv_timer_start(&timer, on_timer, 1, 0) == 0);
    NEED(uv_poll_init(&loop, &poll, FD_CONTROL) == 0);
    uv_close((uv_handle_t *)&poll, NULL);
    NEED(uv_run(&loop, UV_RUN_DEFAULT) == 0);
    NEED(uv_loop_close(&loop) == 0);
    return 0;
}

static int use_uring(void)
{
    NEED(syscall(SYS_io_uring_setup, 1, NULL) < 0 && errno == ENOSYS);
    return 0;
}

static int compare(const void *a, const void *b)
{
    return *(const char *)a - *(const char *)b;
}

static int use_everything(void)
{
    static int (*const acts[])(void) = {use_memory, use_time_and_chance,
                                        use_sockets, use_libuv, use_uring};
    char word[] = "tipstaff";

    qsort(word, sizeof(word) - 1, 1, compare);
    for (size_t i = 0; i < COUNT(acts); i++) {
        int r = acts[i]();

        if (r != 0)
            return r;
    }
    return 0;
}

static int use_memfd_mapping(void)
{
    struct stat st;
    void *p;

    NEED(fstat(9, &st) == 0 && st.st_size == 4096);
    p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, 9, 0);
    NEED(p != MAP_FAILED);
    NEED(fcntl(9, F_GET_SEALS) >= 0);
    NEED(munmap(p, 4096) == 0);
    return 0;
}

static int use_log_directory(void)
{
    char buf[4];
    int fd = openat(RECORDER_FD_LOG, "new",
                    O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    NEED(fd >= 0);
    NEED(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 65536) == 0 ||
         errno == EOPNOTSUPP);
    NEED(write(fd, "line", 4) == 4 && pwrite(fd, "L", 1, 0) == 1);
    NEED(fdatasync(fd) == 0 && ftruncate(fd, 2) == 0);
    NEED(pread(fd, buf, sizeof(buf), 0) == 2);
    NEED(close(fd) == 0);
    NEED(renameat(RECORDER_FD_LOG, "new", RECORDER_FD_STATE, "renamed") == 0);
    NEED(unlinkat(RECORDER_FD_LOG, "renamed", 0) == 0);
    NEED(fsync(RECORDER_FD_LOG) == 0);
    return 0;
}

static int try_elsewhere(void)
{
    NEED(openat(AT_FDCWD, "/etc/passwd", O_RDONLY | O_CLOEXEC) < 0 &&
         errno == EACCES);
    NEED(openat(RECORDER_FD_LOG, "../../etc/passwd", O_RDONLY | O_CLOEXEC) <
             0 &&
         errno == EACCES);
    NEED(openat(AT_FDCWD, "/tmp/ts-confine-new", O_WRONLY | O_CREAT | O_CLOEXEC,
                0600) < 0 &&
         errno == EACCES);
    return 0;
}

static void assert_works(const struct room *r, enum confine_role role,
                         int (*act)(void))
{
    int status = in_child(r, role, act);

    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("role %d: status %x", (int)role, (unsigned)status);
}

/* Connects to nobody: refused by the host, not by us. A TCP port it may not
 * bind: that is Landlock's, from ABI 4 on. */
static int use_network(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(9),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int t = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int u = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    NEED(t >= 0);
    NEED(u >= 0 || errno == EAFNOSUPPORT);
    NEED(connect(t, (const struct sockaddr *)&to, sizeof(to)) != 0);
    NEED(errno == ECONNREFUSED || errno == EINPROGRESS || errno == ENETUNREACH);
    to.sin_port = htons(0);
    (void)bind(t, (const struct sockaddr *)&to, sizeof(to));
    return 0;
}

static void confine_self_what_roles_need_works(void **state)
{
    int fd = memfd_create("ring", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    assert_true(sodium_init() >= 0);
    assert_works(*state, CONFINE_GATE, use_everything);
    assert_works(*state, CONFINE_RECORDER, use_everything);
    assert_works(*state, CONFINE_RECORDER, use_log_directory);
    assert_works(*state, CONFINE_SUPERVISOR, use_everything);
    assert_works(*state, CONFINE_BROKER, use_everything);
    assert_works(*state, CONFINE_BROKER, use_network);
    (void)close(fd);
}

static void confine_self_recorder_reaches_no_other_file(void **state)
{
    assert_works(*state, CONFINE_RECORDER, try_elsewhere);
}

static int mapped_in_child(const struct room *r)
{
    int sock[2], status = -1;
    pid_t pid;

    assert_int_equal(
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sock), 0);
    pid = fork();
    if (pid == 0) {
        const char *step = "";
        int fd;

        arrange(r, sock[1]);
        fd = memfd_create("ring", MFD_ALLOW_SEALING);
        if (ftruncate(fd, 4096) != 0 || dup2(fd, 9) != 9 ||
            (fd != 9 && close(fd) != 0) ||
            confine_self(CONFINE_GATE, HIGHEST, &step) != TS_OK)
            _exit(STEP_WRONG);
        _exit(use_memfd_mapping());
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    (void)close(sock[0]);
    (void)close(sock[1]);
    return status;
}

static void confine_self_gate_maps_the_ring(void **state)
{
    assert_int_equal(mapped_in_child(*state), 0);
}

/* The preconditions ------------------------------------------------------ */

static int supervisor_children(void)
{
    int status = -1;
    pid_t pid = fork();

    if (pid == 0) { /* inherits the filter, may start programs all the same */
        (void)execl("/bin/true", "true", (char *)NULL);
        _exit(1);
    }
    NEED(waitpid(pid, &status, 0) == pid && status == 0);
    NEED(syscall(SYS_ptrace, 0, 0, 0, 0) < 0 && errno == EPERM);
    NEED(syscall(SYS_bpf, 0, 0, 0) < 0 && errno == EPERM);
    NEED(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
    NEED(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
    return 0;
}

static void confine_self_supervisor_may_start_programs(void **state)
{
    assert_works(*state, CONFINE_SUPERVISOR, supervisor_children);
}

/* extra descriptor or closed control socket: confinement refuses. */
static int refused_with(const struct room *r, bool stray, bool orphan)
{
    int sock[2], status = -1;
    pid_t pid;

    assert_int_equal(
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sock), 0);
    pid = fork();
    if (pid == 0) {
        const char *step = "";
        ts_err e;

        arrange(r, sock[1]);
        if (stray && dup2(0, 40) != 40)
            _exit(STEP_WRONG);
        if (orphan && shutdown(FD_CONTROL, SHUT_RDWR) != 0)
            _exit(STEP_WRONG);
        e = confine_self(CONFINE_GATE, HIGHEST, &step);
        _exit(e == TS_OK ? 0 : (strlen(step) > 0 ? 1 : 2));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    (void)close(sock[0]);
    (void)close(sock[1]);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void confine_self_stray_descriptor_or_dead_parent_refuses(void **state)
{
    assert_int_equal(refused_with(*state, false, false), 0);
    assert_int_equal(refused_with(*state, true, false), 1);
    assert_int_equal(refused_with(*state, false, true), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(confine_self_forbidden_calls_kill_gate_and_recorder),
        cmocka_unit_test(confine_self_gate_cannot_open_or_make_files),
        cmocka_unit_test(confine_self_what_roles_need_works),
        cmocka_unit_test(confine_self_broker_makes_no_sockets_but_tcp_and_udp),
        cmocka_unit_test(confine_self_recorder_reaches_no_other_file),
        cmocka_unit_test(confine_self_gate_maps_the_ring),
        cmocka_unit_test(confine_self_supervisor_may_start_programs),
        cmocka_unit_test(confine_self_stray_descriptor_or_dead_parent_refuses),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
