/* Handles among arguments: what is put in, with which provenance, and what is
 * refused with the name of the argument. */
#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <string.h>

#include "proto/wire/mp_read.h"
#include "proto/wire/mp_write.h"
#include "sidecar/gate/decide/handles.h"
#include "tests/lib/fault_mem.h"

static struct prov_tasks *all;
static struct prov_task *task;
static struct ts_arena arena;
static char why[256];

#define S(text)                                                                \
    {                                                                          \
        .ptr = (text), .len = sizeof(text) - 1                                 \
    }
static const struct ts_str stranger[] = {S("/*/body")};
static const struct prov_output_rules mail = {
    .is_json = true,
    .is_trusted = true,
    .untrusted = {.list = stranger, .count = 1},
    .level = PROV_PRIVATE};

static int setup(void **state)
{
    static const uint8_t id[16] = "grant";
    const struct prov_grant g = {.tenant = TS_STR_LIT("acme"),
                                 .grant_id = id,
                                 .issued_s = 100,
                                 .expires_s = 200};
    struct prov_output o = {
        .tool = TS_STR_LIT("mail.list"),
        .rules = &mail,
        .bytes = TS_STR_LIT(
            "[{\"from\": \"b\\u00f6b@example.com\", \"n\": -31, \"x\": 1.5,"
            " \"big\": 1e400, \"yes\": true, \"no\": null,"
            " \"body\": \"mallory\", \"to\": [\"a\", \"b\"],"
            " \"twice\": {\"k\": 1, \"k\": 2},"
            " \"deep\": [[[[[[[[[1]]]]]]]]]}]"),
        .is_whole = true};

    (void)state;
    ts_arena_init(&arena, 8u << 20);
    if (prov_tasks_new(PROV_STORE_BYTES, &all) != TS_OK ||
        prov_tasks_open(all, &g, 100, 100, &task) != TS_OK)
        return -1;
    o.call = prov_task_began(task);
    assert_int_equal(prov_task_output(task, &o), PROV_OUTPUT_LEAVES);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fault_mem_disarm();
    ts_arena_done(&arena);
    prov_task_close(task);
    prov_tasks_free(all);
    return 0;
}

static void ref(struct mp_writer *w, const char *call, const char *path)
{
    mp_write_map(w, 2);
    mp_write_cstr(w, "$ref");
    mp_write_cstr(w, call);
    mp_write_cstr(w, "path");
    mp_write_cstr(w, path);
}

static struct ts_bytes done(const struct mp_writer *w)
{
    size_t len = 0;

    assert_int_equal(mp_written(w, &len), TS_OK);
    return (struct ts_bytes){w->buf, len};
}

static ts_err one(const char *call, const char *path, struct resolved *ret)
{
    static uint8_t raw[4096];
    struct mp_writer w;

    mp_writer_init(&w, raw, sizeof(raw));
    mp_write_map(&w, 2);
    mp_write_cstr(&w, "a");
    mp_write_int(&w, 1);
    mp_write_cstr(&w, "to");
    ref(&w, call, path);
    return handles_resolve(task, done(&w), &arena, ret, why, sizeof(why));
}

