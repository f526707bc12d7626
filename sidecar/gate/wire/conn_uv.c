#include "sidecar/gate/wire/conn_uv.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "proto/base/ts_mem.h"
#include "proto/msg/client.h"
#include "proto/wire/frame.h"
#include "sidecar/common/log.h"
#include "sidecar/gate/asking/approvals.h"
#include "sidecar/gate/decide/decide.h"
#include "sidecar/gate/revocation/revoke.h"
#include "sidecar/gate/running/running.h"
#include "sidecar/gate/session.h"
#include "sidecar/gate/task_in.h"
#include "sidecar/gate/wire/peer_recv.h"

#define IN_MAX (TS_FRAME_HEAD + TS_FRAME_MAX + GATE_READ_MAX)

static void client_free(struct client *c)
{
    struct gate *g = c->gate;

    if (c->prev != NULL)
        c->prev->next = c->next;
    else
        g->clients = c->next;
    if (c->next != NULL)
        c->next->prev = c->prev;
    g->client_count--;
    if (c->counted)
        peers_leave(&g->peers, c->uid);
    ts_fd_close(&c->fd);
    ts_fd_close(&c->pidfd);
    ts_buf_done(&c->in);
    ts_buf_done(&c->out);
    ts_buf_done(&c->check.answer);
    if (c->authority != NULL)
        authority_free(c->authority);
    if (c->ids != NULL)
        grant_calls_close(c->ids);
    task_in_close(c);
    ts_mem_free(c);
    gate_stop_when_idle(g);
}

static void on_closed(uv_handle_t *h)
{
    struct client *c = h->data;

    if (--c->handles == 0)
        client_free(c); /* the only place */
}

static void list_drop(struct client **head, struct client *c, bool dirty)
{
    while (*head != NULL && *head != c)
        head = dirty ? &(*head)->next_dirty : &(*head)->next_stalled;
    if (*head == c)
        *head = dirty ? c->next_dirty : c->next_stalled;
}

static void begin_close(struct client *c)
{
    if (uv_is_closing((uv_handle_t *)&c->sock))
        return;
    held_detach(c);
    runs_detach(c, c->core.reason);
    revoke_client_gone(c->gate, c);
    if (c->is_dirty)
        list_drop(&c->gate->dirty, c, true);
    if (c->is_stalled)
        list_drop(&c->gate->stalled, c, false);
    c->is_dirty = false;
    c->is_stalled = false;
    uv_close((uv_handle_t *)&c->sock, on_closed);
    if (c->pidfd >= 0)
        uv_close((uv_handle_t *)&c->peer, on_closed);
}

