#ifndef CLI_REPLAY_GATE_H
#define CLI_REPLAY_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "cli/replay/config.h"
#include "proto/base/ts_buf.h"
#include "sidecar/common/ring/ring.h"

/*
 * A real tipstaff-gate, started as the supervisor starts it, with this program
 * at the other ends of its channels: supervisor, recorder, launcher. Nothing
 * runs and nothing is written down; what a tool "prints" is what
 * replay_gate_prints() was given. One thread: the gate is served inside of
 * replay_gate_turn(), so whoever waits for it waits there.
 *
 * All functions that fail print why; after that the gate can only be stopped.
 */
struct replay_decision { /* of the last decision record */
    bool is_new;         /* the caller's to clear */
    uint64_t us;
    char code[64];
    char policies[256]; /* the determining ones, "set/id set/id" */
    char text[256];
};

struct replay_gate {
    pid_t pid;
    int control, launcher; /* owned; -1 */
    int log;               /* owned: what it wrote to standard error; -1 */
    struct ring_reader ring;
    bool has_ring;
    char dir[64];         /* "" or ours to remove */
    uint8_t *entry;       /* owned: one of the ring */
    struct ts_buf output; /* what the next tool prints */
    uint32_t exit_code;   /* and how it ends */
    uint64_t order;       /* of the tool that runs; 0: none */
    int tool_out;         /* its standard output; -1 */
    struct replay_decision last;
};

/* One that was never started: stopping it does nothing. */
#define REPLAY_GATE_NONE                                                       \
    {                                                                          \
        .pid = -1, .control = -1, .launcher = -1, .tool_out = -1               \
    }

#define REPLAY_PATH_CAP 108 /* of a socket, with its NUL */

/* Program: tipstaff-gate beside this one, or in ../libexec/tipstaff. bundle_fd
 * stays the caller's. */
bool replay_gate_start(struct replay_gate *g, const struct replay_keys *k,
                       int bundle_fd);
/* A path in its folder: agent.sock, admin.sock, or a file for a session. */
void replay_gate_path(const struct replay_gate *g, const char *name,
                      char out[REPLAY_PATH_CAP]);
bool replay_gate_prints(struct replay_gate *g, const char *p, size_t len,
                        uint32_t exit_code);
/* Waits up to timeout_ms for anything on fd (-1: none), serving the gate. */
bool replay_gate_turn(struct replay_gate *g, int fd, short events,
                      int timeout_ms);
void replay_gate_stop(struct replay_gate *g);
/* Prints what it has logged so far, for when something went wrong. */
void replay_gate_say_log(const struct replay_gate *g);

#endif
