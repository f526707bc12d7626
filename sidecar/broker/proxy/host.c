#include "sidecar/broker/proxy/host.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "proto/base/ts_fd.h"
#include "proto/base/ts_mem.h"
#include "sidecar/broker/proxy/session.h"
#include "sidecar/broker/proxy/tls_up.h"

#define READ_MAX 16384

struct proxy_host {
    uv_poll_t poll;
    int fd;            /* owned */
    struct conn *conn; /* owned: ended by us */
    struct proxy_session *session;
    struct proxy_host_use use;
    const struct manifest_host *rule;
    struct tls_up *tls; /* owned; NULL: plain */
    uint8_t address[16];
    uint32_t address_len;
    bool told;          /* the session knows that it is dialled */
    bool ended, broken; /* the host said no more, or worse */
    bool closed;        /* the session was told that */
    bool why_set, readable;
    enum egress_close why;
    size_t cipher_at, cipher_len;
    uint8_t cipher[READ_MAX]; /* encoded, not sent yet */
};

static void on_closed(uv_handle_t *p)
{
    ts_mem_free(p->data);
}

static void on_host(uv_poll_t *p, int status, int events)
{
    struct proxy_host *h = p->data;

    if (status < 0)
        h->ended = h->broken = true;
    if (events & UV_READABLE)
        h->readable = true;
    h->use.changed(h->use.ctx);
}

