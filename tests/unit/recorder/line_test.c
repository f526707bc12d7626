/* Lines, their chain, the list of open launches, segment names. */
#include "tests/lib/ts_test.h"

#include <string.h>

#include "proto/wire/mp_write.h"
#include "sidecar/recorder/json_out.h"
#include "sidecar/recorder/line.h"
#include "sidecar/recorder/open.h"
#include "sidecar/recorder/record.h"
#include "sidecar/recorder/segment.h"
#include "tests/lib/fault_mem.h"

static uint8_t buf[64];
static char text[4096];

static struct record start_record(void)
{
    const char *what;
    struct mp_writer w;
    struct record r;
    size_t len;

    mp_writer_init(&w, buf, sizeof(buf));
    mp_write_map(&w, 2);
    mp_write_cstr(&w, "kind");
    mp_write_cstr(&w, "start");
    mp_write_cstr(&w, "x");
    mp_write_uint(&w, 5);
    assert_int_equal(mp_written(&w, &len), TS_OK);
    assert_int_equal(record_parse(buf, len, false, &r, &what), TS_OK);
    return r;
}

/* The hash was made by tests/oracle/verify_log.py's line_hash(). */
static void line_append_golden(void **state)
{
    static const char want[] =
        "{\"v\":1,\"seq\":1,\"time\":\"2026-11-22T00:00:00.000123Z\","
        "\"kind\":\"start\",\"x\":5,\"prev\":\"00000000000000000000000000000000"
        "00000000000000000000000000000000\"}\n";
    static const char hash[] =
        "d61b4c5149b7a1d71485143e82290704920ae3f0f7c33f44c151dfc564fc5c58";
    struct ts_json o = {.buf = text, .cap = sizeof(text)};
    struct record r = start_record();
    struct chain c = {0};
    char hex[65];

    (void)state;
    assert_int_equal(line_append(&o, &c, &r, 1795305600000123u), TS_OK);
    assert_int_equal(o.len, sizeof(want) - 1);
    assert_memory_equal(text, want, o.len);
    assert_int_equal(c.last_seq, 1);
    ts_hex_encode(hex, c.prev, 32);
    assert_string_equal(hex, hash);
}

static void line_append_without_room_changes_nothing(void **state)
{
    struct record r = start_record();
    struct chain c = {.last_seq = 41};

    (void)state;
    for (size_t cap = 0; cap < 180; cap++) {
        struct ts_json o = {.buf = text, .cap = cap};

        if (line_append(&o, &c, &r, 5) == TS_OK)
            break;
        assert_int_equal(o.len, 0);
        assert_false(o.full);
        assert_int_equal(c.last_seq, 41);
    }
    assert_int_equal(c.last_seq, 42);
}

static void line_time_covers_the_calendar(void **state)
{
    static const struct {
        uint64_t us;
        const char *text;
    } cases[] = {{0, "1970-01-01T00:00:00.000000Z"},
                 {951782400000000, "2000-02-29T00:00:00.000000Z"},
                 {253402300799999999, "9999-12-31T23:59:59.999999Z"}};
    char out[LINE_TIME];

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        line_time(out, cases[i].us);
        assert_string_equal(out, cases[i].text);
    }
    line_time(out, UINT64_MAX);
    assert_int_equal(strlen(out), LINE_TIME - 1);
}

/* Ten lines; a flip of any bit of any of them is seen at it or at the next. */
static void chain_follow_sees_every_flip(void **state)
{
    struct ts_json o = {.buf = text, .cap = sizeof(text)};
    struct record r = start_record();
    struct chain c = {0};
    size_t last_line;

    (void)state;
    for (int i = 0; i < 9; i++)
        assert_int_equal(line_append(&o, &c, &r, 1000 * (uint64_t)i), TS_OK);
    last_line = o.len;
    assert_int_equal(line_append(&o, &c, &r, 9000), TS_OK);
    for (size_t bit = 0; bit < last_line * 8; bit++) {
        struct chain at = {0};
        ts_err e = TS_OK;

        text[bit / 8] = (char)(text[bit / 8] ^ (1 << bit % 8));
        for (size_t from = 0; from < o.len && e == TS_OK;) {
            const char *nl = memchr(text + from, '\n', o.len - from);

            if (nl == NULL)
                break;
            e = chain_follow(&at, text + from, (size_t)(nl - text) - from);
            from = (size_t)(nl - text) + 1;
        }
        text[bit / 8] = (char)(text[bit / 8] ^ (1 << bit % 8));
        if (e == TS_OK)
            fail_msg("bit %zu was not seen", bit);
    }
}

