#include "sidecar/broker/grant.h"

#include <sodium.h>
#include <string.h>

#include "proto/base/ts_fd.h"
#include "proto/base/ts_mem.h"
#include "proto/base/ts_require.h"
#include "sidecar/broker/broker.h"
#include "sidecar/broker/dial.h"
#include "sidecar/broker/gate_io.h"
#include "sidecar/broker/grants.h"
#include "sidecar/broker/proxy/inject.h"
#include "sidecar/common/log.h"

/* A tool that goes on asking for what it may not have fills no log: after
 * these the rest is counted, and told at the end. */
#define DENIALS_EACH 64

#define FEW 4 /* connections that a tool can have beside a crowd */

/* ---- generations ------------------------------------------------------- */

ts_err policy_new(struct manifests *m, struct policy **ret)
{
    struct policy *p = ts_mem_alloc(sizeof(*p));

    if (p == NULL)
        return TS_E_NOMEM;
    p->manifests = m;
    p->holders = 1;
    *ret = p;
    return TS_OK;
}

struct policy *policy_hold(struct policy *p)
{
    p->holders++;
    return p;
}

void policy_release(struct policy *p)
{
    if (p == NULL || --p->holders > 0)
        return;
    inject_store_free(p->secrets); /* before the manifests that it names */
    manifests_free(p->manifests);
    ts_mem_free(p);
}

/* ---- connections ------------------------------------------------------- */

struct conn *conn_new(struct grant *g, uint64_t id)
{
    struct conn *c = ts_mem_alloc(sizeof(*c));

    if (c == NULL)
        return NULL;
    *c = (struct conn){.grant = g,
                       .next = g->conns,
                       .id = id,
                       .since_ms = broker_now_ms(g->broker)};
    g->conns = c;
    g->conn_count++;
    g->broker->conn_count++;
    return c;
}

void conn_on_cut(struct conn *c, void (*cut)(void *ctx, enum egress_close why),
                 void *ctx)
{
    c->cut = cut;
    c->cut_ctx = ctx;
}

uint64_t conn_left(const struct conn *c)
{
    const struct grant *g = c->grant;

    return g->manifest->network.max_bytes - g->bytes;
}

bool conn_count(struct conn *c, uint64_t out, uint64_t in)
{
    uint64_t left = conn_left(c);

    if (out > left || in > left - out)
        return false;
    c->bytes_out += out;
    c->bytes_in += in;
    c->grant->bytes += out + in;
    return true;
}

void conn_close(struct conn *c, enum egress_close why)
{
    struct grant *g = c->grant;
    struct egress_closed m = {.conn_id = c->id,
                              .order_id = g->order_id,
                              .reason = why,
                              .bytes_out = c->bytes_out,
                              .bytes_in = c->bytes_in,
                              .requests = c->requests,
                              .ms = broker_now_ms(g->broker) - c->since_ms};
    struct conn **p = &g->conns;

    memcpy(m.decision_id, g->decision_id, sizeof(m.decision_id));
    while (*p != c) {
        TS_REQUIRE(*p != NULL); /* closed twice */
        p = &(*p)->next;
    }
    *p = c->next;
    g->conn_count--;
    g->broker->conn_count--;
    ts_mem_free(c);
    gate_say_closed(g->broker, &m);
}

/* ---- refusals ---------------------------------------------------------- */

static struct ts_str printable(struct ts_str s, char *room, size_t cap)
{
    size_t n = s.len < cap ? s.len : cap;

    for (size_t i = 0; i < n; i++)
        room[i] = s.ptr[i] >= 0x20 && s.ptr[i] <= 0x7e ? s.ptr[i] : '?';
    return (struct ts_str){.ptr = room, .len = n};
}

void grant_deny(struct grant *g, enum egress_via via, struct ts_str host,
                uint16_t port, struct ts_str method, struct ts_str path,
                enum egress_code code)
{
    char room[EGRESS_HOST_MAX], verb[EGRESS_METHOD_MAX], where[EGRESS_PATH_MAX];
    struct egress_denied m = {
        .what = {.order_id = g->order_id,
                 .tool = g->manifest->tool,
                 .host = printable(host, room, sizeof(room)),
                 .port = port,
                 .via = via,
                 .method = printable(method, verb, sizeof(verb)),
                 .path = printable(path, where, sizeof(where))},
        .code = code,
        .count = 1};

    memcpy(m.what.decision_id, g->decision_id, sizeof(g->decision_id));
    if (code == EGRESS_ENDED)
        return; /* what it would have been is not known, and nobody asks */
    if (g->denials < DENIALS_EACH) {
        g->denials++;
        gate_say_denied(g->broker, &m);
        return;
    }
    g->unrecorded++;
    g->last_denied.code = code;
    g->last_denied.what.via = via;
}

static void say_unrecorded(struct grant *g)
{
    struct egress_denied m = {.what = {.order_id = g->order_id,
                                       .tool = g->manifest->tool,
                                       .via = g->last_denied.what.via},
                              .code = g->last_denied.code,
                              .count = g->unrecorded};

    memcpy(m.what.decision_id, g->decision_id, sizeof(g->decision_id));
    if (g->unrecorded > 0)
        gate_say_denied(g->broker, &m);
}

/* ---- coming and going -------------------------------------------------- */

static uint32_t places_of(const struct broker *b)
{
    return b->conn_count + b->waiting;
}

/* Half of all connections are for whoever comes first. Of the next quarter
 * nobody gets more than an equal share, one share being kept for the tool that
 * comes next. The last quarter is for those who have next to none: however many
 * take all they can, the next one can work. */
