/* A snapshot as text, and back. */
#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <string.h>

#include "cli/directory/source.h"
#include "sidecar/gate/people/directory_yaml.h"
#include "tests/lib/fault_mem.h"
#include "tests/unit/cli_directory/sample.h"

static void same_content(const struct directory_snapshot *a,
                         const struct directory_snapshot *b)
{
    uint8_t x[TRUST_HASH_LEN], y[TRUST_HASH_LEN];
    const char *what = "";
    uint32_t index;

    assert_int_equal(directory_content_hash(a, x, &what, &index), TS_OK);
    assert_int_equal(directory_content_hash(b, y, &what, &index), TS_OK);
    assert_memory_equal(x, y, sizeof(x));
}

static void read_back(const struct directory_snapshot *s,
                      struct ts_arena *arena, struct directory_snapshot *ret)
{
    struct bundle_file f = {.name = TS_STR_LIT("x.yaml")};
    char err[512] = "";
    const char *copy;
    struct ts_buf text;

    ts_buf_init(&text, 1 << 20);
    assert_int_equal(directory_source_write(s, &text), TS_OK);
    assert_int_equal(ts_arena_strndup(arena, (const char *)ts_buf_bytes(&text),
                                      text.len, &copy),
                     TS_OK);
    f.content = (struct ts_str){copy, text.len};
    if (directory_yaml_read(&f, arena, ret, err, sizeof(err)) != TS_OK)
        fail_msg("%s\n%s", err, copy);
    ret->tenant = s->tenant;
    ts_buf_done(&text);
}

static void source_the_sample_comes_back_the_same(void **state)
{
    struct directory_snapshot s, again, nobody = {.tenant = TS_STR_LIT("acme")};
    struct ts_arena arena;

    (void)state;
    ts_arena_init(&arena, 16 << 20);
    sample_snapshot(&arena, &s);
    read_back(&s, &arena, &again);
    assert_string_equal(sample_text(&again, &arena), sample_text(&s, &arena));
    same_content(&s, &again);
    read_back(&nobody, &arena, &again);
    same_content(&nobody, &again);
    ts_arena_done(&arena);
}

/* Names that YAML would read as something else, or not at all. */
static void source_every_odd_name_and_value_comes_back(void **state)
{
    static const char *const ids[] = {
        "null", "~x",   "true",       "no",  "0",   "00",   "1e3",
        "0x10", "-",    "-a",         "=",   "@a",  ":",    "a:",
        "a:b",  "a:/b", "+1",         "...", "---", "Null", ".inf",
        "1.5",  "a.b",  "2026-01-01", "a/b", "y",   "on",   "_x",
        "A",    "-1",   "<<",         "a=b", "b-",  "c/.d"};
    static const char *const values[] = {
        "x",
        " ",
        "\"",
        "\\",
        "'",
        "a: b # c",
        "- x",
        "\x01\x1f\x7f",
        "tab\there",
        "line\nbreak\r",
        "\xc2\x85\xc2\x9f\xc2\xa0",
        "\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa",
        "\xef\xbb\xbf",
        "\xef\xbf\xbd \xf0\x9f\x98\x80 \xc3\xa9",
        "{}[],&*!|>%@`",
        "null",
        "~",
    };
    struct ts_arena arena;
    size_t tried = 0;

    (void)state;
    ts_arena_init(&arena, 64 << 20);
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        for (size_t k = 0; k < sizeof(values) / sizeof(values[0]); k++) {
            const struct ts_str id = ts_str_of(ids[i]);
            const struct directory_attr attr = {TS_STR_LIT("a"),
                                                ts_str_of(values[k])};
            const struct directory_user user = {.id = id,
                                                .groups = &id,
                                                .group_count = 1,
                                                .attrs = &attr,
                                                .attr_count = 1};
            struct directory_snapshot again, s = {.tenant = TS_STR_LIT("acme"),
                                                  .users = &user,
                                                  .user_count = 1,
                                                  .seq = 1,
                                                  .not_after = 1};
            struct ts_buf body;
            const char *what = "";
            uint32_t index;

            ts_buf_init(&body, 4096);
            /* "~x" and "<<" are no ids: not all of the list are */
            if (directory_snapshot_encode(&s, &body, &what, &index) == TS_OK) {
                read_back(&s, &arena, &again);
                same_content(&s, &again);
                tried++;
            }
            ts_buf_done(&body);
        }
    }
    assert_true(tried > 400);
    ts_arena_done(&arena);
}

static void content_hash_number_and_times_do_not_count_people_do(void **state)
{
    struct directory_snapshot a, b;
    struct directory_user users[3];
    uint8_t x[TRUST_HASH_LEN], y[TRUST_HASH_LEN];
    struct ts_arena arena;
    const char *what = "";
    uint32_t index;

    (void)state;
    ts_arena_init(&arena, 16 << 20);
    sample_snapshot(&arena, &a);
    b = a;
    b.seq = 99;
    b.issued = 5;
    b.not_after = 6;
    same_content(&a, &b);
    memcpy(users, a.users, sizeof(users));
    users[2].active = true;
    b.users = users;
    assert_int_equal(directory_content_hash(&a, x, &what, &index), TS_OK);
    assert_int_equal(directory_content_hash(&b, y, &what, &index), TS_OK);
    assert_memory_not_equal(x, y, sizeof(x));
    users[2].id = TS_STR_LIT("aaa"); /* not in order any more */
    assert_int_equal(directory_content_hash(&b, y, &what, &index),
                     TS_E_INVALID);
    ts_arena_done(&arena);
}

static ts_err scenario(const void *arg)
{
    struct ts_buf text;
    ts_err e;

    ts_buf_init(&text, 1 << 20);
    e = directory_source_write(arg, &text);
    ts_buf_done(&text);
    return e;
}

static void source_memory_runs_out_anywhere_nothing_leaks(void **state)
{
    struct directory_snapshot s;
    struct ts_arena arena;

    (void)state;
    ts_arena_init(&arena, 16 << 20);
    sample_snapshot(&arena, &s);
    fault_mem_sweep(scenario, &s, TS_OK, 1);
    ts_arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(source_the_sample_comes_back_the_same),
        cmocka_unit_test(source_every_odd_name_and_value_comes_back),
        cmocka_unit_test(content_hash_number_and_times_do_not_count_people_do),
        cmocka_unit_test(source_memory_runs_out_anywhere_nothing_leaks),
    };

    return trust_init() == TS_OK ? cmocka_run_group_tests(tests, NULL, NULL)
                                 : 1;
}
