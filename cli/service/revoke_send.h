#ifndef CLI_SERVICE_REVOKE_SEND_H
#define CLI_SERVICE_REVOKE_SEND_H

#include <stdint.h>

#include "proto/base/ts_str.h"

/*
 * Brings a signed revocation to the service, waits until nothing starts under
 * it any more and, wait_s at most for each answer, until all that ran has
 * ended. Prints what came of it; an exit code. title: what is revoked,
 * printable.
 */
int revoke_send(const char *socket, uint64_t wait_s, const char *title,
                struct ts_bytes record);

#endif
