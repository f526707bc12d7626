/*
 * The system calls of each role. Anything that is not here kills the process.
 * A line is added only with the reason why the role cannot do without, and
 * tests/unit/sidecar/confine_test.c tries both what is needed and what is not.
 */
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sidecar/common/confine/confine_priv.h"

#define SYS_VMA_NAME 0x53564d41 /* prctl that newer libcs name memory with */
#define PIDFD_INFO   0xff0b     /* type and number of PIDFD_GET_INFO */

/* Both: memory, time, sockets that exist, waiting, ending. */
static const int both[] = {
    /* memory; mmap and mprotect are below, by argument */
    SCMP_SYS(brk),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(mlock),
    SCMP_SYS(mlock2),
    SCMP_SYS(munlock),
    /* descriptors that are open already */
    SCMP_SYS(read),
    SCMP_SYS(readv),
    SCMP_SYS(write),
    SCMP_SYS(writev),
    SCMP_SYS(close),
    SCMP_SYS(fstat),
    SCMP_SYS(newfstatat),
    SCMP_SYS(lseek),
    SCMP_SYS(fcntl),
    SCMP_SYS(dup),
    SCMP_SYS(pread64),
    /* sockets: accept and talk; never make or connect one */
    SCMP_SYS(accept4),
    SCMP_SYS(recvmsg),
    SCMP_SYS(recvfrom),
    SCMP_SYS(recvmmsg),
    SCMP_SYS(sendmsg),
    SCMP_SYS(sendto),
    SCMP_SYS(shutdown),
    SCMP_SYS(getsockopt),
    SCMP_SYS(setsockopt),
    SCMP_SYS(getsockname),
    SCMP_SYS(getpeername),
    /* waiting */
    SCMP_SYS(epoll_create1),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(epoll_pwait2),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(eventfd2),
    SCMP_SYS(pipe2),
    SCMP_SYS(timerfd_create),
    SCMP_SYS(timerfd_settime),
    SCMP_SYS(timerfd_gettime),
    SCMP_SYS(signalfd4),
    SCMP_SYS(nanosleep),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(futex),
    SCMP_SYS(sched_yield),
    /* time, chance, identity */
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_getres),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    SCMP_SYS(getrandom),
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
    SCMP_SYS(getrusage),
    SCMP_SYS(uname),
    SCMP_SYS(sysinfo), /* qsort() asks how much memory there is */
    /* signals and the end; tgkill is below */
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
};

/* The recorder's files: which ones, Landlock says. */
static const int files[] = {
    SCMP_SYS(openat),       SCMP_SYS(renameat),  SCMP_SYS(renameat2),
    SCMP_SYS(unlinkat),     SCMP_SYS(fdatasync), SCMP_SYS(fsync),
    SCMP_SYS(fallocate),    SCMP_SYS(ftruncate), SCMP_SYS(pwrite64),
    SCMP_SYS(pwritev),      SCMP_SYS(pwritev2),  SCMP_SYS(sync_file_range),
    SCMP_SYS(getdents64),   SCMP_SYS(flock),     SCMP_SYS(fstatfs),
    SCMP_SYS(fchmod),       SCMP_SYS(fadvise64), SCMP_SYS(statx),
    SCMP_SYS(memfd_create), /* the replayed journal that it hands on */
};

/* The broker's network; socket() is below. It binds a datagram socket to learn
 * which addresses are its own: TCP ports are refused by Landlock. */
static const int network[] = {SCMP_SYS(connect), SCMP_SYS(bind)};

static const int enosys[] = {
    SCMP_SYS(io_uring_setup),
    SCMP_SYS(io_uring_enter),
    SCMP_SYS(io_uring_register),
};

/* Of the supervisor and, by inheritance, of every process of the service. */
static const int never[] = {
    SCMP_SYS(ptrace),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(bpf),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(userfaultfd),
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(delete_module),
    SCMP_SYS(kexec_load),
    SCMP_SYS(kexec_file_load),
    SCMP_SYS(reboot),
    SCMP_SYS(swapon),
    SCMP_SYS(swapoff),
    SCMP_SYS(acct),
    SCMP_SYS(add_key),
    SCMP_SYS(request_key),
    SCMP_SYS(open_by_handle_at),
};

