/*
 * One call in the foreground: the tool's output as it comes, our standard input
 * to the tool if asked for, Ctrl-C to CANCEL. While our own output does not
 * move, the socket is not read, and the tool waits.
 */
#include <errno.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "proto/base/ts_mem.h"
#include "proto/msg/code.h"
#include "shim/cli/arguments.h"
#include "shim/cli/commands.h"
#include "shim/cli/kept.h"
#include "shim/cli/tty_text.h"
#include "shim/cli/waiting.h"
#include "shim/link.h"

#define INPUT_SIZE ((size_t)TS_CHUNK_MAX)
/* How long a cancelled call may take to end before we leave. */
#define CANCEL_MS 5000
#define TTY_PIECE 1024 /* bytes made harmless at a time */

struct run {
    struct tipstaff *t; /* borrowed */
    struct term *term;  /* borrowed */
    uint64_t seq;
    const struct options *options; /* borrowed */
    int64_t deadline; /* for the decision, later for the end of a cancel */
    struct waiting waiting;
    bool permitted;
    bool cancelled;
    bool input; /* more of our standard input is to be sent */
    bool input_ended;
    uint8_t *in;          /* owned, INPUT_SIZE */
    size_t in_at, in_len; /* read and not yet taken */
    uint8_t decision_id[16];
    uint8_t id[16]; /* of the call, for a retry */
    int exit;       /* -1 while the call runs */
    bool is_tty[2]; /* stdout and stderr */
    struct tty_text text[2];
};

static int cancelled_exit(const struct run *r)
{
    if (r->term->signal != 0)
        return 128 + r->term->signal;
    return 128 + 13; /* SIGPIPE: nobody reads our output */
}

static void on_ended(struct run *r, const struct tipstaff_event *ev)
{
    static const struct tipstaff_str stopped = {
        .ptr = "the tool was ended before it was done", .len = 37};
    const uint8_t *id = r->permitted ? r->decision_id : NULL;
    struct ts_str code = {.ptr = ev->code.ptr, .len = ev->code.len};
    const char *text;

    waiting_end(&r->waiting);
    if (r->options->events)
        event_ended(ev, id);
    if (!ev->started) {
        r->exit = TIPSTAFF_EXIT_REFUSED;
        if (r->options->events)
            return;
        text = call_code_text(call_code_parse(code));
        term_verdict("REFUSED", ev->code, id,
                     (struct tipstaff_str){.ptr = text, .len = strlen(text)});
        return;
    }
    if (ev->recorded && ev->kept && ev->ref.len > 0)
        term_say("tipstaff-shim: this is the recorded outcome of an earlier "
                 "call; its output was kept back as $ref:%.*s",
                 (int)ev->ref.len, ev->ref.ptr);
    else if (ev->recorded)
        term_say("tipstaff-shim: this is the recorded outcome of an earlier "
                 "call; its output is not kept");
    if (ev->stdout_truncated || ev->stderr_truncated)
        term_say("tipstaff-shim: the output was cut at the tool's limit");
    r->exit = ev->signal != 0 ? 128 + (int)ev->signal : (int)ev->exit_code;
    if (ev->reason.len == 6 && memcmp(ev->reason.ptr, "exited", 6) == 0)
        return;
    if (!r->options->events)
        term_verdict("STOPPED", ev->reason, id, stopped);
    if (r->exit == 0)
        r->exit = 128 + 9; /* whatever it said last: it was not let finish */
}

/* People were asked, and the call is held for them. */
static void on_waiting(struct run *r, const struct tipstaff_event *ev)
{
    const struct options *o = r->options;

    if (!r->cancelled)
        r->deadline = link_deadline((int)o->hold_ms + o->timeout_ms);
    if (o->events)
        event_waiting(ev, o->hold_ms);
    else
        waiting_begin(&r->waiting, ev, o->hold_ms, r->is_tty[1]);
}

