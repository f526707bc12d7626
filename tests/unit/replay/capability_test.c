/* Capabilities to Cedar text: what it says, what it refuses, that it parses. */
#include <string.h>

#include "cli/capability/capability.h"
#include "policy/cedar.h"
#include "tests/lib/ts_test.h"

static const struct capability_arg mail_args[] = {
    {"to", CAPABILITY_STRINGS, true, true},
    {"cc", CAPABILITY_STRINGS, true, false},
    {"body", CAPABILITY_STRING, false, true}};
static const struct capability_arg set_args[] = {
    {"id", CAPABILITY_INT, true, true},
    {"on", CAPABILITY_BOOL, true, true},
    {"name", CAPABILITY_STRING, true, false},
    {"extra", CAPABILITY_OTHER, true, false}};
static const struct capability_tool tools[] = {{"mail", "mail", mail_args, 3},
                                               {"set", "act.set", set_args, 4}};
static const char *const me[] = {"me@example.com"};

static struct capability_rules rules(bool provenance)
{
    return (struct capability_rules){.tools = tools,
                                     .tool_count = 2,
                                     .identities = me,
                                     .identity_count = 1,
                                     .has_provenance = provenance};
}

static bool compile(const char *json, const struct capability_rules *r,
                    struct text *out, char why[CAPABILITY_ERROR_MAX])
{
    json_t *file = json_loads(json, 0, NULL);
    bool ok;

    assert_non_null(file);
    text_init(out, (size_t)4 * CAPABILITY_POLICY_MAX);
    ok = capability_compile(file, r, out, why);
    json_decref(file);
    return ok;
}

static void expect(const char *json, bool provenance, const char *part)
{
    struct capability_rules r = rules(provenance);
    char why[CAPABILITY_ERROR_MAX] = "";
    struct text out;

    assert_true(compile(json, &r, &out, why));
    text_bytes(&out, "", 1);
    if (strstr((const char *)ts_buf_bytes(&out.buf), part) == NULL)
        fail_msg("%s\nis not in\n%s", part,
                 (const char *)ts_buf_bytes(&out.buf));
    text_done(&out);
}

#define CAP(args)                                                              \
    "{\"allow\":[\"read\"],\"capabilities\":[{\"tool\":\"mail\","              \
    "\"args\":" args "}]}"

static void literals_become_a_set_with_the_user(void **s)
{
    (void)s;
    expect(CAP("{\"to\":[{\"in\":[\"a\"]},{\"in\":[\"b\\\"\"]}]}"), true,
           "(context.args has to&&[\"a\",\"b\\u{22}\",\"me@example.com\"]."
           "containsAll(context.args.to))");
}

static void arguments_without_a_capability_may_not_be_given(void **s)
{
    (void)s;
    expect(CAP("{\"to\":[{\"any\":true}]}"), true,
           "(true&&(if context.args has cc then ([\"me@example.com\"]."
           "containsAll(context.args.cc)) else true))");
}

static void places_are_asked_of_provenance(void **s)
{
    (void)s;
    expect(CAP("{\"to\":[{\"from\":[[\"t\",\"/*/x\"]]}]}"), true,
           "||(context.provenance.args has to&&[\"t:/*/x\"].containsAny("
           "context.provenance.args.to.sources))");
    expect(CAP("{\"to\":[{\"from\":[[\"t\",\"/*/x\"]]}]}"), false,
           "||(true&&(if context.args has cc");
}

static void strangers_are_refused_with_provenance_alone(void **s)
{
    static const char file[] = CAP("{\"to\":[{\"in\":[\"a\"]}]}");
    struct capability_rules r = rules(false);
    char why[CAPABILITY_ERROR_MAX];
    struct text out;

    (void)s;
    expect(file, true, "when{context.provenance.authority.untrusted||");
    assert_true(compile(file, &r, &out, why));
    text_bytes(&out, "", 1);
    assert_null(strstr((const char *)ts_buf_bytes(&out.buf), "provenance"));
    text_done(&out);
}

static void numbers_and_booleans_are_compared_as_such(void **s)
{
    static const char file[] =
        "{\"capabilities\":[{\"tool\":\"set\",\"args\":{\"id\":[{\"in\":[\"7\","
        "\"7.0\",\"x\"]}],\"on\":[{\"in\":[\"true\"]}]}}]}";

    (void)s;
    expect(file, true, "(context.args has id&&[7].contains(context.args.id))");
    expect(file, true,
           "(context.args has on&&[true].contains(context.args.on))");
    expect(file, true, "Action::\"act.set\"");
    expect(file, true, "(if context.args has extra then (false) else true)");
}

