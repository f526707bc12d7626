/* Questions with one answer each: TOOLS, PING, TASK_END. */
#include <sodium.h>
#include <string.h>

#include "proto/wire/mp_read.h"
#include "shim/session.h"

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

/* Frames of calls still under way pass by; false for any that is not theirs. */
static bool is_passing(uint8_t type)
{
    return type == MSG_DECISION || type == MSG_OUTPUT || type == MSG_RESULT ||
           type == MSG_WINDOW;
}

/* The answer to TASK_END. A gate that has revoked the grant may end the session
 * before it comes to answering; ERROR revoked says the same. */
static enum tipstaff_status task_end_answer(struct tipstaff *t, uint64_t seq,
                                            const struct frame *f)
{
    struct msg_seq m;
    struct msg_error error;
    const char *what = "";

    if (f->type == MSG_ERROR &&
        msg_error_decode(f->body, f->len, &error, &what) == TS_OK &&
        ts_str_eq_c(error.code, call_code_name(CODE_REVOKED)))
        return TIPSTAFF_OK;
    if (f->type == MSG_ERROR)
        return session_error(t, f);
    if (f->type != MSG_TASK_END)
        return session_protocol(t, "frame", "type not due");
    if (msg_seq_decode(f->body, f->len, &m, &what) != TS_OK)
        return session_protocol(t, "TASK_END", what);
    if (m.seq != seq)
        return session_protocol(t, "TASK_END", "seq");
    return TIPSTAFF_OK;
}

enum tipstaff_status tipstaff_task_end(struct tipstaff *t, int timeout_ms)
{
    struct msg_seq question = {.seq = t->next_seq};
    int64_t deadline = link_deadline(timeout_ms);
    size_t before = t->link.out.len;
    enum tipstaff_status s;
    struct frame f;
    ts_err e;

    if (t->lost)
        return TIPSTAFF_LOST;
    if (!t->is_root)
        return session_fail(t, TIPSTAFF_USAGE,
                            "only the holder of the delegation's first block "
                            "can end its task; this one was handed on");
    s = session_queued(t, before,
                       msg_seq_send(&t->link.out, MSG_TASK_END, &question));
    while (s == TIPSTAFF_OK) {
        e = link_recv(&t->link, deadline, &f);
        if (e == TS_E_AGAIN)
            return session_fail(t, TIPSTAFF_LOST,
                                "the sidecar did not confirm the end in %d ms; "
                                "the grant may or may not be revoked",
                                timeout_ms);
        if (e != TS_OK)
            return session_lost(t, e);
        if (f.type == MSG_PING)
            s = session_pong(t, &f);
        else if (!is_passing(f.type))
            break;
    }
    if (s == TIPSTAFF_OK)
        s = task_end_answer(t, question.seq, &f);
    if (s != TIPSTAFF_OK)
        return s;
    (void)session_fail(t, TIPSTAFF_LOST, "the task was ended");
    return TIPSTAFF_OK;
}
