#include "tests/lib/launcher_rig.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "sidecar/common/bundle/bundle.h"
#include "sidecar/common/fds.h"

#define AWAY          200 /* where descriptors wait for their place */
#define MANIFESTS_MAX 32
#define MANIFEST_MAX  1024

/* As sidecar/supervisor/spawn.c does it. */
static bool become_user(const struct launcher_rig_want *w)
{
    static const int caps[] = {CAP_SETUID,    CAP_SETGID,     CAP_KILL,
                               CAP_SYS_ADMIN, CAP_SYS_CHROOT, CAP_DAC_OVERRIDE,
                               CAP_FOWNER,    CAP_NET_ADMIN};
    const size_t count = !w->has_caps ? 0
                                      : sizeof(caps) / sizeof(caps[0]) -
                                            (w->has_net_admin ? 0 : 1);
    struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct d[2] = {{0, 0, 0}, {0, 0, 0}};

    if (setgroups(0, NULL) != 0 || prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0 ||
        setgid(w->user) != 0 || setuid(w->user) != 0)
        return false;
    for (size_t i = 0; i < count; i++)
        d[0].permitted |= 1u << caps[i];
    d[0].effective = d[0].inheritable = d[0].permitted;
    if (syscall(SYS_capset, &h, d) != 0)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, caps[i], 0, 0) != 0)
            return false;
    }
    return true;
}

/* fds[n] becomes number n: what fds.h says, /dev/null where there is none. */
static bool place(const struct launcher_rig_want *w, const int theirs[3],
                  int broker)
{
    int null = open("/dev/null", O_RDWR);
    int fds[LAUNCHER_FD_LAST + 1];
    int kept;

    for (int n = 0; n <= LAUNCHER_FD_LAST; n++)
        fds[n] = null;
    fds[FD_CONTROL] = theirs[0];
    fds[LAUNCHER_FD_RECORDER] = theirs[1];
    fds[LAUNCHER_FD_GATE] = theirs[2];
    if (broker >= 0)
        fds[LAUNCHER_FD_BROKER] = broker;
    if (w->groups_fd >= 0)
        fds[LAUNCHER_FD_CGROUP] = w->groups_fd;
    for (int n = 0; n <= LAUNCHER_FD_LAST; n++)
        if ((fds[n] = fcntl(fds[n], F_DUPFD, AWAY)) < 0)
            return false;
    kept = w->kept_fd >= 0 ? fcntl(w->kept_fd, F_DUPFD, AWAY) : -1;
    for (int n = 0; n <= LAUNCHER_FD_LAST; n++)
        if (n != STDERR_FILENO && dup2(fds[n], n) < 0)
            return false;
    if (kept < 0)
        return close_range(LAUNCHER_FD_LAST + 1, ~0u, 0) == 0;
    return dup2(kept, w->kept_at) >= 0 &&
           close_range(LAUNCHER_FD_LAST + 1, (unsigned)w->kept_at - 1, 0) ==
               0 &&
           close_range((unsigned)w->kept_at + 1, ~0u, 0) == 0;
}

static _Noreturn void run(const struct launcher_rig_want *w,
                          const int theirs[3], int broker)
{
    if (!place(w, theirs, broker))
        _exit(120);
    (void)setsid(); /* as in a service: the scheduler weighs sessions */
    if (w->prepare != NULL && !w->prepare(w->prepare_arg))
        _exit(119);
    if (getuid() == 0 && !become_user(w))
        _exit(124);
    if (w->env_name != NULL)
        (void)setenv(w->env_name, w->env_value, 1);
    (void)execl(w->program, "tipstaff-launcher", (char *)NULL);
    _exit(125);
}

static bool pair(int *ours, int *theirs)
{
    int p[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, p) != 0)
        return false;
    *ours = p[0];
    *theirs = p[1];
    return true;
}

bool launcher_rig_spawn(const struct launcher_rig_want *w,
                        struct launcher_rig *ret)
{
    struct launcher_rig r = {
        .control = -1, .orders = -1, .gate = -1, .broker = -1};
    int theirs[3] = {-1, -1, -1}, broker = -1;
    bool ok = pair(&r.control, &theirs[0]) && pair(&r.orders, &theirs[1]) &&
              pair(&r.gate, &theirs[2]) &&
              (!w->has_broker || pair(&r.broker, &broker));

