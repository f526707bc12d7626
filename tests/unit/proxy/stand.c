/*
 * The proxy without the rest of the service: it listens at 127.0.0.1:PORT,
 * takes rules and secrets from its arguments, and every name that a rule allows
 * is at 127.0.0.1. What would go to the gate is printed.
 *
 *     stand PORT "host=api.test ports=8080,8443 tls methods=GET paths=/v1/x"
 *           "secret=KEY header=Authorization prefix=Bearer value=... hosts=.."
 *           trust=FILE token=... max_bytes=N max_connections=N
 */
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "proto/base/ts_mem.h"
#include "sidecar/broker/broker.h"
#include "sidecar/broker/dial.h"
#include "sidecar/broker/grants.h"
#include "sidecar/broker/proxy/inject.h"
#include "sidecar/broker/proxy/proxy.h"
#include "sidecar/broker/proxy/tls_up.h"
#include "sidecar/broker/relay.h"
#include "sidecar/broker/rules.h"

#define LIST_MAX 16

struct stand_rule {
    struct manifest_host host;
    uint16_t ports[LIST_MAX];
    struct ts_str methods[LIST_MAX], paths[LIST_MAX];
};

struct stand {
    struct broker broker;
    struct policy policy;
    struct manifests manifests;
    struct manifest manifest;
    struct stand_rule rules[LIST_MAX];
    struct manifest_host allow[LIST_MAX];
    struct manifest_secret secrets[LIST_MAX];
    struct ts_str secret_values[LIST_MAX];
    struct ts_str secret_hosts[LIST_MAX];
    struct grant grant;
};

struct dial {
    uv_timer_t soon; /* done never comes before dial_start() returned */
    uv_poll_t poll;
    struct grant *g;
    dial_done done;
    void *ctx;
    struct rules_name name;
    char method[32], path[256], host[256];
    uint16_t port;
    enum egress_via via;
    const struct manifest_host *rule;
    enum egress_code code;
    int fd;
    bool polling;
};

uint64_t broker_now_ms(const struct broker *b)
{
    return uv_now(&b->loop);
}

/* ---- what grant.c does ------------------------------------------------- */

void conn_on_cut(struct conn *c, void (*cut)(void *ctx, enum egress_close why),
                 void *ctx)
{
    c->cut = cut;
    c->cut_ctx = ctx;
}

uint64_t conn_left(const struct conn *c)
{
    return c->grant->manifest->network.max_bytes - c->grant->bytes;
}

bool conn_count(struct conn *c, uint64_t out, uint64_t in)
{
    if (out + in > conn_left(c))
        return false;
    c->bytes_out += out;
    c->bytes_in += in;
    c->grant->bytes += out + in;
    return true;
}

void conn_close(struct conn *c, enum egress_close why)
{
    struct conn **p = &c->grant->conns;

    while (*p != c)
        p = &(*p)->next;
    *p = c->next;
    c->grant->conn_count--;
    (void)printf("CLOSED %s %llu %llu\n", egress_close_name(why),
                 (unsigned long long)c->bytes_out,
                 (unsigned long long)c->bytes_in);
    ts_mem_free(c);
}

void grant_deny(struct grant *g, enum egress_via via, struct ts_str host,
                uint16_t port, struct ts_str method, struct ts_str path,
                enum egress_code code)
{
    char shown[1024];

    (void)g;
    (void)ts_str_escape(shown, sizeof(shown), host.ptr, host.len);
    (void)printf("DENIED %s %s %s:%u %.*s %.*s\n", egress_code_name(code),
                 egress_via_name(via), shown, port, (int)method.len, method.ptr,
                 (int)path.len, path.ptr);
}

bool grant_may_wait(const struct grant *g)
{
    (void)g;
    return true;
}

void grant_waits(struct grant *g, bool on)
{
    g->waiting += on ? 1 : -1u;
}

enum egress_code grant_has_room(const struct grant *g)
{
    if (g->bytes >= g->manifest->network.max_bytes)
        return EGRESS_BYTES_SPENT;
    return g->conn_count < g->manifest->network.max_connections
               ? EGRESS_OK
               : EGRESS_TOO_MANY;
}

/* ---- what dial.c does -------------------------------------------------- */

static void on_freed(uv_handle_t *h)
{
    struct dial *d = h->data;

    if (d->polling) { /* the second handle is still to go */
        d->polling = false;
        return;
    }
    ts_mem_free(d);
}

static void leave(struct dial *d)
{
    uv_close((uv_handle_t *)&d->soon, on_freed);
    if (d->polling)
        uv_close((uv_handle_t *)&d->poll, on_freed);
}

