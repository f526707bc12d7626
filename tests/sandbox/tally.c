#include "tally.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/lib/ts_test.h"

#include "proto/base/ts_fd.h"

#define WAIT_MS 20000

/* An end of an order that nobody sent is a failure too. */
static unsigned index_of(const struct tally *t, uint64_t id)
{
    unsigned i = 0;

    while (i < t->count && t->of[i].id != id)
        i++;
    if (i == t->count)
        fail_msg("order %llu is not awaited", (unsigned long long)id);
    return i;
}

static struct tallied *find(struct tally *t, uint64_t id)
{
    return &t->of[index_of(t, id)];
}

void tally_await(struct tally *t, uint64_t id)
{
    assert_true(t->count < TALLY_MAX);
    t->of[t->count++] = (struct tallied){.id = id, .fd = {-1, -1, -1}};
}

const struct tallied *tally_of(const struct tally *t, uint64_t id)
{
    return &t->of[index_of(t, id)];
}

static size_t receive(const struct box *b, uint8_t *buf, size_t cap, int fds[3])
{
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(3 * sizeof(int))];
    struct iovec iov = {buf, cap};
    struct msghdr h = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = control,
                       .msg_controllen = sizeof(control)};
    struct pollfd p = {.fd = b->gate, .events = POLLIN};
    struct cmsghdr *c;
    ssize_t n;

    assert_int_equal(poll(&p, 1, WAIT_MS), 1);
    n = recvmsg(b->gate, &h, MSG_CMSG_CLOEXEC);
    assert_true(n > 0);
    c = CMSG_FIRSTHDR(&h);
    if (c != NULL && c->cmsg_len == CMSG_LEN(3 * sizeof(int)))
        memcpy(fds, CMSG_DATA(c), 3 * sizeof(int));
    return (size_t)n;
}

static void on_started(struct tally *t, const uint8_t *body, size_t len,
                       const int fds[3])
{
    struct order_started m;
    const char *what = "";
    struct tallied *x;

    assert_int_equal(order_started_decode(body, len, &m, &what), TS_OK);
    x = find(t, m.order_id);
    assert_int_equal(x->started + x->refused + x->ended, 0);
    x->started++;
    memcpy(x->fd, fds, sizeof(x->fd));
}

static void on_exited(struct tally *t, const uint8_t *body, size_t len)
{
    struct order_exited m;
    const char *what = "";
    struct tallied *x;

    assert_int_equal(order_exited_decode(body, len, &m, &what), TS_OK);
    x = find(t, m.order_id);
    assert_int_equal(x->started, 1);
    assert_int_equal(x->ended, 0);
    x->ended++;
    x->exited = m;
    for (int i = 0; i < 3; i++)
        ts_fd_close(&x->fd[i]);
}

static void on_refused(struct tally *t, const uint8_t *body, size_t len)
{
    struct order_refused m;
    const char *what = "";
    struct tallied *x;

    assert_int_equal(order_refused_decode(body, len, &m, &what), TS_OK);
    x = find(t, m.order_id);
    assert_int_equal(x->started + x->refused + x->ended, 0);
    x->refused++;
    x->code = m.code;
    (void)snprintf(x->step, sizeof(x->step), "%.*s", (int)m.step.len,
                   m.step.ptr);
}

static uint8_t next(struct tally *t, const struct box *b)
{
    uint8_t buf[8192];
    int fds[3] = {-1, -1, -1};
    size_t n = receive(b, buf, sizeof(buf), fds);

    if (buf[0] == HOP_STARTED)
        on_started(t, buf + 1, n - 1, fds);
    else if (buf[0] == HOP_EXITED)
        on_exited(t, buf + 1, n - 1);
    else if (buf[0] == HOP_REFUSED)
        on_refused(t, buf + 1, n - 1);
    else
        assert_true(buf[0] == HOP_BARRIER || buf[0] == HOP_UNSERVED);
    return buf[0];
}

void tally_until_answered(struct tally *t, const struct box *b, uint64_t id)
{
    const struct tallied *x = find(t, id);

    while (x->started == 0 && x->refused == 0)
        (void)next(t, b);
}

void tally_until_started(struct tally *t, const struct box *b, uint64_t id)
{
    const struct tallied *x = find(t, id);

    tally_until_answered(t, b, id);
    if (x->refused > 0)
        fail_msg("refused: %s", x->step);
}

void tally_until_ended(struct tally *t, const struct box *b, uint64_t id)
{
    const struct tallied *x = find(t, id);

    while (x->ended == 0 && x->refused == 0)
        (void)next(t, b);
}

/* The line "ready" on its stdout. */
void tally_ready(struct tally *t, const struct box *b, uint64_t id)
{
    char line[7] = "";
    size_t n = 0;

    tally_until_started(t, b, id);
    while (n < 6) {
        struct pollfd p = {.fd = find(t, id)->fd[1], .events = POLLIN};
        ssize_t got;

        assert_int_equal(poll(&p, 1, WAIT_MS), 1);
        got = read(p.fd, line + n, 6 - n);
        if (got == 0)
            fail_msg("it said \"%s\" and ended", line);
        n += got > 0 ? (size_t)got : 0;
    }
    assert_string_equal(line, "ready\n");
}

void tally_close_stdin(struct tally *t, uint64_t id)
{
    ts_fd_close(&find(t, id)->fd[0]);
}

static bool all_over(const struct tally *t)
{
    for (unsigned i = 0; i < t->count; i++) {
        if (t->of[i].ended + t->of[i].refused == 0)
            return false;
    }
    return true;
}

void tally_collect(struct tally *t, const struct box *b)
{
    const struct order_barrier m = {.id = ++t->barrier};
    uint8_t buf[64] = {HOP_BARRIER};
    size_t len = 0;

    while (!all_over(t))
        assert_int_not_equal(next(t, b), HOP_BARRIER);
    assert_int_equal(order_barrier_encode(&m, buf + 1, 63, &len), TS_OK);
    assert_int_equal(send(b->orders, buf, len + 1, MSG_NOSIGNAL),
                     (ssize_t)len + 1);
    while (next(t, b) != HOP_BARRIER)
        continue; /* a second end of one of them fails above */
}

void tally_clear(struct tally *t)
{
    for (unsigned i = 0; i < t->count; i++) {
        for (int k = 0; k < 3; k++)
            ts_fd_close(&t->of[i].fd[k]);
    }
    t->count = 0;
}
