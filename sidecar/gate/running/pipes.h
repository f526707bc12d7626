#ifndef SIDECAR_GATE_RUNNING_PIPES_H
#define SIDECAR_GATE_RUNNING_PIPES_H

#include "sidecar/gate/running/running.h"

/*
 * The three pipes of a run (running_pipes.c), and what that file needs from
 * running.c. Output is hostile bytes: counted, cut at the limit, never read.
 */
void run_pipes_open(struct run *r, int fds[3]); /* takes fds over */
void run_pipes_close(struct run *r);
/* EXITED came and a pipe is still open: read on, but not for long. */
void run_pipes_drain(struct run *r);
/* Nobody listens any more: read and drop, so that the tool can end. */
void run_pipes_orphaned(struct run *r);

/* Its output can no longer be searched for secrets, so nothing more of it is
 * shown; the agent is told by the end of its connection. */
void run_pipes_hide(struct run *r);

void run_event(struct run *r, enum call_event ev);
/* The agent has room again, or is gone: what waited for that goes on. */
void run_released(struct run *r);
void run_handle_closed(struct run *r);
struct run *run_by_seq(const struct client *c, uint64_t seq);
/* Its outcome record, into the ring. TS_E_AGAIN: no room now. */
TS_NODISCARD ts_err run_outcome_write(struct run *r);
/* The two messages that end a permitted call, from its outcome. */
void run_decision(struct client *c, uint64_t seq, const struct call_outcome *o);
void run_result(struct client *c, uint64_t seq, const struct call_outcome *o);

#endif
