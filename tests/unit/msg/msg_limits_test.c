/* Each limit at its value and one past it, and each rule of meaning. */
#include "tests/lib/ts_test.h"

#include <stdlib.h>
#include <string.h>

#include "proto/msg/admin.h"
#include "proto/msg/client.h"
#include "proto/wire/frame.h"
#include "proto/wire/mp_read.h"
#include "proto/wire/mp_write.h"

static char text[TS_FRAME_MAX];
static uint8_t raw[TS_FRAME_MAX];
static struct ts_buf out;

static int setup(void **state)
{
    (void)state;
    memset(text, 'a', sizeof(text));
    ts_buf_init(&out, (size_t)4 * TS_FRAME_MAX);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ts_buf_done(&out);
    return 0;
}

static struct ts_str a_str(size_t len)
{
    return (struct ts_str){.ptr = text, .len = len};
}

static struct msg_call a_call(void)
{
    static const uint8_t empty_map[1] = {0x80};

    return (struct msg_call){.seq = 1,
                             .tool = TS_STR_LIT("t"),
                             .args = {.ptr = empty_map, .len = 1}};
}

/* Decodes the body of the last frame in out with a call decoder. */
static ts_err call_arrives(const char **what)
{
    struct msg_call got;
    struct frame f;
    size_t used;

    assert_int_equal(frame_parse(ts_buf_bytes(&out), out.len,
                                 (size_t)2 * TS_FRAME_MAX, &f, &used),
                     TS_OK);
    return msg_call_decode(f.body, f.len, &got, what);
}

static size_t map_of(uint32_t keys, size_t value_len)
{
    struct mp_writer w;
    size_t n = 0;

    mp_writer_init(&w, raw, sizeof(raw));
    mp_write_map(&w, keys);
    for (uint32_t i = 0; i < keys; i++) {
        char key[3] = {(char)('a' + i / 26), (char)('a' + i % 26), 0};

        mp_write_cstr(&w, key);
        mp_write_str(&w, text, value_len);
    }
    assert_int_equal(mp_written(&w, &n), TS_OK);
    return n;
}

/* The sender refuses it, and so does the decoder when somebody else sent it. */
static void call_forged(struct ts_bytes args, const char *field)
{
    struct mp_writer w;
    struct msg_call got = {.seq = 77};
    const char *what = NULL;
    static uint8_t body[TS_FRAME_MAX];
    size_t n = 0;

    mp_writer_init(&w, body, sizeof(body));
    mp_write_array(&w, 13);
    mp_write_uint(&w, 4);
    mp_write_uint(&w, 1);
    mp_write_bin(&w, "0123456789abcdef", 16);
    mp_write_cstr(&w, "t");
    mp_write_raw(&w, args.ptr, args.len);
    mp_write_uint(&w, 0);
    mp_write_cstr(&w, "");
    mp_write_array(&w, 0);
    mp_write_uint(&w, 0);
    mp_write_uint(&w, 0);
    mp_write_uint(&w, 0);
    mp_write_uint(&w, 0);
    mp_write_bin(&w, "", 0);
    assert_int_equal(mp_written(&w, &n), TS_OK);
    if (field == NULL) {
        assert_int_equal(msg_call_decode(body, n, &got, &what), TS_OK);
        return;
    }
    assert_int_not_equal(msg_call_decode(body, n, &got, &what), TS_OK);
    assert_string_equal(what, field);
    assert_int_equal(got.seq, 77); /* untouched */
}

static void call_args_at_and_over_their_limits(void **state)
{
    struct msg_call m = a_call();
    size_t n;

    (void)state;
    n = map_of(TS_ARGS_KEYS_MAX, 1);
    call_forged((struct ts_bytes){raw, n}, NULL);
    n = map_of(TS_ARGS_KEYS_MAX + 1, 1);
    call_forged((struct ts_bytes){raw, n}, "args");
    n = map_of(1, TS_ARGS_MAX - 1 - 3 - 5); /* map, key, head of the value */
    assert_int_equal(n, TS_ARGS_MAX);
    call_forged((struct ts_bytes){raw, n}, NULL);
    n = map_of(1, TS_ARGS_MAX - 1 - 3 - 5 + 1);
    call_forged((struct ts_bytes){raw, n}, "args");
    m.args = (struct ts_bytes){raw, n};
    assert_int_equal(msg_call_send(&out, &m), TS_E_INVALID);
    call_forged((struct ts_bytes){(const uint8_t *)"\x90", 1}, "args");
    call_forged((struct ts_bytes){(const uint8_t *)"\x81\x01\x01", 3}, "args");
    call_forged((struct ts_bytes){(const uint8_t *)"\x82\xa1k\x01\xa1k\x02", 7},
                "args");
}

