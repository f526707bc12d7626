/*
 * CHECK: many questions in few messages. One message has one traceparent and
 * one list of labels, so of each TS_CHECK_MAX calls those with equal ones go
 * together, and the answers back to their places.
 */
#include <string.h>

#include "proto/base/ts_mem.h"
#include "proto/wire/mp_read.h"
#include "proto/wire/mp_write.h"
#include "shim/session.h"

/* Bytes of items in one CHECK, below every frame limit with room for the
 * rest: labels, head. */
#define ITEMS_ROOM ((size_t)4096)
#define HEAD_ROOM  ((size_t)3) /* an array head for up to TS_CHECK_MAX */

/* One tipstaff_check() under way. */
struct check_job {
    const struct tipstaff_call *calls;
    struct tipstaff_answer *answers;
    size_t count; /* of both, at most TS_CHECK_MAX */
    int timeout_ms;
    bool sent[TS_CHECK_MAX];
    size_t place[TS_CHECK_MAX]; /* of the answers to the message under way */
    struct msg_check m;         /* that message */
    struct ts_buf items, scratch;
};

static bool same_text(const char *a, const char *b)
{
    return strcmp(a != NULL ? a : "", b != NULL ? b : "") == 0;
}

static bool same_labels(const struct tipstaff_call *a,
                        const struct tipstaff_call *b)
{
    if (a->provenance_count != b->provenance_count ||
        !same_text(a->traceparent, b->traceparent))
        return false;
    for (size_t i = 0; i < a->provenance_count; i++)
        if (strcmp(a->provenance[i], b->provenance[i]) != 0)
            return false;
    return true;
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

/* Puts as many of the unsent calls as fit and are like the first of them into
 * one message; w gets them without the array's head, since their number is
 * known only at the end. */
static enum tipstaff_status items_fill(struct tipstaff *t,
                                       struct check_job *job, size_t first,
                                       struct mp_writer *w)
{
    enum tipstaff_status s = TIPSTAFF_OK;
    uint32_t n = 0;

    for (size_t i = first; i < job->count; i++) {
        size_t before = w->len;

        if (job->sent[i] || !same_labels(&job->calls[i], &job->calls[first]))
            continue;
        s = item_write(t, &job->calls[i], &job->scratch, w);
        if (s == TIPSTAFF_LIMIT && n > 0) {
            w->len = before; /* goes into the next message */
            w->error = TS_OK;
            s = TIPSTAFF_OK;
            break;
        }
        if (s != TIPSTAFF_OK)
            break;
        job->sent[i] = true;
        job->place[n++] = i;
    }
    job->m.count = n;
    return s;
}

static enum tipstaff_status answers_take(struct tipstaff *t,
                                         const struct check_job *job)
{
    struct msg_checked m;
    struct msg_checked_item item;
    struct mp_reader r;
    const char *what = "";
    struct frame f;
    enum tipstaff_status s =
        session_expect(t, MSG_CHECKED, job->timeout_ms, &f);

    if (s != TIPSTAFF_OK)
        return s;
    if (msg_checked_decode(f.body, f.len, &m, &what) != TS_OK)
        return session_protocol(t, "CHECKED", what);
    if (m.seq != job->m.seq || m.count != job->m.count)
        return session_protocol(t, "CHECKED", "seq or number of items");
    mp_reader_init(&r, m.items.ptr, m.items.len);
    (void)mp_read_array(&r, TS_CHECK_MAX);
    for (uint32_t i = 0; i < m.count; i++) {
        struct tipstaff_answer *a = &job->answers[job->place[i]];

        if (msg_checked_next(&r, &item) != TS_OK)
            return session_protocol(t, "CHECKED", "items");
        a->verdict = (enum tipstaff_verdict)item.verdict;
        memcpy(a->code, item.code.ptr, item.code.len);
        a->code[item.code.len] = '\0';
        memcpy(a->decision_id, item.decision_id, sizeof(item.decision_id));
    }
    return TIPSTAFF_OK;
}

/* One CHECK message and its answer. */
static enum tipstaff_status check_part(struct tipstaff *t,
                                       struct check_job *job, size_t first)
{
    struct msg_check *m = &job->m;
    size_t before = t->link.out.len;
    size_t cap = (size_t)t->max_body - ITEMS_ROOM;
    struct mp_writer body, head;
    uint8_t *room;
    enum tipstaff_status s =
        session_labels(t, &job->calls[first], &m->traceparent, m->provenance,
                       &m->provenance_count);

    if (s != TIPSTAFF_OK)
        return s;
    ts_buf_clear(&job->items);
    if (ts_buf_reserve(&job->items, cap, &room) != TS_OK)
        return session_fail(t, TIPSTAFF_NOMEM, "out of memory");
    mp_writer_init(&body, room + HEAD_ROOM, cap - HEAD_ROOM);
    s = items_fill(t, job, first, &body);
    if (s == TIPSTAFF_LIMIT)
        return session_fail(t, s, "one candidate is larger than a message");
    if (s != TIPSTAFF_OK)
        return s;
    mp_writer_init(&head, room, HEAD_ROOM); /* then right before the items */
    mp_write_array(&head, m->count);
    memmove(room + HEAD_ROOM - head.len, room, head.len);
    m->seq = t->next_seq;
    m->items = (struct ts_bytes){.ptr = room + HEAD_ROOM - head.len,
                                 .len = head.len + body.len};
    s = session_queued(t, before, msg_check_send(&t->link.out, m));
    if (s != TIPSTAFF_OK)
        return s;
    t->next_seq++;
    return answers_take(t, job);
}

/* Up to TS_CHECK_MAX calls, in as many messages as they need. */
static enum tipstaff_status check_window(struct tipstaff *t,
                                         struct check_job *job)
{
    enum tipstaff_status s = TIPSTAFF_OK;

    memset(job->sent, 0, sizeof(job->sent));
    for (size_t i = 0; i < job->count && s == TIPSTAFF_OK; i++)
        while (s == TIPSTAFF_OK && !job->sent[i])
            s = check_part(t, job, i);
    return s;
}

enum tipstaff_status tipstaff_check(struct tipstaff *t,
                                    const struct tipstaff_call *calls,
                                    size_t count, int timeout_ms,
                                    struct tipstaff_answer *answers)
{
    struct check_job *job;
    enum tipstaff_status s = session_idle(t);

    if (s != TIPSTAFF_OK || count == 0)
        return s;
    job = ts_mem_alloc(sizeof(*job));
    if (job == NULL)
        return session_fail(t, TIPSTAFF_NOMEM, "out of memory");
    job->timeout_ms = timeout_ms;
    ts_buf_init(&job->items, TS_FRAME_MAX);
    ts_buf_init(&job->scratch, TS_ARGS_MAX);
    for (size_t at = 0; at < count && s == TIPSTAFF_OK; at += job->count) {
        job->calls = calls + at;
        job->answers = answers + at;
        job->count = count - at < TS_CHECK_MAX ? count - at : TS_CHECK_MAX;
        s = check_window(t, job);
    }
    ts_buf_done(&job->items);
    ts_buf_done(&job->scratch);
    ts_mem_free(job);
    return s;
}
