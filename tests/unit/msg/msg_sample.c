#include "proto/msg/admin.h"
#include "proto/msg/client.h"
#include "proto/wire/mp_write.h"
#include "tests/unit/msg/msg_recode.h"

#define TRACE "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

static const uint8_t id16[16] = {0xd0, 1, 2,  3,  4,  5,  6,  7,
                                 8,    9, 10, 11, 12, 13, 14, 0xff};

/* 0 when it did not fit, which no sender takes for a message. */
static size_t written(const struct mp_writer *w)
{
    size_t n;

    return mp_written(w, &n) == TS_OK ? n : 0;
}

static size_t args_sample(uint8_t *buf, size_t cap)
{
    struct mp_writer w;

    mp_writer_init(&w, buf, cap);
    mp_write_map(&w, 3);
    mp_write_cstr(&w, "path");
    mp_write_cstr(&w, "/srv/public/a.txt");
    mp_write_cstr(&w, "lines");
    mp_write_uint(&w, 200);
    mp_write_cstr(&w, "deep");
    mp_write_array(&w, 2);
    mp_write_int(&w, -5);
    mp_write_map(&w, 1);
    mp_write_cstr(&w, "x");
    mp_write_nil(&w);
    return written(&w);
}

static ts_err sample_call(struct ts_buf *out)
{
    static const uint8_t sig[64] = {1, 2, 3};
    uint8_t args[128];
    struct msg_call m = {
        .seq = 300,
        .tool = TS_STR_LIT("fs.read"),
        .args = {.ptr = args, .len = args_sample(args, sizeof(args))},
        .deadline_ms = 70000,
        .hold_ms = 600000,
        .traceparent = TS_STR_LIT(TRACE),
        .provenance = {TS_STR_LIT("web"), TS_STR_LIT("mail:inbox")},
        .provenance_count = 2,
        .flags = CALL_HAS_STDIN | CALL_RETRY | CALL_KEEP,
        .min_rev_seq = 5,
        .inline_max = 70000,
        .sig = {.ptr = sig, .len = sizeof(sig)}};

    for (size_t i = 0; i < sizeof(id16); i++)
        m.call_id[i] = id16[i];
    return msg_call_send(out, &m);
}

static ts_err sample_decision(struct ts_buf *out)
{
    struct msg_decision m = {.seq = 300,
                             .verdict = VERDICT_PENDING,
                             .code = TS_STR_LIT("approval_required"),
                             .text = TS_STR_LIT("ask a person"),
                             .expires = 1795315512};

    return msg_decision_send(out, &m);
}

static ts_err sample_stream(struct ts_buf *out, enum msg_kind kind)
{
    struct ts_bytes data = {.ptr = id16, .len = sizeof(id16)};

    if (kind == KIND_STDIN)
        return msg_stdin_send(
            out, &(struct msg_stdin){.seq = 9, .data = data, .eof = true});
    return msg_output_send(
        out,
        &(struct msg_output){.seq = 9, .stream = STREAM_STDERR, .data = data});
}

static ts_err sample_result(struct ts_buf *out)
{
    struct msg_result m = {.seq = 300,
                           .reason = TS_STR_LIT("exited"),
                           .code = TS_STR_LIT("permitted"),
                           .exit_code = 130,
                           .signal = 9,
                           .stdout_bytes = 1 << 20,
                           .stderr_bytes = 77,
                           .wall_us = 123456789012,
                           .flags = RESULT_STDERR_TRUNCATED | RESULT_RECORDED |
                                    RESULT_KEPT,
                           .ref = TS_STR_LIT("call-31")};

    return msg_result_send(out, &m);
}

static ts_err sample_kept(struct ts_buf *out)
{
    const struct msg_outline rows[] = {{.pattern = TS_STR_LIT("/*/from"),
                                        .type = OUTLINE_STRING,
                                        .count = 300,
                                        .min = 3,
                                        .max = 70000,
                                        .source = OUTLINE_TRUSTED},
                                       {.type = OUTLINE_NULL,
                                        .count = 1,
                                        .source = OUTLINE_UNTRUSTED,
                                        .secret = true}};
    uint8_t items[256];
    struct mp_writer w;
    struct msg_kept m = {.seq = 300,
                         .ref = TS_STR_LIT("call-31"),
                         .stdout_bytes = 1 << 20,
                         .stderr_bytes = 77,
                         .more = true,
                         .count = 2};

    mp_writer_init(&w, items, sizeof(items));
    mp_write_array(&w, 2);
    for (size_t i = 0; i < 2; i++)
        msg_outline_write(&w, &rows[i]);
    m.items = (struct ts_bytes){.ptr = items, .len = written(&w)};
    return msg_kept_send(out, &m);
}

