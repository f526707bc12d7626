#ifndef SIDECAR_GATE_DECIDE_HANDLES_H
#define SIDECAR_GATE_DECIDE_HANDLES_H

#include "proto/base/ts_arena.h"
#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "proto/msg/code.h"
#include "sidecar/gate/decide/call_provenance.h"

/*
 * Handles among the arguments of a call: a value {"$ref": "call-3", "path":
 * "/0/sender"}, as an argument or an item of a list, stands for what is at that
 * pointer in the output of that call of the task. The gate puts the value in,
 * before anything else looks at the arguments: order, ticket and record carry
 * it. Its provenance is that of the very leaf.
 */
struct resolved { /* in the arena */
    struct ts_bytes args;
    const struct call_handle *list;
    uint32_t count;
    enum call_code refused; /* of TS_E_INVALID alone: why */
    uint32_t refused_call; /* the number that the handle at fault names, or 0 */
};
/* Without a handle ret->args is args itself. TS_E_INVALID: reterr_text names
 * the argument, ret->refused says why. A value that was put in is data: what in
 * it looks like a handle is none. task may be NULL: it has no outputs. */
TS_NODISCARD ts_err handles_resolve(struct prov_task *task,
                                    struct ts_bytes args,
                                    struct ts_arena *arena,
                                    struct resolved *ret, char *reterr_text,
                                    size_t reterr_cap);

#endif
