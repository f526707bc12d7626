/* Where values came from, as a decision record says it: read whole, and
 * whatever is not in the shape of one is refused. */
#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <string.h>

#include "cli/policy/recorded_call.h"

static const char good[] =
    "{\"origin\": \"user\", \"provenance\": {"
    "\"authority\": [true, false, true, false],"
    "\"links\": [false, true, false, false],"
    "\"content\": [false, false, false, true],"
    "\"args\": {\"to\": [\"untrusted\", \"mail:/*/body\", \"web:\"],"
    "           \"text\": [\"none\"]},"
    "\"secrets\": true, \"level\": 3, \"task\": [true, 2, false]}}";

static bool reads(const char *text, struct recorded_values *v)
{
    json_t *j = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    bool ok;

    assert_non_null(j);
    ok = recorded_values_read(j, v);
    json_decref(j);
    return ok;
}

static void recorded_values_are_read_whole(void **state)
{
    static struct recorded_values v;
    json_t *j = json_loads(good, 0, NULL);
    const struct call_provenance *p = &v.is.is;

    (void)state;
    assert_non_null(j);
    assert_true(recorded_values_read(j, &v));
    assert_true(p->authority.pinned && !p->authority.trusted &&
                p->authority.untrusted && !p->authority.unknown);
    assert_true(p->links.trusted && p->content.unknown);
    assert_true(p->secrets && p->task.untrusted && !p->task.lost);
    assert_int_equal(p->level, PROV_SECRET);
    assert_int_equal(p->task.level, PROV_PRIVATE);
    assert_int_equal(p->origin, PROV_ORIGIN_USER);
    assert_int_equal(v.is.arg_count, 2);
    assert_true(ts_str_eq_c(v.is.args[0].name, "to"));
    assert_int_equal(v.is.args[0].is.source, PROV_UNTRUSTED);
    assert_int_equal(v.is.args[0].is.place_count, 2);
    assert_true(ts_str_eq_c(v.is.args[0].is.places[1], "web:"));
    assert_int_equal(v.is.args[1].is.source, PROV_NONE);
    json_decref(j);
}

static void recorded_values_of_another_shape_are_refused(void **state)
{
    static const struct {
        const char *from, *to;
    } edits[] = {
        {"\"origin\": \"user\", ", ""},
        {"\"user\"", "\"nobody\""},
        {"[true, false, true, false]", "[true, false, true]"},
        {"[true, false, true, false]", "[true, false, true, 0]"},
        {"\"links\"", "\"link\""},
        {"\"content\"", "\"contents\""},
        {"\"untrusted\"", "\"bad\""},
        {"\"web:\"", "7"},
        {"[\"none\"]", "[]"},
        {"[\"none\"]", "\"none\""},
        {"[\"none\"]", "[\"none\",\"a\",\"b\",\"c\",\"d\",\"e\",\"f\",\"g\","
                       "\"h\",\"i\"]"},
        {"\"secrets\": true", "\"secrets\": 1"},
        {"\"level\": 3", "\"level\": 4"},
        {"\"level\": 3", "\"level\": -1"},
        {"\"level\": 3", "\"level\": \"3\""},
        {"[true, 2, false]", "[true, 2]"},
        {"[true, 2, false]", "[true, 9, false]"},
        {"[true, 2, false]", "[2, 2, false]"},
        {"\"args\"", "\"arg\""},
    };
    static struct recorded_values v;

    (void)state;
    assert_true(reads(good, &v));
    for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
        const char *at = strstr(good, edits[i].from);
        char text[1024];

        assert_non_null(at);
        (void)snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - good), good,
                       edits[i].to, at + strlen(edits[i].from));
        if (reads(text, &v))
            fail_msg("%s for %s was read", edits[i].to, edits[i].from);
    }
}

static void recorded_values_of_too_many_arguments_are_refused(void **state)
{
    static struct recorded_values v;
    json_t *j = json_loads(good, 0, NULL);
    json_t *args = json_object_get(json_object_get(j, "provenance"), "args");

    (void)state;
    for (int i = 2; i < RECORDED_ARG_NAMES; i++) {
        char name[16];

        (void)snprintf(name, sizeof(name), "a%d", i);
        assert_int_equal(
            json_object_set_new(args, name, json_pack("[s]", "prompt")), 0);
    }
    assert_true(recorded_values_read(j, &v));
    assert_int_equal(
        json_object_set_new(args, "more", json_pack("[s]", "prompt")), 0);
    assert_false(recorded_values_read(j, &v));
    json_decref(j);
}

static void names_of_sources_and_origins_are_read_back(void **state)
{
    (void)state;
    for (int s = PROV_NONE; s <= PROV_UNKNOWN; s++) {
        enum prov_source got;

        assert_true(prov_source_parse(
            ts_str_of(prov_source_name((enum prov_source)s)), &got));
        assert_int_equal(got, s);
    }
    for (int o = PROV_ORIGIN_UNKNOWN; o <= PROV_ORIGIN_AGENT; o++) {
        enum prov_origin got;

        assert_true(prov_origin_parse(
            ts_str_of(prov_origin_name((enum prov_origin)o)), &got));
        assert_int_equal(got, o);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recorded_values_are_read_whole),
        cmocka_unit_test(recorded_values_of_another_shape_are_refused),
        cmocka_unit_test(recorded_values_of_too_many_arguments_are_refused),
        cmocka_unit_test(names_of_sources_and_origins_are_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
