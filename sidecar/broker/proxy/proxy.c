#include "sidecar/broker/proxy/proxy.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "proto/base/ts_fd.h"
#include "proto/base/ts_mem.h"
#include "sidecar/broker/broker.h"
#include "sidecar/broker/proxy/conn.h"
#include "sidecar/broker/proxy/inject.h"

#define PER_TURN 16  /* connections of one tool before the others' turn */
#define RETRY_MS 100 /* when no descriptor or place is free */

struct proxy {
    uv_poll_t poll;
    uv_timer_t retry;
    uint32_t handles;
    struct grant *g;
    struct proxy_conn_owner owner;
    struct inject *inject; /* owned; may be NULL */
    struct proxy_conn *conns;
    uint32_t count, most;
    bool waiting; /* full: what comes waits in the kernel's queue */
};

static void on_listener(uv_poll_t *p, int status, int events);

static void listen_again(struct proxy *p)
{
    if (p->waiting && p->count < p->most &&
        uv_poll_start(&p->poll, UV_READABLE, on_listener) == 0)
        p->waiting = false;
}

static void on_gone(void *ctx, struct proxy_conn *c)
{
    struct proxy *p = ctx;
    struct proxy_conn **at = &p->conns;

    while (*at != c)
        at = proxy_conn_next(*at);
    *at = *proxy_conn_next(c);
    p->count--;
    listen_again(p);
}

static void take(struct proxy *p, int fd)
{
    struct proxy_conn *c;

    if (proxy_conn_new(&p->owner, fd, &c) != TS_OK)
        return; /* closed: the tool sees a reset */
    *proxy_conn_next(c) = p->conns;
    p->conns = c;
    p->count++;
}

static void on_retry(uv_timer_t *t)
{
    listen_again(t->data);
}

/* A descriptor or place that is lacking is not there at once: the listener
 * would wake us for ever. */
static void pause_listening(struct proxy *p)
{
    (void)uv_poll_stop(&p->poll);
    p->waiting = true;
    (void)uv_timer_start(&p->retry, on_retry, RETRY_MS, 0);
}

static bool is_lack(int err)
{
    return err == EMFILE || err == ENFILE || err == ENOBUFS || err == ENOMEM;
}

static void on_listener(uv_poll_t *poll, int status, int events)
{
    struct proxy *p = poll->data;

    (void)events;
    for (int i = 0; status == 0 && i < PER_TURN && p->count < p->most; i++) {
        int fd;

        if (!grant_may_wait(p->g)) {
            pause_listening(p);
            return;
        }
        fd = accept4(p->g->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0 && is_lack(errno)) {
            pause_listening(p);
            return;
        }
        if (fd < 0)
            break; /* nobody there, or gone again */
        take(p, fd);
    }
    if (status < 0 || p->count >= p->most) {
        (void)uv_poll_stop(&p->poll);
        p->waiting = status == 0;
    }
}

static void on_closed(uv_handle_t *h)
{
    struct proxy *p = h->data;

    if (--p->handles == 0)
        ts_mem_free(p);
}

static void close_handles(struct proxy *p)
{
    uv_close((uv_handle_t *)&p->poll, on_closed);
    uv_close((uv_handle_t *)&p->retry, on_closed);
}

/* What the launcher promises is looked at: a listening TCP socket. */
static ts_err check_listener(int fd)
{
    int listening = 0, type = 0, protocol = 0;
    socklen_t len = sizeof(int);

    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) != 0 ||
        getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) != 0 ||
        getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &len) != 0 ||
        !listening || type != SOCK_STREAM || protocol != IPPROTO_TCP)
        return TS_E_INVALID;
    return TS_OK;
}

static ts_err proxy_start(struct grant *g)
{
    struct proxy *p;
    ts_err e;

    if ((e = check_listener(g->fd)) != TS_OK)
        return e;
    p = ts_mem_alloc(sizeof(*p));
    if (p == NULL)
        return TS_E_NOMEM;
    e = inject_new(g->policy->secrets, g->manifest, g->token, g->token_len,
                   &p->inject);
    if (e != TS_OK) {
        ts_mem_free(p);
        return e;
    }
    p->g = g;
    /* some that wait for a request on top of those that lead to a host */
    p->most = g->manifest->network.max_connections + PER_TURN;
    p->owner = (struct proxy_conn_owner){.grant = g,
                                         .inject = p->inject,
                                         .trust = g->broker->trust,
                                         .gone = on_gone,
                                         .ctx = p};
    p->poll.data = p->retry.data = p;
    if (uv_poll_init(&g->broker->loop, &p->poll, g->fd) != 0) {
        inject_free(p->inject);
        ts_mem_free(p);
        return TS_E_SYSTEM;
    }
    (void)uv_timer_init(&g->broker->loop, &p->retry); /* cannot fail */
    p->handles = 2;
    if (uv_poll_start(&p->poll, UV_READABLE, on_listener) != 0) {
        inject_free(p->inject);
        close_handles(p);
        return TS_E_SYSTEM;
    }
    g->served = p;
    return TS_OK;
}

static void proxy_stop(struct grant *g)
{
    struct proxy *p = g->served;

    while (p->conns != NULL) {
        struct proxy_conn *c = p->conns;

        p->conns = *proxy_conn_next(c);
        proxy_conn_end(c);
    }
    inject_free(p->inject);
    g->served = NULL;
    close_handles(p);
}

const struct grant_mode proxy_mode = {.start = proxy_start, .stop = proxy_stop};
