/*
 * One wish to connect, step by step:
 *
 *   BEGUN --rule found--> RESOLVING --addresses checked--> CONNECTING
 *     (an address literal goes straight on)      --one connected--> RECORDING
 *     --the gate answered--> over, the connection is handed out
 *
 * and from each of them to over, with a refusal that has been recorded.
 */
#include "sidecar/broker/dial.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "proto/base/ts_fd.h"
#include "proto/base/ts_mem.h"
#include "sidecar/broker/broker.h"
#include "sidecar/broker/gate_io.h"
#include "sidecar/broker/grants.h"
#include "sidecar/broker/resolve.h"
#include "sidecar/broker/rules.h"
#include "sidecar/broker/sockaddr.h"

#define ATTEMPTS_MAX 8     /* addresses that are tried */
#define NEXT_MS      300   /* until the next one is tried beside it */
#define LIMIT_MS     15000 /* from wish to record */

struct attempt {
    uv_poll_t poll;
    struct dial *d;
    int fd; /* owned; -1: over */
    uint8_t address[16];
};

struct dial {
    struct grant *g;
    struct dial *next;
    dial_done done;
    void *ctx;
    struct ts_str host; /* as it was asked for; in text */
    struct rules_name name;
    uint16_t port;
    enum egress_via via;
    struct ts_str method, path; /* in text */
    const struct manifest_host *rule;
    struct resolve_query *query; /* while resolving */
    uint8_t address[ATTEMPTS_MAX][16];
    uint32_t address_count, tried, open;
    struct attempt attempt[ATTEMPTS_MAX];
    enum egress_code worst; /* of the attempts */
    int fd;                 /* owned: the one that connected; -1 */
    uint8_t peer[16];
    uint64_t conn_id; /* not 0: recorded, or about to be */
    uv_timer_t step, limit;
    uint32_t handles; /* not closed yet; the last one frees */
    bool over;
    char text[]; /* host, method, path */
};

/* ---- the end ----------------------------------------------------------- */

static void on_closed(uv_handle_t *h)
{
    struct dial *d = h->data;

    if (--d->handles == 0)
        ts_mem_free(d);
}

static void on_attempt_closed(uv_handle_t *h)
{
    const struct attempt *a = h->data;
    struct dial *d = a->d;

    if (--d->handles == 0)
        ts_mem_free(d);
}

/* The descriptor itself is closed or handed out by the caller. */
static void unwatch(struct attempt *a)
{
    uv_close((uv_handle_t *)&a->poll, on_attempt_closed);
    a->d->open--;
}

static void drop(struct attempt *a)
{
    if (a->fd < 0)
        return;
    unwatch(a);
    ts_fd_close(&a->fd);
}

/* Out of the grant's list, everything closed; freed when libuv has finished.
 * What the caller still needs, it has copied. */
static void leave(struct dial *d)
{
    struct dial **p = &d->g->dials;

    while (*p != d)
        p = &(*p)->next;
    *p = d->next;
    d->g->conn_count--;
    d->g->broker->conn_count--;
    d->over = true;
    if (d->query != NULL)
        resolve_cancel(d->query);
    for (uint32_t i = 0; i < d->tried; i++)
        drop(&d->attempt[i]);
    ts_fd_close(&d->fd);
    uv_close((uv_handle_t *)&d->step, on_closed);
    uv_close((uv_handle_t *)&d->limit, on_closed);
}

/* What was said to be open has never carried a byte. */
static void say_not_used(const struct dial *d, enum egress_close why)
{
    struct egress_closed m = {
        .conn_id = d->conn_id, .order_id = d->g->order_id, .reason = why};

    memcpy(m.decision_id, d->g->decision_id, sizeof(m.decision_id));
    if (d->conn_id != 0)
        gate_say_closed(d->g->broker, &m);
}

static void refuse(struct dial *d, enum egress_code code)
{
    const struct dial_result r = {
        .code = code, .text = egress_code_text(code), .fd = -1};
    const dial_done done = d->done;
    void *ctx = d->ctx;

    say_not_used(d, EGRESS_CLOSE_FAILED);
    grant_deny(d->g, d->via,
               d->name.len > 0 ? (struct ts_str){d->name.text, d->name.len}
                               : d->host,
               d->port, d->method, d->path, code);
    leave(d);
    done(ctx, &r);
}

void dial_cancel(struct dial *d)
{
    say_not_used(d, EGRESS_CLOSE_TOOL);
    leave(d);
}

void dial_end_all(struct grant *g)
{
    while (g->dials != NULL)
        refuse(g->dials, EGRESS_ENDED);
}

/* ---- record ------------------------------------------------------------ */