static void handle_is_replaced_by_its_value(void **state)
{
    static const struct {
        const char *path;
        const void *bytes;
        size_t len;
        enum prov_source source;
    } rows[] = {
        {"/0/from",
         "\xb0"
         "b\xc3\xb6"
         "b@example.com",
         17, PROV_TRUSTED},
        {"/0/n", "\xe1", 1, PROV_TRUSTED},
        {"/0/x", "\xcb\x3f\xf8\0\0\0\0\0\0", 9, PROV_TRUSTED},
        {"/0/yes", "\xc3", 1, PROV_TRUSTED},
        {"/0/no", "\xc0", 1, PROV_TRUSTED},
        {"/0/body", "\xa7mallory", 8, PROV_UNTRUSTED},
        {"/0/to",
         "\x92\xa1"
         "a\xa1"
         "b",
         5, PROV_TRUSTED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        static const char head[] = "\x82\xa1"
                                   "a\x01\xa2to";
        struct resolved r;

        assert_int_equal(one("call-1", rows[i].path, &r), TS_OK);
        assert_int_equal(r.args.len, sizeof(head) - 1 + rows[i].len);
        assert_memory_equal(r.args.ptr, head, sizeof(head) - 1);
        assert_memory_equal(r.args.ptr + sizeof(head) - 1, rows[i].bytes,
                            rows[i].len);
        assert_int_equal(r.count, 1);
        assert_int_equal(r.list[0].item, HANDLE_WHOLE);
        assert_true(ts_str_eq_c(r.list[0].arg, "to"));
        assert_int_equal(r.list[0].seen.source, rows[i].source);
    }
}

static void handle_that_names_nothing_is_refused(void **state)
{
    static const struct {
        const char *call, *path, *says;
        enum call_code code;
        uint32_t number;
    } rows[] = {
        {"call-3", "/0/from", "no call of that number", CODE_HANDLE_UNKNOWN, 3},
        {"call-2", "", "no output that is still kept", CODE_HANDLE_GONE, 2},
        {"call-0", "/0/from", "\"call-N\"", CODE_HANDLE_MALFORMED, 0},
        {"3", "/0/from", "\"call-N\"", CODE_HANDLE_MALFORMED, 0},
        {"call-1", "/0/nobody", "nothing stands at that path",
         CODE_HANDLE_NOTHING, 1},
        {"call-1", "0/from", "nothing stands at that path", CODE_HANDLE_NOTHING,
         1},
        {"call-1", "/0/twice/k", "its key twice", CODE_HANDLE_NOTHING, 1},
        {"call-1", "/0/deep", "nested too deeply", CODE_HANDLE_TOO_LARGE, 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct resolved r;

        if (i == 0) /* call-2 has begun, and no more is known of it */
            assert_int_equal(prov_task_began(task), 2);
        assert_int_equal(one(rows[i].call, rows[i].path, &r), TS_E_INVALID);
        assert_int_equal(r.refused, rows[i].code);
        assert_int_equal(r.refused_call, rows[i].number);
        assert_non_null(strstr(why, rows[i].says));
        assert_non_null(strstr(why, "argument \"to\""));
    }
}

static void handle_of_a_secret_that_is_kept_back_seals(void **state)
{
    struct prov_output_rules rules = {.is_trusted = true};
    struct prov_output o = {.tool = TS_STR_LIT("vault"),
                            .rules = &rules,
                            .bytes = TS_STR_LIT("x"),
                            .is_whole = true,
                            .is_withheld = true};
    static const struct {
        enum prov_confidentiality level;
        bool sealed, want;
    } rows[] = {{PROV_SECRET, true, true},
                {PROV_SECRET, false, false}, /* the agent could have had it */
                {PROV_PRIVATE, true, false}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char name[TS_REF_MAX + 1];
        struct resolved r;

        o.call = prov_task_began(task);
        o.is_sealed = rows[i].sealed;
        rules.level = rows[i].level;
        assert_int_equal(prov_task_output(task, &o), PROV_OUTPUT_KEPT_TEXT);
        (void)snprintf(name, sizeof(name), "call-%u", o.call);
        assert_int_equal(one(name, "", &r), TS_OK);
        assert_int_equal(call_handles_seal(r.list, r.count), rows[i].want);
    }
    assert_false(call_handles_seal(NULL, 0));
}

static void handles_of_a_list_are_of_their_items(void **state)
{
    uint8_t raw[1024];
    struct mp_writer w;
    struct resolved r;

    (void)state;
    mp_writer_init(&w, raw, sizeof(raw));
    mp_write_map(&w, 1);
    mp_write_cstr(&w, "to");
    mp_write_array(&w, 2);
    mp_write_cstr(&w, "x");
    ref(&w, "call-1", "/0/body");
    assert_int_equal(
        handles_resolve(task, done(&w), &arena, &r, why, sizeof(why)), TS_OK);
    assert_memory_equal(r.args.ptr, "\x81\xa2to\x92\xa1x\xa7mallory",
                        r.args.len);
    assert_int_equal(r.count, 1);
    assert_int_equal(r.list[0].item, 1);
    assert_true(ts_str_eq_c(r.list[0].seen.places[0], "mail.list:/*/body"));
}

static void arguments_without_a_handle_are_as_they_were(void **state)
{
    static const uint8_t plain[] = "\x81\xa2to\xa1x";
    const struct ts_bytes in = {plain, sizeof(plain) - 1};
    struct resolved r;

    (void)state;
    assert_int_equal(handles_resolve(NULL, in, &arena, &r, why, sizeof(why)),
                     TS_OK);
    assert_ptr_equal(r.args.ptr, plain);
    assert_int_equal(r.count, 0);
}

static void handle_of_another_form_is_refused(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
    } rows[] = {
        {"\x81\xa2to\x81\xa4$ref\xa6"
         "call-1",
         17},
        {"\x81\xa2to\x82\xa4$ref\x01\xa4path\xa0", 17},
        {"\x81\xa2to\x83\xa4$ref\xa6"
         "call-1\xa4path\xa0\xa1x\x01",
         26},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct ts_bytes in = {(const uint8_t *)rows[i].bytes,
                                    rows[i].len};
        struct resolved r;

        assert_int_equal(
            handles_resolve(task, in, &arena, &r, why, sizeof(why)),
            TS_E_INVALID);
    }
}

static void more_handles_than_allowed_are_refused(void **state)
{
    uint8_t raw[4096];
    struct mp_writer w;
    struct resolved r;

    (void)state;
    for (uint32_t n = CALL_HANDLES_MAX; n <= CALL_HANDLES_MAX + 1; n++) {
        mp_writer_init(&w, raw, sizeof(raw));
        mp_write_map(&w, 1);
        mp_write_cstr(&w, "to");
        mp_write_array(&w, n);
        for (uint32_t i = 0; i < n; i++)
            ref(&w, "call-1", "/0/n");
        assert_int_equal(
            handles_resolve(task, done(&w), &arena, &r, why, sizeof(why)),
            n == CALL_HANDLES_MAX ? TS_OK : TS_E_INVALID);
    }
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(handle_is_replaced_by_its_value),
        T(handle_that_names_nothing_is_refused),
        T(handles_of_a_list_are_of_their_items),
        T(handle_of_a_secret_that_is_kept_back_seals),
        T(arguments_without_a_handle_are_as_they_were),
        T(handle_of_another_form_is_refused),
        T(more_handles_than_allowed_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
