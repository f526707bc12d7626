#ifndef PROTO_BASE_TS_ERR_H
#define PROTO_BASE_TS_ERR_H

#include "proto/base/ts_attr.h"

TS_API_BEGIN

/*
 * One error type for the whole tree; errno and uv codes stop at the call that
 * made them. These say what went wrong with a computation. What an agent or an
 * operator is told (denied, expired, revoked, ...) is a verdict and has its own
 * codes: proto/msg/code.h.
 */
/* clang-format off */
#define TS_ERR_MAP(X)                                                          \
    X(NOMEM,     "out of memory")                                              \
    X(LIMIT,     "a limit was exceeded")                                       \
    X(TRUNCATED, "input ends early")                                           \
    X(FORMAT,    "input is malformed")                                         \
    X(STATE,     "not allowed in this state")                                  \
    X(AUTH,      "authenticator did not verify")                               \
    X(NOT_FOUND, "no such entry")                                              \
    X(EXISTS,    "entry exists already")                                       \
    X(AGAIN,     "would block")                                                \
    X(CLOSED,    "the other side has closed")                                  \
    X(DENIED,    "permission refused by the system")                           \
    X(NO_SPACE,  "no space left")                                              \
    X(UNSUPPORTED, "not supported by this system")                             \
    X(INVALID,   "value is not allowed here")                                  \
    X(SYSTEM,    "system call failed")
/* clang-format on */

typedef enum ts_err {
    TS_OK = 0,
#define X(id, text) TS_E_##id,
    TS_ERR_MAP(X)
#undef X
    TS_E_COUNT_
} ts_err;

const char *ts_err_text(ts_err e); /* static string, never NULL */

/* The ts_err that an errno value stands for; 0 gives TS_OK. */
ts_err ts_err_from_errno(int err);

TS_API_END

#endif
