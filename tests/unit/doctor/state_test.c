/* Owners, modes and places (cli/doctor/state.h). With real folders:
 * tests/sandbox/doctor_config.sh. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/doctor/state.h"
#include "tests/lib/ts_test.h"

/* The kernel's rule: the first class that fits decides alone. */
static void rights_are_those_of_the_first_class_that_fits(void **state)
{
    (void)state;
    for (unsigned mode = 0; mode < 01000; mode++) {
        for (unsigned rights = 0; rights < 8; rights++) {
            unsigned owner = mode >> 6 & 7, group = mode >> 3 & 7,
                     other = mode & 7;

            assert_int_equal(state_may(10, 20, 10, 20, mode, rights),
                             (owner & rights) == rights);
            assert_int_equal(state_may(10, 20, 10, 21, mode, rights),
                             (owner & rights) == rights);
            assert_int_equal(state_may(10, 20, 11, 20, mode, rights),
                             (group & rights) == rights);
            assert_int_equal(state_may(10, 20, 11, 21, mode, rights),
                             (other & rights) == rights);
            assert_true(state_may(0, 20, 11, 21, mode, rights));
        }
    }
}

static void beneath_is_by_whole_names(void **state)
{
    (void)state;
    assert_true(state_is_beneath("/srv/work", "/srv/work"));
    assert_true(state_is_beneath("/srv/work/a/b", "/srv/work"));
    assert_false(state_is_beneath("/srv/works", "/srv/work"));
    assert_false(state_is_beneath("/srv", "/srv/work"));
    assert_true(state_is_beneath("/srv", "/"));
    assert_true(state_is_beneath("/", "/"));
}

static void more_remarks_than_fit_are_counted(void **state)
{
    static struct manifest list[STATE_REMARKS_MAX + 7];
    static struct state s;
    const struct manifests m = {.list = list, .count = STATE_REMARKS_MAX + 7};
    const struct config c = {.run_dir = "/nonexistent/a",
                             .state_dir = "/nonexistent/b",
                             .log_dir = "/nonexistent/c",
                             .sandbox = {.uid_first = 7, .uid_count = 3},
                             .change_users = true,
                             .users = {[CONFIG_USER_LAUNCHER] = {8, 9}}};
    char own[] = "/tmp/tipstaff-state-XXXXXX";

    (void)state;
    assert_non_null(mkdtemp(own));
    for (uint32_t i = 0; i < m.count; i++) { /* 0700, and not the tool's */
        list[i].file = TS_STR_LIT("tools/x.yaml");
        list[i].resource_root = ts_str_of(own);
    }
    state_look(&c, "/nonexistent", &m, &s);
    assert_int_equal(s.count, STATE_REMARKS_MAX);
    assert_int_equal(s.left_out, 7);
    assert_false(state_is_faulty(&s)); /* calls fail, and nothing else */
    assert_non_null(strstr(s.list[0].text, "user 7 (or another) and group 9"));
    assert_int_equal(rmdir(own), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rights_are_those_of_the_first_class_that_fits),
        cmocka_unit_test(beneath_is_by_whole_names),
        cmocka_unit_test(more_remarks_than_fit_are_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
