/*
 * call --batch: calls in, one JSON line each; outcomes out, one JSON line each,
 * in the order in which they end. Up to BATCH_IN_FLIGHT at once on the one
 * connection.
 */
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "proto/base/ts_mem.h"
#include "proto/msg/code.h"
#include "shim/cli/commands.h"
#include "shim/cli/job.h"
#include "shim/cli/kept.h"
#include "shim/cli/lines.h"

#define BATCH_IN_FLIGHT 32
/* Kept of the output of one call; the rest is dropped and said so. */
#define OUTPUT_MAX ((size_t)1048576)

struct slot {
    bool used;
    uint64_t seq;
    size_t line;
    uint8_t call_id[16];
    json_t *id;    /* owned, or NULL */
    json_t *reply; /* owned, from the decision on */
    json_t *kept;  /* owned; NULL: the output was not kept back */
    struct ts_buf out, err;
    bool cut_out, cut_err;
};

struct batch {
    struct tipstaff *t; /* borrowed */
    struct term *term;  /* borrowed */
    struct lines lines;
    const struct options *options; /* borrowed */
    uint8_t *args;                 /* owned, TS_ARGS_MAX */
    size_t line;                   /* number of the last one read, from 1 */
    size_t flying;
    bool bad; /* a line could not be sent */
    struct slot slots[BATCH_IN_FLIGHT];
};

static json_t *text_of(struct tipstaff_str s)
{
    return json_stringn(s.ptr, s.len); /* NULL if it is not UTF-8 */
}

static void set(json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, value) != 0)
        term_say("tipstaff-shim: out of memory, field %s is missing", key);
}

static struct slot *slot_of(struct batch *b, uint64_t seq)
{
    for (size_t i = 0; i < BATCH_IN_FLIGHT; i++)
        if (b->slots[i].used && b->slots[i].seq == seq)
            return &b->slots[i];
    return NULL;
}

static struct slot *slot_free(struct batch *b)
{
    for (size_t i = 0; i < BATCH_IN_FLIGHT; i++)
        if (!b->slots[i].used)
            return &b->slots[i];
    return NULL;
}

static void slot_done(struct batch *b, struct slot *s)
{
    json_decref(s->id);
    json_decref(s->reply);
    json_decref(s->kept);
    ts_buf_done(&s->out);
    ts_buf_done(&s->err);
    s->used = false;
    b->flying--;
}

/* Text as it is, anything else in base64 under another name. */
static void add_output(json_t *reply, const char *key, const char *key_base64,
                       const struct ts_buf *b)
{
    const char *p = b->len > 0 ? (const char *)ts_buf_bytes(b) : "";
    size_t cap =
        sodium_base64_encoded_len(b->len, sodium_base64_VARIANT_ORIGINAL);
    json_t *text = json_stringn(p, b->len);
    char *coded;

    if (text != NULL) {
        set(reply, key, text);
        return;
    }
    coded = ts_mem_alloc(cap);
    if (coded != NULL)
        set(reply, key_base64,
            json_string(sodium_bin2base64(coded, cap, (const uint8_t *)p,
                                          b->len,
                                          sodium_base64_VARIANT_ORIGINAL)));
    else
        term_say("tipstaff-shim: out of memory, field %s is missing", key);
    ts_mem_free(coded);
}

static void on_decided(struct batch *b, struct slot *s,
                       const struct tipstaff_event *ev)
{
    char id[33];

    if (ev->waits)
        return; /* the answer is what comes of it */
    ts_hex_encode(id, ev->decision_id, sizeof(ev->decision_id));
    s->reply = json_object();
    set(s->reply, "verdict", json_string(job_verdict_name(ev->verdict)));
    set(s->reply, "code", text_of(ev->code));
    set(s->reply, "decision", json_string(id));
    set(s->reply, "text", text_of(ev->text));
    if (ev->verdict == TIPSTAFF_PERMIT)
        return;
    job_print(b->term, s->reply, s->id);
    s->reply = NULL;
    slot_done(b, s);
}

