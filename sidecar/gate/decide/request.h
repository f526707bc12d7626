#ifndef SIDECAR_GATE_DECIDE_REQUEST_H
#define SIDECAR_GATE_DECIDE_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/cedar.h"
#include "proto/base/ts_arena.h"
#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "sidecar/gate/people/sensitivity.h"
#include "sidecar/gate/people/snapshot.h"
#include "sidecar/gate/people/snapshot_priv.h"

/*
 * From checked arguments to what Cedar is asked about: action, resource, the
 * resource's containers, and how sensitive it is.
 *
 *   File::"/a/b/c"   in Dir::"/a/b", Dir::"/a", Dir::"/"
 *   Url::"https://x.example.com/p"
 *                    in Host::"x.example.com", Host::"example.com", Host::"com"
 *   a named resource and a tool have no derived containers
 *
 * Each of these also brings the ancestors that entities.json gives it. The
 * sensitivity is the label ("sensitivity", a text or a number 0..3) of the
 * nearest of: the resource itself, then its containers from the inside out; a
 * label that is neither is read as secret. Without any label it is the tenant's
 * default_sensitivity.
 */
#define REQUEST_ANCESTORS_MAX 512 /* of one resource, derived and stored */

struct call_target {
    struct cedar_uid resource;
    struct cedar_overlay overlay; /* the resource, with its attributes */
    uint32_t sensitivity;
};

/* Everything lives in arena or borrows from the arguments. TS_E_LIMIT: nested
 * more deeply than REQUEST_ANCESTORS_MAX (or the arena is full). */
TS_NODISCARD ts_err request_target(const struct snapshot_tenant *tenant,
                                   const struct snapshot_tool *tool,
                                   const struct call_args *args,
                                   struct ts_arena *arena,
                                   struct call_target *ret);

#endif