static void call_tool_name_follows_the_rule(void **state)
{
    static const char *const bad[] = {"",   ".a",  "-a",       "_a",   "A",
                                      "aB", "a b", "a/b",      "a:b",  "a\n",
                                      "é",  "a\"", "git.Push", "a\x7f"};
    static const char *const good[] = {"a", "0", "7z", "git.log", "a-_.", "x_"};
    struct msg_call m = a_call();

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        m.tool = ts_str_of(bad[i]);
        assert_int_equal(msg_call_send(&out, &m), TS_E_INVALID);
    }
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        m.tool = ts_str_of(good[i]);
        assert_int_equal(msg_call_send(&out, &m), TS_OK);
    }
    assert_true(tool_name_is_valid(a_str(TS_TOOL_NAME_MAX)));
    assert_false(tool_name_is_valid(a_str(TS_TOOL_NAME_MAX + 1)));
}

static void call_traceparent_follows_w3c(void **state)
{
    static const char ok[] =
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    struct msg_call m = a_call();
    char t[sizeof(ok)];

    (void)state;
    m.traceparent = ts_str_of(ok);
    assert_int_equal(msg_call_send(&out, &m), TS_OK);
    for (size_t i = 0; i < sizeof(ok) - 1; i++) {
        memcpy(t, ok, sizeof(ok));
        t[i] = 'G';
        m.traceparent = ts_str_of(t);
        assert_int_equal(msg_call_send(&out, &m), TS_E_INVALID);
    }
    m.traceparent.len--;
    assert_int_equal(msg_call_send(&out, &m), TS_E_INVALID);
    m.traceparent =
        TS_STR_LIT("00-00000000000000000000000000000000-b7ad6b7169203331-01");
    assert_int_equal(msg_call_send(&out, &m), TS_E_INVALID);
    m.traceparent =
        TS_STR_LIT("00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01");
    assert_int_equal(msg_call_send(&out, &m), TS_E_INVALID);
    m.traceparent =
        TS_STR_LIT("00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    assert_int_equal(msg_call_send(&out, &m), TS_E_INVALID);
    m.traceparent =
        TS_STR_LIT("01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    assert_int_equal(msg_call_send(&out, &m), TS_E_INVALID);
}

static void call_small_fields_at_and_over_their_limits(void **state)
{
    struct msg_call m = a_call();

    (void)state;
    for (uint32_t i = 0; i < TS_PROVENANCE_MAX; i++)
        m.provenance[i] = a_str(TS_PROVENANCE_LEN);
    m.provenance_count = TS_PROVENANCE_MAX;
    assert_int_equal(msg_call_send(&out, &m), TS_OK);
    m.provenance[3] = a_str(TS_PROVENANCE_LEN + 1);
    assert_int_equal(msg_call_send(&out, &m), TS_E_INVALID);
    m.provenance[3] = a_str(0);
    assert_int_equal(msg_call_send(&out, &m), TS_E_INVALID);
    m = a_call();
    m.seq = 0;
    assert_int_equal(msg_call_send(&out, &m), TS_E_INVALID);
    m = a_call();
    m.flags = 8;
    assert_int_equal(msg_call_send(&out, &m), TS_E_INVALID);
    m = a_call();
    m.sig = (struct ts_bytes){.ptr = raw, .len = 63};
    assert_int_equal(msg_call_send(&out, &m), TS_E_INVALID);
}

static void call_unsigned_part_is_the_body_up_to_sig(void **state)
{
    struct msg_call m = a_call(), got;
    struct frame f;
    const char *what = NULL;
    size_t used;

    (void)state;
    m.sig = (struct ts_bytes){.ptr = raw, .len = 64};
    assert_int_equal(msg_call_send(&out, &m), TS_OK);
    assert_int_equal(
        frame_parse(ts_buf_bytes(&out), out.len, TS_FRAME_MAX, &f, &used),
        TS_OK);
    assert_int_equal(msg_call_decode(f.body, f.len, &got, &what), TS_OK);
    assert_ptr_equal(got.unsigned_part.ptr, f.body);
    assert_int_equal(got.unsigned_part.len, f.len - 64 - 2);
    assert_int_equal(call_arrives(&what), TS_OK);
}

/* items of CHECK, count of them */
static size_t check_items(uint32_t count)
{
    struct mp_writer w;
    size_t n = 0;

    mp_writer_init(&w, raw, sizeof(raw));
    mp_write_array(&w, count);
    for (uint32_t i = 0; i < count; i++) {
        mp_write_array(&w, 2);
        mp_write_cstr(&w, i % 2 == 0 ? "fs.read" : "net.get");
        mp_write_map(&w, 1);
        mp_write_cstr(&w, "n");
        mp_write_uint(&w, i);
    }
    assert_int_equal(mp_written(&w, &n), TS_OK);
    return n;
}

static void check_of_every_count_walks_back(void **state)
{
    static const uint32_t counts[] = {1, 2, 15, 16, 1023, TS_CHECK_MAX};

    (void)state;
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        struct msg_check m = {.seq = 1, .count = counts[i]}, got;
        struct msg_check_item item;
        struct mp_reader r;
        struct frame f;
        const char *what = NULL;
        size_t used;

        m.items = (struct ts_bytes){raw, check_items(counts[i])};
        ts_buf_clear(&out);
        assert_int_equal(msg_check_send(&out, &m), TS_OK);
        assert_int_equal(
            frame_parse(ts_buf_bytes(&out), out.len, TS_FRAME_MAX, &f, &used),
            TS_OK);
        assert_int_equal(msg_check_decode(f.body, f.len, &got, &what), TS_OK);
        assert_int_equal(got.count, counts[i]);
        mp_reader_init(&r, got.items.ptr, got.items.len);
        assert_int_equal(mp_read_array(&r, TS_CHECK_MAX), counts[i]);
        for (uint32_t k = 0; k < counts[i]; k++) {
            assert_int_equal(msg_check_next(&r, &item), TS_OK);
            assert_true(
                ts_str_eq_c(item.tool, k % 2 == 0 ? "fs.read" : "net.get"));
        }
        assert_int_equal(mp_done(&r), TS_OK);
        assert_int_not_equal(msg_check_next(&r, &item), TS_OK);
    }
}

static void check_of_none_or_too_many_is_refused(void **state)
{
    struct msg_check m = {.seq = 1, .count = 0};

    (void)state;
    m.items = (struct ts_bytes){raw, check_items(0)};
    assert_int_equal(msg_check_send(&out, &m), TS_E_INVALID);
    m.count = TS_CHECK_MAX + 1;
    m.items = (struct ts_bytes){raw, check_items(m.count)};
    assert_int_equal(msg_check_send(&out, &m), TS_E_LIMIT);
    m.count = 3; /* and a count that lies */
    m.items = (struct ts_bytes){raw, check_items(2)};
    assert_int_equal(msg_check_send(&out, &m), TS_E_INVALID);
}

static void stream_chunks_at_and_over_their_limit(void **state)
{
    struct msg_stdin in = {.seq = 1, .data = {raw, TS_CHUNK_MAX}};
    struct msg_output o = {
        .seq = 1, .stream = STREAM_STDOUT, .data = {raw, TS_CHUNK_MAX}};

    (void)state;
    assert_int_equal(msg_stdin_send(&out, &in), TS_OK);
    assert_int_equal(msg_output_send(&out, &o), TS_OK);
    in.data.len++;
    o.data.len++;
    assert_int_equal(msg_stdin_send(&out, &in), TS_E_LIMIT);
    assert_int_equal(msg_output_send(&out, &o), TS_E_LIMIT);
    in.data.len = 0;
    o.data.len = 0;
    assert_int_equal(msg_stdin_send(&out, &in), TS_E_INVALID);
    assert_int_equal(msg_output_send(&out, &o), TS_E_INVALID);
    in.eof = true;
    assert_int_equal(msg_stdin_send(&out, &in), TS_OK);
}

static void verdict_and_code_must_agree(void **state)
{
    static const struct {
        enum verdict v;
        const char *code;
        ts_err e;
    } cases[] = {
        {VERDICT_PERMIT, "permitted", TS_OK},
        {VERDICT_PERMIT, "denied", TS_E_INVALID},
        {VERDICT_DENY, "permitted", TS_E_INVALID},
        {VERDICT_PENDING, "permitted", TS_E_INVALID},
        {VERDICT_PENDING, "approval_required", TS_OK},
        {VERDICT_DENY, "code_of_a_later_version", TS_OK},
        {VERDICT_DENY, "", TS_E_INVALID},
        {VERDICT_DENY, "Denied", TS_E_INVALID},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct msg_decision m = {
            .seq = 1, .verdict = cases[i].v, .code = ts_str_of(cases[i].code)};

        assert_int_equal(msg_decision_send(&out, &m), cases[i].e);
    }
}

static void only_a_pending_decision_expires(void **state)
{
    struct msg_decision m = {
        .seq = 1, .code = TS_STR_LIT("denied"), .expires = 1};

    (void)state;
    assert_int_equal(msg_decision_send(&out, &m), TS_E_INVALID);
    m.verdict = VERDICT_PENDING;
    assert_int_equal(msg_decision_send(&out, &m), TS_OK);
    m.verdict = VERDICT_PERMIT;
    m.code = TS_STR_LIT("permitted");
    assert_int_equal(msg_decision_send(&out, &m), TS_E_INVALID);
}

static void call_hold_at_and_over_its_limit(void **state)
{
    struct msg_call m = a_call();

    (void)state;
    m.hold_ms = TS_HOLD_MAX_MS;
    assert_int_equal(msg_call_send(&out, &m), TS_OK);
    m.hold_ms++;
    assert_int_equal(msg_call_send(&out, &m), TS_E_LIMIT);
}

static void ticket_of_people_at_and_over_its_limits(void **state)
{
    struct admin_ticket m = {.object = {.ptr = raw, .len = TS_TICKET_MAX},
                             .stage = TICKET_STAGE_WAITING,
                             .people_count = TS_PEOPLE_MAX};

    (void)state;
    for (uint32_t i = 0; i < TS_PEOPLE_MAX; i++)
        m.people[i] = (struct admin_person){a_str(TS_ID_MAX), UINT32_MAX};
    assert_int_equal(admin_ticket_send(&out, &m), TS_OK);
    m.object.len++;
    assert_int_equal(admin_ticket_send(&out, &m), TS_E_LIMIT);
    m.object.len = 0;
    assert_int_equal(admin_ticket_send(&out, &m), TS_E_INVALID);
    m.object.len = 1;
    m.people_count++;
    assert_int_equal(admin_ticket_send(&out, &m), TS_E_LIMIT);
    m.people_count--;
    m.people[3].rules = 0; /* nobody counts for nothing */
    assert_int_equal(admin_ticket_send(&out, &m), TS_E_INVALID);
    m.people[3] = (struct admin_person){a_str(TS_ID_MAX + 1), 1};
    assert_int_equal(admin_ticket_send(&out, &m), TS_E_INVALID);
}

static void answers_follow_their_rules(void **state)
{
    struct admin_answer a = {.answer = {.ptr = raw, .len = TS_APPROVAL_MAX}};
    struct admin_answered m = {.code = TS_STR_LIT("ok"),
                               .state = TS_STR_LIT("granted")};
    struct admin_ticket_news n = {.tenant = TS_STR_LIT("acme"),
                                  .what = TS_STR_LIT("expired"),
                                  .people = TS_PEOPLE_MAX};

    (void)state;
    assert_int_equal(admin_answer_send(&out, &a), TS_OK);
    a.answer.len++;
    assert_int_equal(admin_answer_send(&out, &a), TS_E_LIMIT);
    a.answer.len = 0;
    assert_int_equal(admin_answer_send(&out, &a), TS_E_INVALID);
    assert_int_equal(admin_answered_send(&out, &m), TS_OK);
    m.state = TS_STR_LIT("maybe");
    assert_int_equal(admin_answered_send(&out, &m), TS_E_INVALID);
    m.state = TS_STR_LIT("none");
    m.code = TS_STR_LIT("LATE");
    assert_int_equal(admin_answered_send(&out, &m), TS_E_INVALID);
    assert_int_equal(admin_ticket_news_send(&out, &n), TS_OK);
    n.people++;
    assert_int_equal(admin_ticket_news_send(&out, &n), TS_E_LIMIT);
    n.people = 0;
    n.tenant.len = 0;
    assert_int_equal(admin_ticket_news_send(&out, &n), TS_E_INVALID);
}

static void escalations_follow_their_rules(void **state)
{
    struct admin_escalate a = {
        .object = {.ptr = raw, .len = TS_ESCALATION_MAX}};
    struct admin_escalation m = {.tenant = TS_STR_LIT("acme"),
                                 .user = TS_STR_LIT("alice"),
                                 .agent = TS_STR_LIT("coder"),
                                 .task = TS_STR_LIT("t1"),
                                 .state = TS_STR_LIT("active"),
                                 .used = 1,
                                 .max_uses = 1};

    (void)state;
    assert_int_equal(admin_escalate_send(&out, &a), TS_OK);
    a.object.len++;
    assert_int_equal(admin_escalate_send(&out, &a), TS_E_LIMIT);
    a.object.len = 0;
    assert_int_equal(admin_escalate_send(&out, &a), TS_E_INVALID);
    assert_int_equal(admin_escalation_send(&out, &m), TS_OK);
    m.used = 2; /* never more than was signed */
    assert_int_equal(admin_escalation_send(&out, &m), TS_E_INVALID);
    m.used = 0;
    m.people_count = TS_PEOPLE_MAX + 1;
    assert_int_equal(admin_escalation_send(&out, &m), TS_E_LIMIT);
    m.people_count = 1; /* who has no name */
    assert_int_equal(admin_escalation_send(&out, &m), TS_E_INVALID);
    m.people_count = 0;
    m.task = TS_STR_LIT("");
    assert_int_equal(admin_escalation_send(&out, &m), TS_E_INVALID);
}

static void inline_max_goes_with_its_flag_and_is_bounded(void **state)
{
    static const uint8_t none[] = {0x80};
    struct msg_call m = {.seq = 1,
                         .tool = TS_STR_LIT("t"),
                         .args = {.ptr = none, .len = 1},
                         .inline_max = 1};

    (void)state;
    assert_int_equal(msg_call_send(&out, &m), TS_E_INVALID);
    m.flags = CALL_KEEP;
    assert_int_equal(msg_call_send(&out, &m), TS_OK);
    m.inline_max = TS_INLINE_MAX;
    assert_int_equal(msg_call_send(&out, &m), TS_OK);
    m.inline_max++;
    assert_int_equal(msg_call_send(&out, &m), TS_E_LIMIT);
    m.inline_max = 0;
    m.flags = 8; /* no such flag */
    assert_int_equal(msg_call_send(&out, &m), TS_E_INVALID);
}

static ts_err kept_with(const struct msg_outline *row, const char *ref)
{
    uint8_t items[1024];
    struct mp_writer w;
    struct msg_kept m = {.seq = 1, .ref = ts_str_of(ref), .count = 1};
    size_t len = 0;
    ts_err e;

    mp_writer_init(&w, items, sizeof(items));
    mp_write_array(&w, 1);
    msg_outline_write(&w, row);
    assert_int_equal(mp_written(&w, &len), TS_OK);
    m.items = (struct ts_bytes){.ptr = items, .len = len};
    e = msg_kept_send(&out, &m);
    return e;
}

static void kept_rows_say_what_they_may(void **state)
{
    const struct msg_outline good = {.pattern = TS_STR_LIT("/a"),
                                     .type = OUTLINE_STRING,
                                     .count = 1,
                                     .min = 1,
                                     .max = 2,
                                     .source = OUTLINE_TRUSTED};
    static char long_pattern[TS_OUTLINE_PATTERN_MAX + 1] = "/";
    struct msg_outline row = good;

    (void)state;
    assert_int_equal(kept_with(&good, "call-1"), TS_OK);
    assert_int_equal(kept_with(&good, ""), TS_E_INVALID); /* of what? */
    assert_int_equal(kept_with(&good, "call-01"), TS_E_INVALID);
    row.pattern = TS_STR_LIT("a");
    assert_int_equal(kept_with(&row, "call-1"), TS_E_INVALID);
    memset(long_pattern + 1, 'x', sizeof(long_pattern) - 1);
    row.pattern = (struct ts_str){long_pattern, sizeof(long_pattern)};
    assert_int_equal(kept_with(&row, "call-1"), TS_E_LIMIT);
    row = good;
    row.min = 3; /* more than the most */
    assert_int_equal(kept_with(&row, "call-1"), TS_E_INVALID);
    row = good;
    row.secret = true; /* and its length told */
    assert_int_equal(kept_with(&row, "call-1"), TS_E_INVALID);
    row.min = row.max = 0;
    assert_int_equal(kept_with(&row, "call-1"), TS_OK);
    row.count = 0;
    assert_int_equal(kept_with(&row, "call-1"), TS_E_INVALID);
    row = good;
    row.type = OUTLINE_NUMBER; /* has no length */
    assert_int_equal(kept_with(&row, "call-1"), TS_E_INVALID);
    row = good;
    row.type = (enum outline_type)0;
    assert_int_equal(kept_with(&row, "call-1"), TS_E_INVALID);
    row = good;
    row.source = (enum outline_source)0;
    assert_int_equal(kept_with(&row, "call-1"), TS_E_INVALID);
}

static void result_reason_and_code_must_agree(void **state)
{
    struct msg_result m = {.seq = 1,
                           .reason = TS_STR_LIT("refused"),
                           .code = TS_STR_LIT("launch_failed")};

    (void)state;
    assert_int_equal(msg_result_send(&out, &m), TS_OK);
    m.code = TS_STR_LIT("permitted");
    assert_int_equal(msg_result_send(&out, &m), TS_E_INVALID);
    m.reason = TS_STR_LIT("wall_limit");
    assert_int_equal(msg_result_send(&out, &m), TS_OK);
    m.reason = TS_STR_LIT("unheard_of");
    assert_int_equal(msg_result_send(&out, &m), TS_E_INVALID);
    m.reason = TS_STR_LIT("exited");
    m.exit_code = 256;
    assert_int_equal(msg_result_send(&out, &m), TS_E_LIMIT);
    m.exit_code = 255;
    m.signal = MSG_SIGNAL_MAX + 1;
    assert_int_equal(msg_result_send(&out, &m), TS_E_LIMIT);
}

static void result_ref_is_a_call_name_or_nothing(void **state)
{
    static const char *const bad[] = {"call-",   "call-0",          "call-01",
                                      "Call-1",  "call-1a",         "1",
                                      "call--1", "call-12345678901"};
    struct msg_result m = {.seq = 1,
                           .reason = TS_STR_LIT("exited"),
                           .code = TS_STR_LIT("permitted")};

    (void)state;
    assert_int_equal(msg_result_send(&out, &m), TS_OK);
    m.ref = TS_STR_LIT("call-4294967295");
    assert_int_equal(msg_result_send(&out, &m), TS_OK);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        m.ref = ts_str_of(bad[i]);
        assert_int_equal(msg_result_send(&out, &m), TS_E_INVALID);
    }
}

