/* Questions with one answer each: CHECK, TOOLS, PING. */
#include <sodium.h>
#include <string.h>

#include "proto/wire/mp_read.h"
#include "proto/wire/mp_write.h"
#include "shim/session.h"

/* Bytes of items in one CHECK, below every frame limit with room for the
 * rest: labels, head. */
#define ITEMS_ROOM ((size_t)4096)
#define HEAD_ROOM  ((size_t)3) /* an array head for up to TS_CHECK_MAX */

enum tipstaff_status session_pong(struct tipstaff *t, const struct frame *f)
{
    struct msg_ping m;
    const char *what = "";
    size_t before = t->link.out.len;

    if (msg_ping_decode(f->body, f->len, &m, &what) != TS_OK)
        return session_protocol(t, "PING", what);
    return session_queued(t, before, msg_ping_send(&t->link.out, &m));
}

enum tipstaff_status session_expect(struct tipstaff *t, enum client_type want,
                                    int timeout_ms, struct frame *ret)
{
    int64_t deadline = link_deadline(timeout_ms);
    enum tipstaff_status s;
    ts_err e;

    for (;;) {
        e = link_recv(&t->link, deadline, ret);
        if (e == TS_E_AGAIN)
            return session_fail(t, TIPSTAFF_LOST,
                                "the sidecar did not answer in %d ms",
                                timeout_ms);
        if (e != TS_OK)
            return session_lost(t, e);
        if (ret->type == (uint8_t)want)
            return TIPSTAFF_OK;
        if (ret->type == MSG_ERROR)
            return session_error(t, ret);
        if (ret->type != MSG_PING && ret->type != MSG_WINDOW)
            return session_protocol(t, "frame", "type not due");
        if (ret->type == MSG_PING) {
            s = session_pong(t, ret);
            if (s != TIPSTAFF_OK)
                return s;
        }
    }
}

enum tipstaff_status tipstaff_ping(struct tipstaff *t, int timeout_ms)
{
    uint8_t token[8];
    struct msg_ping m = {.token = {token, sizeof(token)}}, got;
    size_t before = t->link.out.len;
    const char *what = "";
    struct frame f;
    enum tipstaff_status s = session_idle(t);

    randombytes_buf(token, sizeof(token));
    if (s == TIPSTAFF_OK)
        s = session_queued(t, before, msg_ping_send(&t->link.out, &m));
    if (s == TIPSTAFF_OK)
        s = session_expect(t, MSG_PING, timeout_ms, &f);
    if (s != TIPSTAFF_OK)
        return s;
    if (msg_ping_decode(f.body, f.len, &got, &what) != TS_OK)
        return session_protocol(t, "PING", what);
    if (got.token.len != sizeof(token) ||
        memcmp(got.token.ptr, token, sizeof(token)) != 0)
        return session_protocol(t, "PING", "another token came back");
    return TIPSTAFF_OK;
}

static struct tipstaff_str slice(struct ts_str s)
{
    return (struct tipstaff_str){.ptr = s.ptr, .len = s.len};
}

/* msg_tools_decode() has checked every byte that is read here. */
static ts_err tool_next(struct mp_reader *r, struct tipstaff_tool *ret)
{
    struct msg_tool tool;
    struct msg_tool_arg a;
    struct mp_reader args;
    ts_err e = msg_tools_next(r, &tool);

    if (e != TS_OK)
        return e;
    ret->name = slice(tool.name);
    ret->description = slice(tool.description);
    ret->action = slice(tool.action);
    mp_reader_init(&args, tool.args.ptr, tool.args.len);
    ret->args_count = mp_read_array(&args, TIPSTAFF_TOOL_ARGS_MAX);
    for (size_t i = 0; i < ret->args_count && e == TS_OK; i++) {
        e = msg_tool_arg_next(&args, &a);
        if (e != TS_OK)
            break;
        ret->args[i].name = slice(a.name);
        ret->args[i].type = slice(a.type);
        ret->args[i].description = slice(a.description);
        ret->args[i].required = a.required;
    }
    return e;
}

enum tipstaff_status
tipstaff_tools(struct tipstaff *t, int timeout_ms,
               void (*visit)(void *ctx, const struct tipstaff_tool *tool),
               void *ctx)
{
    struct msg_seq question = {.seq = t->next_seq};
    size_t before = t->link.out.len;
    struct msg_tools m;
    struct mp_reader r;
    const char *what = "";
    struct frame f;
    enum tipstaff_status s = session_idle(t);

    if (s == TIPSTAFF_OK)
        s = session_queued(t, before,
                           msg_seq_send(&t->link.out, MSG_TOOLS, &question));
    if (s == TIPSTAFF_OK)
        s = session_expect(t, MSG_TOOLS, timeout_ms, &f);
    if (s != TIPSTAFF_OK)
        return s;
    if (msg_tools_decode(f.body, f.len, &m, &what) != TS_OK)
        return session_protocol(t, "TOOLS", what);
    if (m.seq != question.seq)
        return session_protocol(t, "TOOLS", "seq");
    mp_reader_init(&r, m.items.ptr, m.items.len);
    (void)mp_read_array(&r, TS_TOOLS_MAX);
    for (uint32_t i = 0; i < m.count; i++) {
        struct tipstaff_tool tool;

        if (tool_next(&r, &tool) != TS_OK)
            return session_protocol(t, "TOOLS", "items");
        visit(ctx, &tool);
    }
    return TIPSTAFF_OK;
}

/* One candidate; TIPSTAFF_LIMIT when it does not fit into what is left. */
static enum tipstaff_status item_write(struct tipstaff *t,
                                       const struct tipstaff_call *call,
                                       struct ts_buf *scratch,
                                       struct mp_writer *w)
{
    struct ts_bytes args;
    struct ts_str tool = ts_str_of(call->tool);
    enum tipstaff_status s = session_args(t, call, scratch, &args);

