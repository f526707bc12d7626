/* Surface of the kernel: calls whose code a tool has no business to reach.
 * Each has arguments that fail after the question of right. */
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define BAD   (-1)
#define NOPTR 8 /* an address that is nobody's */

static struct result bpf_map(const struct probe *p)
{
    union bpf_attr a;

    (void)p;
    memset(&a, 0, sizeof(a));
    a.map_type = BPF_MAP_TYPE_ARRAY;
    a.key_size = 4;
    a.value_size = 4;
    a.max_entries = 1;
    return reached(syscall(SYS_bpf, BPF_MAP_CREATE, &a, sizeof(a)));
}

static struct result perf(const struct probe *p)
{
    struct perf_event_attr a = {.type = PERF_TYPE_SOFTWARE,
                                .size = sizeof(a),
                                .config = PERF_COUNT_SW_TASK_CLOCK,
                                .exclude_kernel = 1,
                                .exclude_hv = 1,
                                .disabled = 1};

    (void)p;
    return reached(syscall(SYS_perf_event_open, &a, 0, -1, -1, 0));
}

static struct result uring(const struct probe *p)
{
    char params[120] = {0};

    (void)p;
    return reached(syscall(425, 1, params));
}

static struct result memfd(const struct probe *p)
{
    return reached(syscall(SYS_memfd_create, "escape", p->arg[0]));
}

static struct result splice_user(const struct probe *p)
{
    int pair[2];

    (void)p;
    if (pipe2(pair, O_CLOEXEC) != 0)
        return unsure("no pipe");
    return reached(syscall(SYS_vmsplice, pair[1], NULL, 0, 0));
}

static struct result set_clock(const struct probe *p)
{
    const struct timespec bad = {.tv_sec = 0, .tv_nsec = 2000000000};

    return reached(syscall(p->nr, CLOCK_REALTIME, &bad));
}

static struct result list_mounts(const struct probe *p)
{
    struct {
        uint32_t size, spare;
        uint64_t mnt_id, param;
    } req = {24, 0, UINT64_MAX, 0};
    uint64_t ids[16];

    (void)p;
    return reached(syscall(458, &req, ids, 16, 0));
}

static struct result other_filter(const struct probe *p)
{
    /* NULL program: EFAULT once it is taken seriously */
    return reached(
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, p->arg[0], NULL));
}

#if defined(__x86_64__)
static struct result int80(const struct probe *p)
{
    long rc = p->nr;

    __asm__ volatile("int $0x80"
                     : "+a"(rc)
                     : "b"(p->arg[0]), "c"(p->arg[1])
                     : "memory", "r8", "r9", "r10", "r11");
    if (rc < 0) {
        errno = (int)-rc;
        return reached(-1);
    }
    return allowed();
}

#define X32 0x40000000
#else
static struct result int80(const struct probe *p)
{
    (void)p;
    return noted(stopped(ENOSYS), "no 32-bit door on this architecture");
}

#define X32 0x40000000
#endif

