#ifndef SIDECAR_SUPERVISOR_SUPERVISE_H
#define SIDECAR_SUPERVISOR_SUPERVISE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "sidecar/common/clock.h"
#include "sidecar/common/control/control.h"
#include "sidecar/supervisor/box_said.h"
#include "sidecar/supervisor/cgroups.h"
#include "sidecar/supervisor/config.h"
#include "sidecar/supervisor/hold.h"
#include "sidecar/supervisor/hook_child.h"
#include "sidecar/supervisor/notify.h"
#include "sidecar/supervisor/restart.h"
#include "sidecar/supervisor/sockets.h"
#include "sidecar/supervisor/watch.h"

/*
 * The running service: one set of processes at a time.
 *
 *   pump.c       waits for the next event (message, death, signal, time)
 *   wires.c      what connects the processes of a set
 *   set.c        starts a set, ends a set
 *   reload.c     a new bundle: PREPARE, then COMMIT or ABORT
 *   hook_child.c the process that tells people: of no set
 *   watch.c      signed files that change without a reload: FEED
 *   supervise.c  which of these, when
 */
enum process_role {
    ROLE_RECORDER = 0,
    ROLE_LAUNCHER,
    ROLE_GATE,
    ROLE_BROKER /* only with `egress:` */
};

/* What a process may say now; process_may_say() is the whole table. */
enum process_phase {
    PHASE_GONE = 0,  /* not started, or reaped: nothing */
    PHASE_STARTING,  /* READY, REJECTED, STATUS */
    PHASE_SERVING,   /* STATUS */
    PHASE_PREPARING, /* PREPARED, REJECTED, STATUS */
    PHASE_DRAINING   /* STATUS; and it may end */
};
bool process_may_say(enum process_phase phase, enum control_type type);

struct process {
    enum process_role role;
    enum process_phase phase;
    pid_t pid;   /* 0 when gone */
    int pidfd;   /* owned */
    int control; /* owned, our end */
};

#define SET_MAX (3 + TS_LAUNCHERS_MAX)

enum event_kind {
    EVENT_TIME,    /* the deadline */
    EVENT_SIGNAL,  /* want_stop or want_reload was set */
    EVENT_MESSAGE, /* one that process_may_say() allows */
    EVENT_FILES,   /* a directory was written to; only while serving */
    EVENT_DEATH,   /* of a process of the set */
    EVENT_BROKEN   /* a process broke the protocol: treat it as dead */
};
struct event {
    enum event_kind kind;
    struct process *from;
    struct control_message message; /* slices borrow from pump_buf */
    int status;                     /* of a death, as from waitpid() */
};

struct supervisor {
    const struct config *config; /* borrowed */
    const char *config_file;     /* its name beneath config_dir */
    int config_dir;              /* borrowed */
    int libexec_dir;             /* borrowed */
    const char *libexec;         /* the same, by name */
    const char *credentials;     /* $CREDENTIALS_DIRECTORY or NULL */
    struct notify notify;
    struct sockets sockets;
    struct cgroups cgroups; /* folder_fd -1: tools get no groups */
    struct hold hold;       /* of the uids that tools get; fd -1: none */
    uint32_t uid_first;     /* of these; not config's for --check beside a
                               service that has them */
    int signals;            /* owned: signalfd */
    int bundle;             /* owned: memfd of the generation in force */
    int ring; /* owned: from gate to recorder, of all sets: what one recorder
                 did not write, the next one does */
    uint64_t generation;
    uint32_t launchers; /* one for each seccomp profile */
    struct process set[SET_MAX];
    uint32_t set_count;
    struct restart restart;
    struct hook_child hook;
    int hook_control;    /* owned: our end of its control socket, or -1 */
    struct watch *watch; /* owned */
    uint64_t fed_bytes;  /* of files handed over since the gate had read all */
    bool serving;        /* pump() looks at watch, too */
    bool want_stop, want_reload;
    bool init_state;         /* --init-state, until a recorder has had it */
    bool check_only;         /* --check */
    struct boxes_said *said; /* owned, of a check: what launchers said */
    bool unserved;           /* a launcher cannot serve a tool of its */
    bool rejected; /* the set could not start because what is configured (key,
                      directory, bundle) was refused */
    struct clock_state clock;
    uint64_t watchdog_at_ms; /* boot time of the next WATCHDOG=1 */
    uint64_t gate_heard_ms;  /* boot time of the gate's last message */
    uint8_t pump_buf[CONTROL_MESSAGE_MAX];
};

/* What the command line and the environment say. */
struct supervise_how {
    const struct config *config;
    const char *config_file;
    int config_dir;
    const char *libexec;
    int libexec_dir;
    struct sockets_listen listen;
    const char *notify_socket, *watchdog_usec, *watchdog_pid;
    const char *credentials;
    bool init_state; /* the state directory may have lost its journal */
};

enum {
    EXIT_SERVED = 0,
    EXIT_BROKEN = 1,
    EXIT_CONFIG = 78 /* EX_CONFIG: starting again will not help */
};

/* The gate says something every CONTROL_BEAT_MS; when it has been silent for
 * this long its loop hangs, and the service manager is not told that all is
 * well any more. */
#define GATE_SILENT_MS (UINT64_C(5) * CONTROL_BEAT_MS)

/* Lets the launchers and the gate load the configuration as they do at a start,
 * with no socket, no log and no state, and ends them again. The exit code. */
int supervise_check(const struct supervise_how *how);

/* Runs the service until SIGTERM or until it cannot; returns the exit code. */
int supervise(const struct supervise_how *how);

uint64_t supervisor_now_ms(struct supervisor *sv);
/* From here on the gate is given what differs from the bundle in force. */
void supervisor_watch(struct supervisor *sv);
/* Waits for one event, until deadline_ms of boot time (0: no deadline). */
void pump(struct supervisor *sv, uint64_t deadline_ms, struct event *ret);
TS_NODISCARD ts_err pump_open(struct supervisor *sv);
void process_gone(struct process *p); /* forgets a reaped one */
const char *process_name(const struct process *p);

/* Starts all; on failure everything started is ended again. */
TS_NODISCARD ts_err set_start(struct supervisor *sv);
/* Starts those that read the configuration, and ends them again; TS_OK when all
 * of them took it. Nothing on the disk is touched. */
TS_NODISCARD ts_err set_try(struct supervisor *sv);
/* Ends all at once, the recorder last and after it has written what is in the
 * ring (drain_recorder_ms; 0: kill it too). */
TS_NODISCARD ts_err set_kill(struct supervisor *sv, uint64_t drain_recorder_ms);
/* A recorder alone, for what is in the ring when there will be no further set.
 * Nothing to do: nothing is done. */
void set_rescue(struct supervisor *sv);
/* In good order, for SIGTERM. */
TS_NODISCARD ts_err set_drain(struct supervisor *sv, uint64_t grace_ms);

/* Collects the files into a sealed bundle; on failure reterr_text
 * (CONTROL_TEXT_MAX bytes) says FILE:LINE what. */
TS_NODISCARD ts_err reload_collect(struct supervisor *sv, int *ret_fd,
                                   char *reterr_text);
/* TS_E_STATE: a process died or broke the protocol meanwhile, the set must be
 * ended. A refused bundle is TS_OK: the old one stays in force. */
TS_NODISCARD ts_err reload(struct supervisor *sv);

#endif
