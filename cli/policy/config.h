#ifndef CLI_POLICY_CONFIG_H
#define CLI_POLICY_CONFIG_H

#include <stdbool.h>

#include "sidecar/gate/people/snapshot.h"

/* A configuration directory of the service (tenants/, tools/), loaded and
 * checked by the code that the gate loads it with. Prints what is wrong. Free
 * with snapshot_free(). */
bool pol_config_load(const char *dir, struct snapshot **ret);

#endif
