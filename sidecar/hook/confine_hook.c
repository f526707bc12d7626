#include "sidecar/hook/confine_hook.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sched.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"

#define FS_ALL(bits)    ((UINT64_C(1) << (bits)) - 1)
#define FS_TRUNCATE     (UINT64_C(1) << 14) /* ABI 3 */
#define FS_IOCTL_DEV    (UINT64_C(1) << 15) /* ABI 5 */
#define NET_BIND        UINT64_C(1)         /* ABI 4 */
#define SCOPE_ALL       UINT64_C(3) /* ABI 6: abstract sockets, signals */
#define ATTR_SIZE_FS    sizeof(uint64_t)
#define ATTR_SIZE_NET   (2 * sizeof(uint64_t))
#define ATTR_SIZE_SCOPE (3 * sizeof(uint64_t))

struct ruleset_attr { /* as of ABI 6 */
    uint64_t fs, net, scoped;
};

static long abi_of(void)
{
    return syscall(SYS_landlock_create_ruleset, NULL, 0,
                   LANDLOCK_CREATE_RULESET_VERSION);
}

static uint64_t fs_rights(long abi)
{
    return abi >= 5   ? FS_ALL(16)
           : abi >= 3 ? FS_ALL(15)
           : abi == 2 ? FS_ALL(14)
                      : FS_ALL(13);
}

static ts_err allow(int ruleset, const char *path, uint64_t rights)
{
    int fd TS_CLEANUP(ts_fd_close) = open(path, O_PATH | O_CLOEXEC);
    const struct landlock_path_beneath_attr a = {.allowed_access = rights,
                                                 .parent_fd = fd};

    if (fd < 0 || syscall(SYS_landlock_add_rule, ruleset,
                          LANDLOCK_RULE_PATH_BENEATH, &a, 0) != 0)
        return ts_err_from_errno(errno);
    return TS_OK;
}

static ts_err files(const struct control_hook *h)
{
    const uint64_t read_only = LANDLOCK_ACCESS_FS_EXECUTE |
                               LANDLOCK_ACCESS_FS_READ_FILE |
                               LANDLOCK_ACCESS_FS_READ_DIR;
    long abi = abi_of();
    uint64_t all = abi < 1 ? 0 : fs_rights(abi);
    struct ruleset_attr a = {.fs = all, .net = NET_BIND, .scoped = SCOPE_ALL};
    size_t size = abi >= 6   ? ATTR_SIZE_SCOPE
                  : abi >= 4 ? ATTR_SIZE_NET
                             : ATTR_SIZE_FS;
    int ruleset TS_CLEANUP(ts_fd_close) = -1;
    ts_err e;

    if (abi < 1)
        return abi < 0 ? ts_err_from_errno(errno) : TS_E_UNSUPPORTED;
    ruleset = (int)syscall(SYS_landlock_create_ruleset, &a, size, 0);
    if (ruleset < 0)
        return ts_err_from_errno(errno);
    e = allow(ruleset, "/", read_only);
    if (e == TS_OK)
        e = allow(ruleset, "/dev/null",
                  LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE |
                      (all & FS_TRUNCATE));
    for (uint32_t i = 0; e == TS_OK && i < h->dir_count; i++)
        e = allow(ruleset, h->dirs[i].ptr,
                  all & ~(LANDLOCK_ACCESS_FS_MAKE_CHAR |
                          LANDLOCK_ACCESS_FS_MAKE_BLOCK | FS_IOCTL_DEV));
    if (e == TS_OK && syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)
        e = ts_err_from_errno(errno);
    return e;
}

ts_err confine_hook_runner(void)
{
    const struct ruleset_attr a = {.scoped = SCOPE_ALL};
    int ruleset TS_CLEANUP(ts_fd_close) = -1;

    if (abi_of() < 6)
        return TS_OK;
    ruleset = (int)syscall(SYS_landlock_create_ruleset, &a, ATTR_SIZE_SCOPE, 0);
    if (ruleset < 0 || syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)
        return ts_err_from_errno(errno);
    return TS_OK;
}

