#ifndef SIDECAR_LAUNCHER_START_RESOURCE_H
#define SIDECAR_LAUNCHER_START_RESOURCE_H

#include <stdbool.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "proto/msg/order.h"
#include "sidecar/launcher/layers/filter.h"

/*
 * Opens the authorised resource beneath its root, without following a single
 * link. The descriptor becomes the Landlock rule, so what the tool can reach is
 * this inode, whatever the name points to later. A file to be written that
 * does not exist is created (mode 0600, or 0660 if it is to be shared), never
 * over anything.
 */
struct resource_want {
    int root_fd; /* O_PATH of root */
    struct ts_str root;
    struct ts_str path; /* canonical, root or beneath it */
    bool is_dir;
    enum order_access access;
    bool shares; /* with the group that tools have */
    struct filter_key key;
};

/* *ret_fd is the caller's. On failure *reterr_step and *reterr_errno. */
TS_NODISCARD ts_err resource_open(const struct resource_want *w, int *ret_fd,
                                  const char **reterr_step, int *reterr_errno);

#endif