static void finish(struct dial *d)
{
    struct dial_result r = {.code = d->code,
                            .text = egress_code_text(d->code),
                            .fd = -1,
                            .address = {127, 0, 0, 1},
                            .address_len = 4,
                            .rule = d->rule};
    const dial_done done = d->done;
    void *ctx = d->ctx;

    if (r.code == EGRESS_OK) {
        struct conn *c = ts_mem_alloc(sizeof(*c));

        if (c == NULL)
            abort();
        c->grant = d->g;
        c->next = d->g->conns;
        d->g->conns = c;
        d->g->conn_count++;
        r.conn = c;
        r.fd = d->fd;
        (void)printf("OPENED %s %s:%u %s %s\n", egress_via_name(d->via),
                     d->name.text, d->port, d->method, d->path);
    } else {
        grant_deny(d->g, d->via, ts_str_of(d->host), d->port,
                   ts_str_of(d->method), ts_str_of(d->path), d->code);
        ts_fd_close(&d->fd);
    }
    leave(d);
    done(ctx, &r);
}

static void on_connected(uv_poll_t *p, int status, int events)
{
    struct dial *d = p->data;
    int err = 0;
    socklen_t len = sizeof(err);

    (void)events;
    (void)getsockopt(d->fd, SOL_SOCKET, SO_ERROR, &err, &len);
    if (status < 0 || err != 0)
        d->code = EGRESS_REFUSED;
    finish(d);
}

static void on_soon(uv_timer_t *t)
{
    struct dial *d = t->data;
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(d->port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    if (d->code == EGRESS_OK) {
        d->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (connect(d->fd, (const struct sockaddr *)&to, sizeof(to)) != 0 &&
            errno == EINPROGRESS) {
            (void)uv_poll_init(&d->g->broker->loop, &d->poll, d->fd);
            d->poll.data = d;
            d->polling = true;
            (void)uv_poll_start(&d->poll, UV_WRITABLE, on_connected);
            return;
        }
    }
    finish(d);
}

static void copy(char *to, size_t cap, struct ts_str s)
{
    (void)snprintf(to, cap, "%.*s", (int)s.len, s.ptr);
}

ts_err dial_start(struct grant *g, const struct dial_want *w, dial_done done,
                  void *ctx, struct dial **ret)
{
    struct dial *d = ts_mem_alloc(sizeof(*d));
    struct rules_want want = {.port = w->port,
                              .opaque = w->via != EGRESS_VIA_HTTP,
                              .method = w->method,
                              .path = w->path};

    if (d == NULL)
        return TS_E_NOMEM;
    d->g = g;
    d->done = done;
    d->ctx = ctx;
    d->port = w->port;
    d->via = w->via;
    d->fd = -1;
    copy(d->method, sizeof(d->method), w->method);
    copy(d->path, sizeof(d->path), w->path);
    copy(d->host, sizeof(d->host), w->host);
    want.name = &d->name;
    d->code = rules_name_read(w->host, &d->name);
    if (d->code == EGRESS_OK)
        d->code = rules_find(&g->manifest->network, &want, &d->rule);
    (void)uv_timer_init(&g->broker->loop, &d->soon);
    d->soon.data = d;
    (void)uv_timer_start(&d->soon, on_soon, 0, 0);
    *ret = d;
    return TS_OK;
}

void dial_cancel(struct dial *d)
{
    ts_fd_close(&d->fd);
    leave(d);
}

/* ---- arguments --------------------------------------------------------- */

/* The value of key in "key=value key=value"; false when it is not there. */
static bool word(const char *arg, const char *key, struct ts_str *ret)
{
    size_t n = strlen(key);

    for (const char *p = arg; p != NULL; p = strchr(p, ' ')) {
        while (*p == ' ')
            p++;
        if (strncmp(p, key, n) == 0 && p[n] == '=') {
            *ret = (struct ts_str){p + n + 1, strcspn(p + n + 1, " ")};
            return true;
        }
        if (strncmp(p, key, n) == 0 && (p[n] == ' ' || p[n] == '\0')) {
            *ret = ts_str_of("");
            return true;
        }
    }
    return false;
}

static uint32_t split(struct ts_str s, struct ts_str *out)
{
    uint32_t n = 0;

    while (s.len > 0 && n < LIST_MAX) {
        const char *comma = memchr(s.ptr, ',', s.len);
        size_t len = comma != NULL ? (size_t)(comma - s.ptr) : s.len;

        out[n++] = (struct ts_str){s.ptr, len};
        len += comma != NULL;
        s.ptr += len;
        s.len -= len;
    }
    return n;
}

static void add_rule(struct stand *st, const char *arg)
{
    struct manifest_network *n = &st->manifest.network;
    struct stand_rule *r = &st->rules[n->allow_count];
    struct ts_str v, ports[LIST_MAX];

    (void)word(arg, "host", &r->host.host);
    if (word(arg, "ports", &v)) {
        r->host.port_count = split(v, ports);
        for (uint32_t i = 0; i < r->host.port_count; i++)
            r->ports[i] = (uint16_t)strtoul(ports[i].ptr, NULL, 10);
    }
    if (word(arg, "methods", &v))
        r->host.method_count = split(v, r->methods);
    if (word(arg, "paths", &v))
        r->host.path_count = split(v, r->paths);
    r->host.tls = word(arg, "tls", &v);
    r->host.ports = r->ports;
    r->host.methods = r->methods;
    r->host.paths = r->paths;
    st->allow[n->allow_count++] = r->host;
}

static void add_secret(struct stand *st, const char *arg)
{
    uint32_t i = st->manifest.secret_count++;
    struct manifest_secret *s = &st->secrets[i];
    struct ts_str v;

    s->source = SECRET_CREDENTIAL;
    s->delivery = SECRET_HEADER;
    (void)word(arg, "secret", &s->name);
    (void)word(arg, "header", &s->header);
    (void)word(arg, "hosts", &st->secret_hosts[i]);
    s->hosts = &st->secret_hosts[i];
    s->host_count = 1;
    if (word(arg, "prefix", &v))
        s->prefix = v.len > 0 ? ts_str_of("Bearer ") : v;
    if (!word(arg, "value", &st->secret_values[i]))
        s->source = SECRET_IDENTITY_TOKEN;
}

static ts_err read_secret(void *ctx, const struct manifest_secret *s,
                          uint8_t *buf, size_t cap, size_t *ret_len)
{
    const struct stand *st = ctx;
    struct ts_str v = st->secret_values[s - st->secrets];

    if (v.len > cap)
        return TS_E_LIMIT;
    memcpy(buf, v.ptr, v.len);
    *ret_len = v.len;
    return TS_OK;
}

static void take_args(struct stand *st, char **argv)
{
    struct manifest_network *n = &st->manifest.network;
    struct ts_str v;

    n->mode = NETWORK_PROXY;
    n->allow = st->allow;
    n->max_bytes = 1 << 30;
    n->max_connections = 64;
    st->manifest.secrets = st->secrets;
    for (; *argv != NULL; argv++) {
        if (word(*argv, "host", &v))
            add_rule(st, *argv);
        else if (word(*argv, "secret", &v))
            add_secret(st, *argv);
        else if (word(*argv, "max_bytes", &v))
            n->max_bytes = strtoull(v.ptr, NULL, 10);
        else if (word(*argv, "max_connections", &v))
            n->max_connections = (uint32_t)strtoul(v.ptr, NULL, 10);
        else if (word(*argv, "trust", &v) &&
                 tls_trust_new(v.ptr, &st->broker.trust) != TS_OK)
            exit(3);
        else if (word(*argv, "token", &v))
            st->grant.token_len = (size_t)snprintf(
                st->grant.token, sizeof(st->grant.token), "%s", v.ptr);
    }
}

static int listen_at(const char *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port =
                                 htons((uint16_t)strtoul(port, NULL, 10)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int on = 1;

    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, (const struct sockaddr *)&at, sizeof(at)) != 0 ||
        listen(fd, 128) != 0)
        exit(4);
    return fd;
}

