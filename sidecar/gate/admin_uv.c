#include "sidecar/gate/admin_uv.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <uv.h>

#include "proto/base/ts_buf.h"
#include "proto/base/ts_fd.h"
#include "proto/base/ts_mem.h"
#include "proto/msg/admin.h"
#include "proto/trust/id.h"
#include "proto/wire/frame.h"
#include "sidecar/common/log.h"
#include "sidecar/gate/order_out.h"
#include "sidecar/gate/peer_recv.h"
#include "sidecar/gate/revoke.h"
#include "sidecar/gate/running.h"
#include "sidecar/gate/snapshot.h"

#define ADMIN_FRAME_MAX 4096  /* bytes of body that an operator may send */
#define ADMIN_OUT_MAX   65536 /* bytes queued to one operator */

struct admin {
    struct gate *gate;
    uint32_t slot;
    uv_poll_t sock;
    int fd; /* owned */
    uint32_t uid;
    struct ts_buf in, out;
    bool revoking; /* a revocation is not complete: nothing is parsed */
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
    revoke_asker_gone(a->gate, a);
    uv_close((uv_handle_t *)&a->sock, on_closed);
}

static void on_socket(uv_poll_t *p, int status, int events);

static void flush(struct admin *a)
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
                          .sessions_closed = job->sessions};

    sent(a, admin_ack_send(&a->out, &m));
}

void admin_done(struct admin *a, const struct revoke_job *job)
{
    struct admin_complete m = {.rev_seq = job->rev_seq};

    a->revoking = false;
    sent(a, admin_complete_send(&a->out, &m));
    if (a->in.len > 0)
        gate_retry_soon(a->gate); /* the next question is here already */
}

/* ---- questions --------------------------------------------------------- */

static const char *revoke_flaw(const struct gate *g,
                               const struct admin_revoke *m)
{
    struct ts_str id = {.ptr = (const char *)m->target.ptr,
                        .len = m->target.len};

    if (!trust_id_valid(m->tenant))
        return "tenant is not a valid id";
    if (snapshot_tenant_find(g->snapshot, m->tenant) == NULL)
        return "tenant is not configured here";
    if ((m->kind == REVOKE_USER || m->kind == REVOKE_AGENT ||
         m->kind == REVOKE_TASK) &&
        !trust_id_valid(id))
        return "target is not a valid id";
    return NULL;
}

static ts_err on_revoke(struct admin *a, const struct frame *f)
{
    struct revocation_entry r;
    struct admin_revoke m;
    const char *what;
    ts_err e = admin_revoke_decode(f->body, f->len, &m, &what);

    if (e != TS_OK) {
        fail(a, "bad_frame", what);
        return TS_OK;
    }
    what = revoke_flaw(a->gate, &m);
    if (what != NULL) {
        fail(a, "bad_arguments", what);
        return TS_OK;
    }
    r = (struct revocation_entry){
        .kind = (enum revocation_kind)m.kind, /* the same numbers, by design */
        .tenant = m.tenant,
        .target = m.target,
        .cutoff = m.cutoff,
        .reason = m.reason};
    a->revoking = true;
    e = revoke_apply(a->gate, &r, "operator", a->uid, a);
    if (e == TS_OK)
        return TS_OK;
    a->revoking = false;
    if (e == TS_E_AGAIN)
        return e;
    if (e == TS_E_STATE)
        fail(a, "audit_unavailable", "the revocation could not be recorded");
    else if (e == TS_E_INVALID)
        fail(a, "bad_arguments", "target does not fit the kind");
    else
        fail(a, "internal", "the table of revocations is full");
    return TS_OK;
}

static const char *ring_name(enum order_out_state s)
{
    switch (s) {
    case ORDER_OUT_ALL:
        return "ok";
    case ORDER_OUT_DENIALS:
        return "no_space";
    case ORDER_OUT_NOTHING:
        break;
    }
    return "stopped";
}

/* Numbers and fixed words only: nothing in it needs escaping. */
static void on_status(struct admin *a)
{
    struct gate *g = a->gate;
    const struct gate_stats *s = &g->stats;
    uint64_t up = (gate_now(g).boot_ns - g->started_ns) / 1000000000u;
    char text[1024];
    struct admin_text m;
    int n = snprintf(
        text, sizeof(text),
        "{\"uptime_s\":%llu,\"generation\":%llu,\"rev_seq\":%llu,"
        "\"sessions\":%u,\"running\":%u,\"draining\":%s,\"ring\":\"%s\","
        "\"decisions\":{\"permit\":%llu,\"forbid\":%llu,\"pending\":%llu},"
        "\"checks\":%llu,\"recorded\":%llu,\"handshakes\":%llu,"
        "\"handshake_failures\":%llu,\"peers_refused\":%llu,"
        "\"bad_frames\":%llu}",
        (unsigned long long)up, (unsigned long long)g->snapshot->generation,
        (unsigned long long)g->rev_seq, g->client_count, runs_count(g),
        g->draining ? "true" : "false", ring_name(order_out_state(g)),
        (unsigned long long)s->permits, (unsigned long long)s->denials,
        (unsigned long long)s->pendings, (unsigned long long)s->checks,
        (unsigned long long)s->recorded, (unsigned long long)s->handshakes,
        (unsigned long long)s->handshake_failures,
        (unsigned long long)s->refused_peers,
        (unsigned long long)s->frames_bad);

    if (n < 0 || (size_t)n >= sizeof(text)) {
        fail(a, "internal", "the status does not fit");
        return;
    }
    m.text = (struct ts_str){.ptr = text, .len = (size_t)n};
    sent(a, admin_text_send(&a->out, ADMIN_STATUS, &m));
}

static ts_err on_frame(struct admin *a, const struct frame *f)
{
    const char *what;

    if (f->type == ADMIN_REVOKE)
        return on_revoke(a, f);
    if (f->type == ADMIN_STATUS &&
        admin_empty_decode(f->body, f->len, &what) == TS_OK)
        on_status(a);
    else
        fail(a, "bad_frame", "this message is not known on this socket");
    return TS_OK;
}

static void frames(struct admin *a)
{
    while (!a->revoking && !uv_is_closing((uv_handle_t *)&a->sock)) {
        struct frame f;
        size_t used;
        ts_err e = frame_parse(ts_buf_bytes(&a->in), a->in.len, ADMIN_FRAME_MAX,
                               &f, &used);

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
    if (ts_buf_reserve(&a->in, 1024, &to) != TS_OK) {
        fail(a, "bad_frame", "too much was sent before an answer");
        return;
    }
    e = peer_recv(a->fd, a->uid, to, 1024, &n);
    if (e == TS_E_AGAIN)
        return;
    if (e != TS_OK) {
        begin_close(a);
        return;
    }
    ts_buf_grew(&a->in, n);
    frames(a);
}

ts_err admin_new(struct gate *g, int fd, uint32_t uid)
{
    struct admin *a = NULL;
    uint32_t slot = 0;

    while (slot < TS_ADMIN_CONNS_MAX && g->admins[slot] != NULL)
        slot++;
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
    ts_buf_init(&a->in, 2 * (TS_FRAME_HEAD + ADMIN_FRAME_MAX));
    ts_buf_init(&a->out, ADMIN_OUT_MAX);
    g->admins[slot] = a;
    flush(a); /* starts reading */
    return TS_OK;
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