/* One attempt: a peer that does not read is not waited for. */
static ts_err send_some(struct client *c)
{
    while (c->out.len > 0) {
        ssize_t n = send(c->fd, ts_buf_bytes(&c->out), c->out.len,
                         MSG_DONTWAIT | MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return ts_err_from_errno(errno);
        ts_buf_consume(&c->out, (size_t)n);
        c->progress_ns = gate_now(c->gate).boot_ns;
    }
    return TS_OK;
}

static void refuse(struct client *c)
{
    struct msg_error m = {
        .code = ts_str_of(call_code_name(c->core.code)),
        .text = ts_str_of(call_code_text(c->core.code)),
    };

    if (msg_error_send(&c->out, &m) == TS_OK)
        (void)send_some(c); /* it closes either way */
    begin_close(c);
}

static void on_socket(uv_poll_t *p, int status, int events);

static void watch(struct client *c)
{
    int want = 0;

    if (uv_is_closing((uv_handle_t *)&c->sock))
        return;
    if (conn_reads(&c->core) && !c->is_stalled && !client_is_full(c))
        want |= UV_READABLE;
    /* What waits for this turn's send is not waited for in the kernel: to ask
     * and to take it back would be three system calls for every answer. */
    if (c->out.len > 0 && !c->is_dirty)
        want |= UV_WRITABLE;
    /* A peer that hangs up is noticed even while nothing is read. */
    if (want == 0)
        want = UV_DISCONNECT;
    if (want == c->watching)
        return;
    c->watching = want;
    if (uv_poll_start(&c->sock, want, on_socket) != 0)
        gate_fail(c->gate, "uv_poll_start");
}

void client_event(struct client *c, enum conn_event ev)
{
    enum conn_state before = c->core.state;
    enum conn_effect effect = conn_step(&c->core, ev);

    if (before != c->core.state)
        c->state_ns = gate_now(c->gate).boot_ns;
    switch (effect) {
    case CONN_DO_HELLO:
        session_hello(c);
        break;
    case CONN_DO_DRAIN:
        held_let_go(c, c->core.reason);
        runs_kill_of(c, c->core.reason);
        client_sent(c, TS_OK); /* this turn's end looks whether it is empty */
        break;
    case CONN_DO_REFUSE:
        refuse(c);
        break;
    case CONN_DO_CLOSE:
        begin_close(c);
        break;
    case CONN_DO_NOTHING:
    case CONN_DO_WELCOME: /* session.c sends it itself, behind AUTH_OK */
    case CONN_DO_VERIFY:  /* effects of frames: session_frame() */
    case CONN_DO_ECHO:
    case CONN_DO_CALL:
    case CONN_DO_CHECK:
    case CONN_DO_STDIN:
    case CONN_DO_CANCEL:
    case CONN_DO_TOOLS:
    case CONN_DO_TASK_END:
    case CONN_DO_REVOKE:
    case CONN_DO_ORIGIN:
        break;
    }
    watch(c);
}

void client_closes(struct client *c)
{
    begin_close(c);
}

void client_sent(struct client *c, ts_err e)
{
    if (e != TS_OK) {
        client_event(c, CONN_EV_FAULT);
        return;
    }
    if (c->is_dirty || uv_is_closing((uv_handle_t *)&c->sock))
        return;
    c->is_dirty = true;
    c->next_dirty = c->gate->dirty;
    c->gate->dirty = c;
}

bool client_is_full(const struct client *c)
{
    return c->out.len > TS_OUT_HIGH_WATER;
}

static void check_empty(struct client *c)
{
    if (c->core.state == CONN_DRAINING && c->run_count == 0 && c->out.len == 0)
        client_event(c, CONN_EV_EMPTY);
    else if (c->core.state == CONN_READY && c->gate->draining &&
             c->run_count == 0)
        client_event(c, CONN_EV_STOP);
}

static void stall(struct client *c)
{
    if (!c->is_stalled) {
        c->is_stalled = true;
        c->next_stalled = c->gate->stalled;
        c->gate->stalled = c;
    }
    gate_retry_soon(c->gate);
}

/* Handles every whole frame at the front of the bytes; *ret_used of them are
 * done with. Stops early when the connection closes or must wait. */
static void frames(struct client *c, const uint8_t *buf, size_t len,
                   size_t *ret_used)
{
    size_t used = 0;

    while (conn_reads(&c->core) && used < len) {
        size_t max = c->core.state == CONN_READY ? (size_t)TS_FRAME_MAX
                                                 : (size_t)TS_FRAME_PREAUTH;
        struct frame f;
        size_t n;
        ts_err e;

        if (client_is_full(c))
            break; /* flush_one() takes it up again */
        e = frame_parse(buf + used, len - used, max, &f, &n);
        if (e == TS_E_TRUNCATED)
            break;
        if (e == TS_OK)
            e = session_frame(c, &f);
        if (e == TS_E_AGAIN) {
            stall(c);
            break;
        }
        if (e == TS_E_NOMEM) { /* nothing is wrong with the frame */
            client_event(c, CONN_EV_FAULT);
            break;
        }
        if (e != TS_OK) {
            c->gate->stats.frames_bad++;
            client_event(c, CONN_EV_BAD_FRAME);
            break;
        }
        used += n;
    }
    *ret_used = used;
}

/* Bytes that came while nothing was held over are parsed where they were read;
 * only what is left of them is copied. */
static void take(struct client *c, const uint8_t *buf, size_t len)
{
    size_t used;

    frames(c, buf, len, &used);
    if (c->core.state != CONN_CLOSING &&
        ts_buf_append(&c->in, buf + used, len - used) != TS_OK)
        client_event(c, CONN_EV_FAULT);
}

/* A big frame is rare; its memory is not kept for the life of a connection. */
static void trim(struct ts_buf *b)
{
    if (b->len == 0 && b->cap > GATE_READ_MAX)
        ts_buf_done(b);
}

static void take_held(struct client *c)
{
    size_t used;

    if (c->in.len == 0)
        return;
    frames(c, ts_buf_bytes(&c->in), c->in.len, &used);
    ts_buf_consume(&c->in, used);
    trim(&c->in);
}

static void flush_one(struct client *c)
{
    ts_err e = send_some(c);

    if (e != TS_OK && e != TS_E_AGAIN) {
        client_event(c, CONN_EV_EOF);
        return;
    }
    trim(&c->out);
    if (!client_is_full(c)) {
        runs_resume_of(c);
        if (!c->is_stalled)
            take_held(c);
    }
    check_empty(c);
    watch(c);
}

void clients_flush(struct gate *g)
{
    while (g->dirty != NULL) {
        struct client *c = g->dirty;

        g->dirty = c->next_dirty;
        c->is_dirty = false;
        flush_one(c);
    }
}

static void read_some(struct client *c)
{
    uint8_t *buf = c->gate->read_buf;
    size_t n;
    ts_err e;

    if (c->in.len > 0 && ts_buf_reserve(&c->in, GATE_READ_MAX, &buf) != TS_OK) {
        client_event(c, CONN_EV_FAULT);
        return;
    }
    e = peer_recv(c->fd, c->uid, buf, GATE_READ_MAX, &n);
    if (e == TS_E_AGAIN)
        return;
    if (e != TS_OK) {
        if (e == TS_E_DENIED)
            log_event(LOG_WARN, "foreign_message uid=%u", c->uid);
        client_event(c, e == TS_E_DENIED ? CONN_EV_FOREIGN : CONN_EV_EOF);
        return;
    }
    if (c->in.len > 0) {
        ts_buf_grew(&c->in, n);
        take_held(c);
    } else {
        take(c, buf, n);
    }
}

static void on_socket(uv_poll_t *p, int status, int events)
{
    struct client *c = p->data;

    if (status < 0 || (events & UV_DISCONNECT) != 0) {
        client_event(c, CONN_EV_EOF);
        return;
    }
    if ((events & UV_WRITABLE) != 0)
        flush_one(c);
    if ((events & UV_READABLE) != 0 && conn_reads(&c->core) && !c->is_stalled)
        read_some(c);
    watch(c);
}

static void on_peer_exit(uv_poll_t *p, int status, int events)
{
    (void)status;
    (void)events;
    client_event(p->data, CONN_EV_PEER_EXITED);
}

void clients_retry(struct gate *g)
{
    struct client *list = g->stalled;

    g->stalled = NULL;
    g->verified_this_turn = 0;
    while (list != NULL) {
        struct client *c = list;

        list = c->next_stalled;
        c->is_stalled = false;
        take_held(c);
        watch(c);
    }
}

static bool waited(const struct client *c, uint64_t now_ns, uint64_t ms)
{
    return now_ns - c->state_ns >= ms * 1000000u;
}

static void sweep_one(struct client *c, uint64_t now_ns)
{
    switch (c->core.state) {
    case CONN_HELLO_SENT:
    case CONN_VERIFYING:
        if (waited(c, now_ns, TS_HANDSHAKE_MS))
            client_event(c, CONN_EV_TIMEOUT);
        break;
    case CONN_READY:
        if (now_ns >= c->expires_ns)
            client_event(c, CONN_EV_EXPIRED);
        else if (c->run_count + c->held_count == 0 &&
                 waited(c, now_ns, TS_IDLE_MS))
            client_event(c, CONN_EV_TIMEOUT);
        break;
    case CONN_ACCEPTED:
    case CONN_DRAINING:
    case CONN_CLOSING:
    case CONN_STATE_COUNT_:
        break;
    }
    if (c->out.len > 0 &&
        now_ns - c->progress_ns >= TS_WRITE_STALL_MS * UINT64_C(1000000))
        client_event(c, CONN_EV_TIMEOUT);
}

void clients_sweep(struct gate *g)
{
    uint64_t now_ns = gate_now(g).boot_ns;

    /* Nothing is freed inside: that happens in close callbacks only. */
    for (struct client *c = g->clients; c != NULL; c = c->next)
        sweep_one(c, now_ns);
}

static ts_err start_watching(struct client *c)
{
    struct gate *g = c->gate;

    if (uv_poll_init(&g->loop, &c->sock, c->fd) != 0)
        return TS_E_SYSTEM;
    c->handles++;
    c->sock.data = c;
    if (c->pidfd < 0)
        return TS_OK;
    if (uv_poll_init(&g->loop, &c->peer, c->pidfd) != 0) {
        ts_fd_close(&c->pidfd); /* no handle to close for it later */
        return TS_E_SYSTEM;
    }
    c->handles++;
    c->peer.data = c;
    if (uv_poll_start(&c->peer, UV_READABLE, on_peer_exit) != 0)
        return TS_E_SYSTEM;
    return TS_OK;
}

ts_err client_new(struct gate *g, int fd, int pidfd, uint32_t uid, uint32_t gid,
                  uint32_t pid, struct client **ret)
{
    struct client *c = ts_mem_alloc(sizeof(*c));
    ts_err e;

    if (c == NULL) {
        ts_fd_close(&fd);
        ts_fd_close(&pidfd);
        return TS_E_NOMEM;
    }
    c->gate = g;
    c->fd = fd;
    c->pidfd = pidfd;
    c->uid = uid;
    c->gid = gid;
    c->pid = pid;
    c->next_seq = 1;
    c->state_ns = gate_now(g).boot_ns;
    c->progress_ns = c->state_ns;
    ts_buf_init(&c->in, IN_MAX);
    ts_buf_init(&c->out, TS_OUT_QUEUE_MAX);
    ts_buf_init(&c->check.answer, TS_FRAME_MAX);
    c->next = g->clients;
    if (c->next != NULL)
        c->next->prev = c;
    g->clients = c;
    g->client_count++;
    e = start_watching(c);
    if (e != TS_OK) {
        if (c->handles > 0)
            client_event(c, CONN_EV_FAULT);
        else
            client_free(c);
        return e;
    }
    *ret = c;
    return TS_OK;
}
