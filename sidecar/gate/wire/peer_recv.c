#include "sidecar/gate/wire/peer_recv.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83 /* Linux 6.16 */
#endif

#define FDS_ROOM 16 /* of a hostile message; the kernel drops what is over */

union control {
    char bytes[CMSG_SPACE(sizeof(struct ucred)) +
               CMSG_SPACE(FDS_ROOM * sizeof(int))];
    struct cmsghdr align;
};

ts_err peer_socket_options(int fd)
{
    const int on = 1, off = 0;

    if (setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) != 0)
        return TS_E_SYSTEM;
    /* An older kernel does not know it; peer_recv() then does the work. */
    (void)setsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &off, sizeof(off));
    return TS_OK;
}

static void close_rights(const struct cmsghdr *h)
{
    size_t count = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);

    for (size_t i = 0; i < count; i++) {
        int fd;

        memcpy(&fd, CMSG_DATA(h) + i * sizeof(int), sizeof(fd));
        (void)close(fd);
    }
}

ts_err peer_recv(int fd, uint32_t uid, void *buf, size_t cap, size_t *ret_len)
{
    union control control;
    struct iovec iov = {.iov_base = buf, .iov_len = cap};
    struct msghdr msg = {.msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = control.bytes,
                         .msg_controllen = sizeof(control.bytes)};
    bool foreign = false, known = false;
    ssize_t n;

    do {
        n = recvmsg(fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return ts_err_from_errno(errno);
    for (struct cmsghdr *h = CMSG_FIRSTHDR(&msg); h != NULL;
         h = CMSG_NXTHDR(&msg, h)) {
        if (h->cmsg_level != SOL_SOCKET)
            continue;
        if (h->cmsg_type == SCM_RIGHTS) {
            close_rights(h);
            foreign = true;
        } else if (h->cmsg_type == SCM_CREDENTIALS &&
                   h->cmsg_len >= CMSG_LEN(sizeof(struct ucred))) {
            struct ucred cred;

            memcpy(&cred, CMSG_DATA(h), sizeof(cred));
            known = cred.uid == uid;
        }
    }
    if (foreign || (msg.msg_flags & MSG_CTRUNC) != 0)
        return TS_E_DENIED;
    if (n == 0)
        return TS_E_CLOSED;
    if (!known)
        return TS_E_DENIED;
    *ret_len = (size_t)n;
    return TS_OK;
}

ts_err peer_recv_fds(int sock, void *buf, size_t cap, int *fds, size_t want,
                     size_t *ret_len, size_t *ret_fds)
{
    union control control;
    struct iovec iov = {.iov_base = buf, .iov_len = cap};
    struct msghdr msg = {.msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = control.bytes,
                         .msg_controllen = sizeof(control.bytes)};
    size_t got = 0;
    bool bad;
    ssize_t n;

    for (size_t i = 0; i < want; i++)
        fds[i] = -1;
    do {
        n = recvmsg(sock, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return ts_err_from_errno(errno);
    bad = (msg.msg_flags & (MSG_CTRUNC | MSG_TRUNC)) != 0;
    for (struct cmsghdr *h = CMSG_FIRSTHDR(&msg); h != NULL;
         h = CMSG_NXTHDR(&msg, h)) {
        size_t count = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);

        if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
            continue;
        if (count > want - got) {
            close_rights(h);
            bad = true;
            continue;
        }
        memcpy(fds + got, CMSG_DATA(h), count * sizeof(int));
        got += count;
    }
    if (bad) {
        for (size_t i = 0; i < got; i++)
            (void)close(fds[i]);
        return TS_E_LIMIT;
    }
    if (n == 0)
        return TS_E_CLOSED;
    *ret_len = (size_t)n;
    *ret_fds = got;
    return TS_OK;
}
