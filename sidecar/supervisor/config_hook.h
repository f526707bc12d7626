#ifndef SIDECAR_SUPERVISOR_CONFIG_HOOK_H
#define SIDECAR_SUPERVISOR_CONFIG_HOOK_H

#include "sidecar/supervisor/config_read.h"

/* approvals: {on_pending: ..}; the program is looked at, too. */
void config_hook(struct config_reader *r, uid_t euid, struct config *c);
/* When users are known: that of the hook is nobody's who operates. */
void config_hook_user(struct config_reader *r, const struct config *c);

#endif
