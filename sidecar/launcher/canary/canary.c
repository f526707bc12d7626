/*
 * tipstaff-canary: goes into every box first and says what it could do there.
 * Without a C library: it starts in the time of the box itself, and what it
 * does is what stands here. The launcher judges (verdicts.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/netlink.h>
#include <linux/perf_event.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "sidecar/launcher/canary/probes.h"
#include "sidecar/launcher/layers/raw.h"

#define HIGHEST_FD    64
#define NOT_A_PID     0x3fffffff
#define O_TMPFILE_RAW (020000000 | O_DIRECTORY)

struct world {
    const char *folder;
    long uid, pid;
    uint64_t skip;
    char *const *env;
};

static bool is_denied(long rc)
{
    return rc == -EPERM || rc == -EACCES || rc == -ENOSYS;
}

static void shut(long fd)
{
    if (fd >= 0)
        (void)raw_call3(SYS_close, fd, 0, 0);
}

static bool opens(const char *path, long flags)
{
    long fd = raw_call6(SYS_openat, AT_FDCWD, raw_ptr(path), flags | O_CLOEXEC,
                        0600, 0, 0);

    shut(fd);
    return fd >= 0;
}

static bool makes_socket(long family, long kind)
{
    long fd = raw_call3(SYS_socket, family, kind, 0);

    shut(fd);
    return fd >= 0;
}

/* TEST-NET-3, port 9 (RFC 5737): with a route it leaves, without one it does
 * not; nobody is there. Connecting a datagram socket sends nothing. */
static bool reaches_network(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = 0x0900,
                             .sin_addr.s_addr = 0x017100cb};
    long fd = raw_call3(SYS_socket, AF_INET, SOCK_DGRAM, 0);
    long rc = fd < 0
                  ? fd
                  : raw_call3(SYS_connect, fd, raw_ptr(&to), (long)sizeof(to));

    shut(fd);
    return rc >= 0;
}

static bool reads_foreign_memory(long pid)
{
    char byte = 0;
    struct iovec to = {&byte, 1}, from = {NULL, 1};
    long rc = raw_call6(SYS_process_vm_readv, pid, raw_ptr(&to), 1,
                        raw_ptr(&from), 1, 0);

    return !is_denied(rc) && rc != -ESRCH; /* EFAULT: it was looked at */
}

static char *put_text(char *p, const char *text)
{
    while (*text != '\0')
        *p++ = *text++;
    return p;
}

static char *put_number(char *p, long n)
{
    char digits[20];
    size_t count = 0;

    do
        digits[count++] = (char)('0' + n % 10);
    while ((n /= 10) > 0);
    while (count > 0)
        *p++ = digits[--count];
    return p;
}

static bool sees_foreign_proc(long pid)
{
    char path[64];

    *put_text(put_number(put_text(path, "/proc/"), pid), "/stat") = '\0';
    return opens(path, O_RDONLY);
}

static bool has_capability(void)
{
    struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct d[2] = {{0, 0, 0}, {0, 0, 0}};

    if (raw_call3(SYS_capget, raw_ptr(&h), raw_ptr(d), 0) < 0)
        return true; /* not known is not good */
    return (d[0].effective | d[1].effective | d[0].permitted | d[1].permitted |
            d[0].inheritable | d[1].inheritable) != 0;
}

static bool has_descriptor(void)
{
    for (long fd = 3; fd < HIGHEST_FD; fd++) {
        if (raw_call3(SYS_fcntl, fd, F_GETFD, 0) >= 0)
            return true;
    }
    return false;
}

static bool begins(const char *s, const char *with)
{
    while (*with != '\0') {
        if (*s++ != *with++)
            return false;
    }
    return true;
}

static bool has_variable(char *const *env)
{
    static const char *const given[] = {"PATH=", "LANG=", "HOME=/nonexistent",
                                        "TMPDIR=", "TIPSTAFF_DECISION="};

    for (; *env != NULL; env++) {
        bool known = false;

        for (size_t i = 0; i < sizeof(given) / sizeof(given[0]); i++)
            known = known || begins(*env, given[i]);
        if (!known)
            return true;
    }
    return false;
}

