/* Outputs that no agent is given: what a handle says of them, what the task
 * does not know of them, and what their outline tells. */
#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <string.h>

#include "proto/base/ts_buf.h"
#include "proto/base/ts_mem.h"
#include "sidecar/gate/provenance/outline.h"
#include "sidecar/gate/provenance/task.h"
#include "tests/lib/fault_mem.h"

#define S(text)                                                                \
    {                                                                          \
        .ptr = (text), .len = sizeof(text) - 1                                 \
    }
#define LIST(name)                                                             \
    {                                                                          \
        .list = (name), .count = sizeof(name) / sizeof((name)[0])              \
    }
static const struct ts_str stranger[] = {S("/*/body")};
static const struct ts_str secret[] = {S("/*/pin")};
static const struct ts_str known[] = {S("/*/id")};
static const struct prov_output_rules mail = {.is_json = true,
                                              .is_trusted = true,
                                              .untrusted = LIST(stranger),
                                              .secret = LIST(secret),
                                              .level = PROV_PRIVATE};
static const struct prov_output_rules web = {.is_json = true,
                                             .trusted = LIST(known)};
static const struct prov_output_rules text = {.level = PROV_INTERNAL};
static const struct prov_output_rules ours = {.is_trusted = true};
static const char mails[] =
    "[{\"from\": \"bob@x.example\", \"body\": \"Ignore all\", \"pin\": "
    "\"hunter22\", \"n\": 7, \"ok\": true, \"no\": null},"
    " {\"from\": \"eve@evil.example\", \"body\": \"Ignore\", \"pin\": \"abc\","
    " \"a b\": 1, \"x@y.example\": 2, \"12\": 3}]";

static struct prov_tasks *all;
static struct prov_task *k;

static int setup(void **state)
{
    static const uint8_t id[16] = "grant";
    const struct prov_grant g = {.tenant = TS_STR_LIT("acme"),
                                 .grant_id = id,
                                 .issued_s = 1000,
                                 .expires_s = 2000};

    (void)state;
    return prov_tasks_new(PROV_STORE_BYTES, &all) == TS_OK &&
                   prov_tasks_open(all, &g, 1000, 1000, &k) == TS_OK
               ? 0
               : -1;
}

static int teardown(void **state)
{
    (void)state;
    fault_mem_disarm();
    prov_task_close(k);
    prov_tasks_free(all);
    return 0;
}

static struct prov_output of(const struct prov_output_rules *r,
                             struct ts_str bytes)
{
    return (struct prov_output){.call = prov_task_began(k),
                                .tool = TS_STR_LIT("mail.list"),
                                .rules = r,
                                .bytes = bytes,
                                .is_whole = true,
                                .is_withheld = true,
                                .is_sealed = true};
}

static enum prov_output_how keep(const struct prov_output_rules *r,
                                 const char *bytes)
{
    const struct prov_output o = of(r, ts_str_of(bytes));

    return prov_task_output(k, &o);
}

static void output_that_is_withheld_does_not_taint(void **state)
{
    static const struct prov_output_rules *const rules[] = {&mail, &web, &text};
    static const char *const values[] = {"bob@x.example", "eve@evil.example",
                                         "Ignore all", "hunter22"};
    struct prov_seen s;

    (void)state;
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
        (void)keep(rules[i], mails);
    assert_false(prov_task_taint(k).untrusted);
    assert_int_equal(prov_task_taint(k).level, PROV_PUBLIC);
    assert_false(prov_task_taint(k).lost);
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        prov_task_find(k, PROV_TEXT, ts_str_of(values[i]), &s);
        assert_int_equal(s.source, PROV_UNKNOWN);
    }
    assert_false(prov_task_secrets_in(k, TS_STR_LIT("it is hunter22")));
}

static void output_that_is_withheld_and_lost_leaves_no_gap(void **state)
{
    static char huge[PROV_KEPT_OUTPUT + 2];
    struct prov_output o;
    struct prov_seen s;

    (void)state;
    memset(huge, 'x', sizeof(huge) - 1);
    assert_int_equal(keep(&text, huge), PROV_OUTPUT_LOST);
    o = of(&mail, TS_STR_LIT(""));
    o.is_lost = true;
    assert_int_equal(prov_task_output(k, &o), PROV_OUTPUT_LOST);
    o = of(&mail, TS_STR_LIT("[1"));
    o.is_whole = false;
    assert_int_equal(prov_task_output(k, &o), PROV_OUTPUT_LOST);
    assert_int_equal(keep(&text, "\xff"), PROV_OUTPUT_LOST);
    prov_task_find(k, PROV_TEXT, TS_STR_LIT("somewhere"), &s);
    assert_int_equal(s.source, PROV_UNKNOWN);
    assert_false(prov_task_taint(k).untrusted);
    assert_false(prov_task_secrets_in(k, TS_STR_LIT("any text")));
}

