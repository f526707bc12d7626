/* Names, numbers and argument widths of system calls. */
#include "sidecar/sandbox/calls.h"

#include <stdlib.h>
#include <string.h>

#include <linux/audit.h>
#include <seccomp.h>

#include "sidecar/sandbox/sets.h"

#define CALLS_MAX 640
#define NEAR_MAX  40 /* longer names are compared no further */

/* Newer than libseccomp 2.5; the numbers are the same everywhere. Source:
 * scripts/syscall.tbl of Linux 6.17. */
static const struct {
    const char *name;
    int16_t nr;
} newer[] = {
    {"set_mempolicy_home_node", 450},
    {"cachestat", 451},
    {"fchmodat2", 452},
    {"map_shadow_stack", 453},
    {"futex_wake", 454},
    {"futex_wait", 455},
    {"futex_requeue", 456},
    {"statmount", 457},
    {"listmount", 458},
    {"lsm_get_self_attr", 459},
    {"lsm_set_self_attr", 460},
    {"lsm_list_modules", 461},
    {"mseal", 462},
    {"setxattrat", 463},
    {"getxattrat", 464},
    {"listxattrat", 465},
    {"removexattrat", 466},
    {"open_tree_attr", 467},
    {"file_getattr", 468},
    {"file_setattr", 469},
};

static const struct {
    uint32_t scmp, audit;
    const char *name;
} archs[SANDBOX_ARCHS] = {
    [SANDBOX_X86_64] = {SCMP_ARCH_X86_64, AUDIT_ARCH_X86_64, "x86-64"},
    [SANDBOX_ARM64] = {SCMP_ARCH_AARCH64, AUDIT_ARCH_AARCH64, "arm64"},
};

/* One letter an argument: i 32 bits, l 64 (pointers and sizes, too). Only calls
 * for which rules make sense. Source: SYSCALL_DEFINE of Linux 6.12. */
static const struct {
    const char *name, *bits;
} widths[] = {
    {"accept4", "illi"},
    {"add_key", "lllli"},
    {"arch_prctl", "il"},
    {"bpf", "ili"},
    {"capset", "ll"},
    {"chmod", "li"},
    {"chown", "lii"},
    {"clone", "lllll"},
    {"clone3", "ll"},
    {"connect", "ili"},
    {"creat", "li"},
    {"execve", "lll"},
    {"execveat", "illli"},
    {"fallocate", "iill"},
    {"fchmod", "ii"},
    {"fchmodat", "ili"},
    {"fchmodat2", "ilii"},
    {"fchown", "iii"},
    {"fchownat", "iliii"},
    {"fcntl", "iil"},
    {"fsopen", "li"},
    {"getrandom", "lli"},
    {"io_uring_setup", "il"},
    {"ioctl", "iil"},
    {"ioprio_set", "iii"},
    {"keyctl", "illll"},
    {"kill", "ii"},
    {"linkat", "ilili"},
    {"listen", "ii"},
    {"madvise", "lli"},
    {"membarrier", "iii"},
    {"memfd_create", "li"},
    {"mkdir", "li"},
    {"mkdirat", "ili"},
    {"mknod", "lii"},
    {"mknodat", "ilii"},
    {"mlock2", "lli"},
    {"mmap", "llllll"},
    {"mount", "lllll"},
    {"mprotect", "lll"},
    {"mremap", "lllll"},
    {"open", "lii"},
    {"openat", "ilii"},
    {"openat2", "illl"},
    {"perf_event_open", "liiil"},
    {"personality", "i"},
    {"pidfd_open", "ii"},
    {"pidfd_send_signal", "iili"},
    {"pipe2", "li"},
    {"pkey_mprotect", "llli"},
    {"prctl", "illll"},
    {"prlimit64", "iill"},
    {"process_madvise", "illli"},
    {"ptrace", "llll"},
    {"quotactl", "ilil"},
    {"recvfrom", "illill"},
    {"renameat2", "ilili"},
    {"sched_setattr", "ili"},
    {"sched_setscheduler", "iil"},
    {"seccomp", "iil"},
    {"sendmmsg", "ilii"},
    {"sendmsg", "ili"},
    {"sendto", "illili"},
    {"setfsuid", "i"},
    {"setns", "ii"},
    {"setresgid", "iii"},
    {"setresuid", "iii"},
    {"setpriority", "iii"},
    {"setsockopt", "iiili"},
    {"shmat", "ili"},
    {"shmget", "ili"},
    {"socket", "iii"},
    {"socketpair", "iiil"},
    {"splice", "ilili"},
    {"syslog", "ili"},
    {"tgkill", "iii"},
    {"timerfd_create", "ii"},
    {"umount2", "li"},
    {"unlinkat", "ili"},
    {"unshare", "l"},
    {"userfaultfd", "i"},
    {"waitid", "iilil"},
};

unsigned sandbox_arg_bits(const char *call, unsigned arg)
{
    for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++) {
        if (strcmp(widths[i].name, call) == 0)
            return arg >= strlen(widths[i].bits) ? 0
                   : widths[i].bits[arg] == 'i'  ? 32
                                                 : 64;
    }
    return 0;
}

