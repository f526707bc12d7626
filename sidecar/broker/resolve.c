#include "sidecar/broker/resolve.h"

#include <ares.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/select.h>

#include "proto/base/ts_mem.h"
#include "proto/base/ts_require.h"
#include "sidecar/broker/sockaddr.h"
#include "sidecar/common/dns_text.h"

#define TIMEOUT_MS  2000 /* of the first try of one server; doubles */
#define TRIES       2
#define SOCKETS_MAX (4 * DNS_SERVERS_MAX)
#define AT_ONCE     64 /* names; the rest waits: answers must fit our socket */

struct resolve_query {
    struct resolver *r;
    struct resolve_query *next; /* of those that are ready */
    resolve_done done;          /* NULL: cancelled */
    void *ctx;
    struct resolved found;
    char name[EGRESS_HOST_MAX + 1];
};

struct watched {
    uv_poll_t poll;
    struct resolver *r;
    struct watched *next;
    ares_socket_t fd;
};

struct resolver {
    uv_loop_t *loop;
    ares_channel channel;
    struct watched *watched;
    uint32_t watched_count;
    uv_timer_t tick;             /* c-ares counts its time-outs */
    uv_timer_t soon;             /* answers are given from here */
    struct resolve_query *ready; /* newest first */
    struct resolve_query *waiting, **waiting_end; /* oldest first */
    uint32_t under_way;
    uint32_t handles; /* timers that are not closed yet */
};

