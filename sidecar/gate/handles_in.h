#ifndef SIDECAR_GATE_HANDLES_IN_H
#define SIDECAR_GATE_HANDLES_IN_H

#include <stdbool.h>
#include <stddef.h>

#include "sidecar/gate/wire/conn_uv.h"

struct call_input;

/*
 * Values in the place of handles, before anything looks at the arguments. What
 * cannot be resolved denies the call, with a code of its own; why has room for
 * the sentence. True: one of them is a secret that was kept from the agent, so
 * the output of this call may hold it.
 */
bool handles_in_put(struct client *c, struct call_input *call, char *why,
                    size_t cap);

#endif
