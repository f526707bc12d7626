#include "sidecar/launcher/wire/stdio_back.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "proto/base/ts_fd.h"

void back_init(struct back *b, int sock)
{
    b->sock = sock;
    b->first = 0;
    b->count = 0;
}

/* Anything queued: no further order is read until it is gone, so that at most
 * one answer per running tool can still be added. */
bool back_is_busy(const struct back *b)
{
    return b->count > 0;
}

static ts_err send_one(int sock, const struct back_message *m)
{
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(BACK_FDS * sizeof(int))];
    struct iovec iov;
    struct msghdr h = {.msg_iov = &iov, .msg_iovlen = 1};
    struct cmsghdr *c;
    uint8_t copy[BACK_BYTES];

    memcpy(copy, m->bytes, m->len);
    iov = (struct iovec){.iov_base = copy, .iov_len = m->len};
    if (m->fd_count > 0) {
        memset(control, 0, sizeof(control));
        h.msg_control = control;
        h.msg_controllen = sizeof(control);
        c = CMSG_FIRSTHDR(&h);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(BACK_FDS * sizeof(int));
        memcpy(CMSG_DATA(c), m->fds, BACK_FDS * sizeof(int));
    }
    while (sendmsg(sock, &h, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
        if (errno == EAGAIN)
            return TS_E_AGAIN;
        if (errno != EINTR)
            return TS_E_CLOSED;
    }
    return TS_OK;
}

static void drop_fds(struct back_message *m)
{
    for (int i = 0; i < m->fd_count; i++)
        ts_fd_close(&m->fds[i]);
    m->fd_count = 0;
}

ts_err back_flush(struct back *b)
{
    while (b->count > 0) {
        struct back_message *m = &b->slot[b->first];
        ts_err e = send_one(b->sock, m);

        if (e == TS_E_AGAIN)
            return TS_OK;
        drop_fds(m); /* sent, or nobody is left to send to */
        if (e != TS_OK)
            return e;
        b->first = (b->first + 1) % BACK_SLOTS;
        b->count--;
    }
    b->first = 0; /* most are sent at once: one slot's memory is enough */
    return TS_OK;
}

/* The slot behind the last one, its type byte written. */
static struct back_message *next_slot(struct back *b, enum hop_type type)
{
    struct back_message *m;

    if (b->count == BACK_SLOTS)
        return NULL;
    m = &b->slot[(b->first + b->count) % BACK_SLOTS];
    m->bytes[0] = (uint8_t)type;
    m->fd_count = 0;
    return m;
}

static ts_err push(struct back *b, struct back_message *m, ts_err encoded,
                   size_t body)
{
    if (encoded != TS_OK)
        return encoded;
    m->len = 1 + body;
    b->count++;
    return back_flush(b);
}

ts_err back_started(struct back *b, const struct order_started *m,
                    int fds[BACK_FDS])
{
    struct back_message *s = next_slot(b, HOP_STARTED);
    size_t len = 0;
    ts_err e;

    if (s == NULL) {
        for (int i = 0; i < BACK_FDS; i++)
            ts_fd_close(&fds[i]);
        return TS_E_LIMIT;
    }
    memcpy(s->fds, fds, sizeof(s->fds));
    s->fd_count = BACK_FDS;
    e = order_started_encode(m, s->bytes + 1, BACK_BYTES - 1, &len);
    return push(b, s, e, len);
}

ts_err back_refused(struct back *b, const struct order_refused *m)
{
    struct back_message *s = next_slot(b, HOP_REFUSED);
    size_t len = 0;
    ts_err e;

    if (s == NULL)
        return TS_E_LIMIT;
    e = order_refused_encode(m, s->bytes + 1, BACK_BYTES - 1, &len);
    return push(b, s, e, len);
}

ts_err back_exited(struct back *b, const struct order_exited *m)
{
    struct back_message *s = next_slot(b, HOP_EXITED);
    size_t len = 0;
    ts_err e;

    if (s == NULL)
        return TS_E_LIMIT;
    e = order_exited_encode(m, s->bytes + 1, BACK_BYTES - 1, &len);
    return push(b, s, e, len);
}

ts_err back_unserved(struct back *b, const struct order_unserved *m)
{
    struct back_message *s = next_slot(b, HOP_UNSERVED);
    size_t len = 0;
    ts_err e;

    if (s == NULL)
        return TS_E_LIMIT;
    e = order_unserved_encode(m, s->bytes + 1, BACK_BYTES - 1, &len);
    return push(b, s, e, len);
}

ts_err back_barrier(struct back *b, const struct order_barrier *m)
{
    struct back_message *s = next_slot(b, HOP_BARRIER);
    size_t len = 0;
    ts_err e;

    if (s == NULL)
        return TS_E_LIMIT;
    e = order_barrier_encode(m, s->bytes + 1, BACK_BYTES - 1, &len);
    return push(b, s, e, len);
}
