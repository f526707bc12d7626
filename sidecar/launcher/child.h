#ifndef SIDECAR_LAUNCHER_CHILD_H
#define SIDECAR_LAUNCHER_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <linux/filter.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "sidecar/launcher/layers/filter.h"

/*
 * From clone to exec. The child borrows the launcher's memory
 * (CLONE_VM|CLONE_VFORK: the launcher sleeps meanwhile, and the cost does not
 * grow with its size), so everything is computed before and the child only
 * makes system calls, in an order that matters (design: sandbox, section 6).
 */
#define CHILD_LIMITS   13
#define CHILD_TOKEN_FD 3 /* as token_env of launch.c says */

struct child_limit {
    int resource;
    uint64_t soft, hard;
};

struct child_plan {
    int stdio[3]; /* each >= 3; become 0, 1, 2 */
    int token_fd; /* becomes 3; -1: the tool gets none */
    int cwd_fd;   /* this and those below: >= 4 */
    int exec_fd;  /* O_PATH of an ELF program */
    int ruleset_fd;
    char *const *argv;
    char *const *envp;
    struct child_limit limits[CHILD_LIMITS];
    const struct sock_fprog *extra; /* a further filter, or NULL */
    struct filter_key key;
    /* results; written by the child */
    const char *volatile failed_step; /* static text, NULL if it runs */
    volatile int failed_errno;
    pid_t parent;
};

struct child_stack {
    void *map; /* with a guard page at its low end */
    size_t len;
};
TS_NODISCARD ts_err child_stack_make(struct child_stack *ret);

/* All signals must be blocked. On TS_OK the program runs as *ret_pid. On
 * failure nothing runs, and plan->failed_step and failed_errno say why. */
TS_NODISCARD ts_err child_spawn(struct child_plan *plan,
                                const struct child_stack *stack,
                                pid_t *ret_pid);

#endif
