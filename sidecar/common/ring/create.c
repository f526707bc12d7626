/* The supervisor's part of the ring, in a file of its own: the two processes
 * that use a ring do not contain the code that makes one. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "sidecar/common/ring/ring.h"
#include "sidecar/common/ring/ring_priv.h"

ts_err ring_create(int *ret_memfd)
{
    int fd = memfd_create("tipstaff-ring", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    if (fd < 0)
        return ts_err_from_errno(errno);
    /* All zero is a valid ring: empty, and RING_STOPPED until the recorder
     * says otherwise. The seals stop one side from shrinking the file under
     * the other, which would be a SIGBUS. */
    if (ftruncate(fd, (off_t)RING_MAP_LEN) != 0 ||
        fcntl(fd, F_ADD_SEALS, RING_SEALS)) {
        ts_err e = ts_err_from_errno(errno);

        ts_fd_close(&fd);
        return e;
    }
    *ret_memfd = fd;
    return TS_OK;
}

bool ring_is_empty(int memfd)
{
    uint64_t head = 0, tail = 0;

    /* Nobody is writing to it. What cannot be read cannot be rescued. */
    return pread(memfd, &head, sizeof(head), RING_HEAD_AT) !=
               (ssize_t)sizeof(head) ||
           pread(memfd, &tail, sizeof(tail), RING_TAIL_AT) !=
               (ssize_t)sizeof(tail) ||
           head == tail;
}