static int deny(scmp_filter_ctx f)
{
    static const int never[] = {
        SCMP_SYS(mount),         SCMP_SYS(umount2),     SCMP_SYS(pivot_root),
        SCMP_SYS(chroot),        SCMP_SYS(unshare),     SCMP_SYS(setns),
        SCMP_SYS(open_tree),     SCMP_SYS(move_mount),  SCMP_SYS(fsopen),
        SCMP_SYS(fsmount),       SCMP_SYS(fsconfig),    SCMP_SYS(fspick),
        SCMP_SYS(keyctl),        SCMP_SYS(personality), SCMP_SYS(quotactl),
        SCMP_SYS(sethostname),   SCMP_SYS(pidfd_getfd), SCMP_SYS(settimeofday),
        SCMP_SYS(clock_settime), SCMP_SYS(syslog),
    };
    int r = 0;

    for (size_t i = 0; r == 0 && i < sizeof(never) / sizeof(never[0]); i++)
        if (never[i] >= 0)
            r = seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM), never[i], 0);
    return r;
}

/* clone3() hides its flags behind a pointer: libc goes on with clone(). */
static int deny_by_argument(scmp_filter_ctx f)
{
    static const int flags[] = {CLONE_NEWNS,    CLONE_NEWUTS, CLONE_NEWIPC,
                                CLONE_NEWUSER,  CLONE_NEWPID, CLONE_NEWNET,
                                CLONE_NEWCGROUP};
    const struct scmp_arg_cmp sti = {1, SCMP_CMP_EQ, TIOCSTI, 0};
    int r = seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);

    for (size_t i = 0; r == 0 && i < sizeof(flags) / sizeof(flags[0]); i++) {
        const struct scmp_arg_cmp c = {0, SCMP_CMP_MASKED_EQ,
                                       (scmp_datum_t)flags[i],
                                       (scmp_datum_t)flags[i]};

        r = seccomp_rule_add_array(f, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
                                   &c);
    }
    return r != 0 ? r
                  : seccomp_rule_add_array(f, SCMP_ACT_ERRNO(EPERM),
                                           SCMP_SYS(ioctl), 1, &sti);
}

/* Domains: AF_UNIX 1, AF_INET 2, AF_INET6 10, AF_NETLINK 16, and no other. */
static int deny_sockets(scmp_filter_ctx f)
{
    const struct scmp_arg_cmp beyond = {0, SCMP_CMP_GT, AF_NETLINK, 0};
    int r = seccomp_rule_add_array(f, SCMP_ACT_ERRNO(EAFNOSUPPORT),
                                   SCMP_SYS(socket), 1, &beyond);

    for (unsigned domain = 0; r == 0 && domain < AF_NETLINK; domain++) {
        const struct scmp_arg_cmp is = {0, SCMP_CMP_EQ, domain, 0};

        if (domain != AF_UNIX && domain != AF_INET && domain != AF_INET6)
            r = seccomp_rule_add_array(f, SCMP_ACT_ERRNO(EAFNOSUPPORT),
                                       SCMP_SYS(socket), 1, &is);
    }
    return r;
}

static ts_err calls(void)
{
    scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);
    int r;

    if (f == NULL)
        return TS_E_NOMEM;
    if ((r = seccomp_attr_set(f, SCMP_FLTATR_ACT_BADARCH,
                              SCMP_ACT_KILL_PROCESS)) == 0 &&
        (r = seccomp_attr_set(f, SCMP_FLTATR_CTL_OPTIMIZE, 2)) == 0 &&
        (r = deny(f)) == 0 && (r = deny_by_argument(f)) == 0 &&
        (r = deny_sockets(f)) == 0)
        r = seccomp_load(f);
    seccomp_release(f);
    return r == 0 ? TS_OK : ts_err_from_errno(-r);
}

ts_err confine_hook(const struct control_hook *h, const char **reterr_step)
{
    ts_err e;

    *reterr_step = "no new privileges";
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return ts_err_from_errno(errno);
    *reterr_step = "landlock";
    if ((e = files(h)) != TS_OK)
        return e;
    *reterr_step = "seccomp";
    return calls();
}
