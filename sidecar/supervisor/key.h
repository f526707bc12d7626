#ifndef SIDECAR_SUPERVISOR_KEY_H
#define SIDECAR_SUPERVISOR_KEY_H

#include <stddef.h>
#include <sys/types.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"

/*
 * The seeds that the gate signs with, straight from their files into a pipe
 * that it reads once; nothing is kept here. In the pipe: the sidecar's 32
 * bytes, then the token seed's 32 if there is one (START says has_token_key),
 * then its end. key and token_key (NULL: none) are each a path relative to
 * config_dir, an absolute one, or credential:NAME beneath credentials (the
 * value of $CREDENTIALS_DIRECTORY, NULL when unset). The two must differ: a
 * key has one role. reterr_text says what is wrong and what to do.
 */
struct key_files {
    int config_dir; /* borrowed */
    const char *key, *token_key;
    const char *credentials;
    uid_t euid;
};
TS_NODISCARD ts_err key_pipe(const struct key_files *files, int *ret_fd,
                             char *reterr_text, size_t reterr_cap);

#endif
