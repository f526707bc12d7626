#include "sidecar/launcher/canary/verdicts.h"

#include <stddef.h>

#include "proto/msg/order.h"

/* Any one of these layers, if it holds, must have stopped it. */
#define ALWAYS UINT32_MAX
static const uint32_t stoppers[CANARY_BITS] = {
    [CANARY_BIT_READ_OUTSIDE] = LAYER_LANDLOCK | LAYER_NAMESPACES,
    /* with a /tmp of its own it may */
    [CANARY_BIT_WRITE_OUTSIDE] = LAYER_LANDLOCK,
    [CANARY_BIT_STAT_OUTSIDE] = LAYER_NAMESPACES,
    [CANARY_BIT_SOCKET_INET] = LAYER_SECCOMP,
    [CANARY_BIT_SOCKET_UNIX] = LAYER_SECCOMP,
    [CANARY_BIT_SOCKET_NETLINK] = LAYER_SECCOMP,
    [CANARY_BIT_REACH_NETWORK] = LAYER_SECCOMP | LAYER_NET_NS,
    [CANARY_BIT_SIGNAL] = LAYER_LANDLOCK_SCOPE | LAYER_NAMESPACES | LAYER_UID,
    [CANARY_BIT_TRACE] = LAYER_SECCOMP,
    [CANARY_BIT_FOREIGN_MEMORY] = LAYER_SECCOMP,
    [CANARY_BIT_FOREIGN_PROC] = LAYER_LANDLOCK | LAYER_OWN_PROC,
    [CANARY_BIT_MOUNT] = LAYER_SECCOMP,
    [CANARY_BIT_USER_NS] = LAYER_SECCOMP,
    [CANARY_BIT_CLONE3] = LAYER_SECCOMP,
    [CANARY_BIT_SET_UID] = LAYER_SECCOMP,
    [CANARY_BIT_RAISE_LIMIT] = LAYER_SECCOMP,
    [CANARY_BIT_SET_ID_BIT] = LAYER_SECCOMP,
    [CANARY_BIT_NEW_PRIVS] = LAYER_NO_NEW_PRIVS,
    [CANARY_BIT_CAPABILITY] = ALWAYS,
    [CANARY_BIT_IS_ROOT] = LAYER_UID,
    [CANARY_BIT_SHARED_UID] = LAYER_UID,
    [CANARY_BIT_DESCRIPTOR] = LAYER_FDS_CLOSED,
    [CANARY_BIT_ENVIRONMENT] = LAYER_CLEAN_ENV,
    [CANARY_BIT_TERMINAL] = LAYER_SESSION | LAYER_LANDLOCK,
    [CANARY_BIT_MEMFD] = LAYER_SECCOMP,
    [CANARY_BIT_WX_MEMORY] = LAYER_NO_WX,
    [CANARY_BIT_BPF] = LAYER_SECCOMP,
    [CANARY_BIT_IO_URING] = LAYER_SECCOMP,
    [CANARY_BIT_USERFAULTFD] = LAYER_SECCOMP,
    [CANARY_BIT_KEYRING] = LAYER_SECCOMP,
    [CANARY_BIT_PERF] = LAYER_SECCOMP,
    [CANARY_BIT_CHANGE_MODE] = LAYER_METADATA,
    [CANARY_BIT_FOREIGN_CPUS] = LAYER_METADATA,
};

uint64_t canary_holes(uint64_t could, uint32_t layers, uint64_t profile_allows)
{
    uint64_t holes = 0;

    /* what a profile gives on purpose must still not lead anywhere */
    profile_allows &= ~(CANARY(REACH_NETWORK) | CANARY(IS_ROOT) |
                        CANARY(CAPABILITY) | CANARY(NEW_PRIVS));
    if ((layers & LAYER_PRIVATE_TMP) != 0)
        profile_allows |= CANARY(WRITE_OUTSIDE);
    /* its output is a pipe of the launcher's, which may have the same user
     * there and nothing else that can be reached */
    if ((layers & LAYER_NAMESPACES) != 0)
        profile_allows |= CANARY(CHANGE_MODE);
    for (unsigned b = 0; b < CANARY_BITS; b++) {
        if ((could >> b & 1) != 0 && (layers & stoppers[b]) != 0)
            holes |= UINT64_C(1) << b;
    }
    return holes & ~profile_allows;
}

static bool read_digit(char c, unsigned *ret)
{
    if (c >= '0' && c <= '9')
        *ret = (unsigned)(c - '0');
    else if (c >= 'a' && c <= 'f')
        *ret = (unsigned)(c - 'a') + 10;
    else
        return false;
    return true;
}

bool canary_parse(struct ts_str out, uint64_t *ret)
{
    uint64_t v = 0;
    unsigned d = 0;

    if (out.len != CANARY_DIGITS)
        return false;
    for (size_t i = 0; i < out.len; i++) {
        if (!read_digit(out.ptr[i], &d))
            return false;
        v = v << 4 | d;
    }
    if (v >> CANARY_BITS != 0)
        return false;
    *ret = v;
    return true;
}

const char *canary_what(enum canary_bit b)
{
    static const char *const what[] = {
#define X(id, text) [CANARY_BIT_##id] = text,
        CANARY_MAP(X)
#undef X
    };

    return (unsigned)b < CANARY_BITS ? what[b] : "unknown";
}

const char *canary_name(enum canary_bit b)
{
    static const char *const name[] = {
#define X(id, text) [CANARY_BIT_##id] = #id,
        CANARY_MAP(X)
#undef X
    };

    return (unsigned)b < CANARY_BITS ? name[b] : "UNKNOWN";
}
