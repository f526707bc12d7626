/* What doctor reads of a launcher, and that every layer has a remedy. */
#include <string.h>

#include "cli/doctor/doctor.h"
#include "tests/lib/ts_test.h"

static const char line[] =
    "box level=full profile=files offered=1 given=0 expected=0 layers=1dfff "
    "weakened=20 step=canary:MOUNT";

static void a_whole_line_is_read(void **s)
{
    struct box_said b;

    (void)s;
    assert_true(box_said_parse(ts_str_of(line), &b));
    assert_string_equal(b.profile, "files");
    assert_int_equal(b.level, BOX_FULL);
    assert_true(b.offered);
    assert_false(b.given);
    assert_false(b.expected);
    assert_int_equal(b.layers, 0x1dfff);
    assert_int_equal(b.weakened, 0x20);
    assert_string_equal(b.step, "canary:MOUNT");
}

static void every_truncation_is_refused_or_shorter(void **s)
{
    (void)s;
    for (size_t n = 0; n < sizeof(line) - 1; n++) {
        struct box_said b = {.level = BOX_UID};

        if (!box_said_parse((struct ts_str){line, n}, &b))
            assert_int_equal(b.level, BOX_UID); /* untouched */
        else
            assert_true(strlen(b.step) > 0 && n > strlen(line) - 12);
    }
}

static void what_is_not_a_box_is_refused(void **s)
{
    static const char *const wrong[] = {
        "",
        "serving",
        "box level=any profile=f offered=1 given=1 expected=0 layers=1 "
        "weakened=0 step=-",
        "box level=full profile=f offered=2 given=1 expected=0 layers=1 "
        "weakened=0 step=-",
        "box level=full profile=f offered=1 given=1 expected=0 layers=fffffff "
        "weakened=0 step=-",
        "box level=full profile=f offered=1 given=1 expected=0 layers=G "
        "weakened=0 step=-",
        "box level=full profile= offered=1 given=1 expected=0 layers=1 "
        "weakened=0 step=-",
    };
    struct box_said b;

    (void)s;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_false(box_said_parse(ts_str_of(wrong[i]), &b));
}

static void every_layer_has_a_remedy(void **s)
{
    (void)s;
    for (uint32_t b = 1; b < LAYER_BITS_ALL; b <<= 1)
        assert_true(strlen(doctor_remedy(b)) > 0);
    assert_string_equal(doctor_remedy(0), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_line_is_read),
        cmocka_unit_test(every_truncation_is_refused_or_shorter),
        cmocka_unit_test(what_is_not_a_box_is_refused),
        cmocka_unit_test(every_layer_has_a_remedy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
