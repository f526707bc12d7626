/* Descriptors that are closed and doubled, as far as can be seen. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shim/egress/preload.h"

/* All that is not static here replaces a function of the C library. */
#pragma GCC visibility push(default)

/* Programs that tidy up before they start another would cut it off from the
 * network with the channel; whoever means to can use the system call. */
static bool is_channel(int fd)
{
    return fd >= 0 && fd == preload_channel();
}

int close(int fd)
{
    if (is_channel(fd))
        return 0;
    sock_forget(fd);
    return (int)syscall(SYS_close, fd);
}

/* Around the channel. */
int close_range(unsigned first, unsigned last, int flags)
{
    unsigned keep = (unsigned)preload_channel();
    int r = 0;

    if (preload_channel() < 0 || keep < first || keep > last)
        return (int)syscall(SYS_close_range, first, last, flags);
    if (keep > first)
        r = (int)syscall(SYS_close_range, first, keep - 1, flags);
    if (r == 0 && keep < last)
        r = (int)syscall(SYS_close_range, keep + 1, last, flags);
    return r;
}

void closefrom(int first)
{
    (void)close_range(first < 0 ? 0 : (unsigned)first, UINT_MAX, 0);
}

int dup(int fd)
{
    int to = (int)syscall(SYS_dup, fd);

    if (to >= 0)
        sock_copy(fd, to);
    return to;
}

int dup3(int fd, int to, int flags)
{
    if (is_channel(to)) {
        errno = EBUSY;
        return -1;
    }
    sock_forget(to);
    to = (int)syscall(SYS_dup3, fd, to, flags);
    if (to >= 0)
        sock_copy(fd, to);
    return to;
}

int dup2(int fd, int to)
{
    if (fd == to) /* which dup3() refuses */
        return syscall(SYS_fcntl, fd, F_GETFD) < 0 ? -1 : to;
    return dup3(fd, to, 0);
}

static int control(int fd, int cmd, void *arg)
{
    int r = (int)syscall(SYS_fcntl, fd, cmd, arg);

    if (r >= 0 && (cmd == F_DUPFD || cmd == F_DUPFD_CLOEXEC))
        sock_copy(fd, r);
    return r;
}

int fcntl(int fd, int cmd, ...)
{
    va_list ap;
    void *arg;

    va_start(ap, cmd);
    arg = va_arg(ap, void *); /* an int arrives in the same register */
    va_end(ap);
    return control(fd, cmd, arg);
}

int fcntl64(int fd, int cmd, ...)
{
    va_list ap;
    void *arg;

    va_start(ap, cmd);
    arg = va_arg(ap, void *);
    va_end(ap);
    return control(fd, cmd, arg);
}

#pragma GCC visibility pop
