#ifndef SIDECAR_GATE_TASK_IN_H
#define SIDECAR_GATE_TASK_IN_H

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "sidecar/gate/running/running.h"
#include "sidecar/gate/wire/conn_uv.h"

/*
 * What a task sees (provenance/task.h), from where the gate sees it: a session
 * opens it, a run brings its output. The bytes that count are those that the
 * agent is given: after secrets of the tool were taken out, as far as they went
 * before it was gone.
 */
struct decision;
struct snapshot_tenant;

/* Opens the task of a session and tells it who the user is. */
TS_NODISCARD ts_err task_in_open(struct client *c,
                                 const struct snapshot_tenant *tenant);
void task_in_close(struct client *c);
/* ORIGIN: who began the task, if it verifies; otherwise that stays unknown, and
 * the service log says why. Any error: the frame is malformed. */
TS_NODISCARD ts_err task_in_origin(struct client *c, const struct frame *f);

/* A run was taken for a permitted call: its number is r->ref. */
void task_in_began(struct run *r, const struct decision *d);
/* It has started: what people let through with it counts from now on. */
void task_in_endorses(struct run *r);
/* Before its task is asked about a call: what people let through under other
 * rules, or other people, is gone. */
void task_in_epoch(struct gate *g, struct prov_task *k, struct ts_str tenant);
/* These bytes go to the agent now; which: 0 stdout, 1 stderr. */
void task_in_shows(struct run *r, size_t which, struct ts_bytes b);
/* The two halves of it, for an output that is shown at its end or not at all:
 * the first byte goes to the agent; these bytes wait. */
void task_in_first(struct run *r);
void task_in_holds(struct run *r, size_t which, struct ts_bytes b);
/* Is something secret in what waits? */
bool task_in_is_secret(struct run *r);
/* It has ended, and nobody was told yet. False: no handle can name it. */
bool task_in_ended(struct run *r);
/* Lets go of all of it; may be called twice. */
void task_in_done(struct run *r);

/* "call-N"; "" of one that has no number. text has room for TS_REF_MAX. */
struct ts_str task_in_ref(uint32_t ref, char *text);

#endif
