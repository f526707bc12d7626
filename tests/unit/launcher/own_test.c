/* A profile that would take from the launcher what it ends tools with, or runs
 * by, is refused when it is loaded. */
#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <string.h>

#include "sidecar/launcher/layers/filter_own.h"
#include "sidecar/sandbox/profile.h"

#define HEAD "name: mine\ndescription: mine\nextends: files\n"

static ts_err check(const char *text, char *why, size_t cap)
{
    const struct sandbox_source s = {"sandbox/mine.yaml", ts_str_of(text)};
    struct sandbox_profile *p;
    struct ts_arena a;
    ts_err e;

    why[0] = '\0';
    ts_arena_init(&a, SANDBOX_ARENA_BYTES);
    if (sandbox_profile_read(&s, &a, &p, why, cap) != TS_OK)
        fail_msg("%s", why);
    e = filter_own_check(p, s.file, why, cap);
    ts_arena_done(&a);
    return e;
}

static void says(const char *why, const char *what)
{
    if (strstr(why, what) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", why, what);
}

static void built_in_profiles_leave_the_launcher_its_calls(void **state)
{
    (void)state;
    for (int i = 0; i < SANDBOX_BUILTIN_COUNT; i++) {
        struct sandbox_profile *p;
        struct ts_arena a;
        char why[512] = "";

        ts_arena_init(&a, SANDBOX_ARENA_BYTES);
        assert_int_equal(sandbox_profile_builtin(
                             ts_str_of(sandbox_builtin_names[i]), &a, &p),
                         TS_OK);
        if (filter_own_check(p, "built-in", why, sizeof(why)) != TS_OK)
            fail_msg("%s: %s", sandbox_builtin_names[i], why);
        ts_arena_done(&a);
    }
}

/* Each call of the table, in each of the ways to take it away. */
static void profile_without_one_of_them_is_refused_with_its_line(void **state)
{
    static const char *const ways[] = {"refuse", "absent", "kill"};
    unsigned refused = 0;

    (void)state;
    for (const struct filter_own *o = filter_own_calls; o->call != NULL; o++) {
        for (size_t i = 0; i < 3; i++) {
            char text[256], why[512], wanted[128];

            (void)snprintf(text, sizeof(text),
                           HEAD "allow: [times]\n%s: [%s]\n", ways[i], o->call);
            if (check(text, why, sizeof(why)) != TS_E_INVALID)
                fail_msg("%s: %s", o->call, ways[i]);
            (void)snprintf(wanted, sizeof(wanted),
                           "sandbox/mine.yaml:5: %s is not allowed", o->call);
            says(why, wanted);
            (void)snprintf(wanted, sizeof(wanted), "write allow: [%s]",
                           o->call);
            says(why, wanted);
            refused++;
        }
    }
    assert_true(refused > 150);
}

static void rule_that_lets_only_some_arguments_through_is_refused(void **state)
{
    char why[512];

    (void)state;
    assert_int_equal(check(HEAD "rules:\n  kill:\n"
                                "    allow: [\"arg1 == 9\"]\n",
                           why, sizeof(why)),
                     TS_E_INVALID);
    says(why, "kill is not allowed whatever its arguments");
    assert_int_equal(check(HEAD "rules:\n  close:\n"
                                "    refuse: [\"u32 arg0 == 7\"]\n",
                           why, sizeof(why)),
                     TS_E_INVALID);
    says(why, "sandbox/mine.yaml:");
    assert_int_equal(check(HEAD "rules:\n  openat:\n"
                                "    refuse: [\"arg2 & 1 != 0\"]\n",
                           why, sizeof(why)),
                     TS_E_INVALID);
    says(why, "openat is not allowed as the launcher makes it");
}

static void set_that_is_taken_away_is_refused_with_all_of_its_calls(void **s)
{
    char why[512], small[160];

    (void)s;
    assert_int_equal(
        check(HEAD "allow: [times]\nrefuse: [\"@signal\"]\n", why, sizeof(why)),
        TS_E_INVALID);
    says(why, "sandbox/mine.yaml:5: ");
    says(why, "allow: [rt_sigtimedwait, rt_sigprocmask]");
    /* nothing but what no program can do without */
    assert_int_equal(check("name: mine\ndescription: mine\n"
                           "extends: \"@default\"\n",
                           why, sizeof(why)),
                     TS_E_INVALID);
    says(why, "sandbox/mine.yaml:1: ");
    assert_int_equal(why[strlen(why) - 1], ']');
    assert_int_equal(check("name: mine\ndescription: mine\n"
                           "extends: \"@default\"\n",
                           small, sizeof(small)),
                     TS_E_INVALID);
    assert_true(strlen(small) < sizeof(small));
}

static void profile_that_names_them_all_itself_is_served(void **state)
{
    char text[4096], why[512];
    size_t len;

    (void)state;
    len = (size_t)snprintf(text, sizeof(text),
                           "name: mine\ndescription: mine\n"
                           "extends: \"@default\"\nallow: [times");
    for (const struct filter_own *o = filter_own_calls; o->call != NULL; o++) {
        if (o != filter_own_calls && strcmp(o->call, o[-1].call) == 0)
            continue;
        len +=
            (size_t)snprintf(text + len, sizeof(text) - len, ", %s", o->call);
        assert_true(len < sizeof(text));
    }
    (void)snprintf(text + len, sizeof(text) - len, "]\n");
    if (check(text, why, sizeof(why)) != TS_OK)
        fail_msg("%s", why);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(built_in_profiles_leave_the_launcher_its_calls),
        cmocka_unit_test(profile_without_one_of_them_is_refused_with_its_line),
        cmocka_unit_test(rule_that_lets_only_some_arguments_through_is_refused),
        cmocka_unit_test(
            set_that_is_taken_away_is_refused_with_all_of_its_calls),
        cmocka_unit_test(profile_that_names_them_all_itself_is_served),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