    if (s != TIPSTAFF_OK)
        return s;
    if (!tool_name_is_valid(tool))
        return session_fail(t, TIPSTAFF_USAGE,
                            "a tool name is not [a-z0-9][a-z0-9._-]*");
    mp_write_array(w, 2);
    mp_write_str(w, tool.ptr, tool.len);
    mp_write_raw(w, args.ptr, args.len);
    return w->error == TS_OK ? TIPSTAFF_OK : TIPSTAFF_LIMIT;
}

/* How many of calls go into one message; items gets them without the array's
 * head, since their number is known only at the end. */
static enum tipstaff_status items_fill(struct tipstaff *t,
                                       const struct tipstaff_call *calls,
                                       size_t count, struct ts_buf *scratch,
                                       struct mp_writer *w, size_t *ret_count)
{
    enum tipstaff_status s = TIPSTAFF_OK;
    size_t n = 0;

    while (n < count && n < TS_CHECK_MAX) {
        size_t before = w->len;

        s = item_write(t, &calls[n], scratch, w);
        if (s == TIPSTAFF_LIMIT && n > 0) {
            w->len = before; /* goes into the next message */
            w->error = TS_OK;
            s = TIPSTAFF_OK;
            break;
        }
        if (s != TIPSTAFF_OK)
            break;
        n++;
    }
    *ret_count = n;
    return s;
}

static enum tipstaff_status answers_take(struct tipstaff *t, uint64_t seq,
                                         size_t count, int timeout_ms,
                                         struct tipstaff_answer *answers)
{
    struct msg_checked m;
    struct msg_checked_item item;
    struct mp_reader r;
    const char *what = "";
    struct frame f;
    enum tipstaff_status s = session_expect(t, MSG_CHECKED, timeout_ms, &f);

    if (s != TIPSTAFF_OK)
        return s;
    if (msg_checked_decode(f.body, f.len, &m, &what) != TS_OK)
        return session_protocol(t, "CHECKED", what);
    if (m.seq != seq || m.count != count)
        return session_protocol(t, "CHECKED", "seq or number of items");
    mp_reader_init(&r, m.items.ptr, m.items.len);
    (void)mp_read_array(&r, TS_CHECK_MAX);
    for (size_t i = 0; i < count; i++) {
        if (msg_checked_next(&r, &item) != TS_OK)
            return session_protocol(t, "CHECKED", "items");
        answers[i].verdict = (enum tipstaff_verdict)item.verdict;
        memcpy(answers[i].code, item.code.ptr, item.code.len);
        answers[i].code[item.code.len] = '\0';
        memcpy(answers[i].decision_id, item.decision_id,
               sizeof(item.decision_id));
    }
    return TIPSTAFF_OK;
}

/* One tipstaff_check() under way. */
struct check_job {
    const struct tipstaff_call *calls; /* the rest, count of them */
    size_t count;
    int timeout_ms;
    struct tipstaff_answer *answers;
    struct msg_check common; /* traceparent and provenance of all */
    struct ts_buf items, scratch;
};

/* One CHECK message and its answer, for as many as fit. */
static enum tipstaff_status check_part(struct tipstaff *t,
                                       struct check_job *job)
{
    struct msg_check m = job->common;
    size_t before = t->link.out.len, n = 0;
    size_t cap = (size_t)t->max_body - ITEMS_ROOM;
    struct mp_writer body, head;
    uint8_t *room;
    enum tipstaff_status s;

    ts_buf_clear(&job->items);
    if (ts_buf_reserve(&job->items, cap, &room) != TS_OK)
        return session_fail(t, TIPSTAFF_NOMEM, "out of memory");
    mp_writer_init(&body, room + HEAD_ROOM, cap - HEAD_ROOM);
    s = items_fill(t, job->calls, job->count, &job->scratch, &body, &n);
    if (s == TIPSTAFF_LIMIT)
        return session_fail(t, s, "one candidate is larger than a message");
    if (s != TIPSTAFF_OK)
        return s;
    mp_writer_init(&head, room, HEAD_ROOM); /* then right before the items */
    mp_write_array(&head, (uint32_t)n);
    memmove(room + HEAD_ROOM - head.len, room, head.len);
    m.seq = t->next_seq;
    m.count = (uint32_t)n;
    m.items = (struct ts_bytes){.ptr = room + HEAD_ROOM - head.len,
                                .len = head.len + body.len};
    s = session_queued(t, before, msg_check_send(&t->link.out, &m));
    if (s != TIPSTAFF_OK)
        return s;
    t->next_seq++;
    s = answers_take(t, m.seq, n, job->timeout_ms, job->answers);
    job->calls += n;
    job->answers += n;
    job->count -= n;
    return s;
}

enum tipstaff_status tipstaff_check(struct tipstaff *t,
                                    const struct tipstaff_call *calls,
                                    size_t count, int timeout_ms,
                                    struct tipstaff_answer *answers)
{
    struct check_job job = {.calls = calls,
                            .count = count,
                            .timeout_ms = timeout_ms,
                            .answers = answers};
    enum tipstaff_status s = session_idle(t);

    if (s != TIPSTAFF_OK || count == 0)
        return s;
    s = session_labels(t, &calls[0], &job.common.traceparent,
                       job.common.provenance, &job.common.provenance_count);
    ts_buf_init(&job.items, TS_FRAME_MAX);
    ts_buf_init(&job.scratch, TS_ARGS_MAX);
    while (s == TIPSTAFF_OK && job.count > 0)
        s = check_part(t, &job);
    ts_buf_done(&job.items);
    ts_buf_done(&job.scratch);
    return s;
}
