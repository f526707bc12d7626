#include "sidecar/launcher/start/caps.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sidecar/launcher/layers/raw.h"

#define WANTED                                                                 \
    (CAPS_BIT(CAP_SETUID) | CAPS_BIT(CAP_SETGID) | CAPS_BIT(CAP_KILL) |        \
     CAPS_BIT(CAP_SYS_ADMIN) | CAPS_BIT(CAP_SYS_CHROOT) |                      \
     CAPS_BIT(CAP_NET_ADMIN) | RAISED)
#define RAISED (CAPS_BIT(CAP_DAC_OVERRIDE) | CAPS_BIT(CAP_FOWNER))
#define SPACES                                                                 \
    (CAPS_BIT(CAP_SYS_ADMIN) | CAPS_BIT(CAP_SYS_CHROOT) |                      \
     CAPS_BIT(CAP_NET_ADMIN))
#define UIDS                                                                   \
    (CAPS_BIT(CAP_SETUID) | CAPS_BIT(CAP_SETGID) | CAPS_BIT(CAP_KILL) | RAISED)

static long set(const struct filter_key *key, uint64_t permitted,
                uint64_t effective)
{
    struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct d[2] = {
        {(uint32_t)effective, (uint32_t)permitted, 0},
        {(uint32_t)(effective >> 32), (uint32_t)(permitted >> 32), 0}};
    const struct filter_key none = {{0, 0}};

    return filter_call4(key != NULL ? key : &none, SYS_capset, raw_ptr(&h),
                        raw_ptr(d), 0, 0);
}

static ts_err get(uint64_t *ret_permitted)
{
    struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct d[2] = {{0, 0, 0}, {0, 0, 0}};

    if (syscall(SYS_capget, &h, d) != 0)
        return TS_E_SYSTEM;
    *ret_permitted = (uint64_t)d[1].permitted << 32 | d[0].permitted;
    return TS_OK;
}

static bool put(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool ok;

    if (fd < 0)
        return false;
    ok = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    (void)close(fd);
    return ok;
}

/* One user and one group, each as itself: what a tool writes belongs to whom it
 * always did, and nobody else exists. */
static bool enter_user_ns(void)
{
    char users[48], groups[48];
    uid_t uid = geteuid();
    gid_t gid = getegid();

    (void)snprintf(users, sizeof(users), "%u %u 1", uid, uid);
    (void)snprintf(groups, sizeof(groups), "%u %u 1", gid, gid);
    return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0 &&
           unshare(CLONE_NEWUSER) == 0 && put("/proc/self/setgroups", "deny") &&
           put("/proc/self/uid_map", users) &&
           put("/proc/self/gid_map", groups);
}

/* In a child first: a process cannot leave a namespace that turned out to be
 * of no use (security modules allow making one and then nothing in it). */
static bool user_ns_works(void)
{
    const int wanted =
        CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS;
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        _exit(enter_user_ns() && unshare(wanted) == 0 ? 0 : 1);
    }
    if (pid < 0)
        return false;
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR)
            return false;
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

ts_err caps_keep(bool use_user_ns, struct caps *ret)
{
    struct caps c = {0};
    uint64_t have = 0;
    ts_err e = get(&have);

    if (e != TS_OK)
        return e;
    /* who was given users of its own, and no more, is to make level uid */
    if ((have & CAPS_BIT(CAP_SYS_ADMIN)) == 0 && (have & UIDS) != UIDS &&
        geteuid() != 0 && use_user_ns && user_ns_works()) {
        if (!enter_user_ns() || (e = get(&have)) != TS_OK)
            return TS_E_SYSTEM;
        c.in_user_ns = true;
        have &= SPACES; /* there is no other user in it */
    }
    c.permitted = have & WANTED;
    c.uids = (c.permitted & UIDS) == UIDS;
    c.spaces = (c.permitted & SPACES & ~CAPS_BIT(CAP_NET_ADMIN)) ==
               (SPACES & ~CAPS_BIT(CAP_NET_ADMIN));
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        set(NULL, c.permitted, c.permitted & ~RAISED) != 0)
        return TS_E_SYSTEM;
    *ret = c;
    return TS_OK;
}

void caps_raise(const struct caps *c, const struct filter_key *key)
{
    if ((c->permitted & RAISED) != 0)
        (void)set(key, c->permitted, c->permitted);
}

void caps_lower(const struct caps *c, const struct filter_key *key)
{
    if ((c->permitted & RAISED) != 0)
        (void)set(key, c->permitted, c->permitted & ~RAISED);
}

/* The kernel's call, not the library's: that one would change every thread. The
 * real and the saved uid stay, so nobody gains the right to signal us. */
static ts_err set_euid(const struct filter_key *key, uid_t uid,
                       int *reterr_errno)
{
    long rc = filter_call4(key, SYS_setresuid, -1, (long)uid, -1, 0);

    if (rc == 0)
        return TS_OK;
    *reterr_errno = (int)-rc;
    return ts_err_from_errno((int)-rc);
}

ts_err caps_act_as(const struct filter_key *key, uid_t uid, int *reterr_errno)
{
    return set_euid(key, uid, reterr_errno);
}

/* A change of uid has cleared the death signal that the supervisor's end sends
 * (prctl(2)); if it ended meanwhile, its channels have, too. */
ts_err caps_act_as_self(const struct filter_key *key, uid_t uid)
{
    int err = 0;
    ts_err e = set_euid(key, uid, &err);

    if (e != TS_OK)
        return e;
    return filter_call5(key, SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0
               ? TS_OK
               : TS_E_SYSTEM;
}

long caps_raise_raw(uint64_t permitted, const struct filter_key *key)
{
    return set(key, permitted, permitted);
}

long caps_drop_all_raw(const struct filter_key *key)
{
    return set(key, 0, 0);
}