static void on_output(struct slot *s, const struct tipstaff_event *ev)
{
    struct ts_buf *to = ev->stream == 2 ? &s->err : &s->out;
    bool *cut = ev->stream == 2 ? &s->cut_err : &s->cut_out;
    size_t room = OUTPUT_MAX - to->len;
    size_t n = ev->data.len < room ? ev->data.len : room;

    if (ts_buf_append(to, ev->data.ptr, n) != TS_OK || n < ev->data.len)
        *cut = true;
}

static void on_ended(struct batch *b, struct slot *s,
                     const struct tipstaff_event *ev)
{
    const struct ts_str code = {.ptr = ev->code.ptr, .len = ev->code.len};

    if (s->reply == NULL) { /* over before it began, so without a decision */
        s->reply = json_object();
        set(s->reply, "verdict", json_string("permit"));
    }
    if (!ev->started)
        set(s->reply, "text",
            json_string(call_code_text(call_code_parse(code))));
    set(s->reply, "code", text_of(ev->code));
    set(s->reply, "reason", text_of(ev->reason));
    if (ev->started && ev->signal != 0)
        set(s->reply, "signal", json_integer(ev->signal));
    else if (ev->started)
        set(s->reply, "exit", json_integer(ev->exit_code));
    if (ev->ref.len > 0)
        set(s->reply, "ref", text_of(ev->ref));
    if (s->kept != NULL)
        set(s->reply, "kept", json_incref(s->kept));
    if (ev->recorded)
        set(s->reply, "recorded", json_true());
    if (ev->stdout_truncated || s->cut_out)
        set(s->reply, "stdout_truncated", json_true());
    if (ev->stderr_truncated || s->cut_err)
        set(s->reply, "stderr_truncated", json_true());
    add_output(s->reply, "stdout", "stdout_base64", &s->out);
    add_output(s->reply, "stderr", "stderr_base64", &s->err);
    job_print(b->term, s->reply, s->id);
    s->reply = NULL;
    slot_done(b, s);
}

static void on_event(struct batch *b, const struct tipstaff_event *ev)
{
    struct slot *s = slot_of(b, ev->seq);

    if (s == NULL)
        return; /* the library knows no such call either */
    switch (ev->kind) {
    case TIPSTAFF_DECIDED:
        on_decided(b, s, ev);
        return;
    case TIPSTAFF_OUTPUT:
        on_output(s, ev);
        return;
    case TIPSTAFF_KEPT:
        s->kept = kept_json(ev);
        if (s->kept == NULL)
            term_say("tipstaff-shim: out of memory, field kept is missing");
        return;
    case TIPSTAFF_ENDED:
        on_ended(b, s, ev);
        return;
    case TIPSTAFF_ROOM:
        return;
    }
}

static void line_bad(struct batch *b, const struct job *job, const char *text)
{
    b->bad = true;
    job_print_error(b->term, job->id, b->line, "usage", text);
}

static enum tipstaff_status line_submit(struct batch *b, struct ts_str line)
{
    char text[ARGUMENTS_TEXT_MAX] = "";
    struct slot *slot = slot_free(b);
    struct job job;
    enum tipstaff_status s;

    b->line++;
    if (job_parse(&job, line, b->options, b->args, text) != TS_OK) {
        line_bad(b, &job, text);
        job_done(&job);
        return TIPSTAFF_OK;
    }
    if (!job.call.retry)
        randombytes_buf(job.id16, sizeof(job.id16));
    job.call.id16 = job.id16;
    s = tipstaff_submit(b->t, &job.call, &slot->seq);
    if (s == TIPSTAFF_USAGE || s == TIPSTAFF_LIMIT) {
        line_bad(b, &job, tipstaff_message(b->t));
        s = TIPSTAFF_OK;
    } else if (s == TIPSTAFF_OK) {
        *slot = (struct slot){.used = true,
                              .seq = slot->seq,
                              .line = b->line,
                              .id = json_incref(job.id)};
        memcpy(slot->call_id, job.id16, sizeof(slot->call_id));
        ts_buf_init(&slot->out, OUTPUT_MAX);
        ts_buf_init(&slot->err, OUTPUT_MAX);
        b->flying++;
    }
    job_done(&job);
    return s;
}

