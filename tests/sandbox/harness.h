#ifndef TESTS_SANDBOX_HARNESS_H
#define TESTS_SANDBOX_HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "proto/msg/order.h"

/*
 * One real launcher, started the way the supervisor starts it, as an
 * unprivileged user even when the tests run as root; the test plays
 * supervisor, recorder and gate. Everything lives in a folder of its own:
 *
 *   DIR/probe          the tool
 *   DIR/space/         the workspace: in.txt, link -> ../secret.txt
 *   DIR/secret.txt     readable by everybody, for no tool
 */
#define BOX_SIDES 5 /* profiles: pure, files, build, net, jit */
struct box_side {   /* a launcher beside the one of "files", once needed */
    pid_t pid;      /* 0: not started */
    int control, orders, gate;
    int broker;  /* -1: it has none */
    bool failed; /* it did not say READY (may_fail) */
};

struct box {
    char dir[64];
    pid_t pid; /* of the launcher of profile "files", and its channels */
    int control, orders, gate;
    struct box_side side[BOX_SIDES];
    enum box_level most; /* of tipstaff.yaml */
    bool has_caps;       /* started as the supervisor does it as root */
    bool has_broker;     /* and the tool "proxied" is there */
    uid_t user;          /* whom it runs as then, and its group */
    uid_t uid_first;     /* of BOX_UID_COUNT */
    bool may_fail;
    bool (*prepare)(void *); /* in its process, before it is unprivileged */
    void *prepare_arg;
    uint64_t last_id;
    uint64_t generation; /* that orders name */
    int wait_status;     /* of the launcher, once stopped */
};

/* What came back from one call. */
struct outcome {
    bool started;
    struct order_started on_start;
    struct order_exited exited;
    enum call_code code; /* when refused */
    char step[64];
    int sys_errno;
    char text[256];
    char out[2048]; /* the first bytes of stdout */
    size_t out_len;
    int in_fd, out_fd, err_fd; /* box_start() leaves them open, else -1 */
};

/* The manifests that every box has: see harness.c. */
void box_open(struct box *b); /* bare boxes, without any privilege */
/* has_caps: with the capabilities that root's supervisor hands over, and uids
 * from uid_first on. Without: what an ordinary user's launcher can do. */
void box_open_at(struct box *b, enum box_level most, bool has_caps);
uid_t box_user(void);     /* whom launchers of this process run as under root */
#define BOX_UID_COUNT 101 /* the writers', and 20 for each profile */
/* The same with another launcher, or another canary beside it: a program, or
 * the lines of a shell script, or neither (NULL: the usual one; "": none). */
struct box_parts {
    const char *launcher, *canary, *canary_script;
    bool may_fail;   /* no READY is no failure of the test: pid is 0 then, and
                        wait_status says how it ended */
    bool has_broker; /* the test plays it: box_side_of().broker */
    bool (*prepare)(void *); /* in its process, while that is privileged */
    void *prepare_arg;
};
void box_open_with(struct box *b, enum box_level most, bool has_caps,
                   const struct box_parts *parts);
/* What every launcher that is started from now on gets of control groups, made
 * by cgroups_make() for box_user(); NULL: nothing. */
struct box_groups {
    int folder_fd;
    void (*adopt)(pid_t launcher);
};
extern const struct box_groups *box_groups;
void box_close(struct box *b);
int box_bundle(const struct box *b); /* its manifests again */

/* tool, its one argument "what", an optional second "arg", a resource path or
 * NULL. */
struct call {
    const char *tool;
    const char *what;
    const char *arg;
    const char *path;
    enum order_access access;
    uint64_t wall_ms;
    bool has_stdin;
    const char *token;  /* of the order, or NULL */
    enum box_level box; /* that policies demand */
    uint32_t require;
};

uint64_t box_send(struct box *b, const struct call *c);
/* The bytes of that message, in a buffer that the next one overwrites, and
 * whose launcher gets it: for tests that send something else instead. */
const uint8_t *box_encode(struct box *b, const struct call *c, size_t *ret_len,
                          int *ret_orders);
/* The launcher that serves the tool, started if it is not there yet; "files"
 * is a copy of what struct box says. */
struct box_side box_side_of(struct box *b, const char *tool);
/* Waits for STARTED or REFUSED of that order. */
void box_wait_start(struct box *b, uint64_t id, struct outcome *ret);
/* Reads the line "ready" of a tool that has started. */
void box_wait_ready(struct box *b, uint64_t id, struct outcome *o);
/* Reads stdout to its end, then waits for EXITED of that order. */
void box_wait_end(struct box *b, uint64_t id, struct outcome *o);
void box_kill(struct box *b, uint64_t id, enum end_reason why);
/* All of it: start, read, end. */
void box_run(struct box *b, const struct call *c, struct outcome *ret);
/* stdout's first line equals text. */
bool outcome_says(const struct outcome *o, const char *text);
/* Processes of the probe program that are alive, anywhere. */
int box_count_probes(const struct box *b);
/* Up to cap of them; returns how many there are. */
int box_find_probes(const struct box *b, pid_t *pids, int cap);
/* Of the launcher, when it has made what it keeps ready: that comes after its
 * answers. */
int box_count_fds(const struct box *b);
int box_count_fds_of(pid_t pid);
void box_path(const struct box *b, const char *name, char *out, size_t cap);

#endif
