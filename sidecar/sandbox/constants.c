/* Names of values that conditions may use: those that are the same on every
 * architecture (O_DIRECTORY, for one, is not). */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/futex.h>
#include <linux/keyctl.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "sidecar/sandbox/cond.h"

struct constant {
    const char *name;
    uint64_t value;
};

/* clang-format off */
#define C(name) {#name, (uint64_t)(uint32_t)(name)}
static const struct constant constants[] = {
    C(O_CREAT), C(O_EXCL), C(O_TRUNC), C(O_APPEND), C(O_WRONLY), C(O_RDWR),
    {"__O_TMPFILE", 020000000},
    C(S_ISUID), C(S_ISGID), C(S_ISVTX), C(S_IFMT), C(S_IFREG), C(S_IFIFO),
    C(S_IFCHR), C(S_IFBLK), C(S_IFSOCK), C(S_IFDIR), C(S_IFLNK),
    C(PROT_READ), C(PROT_WRITE), C(PROT_EXEC), C(SHM_EXEC),
    C(MAP_SHARED), C(MAP_PRIVATE), C(MAP_FIXED), C(MAP_ANONYMOUS),
    {"MFD_CLOEXEC", 1}, {"MFD_ALLOW_SEALING", 2}, {"MFD_HUGETLB", 4},
    {"MFD_NOEXEC_SEAL", 8}, {"MFD_EXEC", 16},
    C(CLONE_VM), C(CLONE_FS), C(CLONE_FILES), C(CLONE_SIGHAND), C(CLONE_PTRACE),
    C(CLONE_VFORK), C(CLONE_PARENT), C(CLONE_THREAD), C(CLONE_NEWNS),
    C(CLONE_NEWCGROUP), C(CLONE_NEWUTS), C(CLONE_NEWIPC), C(CLONE_NEWUSER),
    C(CLONE_NEWPID), C(CLONE_NEWNET), {"CLONE_NEWTIME", 0x80},
    C(AF_UNSPEC), C(AF_UNIX), C(AF_INET), C(AF_INET6), C(AF_NETLINK),
    C(AF_PACKET), C(AF_ALG), C(AF_VSOCK), {"AF_XDP", 44},
    {"AF_BLUETOOTH", 31}, {"AF_CAN", 29}, {"AF_TIPC", 30},
    C(SOCK_STREAM), C(SOCK_DGRAM), C(SOCK_SEQPACKET), C(SOCK_RAW),
    {"IPPROTO_IP", 0}, {"IPPROTO_TCP", 6}, {"IPPROTO_UDP", 17},
    {"IPPROTO_ICMP", 1}, {"IPPROTO_SCTP", 132}, {"IPPROTO_MPTCP", 262},
    C(MSG_OOB), C(MSG_FASTOPEN), C(MSG_NOSIGNAL), {"SOL_SOCKET", 1},
    {"SO_ATTACH_FILTER", 26}, {"SO_ATTACH_BPF", 50},
    {"SO_ATTACH_REUSEPORT_CBPF", 51}, {"SO_ATTACH_REUSEPORT_EBPF", 52},
    {"MADV_MERGEABLE", 12}, {"RLIMIT_CORE", 4},
    C(TCGETS), C(TCSETS), C(TCSETSW), C(TCSETSF), C(TCSBRK), C(TCFLSH),
    C(TIOCGPGRP), C(TIOCSPGRP), C(TIOCGWINSZ), C(TIOCSWINSZ), C(TIOCGSID),
    C(TIOCSTI), {"TIOCLINUX", 0x541c}, C(TIOCOUTQ), C(TIOCSCTTY), C(TIOCNOTTY),
    C(TIOCCONS), C(TIOCSETD),
    C(FIONREAD), C(FIONBIO), C(FIOASYNC), C(FIOCLEX), C(FIONCLEX),
    {"FICLONE", 0x40049409}, {"FICLONERANGE", 0x4020940d},
    {"FIDEDUPERANGE", 0xc0189436}, {"FS_IOC_GETFLAGS", 0x80086601},
    {"FS_IOC_SETFLAGS", 0x40086602}, {"FS_IOC_FIEMAP", 0xc020660b},
    C(SIOCATMARK), C(SIOCGIFCONF), C(SIOCGIFFLAGS), C(SIOCSIFFLAGS),
    C(SIOCGIFADDR), C(SIOCGIFHWADDR), C(SIOCGIFINDEX), C(SIOCGIFNAME),
    C(SIOCGIFMTU), C(SIOCGIFNETMASK), C(SIOCGIFBRDADDR),
    C(PR_SET_PDEATHSIG), C(PR_GET_PDEATHSIG), C(PR_GET_DUMPABLE),
    C(PR_SET_DUMPABLE), C(PR_GET_KEEPCAPS), C(PR_SET_KEEPCAPS), C(PR_SET_NAME),
    C(PR_GET_NAME), C(PR_GET_SECCOMP), C(PR_SET_SECCOMP), C(PR_CAPBSET_READ),
    C(PR_CAPBSET_DROP), C(PR_GET_SECUREBITS), C(PR_SET_SECUREBITS),
    C(PR_SET_TIMERSLACK), C(PR_GET_TIMERSLACK), C(PR_SET_CHILD_SUBREAPER),
    C(PR_GET_CHILD_SUBREAPER), C(PR_SET_NO_NEW_PRIVS), C(PR_GET_NO_NEW_PRIVS),
    C(PR_GET_TID_ADDRESS), C(PR_SET_THP_DISABLE), C(PR_GET_THP_DISABLE),
    C(PR_SET_MM), C(PR_CAP_AMBIENT), C(PR_GET_SPECULATION_CTRL),
    C(PR_SET_SPECULATION_CTRL), C(PR_SET_PTRACER), {"PR_SET_VMA", 0x53564d41},
    {"PR_SET_MDWE", 65}, {"PR_GET_MDWE", 66}, {"PR_SET_SYSCALL_USER_DISPATCH", 59},
    {"PR_SCHED_CORE", 62},
    C(KEYCTL_JOIN_SESSION_KEYRING),
    C(F_SETPIPE_SZ), C(F_SETOWN), C(F_SETSIG), C(F_ADD_SEALS), C(F_NOTIFY),
    C(SCHED_OTHER), C(SCHED_BATCH), C(SCHED_IDLE), C(SCHED_FIFO), C(SCHED_RR),
    C(SECCOMP_SET_MODE_FILTER), C(SECCOMP_FILTER_FLAG_NEW_LISTENER),
    C(SIGKILL), C(SIGTERM), C(SIGSTOP), C(SIGCONT),
};
static const struct constant errors[] = {
    C(EPERM), C(ENOENT), C(EACCES), C(EINVAL), C(ENOSYS), C(EAFNOSUPPORT),
    C(EOPNOTSUPP), C(ENODEV), C(ENOTTY), C(EAGAIN), C(ENOMEM), C(EBUSY),
    C(EPROTONOSUPPORT), C(ENOTSUP),
};
#undef C
/* clang-format on */

