#include "sidecar/hook/watcher.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "proto/msg/admin.h"
#include "proto/wire/frame.h"
#include "sidecar/common/clock.h"
#include "sidecar/common/log.h"
#include "sidecar/common/reap.h"
#include "sidecar/hook/document.h"
#include "sidecar/hook/run.h"
#include "sidecar/question/view.h"

#define READ_SIZE  65536u
#define REPORT_MS  1000u
#define SLEEP_MAX  60000u
#define NS_PER_MS  UINT64_C(1000000)
#define IN_BUFFER  (2u * TS_FRAME_MAX + READ_SIZE)
#define OUT_BUFFER 16384u

static uint64_t now_ms(void)
{
    struct clock_state c = {0};

    return clock_now(&c).boot_ns / NS_PER_MS;
}

/* ---- settings ------------------------------------------------------------ */

static struct ts_str word(struct watcher *w, size_t *at, struct ts_str s)
{
    struct ts_str copy = {w->words + *at, s.len};

    if (s.len > 0)
        memcpy(w->words + *at, s.ptr, s.len);
    w->words[*at + s.len] = '\0';
    *at += s.len + 1;
    return copy;
}

_Static_assert(WATCHER_SETTINGS >= CONTROL_HOOK_BYTES + 1 + CONTROL_HOOK_ARGS +
                                       CONTROL_HOOK_DIRS,
               "all words and their ends");

ts_err watcher_settings(struct watcher *w, const struct control_hook *h)
{
    size_t at = 0;

    w->how = *h; /* the decoder has seen to all limits */
    w->how.exec = word(w, &at, h->exec);
    for (uint32_t i = 0; i < h->arg_count; i++)
        w->how.args[i] = word(w, &at, h->args[i]);
    for (uint32_t i = 0; i < h->dir_count; i++)
        w->how.dirs[i] = word(w, &at, h->dirs[i]);
    return hook_queue_new(h->per_minute, now_ms(), &w->queue);
}

ts_err watcher_open(struct watcher *w)
{
    sigset_t set;

    ts_buf_init(&w->in, IN_BUFFER);
    ts_buf_init(&w->out, OUT_BUFFER);
    (void)snprintf(w->code, sizeof(w->code), "ok");
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGCHLD);
    if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0 ||
        sigprocmask(SIG_BLOCK, &set, NULL) != 0)
        return ts_err_from_errno(errno);
    w->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return w->signals < 0 ? ts_err_from_errno(errno) : TS_OK;
}

void watcher_done(struct watcher *w)
{
    hook_queue_free(w->queue);
    ts_buf_done(&w->in);
    ts_buf_done(&w->out);
    ts_fd_close(&w->signals);
}

/* ---- what came of a run ---------------------------------------------------
 */

static void failed(struct watcher *w, const char *code, const char *what,
                   int number)
{
    w->failed++;
    (void)snprintf(w->code, sizeof(w->code), "%s", code);
    if (what[0] == '\0')
        w->text[0] = '\0';
    else
        (void)snprintf(w->text, sizeof(w->text), "%s %d", what, number);
    w->report_due = true;
    log_event(LOG_WARN, "hook_failed code=%s text=\"%s\"", w->code, w->text);
}

static void take_outcome(struct watcher *w, int status)
{
    int number = 0;
    const char *code = run_outcome(status, &number);

    w->report_due = true;
    if (strcmp(code, "ok") == 0)
        return;
    if (strcmp(code, "timeout") == 0)
        failed(w, code, "ms:", (int)w->how.timeout_ms);
    else
        failed(w, code, number != 0 ? code : "", number);
}

/* Runners are our children, and so is what a runner that was killed has left:
 * that is ended here. */
static void reap(struct watcher *w)
{
    pid_t keep[CONTROL_HOOK_PARALLEL_MAX], pid;
    bool strays = false;
    size_t n = 0;
    int status;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        for (size_t i = 0; i < CONTROL_HOOK_PARALLEL_MAX; i++) {
            if (w->runs[i].runner != pid)
                continue;
            w->runs[i].runner = 0;
            strays = strays || WIFSIGNALED(status);
            take_outcome(w, status);
        }
    }
    strays = strays || pid == 0; /* some child lives */
    for (size_t i = 0; i < CONTROL_HOOK_PARALLEL_MAX; i++)
        if (w->runs[i].runner != 0)
            keep[n++] = w->runs[i].runner;
    if (strays)
        reap_strays(keep, n);
}

static void end_stuck(struct watcher *w, uint64_t now)
{
    for (size_t i = 0; i < CONTROL_HOOK_PARALLEL_MAX; i++)
        if (w->runs[i].runner != 0 && now >= w->runs[i].kill_at_ms)
            (void)kill(w->runs[i].runner, SIGKILL); /* ours, not reaped */
}

/* ---- starting --------------------------------------------------------------
 */

static struct watcher_run *free_run(struct watcher *w)
{
    for (uint32_t i = 0; i < w->how.parallel; i++)
        if (w->runs[i].runner == 0)
            return &w->runs[i];
    return NULL;
}

static void start(struct watcher *w, struct watcher_run *r,
                  const struct hook_job *j, uint64_t now)
{
    struct ts_buf out;
    ts_err e;

    ts_buf_init(&out, HOOK_DOCUMENT_MAX);
    w->ran++;
    w->report_due = true;
    e = hook_document(j, (uint64_t)time(NULL), &out);
    if (e == TS_OK)
        e = run_start(&w->how, (struct ts_bytes){ts_buf_bytes(&out), out.len},
                      &r->runner);
    if (e == TS_OK)
        r->kill_at_ms = now + w->how.timeout_ms + RUN_MORE_MS;
    else
        failed(w, e == TS_E_FORMAT ? "unreadable" : "not_started", "", 0);
    ts_buf_done(&out);
}

