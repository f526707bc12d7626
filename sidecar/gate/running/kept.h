#ifndef SIDECAR_GATE_RUNNING_KEPT_H
#define SIDECAR_GATE_RUNNING_KEPT_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_str.h"
#include "sidecar/gate/provenance/task.h"
#include "sidecar/gate/running/running.h"

/*
 * Outputs that the agent is not given (docs/PROVENANCE.md, "Handles"): because
 * the tool's manifest says so, because a secret that was kept back went into
 * the call, or because the agent wished it. Whether it is kept is known at the
 * end of the tool; until then nothing of it is shown. What is not kept after
 * all is shown then, as fast as the agent takes it.
 */
struct manifest_output;

/* After the launch. */
void run_kept_begin(struct run *r, const struct run_keeping *k,
                    const struct manifest_output *o);
/* Bytes of the tool, without its secrets: true if they are not shown now. */
bool run_kept_takes(struct run *r, size_t which, struct ts_bytes b);
/* The tool has ended. False: some of it is still to be shown, and the agent has
 * no room for it; ask again when it has, or is gone. */
bool run_kept_settle(struct run *r);
/* How the task keeps it, in the output's own words. */
void run_kept_tell(struct run *r, const struct prov_output *o,
                   enum prov_output_how how);

#endif
