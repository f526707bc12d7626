#ifndef SIDECAR_GATE_RUNNING_RUNNING_H
#define SIDECAR_GATE_RUNNING_RUNNING_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_buf.h"
#include "proto/base/ts_err.h"
#include "proto/msg/order.h"
#include "proto/wire/frame.h"
#include "proto/wire/limits.h"
#include "sidecar/gate/decide/decide.h"
#include "sidecar/gate/gate.h"
#include "sidecar/gate/steps/call.h"
#include "sidecar/gate/steps/callids.h"
#include "sidecar/gate/uses/reservation.h"
#include "sidecar/gate/wire/conn_uv.h"

/*
 * Calls whose order is in the ring: from the launch to the outcome record. Ask
 * call.c what an event means; this file moves bytes between the tool's pipes
 * and the agent, and writes exactly one exec_ended record per order, before
 * the agent gets its RESULT.
 *
 * A run does not need its connection: when the agent goes away the tool is
 * killed and the run goes on until its outcome is recorded.
 */
enum run_name {
    RUN_TENANT,
    RUN_USER,
    RUN_AGENT,
    RUN_TOOL,
    RUN_NAMES
};

struct tripwires;
struct redactor;
struct snapshot_rules;

struct run_pipe {
    uv_poll_t poll;
    int fd;          /* owned; -1 when closed */
    bool has_handle; /* poll was initialised and not yet closed */
    bool watching;
    uint64_t bytes; /* through it so far */
    bool truncated;
};

/* Whether the agent is given the output: running_kept.h. */
struct run_keeping {
    bool is_wished;  /* by the agent, of more than wish_max bytes */
    bool is_derived; /* a secret that was kept back went into the call */
    uint32_t wish_max;
    bool if_secret, always, has_max; /* by rule, of more than rule_max bytes */
    uint32_t rule_max;
    bool holds;        /* nothing is shown before its end */
    bool is_settled;   /* known: */
    bool is_kept;      /* it is kept back ... */
    bool is_sealed;    /* ... by rule */
    bool releases;     /* or shown after all */
    uint64_t bytes[2]; /* of both streams */
    size_t released[2];
};

struct run {
    struct call core;
    struct gate *gate;
    bool used;
    uint64_t order_id; /* ends in the slot's number */
    uint32_t launcher;
    struct client *client; /* NULL once the connection has gone */
    uint64_t seq;
    uint64_t wall_ms;        /* of the order */
    uint64_t state_ns;       /* when the present wait began, boot time */
    struct grant_calls *ids; /* held */
    uint16_t id_slot;
    struct use_reservation uses; /* of the grant's counters */
    uint8_t grant_id[16];
    uint64_t grant_exp; /* unix seconds, of its root */
    bool failed_counts; /* see use_event_of() */
    uint8_t decision_id[16];
    char names[RUN_NAMES][TS_ID_MAX];
    size_t name_len[RUN_NAMES];
    uint64_t output_max;
    bool output_kill;
    bool wall_is_expiry; /* the wall limit was the delegation's end */

    struct run_pipe stdin_pipe, out[2];
    struct tripwires *tripwires; /* owned; NULL: it was given no secret */
    struct redactor *redact[2]; /* owned, of stdout and stderr; NULL likewise */
    uint64_t redacted;          /* replacements in both */
    bool is_hidden; /* for want of memory no output can be shown any more */
    struct prov_task *task; /* held; NULL: nobody asks where values are from */
    uint32_t ref;           /* of its output, "call-N"; 0: none */
    uint32_t said;          /* of its arguments: prov_task_says() */
    const struct prov_given *given; /* owned; by handles; NULL: nothing */
    /* What people let through with it, to be entered when it has started; how
     * many then were. */
    struct endorsed_id endorse[ENDORSE_TOLD_MAX];
    uint32_t endorse_count, endorse_sets, endorsed;
    uint64_t endorse_serial;
    struct snapshot_rules *rules;    /* held, with manifest in it */
    const struct manifest *manifest; /* how its output is to be read */
    uint32_t sensitivity;            /* of its resource */
    struct ts_buf seen[2];           /* what the agent was given, or would be */
    struct run_keeping keeping;
    bool release_pending;      /* its end waits until the agent has taken all */
    bool has_shown, seen_lost; /* some of it; it was too much */
    struct ts_buf stdin_buf;   /* at most the window */
    size_t stdin_window;       /* bytes that the shim may still send */
    size_t stdin_credit;       /* bytes taken, not yet given back */
    bool has_stdin, stdin_eof;
    uv_timer_t drain;
    bool has_drain;
    unsigned handles;

    struct order_started started;
    struct order_exited exited;
    enum end_reason reason; /* final */
    enum call_code code;    /* final; CODE_PERMITTED if it was started */
    char refusal[256];
    bool kill_pending;   /* waits for room in the ring */
    bool finish_pending; /* the same, for the outcome record */
    bool has_escalation; /* it was started under one */
    uint8_t escalation_id[16];
    uint32_t jobs; /* revocations that wait for its end, as bits */
};

struct decision;

TS_NODISCARD ts_err runs_init(struct gate *g);
void runs_done(struct gate *g);
uint32_t runs_count(const struct gate *g);

/* A free slot with its order id set, not taken yet; NULL: too many. */
struct run *runs_next(struct gate *g);
/* May a call of this tenant start? Of several tenants none takes the last
 * places from those that have few. */
#define RUNS_RESERVED 128u
bool runs_has_place(const struct gate *g, struct ts_str tenant);
/* Takes it: the order is in the ring. */
void runs_launched(struct run *r, struct client *c, uint64_t seq,
                   const struct decision *d, uint16_t id_slot,
                   const struct use_reservation *uses);

/* From the launchers. Takes over fds, whatever happens. */
void runs_started(struct gate *g, uint32_t launcher,
                  const struct order_started *o, int fds[3]);
void runs_refused(struct gate *g, uint32_t launcher,
                  const struct order_refused *o);
void runs_exited(struct gate *g, uint32_t launcher,
                 const struct order_exited *o);

/* From the agent. */
TS_NODISCARD ts_err runs_on_stdin(struct client *c, const struct frame *f);
TS_NODISCARD ts_err runs_on_cancel(struct client *c, const struct frame *f);

/* The run of an order, whichever launcher has it; NULL: there is none. */
const struct run *runs_find(const struct gate *g, uint64_t order_id);

/* Kills. detach also takes the connection away from them. */
void runs_kill_of(struct client *c, enum end_reason reason);
void runs_detach(struct client *c, enum end_reason reason);
void runs_kill_all(struct gate *g, enum end_reason reason);
uint32_t runs_stopping(const struct gate *g);
/* Sets bit job in every run that was killed and is not reaped; counts them. */
uint32_t runs_mark_stopping(struct gate *g, uint32_t job);

/* Ends the gate when launcher or recorder owe an answer for too long: what
 * they cannot do, a new set can. */
void runs_sweep(struct gate *g);

/* The agent can take output again. */
void runs_resume_of(struct client *c);
/* Writes what a full ring held back; false while something still waits. */
bool runs_retry(struct gate *g);

#endif
