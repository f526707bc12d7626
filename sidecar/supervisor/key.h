#ifndef SIDECAR_SUPERVISOR_KEY_H
#define SIDECAR_SUPERVISOR_KEY_H

#include <stddef.h>
#include <sys/types.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"

/*
 * The sidecar's signing seed, straight from its file into a pipe that the gate
 * reads once; nothing is kept here. where is a path relative to config_dir, an
 * absolute one, or credential:NAME beneath credentials (the value of
 * $CREDENTIALS_DIRECTORY, NULL when unset). The file must be regular, exactly
 * 32 bytes, owned by root or euid, closed to group and others; symlinks are
 * not followed. reterr_text says what is wrong and what to do.
 */
TS_NODISCARD ts_err key_pipe(int config_dir, const char *where,
                             const char *credentials, uid_t euid, int *ret_fd,
                             char *reterr_text, size_t reterr_cap);

#endif
