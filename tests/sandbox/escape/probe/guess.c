/*
 * The launcher's own calls pass our filter when unused registers hold a key
 * (layers/filter.h). A tool guesses: patterns, and as many random words as fit
 * in a moment. What gets through does nothing (same ids, no flags), and is
 * recognised by an answer of the kernel's own code.
 */
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ROUNDS 4000

static uint64_t next_word(uint64_t *x)
{
    *x ^= *x << 13;
    *x ^= *x >> 7;
    *x ^= *x << 17;
    return *x;
}

static int is_closed(long rc)
{
    return rc < 0 && (errno == EPERM || errno == ENOSYS || errno == EACCES);
}

/* Registers from `nr >> 32` on are free and hold the guess. */
static struct result guess(const struct probe *p)
{
    static const uint64_t pattern[] = {0,
                                       1,
                                       ~UINT64_C(0),
                                       0x5555555555555555,
                                       0xaaaaaaaaaaaaaaaa,
                                       UINT64_C(1) << 63,
                                       0xdeadbeefdeadbeef,
                                       0x0101010101010101};
    unsigned first = (unsigned)p->text[0] - '0';
    uint64_t x = (uint64_t)getpid() * 0x9e3779b97f4a7c15 | 1;
    long a[6];

    for (unsigned i = 0; i < 6; i++)
        a[i] = p->arg[i];
    for (unsigned round = 0; round < ROUNDS; round++) {
        long rc;

        for (unsigned i = first; i < 6; i++)
            a[i] = (long)(round < 64 ? pattern[(round >> (3 * (i & 1))) & 7]
                                     : next_word(&x));
        rc = syscall(p->nr, a[0], a[1], a[2], a[3], a[4], a[5]);
        if (p->nr == SYS_clone && rc == 0)
            _exit(0);
        if (!is_closed(rc))
            return noted(reached(rc),
                         round == 0 ? "with no key at all" : "with a guess");
    }
    return noted(stopped(errno), "4000 guesses");
}

static struct result guess_limit(const struct probe *p)
{
    struct rlimit now = {0};
    struct probe q = *p;

    if (getrlimit(RLIMIT_NOFILE, &now) != 0)
        return unsure("no limit to read");
    q.arg[2] = (long)(intptr_t)&now; /* to what it is */
    return guess(&q);
}

/* To the ids that it has: no change, and yet a call that only the key opens. */
static struct result guess_ids(const struct probe *p)
{
    struct probe q = *p;

    q.arg[0] = q.arg[1] = q.arg[2] =
        p->nr == SYS_setresuid ? (long)getuid() : (long)getgid();
    return guess(&q);
}

#define OLD_RULES MS_PRIVATE | MS_SHARED /* both: EINVAL after the right */

static const struct probe probes[] = {
    {"guess.setresuid",
     "setresuid with guesses in free registers",
     guess_ids,
     "3",
     SYS_setresuid,
     {0}},
    {"guess.setresgid",
     "setresgid, the same",
     guess_ids,
     "3",
     SYS_setresgid,
     {0}},
    {"guess.setgroups",
     "setgroups with a wrong count, the same",
     guess,
     "2",
     SYS_setgroups,
     {0x7fffffff, 8}},
    {"guess.capset",
     "capset with a bad pointer, the same",
     guess,
     "2",
     SYS_capset,
     {8, 8}},
    {"guess.mount",
     "mount, the same",
     guess,
     "5",
     SYS_mount,
     {8, (long)(intptr_t) "/", 0, OLD_RULES, 0}},
    {"guess.umount",
     "umount2, the same",
     guess,
     "2",
     SYS_umount2,
     {(long)(intptr_t) "/", MNT_EXPIRE | MNT_FORCE}},
    {"guess.setns", "setns, the same", guess, "2", SYS_setns, {-1, 0}},
    {"guess.unshare",
     "unshare with an impossible flag, the same",
     guess,
     "1",
     SYS_unshare,
     {CLONE_NEWNS | 1}},
    {"guess.pivot_root",
     "pivot_root, the same",
     guess,
     "2",
     SYS_pivot_root,
     {8, 8}},
    {"guess.openat2",
     "openat2, the same",
     guess,
     "4",
     SYS_openat2,
     {-1, 8, 8, 24}},
    {"guess.prlimit",
     "prlimit64 on itself, the same",
     guess_limit,
     "4",
     SYS_prlimit64,
     {0, RLIMIT_NOFILE, 0, 0}},
    {"guess.clone",
     "clone with a new user namespace, the same",
     guess,
     "5",
     SYS_clone,
     {CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0}},
    {"guess.keyctl", "keyctl join, the same", guess, "2", SYS_keyctl, {1, 8}},
};

const struct area area_guess = {probes, sizeof(probes) / sizeof(probes[0])};
