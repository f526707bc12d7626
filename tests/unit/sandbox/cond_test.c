#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <string.h>

#include "sidecar/sandbox/cond.h"

static void cond_of_each_shape_holds_for_what_it_says(void **s)
{
    static const struct {
        const char *call, *text;
        uint64_t args[SANDBOX_ARGS];
        bool holds;
    } cases[] = {
        {"ioctl", "arg1 == TIOCSTI", {0, 0x5412}, true},
        {"ioctl", "arg1 == TIOCSTI", {0, 0x5412 | 1ull << 32}, true},
        {"ioctl", "arg1 in TCGETS 0x5421", {0, 0x5421}, true},
        {"ioctl", "arg1 in TCGETS 0x5421", {0, 0x5422}, false},
        {"ioctl", "arg1 not in TCGETS 0x5421", {0, 0x5422}, true},
        {"prctl", "arg0 == 1 and arg1 == 9", {1, 9}, true},
        {"prctl", "arg0 == 1 and arg1 == 9", {1, 9 | 1ull << 40}, false},
        {"clone", "arg0 & CLONE_NEWUSER|CLONE_NEWNS == 0", {0x11}, true},
        {"clone", "arg0 & CLONE_NEWUSER|CLONE_NEWNS != 0", {0x10000000}, true},
        {"openat", "arg2 & O_CREAT|__O_TMPFILE == 0", {0, 0, 0101}, false},
        {"unshare", "arg0 & ~CLONE_FILES == 0", {1ull << 32}, false},
        {"getpid",
         "u64 arg5 == 0xfedcba9876543210",
         {0, 0, 0, 0, 0, 0xfedcba9876543210},
         true},
        {"getpid", "u32 arg5 == 0o17", {0, 0, 0, 0, 0, 15 | 1ull << 63}, true},
    };

    (void)s;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ts_arena a;
        struct sandbox_clause c, again;
        struct sandbox_why why = {""};
        char text[512];
        bool holds = true;

        ts_arena_init(&a, 1 << 16);
        assert_int_equal(sandbox_cond_parse(cases[i].call,
                                            ts_str_of(cases[i].text), &a, &c,
                                            &why),
                         TS_OK);
        for (uint32_t k = 0; k < c.count; k++)
            holds = holds && sandbox_cond_holds(&c.conds[k], cases[i].args);
        if (holds != cases[i].holds)
            fail_msg("%s", cases[i].text);
        /* what is printed is read as the same */
        (void)sandbox_clause_print(&c, text, sizeof(text));
        assert_int_equal(sandbox_cond_parse(cases[i].call, ts_str_of(text), &a,
                                            &again, &why),
                         TS_OK);
        assert_true(sandbox_call_equal(
            &(struct sandbox_call){.clauses = &c, .count = 1},
            &(struct sandbox_call){.clauses = &again, .count = 1}));
        ts_arena_done(&a);
    }
}

static void cond_that_is_wrong_is_refused_with_a_remedy(void **s)
{
    static const struct {
        const char *call, *text, *says;
    } cases[] = {
        {"ioctl", "", "expected arg0 to arg5"},
        {"ioctl", "arg6 == 1", "expected arg0 to arg5, not \"arg6\""},
        {"ioctl", "arg1", "expected ==, !=, in or not in"},
        {"ioctl", "arg1 =", "expected ==, !=, in or not in"},
        {"ioctl", "arg1 ==", "a value is missing"},
        {"ioctl", "arg1 == TIOCST", "did you mean TIOCSTI?"},
        {"ioctl", "arg1 == 08", "is no known value"},
        {"ioctl", "arg1 == 1|", "a value is missing after \"|\""},
        {"ioctl", "arg1 == 1 2", "expected \"and\" or the end, not \"2\""},
        {"ioctl", "arg1 == 1 and", "expected arg0 to arg5"},
        {"ioctl", "arg1 == 0x100000000", "can never be"},
        {"ioctl", "arg1 & 0xf == 0x10", "can never be"},
        {"ioctl", "arg1 & 0 == 0", "a mask without any bit"},
        {"ioctl", "u64 arg1 == 1", "reads 32 bits of argument 1 of ioctl"},
        {"ioctl", "arg1 in 1 1", "stands twice"},
        {"ioctl", "arg1 not 1", "expected \"in\" after \"not\""},
        {"getpid", "arg0 == 1", "write u32 arg0 or u64 arg0"},
        {"ioctl", "arg1 == 99999999999999999999", "is no known value"},
    };

    (void)s;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ts_arena a;
        struct sandbox_clause c = {.count = 77};
        struct sandbox_why why = {""};

        ts_arena_init(&a, 1 << 16);
        assert_int_equal(sandbox_cond_parse(cases[i].call,
                                            ts_str_of(cases[i].text), &a, &c,
                                            &why),
                         TS_E_FORMAT);
        if (strstr(why.text, cases[i].says) == NULL)
            fail_msg("%s: \"%s\" does not say \"%s\"", cases[i].text, why.text,
                     cases[i].says);
        assert_int_equal(c.count, 77); /* untouched */
        ts_arena_done(&a);
    }
}

static void arg_bits_of_calls_are_what_the_kernel_reads(void **s)
{
    (void)s;
    assert_int_equal(sandbox_arg_bits("ioctl", 1), 32);
    assert_int_equal(sandbox_arg_bits("ioctl", 2), 64);
    assert_int_equal(sandbox_arg_bits("ioctl", 3), 0);
    assert_int_equal(sandbox_arg_bits("clone", 0), 64);
    assert_int_equal(sandbox_arg_bits("nothing", 0), 0);
}

static void call_equal_sees_every_difference(void **s)
{
    static const uint64_t one[] = {1}, two[] = {2}, both[] = {1, 2};
    static const struct sandbox_cond base = {
        .arg = 1, .mask = 0xff, .values = one, .count = 1};
    struct sandbox_cond other[6] = {base, base, base, base, base, base};
    const struct sandbox_clause k = {&base, 1, SANDBOX_ALLOW};
    const struct sandbox_call c = {&k, 1, SANDBOX_KILL};
    struct sandbox_clause changed = k;
    struct sandbox_call d = {&changed, 1, SANDBOX_KILL};

    (void)s;
    other[0].arg = 2;
    other[1].is32 = true;
    other[2].differs = true;
    other[3].mask = 0xfe;
    other[4].values = two;
    other[5].values = both;
    other[5].count = 2;
    assert_true(sandbox_call_equal(&c, &d));
    for (int i = 0; i < 6; i++) {
        changed.conds = &other[i];
        assert_false(sandbox_call_equal(&c, &d));
    }
    changed = (struct sandbox_clause){&base, 1, SANDBOX_KILL};
    assert_false(sandbox_call_equal(&c, &d));
    changed = (struct sandbox_clause){&base, 0, SANDBOX_ALLOW};
    assert_false(sandbox_call_equal(&c, &d));
    changed = k;
    d.action = SANDBOX_ALLOW;
    assert_false(sandbox_call_equal(&c, &d));
    d = c;
    d.count = 0;
    assert_false(sandbox_call_equal(&c, &d));
    assert_false(sandbox_call_equal(&c, NULL));
    assert_true(sandbox_call_equal(NULL, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cond_of_each_shape_holds_for_what_it_says),
        cmocka_unit_test(cond_that_is_wrong_is_refused_with_a_remedy),
        cmocka_unit_test(call_equal_sees_every_difference),
        cmocka_unit_test(arg_bits_of_calls_are_what_the_kernel_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
