#ifndef SIDECAR_GATE_CALL_KEY_H
#define SIDECAR_GATE_CALL_KEY_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "sidecar/gate/steps/callids.h"

struct authority;
struct decision;
struct msg_call;
struct ts_buf;

/* Small pure parts of calls.c. */

/* What makes two CALLs the same: tool, arguments, provenance and whether stdin
 * follows. Not seq, deadline, trace and flags, which differ between a call and
 * its retry. Keyed, since the agent chooses all of it. */
struct call_key call_key_of(const uint8_t hash_key[16],
                            const struct msg_call *m);

/* sig = Sign(leaf holder, PAE("tipstaff/1/call", session_id, le64(seq),
 * BLAKE2b-256(envelope without sig))) */
bool call_sig_ok(const struct authority *a, const struct msg_call *m);

/* The items of CHECKED, one by one. */
TS_NODISCARD ts_err check_answer_begin(struct ts_buf *b, uint32_t count);
TS_NODISCARD ts_err check_answer_add(struct ts_buf *b,
                                     const struct decision *d);

#endif
