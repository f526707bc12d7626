#ifndef SIDECAR_GATE_PEOPLE_SENSITIVITY_H
#define SIDECAR_GATE_PEOPLE_SENSITIVITY_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/ts_str.h"

/* How sensitive a resource is; which label counts:
 * sidecar/gate/decide/request.h. */
enum sensitivity {
    SENSITIVITY_PUBLIC = 0,
    SENSITIVITY_INTERNAL = 1,
    SENSITIVITY_CONFIDENTIAL = 2,
    SENSITIVITY_SECRET = 3
};
bool sensitivity_parse(struct ts_str name, uint32_t *ret);
struct ts_str sensitivity_name(uint32_t level); /* above 3: "secret" */

#endif
