#ifndef SIDECAR_SUPERVISOR_HOOK_CHILD_H
#define SIDECAR_SUPERVISOR_HOOK_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * The process of the on_pending hook (sidecar/hook): of no set, since nothing
 * that it does or fails to do may touch a decision. It is started when a set
 * serves, told what to run, and given one end of a socket of which the gate
 * gets the other. When it dies it is started again, later each time; whatever
 * it left behind is killed. It ends with the set.
 */
struct hook_child {   /* zeroed: not running, may start at once */
    pid_t pid;        /* 0: none */
    uint64_t at_ms;   /* boot time: of its start, or not before */
    uint64_t wait_ms; /* before the next start, should it die */
};

struct supervisor;
/* Starts it if it is wanted and due. What goes wrong is logged, no more. */
void hook_child_turn(struct supervisor *sv);
uint64_t hook_child_due(const struct supervisor *sv); /* boot ms; 0: not */
/* True if it was this one that was reaped. */
bool hook_child_died(struct supervisor *sv, pid_t pid, int status);
/* Everything below the supervisor has been killed. */
void hook_child_gone(struct supervisor *sv);

#endif
