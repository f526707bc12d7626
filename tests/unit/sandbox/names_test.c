#include "tests/lib/ts_test.h"

#include <string.h>

#include "sidecar/sandbox/names.h"

static void
names_of_custom_profiles_follow_in_the_order_of_their_files(void **s)
{
    static const char *const orders[][3] = {
        {"sandbox/zoo.yaml", "sandbox/a-b.yaml", "sandbox/a.yaml"},
        {"sandbox/a.yaml", "sandbox/zoo.yaml", "sandbox/a-b.yaml"},
        {"sandbox/a-b.yaml", "sandbox/a.yaml", "sandbox/zoo.yaml"},
    };

    (void)s;
    for (int i = 0; i < 3; i++) {
        struct sandbox_names n;
        const char *why = "";

        sandbox_names_init(&n);
        for (int k = 0; k < 3; k++)
            assert_int_equal(
                sandbox_names_add(&n, ts_str_of(orders[i][k]), &why), TS_OK);
        assert_int_equal(n.count, 8);
        assert_int_equal(sandbox_profile_index(&n, TS_STR_LIT("pure")), 0);
        assert_int_equal(sandbox_profile_index(&n, TS_STR_LIT("jit")), 4);
        assert_int_equal(sandbox_profile_index(&n, TS_STR_LIT("a-b")), 5);
        assert_int_equal(sandbox_profile_index(&n, TS_STR_LIT("a")), 6);
        assert_int_equal(sandbox_profile_index(&n, TS_STR_LIT("zoo")), 7);
        assert_int_equal(sandbox_profile_index(&n, TS_STR_LIT("")), -1);
        assert_int_equal(sandbox_profile_index(&n, TS_STR_LIT("strict")), -1);
    }
}

static void names_add_of_a_bad_name_says_what_to_do(void **s)
{
    static const char *const bad[] = {
        "sandbox/.yaml",
        "sandbox/a",
        "sandbox/A.yaml",
        "sandbox/a/b.yaml",
        "sandbox/files.yaml",
        "sandbox/strict.yaml",
        "sandbox/1.yaml",
        "tools/a.yaml",
        "",
        "sandbox/a.yml",
        "sandbox/-a.yaml",
        "sandbox/abcdefghijklmnopqrstuvwxyzabcdefg.yaml",
    };

    (void)s;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct sandbox_names n;
        const char *why = "";

        sandbox_names_init(&n);
        assert_int_equal(sandbox_names_add(&n, ts_str_of(bad[i]), &why),
                         TS_E_INVALID);
        assert_true(strlen(why) > 20);
        assert_int_equal(n.count, SANDBOX_BUILTIN_COUNT);
    }
}

static void names_add_beyond_the_most_is_refused(void **s)
{
    struct sandbox_names n;
    const char *why = "";

    (void)s;
    sandbox_names_init(&n);
    for (char c = 'a'; n.count < TS_LAUNCHERS_MAX; c++) {
        char file[] = "sandbox/x.yaml";

        file[8] = c;
        assert_int_equal(sandbox_names_add(&n, ts_str_of(file), &why), TS_OK);
    }
    assert_int_equal(
        sandbox_names_add(&n, TS_STR_LIT("sandbox/more.yaml"), &why),
        TS_E_LIMIT);
    assert_int_equal(n.count, TS_LAUNCHERS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            names_of_custom_profiles_follow_in_the_order_of_their_files),
        cmocka_unit_test(names_add_of_a_bad_name_says_what_to_do),
        cmocka_unit_test(names_add_beyond_the_most_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