static int rules(scmp_filter_ctx f, uint32_t action, const int *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int r;

        if (list[i] < 0)
            continue; /* this architecture has no such call */
        r = seccomp_rule_add(f, action, list[i], 0);
        if (r != 0)
            return r;
    }
    return 0;
}

/* No memory may be made executable. */
static int memory_rules(scmp_filter_ctx f)
{
    const struct scmp_arg_cmp no_exec =
        SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
    int r =
        seccomp_rule_add_array(f, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, &no_exec);

    if (r != 0)
        return r;
    return seccomp_rule_add_array(f, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
                                  &no_exec);
}

/* Calls of which one use is fine. */
static int argument_rules(scmp_filter_ctx f, pid_t self)
{
    const struct scmp_arg_cmp vma_name = {0, SCMP_CMP_EQ, SYS_VMA_NAME, 0};
    const struct scmp_arg_cmp me = {0, SCMP_CMP_EQ, (scmp_datum_t)self, 0};
    const struct scmp_arg_cmp io[] = {
        {1, SCMP_CMP_EQ, FIONBIO, 0},
        {1, SCMP_CMP_EQ, FIOCLEX, 0},
        {1, SCMP_CMP_EQ, FIONREAD, 0},
        {1, SCMP_CMP_MASKED_EQ, 0xffff, PIDFD_INFO},
    };
    int r = seccomp_rule_add_array(f, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1,
                                   &vma_name);

    if (r == 0) /* abort() */
        r = seccomp_rule_add_array(f, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, &me);
    for (size_t i = 0; r == 0 && i < sizeof(io) / sizeof(io[0]); i++)
        r = seccomp_rule_add_array(f, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
                                   &io[i]);
    return r;
}

/* IPv4 and IPv6, TCP and UDP, and no other kind of socket. */
static int socket_rules(scmp_filter_ctx f)
{
    static const int domains[] = {AF_INET, AF_INET6};
    static const int types[] = {SOCK_STREAM, SOCK_DGRAM};
    const unsigned flags = SOCK_CLOEXEC | SOCK_NONBLOCK;
    int r = 0;

    for (size_t i = 0; r == 0 && i < 4; i++) {
        const struct scmp_arg_cmp args[] = {
            {0, SCMP_CMP_EQ, (scmp_datum_t)domains[i / 2], 0},
            {1, SCMP_CMP_MASKED_EQ, ~(scmp_datum_t)flags,
             (scmp_datum_t)types[i % 2]}};

        r = seccomp_rule_add_array(f, SCMP_ACT_ALLOW, SCMP_SYS(socket), 2,
                                   args);
    }
    return r;
}

#define LIST(a) (a), sizeof(a) / sizeof((a)[0])

static int role_rules(scmp_filter_ctx f, enum confine_role role, pid_t self)
{
    int r;

    if (role == CONFINE_SUPERVISOR) {
        r = rules(f, SCMP_ACT_ERRNO(EPERM), LIST(never));
    } else {
        if ((r = rules(f, SCMP_ACT_ALLOW, LIST(both))) != 0 ||
            (r = memory_rules(f)) != 0 || (r = argument_rules(f, self)) != 0)
            return r;
        if (role == CONFINE_RECORDER)
            r = rules(f, SCMP_ACT_ALLOW, LIST(files));
        if (role == CONFINE_BROKER &&
            (r = rules(f, SCMP_ACT_ALLOW, LIST(network))) == 0)
            r = socket_rules(f);
    }
    return r != 0 ? r : rules(f, SCMP_ACT_ERRNO(ENOSYS), LIST(enosys));
}

ts_err confine_filter(enum confine_role role)
{
    uint32_t other =
        role == CONFINE_SUPERVISOR ? SCMP_ACT_ALLOW : SCMP_ACT_KILL_PROCESS;
    scmp_filter_ctx f = seccomp_init(other);
    int r;

    if (f == NULL)
        return TS_E_NOMEM;
    /* Calls by another architecture's numbers would pass a filter by number. */
    if ((r = seccomp_attr_set(f, SCMP_FLTATR_ACT_BADARCH,
                              SCMP_ACT_KILL_PROCESS)) == 0 &&
        (r = seccomp_attr_set(f, SCMP_FLTATR_CTL_OPTIMIZE, 2)) == 0 &&
        (r = role_rules(f, role, getpid())) == 0)
        r = seccomp_load(f);
    seccomp_release(f);
    return r == 0 ? TS_OK : ts_err_from_errno(-r);
}
