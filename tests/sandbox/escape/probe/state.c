/* What the kernel keeps of a process beside its memory: limits, scheduling,
 * groups, clocks; of the victim and of the launcher. */
#include "probe.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static struct result limit_of(const struct probe *p)
{
    struct rlimit now = {0};
    long pid = strtol(expand(p->text), NULL, 10);
    struct result r =
        by(syscall(SYS_prlimit64, pid, RLIMIT_NOFILE, NULL, &now));

    if (p->nr == 0 || r.verdict != ALLOWED)
        return r;
    now.rlim_cur = 777; /* the judge looks for it */
    return by(syscall(SYS_prlimit64, pid, RLIMIT_NOFILE, &now, NULL));
}

static struct result affinity_of(const struct probe *p)
{
    unsigned long mask[16] = {0};
    long pid = fact_number('P');
    long rc = syscall(SYS_sched_getaffinity, pid, sizeof(mask), mask);

    if (p->nr == SYS_sched_setaffinity && rc > 0)
        rc = syscall(SYS_sched_setaffinity, pid, sizeof(mask), mask);
    return by(rc);
}

static struct result scheduler_of(const struct probe *p)
{
    const int zero = 0;

    (void)p;
    return by(syscall(SYS_sched_setscheduler, fact_number('P'), 0, &zero));
}

static struct result capabilities_of(const struct probe *p)
{
    struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3,
                                         (int)fact_number('P')};
    struct __user_cap_data_struct d[2];

    (void)p;
    return by(syscall(SYS_capget, &h, d));
}

/* Its CPU time, by a clock that is made from its number. */
static struct result cpu_clock(const struct probe *p)
{
    struct timespec t;

    (void)p;
    return by(syscall(SYS_clock_gettime, (~fact_number('P') << 3) | 2, &t));
}

#define ON(name, what, nr, ...)                                                \
    {                                                                          \
        "process." name, what, call_on_fact, "@P", nr,                         \
        {                                                                      \
            0, __VA_ARGS__                                                     \
        }                                                                      \
    }

static const struct probe probes[] = {
    {"process.limit_read", "read the victim's limits", limit_of, "@P", 0, {0}},
    {"process.limit_set", "set the victim's limits", limit_of, "@P", 1, {0}},
    {"process.limit_launcher",
     "read the launcher's limits",
     limit_of,
     "@L",
     0,
     {0}},
    ON("getpgid", "learn the victim's process group", SYS_getpgid, 0),
    ON("getsid", "learn the victim's session", SYS_getsid, 0),
    {"process.setpgid",
     "move the victim to a process group",
     call_on_fact,
     "@P",
     SYS_setpgid,
     {0}},
    ON("priority_read", "read the victim's scheduling policy",
       SYS_sched_getscheduler, 0),
    {"process.scheduler",
     "set the victim's scheduling policy",
     scheduler_of,
     "",
     0,
     {0}},
    {"process.affinity_read",
     "read the victim's processors",
     affinity_of,
     "",
     SYS_sched_getaffinity,
     {0}},
    {"process.affinity_set",
     "set the victim's processors",
     affinity_of,
     "",
     SYS_sched_setaffinity,
     {0}},
    {"process.capget",
     "read the victim's capabilities",
     capabilities_of,
     "",
     0,
     {0}},
    {"process.cpu_clock", "read the victim's CPU time", cpu_clock, "", 0, {0}},
};

const struct area area_state = {probes, sizeof(probes) / sizeof(probes[0])};