static ts_err sample_check(struct ts_buf *out)
{
    uint8_t args[128], items[512];
    size_t args_len = args_sample(args, sizeof(args));
    struct mp_writer w;
    struct msg_check m = {.seq = 4,
                          .count = 2,
                          .traceparent = TS_STR_LIT(TRACE),
                          .provenance = {TS_STR_LIT("web")},
                          .provenance_count = 1};

    mp_writer_init(&w, items, sizeof(items));
    mp_write_array(&w, 2);
    for (int i = 0; i < 2; i++) {
        mp_write_array(&w, 2);
        mp_write_cstr(&w, i == 0 ? "fs.read" : "7z");
        mp_write_raw(&w, args, args_len);
    }
    m.items = (struct ts_bytes){.ptr = items, .len = written(&w)};
    return msg_check_send(out, &m);
}

static ts_err sample_checked(struct ts_buf *out)
{
    uint8_t items[256];
    struct mp_writer w;
    struct msg_checked m = {.seq = 4, .count = 2};

    mp_writer_init(&w, items, sizeof(items));
    mp_write_array(&w, 2);
    for (int i = 0; i < 2; i++) {
        mp_write_array(&w, 3);
        mp_write_uint(&w, i == 0 ? VERDICT_PERMIT : VERDICT_DENY);
        mp_write_cstr(&w, i == 0 ? "permitted" : "forbidden");
        mp_write_bin(&w, id16, sizeof(id16));
    }
    m.items = (struct ts_bytes){.ptr = items, .len = written(&w)};
    return msg_checked_send(out, &m);
}

static ts_err sample_tools(struct ts_buf *out)
{
    uint8_t items[256];
    struct mp_writer w;
    struct msg_tools m = {.seq = 4, .count = 1};

    mp_writer_init(&w, items, sizeof(items));
    mp_write_array(&w, 1);
    mp_write_array(&w, 4);
    mp_write_cstr(&w, "fs.read");
    mp_write_cstr(&w, "reads a file");
    mp_write_cstr(&w, "Fs.read");
    mp_write_array(&w, 1);
    mp_write_array(&w, 4);
    mp_write_cstr(&w, "path");
    mp_write_cstr(&w, "path");
    mp_write_bool(&w, true);
    mp_write_cstr(&w, "which file");
    m.items = (struct ts_bytes){.ptr = items, .len = written(&w)};
    return msg_tools_send(out, &m);
}

static ts_err sample_tail(struct ts_buf *out)
{
    struct admin_tail m = {.follow = true,
                           .from_seq = 1000,
                           .last = 20,
                           .tenant = TS_STR_LIT("acme"),
                           .agent = TS_STR_LIT("coder"),
                           .effect = TS_STR_LIT("forbid"),
                           .since_unix_ms = 1763769600000};

    return admin_tail_send(out, &m);
}

static ts_err sample_entry(struct ts_buf *out)
{
    struct admin_entry m = {.type = JOURNAL_DIRECTORY,
                            .tenant = TS_STR_LIT("acme"),
                            .keep_until = 1795315512,
                            .payload = {.ptr = id16, .len = sizeof(id16)}};

    return admin_entry_send(out, &m);
}

static ts_err sample_signed(enum msg_kind kind, struct ts_buf *out)
{
    struct ts_bytes object = {.ptr = id16, .len = sizeof(id16)};

    if (kind == KIND_REVOKE)
        return admin_revoke_send(out, &(struct admin_revoke){.record = object});
    if (kind == KIND_FEED)
        return admin_feed_send(out, &(struct admin_feed){.what = FEED_HEARTBEAT,
                                                         .object = object});
    return msg_revoke_send(
        out,
        &(struct msg_revoke){.seq = 300, .record = object, .chain = object});
}

static ts_err sample_answered(struct ts_buf *out)
{
    struct admin_answered m = {.code = TS_STR_LIT("expired"),
                               .text = TS_STR_LIT("too late"),
                               .state = TS_STR_LIT("waiting")};

    for (size_t i = 0; i < sizeof(id16); i++)
        m.decision_id[i] = id16[i];
    return admin_answered_send(out, &m);
}

static ts_err sample_approvals(enum msg_kind kind, struct ts_buf *out)
{
    struct ts_bytes object = {.ptr = id16, .len = sizeof(id16)};
    struct admin_ticket_news news = {.tenant = TS_STR_LIT("acme"),
                                     .what = TS_STR_LIT("granted"),
                                     .people = 2};

    if (kind == KIND_APPROVALS)
        return admin_approvals_send(
            out, &(struct admin_approvals){.watch = true,
                                           .tenant = TS_STR_LIT("acme")});
    if (kind == KIND_TICKET)
        return admin_ticket_send(
            out,
            &(struct admin_ticket){.object = object,
                                   .stage = TICKET_STAGE_GRANTED,
                                   .people = {{TS_STR_LIT("bob"), 3},
                                              {TS_STR_LIT("carol"), 1u << 15}},
                                   .people_count = 2});
    if (kind == KIND_TICKET_NEWS)
        return admin_ticket_news_send(out, &news);
    if (kind == KIND_ANSWER)
        return admin_answer_send(out, &(struct admin_answer){.answer = object});
    return sample_answered(out);
}