static const struct constant *find(const struct constant *list, size_t count,
                                   struct ts_str word)
{
    for (size_t i = 0; i < count; i++) {
        if (ts_str_eq_c(word, list[i].name))
            return &list[i];
    }
    return NULL;
}

static bool number(struct ts_str w, uint64_t *ret)
{
    uint64_t base = 10, v = 0;
    size_t i = 0;

    if (w.len > 2 && w.ptr[0] == '0' && (w.ptr[1] == 'x' || w.ptr[1] == 'o')) {
        base = w.ptr[1] == 'x' ? 16 : 8;
        i = 2;
    }
    if (i == w.len || (base == 10 && w.len > 1 && w.ptr[0] == '0'))
        return false;
    for (; i < w.len; i++) {
        char c = w.ptr[i];
        uint64_t d = c >= '0' && c <= '9'   ? (uint64_t)(c - '0')
                     : c >= 'a' && c <= 'f' ? (uint64_t)(c - 'a' + 10)
                     : c >= 'A' && c <= 'F' ? (uint64_t)(c - 'A' + 10)
                                            : 99;

        if (d >= base || v > (UINT64_MAX - d) / base)
            return false;
        v = v * base + d;
    }
    *ret = v;
    return true;
}

bool sandbox_constant(struct ts_str word, uint64_t *ret)
{
    const struct constant *c =
        find(constants, sizeof(constants) / sizeof(constants[0]), word);

    if (c == NULL)
        return number(word, ret);
    *ret = c->value;
    return true;
}

const char *sandbox_constant_near(struct ts_str word)
{
    const char *best = NULL;
    uint32_t least = UINT32_MAX;

    for (size_t i = 0; i < sizeof(constants) / sizeof(constants[0]); i++) {
        if (sandbox_is_near(word, ts_str_of(constants[i].name), &least))
            best = constants[i].name;
    }
    return best;
}

bool sandbox_errno(struct ts_str word, uint32_t *ret)
{
    const struct constant *c =
        find(errors, sizeof(errors) / sizeof(errors[0]), word);
    uint64_t v = c != NULL ? c->value : 0;

    if ((c == NULL && !number(word, &v)) || v == 0 || v > 4095)
        return false;
    *ret = (uint32_t)v;
    return true;
}
