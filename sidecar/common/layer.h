#ifndef SIDECAR_COMMON_LAYER_H
#define SIDECAR_COMMON_LAYER_H

#include <stdint.h>

#include "proto/base/ts_str.h"
#include "proto/msg/order.h"

/* The layers of the sandbox by name: in manifests ("require"), in records and
 * in what doctor prints. The name never changes; docs/SANDBOX.md explains. */
/* clang-format off */
#define LAYER_MAP(X)                                                           \
    X(NO_NEW_PRIVS,   "no_new_privs")                                          \
    X(SECCOMP,        "seccomp")                                               \
    X(LANDLOCK,       "landlock")                                              \
    X(LANDLOCK_NET,   "landlock_net")                                          \
    X(LANDLOCK_SCOPE, "landlock_scope")                                        \
    X(RLIMITS,        "rlimits")                                               \
    X(FDS_CLOSED,     "fds_closed")                                            \
    X(CLEAN_ENV,      "clean_env")                                             \
    X(SESSION,        "session")                                               \
    X(PDEATHSIG,      "pdeathsig")                                             \
    X(SUBREAPER,      "subreaper")                                             \
    X(UID,            "uid")                                                   \
    X(NAMESPACES,     "namespaces")                                            \
    X(CGROUP,         "cgroup")                                                \
    X(NET_NS,         "net_ns")                                                \
    X(PRIVATE_TMP,    "private_tmp")                                           \
    X(OWN_PROC,       "own_proc")                                              \
    X(KEYRING,        "keyring")                                               \
    X(NO_WX,          "no_wx")                                                 \
    X(OWN_FILTER,     "own_filter")                                            \
    X(METADATA,       "metadata")
/* clang-format on */

#define LAYER_COUNT 21

/* What every tool gets, on every host, whatever its manifest says. */
#define LAYER_FLOOR                                                            \
    ((uint32_t)(LAYER_NO_NEW_PRIVS | LAYER_SECCOMP | LAYER_LANDLOCK |          \
                LAYER_RLIMITS | LAYER_FDS_CLOSED | LAYER_CLEAN_ENV |           \
                LAYER_SESSION | LAYER_PDEATHSIG | LAYER_SUBREAPER))

const char *layer_name(uint32_t bit);     /* static; "unknown" if not one bit */
uint32_t layer_parse(struct ts_str name); /* 0 if there is none of that name */
const char *layer_first(uint32_t bits);   /* name of the lowest bit set */

#endif
