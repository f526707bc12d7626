#ifndef SIDECAR_GATE_ASKING_BREAKGLASS_H
#define SIDECAR_GATE_ASKING_BREAKGLASS_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_buf.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "proto/msg/admin.h"
#include "proto/msg/order.h"
#include "sidecar/gate/decide/decide.h"
#include "sidecar/gate/escalate/escalation_journal.h"
#include "sidecar/gate/gate.h"

/*
 * Break-glass (docs/APPROVALS.md): escalations brought by operators, what calls
 * may use of them, and their end.
 *
 * Level-triggered as approvals.h: the moment that one is over nothing new finds
 * it; that its end is written down and its tools are killed follows as soon as
 * the ring has room. Its id is revoked then, which is what keeps it from coming
 * again, here and after a restart.
 */
struct run;

/* What x may use now; false: nothing. Borrowed until the next turn. */
bool breakglass_for(struct gate *g, const struct authority *a,
                    struct decide_escalation *ret);
/* The call may need room for an entry in front of its launch. */
bool breakglass_may_launch(const struct gate *g);
/* The use of d for the ring, in front of its launch; *ret_some is false where
 * d uses none. payload has ESCALATION_PAYLOAD_MAX bytes and must outlive *ret.
 */
TS_NODISCARD ts_err breakglass_entry(struct gate *g, struct ts_str tenant,
                                     const struct decision *d, uint8_t *payload,
                                     struct ring_journal *ret, bool *ret_some);
/* The launch is in the ring: r runs under what d used. */
void breakglass_launched(struct gate *g, struct ts_str tenant,
                         const struct decision *d, struct run *r);

/* What became of an operator's message, for ESCALATED. TS_E_AGAIN: the ring is
 * full, nothing was done. */
struct breakglass_reply {
    struct admin_escalated m;
    char code[TS_CODE_MAX];
    char text[TS_MESSAGE_TEXT_MAX];
};
TS_NODISCARD ts_err breakglass_activate(struct gate *g, uint32_t uid,
                                        struct ts_bytes object,
                                        struct breakglass_reply *ret);
/* Appends all that uid may see of a tenant ("": of every one), and the end. */
TS_NODISCARD ts_err breakglass_list(const struct gate *g, uint32_t uid,
                                    struct ts_str tenant, struct ts_buf *out);

/* After revocations, directories, rules: what rests on what has gone ends. */
void breakglass_recheck(struct gate *g);
/* Time passes. */
void breakglass_sweep(struct gate *g);
/* What the ring had no room for. */
void breakglass_run(struct gate *g);
/* Records of activations that were refused, as many as may be written now
 * (refusals.h); all: the gate ends. */
void breakglass_refusals(struct gate *g, bool all);
/* An entry of the journal. */
TS_NODISCARD ts_err breakglass_replay(struct gate *g, struct ts_bytes payload,
                                      uint64_t *ret_unix_ms,
                                      const char **reterr_what);

#endif
