#include "sidecar/gate/running/pipes.h"

#include <errno.h>
#include <unistd.h>

#include <sodium.h>

#include "proto/base/ts_fd.h"
#include "proto/msg/client.h"
#include "sidecar/gate/running/kept.h"
#include "sidecar/gate/running/redact.h"
#include "sidecar/gate/task_in.h"

#define CREDIT_STEP 32768u /* bytes of stdin taken before the shim is told */

static void on_out(uv_poll_t *p, int status, int events);
static void on_stdin(uv_poll_t *p, int status, int events);

static void on_closed(uv_handle_t *h)
{
    run_handle_closed(h->data);
}

static void pipe_close(struct run_pipe *p)
{
    if (p->has_handle) {
        p->has_handle = false;
        p->watching = false;
        uv_close((uv_handle_t *)&p->poll, on_closed);
    }
    ts_fd_close(&p->fd);
}

static void pipe_watch(struct run *r, struct run_pipe *p, bool on, int events,
                       uv_poll_cb cb)
{
    if (!p->has_handle || p->watching == on)
        return;
    p->watching = on;
    if (!on)
        (void)uv_poll_stop(&p->poll); /* always 0 */
    else if (uv_poll_start(&p->poll, events, cb) != 0)
        gate_fail(r->gate, "uv_poll_start");
}

static bool agent_is_full(const struct run *r)
{
    return r->client != NULL && client_is_full(r->client);
}

static void watch_out(struct run *r)
{
    bool on = !agent_is_full(r);

    pipe_watch(r, &r->out[0], on, UV_READABLE, on_out);
    pipe_watch(r, &r->out[1], on, UV_READABLE, on_out);
}

static void pipe_adopt(struct run *r, struct run_pipe *p, int fd)
{
    p->fd = fd;
    if (uv_poll_init(&r->gate->loop, &p->poll, fd) != 0) {
        gate_fail(r->gate, "uv_poll_init of a tool's pipe");
        return;
    }
    p->poll.data = r;
    p->has_handle = true;
    r->handles++;
}

/* ---- stdin ------------------------------------------------------------- */

static void give_credit(struct run *r, size_t n)
{
    struct msg_window m = {.seq = r->seq};

    r->stdin_credit += n;
    if (r->client == NULL || r->stdin_eof || r->stdin_credit == 0 ||
        (r->stdin_credit < CREDIT_STEP && r->stdin_buf.len > 0))
        return;
    m.bytes = (uint32_t)r->stdin_credit;
    r->stdin_window += r->stdin_credit;
    r->stdin_credit = 0;
    client_sent(r->client, msg_window_send(&r->client->out, &m));
}

/* The tool will read no more: what the agent sends from now on is dropped. */
static void stdin_over(struct run *r)
{
    size_t held = r->stdin_buf.len;

    pipe_close(&r->stdin_pipe);
    ts_buf_done(&r->stdin_buf);
    if (held > 0)
        give_credit(r, held);
}

