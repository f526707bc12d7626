#ifndef CLI_DIRECTORY_SOURCE_H
#define CLI_DIRECTORY_SOURCE_H

#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_buf.h"
#include "proto/base/ts_err.h"
#include "proto/trust/directory_snapshot.h"

/* Appends users, agents and approvers as the YAML text that
 * directory_yaml_read() reads back into the same lists. */
TS_NODISCARD ts_err directory_source_write(const struct directory_snapshot *s,
                                           struct ts_buf *out);

/*
 * What two snapshots have in common when they say the same: a hash of all but
 * sequence number and times.
 *
 *     BLAKE2b-256(PAE("tipstaff/1/directory-content",
 *                     body with seq 1, issued 0, not_after 1))
 *
 * TS_E_INVALID: the lists are none of a snapshot; reterr_* as
 * directory_snapshot_encode() has them.
 */
TS_NODISCARD ts_err directory_content_hash(const struct directory_snapshot *s,
                                           uint8_t ret[TRUST_HASH_LEN],
                                           const char **reterr_what,
                                           uint32_t *reterr_index);

#endif
