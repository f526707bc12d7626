#include "sidecar/launcher/layers/landlock.h"

#include <errno.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sidecar/launcher/layers/raw.h"

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule       445
#endif

#define VERSION_FLAG 1 /* LANDLOCK_CREATE_RULESET_VERSION */
#define PATH_BENEATH 1 /* LANDLOCK_RULE_PATH_BENEATH */
#define NET_PORT     2 /* LANDLOCK_RULE_NET_PORT, ABI 4 */
#define NET_TCP_BOTH 3 /* bind and connect */
#define NET_CONNECT  2 /* LANDLOCK_ACCESS_NET_CONNECT_TCP */
#define SCOPE_BOTH   3 /* abstract sockets and signals */

struct ruleset_attr {
    uint64_t fs;
    uint64_t net;    /* ABI 4 */
    uint64_t scoped; /* ABI 6 */
};

struct __attribute__((packed)) path_beneath_attr {
    uint64_t access;
    int32_t fd;
};

struct net_port_attr {
    uint64_t access;
    uint64_t port;
};

int landlock_abi(void)
{
    long v = raw_call3(SYS_landlock_create_ruleset, 0, 0, VERSION_FLAG);

    return v > 0 ? (int)v : 0;
}

static uint64_t known_access(int abi)
{
    uint64_t all = LL_REFER - 1;

    if (abi >= 2)
        all |= LL_REFER;
    if (abi >= 3)
        all |= LL_TRUNCATE;
    if (abi >= 5)
        all |= LL_IOCTL_DEV;
    return all;
}

ts_err landlock_make(int abi, int *ret_fd, int *reterr_errno)
{
    struct ruleset_attr a = {.fs = known_access(abi)};
    size_t size = sizeof(a.fs);
    long fd;

    if (abi >= 4) {
        a.net = NET_TCP_BOTH;
        size = offsetof(struct ruleset_attr, scoped);
    }
    if (abi >= 6) {
        a.scoped = SCOPE_BOTH;
        size = sizeof(a);
    }
    fd = raw_call3(SYS_landlock_create_ruleset, raw_ptr(&a), (long)size, 0);
    if (fd < 0) {
        *reterr_errno = (int)-fd;
        return ts_err_from_errno((int)-fd);
    }
    *ret_fd = (int)fd; /* the kernel sets O_CLOEXEC */
    return TS_OK;
}

ts_err landlock_grant(int ruleset, int abi, int fd, bool is_dir,
                      uint64_t access, int *reterr_errno)
{
    struct path_beneath_attr a = {.access = access & known_access(abi),
                                  .fd = fd};
    long rc;

    if (!is_dir)
        a.access &= LL_ON_FILE;
    if (a.access == 0)
        return TS_OK;
    rc = raw_call6(SYS_landlock_add_rule, ruleset, PATH_BENEATH, raw_ptr(&a), 0,
                   0, 0);
    if (rc == 0)
        return TS_OK;
    *reterr_errno = (int)-rc;
    return ts_err_from_errno((int)-rc);
}

ts_err landlock_grant_port(int ruleset, int abi, uint16_t port,
                           int *reterr_errno)
{
    struct net_port_attr a = {.access = NET_CONNECT, .port = port};
    long rc;

    if (abi < 4)
        return TS_OK;
    rc = raw_call6(SYS_landlock_add_rule, ruleset, NET_PORT, raw_ptr(&a), 0, 0,
                   0);
    if (rc == 0)
        return TS_OK;
    *reterr_errno = (int)-rc;
    return ts_err_from_errno((int)-rc);
}
