#include "sidecar/broker/own.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_fd.h"
#include "sidecar/broker/sockaddr.h"

/* A socket can be bound to our own addresses alone. */
static int try_bind(const uint8_t address[16])
{
    struct sockaddr_storage ss;
    socklen_t len = sockaddr_make(address, 0, &ss);
    int fd TS_CLEANUP(ts_fd_close) =
        socket(ss.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return errno == EAFNOSUPPORT ? EADDRNOTAVAIL : errno;
    return bind(fd, (const struct sockaddr *)&ss, len) == 0 ? 0 : errno;
}

/* A datagram socket that is connected sends nothing, but is given the address
 * that it would send from: towards ourselves the very same one. */
static bool routes_to_itself(const uint8_t address[16])
{
    struct sockaddr_storage ss;
    socklen_t len = sockaddr_make(address, 9, &ss), got = sizeof(ss);
    int fd TS_CLEANUP(ts_fd_close) =
        socket(ss.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    uint8_t from[16];

    if (fd < 0)
        return errno != EAFNOSUPPORT;
    if (connect(fd, (const struct sockaddr *)&ss, len) != 0)
        return false; /* there is no way to it at all */
    memset(&ss, 0, sizeof(ss));
    if (getsockname(fd, (struct sockaddr *)&ss, &got) != 0)
        return true;
    return !sockaddr_read(&ss, from) || memcmp(from, address, 16) == 0;
}

void own_init(struct own *o)
{
    /* 192.0.2.1: documentation, nobody's */
    static const uint8_t nobody[16] = {
        [10] = 0xff, [11] = 0xff, [12] = 192, [14] = 2, [15] = 1};

    o->binds_foreign = try_bind(nobody) == 0;
}

bool own_is(const struct own *o, const uint8_t address[16])
{
    if (!o->binds_foreign && try_bind(address) != EADDRNOTAVAIL)
        return true;
    return routes_to_itself(address);
}
