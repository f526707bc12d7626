#ifndef SIDECAR_LAUNCHER_START_LAUNCH_PRIV_H
#define SIDECAR_LAUNCHER_START_LAUNCH_PRIV_H

#include "sidecar/launcher/launcher.h"

/* One order under way: launch.c carries it out, launch_plan.c says how its
 * child is to be. */

/* What one launch holds until it has started or failed. */
struct launch {
    struct launcher *l;
    const struct order *o;
    struct order_plan plan;
    struct toolset *set;
    struct tool *tool;
    struct ts_arena arena;
    uint64_t mark;
    uid_t uid;        /* the tool's; 0: ours */
    struct init init; /* of its namespace; pid 0 if none */
    int resource_fd;
    int scratch_fd;
    int scratch_base; /* owned: the folder that it lies in; the run's then */
    int ruleset_fd;
    bool ruleset_is_shared;
    int child_end[3]; /* stdin read end or /dev/null, stdout and stderr write */
    int gate_end[3];
    int token_fd; /* read end of a pipe that holds it; -1 if none */
    struct network_use network;
    int egress_fd;   /* its channel to the broker; -1 if none */
    uint32_t layers; /* that it will have */
    uint32_t weakened;
    bool has_group;
    struct space_group group;
    int net_ns;              /* the pool's, -1: the shared one */
    struct ts_buf tripwires; /* of token and secrets, for the gate */
    char decision[19 + 32 + 1];
    char tmpdir[4096 + SCRATCH_NAME_MAX + 8];
    char scratch[SCRATCH_NAME_MAX];
    char **argv;
    struct space_entry space;
    char tmp_options[SPACE_TMP_OPTIONS_MAX];
    struct child_plan child;
    pid_t pid;
    struct order_refusal why;
};

/* Takes note of why it is refused; TS_E_INVALID. err 0: no system call failed.
 */
ts_err launch_fail(struct launch *x, enum call_code code, const char *step,
                   int err, const char *what);
/* Namespaces stand around it. */
bool launch_is_full(const struct launch *x);

/* The words of the command line: a script's interpreter comes first. */
TS_NODISCARD ts_err launch_make_argv(struct launch *x);
/* Where it may change mode, owner and times: what the layer "metadata" is told.
 */
TS_NODISCARD ts_err launch_make_metadata(struct launch *x);
/* x->child, but for stdio. */
TS_NODISCARD ts_err launch_make_plan(struct launch *x);
/* It runs, and kept our keyring since there was no room for one of its own. */
void launch_note_keyring(struct launch *x);

#endif
