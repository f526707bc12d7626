#include "sidecar/launcher/start/child.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sidecar/launcher/layers/raw.h"
#include "sidecar/launcher/start/caps.h"

#ifndef SYS_landlock_restrict_self
#define SYS_landlock_restrict_self 446
#endif
#ifndef PR_SET_MDWE
#define PR_SET_MDWE              65
#define PR_MDWE_REFUSE_EXEC_GAIN 1
#endif
#define CLOEXEC_RANGE 4 /* CLOSE_RANGE_CLOEXEC */

struct limit64 {
    uint64_t soft, hard;
};

/* What the child gets to see. */
struct child {
    const struct child_plan *p;
    const struct child_place *at;
    struct child_result *r;
    struct watch *watch;
    int program;  /* descriptor to execute */
    pid_t helper; /* to be waited for; 0: none */
};

ts_err child_place_make(struct child_place *ret)
{
    struct child_place p = {.own_pid_ns = -1, .self = getpid()};
    void *page;
    ts_err e;

    if ((e = clone_stack_make(&p.stack)) != TS_OK ||
        (e = clone_stack_make(&p.helper_stack)) != TS_OK)
        return e;
    page = mmap(NULL, sizeof(*p.result), PROT_READ | PROT_WRITE,
                MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return TS_E_NOMEM;
    p.result = page;
    p.self_pidfd = (int)syscall(SYS_pidfd_open, p.self, 0);
    if (p.self_pidfd < 0)
        return ts_err_from_errno(errno);
    *ret = p;
    return TS_OK;
}

static bool fails(const struct child *c, const char *step, long rc)
{
    if (rc >= 0)
        return false;
    c->r->failed_step = step;
    c->r->failed_errno = (int)-rc;
    return true;
}

/* The library of spaces names the step itself. */
static bool space_fails(const struct child *c, long rc)
{
    return fails(c, c->r->failed_step != NULL ? c->r->failed_step : "space",
                 rc);
}

static bool set_space(struct child *c)
{
    const struct child_plan *p = c->p;
    const char *volatile *step = &c->r->failed_step;
    long fd;

    c->program = p->exec_fd;
    /* links in a /tmp that is another user's already */
    if (p->space != NULL && p->space->inner_count > 0 && p->uid != 0 &&
        fails(c, "capabilities", caps_raise_raw(p->caps, &p->key)))
        return false;
    if (p->space != NULL && space_fails(c, space_enter(p->space, step)))
        return false;
    if (p->space == NULL || p->space->program == NULL)
        return true;
    if (space_fails(c, fd = space_open_program(p->space, step)))
        return false;
    c->program = (int)fd;
    return true;
}

/* Only 0 to 2 remain, and what is given: the rest closes at exec, the program
 * itself included. */
static bool set_descriptors(struct child *c)
{
    const struct child_plan *p = c->p;

    for (int i = 0; i < 3; i++) {
        if (fails(c, "stdio", raw_call3(SYS_dup3, p->stdio[i], i, 0)))
            return false;
    }
    if (fails(c, "close_range",
              raw_call3(SYS_close_range, 3, ~0u, CLOEXEC_RANGE)))
        return false;
    for (uint32_t i = 0; i < p->given_count; i++) {
        if (fails(c, "descriptors",
                  raw_call3(SYS_dup3, p->given[i].fd, p->given[i].number, 0)))
            return false;
    }
    return true;
}

static bool is_same_text(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

/* A folder that was moved since, or that cannot be reached from our root (the
 * kernel then says "(unreachable)"), would lead where nobody meant. */
static bool set_cwd(struct child *c)
{
    const struct child_plan *p = c->p;
    char now[4096];

    if (p->space != NULL && p->space->mnt_ns >= 0)
        return !space_fails(c, space_enter_cwd(p->space, &c->r->failed_step));
    if (fails(c, "cwd", raw_call3(SYS_fchdir, p->cwd_fd, 0, 0)) ||
        fails(c, "cwd", raw_call3(SYS_getcwd, raw_ptr(now), sizeof(now), 0)))
        return false;
    return is_same_text(now, p->cwd_path) || !fails(c, "cwd", -ESTALE);
}

static bool set_limits(struct child *c)
{
    const struct child_plan *p = c->p;

    for (int i = 0; i < CHILD_LIMITS; i++) {
        struct limit64 l = {p->limits[i].soft, p->limits[i].hard};

        if (fails(c, "limits",
                  filter_call4(&p->key, SYS_prlimit64, 0, p->limits[i].resource,
                               raw_ptr(&l), 0)))
            return false;
    }
    return true;
}

/* The kernel's calls: the library's would tell the launcher's other thread. */
static bool set_user(struct child *c)
{
    const struct child_plan *p = c->p;

    if (p->uid != 0 &&
        (fails(c, "groups", filter_call4(&p->key, SYS_setgroups, 0, 0, 0, 0)) ||
         fails(
             c, "gid",
             filter_call4(&p->key, SYS_setresgid, p->gid, p->gid, p->gid, 0)) ||
         fails(
             c, "uid",
             filter_call4(&p->key, SYS_setresuid, p->uid, p->uid, p->uid, 0))))
        return false;
    return p->caps == 0 ||
           !fails(c, "capabilities", caps_drop_all_raw(&p->key));
}

/* Behind the change of user, since the kernel counts it among the keys of who
 * makes it: the tool's user has a quota of its own, the launcher's would be all
 * its tools', and those of every launcher. */
static bool set_keyring(struct child *c)
{
    const struct child_plan *p = c->p;
    long rc;

    if (!p->has_own_keyring)
        return true;
    rc =
        filter_call4(&p->key, SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0);
    if (rc == -EDQUOT && p->may_share_keyring) {
        c->r->shares_keyring = true;
        return true;
    }
    return !fails(c, "keyring", rc);
}

/* A launcher that died before the line above sends no signal any more. In a pid
 * namespace no parent is seen, but its end can be. */
static bool set_deathsig(struct child *c)
{
    struct pollfd launcher = {.fd = c->at->self_pidfd, .events = POLLIN};
    const struct timespec now = {0, 0};

    if (fails(c, "pdeathsig",
              filter_call5(&c->p->key, SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0,
                           0, 0)))
        return false;
    if (c->p->pid_ns < 0 && !c->p->new_pid_ns)
        return raw_call3(SYS_getppid, 0, 0, 0) == c->at->self ||
               !fails(c, "pdeathsig", -ESRCH);
    return raw_call6(SYS_ppoll, raw_ptr(&launcher), 1, raw_ptr(&now), 0, 8,
                     0) == 0 ||
           !fails(c, "pdeathsig", -ESRCH);
}

static bool set_box(struct child *c)
{
    const struct child_plan *p = c->p;

    if (p->no_wx && fails(c, "no_wx",
                          filter_call5(&p->key, SYS_prctl, PR_SET_MDWE,
                                       PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0)))
        return false;
    if (fails(c, "landlock",
              raw_call3(SYS_landlock_restrict_self, p->ruleset_fd, 0, 0)))
        return false;
    return p->extra == NULL ||
           !fails(c, "seccomp",
                  raw_call3(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0,
                            raw_ptr(p->extra)));
}

static int run(void *arg)
{
    struct child *c = arg;
    const struct child_plan *p = c->p;
    const uint64_t no_signals = 0;

    if (p->pid_in_ns != 0 && raw_call3(SYS_getpid, 0, 0, 0) != p->pid_in_ns &&
        fails(c, CHILD_STEP_PID_NS, -EEXIST))
        goto out;
    if (fails(c, "session", raw_call3(SYS_setsid, 0, 0, 0)) || !set_space(c) ||
        !set_descriptors(c) || !set_cwd(c))
        goto out;
    (void)raw_call3(SYS_umask, p->shares ? 007 : 077, 0, 0);
    if (!set_limits(c) || !set_user(c) || !set_keyring(c) || !set_deathsig(c) ||
        !set_box(c) ||
        fails(c, "signals",
              raw_call6(SYS_rt_sigprocmask, SIG_SETMASK, raw_ptr(&no_signals),
                        0, sizeof(no_signals), 0, 0)))
        goto out;
    (void)fails(c, "execveat",
                filter_call5(&p->key, SYS_execveat, c->program, raw_ptr(""),
                             raw_ptr(p->argv), raw_ptr(p->envp),
                             AT_EMPTY_PATH));
out:
    return 127;
}

static unsigned long flags_of(const struct child_plan *p)
{
    return (p->new_pid_ns ? (unsigned long)CLONE_NEWPID : 0) |
           (p->new_ipc_ns ? (unsigned long)CLONE_NEWIPC : 0) |
           (p->no_wx ? CLONE_RUN_COPY : 0);
}

/* What there is no more of: processes, or namespaces. */
static const char *step_of_clone(const struct child_plan *p, long rc)
{
    if (rc == -ENOSPC && (p->new_pid_ns || p->new_ipc_ns))
        return p->new_pid_ns ? CHILD_STEP_PID_NS : "ipc_ns";
    return "clone";
}

/*
 * Between our namespace of processes and the tool's: whoever may not come back
 * must not go. Its child is the launcher's (CLONE_PARENT).
 */
static int run_helper(void *arg)
{
    struct child *c = arg;
    const struct child_plan *p = c->p;
    long rc;

    if (fails(c, CHILD_STEP_PID_NS,
              filter_call4(&p->key, SYS_setns, p->pid_ns, CLONE_NEWPID, 0, 0)))
        return 127;
    rc = clone_run(flags_of(p) | CLONE_PARENT, &c->at->stack, &c->watch->tid[1],
                   run, c, &p->key);
    if (!fails(c, step_of_clone(p, rc), rc))
        c->r->inner_pid = rc;
    return 0;
}

static long clone_with_helper(struct child *c)
{
    long helper = clone_run(0, &c->at->helper_stack, &c->watch->tid[0],
                            run_helper, c, &c->p->key);

    if (helper < 0)
        return helper;
    c->helper = (pid_t)helper;
    return c->r->inner_pid > 0 ? c->r->inner_pid : -ECHILD;
}

/* There and back again: processes are made in the namespace that we set. */
static long clone_into(struct child *c)
{
    const struct child_plan *p = c->p;
    long pid, rc;

    rc = filter_call4(&p->key, SYS_setns, p->pid_ns, CLONE_NEWPID, 0, 0);
    if (fails(c, "pid_ns", rc))
        return rc;
    pid = clone_run(flags_of(p), &c->at->stack, &c->watch->tid[0], run, c,
                    &p->key);
    rc =
        filter_call4(&p->key, SYS_setns, c->at->own_pid_ns, CLONE_NEWPID, 0, 0);
    if (rc != 0)
        _exit(1); /* every later tool would run where it should not; with us all
                     of them end, this one included */
    return pid;
}

static long clone_tool(struct child *c)
{
    if (c->p->pid_ns < 0)
        return clone_run(flags_of(c->p), &c->at->stack, &c->watch->tid[0], run,
                         c, &c->p->key);
    return c->at->own_pid_ns < 0 ? clone_with_helper(c) : clone_into(c);
}

/* A helper that was killed has told nobody of the child that it made, which may
 * still run on our memory, and would as a zombie keep its namespace, and
 * whoever waits for that one's process 1, for ever. */
static void end_helper(const struct child *c)
{
    int orphan = __atomic_load_n(&c->watch->tid[1], __ATOMIC_SEQ_CST);

    (void)waitpid(c->helper, NULL, __WALL);
    if (c->r->inner_pid == 0 && orphan > 0) {
        (void)kill(orphan, SIGKILL);
        (void)waitpid(orphan, NULL, __WALL);
    }
}

ts_err child_spawn(const struct child_plan *plan,
                   const struct child_place *place, struct watch *watch,
                   pid_t *ret_pid, const char **reterr_step, int *reterr_errno)
{
    struct child c = {.p = plan,
                      .at = place,
                      .r = place->result,
                      .watch = watch,
                      .program = -1};
    bool was_killed;
    long pid;

    c.r->failed_step = NULL;
    c.r->failed_errno = 0;
    c.r->inner_pid = 0;
    c.r->shares_keyring = false;
    watch_open(watch);
    pid = clone_tool(&c);
    was_killed = watch_close(watch);
    if (c.helper > 0) /* its number is its own until the watchdog looks away */
        end_helper(&c);
    if (pid < 0 && c.r->failed_errno == 0)
        (void)fails(&c, was_killed ? "watchdog" : step_of_clone(plan, pid),
                    pid);
    if (pid > 0 && was_killed && c.r->failed_errno == 0)
        (void)fails(&c, "watchdog", -ETIMEDOUT);
    if (c.r->failed_errno != 0) {
        if (pid > 0)
            (void)waitpid((pid_t)pid, NULL, __WALL);
        *reterr_step = c.r->failed_step;
        *reterr_errno = c.r->failed_errno;
        return ts_err_from_errno(c.r->failed_errno);
    }
    *ret_pid = (pid_t)pid; /* it has executed: the vfork is over */
    return TS_OK;
}
