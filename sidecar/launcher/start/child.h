#ifndef SIDECAR_LAUNCHER_START_CHILD_H
#define SIDECAR_LAUNCHER_START_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <linux/filter.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "sidecar/launcher/layers/filter.h"
#include "sidecar/launcher/space/enter.h"
#include "sidecar/launcher/start/clone.h"
#include "sidecar/launcher/start/given.h"
#include "sidecar/launcher/start/watch.h"

/*
 * From clone to exec. The child borrows the launcher's memory (clone.h), so
 * everything is computed before and the child only makes system calls, in an
 * order that matters (design: sandbox, section 6):
 *
 *   session, cgroup and namespaces and mounts, program, descriptors, cwd,
 *   limits, groups and user, capabilities, keyring (which counts among the
 *   user's), death signal (a change of user clears it), no writable code,
 *   landlock (which forbids mounting), a filter of its own (which forbids all
 *   of the above), signals, exec
 *
 * Only "no writable code" is a property of the memory itself, which would be
 * the launcher's: a child with it gets a copy instead (no_wx).
 */
#define CHILD_LIMITS 14

struct child_limit {
    int resource;
    uint64_t soft, hard;
};

/* Shared with the child even if memory is not: from child_place_make(). */
struct child_result {
    const char *volatile failed_step; /* static text, NULL if it runs */
    volatile int failed_errno;
    volatile long inner_pid; /* of a child that a helper made */
    volatile bool
        shares_keyring; /* it kept the launcher's: may_share_keyring */
};

/* What all launches of a launcher have in common. */
struct child_place {
    struct clone_stack stack, helper_stack;
    struct child_result *result;
    int self_pidfd; /* of the launcher; readable when it has ended */
    int own_pid_ns; /* to come back from another; -1: there is no way back, and
                       a helper goes instead */
    pid_t self;
};

struct child_plan {
    /* All descriptors of a plan are >= CHILD_GIVEN_END (main.c keeps the
     * numbers below it taken), so that none is written over in the child. */
    int stdio[3]; /* become 0, 1, 2 */
    struct child_given given[CHILD_GIVEN_MAX];
    uint32_t given_count;
    int cwd_fd;           /* not used with a space's root */
    const char *cwd_path; /* where it was when it was opened */
    int exec_fd;          /* O_PATH of an ELF program; the same */
    int ruleset_fd;
    char *const *argv;
    char *const *envp;
    struct child_limit limits[CHILD_LIMITS];
    const struct sock_fprog *extra; /* a further filter, or NULL */
    struct filter_key key;
    const struct space_entry *space; /* NULL: all namespaces are ours */
    int pid_ns;                      /* of a prepared init, -1: ours */
    pid_t pid_in_ns; /* that it must have there (inits.h); 0: any */
    bool new_pid_ns; /* a fresh one, in which the tool is process 1 */
    bool new_ipc_ns;
    bool has_own_keyring;
    bool may_share_keyring; /* should its user have no room for one */
    uint64_t caps; /* what we are permitted; the tool gets none of it */
    uid_t uid;     /* 0: stays ours */
    gid_t gid;     /* with uid */
    bool shares;   /* what it leaves is also for the group that tools have */
    bool no_wx;
};

/* The step that fails, with EEXIST, when pid_in_ns is not its number. */
#define CHILD_STEP_PID_NS "pid_ns"

TS_NODISCARD ts_err child_place_make(struct child_place *ret);

/* All signals must be blocked. On TS_OK the program runs as *ret_pid. On
 * failure nothing runs, and *reterr_step (static) and *reterr_errno say why;
 * "watchdog": it was stopped for so long that it was killed. */
TS_NODISCARD ts_err child_spawn(const struct child_plan *plan,
                                const struct child_place *place,
                                struct watch *watch, pid_t *ret_pid,
                                const char **reterr_step, int *reterr_errno);

#endif