static bool maps_wx(void)
{
    long at = raw_call6(SYS_mmap, 0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (at < 0 && at > -4096)
        return false;
    (void)raw_call3(SYS_munmap, at, 4096, 0);
    return true;
}

static bool opens_perf(void)
{
    struct perf_event_attr a = {.type = PERF_TYPE_SOFTWARE, .size = sizeof(a)};
    long fd = raw_call6(SYS_perf_event_open, raw_ptr(&a), 0, -1, -1, 0, 0);

    shut(fd);
    return fd >= 0;
}

/* What is skipped is not even tried. */
#define TRY(w, id, could)                                                      \
    (((w)->skip & CANARY(id)) == 0 && (could) ? CANARY(id) : UINT64_C(0))

static long stat_of(const char *path)
{
    struct stat st;

    return raw_call6(SYS_newfstatat, AT_FDCWD, raw_ptr(path), raw_ptr(&st), 0,
                     0, 0);
}

static uint64_t try_files(const struct world *w)
{
    return TRY(w, READ_OUTSIDE, opens(w->folder, O_RDONLY | O_DIRECTORY)) |
           TRY(w, WRITE_OUTSIDE, opens("/tmp", O_RDWR | O_TMPFILE_RAW)) |
           TRY(w, STAT_OUTSIDE, stat_of(w->folder) >= 0) |
           TRY(w, TERMINAL, opens("/dev/tty", O_RDWR)) |
           TRY(w, SET_ID_BIT,
               !is_denied(raw_call6(SYS_fchmodat, AT_FDCWD,
                                    raw_ptr("/nonexistent/canary"), 04755, 0, 0,
                                    0))) |
           TRY(w, DESCRIPTOR, has_descriptor()) |
           TRY(w, CHANGE_MODE, raw_call3(SYS_fchmod, 1, 0600, 0) >= 0) |
           TRY(w, ENVIRONMENT, has_variable(w->env));
}

static uint64_t try_network(const struct world *w)
{
    return TRY(w, SOCKET_INET, makes_socket(AF_INET, SOCK_STREAM)) |
           TRY(w, SOCKET_UNIX, makes_socket(AF_UNIX, SOCK_STREAM)) |
           TRY(w, SOCKET_NETLINK, makes_socket(AF_NETLINK, SOCK_RAW)) |
           TRY(w, REACH_NETWORK, reaches_network());
}

/* To those that it has: nothing changes. */
static bool sets_processors(long pid)
{
    unsigned long mask[128];
    long n = raw_call3(SYS_sched_getaffinity, pid, (long)sizeof(mask),
                       raw_ptr(mask));

    return n > 0 &&
           raw_call3(SYS_sched_setaffinity, pid, n, raw_ptr(mask)) >= 0;
}

static uint64_t try_processes(const struct world *w)
{
    /* in a pid namespace of its own the same number may be its own */
    bool is_other = raw_call3(SYS_getpid, 0, 0, 0) != w->pid;

    return TRY(w, SIGNAL, is_other && raw_call3(SYS_kill, w->pid, 0, 0) >= 0) |
           TRY(w, TRACE,
               !is_denied(raw_call6(SYS_ptrace, PTRACE_ATTACH, NOT_A_PID, 0, 0,
                                    0, 0))) |
           TRY(w, FOREIGN_MEMORY, is_other && reads_foreign_memory(w->pid)) |
           TRY(w, FOREIGN_PROC, is_other && sees_foreign_proc(w->pid)) |
           TRY(w, FOREIGN_CPUS, is_other && sets_processors(w->pid)) |
           TRY(w, CLONE3, raw_call3(SYS_clone3, 0, 0, 0) != -ENOSYS);
}

static uint64_t try_privileges(const struct world *w)
{
    struct rlimit64 {
        uint64_t soft, hard;
    } none = {0, 0};
    long uid = raw_call3(SYS_getuid, 0, 0, 0);

    return TRY(w, MOUNT,
               !is_denied(raw_call6(SYS_mount, raw_ptr("none"),
                                    raw_ptr("/nonexistent/canary"),
                                    raw_ptr("none"), 0, 0, 0))) |
           TRY(w, USER_NS,
               !is_denied(raw_call3(SYS_unshare, CLONE_NEWUSER, 0, 0))) |
           TRY(w, SET_UID,
               !is_denied(raw_call3(SYS_setresuid, uid, uid, uid))) |
           TRY(w, RAISE_LIMIT,
               !is_denied(raw_call6(SYS_prlimit64, 0, RLIMIT_MSGQUEUE,
                                    raw_ptr(&none), 0, 0, 0))) |
           TRY(w, NEW_PRIVS,
               raw_call6(SYS_prctl, PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0, 0) != 1) |
           TRY(w, CAPABILITY, has_capability()) | TRY(w, IS_ROOT, uid == 0) |
           TRY(w, SHARED_UID, uid == w->uid);
}

static bool makes_memfd(void)
{
    long fd = raw_call3(SYS_memfd_create, raw_ptr("canary"), 1, 0);

    shut(fd);
    return fd >= 0;
}

static uint64_t try_kernel(const struct world *w)
{
    return TRY(w, MEMFD, makes_memfd()) | TRY(w, WX_MEMORY, maps_wx()) |
           TRY(w, BPF, !is_denied(raw_call3(SYS_bpf, 0, 0, 0))) |
           TRY(w, IO_URING,
               !is_denied(raw_call3(SYS_io_uring_setup, 0, 0, 0))) |
           TRY(w, USERFAULTFD,
               !is_denied(raw_call3(SYS_userfaultfd, -1, 0, 0))) |
           TRY(w, KEYRING,
               !is_denied(raw_call6(SYS_keyctl, 0, -3, 0, 0, 0, 0))) |
           TRY(w, PERF, opens_perf());
}

static long number(const char *s)
{
    long n = 0;

    while (*s >= '0' && *s <= '9')
        n = n * 10 + (*s++ - '0');
    return n;
}

static long run(int argc, char *const *argv)
{
    static const char digit[] = "0123456789abcdef";
    char out[CANARY_DIGITS];
    struct world w;
    uint64_t could;

    if (argc != 5)
        return 64;
    w = (struct world){.folder = argv[1],
                       .uid = number(argv[2]),
                       .pid = number(argv[3]),
                       .skip = (uint64_t)number(argv[4]),
                       .env = argv + argc + 1};
    could = try_files(&w) | try_network(&w) | try_processes(&w) |
            try_privileges(&w) | try_kernel(&w);
    for (int i = 0; i < CANARY_DIGITS; i++)
        out[i] = digit[could >> (60 - 4 * i) & 15];
    return raw_call3(SYS_write, 1, raw_ptr(out), CANARY_DIGITS) == CANARY_DIGITS
               ? 0
               : 1;
}

/* The kernel hands over argc, argv and the environment on the stack. */
__attribute__((used, noreturn)) void canary_main(const long *stack);
void canary_main(const long *stack)
{
    long status = run((int)stack[0], (char *const *)(stack + 1));

    for (;;)
        (void)raw_call3(SYS_exit_group, status, 0, 0);
}

/* A compiler may call it for a variable that begins with zeros. volatile: or
 * it finds a memset() in the loop, too. */
void *memset(void *to, int byte, size_t len);
void *memset(void *to, int byte, size_t len)
{
    volatile unsigned char *p = to;

    for (size_t i = 0; i < len; i++)
        p[i] = (unsigned char)byte;
    return to;
}

#if defined(__x86_64__)
__asm__(".globl _start\n_start:\n\txor %ebp, %ebp\n\tmov %rsp, %rdi\n"
        "\tand $-16, %rsp\n\tcall canary_main\n");
#elif defined(__aarch64__)
__asm__(".globl _start\n_start:\n\tmov x29, #0\n\tmov x30, #0\n"
        "\tmov x0, sp\n\tbl canary_main\n");
#endif
