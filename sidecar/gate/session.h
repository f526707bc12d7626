#ifndef SIDECAR_GATE_SESSION_H
#define SIDECAR_GATE_SESSION_H

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/msg/code.h"
#include "proto/wire/frame.h"
#include "sidecar/gate/wire/conn_uv.h"

/*
 * What a connection says before and beside its calls: HELLO, AUTH, WELCOME,
 * PING, TOOLS, TASK_END. The peer learns auth_failed and no more; the reason
 * goes to the service log.
 */
void session_hello(struct client *c);

/* Handles one frame. TS_E_AGAIN: nothing was done, give it again later. Any
 * other error: the frame is malformed. */
TS_NODISCARD ts_err session_frame(struct client *c, const struct frame *f);

/*
 * Whether the session's authority still holds: CODE_PERMITTED, or why not
 * (CODE_REVOKED, CODE_EXPIRED ...). One compare each as long as neither the
 * revocations nor the snapshot changed since the last look.
 */
enum call_code session_authority(struct client *c);
/* The same of a verified chain alone, whoever holds it now: configured, active,
 * not expired, not revoked. */
struct delegation;
enum call_code session_chain_code(struct gate *g, const struct delegation *d);

/* After a change of revocations or snapshot: every session is looked at, and
 * drained if its authority is gone. Returns how many were. */
uint64_t sessions_recheck(struct gate *g);
/* The clock that their ends were reckoned by turned out to be behind by so
 * much. */
void sessions_sooner(struct gate *g, uint64_t by_ns);

#endif