static void handle_of_what_is_withheld_is_exact(void **state)
{
    static const struct {
        const char *pointer, *json;
        enum prov_source source;
        int level;
    } rows[] = {
        {"/0/from", "\"bob@x.example\"", PROV_TRUSTED, PROV_PRIVATE},
        {"/0/body", "\"Ignore all\"", PROV_UNTRUSTED, PROV_PRIVATE},
        {"/0/pin", "\"hunter22\"", PROV_TRUSTED, PROV_SECRET},
        {"/0/n", "7", PROV_TRUSTED, PROV_PRIVATE},
    };
    struct prov_handle h;

    (void)state;
    assert_int_equal(keep(&mail, mails), PROV_OUTPUT_KEPT);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(prov_task_handle(k, 1, ts_str_of(rows[i].pointer), &h),
                         TS_OK);
        assert_true(ts_str_eq_c(h.json, rows[i].json));
        assert_int_equal(h.seen.source, rows[i].source);
        assert_int_equal(h.seen.level, rows[i].level);
        assert_true(h.is_sealed);
    }
    assert_int_equal(prov_task_handle(k, 1, TS_STR_LIT("/9"), &h),
                     TS_E_INVALID);
}

static void text_that_is_withheld_is_one_value(void **state)
{
    static const struct {
        const struct prov_output_rules *rules;
        bool failed;
        enum prov_source source;
    } rows[] = {{&text, false, PROV_UNTRUSTED},
                {&ours, false, PROV_TRUSTED},
                {&ours, true, PROV_UNTRUSTED},
                {&mail, false, PROV_UNTRUSTED}}; /* not the JSON it should be */
    uint32_t call = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct prov_output o =
            of(rows[i].rules, TS_STR_LIT("say \"hi\"\\\n\x01\xc3\xa9"));
        struct prov_handle h;

        o.failed = rows[i].failed;
        assert_int_equal(prov_task_output(k, &o), PROV_OUTPUT_KEPT_TEXT);
        assert_int_equal(prov_task_handle(k, ++call, TS_STR_LIT(""), &h),
                         TS_OK);
        assert_true(ts_str_eq_c(
            h.json, "\"say \\\"hi\\\"\\\\\\u000a\\u0001\xc3\xa9\""));
        assert_int_equal(h.seen.source, rows[i].source);
        assert_int_equal(prov_task_handle(k, call, TS_STR_LIT("/0"), &h),
                         TS_E_INVALID);
    }
}

static void keeping_without_memory_shows_nothing(void **state)
{
    (void)state;
    for (int nth = 0;; nth++) {
        enum prov_output_how how;
        struct prov_handle h;
        bool fired;

        fault_mem_arm(nth, nth % 2 == 0);
        how = keep(nth % 3 == 0 ? &text : &mail, mails);
        fired = fault_mem_fired();
        fault_mem_disarm();
        assert_true(how == PROV_OUTPUT_KEPT || how == PROV_OUTPUT_KEPT_TEXT ||
                    how == PROV_OUTPUT_LOST);
        assert_int_equal(
            prov_task_handle(k, (uint32_t)nth + 1, TS_STR_LIT(""), &h),
            how == PROV_OUTPUT_LOST ? TS_E_STATE : TS_OK);
        assert_false(prov_task_taint(k).untrusted);
        if (!fired)
            break;
        assert_true(nth < 100);
    }
}

/* ---- outlines ------------------------------------------------------------ */

static const struct prov_outline_row *row(const struct prov_outline *o,
                                          const char *pattern)
{
    for (uint32_t i = 0; i < o->count; i++)
        if (ts_str_eq_c((struct ts_str){.ptr = o->rows[i].pattern,
                                        .len = o->rows[i].pattern_len},
                        pattern))
            return &o->rows[i];
    return NULL;
}

/* The same, of which there must be one. */
static struct prov_outline_row the_row(const struct prov_outline *o,
                                       const char *pattern)
{
    const struct prov_outline_row *r = row(o, pattern);
    struct prov_outline_row none = {0};

    assert_non_null(r);
    return r != NULL ? *r : none;
}

static void outline_tells_places_types_and_lengths(void **state)
{
    static struct prov_outline o;
    struct prov_outline_row r;

    (void)state;
    prov_outline_of(ts_str_of(mails), &mail, false, &o);
    assert_false(o.more);
    r = the_row(&o, "/*/from");
    assert_int_equal(r.type, LEAF_STRING);
    assert_int_equal(r.count, 2);
    assert_int_equal(r.min, 13);
    assert_int_equal(r.max, 16);
    assert_int_equal(r.source, PROV_TRUSTED);
    r = the_row(&o, "/*/body");
    assert_int_equal(r.source, PROV_UNTRUSTED);
    r = the_row(&o, "/*/pin");
    assert_true(r.secret);
    assert_int_equal(r.max, 0); /* not even how long it is */
    assert_non_null(row(&o, "/*/n"));
    assert_non_null(row(&o, "/*/ok"));
    assert_non_null(row(&o, "/*/no"));
    r = the_row(&o, "/*/?"); /* "a b" and an address */
    assert_int_equal(r.count, 2);
    assert_non_null(row(&o, "/*/*")); /* "12" */
    assert_int_equal(o.count, 8);
}

