#ifndef SIDECAR_SUPERVISOR_CONFIG_BOX_H
#define SIDECAR_SUPERVISOR_CONFIG_BOX_H

#include "sidecar/supervisor/config_read.h"

/* sandbox: how tools are boxed on this host, and egress: whether there is a
 * broker. euid: who starts the service; the range of uids is for root alone. */
void config_sandbox(struct config_reader *r, uid_t euid, struct config *c);
void config_egress(struct config_reader *r, struct config *c);
/* What must not overlap: uids of tools with those of our own processes. */
void config_uids_check(struct config_reader *r, const struct config *c);

#endif
