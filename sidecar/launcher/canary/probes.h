#ifndef SIDECAR_LAUNCHER_CANARY_PROBES_H
#define SIDECAR_LAUNCHER_CANARY_PROBES_H

#include <stdint.h>

/*
 * What the canary tries inside a box, each a bit of the number that it prints.
 * A set bit means "it could be done". None does harm where it succeeds, and
 * none leaves anything behind. design: sandbox, section 5.
 */
/* clang-format off */
#define CANARY_MAP(X)                                                          \
    X(READ_OUTSIDE,   "read a folder that was not granted")                    \
    X(WRITE_OUTSIDE,  "make a file in /tmp")                                   \
    X(STAT_OUTSIDE,   "see that a path outside exists")                        \
    X(SOCKET_INET,    "make an IPv4 socket")                                   \
    X(SOCKET_UNIX,    "make a UNIX socket")                                    \
    X(SOCKET_NETLINK, "make a netlink socket")                                 \
    X(REACH_NETWORK,  "bring a datagram on its way out of the machine")        \
    X(SIGNAL,         "signal the launcher")                                   \
    X(TRACE,          "be traced by, or trace, another process")               \
    X(FOREIGN_MEMORY, "read the launcher's memory")                            \
    X(FOREIGN_PROC,   "see the launcher in /proc")                             \
    X(MOUNT,          "mount")                                                 \
    X(USER_NS,        "make a user namespace")                                 \
    X(CLONE3,         "call clone3, whose flags no filter sees")               \
    X(SET_UID,        "become another user")                                   \
    X(RAISE_LIMIT,    "change its own limits")                                 \
    X(SET_ID_BIT,     "set a set-user-id bit")                                 \
    X(NEW_PRIVS,      "gain privileges by exec")                               \
    X(CAPABILITY,     "use a capability")                                      \
    X(IS_ROOT,        "act as uid 0")                                          \
    X(SHARED_UID,     "act as the uid of the launcher")                        \
    X(DESCRIPTOR,     "use a descriptor that it was not given")                \
    X(ENVIRONMENT,    "read a variable that it was not given")                 \
    X(TERMINAL,       "open a terminal")                                       \
    X(MEMFD,          "make an anonymous file")                                \
    X(WX_MEMORY,      "map memory both writable and executable")               \
    X(BPF,            "load a BPF program")                                    \
    X(IO_URING,       "set up an io_uring")                                    \
    X(USERFAULTFD,    "make a userfaultfd")                                    \
    X(KEYRING,        "use the kernel's keyrings")                             \
    X(PERF,           "open a perf event")                                     \
    X(CHANGE_MODE,    "change the mode of what is the launcher's")             \
    X(FOREIGN_CPUS,   "give the launcher other processors")
/* clang-format on */

enum canary_bit {
#define X(id, what) CANARY_BIT_##id,
    CANARY_MAP(X)
#undef X
    CANARY_BITS
};
#define CANARY(id) (UINT64_C(1) << CANARY_BIT_##id)

/* Its command line: "canary" FOLDER UID PID SKIP. FOLDER is a path outside that
 * everybody may list, UID and PID (decimal) are the launcher's, SKIP (decimal)
 * the bits that it must not try, since the filter would kill it. It prints
 * CANARY_DIGITS hexadecimal digits and exits with 0. */
#define CANARY_DIGITS 16

#endif
