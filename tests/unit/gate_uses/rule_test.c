#include "sidecar/gate/people/use_rule.h"

#include <stdio.h>
#include <string.h>

#include "tests/lib/fault_mem.h"
#include "tests/lib/ts_test.h"

static void fault_of_an_annotation_is_told(void **state)
{
    static const char *const good[][2] = {
        {"counts", "pay"},
        {"counts", "pay, mails.x-1"},
        {"sums", "spent=amount"},
        {"sums", "a=b , c = d"},
        {"title", "anything"},
        {"counts", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}};
    static const char *const bad[][2] = {
        {"counts", ""},
        {"counts", "pay,"},
        {"counts", "a b"},
        {"counts", "pay=amount"},
        {"counts", "p\xc3\xa4y"},
        {"sums", "spent"},
        {"sums", "=amount"},
        {"sums", "spent="},
        {"sums", "a=b=c"},
        {"sums", "a=/args/b"},
        {"counts", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}};

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_null(
            use_annotation_fault(ts_str_of(good[i][0]), ts_str_of(good[i][1])));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (use_annotation_fault(ts_str_of(bad[i][0]), ts_str_of(bad[i][1])) ==
            NULL)
            fail_msg("@%s(\"%s\") is taken", bad[i][0], bad[i][1]);
}

static struct cedar_policies *parse(const char *text)
{
    const struct cedar_source s = {.name = "p", .text = ts_str_of(text)};
    struct cedar_policies *p = NULL;

    assert_int_equal(
        cedar_policies_parse(&s, 1, &cedar_options_block, &p, NULL), TS_OK);
    return p;
}

static const char some[] =
    "@counts(\"pay,zz\") @sums(\"spent=amount\") permit(principal, action, "
    "resource);"
    "permit(principal, action, resource);"
    "@counts(\"pay\") permit(principal, action, resource);"
    "@sums(\"spent=total\") permit(principal, action, resource);";

static void rules_of_a_set_are_sorted_and_joined(void **state)
{
    struct cedar_policies *p = parse(some);
    const struct use_rules *r = NULL;
    struct ts_arena arena;

    (void)state;
    ts_arena_init(&arena, 65536);
    assert_int_equal(
        use_rules_make(p, (struct ts_bytes){.ptr = NULL}, &arena, &r), TS_OK);
    assert_int_equal(r->count, 3);
    assert_true(ts_str_eq_c(r->counters[0].name, "zz"));
    assert_true(ts_str_eq_c(r->counters[1].name, "pay"));
    assert_true(ts_str_eq_c(r->counters[2].name, "spent"));
    assert_int_equal(r->counters[2].kind, USE_AMOUNT);
    assert_int_equal(r->counters[2].arg_count, 2);
    assert_int_equal(r->masks[0], 7);
    assert_int_equal(r->masks[1], 0);
    assert_int_equal(r->masks[2], 2);
    assert_int_equal(r->masks[3], 4);
    cedar_policies_free(p);
    ts_arena_done(&arena);
}

/* The same name of two owners, or of two kinds, is two counters. */
static void id_differs_by_owner_kind_and_name(void **state)
{
    static const uint8_t one[32] = {1}, two[32] = {2};
    const struct ts_bytes owners[] = {{.ptr = NULL, .len = 0},
                                      {.ptr = one, .len = 32},
                                      {.ptr = two, .len = 32}};
    struct cedar_policies *p =
        parse("@counts(\"a,b\") @sums(\"a=x,b=x\") permit(principal, action, "
              "resource);");
    const struct use_rules *r[3];
    struct ts_arena arena;

    (void)state;
    ts_arena_init(&arena, 65536);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(use_rules_make(p, owners[i], &arena, &r[i]), TS_OK);
    for (size_t i = 0; i < 12; i++)
        for (size_t k = 0; k < 12; k++)
            assert_int_equal(memcmp(r[i / 4]->counters[i % 4].id,
                                    r[k / 4]->counters[k % 4].id, USE_ID) == 0,
                             i == k);
    cedar_policies_free(p);
    ts_arena_done(&arena);
}

static void rules_beyond_their_number_are_refused(void **state)
{
    (void)state;
    for (unsigned n = USE_COUNTERS_MAX - 1; n <= USE_COUNTERS_MAX + 1; n++) {
        char text[4096] = "";
        const struct use_rules *r = NULL;
        struct cedar_policies *p;
        struct ts_arena arena;

        for (unsigned i = 0; i < n; i++) {
            size_t at = strlen(text);

            (void)snprintf(text + at, sizeof(text) - at,
                           "@counts(\"c%u\") permit(principal, action, "
                           "resource);",
                           i);
        }
        p = parse(text);
        ts_arena_init(&arena, 65536);
        assert_int_equal(
            use_rules_make(p, (struct ts_bytes){.ptr = NULL}, &arena, &r),
            n > USE_COUNTERS_MAX ? TS_E_LIMIT : TS_OK);
        cedar_policies_free(p);
        ts_arena_done(&arena);
    }
}

static void set_that_counts_nothing_has_no_rules(void **state)
{
    struct cedar_policies *p =
        parse("@counts(\"a\") forbid(principal, action, resource);"
              "permit(principal, action, resource);");
    const struct use_rules *r = (const struct use_rules *)(const void *)some;
    struct ts_arena arena;

    (void)state;
    ts_arena_init(&arena, 65536);
    assert_int_equal(
        use_rules_make(p, (struct ts_bytes){.ptr = NULL}, &arena, &r), TS_OK);
    assert_null(r);
    cedar_policies_free(p);
    ts_arena_done(&arena);
}

static ts_err make_rules(const void *arg)
{
    const struct use_rules *r = NULL;
    struct ts_arena arena;
    ts_err e;

    ts_arena_init(&arena, 65536);
    e = use_rules_make(arg, (struct ts_bytes){.ptr = NULL}, &arena, &r);
    assert_int_equal(e == TS_OK, r != NULL);
    ts_arena_done(&arena);
    return e;
}

static void make_without_memory_fails_clean(void **state)
{
    struct cedar_policies *p = parse(some);

    (void)state;
    fault_mem_sweep(make_rules, p, TS_OK, 1);
    cedar_policies_free(p);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(fault_of_an_annotation_is_told),
        cmocka_unit_test(rules_of_a_set_are_sorted_and_joined),
        cmocka_unit_test(id_differs_by_owner_kind_and_name),
        cmocka_unit_test(rules_beyond_their_number_are_refused),
        cmocka_unit_test(set_that_counts_nothing_has_no_rules),
        cmocka_unit_test(make_without_memory_fails_clean),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
