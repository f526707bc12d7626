#ifndef SIDECAR_BROKER_PRIVILEGE_H
#define SIDECAR_BROKER_PRIVILEGE_H

#include <stdbool.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"

/*
 * The one capability of the broker, and how long it has it. The manager keeps
 * the credentials of the service for the service's own user (root, mode 0400);
 * the broker is another user and adds some of them to requests. So the
 * supervisor hands it CAP_DAC_READ_SEARCH (supervisor/spawn.h), which is
 *
 *   permitted   from exec to privilege_drop(), before anything from outside is
 *               read
 *   effective   only while one credential is opened
 *
 * Files that a manifest names by their path are opened without it.
 */

/* First thing in main(): everything else goes, nothing passes an exec. */
TS_NODISCARD ts_err privilege_take(void);
/* Around the opening of one credential. Nothing happens where there is nothing
 * to raise, or no more. */
void privilege_raise(bool on);
/* For good; TS_E_STATE: something is left. */
TS_NODISCARD ts_err privilege_drop(void);

#endif
