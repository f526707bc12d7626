#include "sidecar/recorder/fanout.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "proto/base/ts_fd.h"
#include "proto/base/ts_mem.h"
#include "proto/msg/admin.h"
#include "proto/msg/record.h"
#include "proto/wire/frame.h"
#include "proto/wire/mp_write.h"

#define OUT_MAX  ((size_t)2 * RECORD_LINE_MAX)
#define OUT_HIGH ((size_t)262144) /* above it nothing more is read */

static const struct tail_client free_place = {
    .fd = -1, .at = {.fd = -1}, .list = {.fd = -1, .reader = {.fd = -1}}};

ts_err fanout_init(struct fanout *f)
{
    f->buf = ts_mem_alloc(RECORD_LINE_MAX);
    for (size_t i = 0; i < TS_ADMIN_CONNS_MAX; i++)
        f->clients[i] = free_place;
    return f->buf != NULL ? TS_OK : TS_E_NOMEM;
}

static void client_close(struct tail_client *c)
{
    ts_fd_close(&c->fd);
    ts_fd_close(&c->at.fd);
    list_end(&c->list);
    ts_buf_done(&c->in);
    ts_buf_done(&c->out);
    *c = free_place;
}

/* Has this client something to do that does not depend on its peer? */
static bool client_can_go_on(const struct tail_client *c, struct log_end end)
{
    if (c->stuck || (c->state != TAIL_COUNT && c->state != TAIL_SEND &&
                     c->state != TAIL_LIST))
        return false;
    if (c->state == TAIL_SEND && c->follow)
        return c->at.fd < 0 ? end.last_seq >= c->from_seq && end.last_seq > 0
                            : c->at.next_seq <= end.last_seq;
    return true;
}

size_t fanout_poll_set(const struct fanout *f, struct log_end end,
                       struct pollfd *fds, bool *ret_busy)
{
    size_t n = 0;

    *ret_busy = false;
    fds[n++] = (struct pollfd){.fd = f->listen_fd, .events = POLLIN};
    for (size_t i = 0; i < TS_ADMIN_CONNS_MAX; i++) {
        const struct tail_client *c = &f->clients[i];

        if (c->fd < 0)
            continue;
        fds[n++] = (struct pollfd){
            .fd = c->fd, .events = (short)(POLLIN | (c->stuck ? POLLOUT : 0))};
        *ret_busy = *ret_busy || client_can_go_on(c, end);
    }
    return n;
}

bool tail_scope_has(const struct tail_scope *s, struct ts_str tenant)
{
    if (!s->limited)
        return true;
    for (uint32_t i = 0; i < CONTROL_OPERATORS_MAX; i++)
        if ((s->bits & UINT32_C(1) << i) != 0 &&
            ts_str_eq(s->operators[i].tenant, tenant))
            return true;
    return false;
}

/* What this uid may read; false: nothing. */
static bool scope_of(const struct fanout *f, uint32_t uid,
                     struct tail_scope *ret)
{
    struct tail_scope s = {.operators = f->operators, .limited = true};

    for (uint32_t i = 0; i < f->uid_count; i++)
        if (f->uids[i] == uid)
            s.limited = false;
    for (uint32_t i = 0; i < f->operator_count; i++)
        if (f->operators[i].uid == uid)
            s.bits |= UINT32_C(1) << i;
    *ret = s;
    return !s.limited || s.bits != 0;
}

static void client_fail(struct tail_client *c, const char *code,
                        const char *text)
{
    const struct admin_fail m = {.code = ts_str_of(code),
                                 .text = ts_str_of(text)};

    c->state = TAIL_FLUSH;
    if (admin_fail_send(&c->out, &m) != TS_OK)
        client_close(c);
}

/* Readers of single tenants cannot keep the sidecar's own out. */
static bool has_place(const struct fanout *f, uint32_t uid)
{
    uint32_t limited = 0, of_uid = 0;

    for (size_t i = 0; i < TS_ADMIN_CONNS_MAX; i++) {
        const struct tail_client *c = &f->clients[i];

        if (c->fd < 0 || !c->filter.scope.limited)
            continue;
        limited++;
        of_uid += c->uid == uid ? 1 : 0;
    }
    return limited < TS_TENANT_OPS_MAX && of_uid < TS_TENANT_OPS_UID;
}

