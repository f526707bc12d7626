#include "sidecar/gate/running/egress_in.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "proto/base/ts_mem.h"
#include "proto/msg/egress.h"
#include "sidecar/common/fds.h"
#include "sidecar/common/log.h"
#include "sidecar/gate/running/order_out.h"
#include "sidecar/gate/running/running.h"
#include "sidecar/gate/steps/egress_record.h"
#include "sidecar/gate/wire/peer_recv.h"

#define PER_TURN    64
#define PARTIES_MAX 1024 /* calls of which nothing is open any more, kept */
#define BUCKETS     256

/* Whose connections an order's are. It outlives the run: the last of them may
 * be reported after the tool's end. */
struct party {
    struct party *next; /* newest first */
    uint64_t order_id;
    uint8_t decision_id[16];
    struct ts_str name[RUN_NAMES];
    uint32_t open;
    char text[RUN_NAMES][TS_ID_MAX];
};

struct open_conn {
    struct open_conn *next;
    struct party *party;
    uint64_t id;
    uint16_t port;
    struct ts_str host; /* in text */
    char text[EGRESS_HOST_MAX];
};

struct egress_in {
    struct party *parties;
    uint32_t party_count;
    struct open_conn *bucket[BUCKETS];
    uint8_t
        waiting[EGRESS_MESSAGE_MAX]; /* a message the ring had no room for */
    size_t waiting_len;              /* 0: none */
    struct egress_answer unsent; /* conn_id 0: none; nothing is read before */
};

static void on_broker(uv_poll_t *p, int status, int events);

/* ---- parties ----------------------------------------------------------- */

/* The oldest that have nothing open any more, when there are very many. */
static void drop_old_parties(struct egress_in *x)
{
    struct party **p = &x->parties;
    uint32_t kept = 0;

    if (x->party_count < 2 * PARTIES_MAX)
        return;
    while (*p != NULL) {
        struct party *one = *p;

        if (++kept <= PARTIES_MAX || one->open > 0) {
            p = &one->next;
            continue;
        }
        *p = one->next;
        x->party_count--;
        ts_mem_free(one);
    }
}

static struct party *party_of_run(struct gate *g, const struct egress_what *w)
{
    const struct run *r = runs_find(g, w->order_id);
    struct egress_in *x = g->egress;
    struct party *p;

    if (r == NULL ||
        memcmp(r->decision_id, w->decision_id, sizeof(r->decision_id)) != 0)
        return NULL;
    drop_old_parties(x);
    p = ts_mem_alloc(sizeof(*p));
    if (p == NULL)
        return NULL;
    p->order_id = w->order_id;
    memcpy(p->decision_id, w->decision_id, sizeof(p->decision_id));
    for (int i = 0; i < RUN_NAMES; i++) {
        memcpy(p->text[i], r->names[i], sizeof(p->text[i]));
        p->name[i] = (struct ts_str){.ptr = p->text[i], .len = r->name_len[i]};
    }
    p->next = x->parties;
    x->parties = p;
    x->party_count++;
    return p;
}

/* NULL: no such call is known. */
static struct party *party_find(struct gate *g, const struct egress_what *w)
{
    struct party *p = g->egress->parties;

    while (p != NULL &&
           (p->order_id != w->order_id || memcmp(p->decision_id, w->decision_id,
                                                 sizeof(p->decision_id)) != 0))
        p = p->next;
    return p != NULL ? p : party_of_run(g, w);
}

static struct egress_who who_of(const struct party *p)
{
    return (struct egress_who){.tenant = p->name[RUN_TENANT],
                               .user = p->name[RUN_USER],
                               .agent = p->name[RUN_AGENT],
                               .tool = p->name[RUN_TOOL]};
}

/* ---- connections ------------------------------------------------------- */

static struct open_conn **place_of(struct egress_in *x, uint64_t id)
{
    struct open_conn **p = &x->bucket[id % BUCKETS];

    while (*p != NULL && (*p)->id != id)
        p = &(*p)->next;
    return p;
}

/* Not in any list yet; NULL: no memory. */
static struct open_conn *conn_of(struct party *p, const struct egress_opened *m)
{
    struct open_conn *c = ts_mem_alloc(sizeof(*c));

    if (c == NULL)
        return NULL;
    c->party = p;
    c->id = m->conn_id;
    c->port = m->what.port;
    memcpy(c->text, m->what.host.ptr, m->what.host.len); /* <= its room */
    c->host = (struct ts_str){.ptr = c->text, .len = m->what.host.len};
    return c;
}

static void forget(struct open_conn **at)
{
    struct open_conn *c = *at;

    *at = c->next;
    c->party->open--;
    ts_mem_free(c);
}

