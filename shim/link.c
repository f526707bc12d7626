#include "shim/link.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "proto/wire/limits.h"

#define READ_SIZE ((size_t)65536)

static int64_t now_ms(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts); /* cannot fail for this clock */
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t link_deadline(int timeout_ms)
{
    return timeout_ms < 0 ? LINK_FOREVER : now_ms() + timeout_ms;
}

/* What poll() takes: -1 for ever, else what is left of it. */
static int left_ms(int64_t deadline)
{
    int64_t left;

    if (deadline == LINK_FOREVER)
        return -1;
    left = deadline - now_ms();
    if (left <= 0)
        return 0;
    return left > INT_MAX ? INT_MAX : (int)left;
}

void link_init(struct link *l, size_t frame_max)
{
    *l = (struct link){.fd = -1, .frame_max = frame_max};
    ts_buf_init(&l->in, TS_FRAME_HEAD + TS_FRAME_MAX + READ_SIZE);
    ts_buf_init(&l->out, TS_OUT_QUEUE_MAX);
}

void link_done(struct link *l)
{
    ts_fd_close(&l->fd);
    ts_buf_done(&l->in);
    ts_buf_done(&l->out);
    l->in_use = 0;
}

ts_err link_connect(struct link *l, const char *path, int64_t deadline,
                    int *reterr_errno)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    size_t len = strlen(path);
    int fd;

    *reterr_errno = ENAMETOOLONG;
    if (len == 0 || len >= sizeof(a.sun_path))
        return TS_E_LIMIT;
    memcpy(a.sun_path, path, len);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    while (fd >= 0 &&
           connect(fd, (const struct sockaddr *)&a, sizeof(a)) != 0) {
        struct timespec pause = {.tv_nsec = 2000000};

        /* A full backlog of a Unix socket gives EAGAIN and cannot be polled
         * for; trying again is all that is left. */
        if ((errno == EAGAIN || errno == EINTR) && left_ms(deadline) != 0) {
            (void)nanosleep(&pause, NULL);
            continue;
        }
        *reterr_errno = errno;
        ts_fd_close(&fd);
        return *reterr_errno == EAGAIN ? TS_E_AGAIN
                                       : ts_err_from_errno(*reterr_errno);
    }
    if (fd < 0) {
        *reterr_errno = errno;
        return TS_E_SYSTEM;
    }
    l->fd = fd;
    return TS_OK;
}

ts_err link_flush(struct link *l)
{
    while (l->out.len > 0) {
        ssize_t n = send(l->fd, ts_buf_bytes(&l->out), l->out.len,
                         MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n > 0)
            ts_buf_consume(&l->out, (size_t)n);
        else if (n < 0 && errno == EAGAIN)
            return TS_OK;
        else if (n < 0 && errno != EINTR)
            return TS_E_CLOSED;
    }
    return TS_OK;
}

/* Sleeps until there is something to read (or to write, if queued). */
static ts_err link_wait(struct link *l, int64_t deadline)
{
    struct pollfd p = {.fd = l->fd, .events = POLLIN};
    int n;

    if (l->out.len > 0)
        p.events |= POLLOUT;
    n = poll(&p, 1, left_ms(deadline));
    if (n < 0 && errno != EINTR)
        return TS_E_SYSTEM;
    return n == 0 ? TS_E_AGAIN : TS_OK;
}

static ts_err link_read(struct link *l)
{
    uint8_t *to;
    ssize_t n;
    ts_err e = ts_buf_reserve(&l->in, READ_SIZE, &to);

    if (e != TS_OK)
        return e;
    n = recv(l->fd, to, READ_SIZE, MSG_DONTWAIT);
    if (n > 0)
        ts_buf_grew(&l->in, (size_t)n);
    if (n == 0)
        return TS_E_CLOSED;
    if (n < 0 && errno != EAGAIN && errno != EINTR)
        return errno == ECONNRESET ? TS_E_CLOSED : TS_E_SYSTEM;
    return TS_OK;
}

ts_err link_recv(struct link *l, int64_t deadline, struct frame *ret)
{
    bool gone = false; /* it reads no more, but may have left last words */
    size_t used;
    ts_err e;

    ts_buf_consume(&l->in, l->in_use);
    l->in_use = 0;
    for (;;) {
        if (link_flush(l) != TS_OK) {
            gone = true;
            ts_buf_clear(&l->out);
        }
        e = frame_parse(ts_buf_bytes(&l->in), l->in.len, l->frame_max, ret,
                        &used);
        if (e == TS_OK) {
            l->in_use = used;
            return TS_OK;
        }
        if (e != TS_E_TRUNCATED)
            return e;
        e = link_wait(l, gone ? 0 : deadline);
        if (e == TS_E_AGAIN && gone)
            return TS_E_CLOSED;
        if (e == TS_OK)
            e = link_read(l);
        if (e != TS_OK)
            return e;
    }
}
