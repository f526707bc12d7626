/* Landlock by its system calls: the headers of Debian 12 know ABI 2, the
 * kernel may know more, and everything that it knows is taken away. */
#include <errno.h>
#include <linux/landlock.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "sidecar/common/confine/confine_priv.h"
#include "sidecar/common/fds.h"

#define FS_ALL(bits)    ((UINT64_C(1) << (bits)) - 1)
#define FS_TRUNCATE     (UINT64_C(1) << 14) /* ABI 3 */
#define NET_ALL         UINT64_C(3)         /* ABI 4: bind and connect TCP */
#define NET_BIND        UINT64_C(1)
#define SCOPE_ALL       UINT64_C(3) /* ABI 6: abstract sockets, signals */
#define ATTR_SIZE_FS    sizeof(uint64_t)
#define ATTR_SIZE_NET   (2 * sizeof(uint64_t))
#define ATTR_SIZE_SCOPE (3 * sizeof(uint64_t))

struct ruleset_attr { /* as of ABI 6 */
    uint64_t fs, net, scoped;
};

/* Every file right of an ABI: 13 in the first, one more in 2, 3 and 5. */
static uint64_t fs_rights(long abi)
{
    if (abi >= 5)
        return FS_ALL(16);
    if (abi >= 3)
        return FS_ALL(15);
    return abi == 2 ? FS_ALL(14) : FS_ALL(13);
}

/* The broker connects, that is what it is for. */
static int make_ruleset(long abi, enum confine_role role)
{
    struct ruleset_attr a = {.fs = fs_rights(abi)};
    size_t size = ATTR_SIZE_FS;

    if (abi >= 4) {
        a.net = role == CONFINE_BROKER ? NET_BIND : NET_ALL;
        size = ATTR_SIZE_NET;
    }
    if (abi >= 6) {
        a.scoped = SCOPE_ALL;
        size = ATTR_SIZE_SCOPE;
    }
    return (int)syscall(SYS_landlock_create_ruleset, &a, size, 0);
}

static ts_err allow_beneath(int ruleset, int dir_fd, uint64_t rights)
{
    const struct landlock_path_beneath_attr a = {.allowed_access = rights,
                                                 .parent_fd = dir_fd};

    if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &a,
                0) != 0)
        return ts_err_from_errno(errno);
    return TS_OK;
}

ts_err confine_landlock(enum confine_role role)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
                       LANDLOCK_CREATE_RULESET_VERSION);
    int ruleset TS_CLEANUP(ts_fd_close) = -1;
    uint64_t own = LANDLOCK_ACCESS_FS_READ_FILE |
                   LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_DIR |
                   LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REMOVE_FILE;
    ts_err e = TS_OK;

    if (abi < 1)
        return abi < 0 ? ts_err_from_errno(errno) : TS_E_UNSUPPORTED;
    if (abi >= 3)
        own |= FS_TRUNCATE;
    ruleset = make_ruleset(abi, role);
    if (ruleset < 0)
        return ts_err_from_errno(errno);
    if (role == CONFINE_RECORDER &&
        ((e = allow_beneath(ruleset, RECORDER_FD_LOG, own)) != TS_OK ||
         (e = allow_beneath(ruleset, RECORDER_FD_STATE, own)) != TS_OK))
        return e;
    if (syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)
        return ts_err_from_errno(errno);
    return TS_OK;
}