static void window_and_ping_at_and_over_their_limits(void **state)
{
    struct msg_window w = {.seq = 1, .bytes = TS_STDIN_WINDOW};
    struct msg_ping p = {.token = {raw, TS_PING_MAX}};

    (void)state;
    assert_int_equal(msg_window_send(&out, &w), TS_OK);
    w.bytes++;
    assert_int_equal(msg_window_send(&out, &w), TS_E_LIMIT);
    w.bytes = 0;
    assert_int_equal(msg_window_send(&out, &w), TS_E_LIMIT);
    assert_int_equal(msg_ping_send(&out, &p), TS_OK);
    p.token.len++;
    assert_int_equal(msg_ping_send(&out, &p), TS_E_LIMIT);
}

static void signed_objects_at_and_over_their_limits(void **state)
{
    struct msg_revoke m = {.record = {(const uint8_t *)text, TS_REVOCATION_MAX},
                           .chain = {(const uint8_t *)text, TS_CHAIN_MAX}};
    struct admin_revoke r = {
        .record = {(const uint8_t *)text, TS_REVOCATION_MAX}};

    (void)state;
    assert_int_equal(msg_revoke_send(&out, &m), TS_OK);
    assert_int_equal(admin_revoke_send(&out, &r), TS_OK);
    assert_true(out.len < 2 * TS_FRAME_PREAUTH);
    m.chain.len++;
    assert_int_equal(msg_revoke_send(&out, &m), TS_E_LIMIT);
    m.chain.len = 0;
    assert_int_equal(msg_revoke_send(&out, &m), TS_E_INVALID);
    m.chain.len = 1;
    m.record.len++;
    assert_int_equal(msg_revoke_send(&out, &m), TS_E_LIMIT);
    m.record.len = 0;
    assert_int_equal(msg_revoke_send(&out, &m), TS_E_INVALID);
    r.record.len++;
    assert_int_equal(admin_revoke_send(&out, &r), TS_E_LIMIT);
    r.record.len = 0;
    assert_int_equal(admin_revoke_send(&out, &r), TS_E_INVALID);
}

