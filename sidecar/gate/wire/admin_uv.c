#include "sidecar/gate/wire/admin_uv.h"

#include <errno.h>
#include <sys/socket.h>
#include <uv.h>

#include "proto/base/ts_buf.h"
#include "proto/base/ts_fd.h"
#include "proto/base/ts_mem.h"
#include "proto/msg/admin.h"
#include "proto/wire/frame.h"
#include "sidecar/common/log.h"
#include "sidecar/gate/asking/approvals.h"
#include "sidecar/gate/asking/breakglass.h"
#include "sidecar/gate/asking/hook_in.h"
#include "sidecar/gate/revocation/feed.h"
#include "sidecar/gate/revocation/revoke.h"
#include "sidecar/gate/revocation/revoke_signed.h"
#include "sidecar/gate/wire/admin_status.h"
#include "sidecar/gate/wire/admin_tickets.h"
#include "sidecar/gate/wire/peer_recv.h"

#define ADMIN_FRAME_MAX    4096 /* bytes of body that an operator may send */
#define ADMIN_ESCALATE_MAX (TS_ESCALATION_MAX + 8) /* of that message */
#define ADMIN_OUT_MAX      1048576 /* bytes queued to one operator */
#define ADMIN_READ         4096    /* bytes read at once */

struct admin {
    struct gate *gate;
    uint32_t slot;
    uv_poll_t sock;
    int fd; /* owned */
    uint32_t uid;
    struct ts_buf in, out;
    bool is_hook;
    bool busy; /* a revocation is not complete: nothing is parsed */
    struct admin_watch watch;
    bool pump_again; /* tickets wait until some output is sent */
};

static void on_closed(uv_handle_t *h)
{
    struct admin *a = h->data;

    a->gate->admins[a->slot] = NULL;
    ts_fd_close(&a->fd);
    ts_buf_done(&a->in);
    ts_buf_done(&a->out);
    ts_mem_free(a);
}

static void begin_close(struct admin *a)
{
    if (uv_is_closing((uv_handle_t *)&a->sock))
        return;
    revoke_admin_gone(a->gate, a);
    uv_close((uv_handle_t *)&a->sock, on_closed);
    if (a->is_hook)
        hook_in_gone(a->gate);
}

static void on_socket(uv_poll_t *p, int status, int events);