static ts_err sample_escalation(enum msg_kind kind, struct ts_buf *out)
{
    struct admin_escalated done = {.code = TS_STR_LIT("quorum"),
                                   .text = TS_STR_LIT("too few people")};
    struct admin_escalation m = {
        .tenant = TS_STR_LIT("acme"),
        .user = TS_STR_LIT("alice"),
        .agent = TS_STR_LIT("coder"),
        .task = TS_STR_LIT("t1"),
        .state = TS_STR_LIT("active"),
        .expires = 1700000000,
        .used = 2,
        .max_uses = 300,
        .people = {TS_STR_LIT("bob"), TS_STR_LIT("carol")},
        .people_count = 2,
        .reason = TS_STR_LIT("production is down"),
        .incident = TS_STR_LIT("INC-17")};

    for (size_t i = 0; i < sizeof(id16); i++)
        done.id[i] = m.id[i] = id16[i];
    if (kind == KIND_ESCALATE)
        return admin_escalate_send(
            out, &(struct admin_escalate){.object = {id16, sizeof(id16)}});
    if (kind == KIND_ESCALATED)
        return admin_escalated_send(out, &done);
    if (kind == KIND_ESCALATIONS)
        return admin_escalations_send(
            out, &(struct admin_escalations){.tenant = TS_STR_LIT("acme")});
    return admin_escalation_send(out, &m);
}

static ts_err sample_admin(enum msg_kind kind, struct ts_buf *out)
{
    if (kind == KIND_ACK)
        return admin_ack_send(out, &(struct admin_ack){7, 300, 2, 70000});
    if (kind == KIND_COMPLETE)
        return admin_complete_send(out, &(struct admin_complete){70000});
    if (kind == KIND_TEXT)
        return admin_text_send(
            out, ADMIN_LINE,
            &(struct admin_text){.text = TS_STR_LIT("{\"v\":1}")});
    if (kind == KIND_FAIL)
        return admin_fail_send(
            out, &(struct admin_fail){.code = TS_STR_LIT("not_ready"),
                                      .text = TS_STR_LIT("come again")});
    if (kind == KIND_TAIL)
        return sample_tail(out);
    if (kind == KIND_REVOKE || kind == KIND_FEED || kind == KIND_MSG_REVOKE)
        return sample_signed(kind, out);
    if (kind == KIND_LIST)
        return admin_list_send(
            out, &(struct admin_list){.tenant = TS_STR_LIT("acme")});
    if (kind == KIND_ENTRY)
        return sample_entry(out);
    if (kind == KIND_HOOK)
        return admin_hook_send(
            out, &(struct admin_hook){.ran = 300,
                                      .failed = 7,
                                      .left_out = 70000,
                                      .code = TS_STR_LIT("timeout"),
                                      .text = TS_STR_LIT("10000 ms")});
    if (kind == KIND_KEPT)
        return sample_kept(out);
    if (kind == KIND_ORIGIN)
        return msg_origin_send(out, &(struct msg_origin){.origin = {id16, 16}});
    if (kind >= KIND_ESCALATE && kind <= KIND_ESCALATION)
        return sample_escalation(kind, out);
    if (kind >= KIND_APPROVALS && kind != KIND_KEPT)
        return sample_approvals(kind, out);
    return admin_empty_send(out, ADMIN_STATUS);
}

ts_err msg_sample(enum msg_kind kind, struct ts_buf *out)
{
    if (kind >= KIND_REVOKE)
        return sample_admin(kind, out);
    if (kind == KIND_ERROR)
        return msg_error_send(
            out, &(struct msg_error){.code = TS_STR_LIT("auth_failed"),
                                     .text = TS_STR_LIT("no")});
    if (kind == KIND_CALL)
        return sample_call(out);
    if (kind == KIND_DECISION)
        return sample_decision(out);
    if (kind == KIND_STDIN || kind == KIND_OUTPUT)
        return sample_stream(out, kind);
    if (kind == KIND_RESULT)
        return sample_result(out);
    if (kind == KIND_SEQ)
        return msg_seq_send(out, MSG_CANCEL, &(struct msg_seq){200});
    if (kind == KIND_CHECK)
        return sample_check(out);
    if (kind == KIND_CHECKED)
        return sample_checked(out);
    if (kind == KIND_TOOLS)
        return sample_tools(out);
    if (kind == KIND_WINDOW)
        return msg_window_send(out, &(struct msg_window){.seq = 1, .bytes = 9});
    return msg_ping_send(
        out, &(struct msg_ping){.token = {.ptr = id16, .len = sizeof(id16)}});
}