static void on_tick(uv_timer_t *t)
{
    struct resolver *r = t->data;

    ares_process_fd(r->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

/* With a query under way a tick comes every so often, else none. */
static void set_tick(struct resolver *r)
{
    const uint64_t every_ms = 100;

    if (r->under_way == 0)
        (void)uv_timer_stop(&r->tick);
    else if (!uv_is_active((uv_handle_t *)&r->tick))
        (void)uv_timer_start(&r->tick, on_tick, every_ms, every_ms);
}

static void on_socket(uv_poll_t *p, int status, int events)
{
    struct watched *w = p->data;
    ares_socket_t fd = w->fd;
    bool reads = status < 0 || (events & UV_READABLE) != 0;
    bool writes = status < 0 || (events & UV_WRITABLE) != 0;

    ares_process_fd(w->r->channel, reads ? fd : ARES_SOCKET_BAD,
                    writes ? fd : ARES_SOCKET_BAD);
}

static void free_watched(uv_handle_t *h)
{
    ts_mem_free(h->data);
}

static void forget(struct resolver *r, ares_socket_t fd)
{
    for (struct watched **p = &r->watched; *p != NULL; p = &(*p)->next) {
        struct watched *w = *p;

        if (w->fd != fd)
            continue;
        *p = w->next;
        r->watched_count--;
        (void)uv_poll_stop(&w->poll); /* before c-ares closes it */
        uv_close((uv_handle_t *)&w->poll, free_watched);
        return;
    }
}

static struct watched *find_or_add(struct resolver *r, ares_socket_t fd)
{
    struct watched *w;

    for (w = r->watched; w != NULL; w = w->next) {
        if (w->fd == fd)
            return w;
    }
    if (r->watched_count == SOCKETS_MAX ||
        (w = ts_mem_alloc(sizeof(*w))) == NULL)
        return NULL; /* not watched: its query times out */
    w->r = r;
    w->fd = fd;
    if (uv_poll_init_socket(r->loop, &w->poll, fd) != 0) {
        ts_mem_free(w);
        return NULL;
    }
    w->poll.data = w;
    w->next = r->watched;
    r->watched = w;
    r->watched_count++;
    return w;
}

/* c-ares tells what it waits for; neither: it is about to close the socket. */
static void on_state(void *ctx, ares_socket_t fd, int reads, int writes)
{
    struct resolver *r = ctx;
    struct watched *w;
    int events = (reads ? UV_READABLE : 0) | (writes ? UV_WRITABLE : 0);

    if (events == 0) {
        forget(r, fd);
        return;
    }
    w = find_or_add(r, fd);
    if (w != NULL)
        (void)uv_poll_start(&w->poll, events, on_socket);
}

static void ask_next(struct resolver *r);

static void on_soon(uv_timer_t *t)
{
    struct resolver *r = t->data;
    struct resolve_query *q;

    while ((q = r->ready) != NULL) {
        r->ready = q->next;
        if (q->done != NULL)
            q->done(q->ctx, &q->found);
        ts_mem_free(q);
    }
    ask_next(r);
}

static void add_address(struct resolved *f, const struct sockaddr *sa)
{
    static const uint8_t v4_head[12] = {[10] = 0xff, [11] = 0xff};
    uint8_t *to = f->address[f->count];

    if (f->count == RESOLVE_MAX)
        return;
    if (sa->sa_family == AF_INET) {
        struct sockaddr_in v4;

        memcpy(&v4, sa, sizeof(v4));
        memcpy(to, v4_head, sizeof(v4_head));
        memcpy(to + 12, &v4.sin_addr, 4);
        f->count++;
    } else if (sa->sa_family == AF_INET6) {
        struct sockaddr_in6 v6;

        memcpy(&v6, sa, sizeof(v6));
        memcpy(to, &v6.sin6_addr, 16);
        if (!sockaddr_is_v4(to)) /* ::ffff:0:0/96 has no business in an AAAA */
            f->count++;
    }
}

static void on_answer(void *ctx, int status, int timeouts,
                      struct ares_addrinfo *info);

static void ask_next(struct resolver *r)
{
    const struct ares_addrinfo_hints hints = {.ai_flags = ARES_AI_NOSORT,
                                              .ai_family = AF_UNSPEC};

    while (r->waiting != NULL && r->under_way < AT_ONCE) {
        struct resolve_query *q = r->waiting;

        r->waiting = q->next;
        if (r->waiting == NULL)
            r->waiting_end = &r->waiting;
        if (q->done == NULL) {
            ts_mem_free(q); /* cancelled */
            continue;
        }
        r->under_way++;
        ares_getaddrinfo(r->channel, q->name, NULL, &hints, on_answer, q);
    }
    set_tick(r);
}

static enum egress_code code_of(int status, const struct resolved *f)
{
    if (status == ARES_SUCCESS)
        return f->count > 0 ? EGRESS_OK : EGRESS_NAME_UNKNOWN;
    if (status == ARES_ENOTFOUND || status == ARES_ENODATA ||
        status == ARES_EBADNAME)
        return EGRESS_NAME_UNKNOWN;
    return EGRESS_NAME_FAILED;
}

static void on_answer(void *ctx, int status, int timeouts,
                      struct ares_addrinfo *info)
{
    struct resolve_query *q = ctx;
    struct resolver *r = q->r;

    (void)timeouts;
    for (const struct ares_addrinfo_node *n = info != NULL ? info->nodes : NULL;
         n != NULL; n = n->ai_next)
        add_address(&q->found, n->ai_addr);
    if (info != NULL)
        ares_freeaddrinfo(info);
    q->found.code = code_of(status, &q->found);
    q->next = r->ready;
    r->ready = q;
    r->under_way--;
    set_tick(r);
    (void)uv_timer_start(&r->soon, on_soon, 0, 0);
}

ts_err resolve_start(struct resolver *r, const char *name, resolve_done done,
                     void *ctx, struct resolve_query **ret)
{
    size_t len = strlen(name);
    struct resolve_query *q;

    if (len > EGRESS_HOST_MAX)
        return TS_E_LIMIT;
    q = ts_mem_alloc(sizeof(*q));
    if (q == NULL)
        return TS_E_NOMEM;
    *q = (struct resolve_query){.r = r, .done = done, .ctx = ctx};
    memcpy(q->name, name, len + 1);
    *r->waiting_end = q;
    r->waiting_end = &q->next;
    *ret = q;
    ask_next(r);
    return TS_OK;
}

void resolve_cancel(struct resolve_query *q)
{
    q->done = NULL;
}

static ts_err open_channel(struct resolver *r, const char *csv)
{
    char dns_only[] = "b", nowhere[] = "/dev/null"; /* both are copied */
    struct ares_options o = {.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES,
                             .timeout = TIMEOUT_MS,
                             .tries = TRIES,
                             .ndots = 1,
                             .lookups = dns_only,
                             .resolvconf_path = nowhere,
                             .sock_state_cb = on_state,
                             .sock_state_cb_data = r};
    const int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
                     ARES_OPT_NDOTS | ARES_OPT_DOMAINS | ARES_OPT_LOOKUPS |
                     ARES_OPT_RESOLVCONF | ARES_OPT_SOCK_STATE_CB;

    if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS ||
        ares_init_options(&r->channel, &o, mask) != ARES_SUCCESS)
        return TS_E_SYSTEM;
    if (ares_set_servers_ports_csv(r->channel, csv) != ARES_SUCCESS) {
        ares_destroy(r->channel);
        return TS_E_INVALID;
    }
    return TS_OK;
}

ts_err resolver_new(uv_loop_t *loop, const char *csv, struct resolver **ret)
{
    struct resolver *r = ts_mem_alloc(sizeof(*r));
    ts_err e;

    if (r == NULL)
        return TS_E_NOMEM;
    r->loop = loop;
    r->waiting_end = &r->waiting;
    e = open_channel(r, csv);
    if (e != TS_OK) {
        ts_mem_free(r);
        return e;
    }
    /* These two cannot fail. */
    (void)uv_timer_init(loop, &r->tick);
    (void)uv_timer_init(loop, &r->soon);
    r->tick.data = r;
    r->soon.data = r;
    r->handles = 2;
    *ret = r;
    return TS_OK;
}

static void timer_closed(uv_handle_t *h)
{
    struct resolver *r = h->data;

    if (--r->handles == 0)
        ts_mem_free(r);
}

void resolver_close(struct resolver *r)
{
    struct resolve_query *q;

    while ((q = r->waiting) != NULL) {
        r->waiting = q->next;
        ts_mem_free(q);
    }
    ares_destroy(r->channel); /* answers all that is under way, and forgets */
    while ((q = r->ready) != NULL) {
        r->ready = q->next;
        ts_mem_free(q);
    }
    uv_close((uv_handle_t *)&r->tick, timer_closed);
    uv_close((uv_handle_t *)&r->soon, timer_closed);
    ares_library_cleanup();
}
