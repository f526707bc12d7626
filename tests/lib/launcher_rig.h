#ifndef TESTS_LIB_LAUNCHER_RIG_H
#define TESTS_LIB_LAUNCHER_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "proto/msg/order.h"
#include "sidecar/common/control/control.h"

/*
 * A real launcher, started the way the supervisor starts it (as root: as a
 * user, with the capabilities that it hands over or none); the caller plays
 * supervisor, recorder and gate. For tests (tests/sandbox/harness.h) and
 * measurements (tests/bench/box/boxes.h), which fail in different ways: so
 * nothing here ends the program, false says that errno tells why.
 */
struct launcher_rig {
    pid_t pid;
    int control, orders, gate;
    int broker; /* -1: it has none */
};

struct launcher_rig_want {
    const char *program;
    uid_t user;         /* under root; its group has the same number */
    bool has_caps;      /* those that root's supervisor hands over */
    bool has_net_admin; /* with them: where there is a broker */
    bool has_broker;
    int groups_fd; /* becomes LAUNCHER_FD_CGROUP; -1 */
    int kept_fd;   /* is there at kept_at, which is >= 100; -1 */
    int kept_at;
    const char *env_name; /* set for it, or NULL */
    const char *env_value;
    bool (*prepare)(void *); /* in its process, while that is privileged */
    void *prepare_arg;
};

/* Ours to close, and the process to reap. */
bool launcher_rig_spawn(const struct launcher_rig_want *w,
                        struct launcher_rig *ret);
/* Sends START with that bundle and waits for READY. False: *ret_why is what it
 * was refused with, or "". */
bool launcher_rig_start(const struct launcher_rig *r,
                        const struct control_start *start, int bundle_fd,
                        char *ret_why, size_t cap);

/* {name, text} of manifests; DIR in a text is replaced. The caller's
 * descriptor, or -1. */
struct launcher_rig_manifest {
    const char *name, *text;
};
int launcher_rig_bundle(const struct launcher_rig_manifest *m, size_t count,
                        const char *dir);

bool launcher_rig_order(int orders, const struct order *o);
bool launcher_rig_kill(int orders, uint64_t order_id, enum end_reason why);
/* Waits for the next message to the gate; fds stay as they are if it brings
 * none. Its length; 0: the launcher has ended. */
size_t launcher_rig_receive(int gate, uint8_t *buf, size_t cap, int fds[3]);

#endif