static void on_decided(struct run *r, const struct tipstaff_event *ev)
{
    memcpy(r->decision_id, ev->decision_id, sizeof(r->decision_id));
    if (ev->waits) {
        on_waiting(r, ev);
        return;
    }
    waiting_end(&r->waiting);
    if (r->options->events)
        event_decided(ev);
    r->permitted = ev->verdict == TIPSTAFF_PERMIT;
    if (r->permitted) {
        if (!r->cancelled)
            r->deadline = LINK_FOREVER; /* the sidecar ends tools in time */
        return;
    }
    r->exit = ev->verdict == TIPSTAFF_PENDING ? TIPSTAFF_EXIT_PENDING
                                              : TIPSTAFF_EXIT_DENIED;
    if (!r->options->events)
        term_verdict(ev->verdict == TIPSTAFF_PENDING ? "PENDING" : "DENIED",
                     ev->code, ev->decision_id, ev->text);
}

/* As it is, but for a terminal, which would obey it. */
static void show(struct run *r, const struct tipstaff_event *ev)
{
    size_t i = ev->stream == 2 ? 1 : 0, at = 0;
    int fd = i == 1 ? STDERR_FILENO : STDOUT_FILENO;
    char safe[TTY_TEXT_ROOM(TTY_PIECE)];

    if (!r->is_tty[i]) {
        term_write(r->term, fd, ev->data.ptr, ev->data.len);
        return;
    }
    while (at < ev->data.len) {
        size_t n =
            ev->data.len - at < TTY_PIECE ? ev->data.len - at : TTY_PIECE;
        const uint8_t *p = (const uint8_t *)ev->data.ptr + at;

        term_write(r->term, fd, safe, tty_text(&r->text[i], p, n, safe));
        at += n;
    }
}

static void show_rest(struct run *r)
{
    char safe[TTY_TEXT_ROOM(0)];

    for (size_t i = 0; i < 2; i++) {
        size_t n = tty_text_end(&r->text[i], safe);

        term_write(r->term, i == 1 ? STDERR_FILENO : STDOUT_FILENO, safe, n);
    }
}

static void on_event(struct run *r, const struct tipstaff_event *ev)
{
    switch (ev->kind) {
    case TIPSTAFF_DECIDED:
        on_decided(r, ev);
        return;
    case TIPSTAFF_OUTPUT:
        show(r, ev);
        return;
    case TIPSTAFF_KEPT:
        kept_print(r->term, ev);
        if (r->options->events)
            event_kept(ev);
        return;
    case TIPSTAFF_ENDED:
        show_rest(r);
        on_ended(r, ev);
        return;
    case TIPSTAFF_ROOM:
        return; /* input_send() tries again anyway */
    }
}

/* A signal, or nobody to write to: ask for the end, once. */
static enum tipstaff_status cancel_if_due(struct run *r)
{
    if (r->cancelled || (r->term->signal == 0 && !r->term->broken))
        return TIPSTAFF_OK;
    r->cancelled = true;
    r->input = false;
    r->deadline = link_deadline(CANCEL_MS);
    return tipstaff_cancel(r->t, r->seq);
}

static enum tipstaff_status input_send(struct run *r)
{
    size_t taken = 0;
    enum tipstaff_status s;

    if (!r->input || !r->permitted || (r->in_len == 0 && !r->input_ended))
        return TIPSTAFF_OK;
    s = tipstaff_stdin(r->t, r->seq, r->in + r->in_at, r->in_len,
                       r->input_ended, &taken);
    if (s != TIPSTAFF_OK)
        return s;
    r->in_at += taken;
    r->in_len -= taken;
    if (r->in_len == 0 && r->input_ended)
        r->input = false; /* eof went with the last bytes */
    return TIPSTAFF_OK;
}

static void input_read(struct run *r)
{
    ssize_t n = read(STDIN_FILENO, r->in, INPUT_SIZE);

    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (n < 0)
        term_say("tipstaff-shim: standard input: %s", strerror(errno));
    r->in_at = 0;
    r->in_len = n > 0 ? (size_t)n : 0;
    r->input_ended = n <= 0;
}

static bool wants_input(const struct run *r)
{
    return r->input && r->permitted && r->in_len == 0 && !r->input_ended;
}