/* ---- the three messages ------------------------------------------------ */

/* TS_E_AGAIN: the ring is full, the message is to be taken up again. */
static ts_err write_record(struct gate *g, ts_err made, const uint8_t *record,
                           size_t len)
{
    return made == TS_OK ? order_out_record_small(g, record, len) : made;
}

static ts_err send_answer(const struct egress_answer *m)
{
    uint8_t buf[64];
    size_t n = 0;
    ts_err e = egress_answer_encode(m, buf + 1, sizeof(buf) - 1, &n);

    if (e != TS_OK)
        return e;
    buf[0] = EGRESS_ANSWER;
    if (send(GATE_FD_BROKER, buf, n + 1, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
        return TS_OK;
    return errno == EAGAIN || errno == ENOBUFS ? TS_E_AGAIN : TS_E_CLOSED;
}

/* What the broker has no room for is sent later; it is not listened to before,
 * so at most one answer waits. */
static ts_err answer(struct gate *g, uint64_t conn_id, enum egress_code code)
{
    const struct egress_answer m = {.conn_id = conn_id, .code = code};
    ts_err e = send_answer(&m);

    if (e != TS_E_AGAIN)
        return e;
    g->egress->unsent = m;
    (void)uv_poll_stop(&g->broker_poll);
    gate_retry_soon(g);
    return TS_OK;
}

static bool may_open(const struct run *r)
{
    return r != NULL &&
           (r->core.state == CALL_LAUNCHING || r->core.state == CALL_RUNNING);
}

static ts_err record_opened(struct gate *g, const struct party *p,
                            const struct egress_opened *m)
{
    uint8_t record[EGRESS_RECORD_MAX];
    const struct egress_who who = who_of(p);
    size_t n = 0;
    ts_err e = egress_record_opened(&who, m, record, sizeof(record), &n);

    return write_record(g, e, record, n);
}

/* Whatever could fail comes before the record: what it says was made is. */
static ts_err on_opened(struct gate *g, const uint8_t *body, size_t len)
{
    struct egress_opened m;
    struct open_conn **at, *c;
    const char *what;
    struct party *p;
    ts_err e = egress_opened_decode(body, len, &m, &what);

    if (e != TS_OK)
        return e;
    p = party_find(g, &m.what);
    if (p == NULL || !may_open(runs_find(g, m.what.order_id)))
        return answer(g, m.conn_id, EGRESS_ENDED);
    at = place_of(g->egress, m.conn_id);
    if (*at != NULL)
        return TS_E_STATE; /* the same id twice */
    if (order_out_state(g) != ORDER_OUT_ALL || (c = conn_of(p, &m)) == NULL)
        return answer(g, m.conn_id, EGRESS_NOT_RECORDED);
    e = record_opened(g, p, &m);
    if (e != TS_OK || !order_out_taken(g)) {
        ts_mem_free(c);
        return e != TS_OK ? e : answer(g, m.conn_id, EGRESS_NOT_RECORDED);
    }
    p->open++;
    *at = c;
    return answer(g, m.conn_id, EGRESS_OK);
}

static ts_err on_closed(struct gate *g, const uint8_t *body, size_t len)
{
    uint8_t record[EGRESS_RECORD_MAX];
    struct egress_closed m;
    struct open_conn **at;
    struct egress_who who;
    const char *what;
    size_t n = 0;
    ts_err e = egress_closed_decode(body, len, &m, &what);

    if (e != TS_OK)
        return e;
    at = place_of(g->egress, m.conn_id);
    if (*at == NULL)
        return TS_OK; /* refused, or given up before it was answered */
    if (memcmp((*at)->party->decision_id, m.decision_id,
               sizeof(m.decision_id)) != 0)
        return TS_E_STATE;
    who = who_of((*at)->party);
    e = egress_record_closed(&who, &m, (*at)->host, (*at)->port, record,
                             sizeof(record), &n);
    e = write_record(g, e, record, n);
    if (e == TS_OK)
        forget(at);
    return e;
}

static ts_err on_denied(struct gate *g, const uint8_t *body, size_t len)
{
    uint8_t record[EGRESS_RECORD_MAX];
    struct egress_denied m;
    struct egress_who who;
    const char *what;
    struct party *p;
    size_t n = 0;
    ts_err e = egress_denied_decode(body, len, &m, &what);

    if (e != TS_OK)
        return e;
    p = party_find(g, &m.what);
    if (p == NULL) {
        log_event(LOG_WARN, "egress_of_no_call order=%llu",
                  (unsigned long long)m.what.order_id);
        return TS_OK;
    }
    who = who_of(p);
    e = egress_record_denied(&who, &m, record, sizeof(record), &n);
    return write_record(g, e, record, n);
}

static ts_err dispatch(struct gate *g, const uint8_t *m, size_t len)
{
    if (len == 0)
        return TS_E_FORMAT;
    if (m[0] == EGRESS_OPENED)
        return on_opened(g, m + 1, len - 1);
    if (m[0] == EGRESS_CLOSED)
        return on_closed(g, m + 1, len - 1);
    if (m[0] == EGRESS_DENIED)
        return on_denied(g, m + 1, len - 1);
    return TS_E_FORMAT;
}

/* ---- the channel ------------------------------------------------------- */

static void fail(struct gate *g, ts_err e)
{
    gate_fail(g, e == TS_E_CLOSED ? "the broker went away"
                                  : "the broker broke the protocol");
}

static void wait_for_ring(struct gate *g, const uint8_t *m, size_t len)
{
    struct egress_in *x = g->egress;

    if (m != x->waiting)
        memcpy(x->waiting, m, len);
    x->waiting_len = len;
    (void)uv_poll_stop(&g->broker_poll);
    gate_retry_soon(g);
}

static void on_broker(uv_poll_t *p, int status, int events)
{
    struct gate *g = p->data;
    uint8_t buf[EGRESS_MESSAGE_MAX];
    ts_err e = status < 0 ? TS_E_CLOSED : TS_OK;

    (void)events;
    for (int i = 0; e == TS_OK && i < PER_TURN; i++) {
        size_t n = 0, fds = 0;

        if (g->egress->unsent.conn_id != 0)
            return;
        e = peer_recv_fds(GATE_FD_BROKER, buf, sizeof(buf), NULL, 0, &n, &fds);
        if (e == TS_E_AGAIN)
            return;
        if (e == TS_OK && (e = dispatch(g, buf, n)) == TS_E_AGAIN) {
            wait_for_ring(g, buf, n);
            return;
        }
    }
    if (e != TS_OK)
        fail(g, e);
}

void egress_in_retry(struct gate *g)
{
    struct egress_in *x = g->egress;
    ts_err e = TS_OK;

    if (x == NULL || (x->waiting_len == 0 && x->unsent.conn_id == 0))
        return;
    if (x->unsent.conn_id != 0 && (e = send_answer(&x->unsent)) == TS_OK)
        x->unsent.conn_id = 0;
    if (e == TS_OK && x->waiting_len > 0) {
        order_out_wake(g); /* so that room is made soon */
        e = dispatch(g, x->waiting, x->waiting_len);
        if (e == TS_OK)
            x->waiting_len = 0;
    }
    if (e == TS_E_AGAIN || (e == TS_OK && x->unsent.conn_id != 0)) {
        gate_retry_soon(g);
        return;
    }
    if (e == TS_OK &&
        uv_poll_start(&g->broker_poll, UV_READABLE, on_broker) != 0)
        e = TS_E_SYSTEM;
    if (e != TS_OK)
        fail(g, e);
}

void egress_in_end(struct gate *g, uint64_t order_id, enum end_reason reason)
{
    const struct egress_end m = {.order_id = order_id, .reason = reason};
    uint8_t buf[64];
    size_t n = 0;

    if (g->egress == NULL ||
        egress_end_encode(&m, buf + 1, sizeof(buf) - 1, &n) != TS_OK)
        return;
    buf[0] = EGRESS_END;
    /* A full channel is no reason to wait: the launcher says it, too. */
    (void)!send(GATE_FD_BROKER, buf, n + 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

ts_err egress_in_start(struct gate *g)
{
    if (!g->settings.has_broker)
        return TS_OK;
    g->egress = ts_mem_alloc(sizeof(*g->egress));
    if (g->egress == NULL)
        return TS_E_NOMEM;
    if (uv_poll_init(&g->loop, &g->broker_poll, GATE_FD_BROKER) != 0)
        return TS_E_SYSTEM;
    g->broker_poll.data = g;
    return uv_poll_start(&g->broker_poll, UV_READABLE, on_broker) == 0
               ? TS_OK
               : TS_E_SYSTEM;
}

void egress_in_close(struct gate *g)
{
    struct egress_in *x = g->egress;

    if (x == NULL)
        return;
    for (size_t i = 0; i < BUCKETS; i++) {
        while (x->bucket[i] != NULL)
            forget(&x->bucket[i]);
    }
    while (x->parties != NULL) {
        struct party *p = x->parties;

        x->parties = p->next;
        ts_mem_free(p);
    }
    uv_close((uv_handle_t *)&g->broker_poll, NULL);
    ts_mem_free(x);
    g->egress = NULL;
}