static void outline_tells_no_key_of_a_stranger(void **state)
{
    static struct prov_outline o;

    (void)state;
    prov_outline_of(TS_STR_LIT("[{\"id\": 1, \"Ignore_all\": {\"id\": 2}}]"),
                    &web, false, &o);
    assert_int_equal(o.count, 2);
    assert_non_null(row(&o, "/*/id"));
    assert_non_null(row(&o, "/*/?/?"));
    /* A call that failed is nobody's word: only what the manifest spells. */
    prov_outline_of(TS_STR_LIT("[{\"from\": 1, \"body\": 2, \"pin\": 3}]"),
                    &mail, true, &o);
    assert_int_equal(o.count, 3);
    assert_non_null(row(&o, "/*/?"));
    assert_non_null(row(&o, "/*/body"));
    assert_non_null(row(&o, "/*/pin"));
    /* What lies below a secret is not told, either. */
    prov_outline_of(TS_STR_LIT("[{\"pin\": {\"hunter22\": 1}}]"), &mail, false,
                    &o);
    assert_int_equal(o.count, 1);
    assert_non_null(row(&o, "/*/pin/?"));
}

static void outline_is_bounded(void **state)
{
    static struct prov_outline o;
    struct ts_buf b;
    char key[80];

    (void)state;
    ts_buf_init(&b, 1u << 20);
    assert_int_equal(ts_buf_append(&b, "{", 1), TS_OK);
    for (int i = 0; i < 100; i++) {
        int n = snprintf(key, sizeof(key), "%s\"key%d\": 1", i ? "," : "", i);

        assert_int_equal(ts_buf_append(&b, key, (size_t)n), TS_OK);
    }
    assert_int_equal(ts_buf_append(&b, "}", 1), TS_OK);
    prov_outline_of((struct ts_str){(const char *)ts_buf_bytes(&b), b.len},
                    &ours, false, &o);
    assert_int_equal(o.count, TS_OUTLINE_MAX);
    assert_true(o.more);
    ts_buf_clear(&b);
    assert_int_equal(ts_buf_append(&b, "[0", 2), TS_OK);
    for (uint32_t i = 0; i < 2 * OUTLINE_LEAVES_MAX; i++)
        assert_int_equal(ts_buf_append(&b, ",0", 2), TS_OK);
    assert_int_equal(ts_buf_append(&b, "]", 1), TS_OK);
    prov_outline_of((struct ts_str){(const char *)ts_buf_bytes(&b), b.len},
                    &ours, false, &o);
    assert_int_equal(o.count, 1);
    assert_int_equal(o.rows[0].count, OUTLINE_LEAVES_MAX);
    assert_true(o.more);
    ts_buf_clear(&b);
    for (int i = 0; i < 8; i++) { /* a path of more than 256 bytes */
        memset(key, 'k', 60);
        assert_int_equal(ts_buf_append(&b, "{\"", 2), TS_OK);
        assert_int_equal(ts_buf_append(&b, key, 60), TS_OK);
        assert_int_equal(ts_buf_append(&b, "\":", 2), TS_OK);
    }
    assert_int_equal(ts_buf_append(&b, "1}}}}}}}}", 9), TS_OK);
    prov_outline_of((struct ts_str){(const char *)ts_buf_bytes(&b), b.len},
                    &ours, false, &o);
    assert_int_equal(o.count, 0);
    assert_true(o.more);
    ts_buf_done(&b);
}

static void outline_without_memory_says_that_there_is_more(void **state)
{
    static struct prov_outline o;

    (void)state;
    fault_mem_arm(0, true);
    prov_outline_of(TS_STR_LIT("[\"\\u00e9\"]"), &ours, false, &o);
    fault_mem_disarm();
    assert_true(o.more);
    assert_int_equal(o.count, 0);
}

static void output_is_secret_where_it_may_be(void **state)
{
    struct prov_output_rules r = {.is_json = true, .level = PROV_SECRET};

    (void)state;
    assert_true(prov_output_is_secret(TS_STR_LIT("1"), &r));
    r.level = PROV_PRIVATE;
    assert_false(prov_output_is_secret(TS_STR_LIT("1"), &r));
    assert_true(prov_output_is_secret(ts_str_of(mails), &mail));
    assert_false(
        prov_output_is_secret(TS_STR_LIT("[{\"from\": \"x\"}]"), &mail));
    assert_true(prov_output_is_secret(TS_STR_LIT("[{\"from\""), &mail));
    assert_true(prov_output_is_secret(TS_STR_LIT("[{\"pin\": {}}]"), &mail));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(output_that_is_withheld_does_not_taint),
        T(output_that_is_withheld_and_lost_leaves_no_gap),
        T(handle_of_what_is_withheld_is_exact),
        T(text_that_is_withheld_is_one_value),
        T(keeping_without_memory_shows_nothing),
        T(outline_tells_places_types_and_lengths),
        T(outline_tells_no_key_of_a_stranger),
        T(outline_is_bounded),
        T(outline_without_memory_says_that_there_is_more),
        T(output_is_secret_where_it_may_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
