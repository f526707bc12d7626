/* Linked into a launcher of its own with --wrap=landlock_grant: a ruleset that
 * grants reading everything, as a mistake in it might. */
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
    int more = open("/", O_PATH | O_CLOEXEC);
    ts_err e = __real_landlock_grant(ruleset, abi, more, true, LL_READ_ONLY,
                                     reterr_errno);

    (void)close(more);
    return e != TS_OK ? e
                      : __real_landlock_grant(ruleset, abi, fd, is_dir, access,
                                              reterr_errno);
}
