#ifndef PROTO_MSG_CODE_H
#define PROTO_MSG_CODE_H

#include <stdbool.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_str.h"

/* deny > pending > permit; 0 is the safe value. */
enum verdict {
    VERDICT_DENY = 0,
    VERDICT_PENDING = 1,
    VERDICT_PERMIT = 2
};

/*
 * What an agent, an operator and the log are told about a call: a code for
 * machines (the string, stable for ever), a sentence for people. On the wire
 * and in the log it is the string; an unknown string is a denial.
 */
/* clang-format off */
#define CALL_CODE_MAP(X)                                                       \
    X(INTERNAL, "internal", "the sidecar failed while deciding")               \
    X(PERMITTED, "permitted", "permitted")                                     \
    X(DENIED, "denied", "no policy permits this call")                         \
    X(FORBIDDEN, "forbidden", "a policy forbids this call")                    \
    X(POLICY_ERROR, "policy_error",                                            \
      "a forbid policy failed while it was evaluated, so the call is denied")  \
    X(APPROVAL_REQUIRED, "approval_required", "a person must approve this call") \
    X(APPROVAL_DENIED, "approval_denied", "a person has denied this call")     \
    X(APPROVAL_EXPIRED, "approval_expired",                                    \
      "the question to people has ended, and nobody's answer counts any more") \
    X(AUTH_FAILED, "auth_failed", "the delegation or its proof was refused")   \
    X(EXPIRED, "expired", "the delegation has expired")                        \
    X(NOT_YET_VALID, "not_yet_valid", "the delegation is not valid yet")       \
    X(REVOKED, "revoked", "the authority for this call was revoked")           \
    X(STALE_STATE, "stale_state", "the sidecar's state is older than demanded") \
    X(NOT_READY, "not_ready", "the sidecar is not ready to decide")            \
    X(RATE_LIMITED, "rate_limited", "too many requests")                       \
    X(BUDGET_EXHAUSTED, "budget_exhausted",                                    \
      "the delegation allows no further calls")                                \
    X(LIMIT_REACHED, "limit_reached",                                          \
      "what is allowed of this is used up, or would be more than is allowed")  \
    X(DUPLICATE_CALL, "duplicate_call",                                        \
      "this call id was used with other content")                              \
    X(OUTCOME_UNKNOWN, "outcome_unknown",                                      \
      "the sidecar cannot tell whether this call ran before")              \
    X(BAD_FRAME, "bad_frame", "the message is malformed")                      \
    X(BAD_ARGUMENTS, "bad_arguments", "the arguments do not fit the tool")     \
    X(HANDLE_MALFORMED, "handle_malformed", "an argument is no proper handle") \
    X(HANDLE_UNKNOWN, "handle_unknown", "this task has no call of that number") \
    X(HANDLE_RUNNING, "handle_running", "the call that a handle names still runs") \
    X(HANDLE_GONE, "handle_gone", "the output that a handle names is not kept") \
    X(HANDLE_NOTHING, "handle_nothing",                                        \
      "no single value stands where a handle points")                          \
    X(HANDLE_TOO_LARGE, "handle_too_large",                                    \
      "the value of a handle is too large for an argument")                    \
    X(SCHEMA_MISMATCH, "schema_mismatch",                                      \
      "the call does not fit the tenant's schema")                             \
    X(TOOL_UNKNOWN, "tool_unknown", "no tool of this name is configured")      \
    X(TOOL_UNAVAILABLE, "tool_unavailable",                                    \
      "this tool is configured wrongly; an operator has to repair it")         \
    X(AUDIT_UNAVAILABLE, "audit_unavailable",                                  \
      "the decision could not be recorded, so nothing was run")                \
    X(SANDBOX_UNAVAILABLE, "sandbox_unavailable",                              \
      "a sandbox layer that the tool requires is missing")                     \
    X(RESOURCE_UNAVAILABLE, "resource_unavailable",                            \
      "the resource could not be opened as it was authorised")                 \
    X(LAUNCH_FAILED, "launch_failed", "the tool could not be started")         \
    X(TOO_MANY_CALLS, "too_many_calls", "too many calls are in flight")        \
    X(DEADLINE, "deadline", "the deadline has passed")                         \
    X(CANCELLED, "cancelled", "the call was cancelled")                        \
    X(SHUTTING_DOWN, "shutting_down", "the sidecar is shutting down")
/* clang-format on */

enum call_code {
#define X(id, name, text) CODE_##id,
    CALL_CODE_MAP(X)
#undef X
    CODE_COUNT_
};

const char *call_code_name(enum call_code c); /* static; never NULL */
const char *call_code_text(enum call_code c); /* static; never NULL */
/* An unknown name gives CODE_INTERNAL. */
enum call_code call_code_parse(struct ts_str name);

/* Why a tool ended before it exited by itself. */
/* clang-format off */
#define END_REASON_MAP(X)                                                      \
    X(EXITED, "exited") /* by itself, or by a signal of its own making */      \
    X(REFUSED, "refused") /* never started */                                  \
    X(WALL_LIMIT, "wall_limit")                                                \
    X(OUTPUT_LIMIT, "output_limit")                                            \
    X(CANCELLED, "cancelled") /* by the agent */                               \
    X(DISCONNECTED, "disconnected") /* the agent went away */                  \
    X(REVOKED, "revoked")                                                      \
    X(EXPIRED, "expired") /* the delegation's end */                           \
    X(SHUTDOWN, "shutdown")                                                    \
    X(LOST, "lost") /* a process of the sidecar died; the tool was killed */
/* clang-format on */
enum end_reason {
#define X(id, name) END_##id,
    END_REASON_MAP(X)
#undef X
    END_COUNT_
};
const char *end_reason_name(enum end_reason r); /* static; never NULL */
/* False, and *ret untouched, for a name that is not in the map. */
TS_NODISCARD bool end_reason_parse(struct ts_str name, enum end_reason *ret);

#endif
