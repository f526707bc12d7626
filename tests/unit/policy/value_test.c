#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <string.h>

#include "policy/cedar.h"
#include "policy/core/ext.h"
#include "policy/core/pattern.h"
#include "policy/core/uidmap.h"
#include "policy/core/value.h"

static struct ts_arena arena;

static int setup(void **state)
{
    (void)state;
    ts_arena_init(&arena, 16 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ts_arena_done(&arena);
    return 0;
}

static struct cedar_value set_of(const struct cedar_value *v, size_t n)
{
    struct cedar_value s = {0};

    assert_int_equal(cedar_set_make(&arena, v, n, &s), TS_OK);
    return s;
}

static void set_make_sorts_and_drops_duplicates(void **state)
{
    struct cedar_value a[] = {cedar_long(3), cedar_long(1), cedar_long(3),
                              cedar_string(TS_STR_LIT("x")), cedar_bool(true)};
    struct cedar_value b[] = {cedar_bool(true), cedar_string(TS_STR_LIT("x")),
                              cedar_long(1), cedar_long(3)};
    struct cedar_value x = set_of(a, 5), y = set_of(b, 4);

    (void)state;
    assert_int_equal(cedar_set_count(x.as.set), 4);
    assert_true(cedar_value_eq(&x, &y));
    for (size_t i = 0; i < 5; i++)
        assert_true(cedar_set_has(x.as.set, &a[i]));
    a[0] = cedar_long(2);
    assert_false(cedar_set_has(x.as.set, &a[0]));
}

static void set_make_large_agrees_with_a_scan(void **state)
{
    static struct cedar_value v[5000];
    struct cedar_value s;
    uint64_t x = 7;

    (void)state;
    for (size_t i = 0; i < 5000; i++) {
        x = x * 6364136223846793005u + 1442695040888963407u;
        v[i] = cedar_long((int64_t)(x >> 33) % 3000);
    }
    s = set_of(v, 5000);
    for (size_t i = 1; i < cedar_set_count(s.as.set); i++)
        assert_true(cedar_set_at(s.as.set, i - 1)->as.integer <
                    cedar_set_at(s.as.set, i)->as.integer);
    for (int64_t k = 0; k < 3000; k++) {
        struct cedar_value want = cedar_long(k);
        bool found = false;

        for (size_t i = 0; i < 5000 && !found; i++)
            found = v[i].as.integer == k;
        assert_int_equal(cedar_set_has(s.as.set, &want), found);
    }
}

static void value_eq_across_kinds_is_false(void **state)
{
    struct cedar_uid uid = cedar_uid_make(TS_STR_LIT("U"), TS_STR_LIT("a"));
    struct cedar_value v[] = {cedar_bool(false),
                              cedar_long(0),
                              cedar_datetime_ms(0),
                              cedar_duration_ms(0),
                              cedar_entity(&uid),
                              cedar_string(TS_STR_LIT("a")),
                              set_of(NULL, 0),
                              {0},
                              {0},
                              {0}};

    (void)state;
    assert_int_equal(cedar_record_make(&arena, NULL, 0, &v[7]), TS_OK);
    assert_int_equal(cedar_decimal(TS_STR_LIT("0.0"), &v[8]), TS_OK);
    assert_int_equal(cedar_ipaddr(TS_STR_LIT("0.0.0.0"), &v[9]), TS_OK);
    for (size_t i = 0; i < 10; i++)
        for (size_t j = 0; j < 10; j++)
            assert_int_equal(cedar_value_eq(&v[i], &v[j]), i == j);
}

static void record_make_finds_every_key_and_refuses_two(void **state)
{
    struct cedar_field f[] = {{TS_STR_LIT("zeta"), cedar_long(1)},
                              {TS_STR_LIT("a"), cedar_long(2)},
                              {TS_STR_LIT("b"), cedar_long(3)},
                              {TS_STR_LIT(""), cedar_long(4)},
                              {TS_STR_LIT("a\0b"), cedar_long(5)}};
    struct cedar_value r = {0};

    (void)state;
    assert_int_equal(cedar_record_make(&arena, f, 5, &r), TS_OK);
    for (size_t i = 0; i < 5; i++) {
        const struct cedar_value *v = cedar_record_get(r.as.record, f[i].key);

        assert_non_null(v);
        assert_int_equal(v->as.integer, f[i].value.as.integer);
    }
    assert_null(cedar_record_get(r.as.record, TS_STR_LIT("c")));
    f[4].key = TS_STR_LIT("zeta");
    r.kind = CEDAR_NONE;
    assert_int_equal(cedar_record_make(&arena, f, 5, &r), TS_E_EXISTS);
    assert_int_equal(r.kind, CEDAR_NONE);
    f[4].value.kind = CEDAR_NONE;
    assert_int_equal(cedar_record_make(&arena, f, 5, &r), TS_E_INVALID);
}

static void set_make_too_deep_is_a_limit(void **state)
{
    struct cedar_value v = cedar_long(1);
    unsigned depth = 0;
    ts_err e;

    (void)state;
    while ((e = cedar_set_make(&arena, &v, 1, &v)) == TS_OK)
        depth++;
    assert_int_equal(e, TS_E_LIMIT);
    assert_int_equal(depth, 256);
    assert_true(cedar_value_eq(&v, &v));
}

/* Through the engine: text, value (as an attribute), text again, and then both
 * texts compared by Cedar's own ==. */
static void print_prints_what_parses_back(void **state)
{
    static const char *const rows[] = {
        "true",
        "-9223372036854775808",
        "\"a\\\"b\\\\c\\n\\u0000\\u202e\"",
        "{\"__entity\":{\"type\":\"A::B\",\"id\":\"x\\u0000y\"}}",
        "[1,2,\"x\",[],{}]",
        "{\"a\":1,\"if\":{\"b c\":[]},\"__cedar\":2}",
        "{\"__extn\":{\"fn\":\"decimal\",\"arg\":\"-0.5\"}}",
        "{\"__extn\":{\"fn\":\"ip\",\"arg\":\"10.0.0.1/24\"}}",
        "{\"__extn\":{\"fn\":\"ip\",\"arg\":\"1::ff/9\"}}",
        "{\"__extn\":{\"fn\":\"datetime\",\"arg\":\"2024-02-29\"}}",
        "{\"__extn\":{\"fn\":\"datetime\",\"arg\":\"0000-01-01\"}}",
        ("{\"__extn\":{\"fn\":\"datetime\",\"arg\":"
         "\"9999-12-31T23:59:59.999Z\"}}"),
        "{\"__extn\":{\"fn\":\"duration\",\"arg\":\"-9223372036854775808ms\"}}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char json[256], text[512], lit[256];
        struct cedar_source js = {.name = "j"}, src = {.name = "p"};
        struct cedar_request req = {
            .principal = cedar_uid_make(TS_STR_LIT("U"), TS_STR_LIT("a")),
            .action = cedar_uid_make(TS_STR_LIT("Action"), TS_STR_LIT("v")),
            .resource = cedar_uid_make(TS_STR_LIT("R"), TS_STR_LIT("r"))};
        struct cedar_policies *p = NULL;
        struct cedar_answer a;

        (void)snprintf(json, sizeof(json), "{\"v\":%s}", rows[i]);
        js.text = ts_str_of(json);
        assert_int_equal(cedar_value_parse(&arena, &js, &req.context, NULL),
                         TS_OK);
        (void)cedar_value_print(
            cedar_record_get(req.context.as.record, TS_STR_LIT("v")), lit,
            sizeof(lit));
        (void)snprintf(text, sizeof(text),
                       "permit(principal,action,resource) when { context.v == "
                       "%s };",
                       lit);
        src.text = ts_str_of(text);
        assert_int_equal(
            cedar_policies_parse(&src, 1, &cedar_options_block, &p, NULL),
            TS_OK);
        assert_int_equal(cedar_authorize(p, NULL, &req, &arena, &a), TS_OK);
        if (a.decision != CEDAR_ALLOW)
            fail_msg("%s", lit);
        cedar_policies_free(p);
    }
}

static void print_of_each_kind_is_cedar_text(void **state)
{
    struct cedar_uid uid =
        cedar_uid_make(TS_STR_LIT("A::B"), TS_STR_LIT("x\0y"));
    struct cedar_field f[] = {{TS_STR_LIT("if"), cedar_long(-1)},
                              {TS_STR_LIT("a"), cedar_bool(true)}};
    struct cedar_value v, items[2];
    char out[128];

    (void)state;
    v = cedar_entity(&uid);
    (void)cedar_value_print(&v, out, sizeof(out));
    assert_string_equal(out, "A::B::\"x\\x00y\"");
    assert_int_equal(cedar_record_make(&arena, f, 2, &v), TS_OK);
    (void)cedar_value_print(&v, out, sizeof(out));
    assert_string_equal(out, "{a: true, \"if\": -1}");
    assert_int_equal(cedar_decimal(TS_STR_LIT("-0.5"), &items[0]), TS_OK);
    assert_int_equal(cedar_ipaddr(TS_STR_LIT("10.0.0.1/24"), &items[1]), TS_OK);
    v = set_of(items, 2);
    (void)cedar_value_print(&v, out, sizeof(out));
    assert_string_equal(out, "[decimal(\"-0.5000\"), ip(\"10.0.0.1/24\")]");
    v = cedar_datetime_ms(1709210096789);
    (void)cedar_value_print(&v, out, sizeof(out));
    assert_string_equal(out, "datetime(\"2024-02-29T12:34:56.789Z\")");
    v = cedar_datetime_ms(INT64_MIN);
    (void)cedar_value_print(&v, out, sizeof(out));
    assert_non_null(strstr(out, "offset(duration(\"-9223372036854775808ms"));
}

static void print_never_exceeds_its_room(void **state)
{
    struct cedar_value v = cedar_string(
        TS_STR_LIT("a long string with \xc3\xa9 and \n and more of it"));
    char out[64];

    (void)state;
    for (size_t cap = 0; cap <= 60; cap++) {
        memset(out, 'Z', sizeof(out));
        size_t n = cedar_value_print(&v, out, cap);
        assert_true(cap == 0 || (n < cap && out[n] == '\0'));
        for (size_t i = cap; i < sizeof(out); i++)
            assert_int_equal(out[i], 'Z');
    }
}

/* All patterns and texts over a tiny alphabet, against the obvious recursion.
 */
static bool slow_match(const char *p, const char *s)
{
    if (*p == '\0')
        return *s == '\0';
    if (*p == '*')
        return slow_match(p + 1, s) || (*s != '\0' && slow_match(p, s + 1));
    return *p == *s && slow_match(p + 1, s + 1);
}

static bool fast_match(const char *p, const char *s)
{
    struct ts_str runs[8];
    uint32_t n = 0;
    const char *start = p;

    for (;; p++) {
        if (*p != '*' && *p != '\0')
            continue;
        runs[n++] = (struct ts_str){start, (size_t)(p - start)};
        start = p + 1;
        if (*p == '\0')
            break;
    }
    return cedar_pattern_match(
        &(struct cedar_pattern){.runs = runs, .count = n}, ts_str_of(s));
}

static void pattern_match_agrees_with_backtracking(void **state)
{
    char p[6], s[7];

    (void)state;
    for (unsigned i = 0; i < 4 * 4 * 4 * 4 * 4; i++) {
        for (unsigned k = 0, x = i; k < 5; k++, x /= 4)
            p[k] = "ab*"[x % 4 == 3 ? 2 : x % 4];
        p[i % 6] = '\0';
        p[5] = '\0';
        for (unsigned j = 0; j < 3 * 3 * 3 * 3 * 3 * 3; j++) {
            for (unsigned k = 0, x = j; k < 6; k++, x /= 3)
                s[k] = "ab\0"[x % 3];
            s[6] = '\0';
            if (slow_match(p, s) != fast_match(p, s))
                fail_msg("\"%s\" like \"%s\"", s, p);
        }
    }
}

static void uidmap_finds_all_even_when_hashes_collide(void **state)
{
    static struct cedar_uid uids[300];
    static char names[300][8];
    struct cedar_uidmap_entry entries[300];
    struct cedar_uid absent =
        cedar_uid_make(TS_STR_LIT("T"), TS_STR_LIT("none"));
    struct cedar_uidmap m = {0};

    (void)state;
    assert_int_equal(cedar_uidmap_find(&m, &absent), CEDAR_UIDMAP_NONE);
    for (unsigned round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < 300; i++) {
            (void)snprintf(names[i], sizeof(names[i]), "n%u", i);
            uids[i] = cedar_uid_make(TS_STR_LIT("T"), ts_str_of(names[i]));
            if (round == 1)
                uids[i].hash = absent.hash;
            entries[i] =
                (struct cedar_uidmap_entry){.uid = &uids[i], .value = i};
        }
        assert_int_equal(cedar_uidmap_build(&arena, entries, 300, &m), TS_OK);
        for (uint32_t i = 0; i < 300; i++)
            assert_int_equal(cedar_uidmap_find(&m, &uids[i]), i);
        assert_int_equal(cedar_uidmap_find(&m, &absent), CEDAR_UIDMAP_NONE);
    }
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

/* The copy is what cedar_record_make() would have made of the new fields. */
static void cedar_record_with_other_value_equals_a_new_record(void **state)
{
    struct ts_arena a;
    struct cedar_field f[] = {
        {TS_STR_LIT("a"), cedar_long(1)},
        {TS_STR_LIT("b"), cedar_string(TS_STR_LIT("x"))},
    };
    const struct cedar_value text =
        cedar_string(TS_STR_LIT("a text of more than sixty-four bytes, so that "
                                "its cost is not that of a short one"));
    const struct cedar_value none = {.kind = CEDAR_NONE};
    struct cedar_value old, want, got;

    (void)state;
    ts_arena_init(&a, 1 << 16);
    assert_int_equal(cedar_record_make(&a, f, 2, &old), TS_OK);
    for (size_t i = 0; i < 2; i++) {
        struct cedar_field g[] = {f[0], f[1]};

        g[i].value = text;
        assert_int_equal(cedar_record_make(&a, g, 2, &want), TS_OK);
        assert_int_equal(cedar_record_with(&a, old.as.record, i, &text, &got),
                         TS_OK);
        assert_true(cedar_value_eq(&got, &want));
        assert_int_equal(cedar_value_cost(&got), cedar_value_cost(&want));
        assert_int_equal(cedar_value_depth(&got), cedar_value_depth(&want));
        assert_false(cedar_value_eq(&got, &old)); /* which did not change */
    }
    assert_int_equal(cedar_record_with(&a, old.as.record, 2, &text, &got),
                     TS_E_INVALID);
    assert_int_equal(cedar_record_with(&a, old.as.record, 0, &none, &got),
                     TS_E_INVALID);
    assert_int_equal(cedar_record_with(&a, old.as.record, 0, &old, &got),
                     TS_E_INVALID);
    ts_arena_done(&a);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(set_make_sorts_and_drops_duplicates),
        T(set_make_large_agrees_with_a_scan),
        T(value_eq_across_kinds_is_false),
        T(record_make_finds_every_key_and_refuses_two),
        T(set_make_too_deep_is_a_limit),
        T(print_prints_what_parses_back),
        T(print_of_each_kind_is_cedar_text),
        T(print_never_exceeds_its_room),
        T(pattern_match_agrees_with_backtracking),
        T(uidmap_finds_all_even_when_hashes_collide),
        cmocka_unit_test(cedar_record_with_other_value_equals_a_new_record),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
