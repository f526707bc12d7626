#ifndef SIDECAR_LAUNCHER_LIFE_SCRATCH_H
#define SIDECAR_LAUNCHER_LIFE_SCRATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "sidecar/launcher/layers/filter.h"

/* A private folder for one call, beneath the manifest's scratch base, gone
 * when the call has ended. Never executable (the Landlock rule says so). */
#define SCRATCH_NAME_MAX 40

void scratch_name(uint64_t mark, char out[SCRATCH_NAME_MAX]);
/* *ret_fd is an O_PATH descriptor of the new folder, the caller's. for_group:
 * the tool is another user, of our group; that others of this group cannot
 * enter is what Landlock says. */
TS_NODISCARD ts_err scratch_make(int base_fd, const char *name, bool for_group,
                                 const struct filter_key *key, int *ret_fd,
                                 int *reterr_errno);
/* Follows no link, whatever depth it has; touches no more than `most` entries
 * and says TS_E_AGAIN then, so that a tool cannot hold up the launcher with a
 * forest of files. What is left is for the next turn. */
#define SCRATCH_TURN 1024
TS_NODISCARD ts_err scratch_remove(int base_fd, const char *name, uint32_t most,
                                   const struct filter_key *key);

#endif