static void hand_out(struct dial *d)
{
    struct dial_result r = {.code = EGRESS_OK,
                            .text = egress_code_text(EGRESS_OK),
                            .fd = d->fd,
                            .rule = d->rule};
    const dial_done done = d->done;
    void *ctx = d->ctx;

    r.conn = conn_new(d->g, d->conn_id);
    if (r.conn == NULL) {
        refuse(d, EGRESS_INTERNAL);
        return;
    }
    r.address_len = sockaddr_short(d->peer, r.address);
    d->fd = -1; /* moved */
    leave(d);
    done(ctx, &r);
}

void dial_answered(struct broker *b, const struct egress_answer *m)
{
    for (struct grant *g = b->grants; g != NULL; g = g->next) {
        for (struct dial *d = g->dials; d != NULL; d = d->next) {
            if (d->conn_id != m->conn_id)
                continue;
            if (m->code == EGRESS_OK) {
                hand_out(d);
            } else {
                d->conn_id = 0; /* there is no record of it to be closed */
                refuse(d, m->code);
            }
            return;
        }
    }
}

static void record(struct dial *d)
{
    struct egress_opened m = {
        .what = {.order_id = d->g->order_id,
                 .tool = d->g->manifest->tool,
                 .host = {.ptr = d->name.text, .len = d->name.len},
                 .port = d->port,
                 .via = d->via,
                 .method = d->method,
                 .path = d->path}};

    memcpy(m.what.decision_id, d->g->decision_id, sizeof(d->g->decision_id));
    m.what.address_len = sockaddr_short(d->peer, m.what.address);
    d->conn_id = ++d->g->broker->conn_serial;
    m.conn_id = d->conn_id;
    gate_say_opened(d->g->broker, &m);
}

/* ---- connect ----------------------------------------------------------- */

static enum egress_code code_of(int err)
{
    switch (err) {
    case ECONNREFUSED:
        return EGRESS_REFUSED;
    case ETIMEDOUT:
        return EGRESS_TIMED_OUT;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
    case EADDRNOTAVAIL: /* no port is left */
        return EGRESS_TOO_MANY;
    default:
        return EGRESS_UNREACHABLE;
    }
}

/* REFUSED says most about the host: it is there. */
static void note_failure(struct dial *d, int err)
{
    enum egress_code c = code_of(err);

    if (d->worst != EGRESS_REFUSED)
        d->worst = c;
}