static void the_text_parses_as_cedar(void **s)
{
    static const char file[] =
        "{\"allow\":[\"read\"],\"capabilities\":["
        "{\"tool\":\"mail\",\"max_calls\":2,\"args\":{\"to\":[{\"in\":[\"a\\n"
        "\\\\\"]},{\"from\":[[\"t\",\"/a\"],[\"u\",\"\"]],\"from_untrusted\":"
        "true}]}},"
        "{\"tool\":\"mail\",\"args\":{}},{\"tool\":\"set\",\"args\":{}}]}";
    struct capability_rules r = rules(true);
    char why[CAPABILITY_ERROR_MAX];
    struct cedar_policies *p = NULL;
    static struct cedar_diags d;
    struct cedar_source src = {.name = "block"};
    struct text out;

    (void)s;
    assert_true(compile(file, &r, &out, why));
    src.text =
        (struct ts_str){(const char *)ts_buf_bytes(&out.buf), out.buf.len};
    assert_int_equal(
        cedar_policies_parse(&src, 1, &cedar_options_block, &p, &d), TS_OK);
    cedar_policies_free(p);
    text_done(&out);
}

static void what_is_wrong_is_refused_and_named(void **s)
{
    static const char *const wrong[][2] = {
        {"[]", "object"},
        {"{}", "capabilities"},
        {"{\"capabilities\":[],\"x\":1}", "unknown key"},
        {"{\"allow\":[1],\"capabilities\":[]}", "allow"},
        {"{\"capabilities\":[{\"tool\":\"none\",\"args\":{}}]}",
         "no such tool"},
        {"{\"capabilities\":[{\"tool\":\"mail\"}]}", "args"},
        {"{\"capabilities\":[{\"tool\":\"mail\",\"args\":{},\"max_calls\":0}]}",
         "max_calls"},
        {"{\"capabilities\":[{\"tool\":\"mail\",\"args\":{},\"y\":0}]}",
         "unknown key"},
        {CAP("{\"nope\":[{\"any\":true}]}"), "arguments"},
        {CAP("{\"to\":[]}"), "arguments"},
        {CAP("{\"to\":[{}]}"), "one of"},
        {CAP("{\"to\":[{\"in\":[\"a\"],\"any\":true}]}"), "one of"},
        {CAP("{\"to\":[{\"in\":[]}]}"), "list of texts"},
        {CAP("{\"to\":[{\"in\":[1]}]}"), "list of texts"},
        {CAP("{\"to\":[{\"from\":[[\"t\"]]}]}"), "list of texts"},
        {CAP("{\"to\":[{\"any\":false}]}"), "list of texts"},
        {CAP("{\"to\":[{\"any\":true,\"z\":1}]}"), "unknown key"},
    };
    struct capability_rules r = rules(true);
    struct text out;

    (void)s;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char why[CAPABILITY_ERROR_MAX] = "";

        assert_false(compile(wrong[i][0], &r, &out, why));
        if (strstr(why, wrong[i][1]) == NULL)
            fail_msg("%s: %s", wrong[i][0], why);
        text_done(&out);
    }
}

static void more_than_a_block_holds_is_refused(void **s)
{
    static const char head[] =
        "{\"capabilities\":[{\"tool\":\"mail\",\"args\":{\"to\":[{\"in\":[\"";
    char json[6000];
    struct capability_rules r = rules(true);
    char why[CAPABILITY_ERROR_MAX] = "";
    struct text out;

    (void)s;
    (void)snprintf(json, sizeof(json), "%s%05000d\"]}]}}]}", head, 1);
    assert_false(compile(json, &r, &out, why));
    assert_non_null(strstr(why, "4096"));
    text_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(literals_become_a_set_with_the_user),
        cmocka_unit_test(arguments_without_a_capability_may_not_be_given),
        cmocka_unit_test(places_are_asked_of_provenance),
        cmocka_unit_test(strangers_are_refused_with_provenance_alone),
        cmocka_unit_test(numbers_and_booleans_are_compared_as_such),
        cmocka_unit_test(the_text_parses_as_cedar),
        cmocka_unit_test(what_is_wrong_is_refused_and_named),
        cmocka_unit_test(more_than_a_block_holds_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