static void start_some(struct watcher *w, uint64_t now)
{
    struct watcher_run *r;
    struct hook_job j;

    while ((r = free_run(w)) != NULL && hook_queue_next(w->queue, now, &j)) {
        start(w, r, &j, now);
        hook_job_done(&j);
    }
}

/* ---- the gate --------------------------------------------------------------
 */

static ts_err take_ticket(struct watcher *w, const struct frame *f)
{
    struct approval_view v;
    struct admin_ticket m;
    const char *what;
    ts_err e = admin_ticket_decode(f->body, f->len, &m, &what);

    if (e != TS_OK)
        return e;
    if (m.stage == TICKET_STAGE_GRANTED)
        return TS_OK; /* nobody is asked any more */
    if (!approval_view_read(m.object, &v, &what)) {
        failed(w, "unreadable", "", 0);
        w->ran++;
        return TS_OK;
    }
    return hook_queue_ask(w->queue, v.ticket.tenant, v.ticket.decision_id,
                          m.object);
}

static ts_err take_frame(struct watcher *w, const struct frame *f)
{
    struct admin_ticket_news news;
    const char *what;
    ts_err e;

    if (f->type == ADMIN_TICKET)
        return take_ticket(w, f);
    if (f->type == ADMIN_TICKETS_END)
        return TS_OK;
    if (f->type != ADMIN_TICKET_NEWS)
        return TS_E_FORMAT;
    e = admin_ticket_news_decode(f->body, f->len, &news, &what);
    if (e == TS_OK)
        hook_queue_news(w->queue, &news);
    return e;
}

static ts_err take_frames(struct watcher *w)
{
    for (;;) {
        struct frame f;
        size_t used;
        ts_err e = frame_parse(ts_buf_bytes(&w->in), w->in.len, TS_FRAME_MAX,
                               &f, &used);

        if (e == TS_E_TRUNCATED)
            return TS_OK;
        if (e == TS_OK)
            e = take_frame(w, &f);
        if (e != TS_OK && e != TS_E_NOMEM)
            return e;
        ts_buf_consume(&w->in, used);
    }
}

static ts_err hear(struct watcher *w)
{
    uint8_t *to;
    ssize_t n;
    ts_err e = ts_buf_reserve(&w->in, READ_SIZE, &to);

    if (e != TS_OK)
        return e;
    do {
        n = recv(w->channel, to, READ_SIZE, MSG_DONTWAIT);
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno == EAGAIN ? TS_OK : ts_err_from_errno(errno);
    if (n == 0)
        return TS_E_CLOSED;
    ts_buf_grew(&w->in, (size_t)n);
    return take_frames(w);
}

static void send_out(struct watcher *w)
{
    while (w->out.len > 0) {
        ssize_t n = send(w->channel, ts_buf_bytes(&w->out), w->out.len,
                         MSG_DONTWAIT | MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return; /* full: later; closed: heard elsewhere */
        ts_buf_consume(&w->out, (size_t)n);
    }
}

static void report(struct watcher *w, uint64_t now)
{
    struct admin_hook m = {.ran = w->ran,
                           .failed = w->failed,
                           .left_out = hook_queue_left_out(w->queue),
                           .code = ts_str_of(w->code),
                           .text = ts_str_of(w->text)};

    if (m.left_out > w->left_out_told && m.failed == 0)
        m.code = TS_STR_LIT("left_out");
    if ((!w->report_due && m.left_out == w->left_out_told) ||
        now - w->reported_ms < REPORT_MS || w->out.len > 0)
        return;
    if (admin_hook_send(&w->out, &m) != TS_OK)
        return;
    w->report_due = false;
    w->left_out_told = m.left_out;
    w->reported_ms = now;
    send_out(w);
}

/* ---- the loop ---------------------------------------------------------------
 */

static int sleep_ms(struct watcher *w, uint64_t now)
{
    uint64_t until = now + SLEEP_MAX, due = hook_queue_due(w->queue, now);

    if (free_run(w) != NULL && due < until)
        until = due;
    if (w->report_due || hook_queue_left_out(w->queue) != w->left_out_told) {
        due = w->reported_ms + REPORT_MS;
        until = due < until ? due : until;
    }
    for (size_t i = 0; i < CONTROL_HOOK_PARALLEL_MAX; i++)
        if (w->runs[i].runner != 0 && w->runs[i].kill_at_ms < until)
            until = w->runs[i].kill_at_ms;
    return until <= now ? 1 : (int)(until - now);
}

static void forget_signals(struct watcher *w)
{
    struct signalfd_siginfo info;

    while (read(w->signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
        continue; /* reap() looks at all children */
}

void watcher_serve(struct watcher *w)
{
    for (;;) {
        uint64_t now = now_ms();
        struct pollfd p[] = {
            {.fd = w->control, .events = 0},
            {.fd = w->channel,
             .events = (short)(POLLIN | (w->out.len > 0 ? POLLOUT : 0))},
            {.fd = w->signals, .events = POLLIN}};

        forget_signals(w);
        reap(w);
        end_stuck(w, now);
        start_some(w, now);
        report(w, now);
        send_out(w);
        if (poll(p, 3, sleep_ms(w, now)) < 0 && errno != EINTR)
            return;
        if ((p[0].revents & (POLLHUP | POLLERR | POLLNVAL)) != 0)
            return;
        if (p[1].revents != 0 && hear(w) != TS_OK)
            return;
    }
}