static bool is_greedy(const struct grant *g)
{
    const struct broker *b = g->broker;
    uint32_t taken = places_of(b), has = g->conn_count + g->waiting;

    if (taken >= b->conns_max - b->conns_max / 4)
        return has >= FEW;
    return taken >= b->conns_max / 2 &&
           has >= b->conns_max / (b->grant_count + 1);
}

bool grant_may_wait(const struct grant *g)
{
    return places_of(g->broker) < g->broker->conns_max && !is_greedy(g);
}

void grant_waits(struct grant *g, bool on)
{
    TS_REQUIRE(on || (g->waiting > 0 && g->broker->waiting > 0));
    g->waiting += on ? 1 : -1u;
    g->broker->waiting += on ? 1 : -1u;
}

enum egress_code grant_has_room(const struct grant *g)
{
    if (g->ending)
        return EGRESS_ENDED;
    if (g->conn_count >= g->manifest->network.max_connections ||
        places_of(g->broker) >= g->broker->conns_max || is_greedy(g))
        return EGRESS_TOO_MANY;
    if (g->bytes >= g->manifest->network.max_bytes)
        return EGRESS_BYTES_SPENT;
    return gate_is_busy(g->broker) ? EGRESS_NOT_RECORDED : EGRESS_OK;
}

static struct policy *policy_of(const struct broker *b, uint64_t generation)
{
    struct policy *const all[] = {b->current, b->previous};

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (all[i] != NULL && all[i]->manifests->generation == generation)
            return all[i];
    }
    return NULL;
}

static bool mode_is(const struct manifest *m, enum egress_mode mode)
{
    return m->network.mode ==
           (mode == EGRESS_BROKER ? NETWORK_BROKER : NETWORK_PROXY);
}

static ts_err fill(struct grant *g, const struct egress_grant *m)
{
    struct policy *p = policy_of(g->broker, m->generation);

    if (p == NULL)
        return TS_E_NOT_FOUND;
    g->manifest = manifests_find(p->manifests, m->tool);
    if (g->manifest == NULL || !mode_is(g->manifest, m->mode))
        return TS_E_NOT_FOUND;
    if (m->token.len >= sizeof(g->token))
        return TS_E_LIMIT;
    g->policy = policy_hold(p);
    g->order_id = m->order_id;
    g->mode = m->mode;
    memcpy(g->decision_id, m->decision_id, sizeof(g->decision_id));
    memcpy(g->token, m->token.ptr, m->token.len);
    g->token_len = m->token.len;
    return TS_OK;
}

static void grant_free(struct grant *g)
{
    ts_fd_close(&g->fd);
    policy_release(g->policy);
    sodium_memzero(g->token, sizeof(g->token));
    ts_mem_free(g);
}

static bool known(const struct broker *b, uint32_t launcher, uint64_t order_id)
{
    for (const struct grant *g = b->grants; g != NULL; g = g->next) {
        if (g->launcher == launcher && g->order_id == order_id)
            return true;
    }
    return false;
}

ts_err grants_add(struct broker *b, uint32_t launcher,
                  const struct egress_grant *m, int fd)
{
    const struct grant_mode *mode = b->modes[m->mode];
    struct grant *g;
    ts_err e;

    if (b->grant_count == BROKER_GRANTS_MAX ||
        known(b, launcher, m->order_id)) {
        ts_fd_close(&fd);
        return TS_E_STATE;
    }
    g = ts_mem_alloc(sizeof(*g));
    if (g == NULL) {
        ts_fd_close(&fd);
        return TS_E_NOMEM;
    }
    g->broker = b;
    g->launcher = launcher;
    g->fd = fd;
    e = mode == NULL ? TS_E_UNSUPPORTED : fill(g, m);
    if (e == TS_OK)
        e = mode->start(g);
    if (e != TS_OK) {
        grant_free(g);
        return e == TS_E_STATE ? TS_E_SYSTEM : e;
    }
    g->next = b->grants;
    b->grants = g;
    b->grant_count++;
    return TS_OK;
}

/* Connections first, while the mode's own state is whole. */
static void end(struct grant *g, enum end_reason reason)
{
    struct broker *b = g->broker;
    struct grant **p = &b->grants;
    enum egress_close why =
        reason == END_EXITED ? EGRESS_CLOSE_ENDED : EGRESS_CLOSE_KILLED;

    g->ending = true;
    while (g->conns != NULL) {
        const struct conn *c = g->conns;

        TS_REQUIRE(c->cut != NULL);
        c->cut(c->cut_ctx, why);
        TS_REQUIRE(g->conns != c); /* it was to be closed */
    }
    dial_end_all(g);
    b->modes[g->mode]->stop(g);
    say_unrecorded(g);
    while (*p != g)
        p = &(*p)->next;
    *p = g->next;
    b->grant_count--;
    grant_free(g);
}

void grants_end(struct broker *b, uint32_t launcher, uint64_t order_id,
                enum end_reason reason)
{
    struct grant *g = b->grants;

    while (g != NULL && (g->launcher != launcher || g->order_id != order_id))
        g = g->next;
    if (g != NULL)
        end(g, reason);
}

void grants_end_order(struct broker *b, uint64_t order_id,
                      enum end_reason reason)
{
    struct grant *g = b->grants;

    while (g != NULL && g->order_id != order_id)
        g = g->next;
    if (g != NULL)
        end(g, reason);
}

void grants_end_all(struct broker *b, enum end_reason reason)
{
    while (b->grants != NULL)
        end(b->grants, reason);
}
