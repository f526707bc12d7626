#ifndef SIDECAR_SUPERVISOR_CONFIG_OPERATORS_H
#define SIDECAR_SUPERVISOR_CONFIG_OPERATORS_H

#include "sidecar/supervisor/config_read.h"

/* admin_uids (default: euid alone) and tenant_operators. Nobody may stand in
 * both: an operator of everything who is also written down as one of a tenant
 * is a mistake in one of the two places. */
void config_operators(struct config_reader *r, uid_t euid, struct config *c);

#endif
