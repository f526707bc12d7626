#ifndef SIDECAR_GATE_WIRE_ADMIN_UV_H
#define SIDECAR_GATE_WIRE_ADMIN_UV_H

#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "sidecar/gate/gate.h"

/*
 * Operators on admin.sock: REVOKE, FEED, STATUS, APPROVALS and ANSWER, one at a
 * time per connection. A message that is malformed ends that connection only;
 * one that arrives while a revocation is still being completed waits.
 */
struct admin;

TS_NODISCARD ts_err admin_new(struct gate *g, int fd, uint32_t uid);
/* The on_pending hook's, which is shown every question and may say HOOK alone.
 * Takes *fd on success only. */
TS_NODISCARD ts_err admin_new_hook(struct gate *g, uint32_t uid, int *fd);
/* From revoke.c: the barrier is back; every signalled tool was reaped. */
void admin_ack(struct admin *a, const struct revoke_job *job);
void admin_done(struct admin *a, const struct revoke_job *job);
/* From approvals.c: people were asked something new; what became of it. */
struct pending;
void admins_new_ticket(struct gate *g);
void admins_ticket_news(struct gate *g, const struct pending *p,
                        const char *what);
/* What had to wait is tried again. */
void admins_retry(struct gate *g);
void admins_close(struct gate *g);

#endif
