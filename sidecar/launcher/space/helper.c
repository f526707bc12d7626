#include "sidecar/launcher/space/helper.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"

static _Noreturn void be_helper(const struct filter_key *key, pid_t parent,
                                int sock, int (*fn)(int, void *), void *arg)
{
    int status = 1;

    (void)filter_call5(key, SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (raw_call3(SYS_getppid, 0, 0, 0) == parent)
        status = fn(sock, arg);
    for (;;)
        (void)raw_call3(SYS_exit_group, status, 0, 0);
}

ts_err helper_start(const struct filter_key *key, int (*fn)(int, void *),
                    void *arg, struct helper *ret)
{
    const struct filter_key none = {{0, 0}};
    const pid_t parent = getpid();
    int pair[2];
    long pid;

    if (key == NULL)
        key = &none;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return ts_err_from_errno(errno);
    /* no exit signal: waitpid(-1) of the loop must not see it */
    pid = filter_call5(key, SYS_clone, 0, 0, 0, 0, 0);
    if (pid == 0) {
        (void)close(pair[0]);
        be_helper(key, parent, pair[1], fn, arg);
    }
    ts_fd_close(&pair[1]);
    if (pid < 0) {
        ts_fd_close(&pair[0]);
        errno = (int)-pid;
        return ts_err_from_errno((int)-pid);
    }
    *ret = (struct helper){.pid = (pid_t)pid, .sock = pair[0]};
    return TS_OK;
}

bool helper_tell(int sock, const struct helper_note *n, const int *fds)
{
    union {
        char buf[CMSG_SPACE(HELPER_FDS * sizeof(int))];
        struct cmsghdr align;
    } c;
    struct iovec io;
    struct msghdr m = {.msg_iov = &io, .msg_iovlen = 1};
    struct helper_note copy = *n;

    io = (struct iovec){&copy, sizeof(copy)};
    if (n->fd_count > 0) {
        struct cmsghdr *h;

        memset(&c, 0, sizeof(c));
        m.msg_control = c.buf;
        m.msg_controllen = CMSG_SPACE(n->fd_count * sizeof(int));
        h = CMSG_FIRSTHDR(&m);
        h->cmsg_level = SOL_SOCKET;
        h->cmsg_type = SCM_RIGHTS;
        h->cmsg_len = CMSG_LEN(n->fd_count * sizeof(int));
        memcpy(CMSG_DATA(h), fds, n->fd_count * sizeof(int));
    }
    while (sendmsg(sock, &m, MSG_NOSIGNAL) < 0) {
        if (errno != EINTR)
            return false;
    }
    return true;
}

static void close_all(int fds[HELPER_FDS])
{
    for (int i = 0; i < HELPER_FDS; i++)
        ts_fd_close(&fds[i]);
}

ts_err helper_hear(const struct helper *h, struct helper_note *ret,
                   int fds[HELPER_FDS])
{
    union {
        char buf[CMSG_SPACE(HELPER_FDS * sizeof(int))];
        struct cmsghdr align;
    } c;
    struct helper_note n;
    struct iovec io = {&n, sizeof(n)};
    struct msghdr m = {.msg_iov = &io,
                       .msg_iovlen = 1,
                       .msg_control = c.buf,
                       .msg_controllen = sizeof(c.buf)};
    uint32_t got = 0;
    ssize_t len;

    for (int i = 0; i < HELPER_FDS; i++)
        fds[i] = -1;
    while ((len = recvmsg(h->sock, &m, MSG_CMSG_CLOEXEC)) < 0) {
        if (errno != EINTR)
            return ts_err_from_errno(errno);
    }
    if (len == 0)
        return TS_E_CLOSED;
    for (struct cmsghdr *k = CMSG_FIRSTHDR(&m); k != NULL;
         k = CMSG_NXTHDR(&m, k)) {
        if (k->cmsg_level != SOL_SOCKET || k->cmsg_type != SCM_RIGHTS)
            continue;
        got = (uint32_t)((k->cmsg_len - CMSG_LEN(0)) / sizeof(int));
        memcpy(fds, CMSG_DATA(k), got * sizeof(int));
    }
    if (len != (ssize_t)sizeof(n) || (m.msg_flags & MSG_CTRUNC) != 0 ||
        got != n.fd_count) {
        close_all(fds);
        return TS_E_LIMIT; /* our table of descriptors is full */
    }
    n.step[HELPER_STEP - 1] = '\0';
    *ret = n;
    return TS_OK;
}

void helper_end(struct helper *h)
{
    ts_fd_close(&h->sock);
    if (h->pid <= 0)
        return;
    (void)kill(h->pid, SIGKILL);
    while (waitpid(h->pid, NULL, __WALL) < 0 && errno == EINTR)
        ;
    h->pid = 0;
}

const char *helper_step_text(const struct helper_note *n)
{
    static const char *const known[] = {
        "unshare",       "propagation", "tmpfs",     "open_tree", "move_mount",
        "mount_setattr", "pivot_root",  "umount",    "mkdir",     "symlink",
        "mknod",         "open",        "changed",   "link",      "place",
        "setns",         "descriptor",  "read_only", "proc",      "lo",
        "socket",        "bind",        "listen",    "host_name", "private_tmp",
        "own_proc",      "mnt_ns",      "copy"};

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(known[i], n->step) == 0)
            return known[i];
    }
    return "helper";
}
