/* What later kernels added, what recent escapes from containers and browsers
 * used, and other doors to the same calls. */
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/filter.h>

#define BAD     (-1)
#define NOPTR   8 /* an address that is nobody's */
#define DONE    42
#define MESSAGE "escape"

#if defined(__x86_64__)
static struct result ended(pid_t pid)
{
    int status = 0;

    if (pid < 0)
        return stopped(errno);
    if (waitpid(pid, &status, 0) != pid)
        return unsure("no end");
    if (WIFEXITED(status) && WEXITSTATUS(status) == DONE)
        return allowed();
    return noted(stopped(0), WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS
                                 ? "the filter ended it"
                                 : "no such door");
}

/* exit(42) by the entry for 32-bit programs that Intel has. */
static struct result by_sysenter(const struct probe *p)
{
    pid_t pid = fork();

    (void)p;
    if (pid == 0) {
        __asm__ volatile("sysenter" : : "a"(1), "b"(DONE) : "memory");
        _exit(0);
    }
    return ended(pid);
}

/* A far jump to the code segment of 32-bit programs; there exit(42). */
static struct result by_far_jump(const struct probe *p)
{
    static const unsigned char code[] = {0xb8, 1,    0,   0, 0,
                                         0xbb, DONE, 0,   0, 0, /* ebx */
                                         0xcd, 0x80, 0xf4};
    unsigned char *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    pid_t pid;

    (void)p;
    if (at == MAP_FAILED)
        return stopped(errno);
    memcpy(at, code, sizeof(code));
    if (mprotect(at, 4096, PROT_READ | PROT_EXEC) != 0)
        return stopped(errno);
    pid = fork();
    if (pid == 0) {
        const struct {
            uint32_t offset;
            uint16_t segment;
        } __attribute__((packed)) to = {(uint32_t)(uintptr_t)at, 0x23};

        __asm__ volatile("ljmp *%0" : : "m"(to) : "memory");
        _exit(0);
    }
    return ended(pid);
}

/* The kernel reads 32 bits of the number: a filter must, too. */
static struct result high_number(const struct probe *p)
{
    long rc = p->nr | (long)UINT64_C(0x100000000);
    register long r10 __asm__("r10") = p->arg[3];

    __asm__ volatile("syscall"
                     : "+a"(rc)
                     : "D"(p->arg[0]), "S"(p->arg[1]), "d"(p->arg[2]), "r"(r10)
                     : "rcx", "r11", "memory");
    if (rc >= 0)
        return allowed();
    errno = (int)-rc;
    return reached(-1);
}
#else
static struct result no_door(const struct probe *p)
{
    (void)p;
    return noted(stopped(ENOSYS), "no such door on this architecture");
}
#define by_sysenter no_door
#define by_far_jump no_door
#define high_number no_door
#endif

static int pair_of(int type, int pair[2])
{
    return socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, pair);
}

static struct result raw_pair(const struct probe *p)
{
    int pair[2];

    return by(pair_of((int)p->nr, pair));
}

/* CVE-2025-38236: out of a browser's sandbox by urgent data on a pair. */
static struct result urgent(const struct probe *p)
{
    struct iovec v = {(void *)(uintptr_t)MESSAGE, 1};
    struct mmsghdr m = {.msg_hdr = {.msg_iov = &v, .msg_iovlen = 1}};
    int pair[2];

    if (pair_of(SOCK_STREAM, pair) != 0)
        return stopped(errno);
    if (p->nr == SYS_sendto)
        return by(send(pair[0], MESSAGE, 1, MSG_OOB));
    if (p->nr == SYS_sendmsg)
        return by(sendmsg(pair[0], &m.msg_hdr, MSG_OOB));
    return by(sendmmsg(pair[0], &m, 1, MSG_OOB));
}

/* A program for the kernel's compiler, by another call than bpf. */
static struct result attach_filter(const struct probe *p)
{
    struct sock_filter pass = {.code = 6 /* RET K */, .k = 0xffff};
    const struct sock_fprog prog = {1, &pass};
    int pair[2];

    if (pair_of(SOCK_STREAM, pair) != 0)
        return stopped(errno);
    return by(setsockopt(pair[0], SOL_SOCKET, (int)p->nr, &prog, sizeof(prog)));
}

