/* What is said of outputs beside the records. */
#include "cli/replay/outputs.h"

#include <stdio.h>
#include <string.h>

#include "tests/lib/ts_test.h"

static json_t *tools;

static int setup(void **state)
{
    (void)state;
    tools = json_loads("[{\"tool\":\"find\"},{\"tool\":\"send\"},{}]", 0, NULL);
    return tools != NULL ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    json_decref(tools);
    return 0;
}

static void reads(const char *yaml, const char *want)
{
    json_t *got = NULL, *w = json_loads(want, 0, NULL);

    assert_non_null(w);
    assert_true(outputs_parse("f.yaml", ts_str_of(yaml), tools, &got));
    if (json_equal(got, w) != 1)
        fail_msg("%s", json_dumps(got, 0));
    json_decref(got);
    json_decref(w);
}

static void every_key_of_a_section_is_read(void **state)
{
    (void)state;
    reads("find: {selectors: {email: [\"/*/to\"], name: [\"/id\"]}}\n"
          "send:\n  trusted: [\"\"]\n  untrusted: [\"/a~1b\", \"/c\"]\n"
          "  ids: [\"/i\"]\n  vouches: [\"/v\"]\n  secret: [\"/s\"]\n"
          "  confidentiality: public\n",
          "{\"find\":{\"selectors\":{\"email\":[\"/*/to\"],"
          "\"name\":[\"/id\"]}},"
          "\"send\":{\"trusted\":[\"\"],\"untrusted\":[\"/a~1b\",\"/c\"],"
          "\"ids\":[\"/i\"],\"vouches\":[\"/v\"],\"secret\":[\"/s\"],"
          "\"confidentiality\":\"public\"}}");
}

/* What is printed of it. */
static void refused(const char *yaml, const char *said)
{
    char text[1024] = "";
    FILE *to = tmpfile(), *before = stderr;
    json_t *got = NULL;
    bool ok;

    assert_non_null(to);
    stderr = to;
    ok = outputs_parse("f.yaml", ts_str_of(yaml), tools, &got);
    stderr = before;
    rewind(to);
    (void)!fread(text, 1, sizeof(text) - 1, to);
    (void)fclose(to);
    assert_false(ok);
    assert_null(got);
    if (strstr(text, said) == NULL)
        fail_msg("%s: said %s, not %s", yaml, text, said);
}

static void mistakes_are_told_with_their_line(void **state)
{
    static const char *const bad[][2] = {
        {"", "f.yaml:"},
        {"- find\n", "f.yaml:1: expected a map from the name of a tool"},
        {"{}", "f.yaml:1: expected a map"},
        {"\nfind: [", "f.yaml:"},
        {"find:\n", "f.yaml:1: find: expected what `output:`"},
        {"\nfind: {}\n", "f.yaml:2: find: expected what"},
        {"find: x\n", "f.yaml:1: find: expected what"},
        {"find: {ids: [\"/a\"]}\nlose: {ids: [\"/a\"]}\n",
         "f.yaml:2: lose: no *_tools file has a tool of this name"},
        {"find: {ids: [\"/a\"]}\nfind: {ids: [\"/a\"]}\n", "f.yaml:2: "},
        {"find:\n  idz: [\"/a\"]\n", "f.yaml:2: find: idz: there is no such"},
        {"find:\n  ids: []\n", "f.yaml:2: find: ids: expected a list of 1"},
        {"find:\n  ids: \"/a\"\n", "f.yaml:2: find: ids: expected a list"},
        {"find:\n  ids: [a]\n", "f.yaml:2: find: ids: \"a\" is not a pointer"},
        {"find:\n  ids: [\"/a~\"]\n", "\"/a~\" is not a pointer"},
        {"find:\n  ids: [\"/a~2\"]\n", "is not a pointer"},
        {"find:\n  ids: [\"/a\\n\"]\n", "is not a pointer"},
        {"find:\n  ids: [{}]\n", "is not a pointer"},
        {"find:\n  ids: [~]\n", "is not a pointer"},
        {"find:\n  ids:\n    - \"/a\"\n    - \"/a\"\n",
         "f.yaml:4: find: ids: \"/a\" stands twice"},
        {"find: {selectors: {}}", "find: selectors: expected a map"},
        {"find: {selectors: [\"/a\"]}", "find: selectors: expected a map"},
        {"find:\n  selectors:\n    mail: [\"/a\"]\n",
         "f.yaml:3: find: selectors: mail is no form; use name, email"},
        {"find: {selectors: {email: \"/a\"}}", "email: expected a list"},
        {"find: {confidentiality: resource}", "expected public, internal"},
        {"find: {confidentiality: []}", "expected public, internal"},
        {"find: &a {ids: [\"/a\"]}", "f.yaml:1: "},
        {"\"fi\\x1bnd\": {ids: [\"/a\"]}", "no *_tools file"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        refused(bad[i][0], bad[i][1]);
}

static void what_is_too_much_is_refused(void **state)
{
    char yaml[4096];
    json_t *got = NULL;
    size_t n;

    (void)state;
    n = (size_t)snprintf(yaml, sizeof(yaml), "find: {ids: [\"/0\"");
    for (int i = 1; i <= OUTPUTS_PATTERNS_MAX; i++)
        n += (size_t)snprintf(yaml + n, sizeof(yaml) - n, ", \"/%d\"", i);
    (void)snprintf(yaml + n, sizeof(yaml) - n, "]}");
    refused(yaml, "expected a list of 1 to 32");
    (void)snprintf(yaml, sizeof(yaml), "find: {ids: [\"/%0*d\"]}",
                   (int)OUTPUTS_POINTER_MAX, 0);
    refused(yaml, "is not a pointer (RFC 6901) of at most 500 bytes");
    (void)snprintf(yaml, sizeof(yaml), "find: {ids: [\"/%0*d\"]}",
                   (int)OUTPUTS_POINTER_MAX - 1, 0);
    assert_true(outputs_parse("f", ts_str_of(yaml), tools, &got));
    json_decref(got);
}

/* No cut and no flipped bit of it is more than an error. */
static void every_truncation_and_bit_flip_ends(void **state)
{
    static const char yaml[] =
        "find: {selectors: {email: [\"/*/to\"]}, trusted: [\"\"]}\n"
        "send:\n  vouches: [\"/v~0\"]\n  confidentiality: secret\n";
    char text[sizeof(yaml)];
    FILE *before = stderr, *nowhere = fopen("/dev/null", "we");

    (void)state;
    assert_non_null(nowhere);
    stderr = nowhere;
    for (size_t i = 0; i < 8 * sizeof(yaml); i++) {
        struct ts_str s = {.ptr = text, .len = sizeof(yaml) - 1};
        json_t *got = NULL;

        memcpy(text, yaml, sizeof(yaml));
        if (i < sizeof(yaml))
            s.len = i;
        else if (i / 8 < s.len)
            text[i / 8] = (char)(text[i / 8] ^ (1 << i % 8));
        if (outputs_parse("f", s, tools, &got))
            assert_true(json_is_object(got));
        else
            assert_null(got);
        json_decref(got);
    }
    stderr = before;
    (void)fclose(nowhere);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_of_a_section_is_read),
        cmocka_unit_test(mistakes_are_told_with_their_line),
        cmocka_unit_test(what_is_too_much_is_refused),
        cmocka_unit_test(every_truncation_and_bit_flip_ends),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
