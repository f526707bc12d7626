#ifndef SIDECAR_GATE_PEOPLE_DIRECTORY_YAML_H
#define SIDECAR_GATE_PEOPLE_DIRECTORY_YAML_H

#include <stddef.h>

#include "proto/base/ts_arena.h"
#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/trust/directory_snapshot.h"
#include "sidecar/common/bundle/bundle.h"

/*
 * The source text of a directory: users, agents and approvers as people write
 * them (docs/TENANTS.md has every key), which `tipstaff directory apply` turns
 * into a signed snapshot:
 *
 *     users:     [ {id, status, groups, attrs} .. ]
 *     agents:    [ {id, status, owner, keys, uids, max_depth, attrs} .. ]
 *     approvers: [ {person, status, key, classes, roles} .. ]
 *
 * The third may be left out. Limits are those of directory_snapshot.h; a file
 * holds at most DIRECTORY_YAML_NODES_MAX values.
 */
#define DIRECTORY_YAML_NODES_MAX 262144

/*
 * Reads one file; everything is copied into arena. Lists come out in the order
 * that directory_snapshot_encode() wants. tenant, seq, issued, not_after and
 * the revocations are empty: the caller sets them. On failure reterr_text is
 * "FILE:LINE: what; what to do". Needs trust_init().
 */
TS_NODISCARD ts_err directory_yaml_read(const struct bundle_file *file,
                                        struct ts_arena *arena,
                                        struct directory_snapshot *ret,
                                        char *reterr_text, size_t reterr_cap);

#endif
