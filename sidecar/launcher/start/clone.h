#ifndef SIDECAR_LAUNCHER_START_CLONE_H
#define SIDECAR_LAUNCHER_START_CLONE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "sidecar/launcher/layers/filter.h"

/*
 * clone(2), the old call, by hand: clone3's flags are behind a pointer, which a
 * filter cannot read, so containers refuse it; and the library's clone() leaves
 * no say over the sixth register, which carries the filter's key.
 *
 * The child borrows the caller's memory and runs fn(arg) on a stack of its own
 * while the caller sleeps (CLONE_VM | CLONE_VFORK are added). It
 * must end by exec or exit_group and never returns to the caller's frames; when
 * fn returns, the process ends with its value.
 */
struct clone_stack {
    void *map; /* with a guard page at its low end */
    size_t len;
};
TS_NODISCARD ts_err clone_stack_make(struct clone_stack *ret);

#define CLONE_RUN_COPY (1ul << 40) /* not the caller's memory, a copy of it */

/* The pid, or a negative errno. *tid is written before the child runs. */
long clone_run(unsigned long flags, const struct clone_stack *stack, int *tid,
               int (*fn)(void *), void *arg, const struct filter_key *key);

#endif
