#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <string.h>

#include "proto/trust/approval_ticket.h"
#include "sidecar/gate/people/approval_rule.h"

static void rule_of_every_form_is_what_it_says_or_refused(void **state)
{
    static const struct {
        const char *text, *class_id;
        uint32_t count;
    } good[] = {{"confirm", "confirm", 1},
                {"four-eyes", "four-eyes", 1},
                {"four-eyes:1", "four-eyes", 1},
                {"four-eyes:8", "four-eyes", 8},
                {"a:3", "a", 3}};
    static const char *const bad[] = {"",
                                      ":",
                                      ":1",
                                      "four-eyes:",
                                      "four-eyes:0",
                                      "four-eyes:9",
                                      "four-eyes:12",
                                      "four-eyes:1:2",
                                      "four eyes",
                                      "four-eyes: 1",
                                      "four-eyes:1 ",
                                      "four-eyes:-1",
                                      "/a:1",
                                      "four-eyes:x",
                                      "four-eyes:\xc2\xb9"};
    struct approval_rule r;

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(approval_rule_parse(ts_str_of(good[i].text), &r));
        assert_true(ts_str_eq_c(r.class_id, good[i].class_id));
        assert_int_equal(r.count, good[i].count);
        assert_null(annotation_value_fault(TS_STR_LIT("approval"),
                                           ts_str_of(good[i].text)));
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (approval_rule_parse(ts_str_of(bad[i]), &r))
            fail_msg("\"%s\" was taken", bad[i]);
        assert_non_null(
            annotation_value_fault(TS_STR_LIT("approval"), ts_str_of(bad[i])));
    }
}

static void rule_of_a_long_class_is_refused(void **state)
{
    char text[TS_ID_MAX + 8];
    struct approval_rule r;

    (void)state;
    memset(text, 'a', sizeof(text));
    assert_true(approval_rule_parse((struct ts_str){text, TS_ID_MAX}, &r));
    assert_false(approval_rule_parse((struct ts_str){text, TS_ID_MAX + 1}, &r));
}

static void faults_of_other_annotations_are_told_too(void **state)
{
    (void)state;
    assert_non_null(
        annotation_value_fault(TS_STR_LIT("sandbox"), TS_STR_LIT("big")));
    assert_null(
        annotation_value_fault(TS_STR_LIT("sandbox"), TS_STR_LIT("full")));
    assert_null(
        annotation_value_fault(TS_STR_LIT("title"), TS_STR_LIT("anything")));
}

static void names_of_blocks_are_reserved(void **state)
{
    (void)state;
    assert_true(approval_id_is_reserved(TS_STR_LIT("block:")));
    assert_true(approval_id_is_reserved(TS_STR_LIT("block:0/x")));
    assert_false(approval_id_is_reserved(TS_STR_LIT("block")));
    assert_false(approval_id_is_reserved(TS_STR_LIT("a-block:0")));
    assert_false(approval_id_is_reserved(TS_STR_LIT("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rule_of_every_form_is_what_it_says_or_refused),
        cmocka_unit_test(rule_of_a_long_class_is_refused),
        cmocka_unit_test(faults_of_other_annotations_are_told_too),
        cmocka_unit_test(names_of_blocks_are_reserved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
