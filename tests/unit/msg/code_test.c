#include "tests/lib/ts_test.h"

#include "proto/msg/code.h"
#include "proto/wire/limits.h"

static void call_code_parse_of_every_name_gives_it_back(void **state)
{
    (void)state;
    for (int c = 0; c < CODE_COUNT_; c++) {
        struct ts_str name = ts_str_of(call_code_name((enum call_code)c));

        assert_int_equal(call_code_parse(name), c);
        assert_true(name.len > 0 && name.len <= TS_CODE_MAX);
        assert_true(ts_str_of(call_code_text((enum call_code)c)).len <=
                    TS_MESSAGE_TEXT_MAX);
    }
    assert_int_equal(call_code_parse(TS_STR_LIT("permitted ")), CODE_INTERNAL);
    assert_int_equal(call_code_parse(TS_STR_LIT("")), CODE_INTERNAL);
}

static void end_reason_parse_of_every_name_gives_it_back(void **state)
{
    enum end_reason r = END_LOST;

    (void)state;
    for (int i = 0; i < END_COUNT_; i++) {
        assert_true(end_reason_parse(
            ts_str_of(end_reason_name((enum end_reason)i)), &r));
        assert_int_equal(r, i);
    }
    r = END_REVOKED;
    assert_false(end_reason_parse(TS_STR_LIT("Exited"), &r));
    assert_int_equal(r, END_REVOKED);
}

static void zero_is_the_safe_value(void **state)
{
    (void)state;
    assert_int_equal(VERDICT_DENY, 0);
    assert_int_not_equal(CODE_PERMITTED, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(call_code_parse_of_every_name_gives_it_back),
        cmocka_unit_test(end_reason_parse_of_every_name_gives_it_back),
        cmocka_unit_test(zero_is_the_safe_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