    if (ok) {
        r.pid = fork();
        if (r.pid == 0)
            run(w, theirs, broker);
        ok = r.pid > 0;
    }
    for (int i = 0; i < 3; i++)
        ts_fd_close(&theirs[i]);
    ts_fd_close(&broker);
    if (ok) {
        *ret = r;
        return true;
    }
    ts_fd_close(&r.control);
    ts_fd_close(&r.orders);
    ts_fd_close(&r.gate);
    ts_fd_close(&r.broker);
    return false;
}

bool launcher_rig_start(const struct launcher_rig *r,
                        const struct control_start *start, int bundle_fd,
                        char *ret_why, size_t cap)
{
    struct control_message m = {.type = CONTROL_START,
                                .bundle_fd = bundle_fd,
                                .journal_fd = -1,
                                .as.start = *start};
    uint8_t buf[CONTROL_MESSAGE_MAX];

    ret_why[0] = '\0';
    if (control_send(r->control, &m) != TS_OK ||
        control_receive(r->control, buf, &m) != TS_OK)
        return false;
    if (m.type == CONTROL_REJECTED)
        (void)snprintf(ret_why, cap, "%.*s", (int)m.as.text.text.len,
                       m.as.text.text.ptr);
    return m.type == CONTROL_READY;
}

/* False: it does not fit. */
static bool fill_in(const char *text, const char *dir, char *out,
                    struct ts_str *ret)
{
    size_t at = 0;

    for (const char *p = text; *p != '\0';) {
        if (strncmp(p, "DIR", 3) == 0) {
            at += (size_t)snprintf(out + at, MANIFEST_MAX - at, "%s", dir);
            p += 3;
        } else {
            out[at++] = *p++;
        }
        if (at >= MANIFEST_MAX)
            return false;
    }
    *ret = (struct ts_str){out, at};
    return true;
}

int launcher_rig_bundle(const struct launcher_rig_manifest *m, size_t count,
                        const char *dir)
{
    static char text[MANIFESTS_MAX][MANIFEST_MAX];
    struct bundle_file files[MANIFESTS_MAX];
    int fd = -1;

    for (size_t i = 0; i < count && i < MANIFESTS_MAX; i++) {
        files[i].name = ts_str_of(m[i].name);
        if (!fill_in(m[i].text, dir, text[i], &files[i].content))
            return -1;
    }
    if (count > MANIFESTS_MAX || bundle_write(files, count, &fd) != TS_OK)
        return -1;
    return fd;
}

bool launcher_rig_order(int orders, const struct order *o)
{
    static uint8_t buf[1 + TS_ORDER_MAX];
    size_t len = 0;

    buf[0] = HOP_ORDER;
    return order_encode(o, buf + 1, sizeof(buf) - 1, &len) == TS_OK &&
           send(orders, buf, len + 1, MSG_NOSIGNAL) == (ssize_t)len + 1;
}

bool launcher_rig_kill(int orders, uint64_t order_id, enum end_reason why)
{
    const struct order_kill k = {.order_id = order_id, .reason = why};
    uint8_t buf[64] = {HOP_KILL};
    size_t len = 0;

    return order_kill_encode(&k, buf + 1, sizeof(buf) - 1, &len) == TS_OK &&
           send(orders, buf, len + 1, MSG_NOSIGNAL) == (ssize_t)len + 1;
}

size_t launcher_rig_receive(int gate, uint8_t *buf, size_t cap, int fds[3])
{
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(3 * sizeof(int))];
    struct iovec iov = {buf, cap};
    struct msghdr h = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = control,
                       .msg_controllen = sizeof(control)};
    ssize_t n = recvmsg(gate, &h, MSG_CMSG_CLOEXEC);
    const struct cmsghdr *c;

    if (n <= 0)
        return 0;
    c = CMSG_FIRSTHDR(&h);
    if (c != NULL && c->cmsg_len == CMSG_LEN(3 * sizeof(int)))
        memcpy(fds, CMSG_DATA(c), 3 * sizeof(int));
    return (size_t)n;
}