static void stdin_write(struct run *r)
{
    struct run_pipe *p = &r->stdin_pipe;
    ssize_t n;

    while (r->stdin_buf.len > 0) {
        n = write(p->fd, ts_buf_bytes(&r->stdin_buf), r->stdin_buf.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            break;
        if (n < 0) {
            stdin_over(r);
            return;
        }
        ts_buf_consume(&r->stdin_buf, (size_t)n);
        p->bytes += (uint64_t)n;
        give_credit(r, (size_t)n);
    }
    if (r->stdin_buf.len == 0 && r->stdin_eof)
        stdin_over(r);
    else
        pipe_watch(r, p, r->stdin_buf.len > 0, UV_WRITABLE, on_stdin);
}

static void on_stdin(uv_poll_t *p, int status, int events)
{
    struct run *r = p->data;

    (void)events;
    if (status < 0)
        stdin_over(r);
    else
        stdin_write(r);
}

ts_err runs_on_stdin(struct client *c, const struct frame *f)
{
    struct msg_stdin m;
    const char *what;
    struct run *r;
    ts_err e = msg_stdin_decode(f->body, f->len, &m, &what);

    if (e != TS_OK)
        return e;
    if (m.seq >= c->next_seq)
        return TS_E_STATE;
    r = run_by_seq(c, m.seq);
    if (r == NULL)
        return TS_OK; /* denied or ended while this was on its way */
    if (!r->has_stdin || r->stdin_eof || r->core.state == CALL_LAUNCHING ||
        r->core.state == CALL_STOPPING_EARLY)
        return TS_E_STATE; /* only after DECISION, never after eof */
    if (m.data.len > r->stdin_window)
        return TS_E_LIMIT; /* more than was allowed */
    r->stdin_window -= m.data.len;
    r->stdin_eof = m.eof;
    if (r->stdin_pipe.fd < 0) { /* the tool has closed it */
        give_credit(r, m.data.len);
        return TS_OK;
    }
    if (ts_buf_append(&r->stdin_buf, m.data.ptr, m.data.len) != TS_OK) {
        client_event(c, CONN_EV_FAULT);
        return TS_OK;
    }
    stdin_write(r);
    return TS_OK;
}

/* ---- stdout and stderr ------------------------------------------------- */

void run_pipes_hide(struct run *r)
{
    r->is_hidden = true;
    if (r->client != NULL)
        client_event(r->client, CONN_EV_FAULT);
}

/* Without secrets, and in messages of a size that is allowed. */
static void show(struct run *r, size_t which, struct ts_bytes b)
{
    if (run_kept_takes(r, which, b))
        return;
    while (b.len > 0 && r->client != NULL) {
        size_t n = b.len < TS_CHUNK_MAX ? b.len : TS_CHUNK_MAX;
        struct msg_output m = {.seq = r->seq,
                               .stream =
                                   which == 0 ? STREAM_STDOUT : STREAM_STDERR,
                               .data = {.ptr = b.ptr, .len = n}};

        task_in_shows(r, which, m.data);
        client_sent(r->client, msg_output_send(&r->client->out, &m));
        b.ptr += n;
        b.len -= n;
    }
}

/* The end of a stream. Of one that was cut off the rest stays hidden: it may
 * be the beginning of a secret. */
static void show_rest(struct run *r, size_t which)
{
    struct ts_bytes b;

    if (r->client == NULL || r->is_hidden || r->out[which].truncated)
        return;
    if (run_redact_end(r, which, &b) == TS_OK)
        show(r, which, b);
    else
        run_pipes_hide(r);
}

static void pass_on(struct run *r, size_t which, size_t n)
{
    struct run_pipe *p = &r->out[which];
    uint64_t before = r->out[0].bytes + r->out[1].bytes;
    uint64_t room = before < r->output_max ? r->output_max - before : 0;
    size_t seen = n < room ? n : (size_t)room;
    struct ts_bytes b;

    p->bytes += n;
    if (seen < n)
        p->truncated = true;
    if (seen > 0 && r->client != NULL && !r->is_hidden) {
        if (run_redact(r, which, r->gate->pipe_buf, seen, &b) == TS_OK)
            show(r, which, b);
        else
            run_pipes_hide(r);
    }
    if (r->tripwires != NULL) /* what a secret stood in lasts no longer */
        sodium_memzero(r->gate->pipe_buf, n);
    if (seen == n)
        return;
    if (r->output_kill || (before + n) / TS_DISCARD_FACTOR > r->output_max)
        run_event(r, CALL_EV_OUTPUT_CAP);
}

static void on_out(uv_poll_t *poll, int status, int events)
{
    struct run *r = poll->data;
    size_t which = poll == &r->out[0].poll ? 0 : 1;
    ssize_t n;

    (void)events;
    if (agent_is_full(r)) { /* a slow agent stalls the tool, not us */
        watch_out(r);
        return;
    }
    do {
        n = status < 0
                ? 0
                : read(r->out[which].fd, r->gate->pipe_buf, TS_CHUNK_MAX);
    } while (n < 0 && errno == EINTR);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0) {
        pipe_close(&r->out[which]);
        show_rest(r, which);
        run_event(r, which == 0 ? CALL_EV_STDOUT_EOF : CALL_EV_STDERR_EOF);
        return;
    }
    pass_on(r, which, (size_t)n);
    watch_out(r);
}

/* ---- life -------------------------------------------------------------- */

void run_pipes_open(struct run *r, int fds[3])
{
    if (r->has_stdin)
        pipe_adopt(r, &r->stdin_pipe, fds[0]);
    else
        ts_fd_close(&fds[0]); /* /dev/null, which cannot be polled */
    pipe_adopt(r, &r->out[0], fds[1]);
    pipe_adopt(r, &r->out[1], fds[2]);
    if (r->has_stdin && r->client != NULL)
        stdin_write(r);
    else
        stdin_over(r);
    watch_out(r);
}

void run_pipes_close(struct run *r)
{
    pipe_close(&r->stdin_pipe);
    pipe_close(&r->out[0]);
    pipe_close(&r->out[1]);
    if (r->has_drain) {
        r->has_drain = false;
        uv_close((uv_handle_t *)&r->drain, on_closed);
    }
}

static void on_drain(uv_timer_t *t)
{
    struct run *r = t->data;

    /* What the tool wrote before its end is still the agent's to have: the
     * bound counts only while the agent could take it. */
    if (agent_is_full(r)) {
        (void)uv_timer_start(t, on_drain, TS_PIPE_DRAIN_MS, 0);
        return;
    }
    for (size_t i = 0; i < 2; i++) {
        if (r->out[i].fd >= 0)
            show_rest(r, i);
    }
    run_event(r, CALL_EV_DRAIN_OVER);
}

void run_pipes_drain(struct run *r)
{
    pipe_close(&r->stdin_pipe);
    if (uv_timer_init(&r->gate->loop, &r->drain) != 0 ||
        uv_timer_start(&r->drain, on_drain, TS_PIPE_DRAIN_MS, 0) != 0) {
        gate_fail(r->gate, "uv_timer_start");
        return;
    }
    r->drain.data = r;
    r->has_drain = true;
    r->handles++;
}

void run_pipes_orphaned(struct run *r)
{
    stdin_over(r);
    watch_out(r);
}

void runs_resume_of(struct client *c)
{
    for (uint32_t i = c->run_count;
         i-- > 0;) { /* one that ends leaves the list */
        struct run *r = &c->gate->runs[c->runs[i]];

        watch_out(r);
        run_released(r);
    }
}
