#ifndef SIDECAR_SUPERVISOR_DIRS_H
#define SIDECAR_SUPERVISOR_DIRS_H

#include <stddef.h>
#include <sys/types.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"

#define DIRS_ID_KEEP ((uid_t)-1) /* do not change the owner or group */

/*
 * Opens a directory, making it and what is missing above it (those 0755). Its
 * mode, owner and group are set. A symlink at the end, or an owner who is
 * neither root, us nor the wanted one, is refused. reterr_text says why.
 */
TS_NODISCARD ts_err dirs_open(const char *path, mode_t mode, uid_t owner,
                              gid_t group, int *ret_fd, char *reterr_text,
                              size_t reterr_cap);

#endif
