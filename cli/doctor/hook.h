#ifndef CLI_DOCTOR_HOOK_H
#define CLI_DOCTOR_HOOK_H

#include <jansson.h>
#include <stdbool.h>

#include "proto/base/ts_attr.h"
#include "sidecar/supervisor/config.h"

/* The on_pending hook of tipstaff.yaml and, if its service runs and lets us
 * ask, how it fares. No line of it is a fault of the host. */
struct doctor_hook {
    bool is_configured;
    char line[384]; /* for people */
    json_t *json;   /* owned: the gate's word for it, or NULL */
};
void doctor_hook(const struct config *c, struct doctor_hook *ret);
void doctor_hook_done(struct doctor_hook *h);

#endif
