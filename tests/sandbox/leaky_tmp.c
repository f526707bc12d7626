/* Linked into a launcher of its own with --wrap=landlock_grant: /tmp of the
 * host may be written to. */
#include <fcntl.h>
#include <unistd.h>

#include "sidecar/launcher/layers/landlock.h"

ts_err __real_landlock_grant(int ruleset, int abi, int fd, bool is_dir,
                             uint64_t access, int *reterr_errno);
ts_err __wrap_landlock_grant(int ruleset, int abi, int fd, bool is_dir,
                             uint64_t access, int *reterr_errno);

ts_err __wrap_landlock_grant(int ruleset, int abi, int fd, bool is_dir,
                             uint64_t access, int *reterr_errno)
{
    int more = open("/tmp", O_PATH | O_CLOEXEC);
    ts_err e = __real_landlock_grant(ruleset, abi, more, true, LL_READ_WRITE,
                                     reterr_errno);

    (void)close(more);
    return e != TS_OK ? e
                      : __real_landlock_grant(ruleset, abi, fd, is_dir, access,
                                              reterr_errno);
}
