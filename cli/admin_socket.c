#include "cli/admin_socket.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "proto/base/ts_fd.h"
#include "proto/wire/limits.h"

#define READ_STEP      4096
#define SEND_TIMEOUT_S 30 /* for connecting and for each write */

bool admin_open(struct admin_socket *s, const char *path)
{
    const struct timeval patience = {.tv_sec = SEND_TIMEOUT_S};
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    size_t n = strlen(path);

    *s = (struct admin_socket){.fd = -1};
    ts_buf_init(&s->in, TS_FRAME_MAX + TS_FRAME_HEAD + READ_STEP);
    if (n == 0 || n >= sizeof(a.sun_path)) {
        cli_error("--socket: the path must have 1 to %zu bytes",
                  sizeof(a.sun_path) - 1);
        return false;
    }
    memcpy(a.sun_path, path, n + 1);
    s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s->fd >= 0 &&
        setsockopt(s->fd, SOL_SOCKET, SO_SNDTIMEO, &patience,
                   sizeof(patience)) == 0 &&
        connect(s->fd, (const struct sockaddr *)&a, sizeof(a)) == 0)
        return true;
    cli_error("%s: %s; is the service running, and is your uid among its "
              "admin_uids? (--socket PATH for another place)",
              path, strerror(errno));
    admin_close(s);
    return false;
}

void admin_close(struct admin_socket *s)
{
    ts_fd_close(&s->fd);
    ts_buf_done(&s->in);
}

bool admin_send(struct admin_socket *s, const struct ts_buf *out)
{
    const uint8_t *p = ts_buf_bytes(out);
    size_t left = out->len;

    while (left > 0) {
        ssize_t n = send(s->fd, p, left, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            cli_error("the service does not listen any more: %s",
                      strerror(errno));
            return false;
        }
        p += n;
        left -= (size_t)n;
    }
    return true;
}

uint64_t admin_now_ns(void)
{
    struct timespec t = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail */
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t now_ms(void)
{
    return admin_now_ns() / 1000000;
}

static enum admin_wait malformed(void)
{
    cli_error("the service's answer is malformed");
    return ADMIN_BROKEN;
}

/* FAIL is an answer to everything. */
static enum admin_wait accept_frame(struct admin_socket *s,
                                    const struct frame *f)
{
    struct admin_fail fail;
    const char *what = "";
    char code[64], text[1024];

    if (f->type != ADMIN_FAIL)
        return ADMIN_GOT;
    if (admin_fail_decode(f->body, f->len, &fail, &what) != TS_OK) {
        cli_error("the service's answer is malformed: %s", what);
        return ADMIN_BROKEN;
    }
    s->was_refused = true;
    (void)ts_str_show(code, sizeof(code), fail.code.ptr, fail.code.len);
    (void)ts_str_show(text, sizeof(text), fail.text.ptr, fail.text.len);
    cli_error("refused (%s): %s", code, text);
    return ADMIN_BROKEN;
}

/* More bytes into the buffer. */
static enum admin_wait fill(struct admin_socket *s, uint64_t until)
{
    struct pollfd p = {.fd = s->fd, .events = POLLIN};
    uint64_t now = now_ms();
    uint8_t *room;
    ssize_t n;

    if (now >= until || poll(&p, 1, (int)(until - now)) == 0)
        return ADMIN_TIMEOUT;
    if (ts_buf_reserve(&s->in, READ_STEP, &room) != TS_OK) {
        cli_error("out of memory");
        return ADMIN_BROKEN;
    }
    n = recv(s->fd, room, READ_STEP, 0);
    if (n < 0 && errno == EINTR)
        return ADMIN_GOT;
    if (n <= 0) {
        cli_error("the service closed the connection without an answer; its "
                  "log says why");
        return ADMIN_BROKEN;
    }
    ts_buf_grew(&s->in, (size_t)n);
    return ADMIN_GOT;
}

enum admin_wait admin_receive(struct admin_socket *s, uint64_t timeout_ms,
                              struct frame *ret)
{
    uint64_t until = now_ms() + timeout_ms;

    ts_buf_consume(&s->in, s->used);
    s->used = 0;
    for (;;) {
        struct frame f;
        enum admin_wait w;
        ts_err e = frame_parse(ts_buf_bytes(&s->in), s->in.len, TS_FRAME_MAX,
                               &f, &s->used);

        if (e == TS_OK) {
            *ret = f;
            return accept_frame(s, &f);
        }
        s->used = 0;
        if (e != TS_E_TRUNCATED)
            return malformed();
        if ((w = fill(s, until)) != ADMIN_GOT)
            return w;
    }
}

enum admin_wait admin_receive_ack(struct admin_socket *s, uint64_t timeout_ms,
                                  struct admin_ack *ret)
{
    struct frame f = {.type = 0};
    const char *what = "";
    enum admin_wait w = admin_receive(s, timeout_ms, &f);

    if (w != ADMIN_GOT)
        return w;
    return f.type == ADMIN_ACK &&
                   admin_ack_decode(f.body, f.len, ret, &what) == TS_OK
               ? ADMIN_GOT
               : malformed();
}

enum admin_wait admin_receive_complete(struct admin_socket *s,
                                       uint64_t timeout_ms, uint64_t rev_seq)
{
    struct admin_complete done = {.rev_seq = 0};
    struct frame f = {.type = 0};
    const char *what = "";
    enum admin_wait w = admin_receive(s, timeout_ms, &f);

    if (w != ADMIN_GOT)
        return w;
    return f.type == ADMIN_COMPLETE &&
                   admin_complete_decode(f.body, f.len, &done, &what) ==
                       TS_OK &&
                   done.rev_seq == rev_seq
               ? ADMIN_GOT
               : malformed();
}
