#ifndef SHIM_CLI_KEPT_H
#define SHIM_CLI_KEPT_H

#include <jansson.h>

#include "shim/cli/term.h"
#include "shim/tipstaff.h"

/*
 * What is said of an output that the sidecar keeps back: the handle, alone in
 * the first line, and a row for each kind of value that it holds.
 */
void kept_print(struct term *term, const struct tipstaff_event *ev);
/* {"stdout_bytes":N, "stderr_bytes":N, "more":B, "outline":[{"path":..,
 * "type":.., "count":N, "min":N, "max":N, "untrusted":B, "secret":B}...]};
 * NULL without memory. */
json_t *kept_json(const struct tipstaff_event *ev);

#endif