static void flush_some(struct admin *a)
{
    while (a->out.len > 0) {
        ssize_t n = send(a->fd, ts_buf_bytes(&a->out), a->out.len,
                         MSG_DONTWAIT | MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            break;
        if (n < 0) {
            begin_close(a);
            return;
        }
        ts_buf_consume(&a->out, (size_t)n);
    }
}

/* Whoever was cut off asks again and is shown what waits then. */
static void pump(struct admin *a)
{
    if (uv_is_closing((uv_handle_t *)&a->sock))
        return;
    if (admin_watch_pump(a->gate, a->uid, &a->watch, &a->out, &a->pump_again) !=
        TS_OK)
        begin_close(a);
}

static void flush(struct admin *a)
{
    flush_some(a);
    while (a->pump_again && a->out.len == 0 &&
           !uv_is_closing((uv_handle_t *)&a->sock)) {
        pump(a);
        flush_some(a);
    }
    if (!uv_is_closing((uv_handle_t *)&a->sock) &&
        uv_poll_start(&a->sock,
                      UV_READABLE | (a->out.len > 0 ? UV_WRITABLE : 0),
                      on_socket) != 0)
        gate_fail(a->gate, "uv_poll_start");
}

static void sent(struct admin *a, ts_err e)
{
    if (e == TS_OK)
        flush(a);
    else
        begin_close(a);
}

static void fail(struct admin *a, const char *code, const char *text)
{
    struct admin_fail m = {.code = ts_str_of(code), .text = ts_str_of(text)};

    log_event(LOG_WARN, "operator_failed uid=%u code=%s", a->uid, code);
    if (admin_fail_send(&a->out, &m) == TS_OK)
        flush(a);
    begin_close(a);
}

void admin_ack(struct admin *a, const struct revoke_job *job)
{
    struct admin_ack m = {.rev_seq = job->rev_seq,
                          .tools_signalled = job->tools,
                          .sessions_closed = job->sessions,
                          .tickets_voided = job->tickets};

    sent(a, admin_ack_send(&a->out, &m));
}

void admin_done(struct admin *a, const struct revoke_job *job)
{
    struct admin_complete m = {.rev_seq = job->rev_seq};

    a->busy = false;
    sent(a, admin_complete_send(&a->out, &m));
    if (a->in.len > 0)
        gate_retry_soon(a->gate); /* the next question is here already */
}

/* ---- questions --------------------------------------------------------- */

static ts_err on_revoke(struct admin *a, const struct frame *f)
{
    struct revoke_refusal no = {.code = "internal", .text = ""};
    struct admin_revoke m;
    const char *what;
    ts_err e = admin_revoke_decode(f->body, f->len, &m, &what);

    if (e != TS_OK) {
        fail(a, "bad_frame", what);
        return TS_OK;
    }
    a->busy = true;
    e = revoke_by_operator(a->gate, a, a->uid, m.record, &no);
    if (e == TS_OK)
        return TS_OK;
    a->busy = false;
    if (e == TS_E_AGAIN)
        return e;
    fail(a, no.code, no.text);
    return TS_OK;
}

static ts_err on_feed(struct admin *a, const struct frame *f)
{
    struct revoke_asker asker = {.admin = a};
    struct feed_offer o = {.by = "operator", .by_uid = a->uid};
    struct feed_refusal no;
    struct admin_feed m;
    const char *what;
    ts_err e = admin_feed_decode(f->body, f->len, &m, &what);

    if (e != TS_OK) {
        fail(a, "bad_frame", what);
        return TS_OK;
    }
    if (!operator_of_all(a->gate, a->uid)) {
        fail(a, "denied", "only an operator of the sidecar may feed it");
        return TS_OK;
    }
    o.what = m.what;
    o.object = m.object;
    a->busy = true;
    e = feed_apply(a->gate, &o, asker, &no);
    if (e == TS_OK)
        return TS_OK;
    a->busy = false;
    if (e == TS_E_AGAIN)
        return e;
    fail(a, no.code, no.text);
    return TS_OK;
}

static void on_status(struct admin *a)
{
    struct ts_buf text;
    ts_err e;

    ts_buf_init(&text, TS_FRAME_MAX - 64);
    e = admin_status_text(a->gate, a->uid, &text);
    if (e == TS_OK) {
        struct admin_text m = {
            .text = {.ptr = (const char *)ts_buf_bytes(&text),
                     .len = text.len}};

        sent(a, admin_text_send(&a->out, ADMIN_STATUS, &m));
    } else {
        fail(a, "internal", "the status does not fit");
    }
    ts_buf_done(&text);
}

static void on_approvals(struct admin *a, const struct frame *f)
{
    struct admin_approvals m;
    const char *what;

    if (admin_approvals_decode(f->body, f->len, &m, &what) != TS_OK) {
        fail(a, "bad_frame", what);
        return;
    }
    if (admin_watch_begin(a->gate, a->uid, &m, &a->watch) != TS_OK) {
        fail(a, "denied", "your uid may not act for this tenant");
        return;
    }
    pump(a);
    flush(a);
}

static ts_err on_answer(struct admin *a, const struct frame *f)
{
    struct approvals_reply r;
    struct admin_answer m;
    const char *what;
    ts_err e;

    if (admin_answer_decode(f->body, f->len, &m, &what) != TS_OK) {
        fail(a, "bad_frame", what);
        return TS_OK;
    }
    e = approvals_answer(a->gate, a->uid, m.answer, &r);
    if (e == TS_OK)
        sent(a, admin_answered_send(&a->out, &r.m));
    return e == TS_E_AGAIN ? e : TS_OK;
}

static ts_err on_hook(struct admin *a, const struct frame *f)
{
    struct admin_hook m;
    const char *what = "type";

    if (f->type != ADMIN_HOOK ||
        admin_hook_decode(f->body, f->len, &m, &what) != TS_OK)
        fail(a, "bad_frame", what);
    else
        hook_in_report(a->gate, &m);
    return TS_OK;
}

static ts_err on_escalate(struct admin *a, const struct frame *f)
{
    struct breakglass_reply r;
    struct admin_escalate m;
    const char *what;
    ts_err e;

    if (admin_escalate_decode(f->body, f->len, &m, &what) != TS_OK) {
        fail(a, "bad_frame", what);
        return TS_OK;
    }
    e = breakglass_activate(a->gate, a->uid, m.object, &r);
    if (e == TS_OK)
        sent(a, admin_escalated_send(&a->out, &r.m));
    return e == TS_E_AGAIN ? e : TS_OK;
}

static void on_escalations(struct admin *a, const struct frame *f)
{
    struct admin_escalations m;
    const char *what;

    if (admin_escalations_decode(f->body, f->len, &m, &what) != TS_OK)
        fail(a, "bad_frame", what);
    else
        sent(a, breakglass_list(a->gate, a->uid, m.tenant, &a->out));
}

static ts_err on_frame(struct admin *a, const struct frame *f)
{
    const char *what;

    if (a->is_hook)
        return on_hook(a, f);
    if (f->type == ADMIN_ESCALATE)
        return on_escalate(a, f);
    if (f->type == ADMIN_ESCALATIONS) {
        on_escalations(a, f);
        return TS_OK;
    }

    if (f->type == ADMIN_ANSWER)
        return on_answer(a, f);
    if (f->type == ADMIN_APPROVALS) {
        on_approvals(a, f);
        return TS_OK;
    }

    if (f->type == ADMIN_REVOKE)
        return on_revoke(a, f);
    if (f->type == ADMIN_FEED)
        return on_feed(a, f);
    if (f->type == ADMIN_STATUS &&
        admin_empty_decode(f->body, f->len, &what) == TS_OK)
        on_status(a);
    else
        fail(a, "bad_frame", "this message is not known on this socket");
    return TS_OK;
}

/* Only who may feed makes us hold megabytes, and only for that. */
static size_t body_max(const struct admin *a)
{
    const uint8_t *head = ts_buf_bytes(&a->in);

    if (a->in.len < TS_FRAME_HEAD)
        return operator_of_all(a->gate, a->uid) ? admin_body_max(ADMIN_FEED)
                                                : ADMIN_FRAME_MAX;
    if (head[4] == ADMIN_FEED && operator_of_all(a->gate, a->uid))
        return admin_body_max(ADMIN_FEED);
    if (head[4] == ADMIN_ESCALATE)
        return ADMIN_ESCALATE_MAX;
    return ADMIN_FRAME_MAX;
}

static void frames(struct admin *a)
{
    while (!a->busy && !uv_is_closing((uv_handle_t *)&a->sock)) {
        struct frame f;
        size_t used;
        ts_err e = frame_parse(ts_buf_bytes(&a->in), a->in.len, body_max(a), &f,
                               &used);

        if (e == TS_E_TRUNCATED)
            return;
        if (e != TS_OK) {
            fail(a, "bad_frame", "the message is too long");
            return;
        }
        e = on_frame(a, &f);
        if (e == TS_E_AGAIN) {
            gate_retry_soon(a->gate);
            return;
        }
        ts_buf_consume(&a->in, used);
        if (a->in.len == 0 && a->in.cap > 4 * (size_t)ADMIN_READ)
            ts_buf_done(&a->in); /* a big one is rare */
    }
}

static void on_socket(uv_poll_t *p, int status, int events)
{
    struct admin *a = p->data;
    uint8_t *to;
    size_t n;
    ts_err e;

    if (status < 0) {
        begin_close(a);
        return;
    }
    if ((events & UV_WRITABLE) != 0)
        flush(a);
    if ((events & UV_READABLE) == 0 || uv_is_closing((uv_handle_t *)&a->sock))
        return;
    if (ts_buf_reserve(&a->in, ADMIN_READ, &to) != TS_OK) {
        fail(a, "bad_frame", "too much was sent before an answer");
        return;
    }
    e = peer_recv(a->fd, a->uid, to, ADMIN_READ, &n);
    if (e == TS_E_AGAIN)
        return;
    if (e != TS_OK) {
        begin_close(a);
        return;
    }
    ts_buf_grew(&a->in, n);
    frames(a);
}

/* Operators of single tenants cannot keep those of the sidecar out. */
static bool has_place(const struct gate *g, uint32_t uid)
{
    uint32_t of_tenants = 0, of_uid = 0;

    if (operator_of_all(g, uid))
        return true;
    for (uint32_t i = 0; i < TS_ADMIN_CONNS_MAX; i++) {
        const struct admin *a = g->admins[i];

        if (a == NULL || operator_of_all(g, a->uid))
            continue;
        of_tenants++;
        of_uid += a->uid == uid ? 1 : 0;
    }
    return of_tenants < TS_TENANT_OPS_MAX && of_uid < TS_TENANT_OPS_UID;
}

static uint32_t free_slot(const struct gate *g)
{
    uint32_t slot = 0;

    while (slot < TS_ADMIN_CONNS_MAX && g->admins[slot] != NULL)
        slot++;
    return slot;
}

ts_err admin_new(struct gate *g, int fd, uint32_t uid)
{
    struct admin *a = NULL;
    uint32_t slot = has_place(g, uid) ? free_slot(g) : TS_ADMIN_CONNS_MAX;

    if (slot < TS_ADMIN_CONNS_MAX)
        a = ts_mem_alloc(sizeof(*a));
    if (a == NULL || uv_poll_init(&g->loop, &a->sock, fd) != 0) {
        ts_mem_free(a);
        ts_fd_close(&fd);
        return slot < TS_ADMIN_CONNS_MAX ? TS_E_NOMEM : TS_E_LIMIT;
    }
    a->gate = g;
    a->slot = slot;
    a->fd = fd;
    a->uid = uid;
    a->sock.data = a;
    ts_buf_init(&a->in, operator_of_all(g, uid)
                            ? TS_FRAME_HEAD + admin_body_max(ADMIN_FEED) +
                                  (size_t)ADMIN_READ
                            : (size_t)2 * (TS_FRAME_HEAD + ADMIN_ESCALATE_MAX));
    ts_buf_init(&a->out, ADMIN_OUT_MAX);
    g->admins[slot] = a;
    flush(a); /* starts reading */
    return TS_OK;
}

ts_err admin_new_hook(struct gate *g, uint32_t uid, int *fd)
{
    uint32_t slot = free_slot(g);
    struct admin *a =
        slot < TS_ADMIN_CONNS_MAX ? ts_mem_alloc(sizeof(*a)) : NULL;

    if (a == NULL)
        return slot < TS_ADMIN_CONNS_MAX ? TS_E_NOMEM : TS_E_LIMIT;
    *a = (struct admin){
        .gate = g,
        .slot = slot,
        .fd = *fd,
        .uid = uid,
        .is_hook = true,
        .watch = {.listing = true, .watching = true, .everything = true}};
    if (uv_poll_init(&g->loop, &a->sock, *fd) != 0) {
        ts_mem_free(a);
        return TS_E_SYSTEM;
    }
    *fd = -1; /* moved */
    a->sock.data = a;
    ts_buf_init(&a->in, (size_t)2 * (TS_FRAME_HEAD + ADMIN_FRAME_MAX));
    ts_buf_init(&a->out, ADMIN_OUT_MAX);
    g->admins[slot] = a;
    pump(a);
    if (!uv_is_closing((uv_handle_t *)&a->sock))
        flush(a); /* starts reading */
    return TS_OK;
}

void admins_new_ticket(struct gate *g)
{
    for (uint32_t i = 0; i < TS_ADMIN_CONNS_MAX; i++) {
        struct admin *a = g->admins[i];

        if (a == NULL || !a->watch.watching || a->pump_again)
            continue;
        pump(a);
        if (!uv_is_closing((uv_handle_t *)&a->sock))
            flush(a);
    }
}

void admins_ticket_news(struct gate *g, const struct pending *p,
                        const char *what)
{
    for (uint32_t i = 0; i < TS_ADMIN_CONNS_MAX; i++) {
        struct admin *a = g->admins[i];

        if (a == NULL || !a->watch.watching ||
            uv_is_closing((uv_handle_t *)&a->sock))
            continue;
        if (admin_watch_news(g, a->uid, &a->watch, p, what, &a->out) == TS_OK)
            flush(a);
        else
            begin_close(a); /* it does not read */
    }
}

void admins_retry(struct gate *g)
{
    for (uint32_t i = 0; i < TS_ADMIN_CONNS_MAX; i++) {
        if (g->admins[i] != NULL && g->admins[i]->in.len > 0)
            frames(g->admins[i]);
    }
}

void admins_close(struct gate *g)
{
    for (uint32_t i = 0; i < TS_ADMIN_CONNS_MAX; i++) {
        if (g->admins[i] != NULL)
            begin_close(g->admins[i]);
    }
}