static struct result own_file_request(const struct probe *p)
{
    int fd = open(scratch("request"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (fd < 0)
        return stopped(errno);
    return reached(syscall(SYS_ioctl, fd, p->nr, p->arg[0]));
}

/* Same pages of all processes become one, which its writer's time tells. */
static struct result merge_pages(const struct probe *p)
{
    void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    (void)p;
    return by(madvise(at, 4096, MADV_MERGEABLE));
}

static struct result stack_to_run(const struct probe *p)
{
    volatile char here = 0;
    uintptr_t page = (uintptr_t)&here & ~UINT64_C(4095);

    return by(mprotect((void *)page, 4096, (int)p->nr));
}

/* A copy in memory of a file's page, changed, then run. */
static struct result changed_copy(const struct probe *p)
{
    const char *path = scratch("copy");
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    volatile char *at;

    (void)p;
    if (fd < 0 || ftruncate(fd, 4096) != 0)
        return stopped(errno);
    at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    if ((const volatile void *)at == MAP_FAILED)
        return stopped(errno);
    at[0] = (char)0xc3;
    return by(mprotect((void *)(uintptr_t)at, 4096, PROT_READ | PROT_EXEC));
}

/* Its own child, which a tracer could make do what the filter forbids. */
static struct result trace_child(const struct probe *p)
{
    pid_t pid = fork();
    struct result r;

    if (pid == 0)
        for (;;)
            (void)pause();
    if (pid < 0)
        return stopped(errno);
    r = by(ptrace((enum __ptrace_request)p->nr, pid, NULL, NULL));
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
    return r;
}

static struct result pid_request(const struct probe *p)
{
    uint64_t info[16] = {7}; /* of PIDFD_GET_INFO: what is asked for */
    int fd = (int)syscall(SYS_pidfd_open, fact_number(p->text[1]), 0);

    if (fd < 0)
        return stopped(errno);
    return by(syscall(SYS_ioctl, fd, p->nr, p->arg[0] != 0 ? info : NULL));
}

static struct result cpu_trap(const struct probe *p)
{
    return by(prctl((int)p->nr, p->arg[0], p->arg[1], p->arg[2], p->arg[3]));
}

#define CALL(name, what, nr, ...)                                              \
    {                                                                          \
        name, what, call_reached, "", nr,                                      \
        {                                                                      \
            __VA_ARGS__                                                        \
        }                                                                      \
    }
#define REQUEST(name, what, nr, arg)                                           \
    {                                                                          \
        name, what, own_file_request, "", (long)(nr),                          \
        {                                                                      \
            arg                                                                \
        }                                                                      \
    }
#define ON_PID(name, what, of, nr, arg)                                        \
    {                                                                          \
        name, what, pid_request, of, (long)(nr),                               \
        {                                                                      \
            arg                                                                \
        }                                                                      \
    }

static const struct probe probes[] = {
    {"kernel.sysenter", "a 32-bit call by sysenter", by_sysenter, "", 0, {0}},
    {"kernel.far_jump",
     "a far jump to 32-bit code, and a call there",
     by_far_jump,
     "",
     0,
     {0}},
    {"kernel.number_high_bits",
     "ptrace by a number with bits above 32",
     high_number,
     "",
     SYS_ptrace,
     {PTRACE_TRACEME}},
    {"kernel.unshare_high_bits",
     "unshare by a number with bits above 32",
     high_number,
     "",
     SYS_unshare,
     {0x20000}},
    {"kernel.urgent",
     "MSG_OOB on a pair (CVE-2025-38236)",
     urgent,
     "",
     SYS_sendto,
     {0}},
    {"kernel.urgent_msg", "the same by sendmsg", urgent, "", SYS_sendmsg, {0}},
    {"kernel.urgent_mmsg",
     "the same by sendmmsg",
     urgent,
     "",
     SYS_sendmmsg,
     {0}},
    {"kernel.socket_filter",
     "SO_ATTACH_FILTER on a pair",
     attach_filter,
     "",
     SO_ATTACH_FILTER,
     {0}},
    {"unix.pair_raw",
     "a pair of type raw, which is one for datagrams",
     raw_pair,
     "",
     SOCK_RAW,
     {0}},
    CALL("kernel.getxattrat", "getxattrat", 464, BAD, NOPTR, 0, NOPTR, NOPTR),
    CALL("kernel.listxattrat", "listxattrat", 465, BAD, NOPTR, 0, NOPTR, 8),
    CALL("kernel.removexattrat", "removexattrat", 466, BAD, NOPTR, 0, NOPTR),
    CALL("kernel.file_getattr", "file_getattr", 468, BAD, NOPTR, NOPTR, 24, 0),
    CALL("namespace.open_tree_attr", "open_tree_attr", 467, BAD, NOPTR, 0,
         NOPTR, 32),
    CALL("namespace.listns", "list the namespaces of the host", 470, NOPTR,
         NOPTR, 8, 0),
    CALL("kernel.cachestat", "cachestat: who read what of a file", 451, 0,
         NOPTR, NOPTR, 0),
    CALL("kernel.lsm_get", "lsm_get_self_attr", 459, 100, 0, NOPTR, 0),
    CALL("kernel.lsm_set", "lsm_set_self_attr (CVE-2025-52881)", 460, 100,
         NOPTR, 8, 0),
    CALL("kernel.futex_requeue", "futex_requeue of futex2", 456, NOPTR, 0, 0,
         0),
    CALL("kernel.home_node", "set_mempolicy_home_node", 450, 0, 0, 99, 0),
    CALL("kernel.fanotify_mark", "fanotify_mark", SYS_fanotify_mark, BAD, 1, 0,
         BAD, NOPTR),
    CALL("kernel.io_setup_enter", "io_getevents of old asynchronous input",
         SYS_io_getevents, 0, 0, 0, NOPTR, 0),
    CALL("kernel.pkey_alloc", "protection keys", SYS_pkey_alloc, 0, 99),
    CALL("kernel.get_mempolicy", "get_mempolicy", SYS_get_mempolicy, NOPTR, 0,
         0, 0, 0),
    REQUEST("write.thaw", "FITHAW: a frozen file system goes on", FITHAW,
            NOPTR),
    REQUEST("kernel.trim", "FITRIM of the disk", FITRIM, NOPTR),
    REQUEST("kernel.dedupe", "FIDEDUPERANGE", FIDEDUPERANGE, NOPTR),
    REQUEST("kernel.clone_range", "FICLONERANGE", FICLONERANGE, NOPTR),
    REQUEST("kernel.fiemap", "FS_IOC_FIEMAP: where a file lies on the disk",
            FS_IOC_FIEMAP, NOPTR),
    REQUEST("kernel.fibmap", "FIBMAP", FIBMAP, NOPTR),
    REQUEST("write.fsxattr", "FS_IOC_FSSETXATTR: project and flags",
            FS_IOC_FSSETXATTR, NOPTR),
    REQUEST("kernel.verity", "FS_IOC_ENABLE_VERITY", 0x40806685, NOPTR),
    REQUEST("kernel.disk_request", "BLKROSET", 0x125d, NOPTR),
    ON_PID("namespace.pidfd_mounts", "the victim's mounts by ioctl of a pidfd",
           "@P", 0xff03, 0),
    ON_PID("namespace.pidfd_net", "its network, the same", "@P", 0xff04, 0),
    ON_PID("namespace.pidfd_launcher", "the launcher's mounts, the same", "@L",
           0xff03, 0),
    ON_PID("process.pidfd_info", "who the victim is, by ioctl of a pidfd", "@P",
           0xc040ff0b, 1),
    {"process.trace_child",
     "PTRACE_SEIZE of an own child",
     trace_child,
     "",
     PTRACE_SEIZE,
     {0}},
    {"memory.merge", "MADV_MERGEABLE", merge_pages, "", 0, {0}},
    {"memory.stack",
     "run the stack",
     stack_to_run,
     "",
     PROT_READ | PROT_WRITE | PROT_EXEC,
     {0}},
    {"memory.changed_copy",
     "a file's private copy, changed, then run",
     changed_copy,
     "",
     0,
     {0}},
    {"memory.merge_all", "PR_SET_MEMORY_MERGE", cpu_trap, "", 67, {1, 0, 0, 0}},
    {"kernel.tsc",
     "PR_SET_TSC: the clock of the processor traps",
     cpu_trap,
     "",
     PR_SET_TSC,
     {PR_TSC_ENABLE, 0, 0, 0}},
};

const struct area area_recent = {probes, sizeof(probes) / sizeof(probes[0])};
