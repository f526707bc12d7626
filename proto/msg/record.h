#ifndef PROTO_MSG_RECORD_H
#define PROTO_MSG_RECORD_H

#include "proto/wire/limits.h"

/*
 * A record on its way from gate to recorder: one strict msgpack map, str keys.
 * The recorder checks it, adds what it alone may say, and writes one JSON line:
 *
 *   {"v":1,"seq":N,"time":"2026-11-22T00:00:00.000123Z","kind":"decision",
 *    ...the map's entries in their order...,"prev":"<64 hex>"}
 *
 * prev is BLAKE2b-256(PAE("tipstaff/1/log", previous line without newline));
 * 64 zeros in the very first line. The map may not hold v, seq, time or prev.
 * bin values become lower-case hex. Required keys are checked by kind:
 *
 *   kind             required keys
 *   decision         id, tenant, user, agent, tool, effect, code
 *   exec_ended       id (the decision's), tenant, reason
 *   revocation       tenant, rev_seq, target
 *   policy_loaded    generation
 *   policy_rejected  generation, text
 *   tool_refused     generation, tool (may be empty), text; file, line
 *   directory_loaded tenant, dir_seq
 *   directory_rejected  tenant, text
 *   approval         id (the decision's that waits), tenant, code
 *   approval_ended   id (the same), tenant, reason
 *   hook_failed      code, text; ran, failed, left_out
 *   escalation, escalation_review_due  id, tenant, user, agent, reason
 *   escalation_refused  id (zeros: it could not be read), tenant, code
 *   egress_opened    id (the decision's), tenant, tool
 *   egress_closed    id, tenant, tool, reason
 *   egress_denied    id, tenant, tool, code
 *   start, stop      (none; the recorder writes its own)
 *
 * decision, in this order: kind, id (bin16), tenant, user, agent, chain (array
 * of "user:..", "agent:.."), grant (bin16), task, blocks (array of [agent,
 * key fingerprint bin16, block id bin32, iat, exp]), issuer (kid bin16),
 * session (bin16), peer (map uid, gid, pid, pidfs_ino), call (bin16),
 * call_seq, tool, tool_digest (bin32), args_digest (bin32: BLAKE2b of the
 * received bytes), args (map: per the manifest's log setting keys -> value, or
 * {"len":n} for a value that is not logged), action, resource,
 * resource_type, sensitivity, effect ("permit", "forbid", "pending"), code,
 * text, cedar (array of [set name, decision, [reason ids], [[policy id,
 * error]...], [satisfied permits]]), policies (array of determining "set/id"),
 * context (map, the context used), calls_1m, provenance (array), trace,
 * rev_seq, dir_seq, generation (policy revision), order (id, only when a launch
 * follows), box and require (when a policy demands something of the box: least
 * level, array of layers), us (decision time in microseconds).
 *
 * A decision that people were asked about has ticket (bin32) and approved_by
 * (array of persons; empty until enough have said yes) before us; endorses
 * (array of [argument, value], or of [argument]) if it lets values through.
 *
 * A decision that is what it is because of an escalation has escalation (its
 * id, bin16) and lifted (array of policy ids) before us.
 *
 * escalation: kind, id (bin16), tenant, user, agent, task, people (array),
 * expires, used, max_uses, reason, incident, policies (Cedar), lifts (array),
 * by_uid. escalation_review_due: the same to incident, and end ("expired",
 * "used_up", "revoked", "policies_changed").
 *
 * escalation_refused: kind, id, tenant, user, agent, task, code, keys (array of
 * bin16: by whose keys it says that it is signed), left_out (how many were
 * refused before it without a record), by_uid. What it says is nobody's word;
 * the texts are empty where by_uid may not act for that tenant.
 *
 * approval: kind, id, tenant, ticket (bin32), person ("" when nothing told
 * who), verdict ("yes", "no", "" likewise), code ("ok" or why it does not
 * count), state ("waiting", "granted", "denied"), people (how many have said
 * yes), by_uid. approval_ended: kind, id, tenant, ticket, reason, people
 * (array).
 *
 * exec_ended: kind, id, tenant, user, agent, tool, reason, code, exit_code,
 * signal, wall_us, cpu_us, max_rss_kb, stdout_bytes, stderr_bytes, truncated,
 * box (the level it ran at), layers, absent, weakened (arrays of names; box,
 * absent and weakened only of a tool that ran), landlock_abi, launch_us,
 * killed, redacted (secrets that were taken out of its output), withheld (true,
 * or absent: the agent was not given it), endorsed (how many values it let
 * through; absent: none).
 *
 * egress_opened: kind, id, tenant, user, agent, tool, conn (its number), via
 * ("broker", "connect", "http", "socks5"), host, port, address, and for HTTP
 * method and path. egress_closed: ..tool, conn, host, port, reason, bytes_out
 * (tool to host), bytes_in, ms. egress_denied: ..tool, via, host, port, code,
 * count, and for HTTP method and path. Names: proto/msg/egress.h.
 *
 * A "decision" with an order whose exec_ended never came (gate lost, recorder
 * killed) is closed by the recorder itself with reason "lost".
 *
 * In a LAUNCH the record must be a decision with effect "permit" whose order,
 * id, tool and args_digest (unkeyed BLAKE2b-256) are those of the order beside
 * it: what is written down is what is launched. The recorder also writes
 * "segment" (first line of every file but the first: the launches still open)
 * and "truncation" (a torn last line was cut at start); docs/LOG.md.
 */
#define RECORD_KEY_MAX 64 /* bytes of a key */

/* Bytes of one line, newline included: JSON makes at most six bytes of one
 * byte of record, and the recorder's own keys are shorter than 4 KiB. */
#define RECORD_LINE_MAX (6 * TS_RECORD_MAX + 4096)

#endif