static void accept_one(struct fanout *f, uint64_t now_ns)
{
    struct tail_scope scope;
    struct ucred peer = {0};
    socklen_t len = sizeof(peer);
    struct tail_client *c = NULL;
    int fd = accept4(f->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    bool may_read_any;

    if (fd < 0)
        return;
    for (size_t i = 0; i < TS_ADMIN_CONNS_MAX && c == NULL; i++)
        if (f->clients[i].fd < 0)
            c = &f->clients[i];
    if (c == NULL ||
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0) {
        ts_fd_close(&fd); /* too many already */
        return;
    }
    may_read_any = scope_of(f, peer.uid, &scope);
    if (scope.limited && !has_place(f, peer.uid)) {
        ts_fd_close(&fd);
        return;
    }
    *c = free_place;
    c->fd = fd;
    c->uid = peer.uid;
    c->filter.scope = scope;
    c->deadline_ns = now_ns + (uint64_t)FANOUT_REQUEST_MS * 1000000;
    ts_buf_init(&c->in, TS_FRAME_HEAD + FANOUT_REQUEST_MAX);
    ts_buf_init(&c->out, OUT_MAX);
    if (!may_read_any)
        client_fail(c, "denied",
                    "this user may not read the log: add its uid to "
                    "admin_uids or tenant_operators in the configuration");
}

static void copy_text(char *out, size_t cap, struct ts_str s)
{
    size_t n = s.len < cap ? s.len : cap - 1; /* the decoder limits it too */

    if (n > 0)
        memcpy(out, s.ptr, n);
    out[n] = '\0';
}

/* Where to begin: without a filter "the last N" is plain arithmetic, with one
 * they have to be counted first. */
static void client_begin(struct tail_client *c, const struct admin_tail *m,
                         struct log_end end)
{
    bool filtered = m->tenant.len + m->agent.len + m->effect.len > 0 ||
                    m->since_unix_ms > 0 || c->filter.scope.limited;

    c->follow = m->follow;
    c->from_seq = m->from_seq > 0 ? m->from_seq : 1;
    c->end_seq = end.last_seq;
    c->last = m->last;
    copy_text(c->filter.tenant, sizeof(c->filter.tenant), m->tenant);
    copy_text(c->filter.agent, sizeof(c->filter.agent), m->agent);
    copy_text(c->filter.effect, sizeof(c->filter.effect), m->effect);
    if (m->since_unix_ms > 0 && m->since_unix_ms < UINT64_MAX / 1000)
        line_time(c->filter.since, m->since_unix_ms * 1000);
    c->state = TAIL_SEND;
    if (m->last == 0 || end.last_seq < c->from_seq)
        return;
    if (filtered)
        c->state = TAIL_COUNT;
    else if (end.last_seq - c->from_seq >= m->last)
        c->from_seq = end.last_seq - m->last + 1;
}

/* A tenant that is asked for by name must be one of the client's. */
static bool may_read(struct tail_client *c, struct ts_str tenant)
{
    if (tenant.len == 0 || tail_scope_has(&c->filter.scope, tenant))
        return true;
    client_fail(c, "denied",
                "this user may not read that tenant: add its uid to admin_uids "
                "or tenant_operators in the configuration");
    return false;
}

static ts_err take_tail(struct tail_client *c, const struct frame *fr,
                        struct log_end end, const char **reterr_what)
{
    struct admin_tail m;
    ts_err e = admin_tail_decode(fr->body, fr->len, &m, reterr_what);

    if (e == TS_OK && may_read(c, m.tenant))
        client_begin(c, &m, end);
    return e;
}

static ts_err take_list(struct fanout *f, struct tail_client *c,
                        const struct frame *fr, struct log_end end,
                        const char **reterr_what)
{
    struct admin_list m;
    ts_err e = admin_list_decode(fr->body, fr->len, &m, reterr_what);

    if (e == TS_OK && may_read(c, m.tenant) &&
        list_begin(f, c, &m, end.now_s) != TS_OK)
        client_fail(c, "internal", "the journal cannot be read now");
    return e;
}

/* A whole request in c->in? Anything but one TAIL or LIST is refused. */
static void client_request(struct fanout *f, struct tail_client *c,
                           struct log_end end)
{
    const char *what = "not a TAIL or LIST request";
    struct frame fr;
    size_t used;
    ts_err e = frame_parse(ts_buf_bytes(&c->in), c->in.len, FANOUT_REQUEST_MAX,
                           &fr, &used);

    if (e == TS_E_TRUNCATED)
        return;
    if (e == TS_OK && fr.type == ADMIN_TAIL)
        e = take_tail(c, &fr, end, &what);
    else if (e == TS_OK && fr.type == ADMIN_LIST)
        e = take_list(f, c, &fr, end, &what);
    else
        e = TS_E_FORMAT;
    if (e != TS_OK)
        client_fail(c, "bad_frame", what);
    else if (c->fd >= 0)
        ts_buf_consume(&c->in, used);
}

/* Reads what the client says; after its request that may only be the end. */
static void client_hear(struct fanout *f, struct tail_client *c,
                        struct log_end end)
{
    uint8_t *p, past[64];
    ssize_t n;

    if (c->state != TAIL_ASKED) {
        n = recv(c->fd, past, sizeof(past), MSG_DONTWAIT);
        if (n >= 0 || (errno != EAGAIN && errno != EINTR))
            client_close(c);
        return;
    }
    if (c->in.len == c->in.max ||
        ts_buf_reserve(&c->in, c->in.max - c->in.len, &p) != TS_OK) {
        client_close(c);
        return;
    }
    n = recv(c->fd, p, c->in.max - c->in.len, MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        client_close(c);
    } else if (n > 0) {
        ts_buf_grew(&c->in, (size_t)n);
        client_request(f, c, end);
    }
}

static void client_flush(struct tail_client *c)
{
    c->stuck = false;
    while (c->out.len > 0) {
        ssize_t n = send(c->fd, ts_buf_bytes(&c->out), c->out.len,
                         MSG_DONTWAIT | MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN) {
            c->stuck = true;
            return;
        }
        if (n < 0) {
            client_close(c);
            return;
        }
        ts_buf_consume(&c->out, (size_t)n);
    }
    if (c->state == TAIL_FLUSH)
        client_close(c);
}

/* [1, line]; longer than the frames of strangers, so not by admin_text_send. */
static ts_err send_line(struct tail_client *c, const char *line, size_t len)
{
    struct mp_writer w;
    uint8_t *body;
    size_t n;
    ts_err e = frame_begin(&c->out, ADMIN_LINE, len + 16, &body);

    if (e != TS_OK)
        return e;
    mp_writer_init(&w, body, len + 16);
    mp_write_array(&w, 2);
    mp_write_uint(&w, 1);
    mp_write_str(&w, line, len);
    e = mp_written(&w, &n);
    if (e == TS_OK)
        frame_end(&c->out, ADMIN_LINE, n);
    return e;
}

static void client_at_end(struct tail_client *c)
{
    if (c->state == TAIL_COUNT) {
        c->skip = c->matches > c->last ? c->matches - c->last : 0;
        c->state = TAIL_SEND;
        ts_fd_close(&c->at.fd);
        return;
    }
    if (c->follow)
        return;
    c->state = TAIL_FLUSH;
    if (admin_empty_send(&c->out, ADMIN_TAIL_END) != TS_OK)
        client_close(c);
}

static ts_err client_take(struct tail_client *c, const char *line, size_t len)
{
    if (!tail_filter_passes(&c->filter, line, len))
        return TS_OK;
    if (c->state == TAIL_COUNT) {
        c->matches++;
        return TS_OK;
    }
    if (c->skip > 0) {
        c->skip--;
        return TS_OK;
    }
    return send_line(c, line, len);
}

/* A bounded piece of work for one client. */
static void client_step(struct fanout *f, struct tail_client *c,
                        struct log_end end)
{
    size_t budget = FANOUT_READ, len = 0;
    const char *line = NULL;
    ts_err e = TS_OK;

    if (c->at.fd < 0 && end.last_seq > 0)
        e = tail_seek(f, &c->at, c->from_seq, end);
    while (e == TS_OK && c->out.len < OUT_HIGH) {
        bool done = end.last_seq == 0 || c->at.next_seq > end.last_seq ||
                    ((c->state == TAIL_COUNT || !c->follow) &&
                     c->at.next_seq > c->end_seq);

        if (done)
            e = TS_E_AGAIN;
        else
            e = tail_read(f, &c->at, end, &line, &len);
        if (e != TS_OK)
            break;
        e = client_take(c, line, len);
        if (len >= budget)
            break;
        budget -= len;
    }
    if (e == TS_E_AGAIN)
        client_at_end(c);
    else if (e != TS_OK)
        client_fail(c, "internal", "the log cannot be read at this place");
    if (c->fd >= 0)
        client_flush(c);
}

static void client_list(struct fanout *f, struct tail_client *c)
{
    ts_err e = list_step(f, c, OUT_HIGH);

    if (e == TS_E_AGAIN) {
        c->state = TAIL_FLUSH;
        e = admin_empty_send(&c->out, ADMIN_TAIL_END);
    }
    if (e != TS_OK)
        client_fail(c, "internal", "the journal cannot be read at this place");
    if (c->fd >= 0)
        client_flush(c);
}

void fanout_turn(struct fanout *f, const struct pollfd *fds, size_t count,
                 struct log_end end, uint64_t now_ns)
{
    for (size_t i = 0; i < TS_ADMIN_CONNS_MAX; i++) {
        struct tail_client *c = &f->clients[i];
        short events = 0;

        if (c->fd < 0)
            continue;
        for (size_t k = 1; k < count; k++)
            if (fds[k].fd == c->fd)
                events = fds[k].revents;
        if ((events & (POLLIN | POLLHUP | POLLERR)) != 0)
            client_hear(f, c, end);
        if (c->fd >= 0 && c->state == TAIL_ASKED && now_ns > c->deadline_ns)
            client_fail(c, "deadline", "no request came");
        if (c->fd >= 0 && ((events & POLLOUT) != 0 || c->state == TAIL_FLUSH))
            client_flush(c);
        if (c->fd >= 0 && client_can_go_on(c, end)) {
            if (c->state == TAIL_LIST)
                client_list(f, c);
            else
                client_step(f, c, end);
        }
    }
    if (count > 0 && (fds[0].revents & POLLIN) != 0)
        accept_one(f, now_ns);
}
