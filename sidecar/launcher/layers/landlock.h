#ifndef SIDECAR_LAUNCHER_LAYERS_LANDLOCK_H
#define SIDECAR_LAUNCHER_LAYERS_LANDLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"

/*
 * Landlock by hand (three system calls; the C library has none). The bits are
 * the kernel's ABI, include/uapi/linux/landlock.h; newer ones than this
 * kernel knows are left out when a ruleset is made. What then holds is not
 * derived from a version, it is tried (probe.h).
 */
#define LL_EXECUTE     (1ull << 0)
#define LL_WRITE_FILE  (1ull << 1)
#define LL_READ_FILE   (1ull << 2)
#define LL_READ_DIR    (1ull << 3)
#define LL_REMOVE_DIR  (1ull << 4)
#define LL_REMOVE_FILE (1ull << 5)
#define LL_MAKE_CHAR   (1ull << 6)
#define LL_MAKE_DIR    (1ull << 7)
#define LL_MAKE_REG    (1ull << 8)
#define LL_MAKE_SOCK   (1ull << 9)
#define LL_MAKE_FIFO   (1ull << 10)
#define LL_MAKE_BLOCK  (1ull << 11)
#define LL_MAKE_SYM    (1ull << 12)
#define LL_REFER       (1ull << 13) /* ABI 2 */
#define LL_TRUNCATE    (1ull << 14) /* ABI 3 */
#define LL_IOCTL_DEV   (1ull << 15) /* ABI 5 */

/* What each kind of grant holds. */
#define LL_READ_ONLY (LL_READ_FILE | LL_READ_DIR)
#define LL_RUN       (LL_EXECUTE | LL_READ_FILE)
#define LL_READ_WRITE                                                          \
    (LL_READ_ONLY | LL_WRITE_FILE | LL_TRUNCATE | LL_REMOVE_DIR |              \
     LL_REMOVE_FILE | LL_MAKE_DIR | LL_MAKE_REG | LL_MAKE_FIFO | LL_MAKE_SYM | \
     LL_REFER)
#define LL_ON_FILE                                                             \
    (LL_EXECUTE | LL_WRITE_FILE | LL_READ_FILE | LL_TRUNCATE | LL_IOCTL_DEV)

/* 0: this kernel has none (or it is switched off). */
int landlock_abi(void);

/* A ruleset that handles everything the ABI knows and grants nothing. The
 * descriptor is the caller's. On failure *reterr_errno is set. */
TS_NODISCARD ts_err landlock_make(int abi, int *ret_fd, int *reterr_errno);

/* Grants access beneath fd (or on it, for a file); bits that the ABI or a
 * plain file does not know are left out. is_dir says what fd is. */
TS_NODISCARD ts_err landlock_grant(int ruleset, int abi, int fd, bool is_dir,
                                   uint64_t access, int *reterr_errno);

/* Lets it connect to that TCP port, of any address; nothing to do for an ABI
 * that does not know ports. Binding stays refused. */
TS_NODISCARD ts_err landlock_grant_port(int ruleset, int abi, uint16_t port,
                                        int *reterr_errno);

#endif