/* What is in flight when the session is gone has an unknown outcome. */
static int batch_lost(struct batch *b, enum tipstaff_status s)
{
    char id[33];

    for (size_t i = 0; i < BATCH_IN_FLIGHT; i++) {
        if (!b->slots[i].used)
            continue;
        ts_hex_encode(id, b->slots[i].call_id, sizeof(b->slots[i].call_id));
        job_print(b->term,
                  json_pack("{s:I, s:s, s:s, s:s}", "line",
                            (json_int_t)b->slots[i].line, "error",
                            "unavailable", "retry_id", id, "text",
                            "the outcome of this call is unknown"),
                  b->slots[i].id);
        slot_done(b, &b->slots[i]);
    }
    return term_failed(s, tipstaff_message(b->t));
}

/* Reads, once, whatever is ready. False: interrupted. */
static bool batch_wait(struct batch *b)
{
    bool more = !b->lines.ended && b->flying < BATCH_IN_FLIGHT;
    struct pollfd fds[3] = {{.events = 0},
                            {.fd = b->term->sig_fd, .events = POLLIN},
                            {.fd = more ? STDIN_FILENO : -1, .events = POLLIN}};

    fds[0].fd = tipstaff_fd(b->t, &fds[0].events);
    if (poll(fds, 3, -1) > 0 && fds[1].revents != 0 &&
        term_take_signal(b->term))
        return false;
    if (fds[2].revents != 0 && lines_read(&b->lines) != TS_OK) {
        b->bad = true;
        b->lines.ended = true;
        term_say("tipstaff-shim: line %zu: unreadable, or over %zu bytes",
                 b->line + 1, LINES_MAX);
    }
    return true;
}

static int batch_end(const struct batch *b)
{
    if (b->term->signal != 0)
        return 128 + b->term->signal; /* closing kills what runs */
    if (b->term->broken)
        return 128 + 13;
    return b->bad ? TIPSTAFF_EXIT_USAGE : 0;
}

static int batch_loop(struct batch *b)
{
    struct tipstaff_event ev;
    struct ts_str line;
    enum tipstaff_status s;

    for (;;) {
        while (b->flying < BATCH_IN_FLIGHT && lines_next(&b->lines, &line)) {
            s = line_submit(b, line);
            if (s != TIPSTAFF_OK)
                return batch_lost(b, s);
        }
        if (b->term->signal != 0 || b->term->broken ||
            (b->flying == 0 && b->lines.ended))
            return batch_end(b);
        s = tipstaff_next(b->t, 0, &ev);
        if (s == TIPSTAFF_OK)
            on_event(b, &ev);
        else if (s != TIPSTAFF_AGAIN)
            return batch_lost(b, s);
        else if (!batch_wait(b))
            return batch_end(b);
    }
}

int command_batch(struct tipstaff *t, struct term *term,
                  const struct options *o)
{
    struct batch *b = ts_mem_alloc(sizeof(*b));
    int code;

    if (b == NULL)
        return term_failed(TIPSTAFF_NOMEM, "out of memory");
    b->t = t;
    b->term = term;
    b->options = o;
    b->args = ts_mem_alloc(TS_ARGS_MAX);
    lines_init(&b->lines);
    code = b->args != NULL ? batch_loop(b)
                           : term_failed(TIPSTAFF_NOMEM, "out of memory");
    for (size_t i = 0; i < BATCH_IN_FLIGHT; i++)
        if (b->slots[i].used)
            slot_done(b, &b->slots[i]);
    lines_done(&b->lines);
    ts_mem_free(b->args);
    ts_mem_free(b);
    return code;
}