/* Sleeps until something can go on. False when the deadline has passed. */
static bool run_wait(struct run *r)
{
    int64_t left =
        r->deadline == LINK_FOREVER ? -1 : r->deadline - link_deadline(0);
    struct pollfd fds[3] = {
        {.events = 0},
        {.fd = r->term->sig_fd, .events = POLLIN},
        {.fd = wants_input(r) ? STDIN_FILENO : -1, .events = POLLIN}};
    int n;

    if (r->deadline != LINK_FOREVER && left <= 0)
        return false;
    fds[0].fd = tipstaff_fd(r->t, &fds[0].events);
    n = poll(fds, 3, waiting_sleep_ms(&r->waiting, (int)left));
    waiting_tick(&r->waiting);
    if (n > 0 && fds[1].revents != 0 && term_take_signal(r->term) &&
        r->cancelled)
        return false; /* a second Ctrl-C does not wait */
    if (n > 0 && fds[2].revents != 0)
        input_read(r);
    return true;
}

/* The session is gone and the call was sent. */
static int lost(const struct run *r, enum tipstaff_status s, const char *why)
{
    int code = term_failed(s, why);
    char id[33];

    ts_hex_encode(id, r->id, sizeof(r->id));
    term_say("tipstaff-shim: the same call with --retry-id %s tells its "
             "outcome and does not run it again, unless the sidecar was "
             "restarted meanwhile",
             id);
    return code;
}

static int timed_out(const struct run *r)
{
    if (r->cancelled) {
        term_say("tipstaff-shim: left before the call ended; the sidecar ends "
                 "it, its outcome is unknown");
        return cancelled_exit(r);
    }
    return lost(r, TIPSTAFF_LOST,
                "the sidecar did not decide in time; the outcome of the call "
                "in flight is unknown");
}

static int run_loop(struct run *r)
{
    struct tipstaff_event ev;
    enum tipstaff_status s = TIPSTAFF_OK;

    while (r->exit < 0) {
        s = cancel_if_due(r);
        if (s == TIPSTAFF_OK)
            s = input_send(r);
        if (s == TIPSTAFF_OK)
            s = tipstaff_next(r->t, 0, &ev);
        if (s == TIPSTAFF_OK)
            on_event(r, &ev);
        else if (s != TIPSTAFF_AGAIN || !run_wait(r))
            break;
    }
    waiting_end(&r->waiting);
    if (r->exit < 0)
        return s != TIPSTAFF_AGAIN ? lost(r, s, tipstaff_message(r->t))
                                   : timed_out(r);
    return r->cancelled || r->term->signal != 0 || r->term->broken
               ? cancelled_exit(r)
               : r->exit;
}

static int run_with(struct run *r, const struct options *o, uint8_t *args)
{
    struct tipstaff_call call = {.tool = o->tool,
                                 .args_msgpack = args,
                                 .deadline_ms = o->deadline_ms,
                                 .hold_ms = o->hold_ms,
                                 .keep = o->keep,
                                 .inline_max = o->inline_max,
                                 .traceparent = o->traceparent,
                                 .provenance = o->provenance,
                                 .provenance_count = o->provenance_count,
                                 .has_stdin = o->input,
                                 .id16 = r->id,
                                 .retry = o->retry};
    char text[ARGUMENTS_TEXT_MAX];
    enum tipstaff_status s;

    if (arguments_from_options(o, args, &call.args_msgpack_len, text) != TS_OK)
        return term_failed(TIPSTAFF_USAGE, text);
    if (o->retry)
        memcpy(r->id, o->retry_id, sizeof(r->id));
    else
        randombytes_buf(r->id, sizeof(r->id));
    s = tipstaff_submit(r->t, &call, &r->seq);
    if (s != TIPSTAFF_OK)
        return term_failed(s, tipstaff_message(r->t));
    r->deadline = link_deadline(o->timeout_ms);
    return run_loop(r);
}

int command_call(struct tipstaff *t, struct term *term, const struct options *o)
{
    struct run r = {
        .t = t,
        .term = term,
        .options = o,
        .input = o->input,
        .exit = -1,
        .is_tty = {isatty(STDOUT_FILENO) == 1, isatty(STDERR_FILENO) == 1}};
    uint8_t *args = ts_mem_alloc(TS_ARGS_MAX);
    int code = TIPSTAFF_EXIT_UNAVAILABLE;

    if (o->input)
        r.in = ts_mem_alloc(INPUT_SIZE);
    if (args == NULL || (o->input && r.in == NULL))
        code = term_failed(TIPSTAFF_NOMEM, "out of memory");
    else
        code = run_with(&r, o, args);
    ts_mem_free(args);
    ts_mem_free(r.in);
    return code;
}