static void connected(struct dial *d, struct attempt *a)
{
    const int on = 1;

    /* Small writes of the tool are small writes to the host; and a host that
     * vanishes is noticed one day. Neither is worth failing for. */
    (void)setsockopt(a->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    (void)setsockopt(a->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    memcpy(d->peer, a->address, sizeof(d->peer));
    unwatch(a);
    d->fd = a->fd;
    a->fd = -1; /* moved */
    for (uint32_t i = 0; i < d->tried; i++)
        drop(&d->attempt[i]);
    (void)uv_timer_stop(&d->step);
    record(d);
}

static void try_next(struct dial *d);

static void on_attempt(uv_poll_t *p, int status, int events)
{
    struct attempt *a = p->data;
    struct dial *d = a->d;
    int err = 0;
    socklen_t len = sizeof(err);

    (void)status; /* an error is the socket's, and read there */
    (void)events;
    if (d->over || a->fd < 0)
        return;
    if (getsockopt(a->fd, SOL_SOCKET, SO_ERROR, &err, &len) != 0)
        err = errno;
    if (err == 0) {
        connected(d, a);
        return;
    }
    note_failure(d, err);
    drop(a);
    try_next(d);
}

/* The checked address, and no other, is dialled. */
static bool begin(struct dial *d, struct attempt *a)
{
    struct sockaddr_storage to;
    socklen_t len = sockaddr_make(a->address, d->port, &to);

    a->d = d;
    a->fd = socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
                   IPPROTO_TCP);
    if (a->fd >= 0 &&
        (connect(a->fd, (const struct sockaddr *)&to, len) == 0 ||
         errno == EINPROGRESS) &&
        uv_poll_init_socket(&d->g->broker->loop, &a->poll, a->fd) == 0) {
        a->poll.data = a;
        d->handles++;
        d->open++;
        if (uv_poll_start(&a->poll, UV_WRITABLE, on_attempt) == 0)
            return true;
        drop(a);
        errno = ENOMEM;
    }
    note_failure(d, errno);
    ts_fd_close(&a->fd);
    return false;
}

static void on_step(uv_timer_t *t)
{
    try_next(t->data);
}

/* The next address, also while others are under way. */
static void try_next(struct dial *d)
{
    while (d->tried < d->address_count) {
        struct attempt *a = &d->attempt[d->tried];

        memcpy(a->address, d->address[d->tried], sizeof(a->address));
        d->tried++;
        if (begin(d, a)) {
            (void)uv_timer_start(&d->step, on_step, NEXT_MS, 0);
            return;
        }
    }
    if (d->open == 0)
        refuse(d, d->worst);
}

/* Families in turn, IPv6 first; what may not be dialled is left out. */
static void choose(struct dial *d, const struct resolved *found)
{
    uint32_t at[2] = {0, 0}; /* IPv6, IPv4 */
    bool left = true;

    for (uint32_t turn = 0; left && d->address_count < ATTEMPTS_MAX; turn++) {
        bool v4 = turn % 2 == 1;
        uint32_t *i = &at[v4];

        left = at[0] < found->count || at[1] < found->count;
        for (; *i < found->count; (*i)++) {
            const uint8_t *a = found->address[*i];

            if (sockaddr_is_v4(a) != v4 ||
                !rules_address_ok(d->rule, a, own_is(&d->g->broker->own, a)))
                continue;
            memcpy(d->address[d->address_count++], a, 16);
            (*i)++;
            break;
        }
    }
}

static void on_resolved(void *ctx, const struct resolved *found)
{
    struct dial *d = ctx;

    d->query = NULL;
    if (found->code != EGRESS_OK) {
        refuse(d, found->code);
        return;
    }
    choose(d, found);
    if (d->address_count == 0)
        refuse(d, EGRESS_ADDRESS_DENIED);
    else
        try_next(d);
}

/* ---- the beginning ----------------------------------------------------- */

static enum egress_code check(struct dial *d)
{
    const struct rules_want w = {.name = &d->name,
                                 .port = d->port,
                                 .opaque = d->via != EGRESS_VIA_HTTP,
                                 .method = d->method,
                                 .path = d->path};
    enum egress_code c = rules_name_read(d->host, &d->name);

    if (c != EGRESS_OK)
        return c;
    return rules_find(&d->g->manifest->network, &w, &d->rule);
}

static void on_begin(uv_timer_t *t)
{
    struct dial *d = t->data;
    struct resolved literal = {.code = EGRESS_OK, .count = 1};
    enum egress_code c = check(d);

    if (c != EGRESS_OK) {
        refuse(d, c);
    } else if (d->name.is_address) {
        memcpy(literal.address[0], d->name.address, 16);
        on_resolved(d, &literal);
    } else if (resolve_start(d->g->broker->resolver, d->name.text, on_resolved,
                             d, &d->query) != TS_OK) {
        refuse(d, EGRESS_INTERNAL);
    }
}

static void on_limit(uv_timer_t *t)
{
    struct dial *d = t->data;

    if (d->query != NULL)
        refuse(d, EGRESS_NAME_FAILED);
    else
        refuse(d, d->conn_id != 0 ? EGRESS_NOT_RECORDED : EGRESS_TIMED_OUT);
}

static struct ts_str keep(char **at, struct ts_str s, size_t most)
{
    struct ts_str kept = {.ptr = *at, .len = s.len < most ? s.len : most};

    if (kept.len > 0)
        memcpy(*at, s.ptr, kept.len);
    *at += kept.len;
    return kept;
}

#define HOST_KEPT 255 /* bytes, of what may be no name at all */

static struct dial *dial_new(struct grant *g, const struct dial_want *w)
{
    struct dial *d =
        ts_mem_alloc(sizeof(*d) + HOST_KEPT + w->method.len + w->path.len);
    char *at;

    if (d == NULL)
        return NULL;
    at = d->text;
    d->host = keep(&at, w->host, HOST_KEPT);
    d->method = keep(&at, w->method, w->method.len);
    d->path = keep(&at, w->path, w->path.len);
    d->g = g;
    d->fd = -1;
    d->port = w->port;
    d->via = w->via;
    d->worst = EGRESS_UNREACHABLE;
    for (uint32_t i = 0; i < ATTEMPTS_MAX; i++)
        d->attempt[i].fd = -1;
    return d;
}

ts_err dial_start(struct grant *g, const struct dial_want *w, dial_done done,
                  void *ctx, struct dial **ret)
{
    struct broker *b = g->broker;
    struct dial *d;

    if (g->ending || w->host.len > HOST_KEPT ||
        w->method.len > EGRESS_METHOD_MAX || w->path.len > EGRESS_PATH_MAX)
        return TS_E_LIMIT;
    d = dial_new(g, w);
    if (d == NULL)
        return TS_E_NOMEM;
    d->done = done;
    d->ctx = ctx;
    /* Timers of libuv cannot fail to be made or started. */
    (void)uv_timer_init(&b->loop, &d->step);
    (void)uv_timer_init(&b->loop, &d->limit);
    d->step.data = d;
    d->limit.data = d;
    d->handles = 2;
    (void)uv_timer_start(&d->step, on_begin, 0, 0);
    (void)uv_timer_start(&d->limit, on_limit, LIMIT_MS, 0);
    d->next = g->dials;
    g->dials = d;
    g->conn_count++;
    b->conn_count++;
    *ret = d;
    return TS_OK;
}
