#include "sidecar/launcher/canary/asked.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>

#define SOME_PID   1000
#define SOME_PLACE 4096 /* any address but NULL */
#define AT_CWD     ((uint64_t)(int64_t)AT_FDCWD)

/* The calls of canary.c, in the words of the model. */
static const struct asked {
    enum canary_bit bit;
    const char *call;
    bool is_filters; /* it is the filter alone that must stop it */
    uint64_t args[SANDBOX_ARGS];
} asked[] = {
    {CANARY_BIT_SOCKET_INET, "socket", true, {AF_INET, SOCK_STREAM}},
    {CANARY_BIT_SOCKET_UNIX, "socket", true, {AF_UNIX, SOCK_STREAM}},
    {CANARY_BIT_SOCKET_NETLINK, "socket", true, {AF_NETLINK, SOCK_RAW}},
    {CANARY_BIT_REACH_NETWORK, "socket", false, {AF_INET, SOCK_DGRAM}},
    {CANARY_BIT_REACH_NETWORK, "connect", false, {3, SOME_PLACE, 16}},
    {CANARY_BIT_SIGNAL, "kill", false, {SOME_PID, 0}},
    {CANARY_BIT_TRACE, "ptrace", true, {PTRACE_ATTACH, SOME_PID}},
    {CANARY_BIT_FOREIGN_MEMORY,
     "process_vm_readv",
     true,
     {SOME_PID, SOME_PLACE, 1, SOME_PLACE, 1, 0}},
    {CANARY_BIT_MOUNT,
     "mount",
     true,
     {SOME_PLACE, SOME_PLACE, SOME_PLACE, 0, 0}},
    {CANARY_BIT_USER_NS, "unshare", true, {CLONE_NEWUSER}},
    {CANARY_BIT_CLONE3, "clone3", true, {0, 0}},
    {CANARY_BIT_SET_UID, "setresuid", true, {SOME_PID, SOME_PID, SOME_PID}},
    {CANARY_BIT_RAISE_LIMIT,
     "prlimit64",
     true,
     {0, RLIMIT_MSGQUEUE, SOME_PLACE, 0}},
    {CANARY_BIT_SET_ID_BIT, "fchmodat", true, {AT_CWD, SOME_PLACE, 04755}},
    {CANARY_BIT_NEW_PRIVS, "prctl", false, {PR_GET_NO_NEW_PRIVS}},
    {CANARY_BIT_CAPABILITY, "capget", false, {SOME_PLACE, SOME_PLACE}},
    {CANARY_BIT_STAT_OUTSIDE,
     "newfstatat",
     false,
     {AT_CWD, SOME_PLACE, SOME_PLACE}},
    {CANARY_BIT_MEMFD, "memfd_create", true, {SOME_PLACE, 1}},
    {CANARY_BIT_WX_MEMORY,
     "mmap",
     false,
     {0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
      UINT64_MAX}},
    {CANARY_BIT_BPF, "bpf", true, {0, 0, 0}},
    {CANARY_BIT_IO_URING, "io_uring_setup", true, {0, 0}},
    {CANARY_BIT_USERFAULTFD, "userfaultfd", true, {UINT64_MAX}},
    {CANARY_BIT_KEYRING, "keyctl", true, {0, (uint64_t)-3}},
    {CANARY_BIT_PERF,
     "perf_event_open",
     true,
     {SOME_PLACE, 0, UINT64_MAX, UINT64_MAX, 0}},
};

/* A descriptor came back, or not: any errno is a refusal. */
static bool makes_descriptor(enum canary_bit bit)
{
    const uint64_t those = CANARY(SOCKET_INET) | CANARY(SOCKET_UNIX) |
                           CANARY(SOCKET_NETLINK) | CANARY(MEMFD) |
                           CANARY(PERF);

    return (those >> bit & 1) != 0;
}

static bool looks_refused(enum canary_bit bit, uint32_t action)
{
    if (bit == CANARY_BIT_CLONE3) /* a C library must take the older way */
        return action == SANDBOX_ABSENT;
    if (makes_descriptor(bit))
        return action != SANDBOX_ALLOW;
    return action == SANDBOX_ABSENT || action == SANDBOX_ERRNO(EPERM) ||
           action == SANDBOX_ERRNO(EACCES);
}

static void ask(const struct asked *a, const struct sandbox_profile *p,
                const struct sandbox_model *m, struct canary_asked *io)
{
    int i = sandbox_calls_find(&p->calls, ts_str_of(a->call));
    int nr = i < 0 ? -1 : p->calls.list[i].nr[m->arch];
    uint64_t bit = UINT64_C(1) << a->bit;
    uint32_t action;

    if (nr < 0)
        return; /* not here: it cannot be made */
    action = sandbox_model_eval(m, sandbox_arch_audit(m->arch), (uint32_t)nr,
                                a->args);
    if (action == SANDBOX_KILL)
        io->skips |= bit;
    else if (a->is_filters && !looks_refused(a->bit, action))
        io->gives |= bit;
}

ts_err canary_ask(const struct sandbox_profile *p, bool strict,
                  struct canary_asked *ret)
{
    struct canary_asked all = {0, 0};
    struct sandbox_model m;
    struct ts_arena a;
    ts_err e;

    ts_arena_init(&a, SANDBOX_ARENA_BYTES);
    e = strict ? sandbox_profile_strict(p, sandbox_arch_native(), &a, &m)
               : sandbox_profile_model(p, sandbox_arch_native(), &a, &m);
    if (e == TS_OK) {
        for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++)
            ask(&asked[i], p, &m, &all);
        *ret = all;
    }
    ts_arena_done(&a);
    return e;
}
