#include "trap.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "tests/lib/ts_test.h"

struct trap_shared {
    volatile pid_t pid;
    volatile int listener; /* its number over there, plus one */
};

static bool install(int *ret_listener)
{
    struct sock_filter insns[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_futex, 5, 0),
        /* these release what they are given even if they fail */
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_close, 4, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_munmap, 3, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog p = {.len = 8, .filter = insns};
    long fd;

    if (getuid() != 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return false;
    fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                 SECCOMP_FILTER_FLAG_NEW_LISTENER, &p);
    *ret_listener = (int)fd;
    return fd >= 0;
}

bool trap_install(void *arg)
{
    const struct trap *t = arg;
    int listener = -1;

    t->shared->pid = getpid();
    if (!install(&listener))
        return false;
    t->shared->listener = listener + 1; /* every call from here on waits */
    return true;
}

static int status_number(pid_t pid, const char *label)
{
    char path[64], text[2048];
    const char *p = NULL;
    FILE *f;
    size_t n;

    (void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    f = fopen(path, "re");
    if (f == NULL)
        return -1;
    n = fread(text, 1, sizeof(text) - 1, f);
    text[n] = '\0';
    (void)fclose(f);
    p = strstr(text, label);
    return p != NULL ? (int)strtol(p + strlen(label), NULL, 10) : -1;
}

static bool is_tool(const struct trap *t, pid_t pid)
{
    for (unsigned i = 0; i < t->tool_count; i++) {
        if (t->tools[i] == pid)
            return true;
    }
    return false;
}

static void add_tool(struct trap *t, pid_t pid)
{
    t->tools[t->tool_count++ % TRAP_TOOLS_MAX] = pid;
    if (t->tool_count == TRAP_TOOLS_MAX) /* the oldest have long ended */
        t->tool_count = TRAP_TOOLS_MAX / 2;
}

/* The watchdog, and tools: not ours to count. */
static bool is_counted(struct trap *t, pid_t pid)
{
    if (pid == t->launcher)
        return true;
    if (is_tool(t, pid))
        return false;
    if (status_number(pid, "\nTgid:\t") == pid)
        return true;
    add_tool(t, pid);
    return false;
}

/* The call that it was armed for. */
static int fire(struct trap *t, const struct seccomp_notif *n)
{
    pid_t pid = (pid_t)n->pid;

    t->hit = (struct trap_hit){
        .fired = true, .nr = n->data.nr, .in_child = pid != t->launcher};
    for (int i = 0; i < 6; i++)
        t->hit.args[i] = n->data.args[i];
    t->is_armed = t->then != NULL && t->then(t->then_arg, pid);
    t->left = 0;
    return t->then != NULL ? 0 : t->error;
}

static bool is_wait(int nr)
{
#ifdef SYS_epoll_wait
    if (nr == SYS_epoll_wait)
        return true;
#endif
    return nr == SYS_epoll_pwait;
}

/* 0, or the error that this call fails with. */
static int judge(struct trap *t, const struct seccomp_notif *n)
{
    pid_t pid = (pid_t)n->pid;
    int error = 0;

    (void)pthread_mutex_lock(&t->lock);
    if (is_counted(t, pid)) {
        if (t->is_armed && t->left-- == 0)
            error = fire(t, n);
        if (error == 0 && pid != t->launcher &&
            (n->data.nr == SYS_execveat || n->data.nr == SYS_execve))
            add_tool(t, pid);
    }
    if (pid == t->launcher)
        t->is_idle = error == 0 && is_wait(n->data.nr);
    (void)pthread_mutex_unlock(&t->lock);
    return error;
}

static bool serve_one(struct trap *t)
{
    struct seccomp_notif n = {0};
    struct seccomp_notif_resp r = {0};
    struct pollfd p = {.fd = t->listener, .events = POLLIN};

    if (poll(&p, 1, -1) < 0)
        return errno == EINTR;
    if ((p.revents & POLLIN) == 0)
        return false; /* nobody is left */
    if (ioctl(t->listener, SECCOMP_IOCTL_NOTIF_RECV, &n) != 0)
        return errno == EINTR || errno == ENOENT; /* killed meanwhile */
    r.id = n.id;
    r.error = -judge(t, &n);
    r.flags = r.error == 0 ? SECCOMP_USER_NOTIF_FLAG_CONTINUE : 0;
    (void)ioctl(t->listener, SECCOMP_IOCTL_NOTIF_SEND, &r);
    return true;
}

/* Each call is a turn of two threads: they take it on the same processor, where
 * the kernel knows how (Linux 6.6); else it takes twice as long. */
static void hand_over_at_once(int listener)
{
#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#endif
    (void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, 1ul);
}

static void *serve(void *arg)
{
    const struct timespec pause = {0, 200000};
    struct trap *t = arg;
    int pidfd;

    while (t->shared->listener == 0)
        (void)nanosleep(&pause, NULL);
    t->launcher = t->shared->pid;
    pidfd = (int)syscall(SYS_pidfd_open, t->launcher, 0);
    t->listener =
        (int)syscall(SYS_pidfd_getfd, pidfd, t->shared->listener - 1, 0);
    (void)close(pidfd);
    hand_over_at_once(t->listener);
    while (t->listener >= 0 && serve_one(t))
        continue;
    (void)pthread_mutex_lock(&t->lock);
    t->is_over = true;
    (void)pthread_mutex_unlock(&t->lock);
    return NULL;
}

void trap_start(struct trap *t)
{
    void *page = mmap(NULL, sizeof(*t->shared), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    assert_true(page != MAP_FAILED);
    memset(t, 0, sizeof(*t));
    t->listener = -1;
    t->shared = page;
    assert_int_equal(pthread_mutex_init(&t->lock, NULL), 0);
    assert_int_equal(pthread_create(&t->thread, NULL, serve, t), 0);
}

void trap_stop(struct trap *t)
{
    assert_int_equal(pthread_join(t->thread, NULL), 0);
    if (t->listener >= 0)
        (void)close(t->listener);
    (void)pthread_mutex_destroy(&t->lock);
    (void)munmap(t->shared, sizeof(*t->shared));
}

bool trap_settle(struct trap *t)
{
    const struct timespec pause = {0, 100000};
    bool is_idle, is_over;

    for (;;) {
        (void)pthread_mutex_lock(&t->lock);
        is_idle = t->is_idle;
        is_over = t->is_over;
        (void)pthread_mutex_unlock(&t->lock);
        if (is_idle || is_over)
            return !is_over;
        (void)nanosleep(&pause, NULL);
    }
}

static void arm(struct trap *t, unsigned nth, int error, trap_fn *fn, void *arg)
{
    (void)trap_settle(t);
    (void)pthread_mutex_lock(&t->lock);
    t->is_armed = true;
    t->left = nth;
    t->error = error;
    t->then = fn;
    t->then_arg = arg;
    t->hit = (struct trap_hit){0};
    (void)pthread_mutex_unlock(&t->lock);
}

void trap_arm(struct trap *t, unsigned nth, int error)
{
    arm(t, nth, error, NULL, NULL);
}

void trap_arm_call(struct trap *t, unsigned nth, trap_fn *fn, void *arg)
{
    arm(t, nth, 0, fn, arg);
}

struct trap_hit trap_disarm(struct trap *t)
{
    struct trap_hit hit;

    (void)pthread_mutex_lock(&t->lock);
    t->is_armed = false;
    hit = t->hit;
    (void)pthread_mutex_unlock(&t->lock);
    return hit;
}

/* Listening, and taking the listener over: both may be refused. */
bool trap_possible(void)
{
    return getuid() == 0;
}