static void on_cut(void *ctx, enum egress_close why)
{
    struct proxy_host *h = ctx;
    const struct linger reset = {.l_onoff = 1, .l_linger = 0};

    (void)setsockopt(h->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    h->why_set = false;
    h->use.cut(h->use.ctx);
    proxy_host_free(h, why);
}

static ts_err open_tls(struct proxy_host *h)
{
    if (h->use.trust == NULL)
        return TS_E_NOT_FOUND;
    return tls_up_new(h->use.trust, h->session->name.text,
                      h->session->name.is_address, &h->tls);
}

ts_err proxy_host_new(uv_loop_t *loop, const struct dial_result *r,
                      struct proxy_session *s, const struct proxy_host_use *use,
                      struct proxy_host **ret)
{
    struct proxy_host *h = ts_mem_alloc(sizeof(*h));
    int fd = r->fd;
    ts_err e = TS_E_NOMEM;

    if (h == NULL)
        goto out;
    h->fd = fd;
    h->conn = r->conn;
    h->session = s;
    h->use = *use;
    h->rule = r->rule;
    memcpy(h->address, r->address, sizeof(h->address));
    h->address_len = r->address_len;
    if (r->rule->tls && (e = open_tls(h)) != TS_OK)
        goto out;
    e = TS_E_SYSTEM;
    if (uv_poll_init(loop, &h->poll, fd) != 0)
        goto out;
    h->poll.data = h;
    conn_on_cut(h->conn, on_cut, h);
    *ret = h;
    return TS_OK;
out:
    if (h != NULL)
        tls_up_free(h->tls);
    ts_mem_free(h);
    ts_fd_close(&fd);
    conn_close(r->conn, EGRESS_CLOSE_FAILED);
    return e;
}

void proxy_host_why(struct proxy_host *h, enum egress_close why)
{
    if (!h->why_set)
        h->why = why;
    h->why_set = true;
}

void proxy_host_free(struct proxy_host *h, enum egress_close why)
{
    struct conn *conn = h->conn;

    uv_close((uv_handle_t *)&h->poll, on_closed);
    ts_fd_close(&h->fd);
    tls_up_free(h->tls);
    conn_close(conn, h->why_set ? h->why : why);
}

int proxy_host_give(struct proxy_host *h, struct conn **ret_conn)
{
    int fd = h->fd;

    *ret_conn = h->conn;
    tls_up_free(h->tls);
    uv_close((uv_handle_t *)&h->poll, on_closed);
    return fd;
}

static bool spend(struct proxy_host *h, size_t out, size_t in)
{
    if (conn_count(h->conn, out, in))
        return true;
    proxy_host_why(h, EGRESS_CLOSE_BYTES);
    h->ended = h->broken = true;
    proxy_abort(h->session);
    return false;
}

/* One send. Bytes sent; 0 when it would wait, or the host is gone. */
static size_t send_some(struct proxy_host *h, const uint8_t *bytes, size_t len)
{
    uint64_t left = conn_left(h->conn);
    ssize_t n;

    if (len > left)
        len = (size_t)left;
    if (len == 0) {
        (void)spend(h, 1, 0); /* more than is allowed */
        return 0;
    }
    n = send(h->fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n > 0)
        return spend(h, (size_t)n, 0) ? (size_t)n : 0;
    if (n < 0 && errno != EAGAIN && errno != EINTR) {
        /* What it said before it closed may be an answer: it is read first. */
        h->readable = true;
        h->broken = true;
    }
    return 0;
}

static bool write_tls(struct proxy_host *h)
{
    bool moved = false;

    for (;;) {
        struct ts_bytes next = proxy_host_next(h->session);
        size_t n = 0;

        if (next.len > 0 && h->told) {
            tls_up_write(h->tls, next.ptr, next.len, &n);
            proxy_host_took(h->session, n);
            moved |= n > 0;
        }
        if (h->cipher_at == h->cipher_len) {
            h->cipher_at = 0;
            h->cipher_len = tls_up_take(h->tls, h->cipher, sizeof(h->cipher));
        }
        if (h->cipher_len == 0)
            return moved;
        n = send_some(h, h->cipher + h->cipher_at,
                      h->cipher_len - h->cipher_at);
        h->cipher_at += n;
        if (n == 0)
            return moved;
        moved = true;
    }
}

static bool write_plain(struct proxy_host *h)
{
    bool moved = false;
    struct ts_bytes next = proxy_host_next(h->session);

    while (h->told && next.len > 0 && !h->broken) {
        size_t n = send_some(h, next.ptr, next.len);

        if (n == 0)
            break;
        proxy_host_took(h->session, n);
        moved = true;
        next = proxy_host_next(h->session);
    }
    return moved;
}

/* Where the next bytes go; 0 for no room. */
static size_t read_room(const struct proxy_host *h)
{
    size_t room =
        h->tls != NULL && !h->told ? READ_MAX : proxy_host_room(h->session);

    if (h->tls != NULL && room > tls_up_feed_room(h->tls))
        room = tls_up_feed_room(h->tls);
    return room < READ_MAX ? room : READ_MAX;
}

static bool read_some(struct proxy_host *h)
{
    uint8_t raw[4096];
    size_t room = read_room(h);
    uint8_t *to = raw;
    ssize_t n;

    if (room == 0 || h->ended)
        return false;
    if (h->tls != NULL)
        room = room < sizeof(raw) ? room : sizeof(raw);
    else if (ts_buf_reserve(&h->session->host_in, room, &to) != TS_OK) {
        proxy_abort(h->session);
        return true;
    }
    n = recv(h->fd, to, room, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        h->readable = false;
        return false;
    }
    if (n <= 0) {
        h->ended = true;
        h->broken |= n < 0;
    } else if (spend(h, 0, (size_t)n)) {
        if (h->tls != NULL)
            tls_up_feed(h->tls, to, (size_t)n);
        else
            ts_buf_grew(&h->session->host_in, (size_t)n);
    }
    return true;
}

static void tls_refused(struct proxy_host *h)
{
    struct proxy_session *s = h->session;
    char why[160];

    h->closed = h->told = true;
    proxy_host_why(h, EGRESS_CLOSE_FAILED);
    grant_deny(h->conn->grant, s->via, proxy_host(s), s->port, proxy_method(s),
               proxy_path(s), EGRESS_TLS_FAILED);
    (void)snprintf(why, sizeof(why), "TLS with the host failed: %s",
                   tls_up_why(h->tls));
    proxy_dialled(s, EGRESS_TLS_FAILED, why, NULL, NULL, 0);
    s->want.close_host = true;
}

/* Decodes; the session hears of what TLS comes to. True: something changed. */
static bool step_tls(struct proxy_host *h)
{
    struct ts_buf *in = &h->session->host_in;
    size_t before = in->len;

    if (tls_up_step(h->tls, in) != TS_OK) {
        proxy_abort(h->session);
        return true;
    }
    switch (tls_up_state(h->tls)) {
    case TLS_HANDSHAKE:
        if (!h->ended)
            return false;
        tls_refused(h); /* closed in the middle of it */
        return true;
    case TLS_OPEN:
        break;
    case TLS_ENDED:
        h->ended = true;
        break;
    case TLS_FAILED:
        if (!h->told) {
            tls_refused(h);
            return true;
        }
        h->ended = h->broken = true;
        break;
    }
    /* without close_notify somebody on the way may have cut it short */
    if (h->ended && tls_up_state(h->tls) != TLS_ENDED)
        h->broken = true;
    return in->len != before;
}

static void tell_dialled(struct proxy_host *h)
{
    if (h->told || (h->tls != NULL && tls_up_state(h->tls) != TLS_OPEN))
        return;
    h->told = true;
    proxy_dialled(h->session, EGRESS_OK, "", h->rule, h->address,
                  h->address_len);
}

static bool move(struct proxy_host *h)
{
    bool moved, was_told = h->told;

    if (h->closed)
        return false;
    moved = h->readable && read_some(h);
    if (h->tls != NULL)
        moved |= step_tls(h);
    if (h->closed)
        return true;
    tell_dialled(h);
    moved |= h->tls != NULL ? write_tls(h) : write_plain(h);
    if (h->broken && !h->ended && !(h->readable && read_room(h) > 0))
        h->ended = true;
    if (h->ended && !h->closed &&
        (h->tls == NULL || h->session->host_in.len < h->session->host_in.max)) {
        h->closed = true;
        proxy_host_end(h->session, h->broken);
        return true;
    }
    return moved || h->told != was_told;
}

bool proxy_host_move(struct proxy_host *h)
{
    bool moved = move(h);

    h->conn->requests = h->session->passed; /* when it is cut it is too late */
    return moved;
}

bool proxy_host_watch(struct proxy_host *h)
{
    int events = 0;

    if (h->closed)
        return uv_poll_stop(&h->poll) == 0;
    if (read_room(h) > 0)
        events |= UV_READABLE;
    if (h->cipher_at < h->cipher_len ||
        (h->tls != NULL && tls_up_pending(h->tls) > 0) ||
        (h->told && proxy_host_next(h->session).len > 0))
        events |= UV_WRITABLE;
    if (events == 0)
        return uv_poll_stop(&h->poll) == 0;
    return uv_poll_start(&h->poll, events, on_host) == 0;
}
