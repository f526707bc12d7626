#ifndef SIDECAR_SUPERVISOR_SPAWN_H
#define SIDECAR_SUPERVISOR_SPAWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/msg/order.h"
#include "sidecar/supervisor/config.h"

#define SPAWN_FDS_MAX 32

/* One program with exactly these descriptors: fds[i] becomes number 3 + i;
 * 0 and 1 are /dev/null, 2 stays; everything else is closed. Empty
 * environment. */
struct spawn {
    int program;            /* O_PATH descriptor of it, borrowed */
    const char *path;       /* the same, by name: becomes the process's */
    const char *name;       /* argv[0] */
    int fds[SPAWN_FDS_MAX]; /* borrowed */
    size_t fd_count;
    const struct config_user *user; /* NULL: stay who we are */
    bool comes_first; /* before others on its processor, where we may say so */
    uint64_t caps;    /* ambient capabilities, 1 << CAP_*; of these it gets what
                         we have ourselves. Only with a user to become. */
};

/* What a launcher needs for boxes up to that level, and no more (launcher's
 * caps.h says what for); network: a tool may have a network of its own. */
uint64_t spawn_launcher_caps(enum box_level most, bool network);
/* What the broker needs to read credentials that are root's alone; it drops it
 * before it hears anybody (broker/privilege.h). */
uint64_t spawn_broker_caps(void);

/* *ret_pidfd is the caller's to close. TS_OK does not mean that exec worked:
 * a program that cannot be started exits with 127. */
TS_NODISCARD ts_err spawn(const struct spawn *s, pid_t *ret_pid,
                          int *ret_pidfd);

#endif
