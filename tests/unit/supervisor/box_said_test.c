/* What --check says of the boxes that launchers tried. Reading what they say:
 * unit.doctor.box. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sidecar/supervisor/box_said.h"
#include "tests/lib/ts_test.h"

static struct boxes_said said;

static void hear(uint32_t rank, const char *text)
{
    boxes_said_add(&said, rank, ts_str_of(text));
}

static void print(char *out, size_t cap)
{
    int ends[2], kept = dup(STDOUT_FILENO);
    ssize_t n;

    assert_int_equal(pipe(ends), 0);
    (void)fflush(stdout);
    assert_true(dup2(ends[1], STDOUT_FILENO) >= 0);
    boxes_said_print(&said);
    (void)fflush(stdout);
    assert_true(dup2(kept, STDOUT_FILENO) >= 0);
    (void)close(kept);
    (void)close(ends[1]);
    n = read(ends[0], out, cap - 1);
    (void)close(ends[0]);
    out[n > 0 ? n : 0] = '\0';
}

static void each_level_says_who_is_served_and_why_others_are_not(void **state)
{
    static char text[8192];

    (void)state;
    hear(1, "another status");
    hear(2,
         "box level=bare profile=files offered=1 given=1 expected=0 layers=7 "
         "weakened=4 step=-");
    hear(1, "box level=bare profile=pure offered=1 given=1 expected=0 layers=f "
            "weakened=4 step=-");
    hear(3, "box level=bare profile=net offered=1 given=0 expected=1 layers=7 "
            "weakened=0 step=canary:REACH_NETWORK");
    hear(2, "box level=uid profile=files offered=1 given=0 expected=0 layers=7 "
            "weakened=0 step=canary:SIGNAL");
    hear(3, "box level=uid profile=net offered=0 given=0 expected=0 layers=0 "
            "weakened=0 step=-");
    print(text, sizeof(text));
    assert_non_null(strstr(text, "\n  bare    served: pure, files; not served: "
                                 "net (canary:REACH_NETWORK, expected)\n"));
    assert_non_null(strstr(text, "\n          layers: no_new_privs seccomp "
                                 "landlock (weakened)\n"));
    assert_non_null(strstr(text, "\n  uid     not served: files "
                                 "(canary:SIGNAL); not offered here: net\n"));
}

static void nothing_is_said_of_nothing(void **state)
{
    char text[64];

    (void)state;
    said.count = 0;
    print(text, sizeof(text));
    assert_string_equal(text, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_level_says_who_is_served_and_why_others_are_not),
        cmocka_unit_test(nothing_is_said_of_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
