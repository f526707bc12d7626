#ifndef SIDECAR_LAUNCHER_CANARY_VERDICTS_H
#define SIDECAR_LAUNCHER_CANARY_VERDICTS_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_str.h"
#include "sidecar/launcher/canary/probes.h"

/*
 * What of the things that the canary could do it should not have been able to,
 * given the layers that are said to hold. A thing that no held layer stops is
 * no hole: the report of layers says already that it is open.
 */

/* layers: layer_bit, as a tool's start would report them. profile_allows: the
 * bits that the seccomp profile gives on purpose (sockets in "net"). */
uint64_t canary_holes(uint64_t could, uint32_t layers, uint64_t profile_allows);

/* What it printed. False unless that is CANARY_DIGITS lower-case hexadecimal
 * digits and no bit beyond those of CANARY_MAP. */
TS_NODISCARD bool canary_parse(struct ts_str out, uint64_t *ret);

const char *canary_name(enum canary_bit b); /* static: "READ_OUTSIDE" */
const char *canary_what(enum canary_bit b); /* static: "read a folder ..." */

#endif