/* The one message that is megabytes long, and no other type may be. */
static void feed_carries_the_largest_directory(void **state)
{
    uint8_t *big = calloc(1, TS_SNAPSHOT_MAX + 1);
    struct admin_feed m = {FEED_SNAPSHOT, {big, TS_SNAPSHOT_MAX}}, got;
    struct ts_buf wide;
    const char *what = NULL;

    (void)state;
    assert_non_null(big);
    ts_buf_init(&wide, 2 * (size_t)TS_SNAPSHOT_MAX);
    assert_int_equal(admin_feed_send(&wide, &m), TS_OK);
    assert_true(wide.len - TS_FRAME_HEAD <= admin_body_max(ADMIN_FEED));
    assert_int_equal(admin_feed_decode(ts_buf_bytes(&wide) + TS_FRAME_HEAD,
                                       wide.len - TS_FRAME_HEAD, &got, &what),
                     TS_OK);
    assert_int_equal(got.object.len, TS_SNAPSHOT_MAX);
    m.object.len++;
    assert_int_equal(admin_feed_send(&wide, &m), TS_E_LIMIT);
    m.object.len = 0;
    assert_int_equal(admin_feed_send(&wide, &m), TS_E_INVALID);
    m = (struct admin_feed){(enum feed_what)3, {big, 1}};
    assert_int_equal(admin_feed_send(&wide, &m), TS_E_INVALID);
    for (int type = 0; type < 256; type++)
        assert_true(type == ADMIN_FEED ||
                    admin_body_max((uint8_t)type) <= 4096);
    ts_buf_done(&wide);
    free(big);
}