uint32_t sandbox_arch_audit(enum sandbox_arch arch)
{
    return archs[arch].audit;
}

const char *sandbox_arch_name(enum sandbox_arch arch)
{
    return archs[arch].name;
}

enum sandbox_arch sandbox_arch_native(void)
{
#if defined(__aarch64__)
    return SANDBOX_ARM64;
#else
    return SANDBOX_X86_64;
#endif
}

/* Where the name is, or where it would be. */
static uint32_t place_of(const struct sandbox_calls *c, struct ts_str name)
{
    uint32_t low = 0, high = c->count;

    while (low < high) {
        uint32_t mid = (low + high) / 2;

        if (ts_str_cmp(ts_str_of(c->list[mid].name), name) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

int sandbox_calls_find(const struct sandbox_calls *c, struct ts_str name)
{
    uint32_t at = place_of(c, name);

    return at < c->count && ts_str_eq_c(name, c->list[at].name) ? (int)at : -1;
}

static ts_err put(struct sandbox_calls *c, const char *name,
                  enum sandbox_arch arch, int nr)
{
    uint32_t at = place_of(c, ts_str_of(name));
    struct sandbox_call_name *n = &c->list[at];

    if (at == c->count || strcmp(n->name, name) != 0) {
        if (c->count == CALLS_MAX || strlen(name) > SANDBOX_NAME_MAX)
            return TS_E_LIMIT;
        memmove(n + 1, n, (c->count - at) * sizeof(*n));
        *n = (struct sandbox_call_name){.nr = {-1, -1}};
        memcpy(n->name, name, strlen(name) + 1);
        c->count++;
    }
    if (n->nr[arch] < 0)
        n->nr[arch] = (int16_t)nr;
    return TS_OK;
}

ts_err sandbox_calls_make(struct ts_arena *arena, struct sandbox_calls *ret)
{
    struct sandbox_calls c = {0};
    void *room;
    ts_err e = ts_arena_array(arena, CALLS_MAX, sizeof(*c.list), &room);

    if (e != TS_OK)
        return e;
    c.list = room;
    for (int arch = 0; arch < SANDBOX_ARCHS; arch++) {
        for (int nr = 0; e == TS_OK && nr < SANDBOX_NR_END; nr++) {
            char *name = seccomp_syscall_resolve_num_arch(archs[arch].scmp, nr);

            if (name == NULL)
                continue;
            e = put(&c, name, (enum sandbox_arch)arch, nr);
            (free)(name); /* libseccomp made it, not ts_mem */
        }
        for (size_t i = 0; e == TS_OK && i < sizeof(newer) / sizeof(newer[0]);
             i++)
            e = put(&c, newer[i].name, (enum sandbox_arch)arch, newer[i].nr);
    }
    if (e == TS_OK)
        *ret = c;
    return e;
}

const char *sandbox_calls_name(const struct sandbox_calls *c,
                               enum sandbox_arch arch, uint32_t nr)
{
    for (uint32_t i = 0; i < c->count; i++) {
        if (c->list[i].nr[arch] >= 0 && (uint32_t)c->list[i].nr[arch] == nr)
            return c->list[i].name;
    }
    return NULL;
}

/* Levenshtein's distance, one row. */
static uint32_t distance(struct ts_str a, struct ts_str b)
{
    uint32_t row[NEAR_MAX + 1];

    if (a.len > NEAR_MAX || b.len > NEAR_MAX)
        return NEAR_MAX;
    for (uint32_t j = 0; j <= b.len; j++)
        row[j] = j;
    for (uint32_t i = 0; i < a.len; i++) {
        uint32_t corner = row[0];

        row[0] = i + 1;
        for (uint32_t j = 0; j < b.len; j++) {
            uint32_t cost = corner + (a.ptr[i] != b.ptr[j]);

            corner = row[j + 1];
            if (row[j] + 1 < cost)
                cost = row[j] + 1;
            if (corner + 1 < cost)
                cost = corner + 1;
            row[j + 1] = cost;
        }
    }
    return row[b.len];
}

bool sandbox_is_near(struct ts_str a, struct ts_str b, uint32_t *io_best)
{
    uint32_t d = distance(a, b);

    if (d > 3 || d * 3 > b.len || d >= *io_best)
        return false;
    *io_best = d;
    return true;
}

const char *sandbox_calls_near(const struct sandbox_calls *c,
                               struct ts_str name)
{
    const char *best = NULL;
    uint32_t least = UINT32_MAX;

    for (uint32_t i = 0; i < c->count; i++) {
        if (sandbox_is_near(name, ts_str_of(c->list[i].name), &least))
            best = c->list[i].name;
    }
    for (const struct sandbox_set *s = sandbox_sets; s->name != NULL; s++) {
        if (sandbox_is_near(name, ts_str_of(s->name), &least))
            best = s->name;
    }
    return best;
}
