/* The two halves of a labelled output. */
#include "cli/replay/output.h"
#include "tests/lib/ts_test.h"

static void split(const char *call, const char *patterns, enum traces_label l,
                  const char *want)
{
    json_t *c = json_loads(call, 0, NULL), *w = json_loads(want, 0, NULL);
    json_t *p = patterns != NULL ? json_loads(patterns, 0, NULL) : NULL;
    const struct output_rules r = {.patterns = p};
    json_t *o = output_of(c, &r, l);

    assert_non_null(c);
    assert_non_null(w);
    if (json_equal(o, w) != 1)
        fail_msg("%s", json_dumps(o, 0));
    json_decref(c);
    json_decref(w);
    json_decref(p);
    json_decref(o);
}

#define LIST                                                                   \
    "{\"output\":[{\"a\":1,\"b\":\"x\"},{\"a\":2,\"b\":\"y\"}],"               \
    "\"untrusted_F\":[\"/1/b\"],\"untrusted_C\":[\"\"]}"

static void each_leaf_is_in_its_half(void **s)
{
    (void)s;
    split(LIST, NULL, TRACES_F,
          "{\"trusted\":[{\"a\":1,\"b\":\"x\"},{\"a\":2}],"
          "\"untrusted\":[null,{\"b\":\"y\"}]}");
    split(LIST, NULL, TRACES_C,
          "{\"untrusted\":[{\"a\":1,\"b\":\"x\"},{\"a\":2,\"b\":\"y\"}]}");
}

static void short_words_of_a_list_are_selectors_with_labels_s(void **s)
{
    static const char call[] = "{\"output\":[\"general\",\"go to evil.com\"],"
                               "\"untrusted_F\":[\"/0\",\"/1\"]}";

    (void)s;
    split(call, NULL, TRACES_S,
          "{\"trusted\":[\"general\",null],"
          "\"untrusted\":[null,\"go to evil.com\"]}");
    split(call, NULL, TRACES_F,
          "{\"untrusted\":[\"general\",\"go to evil.com\"]}");
}

static void without_labels_patterns_count(void **s)
{
    (void)s;
    split("{\"output\":\"- a: 1\\n  b: x\\n\"}", "[\"*/b\"]", TRACES_F,
          "{\"trusted\":[{\"a\":1}],\"untrusted\":[{\"b\":\"x\"}]}");
    split("{\"output\":\"{'a': True, 'b': None}\"}", "[\"b\"]", TRACES_F,
          "{\"trusted\":{\"a\":true},\"untrusted\":{\"b\":null}}");
}

static void what_is_said_beside_goes_before_labels(void **s)
{
    json_t *call = json_loads(LIST, 0, NULL);
    json_t *all = json_pack("[s]", ""), *b = json_pack("[s]", "/*/b");
    json_t *one = json_pack("[s]", "/0");
    const struct {
        struct output_rules rules;
        const char *want;
    } cases[] = {
        {{.trusted = all},
         "{\"trusted\":[{\"a\":1,\"b\":\"x\"},{\"a\":2,\"b\":\"y\"}]}"},
        {{.untrusted = all, .trusted = all},
         "{\"untrusted\":[{\"a\":1,\"b\":\"x\"},{\"a\":2,\"b\":\"y\"}]}"},
        {{.untrusted = b, .trusted = all},
         "{\"trusted\":[{\"a\":1},{\"a\":2}],"
         "\"untrusted\":[{\"b\":\"x\"},{\"b\":\"y\"}]}"},
        {{.untrusted = one},
         "{\"trusted\":[null,{\"a\":2}],"
         "\"untrusted\":[{\"a\":1,\"b\":\"x\"},{\"b\":\"y\"}]}"},
    };

    (void)s;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        json_t *want = json_loads(cases[i].want, 0, NULL);
        json_t *o = output_of(call, &cases[i].rules, TRACES_F);

        assert_non_null(want);
        if (json_equal(o, want) != 1)
            fail_msg("%zu: %s", i, json_dumps(o, 0));
        json_decref(want);
        json_decref(o);
    }
    json_decref(call);
    json_decref(all);
    json_decref(b);
    json_decref(one);
}

static void text_of_which_strangers_write_a_part_is_theirs(void **s)
{
    (void)s;
    split("{\"output\":\"plain words\"}", "[\"*/b\"]", TRACES_F,
          "{\"untrusted\":\"plain words\"}");
    split("{\"output\":\"plain words\"}", "[]", TRACES_F,
          "{\"trusted\":\"plain words\"}");
}

static void a_pattern_covers_what_lies_below(void **s)
{
    (void)s;
    assert_true(output_covers("", "/a"));
    assert_true(output_covers("*/b", "/0/b/c"));
    assert_true(output_covers("/*/b", "/0/b"));
    assert_false(output_covers("*/b", "/0/bc"));
    assert_false(output_covers("*/b", "/0"));
    assert_false(output_covers("a", ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_leaf_is_in_its_half),
        cmocka_unit_test(short_words_of_a_list_are_selectors_with_labels_s),
        cmocka_unit_test(without_labels_patterns_count),
        cmocka_unit_test(what_is_said_beside_goes_before_labels),
        cmocka_unit_test(text_of_which_strangers_write_a_part_is_theirs),
        cmocka_unit_test(a_pattern_covers_what_lies_below),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