static void line_view_every_truncation_is_format(void **state)
{
    struct ts_json o = {.buf = text, .cap = sizeof(text)};
    struct record r = start_record();
    struct chain c = {0};
    struct line_view v = {.seq = 77};

    (void)state;
    assert_int_equal(line_append(&o, &c, &r, 5), TS_OK);
    for (size_t n = 0; n < o.len - 1; n++)
        assert_int_equal(line_view(text, n, &v), TS_E_FORMAT);
    assert_int_equal(v.seq, 77);
    assert_int_equal(line_view(text, o.len - 1, &v), TS_OK);
    assert_int_equal(v.seq, 1);
    assert_true(ts_str_eq_c(v.kind, "start"));
}

static void segment_name_parse_accepts_only_our_names(void **state)
{
    static const char *const bad[] = {"log-00000000000000000000.jsonl",
                                      "log-0000000000000000001.jsonl",
                                      "log-000000000000000000001.jsonl",
                                      "log-99999999999999999999.jsonl",
                                      "log-0000000000000000000a.jsonl",
                                      "LOG-00000000000000000001.jsonl",
                                      "log-00000000000000000001.json",
                                      "",
                                      "reserve"};
    char name[SEGMENT_NAME];
    uint64_t v = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(segment_name_parse(bad[i], &v), TS_E_FORMAT);
    assert_int_equal(v, 0);
    segment_name(name, UINT64_MAX);
    assert_int_equal(segment_name_parse(name, &v), TS_OK);
    assert_true(v == UINT64_MAX);
}

static void open_add_remove_keep_the_rest(void **state)
{
    struct open_launches o = {0};
    struct ts_str t = TS_STR_LIT("t");

    (void)state;
    assert_int_equal(open_init(&o), TS_OK);
    for (uint32_t i = 0; i < OPEN_MAX; i++) {
        uint8_t id[16] = {(uint8_t)i, (uint8_t)(i >> 8)};

        assert_int_equal(open_add(&o, id, t, t, t, t), TS_OK);
        assert_int_equal(open_add(&o, id, t, t, t, t), TS_E_EXISTS);
    }
    {
        uint8_t id[16] = {1, 2, 3};

        assert_int_equal(open_add(&o, id, t, t, t, t), TS_E_LIMIT);
        assert_int_equal(open_remove(&o, id), TS_E_NOT_FOUND);
    }
    for (uint32_t i = 0; i < OPEN_MAX; i += 2) {
        uint8_t id[16] = {(uint8_t)i, (uint8_t)(i >> 8)};

        assert_int_equal(open_remove(&o, id), TS_OK);
        assert_int_equal(open_remove(&o, id), TS_E_NOT_FOUND);
    }
    assert_int_equal(o.count, OPEN_MAX / 2);
    for (uint32_t i = 1; i < OPEN_MAX; i += 2) {
        uint8_t id[16] = {(uint8_t)i, (uint8_t)(i >> 8)};

        assert_int_equal(open_remove(&o, id), TS_OK);
    }
    open_done(&o);
}

static void open_add_cuts_names_between_characters(void **state)
{
    static char name[] = "\xc3\xa9\xc3\xa9";
    struct open_launches o = {0};
    char longer[400];
    uint8_t id[16] = {1};

    (void)state;
    for (size_t i = 0; i < sizeof(longer); i++)
        longer[i] = name[i % 2];
    assert_int_equal(open_init(&o), TS_OK);
    for (size_t off = 0; off < 2; off++) {
        struct ts_str s = {.ptr = longer + 2, .len = 300};
        char first[320] = "a";

        memcpy(first + off, s.ptr, 300);
        s.ptr = first;
        assert_int_equal(open_add(&o, id, s, s, s, s), TS_OK);
        assert_true(
            ts_utf8_valid(o.names[0].tenant, strlen(o.names[0].tenant)));
        assert_true(strlen(o.names[0].tenant) >= TS_ID_MAX - 1);
        assert_int_equal(open_remove(&o, id), TS_OK);
    }
    open_done(&o);
}

static void open_init_out_of_memory_leaks_nothing(void **state)
{
    (void)state;
    for (int nth = 0;; nth++) {
        struct open_launches o = {0};
        ts_err e;

        fault_mem_arm(nth, nth % 2 == 0);
        e = open_init(&o);
        open_done(&o);
        assert_int_equal(fault_mem_live(), 0);
        if (!fault_mem_fired())
            break;
        assert_int_equal(e, TS_E_NOMEM);
    }
    fault_mem_disarm();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(line_append_golden),
        cmocka_unit_test(line_append_without_room_changes_nothing),
        cmocka_unit_test(line_time_covers_the_calendar),
        cmocka_unit_test(chain_follow_sees_every_flip),
        cmocka_unit_test(line_view_every_truncation_is_format),
        cmocka_unit_test(segment_name_parse_accepts_only_our_names),
        cmocka_unit_test(open_add_remove_keep_the_rest),
        cmocka_unit_test(open_add_cuts_names_between_characters),
        cmocka_unit_test(open_init_out_of_memory_leaks_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
