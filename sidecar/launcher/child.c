#include "sidecar/launcher/child.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sidecar/launcher/layers/raw.h"

#ifndef SYS_landlock_restrict_self
#define SYS_landlock_restrict_self 446
#endif
#define STACK_BYTES   ((size_t)64 << 10)
#define CLOEXEC_RANGE 4 /* CLOSE_RANGE_CLOEXEC */

struct limit64 {
    uint64_t soft, hard;
};

ts_err child_stack_make(struct child_stack *ret)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    struct child_stack s = {.len = STACK_BYTES + page};

    s.map = mmap(NULL, s.len, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (s.map == MAP_FAILED)
        return TS_E_NOMEM;
    if (mprotect(s.map, page, PROT_NONE) != 0) {
        (void)munmap(s.map, s.len);
        return TS_E_SYSTEM;
    }
    *ret = s;
    return TS_OK;
}

static bool fails(struct child_plan *p, const char *step, long rc)
{
    if (rc >= 0)
        return false;
    p->failed_step = step;
    p->failed_errno = (int)-rc;
    return true;
}

/* Only 0 to 2 remain, and 3 if there is a token: the rest closes at exec, the
 * program itself included. */
static bool set_descriptors(struct child_plan *p)
{
    for (int i = 0; i < 3; i++) {
        if (fails(p, "stdio", raw_call3(SYS_dup3, p->stdio[i], i, 0)))
            return false;
    }
    if (fails(p, "close_range",
              raw_call3(SYS_close_range, 3, ~0u, CLOEXEC_RANGE)))
        return false;
    return p->token_fd < 0 ||
           !fails(p, "token",
                  raw_call3(SYS_dup3, p->token_fd, CHILD_TOKEN_FD, 0));
}

static bool set_limits(struct child_plan *p)
{
    for (int i = 0; i < CHILD_LIMITS; i++) {
        struct limit64 l = {p->limits[i].soft, p->limits[i].hard};

        if (fails(p, "limits",
                  raw_call6(SYS_prlimit64, 0, p->limits[i].resource,
                            raw_ptr(&l), 0, (long)p->key.word[0],
                            (long)p->key.word[1])))
            return false;
    }
    return true;
}

/* A launcher that died before the line above it sends no signal any more. */
static bool set_deathsig(struct child_plan *p)
{
    if (fails(p, "pdeathsig",
              raw_call3(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0)))
        return false;
    return raw_call3(SYS_getppid, 0, 0, 0) == p->parent ||
           !fails(p, "pdeathsig", -ESRCH);
}

static bool set_box(struct child_plan *p)
{
    if (fails(p, "landlock",
              raw_call3(SYS_landlock_restrict_self, p->ruleset_fd, 0, 0)))
        return false;
    return p->extra == NULL ||
           !fails(p, "seccomp",
                  raw_call3(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0,
                            raw_ptr(p->extra)));
}

static int run(void *arg)
{
    struct child_plan *p = arg;
    const uint64_t no_signals = 0;

    if (fails(p, "session", raw_call3(SYS_setsid, 0, 0, 0)) ||
        !set_descriptors(p) ||
        fails(p, "cwd", raw_call3(SYS_fchdir, p->cwd_fd, 0, 0)))
        goto out;
    (void)raw_call3(SYS_umask, 077, 0, 0);
    if (!set_limits(p) || !set_deathsig(p) || !set_box(p) ||
        fails(p, "signals",
              raw_call6(SYS_rt_sigprocmask, SIG_SETMASK, raw_ptr(&no_signals),
                        0, sizeof(no_signals), 0, 0)))
        goto out;
    (void)fails(p, "execveat",
                raw_call6(SYS_execveat, p->exec_fd, raw_ptr(""),
                          raw_ptr(p->argv), raw_ptr(p->envp), AT_EMPTY_PATH,
                          (long)p->key.word[0]));
out:
    (void)raw_call3(SYS_exit_group, 127, 0, 0);
    return 127;
}

ts_err child_spawn(struct child_plan *plan, const struct child_stack *stack,
                   pid_t *ret_pid)
{
    char *top = (char *)stack->map + stack->len;
    pid_t pid;

    plan->failed_step = NULL;
    plan->failed_errno = 0;
    plan->parent = getpid();
    pid = clone(run, top, CLONE_VM | CLONE_VFORK | SIGCHLD, plan);
    if (pid < 0) {
        plan->failed_step = "clone";
        plan->failed_errno = errno;
        return ts_err_from_errno(errno);
    }
    if (plan->failed_step != NULL) {
        (void)waitpid(pid, NULL, __WALL);
        return ts_err_from_errno(plan->failed_errno);
    }
    *ret_pid = pid; /* it has executed: the vfork is over */
    return TS_OK;
}