static const struct probe probes[] = {
    {"kernel.bpf", "make a BPF map", bpf_map, "", 0, {0}},
    {"kernel.bpf_program",
     "load a BPF program",
     call_reached,
     "",
     SYS_bpf,
     {BPF_PROG_LOAD, NOPTR, 64}},
    {"kernel.perf", "perf_event_open on itself", perf, "", 0, {0}},
    {"kernel.userfaultfd",
     "userfaultfd",
     call_reached,
     "",
     SYS_userfaultfd,
     {1 /* user mode only */}},
    {"kernel.io_uring", "io_uring_setup", uring, "", 0, {0}},
    {"kernel.io_uring_enter",
     "io_uring_enter",
     call_reached,
     "",
     426,
     {BAD, 0, 0, 0}},
    {"kernel.io_uring_register",
     "io_uring_register",
     call_reached,
     "",
     427,
     {BAD, 0, 0, 0}},
    {"kernel.memfd", "memfd_create", memfd, "", 0, {0}},
    {"kernel.memfd_huge", "memfd_create with huge pages", memfd, "", 0, {4}},
    {"kernel.memfd_secret", "memfd_secret", call_reached, "", 447, {0}},
    {"kernel.vmsplice", "vmsplice", splice_user, "", 0, {0}},
    {"kernel.fanotify",
     "fanotify_init",
     call_reached,
     "",
     SYS_fanotify_init,
     {0x200 /* FAN_REPORT_FID */, O_RDONLY}},
    {"kernel.syslog",
     "size of the kernel's log",
     call_reached,
     "",
     SYS_syslog,
     {10, 0, 0}},
    {"kernel.personality",
     "switch address randomisation off",
     call_reached,
     "",
     SYS_personality,
     {ADDR_NO_RANDOMIZE}},
    {"kernel.personality_exec",
     "personality READ_IMPLIES_EXEC",
     call_reached,
     "",
     SYS_personality,
     {READ_IMPLIES_EXEC}},
#if defined(__x86_64__)
    {"kernel.modify_ldt",
     "modify_ldt",
     call_reached,
     "",
     SYS_modify_ldt,
     {1, 0, 0}},
    {"kernel.iopl", "iopl", call_reached, "", SYS_iopl, {0}},
    {"kernel.ioperm", "ioperm", call_reached, "", SYS_ioperm, {0, 1, 1}},
    {"kernel.uselib", "uselib", call_reached, "", SYS_uselib, {NOPTR}},
    {"kernel.sysfs_call", "sysfs(2)", call_reached, "", SYS_sysfs, {3}},
    {"kernel.arch_cpuid",
     "arch_prctl: fault on cpuid",
     call_reached,
     "",
     SYS_arch_prctl,
     {0x1012, 1}},
#endif
    {"kernel.quotactl",
     "quotactl",
     call_reached,
     "",
     SYS_quotactl,
     {BAD, NOPTR, 0, 0}},
    {"kernel.quotactl_fd",
     "quotactl_fd",
     call_reached,
     "",
     443,
     {BAD, 0x800007, 0, 0}},
    {"kernel.kexec",
     "kexec_load",
     call_reached,
     "",
     SYS_kexec_load,
     {0, 17, 0, 0}},
    {"kernel.kexec_file",
     "kexec_file_load",
     call_reached,
     "",
     SYS_kexec_file_load,
     {BAD, BAD, 0, 0, BAD}},
    {"kernel.init_module",
     "init_module",
     call_reached,
     "",
     SYS_init_module,
     {NOPTR, 64, NOPTR}},
    {"kernel.finit_module",
     "finit_module",
     call_reached,
     "",
     SYS_finit_module,
     {BAD, NOPTR, BAD}},
    {"kernel.delete_module",
     "delete_module",
     call_reached,
     "",
     SYS_delete_module,
     {NOPTR, 0}},
    {"kernel.reboot",
     "reboot with wrong magic numbers",
     call_reached,
     "",
     SYS_reboot,
     {1, 2, 3, 0}},
    {"kernel.swapon", "swapon", call_reached, "", SYS_swapon, {NOPTR, BAD}},
    {"kernel.swapoff", "swapoff", call_reached, "", SYS_swapoff, {NOPTR}},
    {"kernel.acct", "acct", call_reached, "", SYS_acct, {NOPTR}},
    {"kernel.settime",
     "clock_settime with an invalid time",
     set_clock,
     "",
     SYS_clock_settime,
     {0}},
    {"kernel.settimeofday",
     "settimeofday with a bad pointer",
     call_reached,
     "",
     SYS_settimeofday,
     {NOPTR, 0}},
    {"kernel.adjtime",
     "clock_adjtime with a bad pointer",
     call_reached,
     "",
     SYS_clock_adjtime,
     {CLOCK_REALTIME, NOPTR}},
    {"kernel.sethostname",
     "sethostname with a wrong length",
     call_reached,
     "",
     SYS_sethostname,
     {NOPTR, BAD}},
    {"kernel.setdomainname",
     "setdomainname with a wrong length",
     call_reached,
     "",
     SYS_setdomainname,
     {NOPTR, BAD}},
    {"kernel.lookup_dcookie",
     "lookup_dcookie",
     call_reached,
     "",
     SYS_lookup_dcookie,
     {0, NOPTR, 0}},
    {"kernel.ptrace_me",
     "ask to be traced",
     call_reached,
     "",
     SYS_ptrace,
     {PTRACE_TRACEME, 0, 0, 0}},
    {"kernel.mbind",
     "mbind",
     call_reached,
     "",
     SYS_mbind,
     {0, 0, 0, 0, 0, 0xff}},
    {"kernel.set_mempolicy",
     "set_mempolicy",
     call_reached,
     "",
     SYS_set_mempolicy,
     {BAD, 0, 0}},
    {"kernel.remap_file_pages",
     "remap_file_pages",
     call_reached,
     "",
     SYS_remap_file_pages,
     {NOPTR, 1, 0, 0, 0}},
    {"kernel.listmount",
     "list the mounts of the namespace",
     list_mounts,
     "",
     0,
     {0}},
    {"kernel.statmount",
     "statmount",
     call_reached,
     "",
     457,
     {NOPTR, NOPTR, 8, 0}},
    {"kernel.lsm_modules",
     "list the security modules",
     call_reached,
     "",
     461,
     {NOPTR, NOPTR, 0}},
    {"kernel.shadow_stack",
     "map_shadow_stack",
     call_reached,
     "",
     453,
     {1, 0, 0xff}},
    {"kernel.setxattrat",
     "setxattrat",
     call_reached,
     "",
     463,
     {BAD, NOPTR, 0, NOPTR, NOPTR, 0}},
    {"kernel.file_setattr",
     "file_setattr",
     call_reached,
     "",
     469,
     {BAD, NOPTR, NOPTR, 0, 0}},
    {"kernel.unknown", "a number that is no call", call_reached, "", 999, {0}},
    {"kernel.aio", "io_setup", call_reached, "", SYS_io_setup, {0, NOPTR}},
    {"kernel.notify",
     "a filter with a listener",
     other_filter,
     "",
     0,
     {SECCOMP_FILTER_FLAG_NEW_LISTENER}},
    {"kernel.set_mm",
     "prctl PR_SET_MM",
     call_reached,
     "",
     SYS_prctl,
     {PR_SET_MM, PR_SET_MM_BRK, 0, 0, 0}},
    {"kernel.dispatch",
     "prctl PR_SET_SYSCALL_USER_DISPATCH",
     call_reached,
     "",
     SYS_prctl,
     {59, 1, BAD, 0, 0}},
    {"kernel.speculation",
     "prctl PR_SET_SPECULATION_CTRL",
     call_reached,
     "",
     SYS_prctl,
     {53, 0, 99, 0, 0}},
    {"kernel.core_scheduling",
     "prctl PR_SCHED_CORE",
     call_reached,
     "",
     SYS_prctl,
     {62, 99, 0, 0, 0}},
    {"kernel.mce",
     "prctl PR_MCE_KILL",
     call_reached,
     "",
     SYS_prctl,
     {33, 99, 0, 0, 0}},
    {"kernel.int80_getpid", "getpid by int 0x80", int80, "", 20, {0}},
    {"kernel.int80_socket", "socketcall by int 0x80", int80, "", 102, {1, 0}},
    {"kernel.int80_vm86", "vm86 by int 0x80", int80, "", 113, {0}},
    {"kernel.x32",
     "getpid by the x32 door",
     call_reached,
     "",
     X32 | SYS_getpid,
     {0}},
    {"kernel.x32_ptrace",
     "ptrace by the x32 door",
     call_reached,
     "",
     X32 | 521,
     {0}},
};

const struct area area_kernel = {probes, sizeof(probes) / sizeof(probes[0])};