static void admin_text_is_one_line_within_a_frame(void **state)
{
    struct admin_text m = {.text = a_str(TS_FRAME_MAX - 16)};

    (void)state;
    assert_int_equal(admin_text_send(&out, ADMIN_LINE, &m), TS_OK);
    assert_int_equal(admin_text_send(&out, ADMIN_ACK, &m), TS_E_INVALID);
    m.text.len++;
    assert_int_equal(admin_text_send(&out, ADMIN_LINE, &m), TS_E_LIMIT);
    m.text = TS_STR_LIT("two\nlines");
    assert_int_equal(admin_text_send(&out, ADMIN_LINE, &m), TS_E_INVALID);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(call_args_at_and_over_their_limits),
        T(call_tool_name_follows_the_rule),
        T(call_traceparent_follows_w3c),
        T(call_small_fields_at_and_over_their_limits),
        T(call_unsigned_part_is_the_body_up_to_sig),
        T(check_of_every_count_walks_back),
        T(check_of_none_or_too_many_is_refused),
        T(stream_chunks_at_and_over_their_limit),
        T(verdict_and_code_must_agree),
        T(only_a_pending_decision_expires),
        T(call_hold_at_and_over_its_limit),
        T(ticket_of_people_at_and_over_its_limits),
        T(answers_follow_their_rules),
        T(escalations_follow_their_rules),
        T(inline_max_goes_with_its_flag_and_is_bounded),
        T(kept_rows_say_what_they_may),
        T(result_reason_and_code_must_agree),
        T(result_ref_is_a_call_name_or_nothing),
        T(window_and_ping_at_and_over_their_limits),
        T(signed_objects_at_and_over_their_limits),
        T(feed_carries_the_largest_directory),
        T(admin_text_is_one_line_within_a_frame),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