static void on_term(uv_signal_t *s, int number)
{
    struct stand *st = s->data;
    struct conn *c;

    (void)number;
    while ((c = st->grant.conns) != NULL)
        c->cut(c->cut_ctx, EGRESS_CLOSE_ENDED);
    proxy_mode.stop(&st->grant);
    uv_close((uv_handle_t *)s, NULL);
}

int main(int argc, char **argv)
{
    static struct stand st; /* large */
    char why[256] = "";
    uv_signal_t term;

    if (argc < 3 || sodium_init() < 0)
        return 2;
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    (void)uv_loop_init(&st.broker.loop);
    st.broker.relay_buf = ts_mem_alloc(RELAY_PENDING_MAX);
    take_args(&st, argv + 2);
    st.manifests.list = &st.manifest;
    st.manifests.count = 1;
    if (inject_load(&st.manifests, false, read_secret, &st, &st.policy.secrets,
                    why, sizeof(why)) != TS_OK) {
        (void)printf("REFUSED %s\n", why);
        return 5;
    }
    st.grant.broker = &st.broker;
    st.grant.policy = &st.policy;
    st.grant.manifest = &st.manifest;
    st.grant.fd = listen_at(argv[1]);
    if (proxy_mode.start(&st.grant) != TS_OK)
        return 6;
    (void)uv_signal_init(&st.broker.loop, &term);
    term.data = &st;
    (void)uv_signal_start(&term, on_term, SIGTERM);
    (void)printf("READY\n");
    (void)uv_run(&st.broker.loop, UV_RUN_DEFAULT);
    ts_fd_close(&st.grant.fd);
    inject_store_free(st.policy.secrets);
    tls_trust_free(st.broker.trust);
    ts_mem_free(st.broker.relay_buf);
    return uv_loop_close(&st.broker.loop) == 0 ? 0 : 7;
}
