/* Capabilities to Cedar text: what it says, what it refuses, that it parses. */
#include <string.h>

#include "cli/capability/capability.h"
#include "cli/capability/check.h"
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
           "containsAll(context.args.to)&&[\"a\",\"b\\u{22}\"]."
           "containsAny(context.args.to))");
}

static void arguments_without_a_capability_may_not_be_given(void **s)
{
    (void)s;
    expect(CAP("{\"to\":[{\"any\":true}]}"), true,
           "(true&&(if context.args has cc then "
           "context.args.cc.isEmpty() else true))");
}

static void places_are_asked_of_provenance(void **s)
{
    (void)s;
    expect(
        CAP("{\"to\":[{\"from\":[[\"t\",\"/*/x\"]]}]}"), true,
        "&&(false||(context.provenance.args has to&&[\"t:/*/x\"].containsAny("
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
    expect(file, true, "&&!(context.args has name)&&!(context.args has extra)");
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

/* --- limits ---------------------------------------------------------------
 */

static const struct capability_arg pay_args[] = {
    {"to", CAPABILITY_INT, true, true},
    {"amount", CAPABILITY_DECIMAL, false, true},
    {"note", CAPABILITY_STRING, false, false}};
static const struct capability_tool pays[] = {{"pay", "pay", pay_args, 3}};
static const struct capability_rules counting = {
    .tools = pays, .tool_count = 1, .has_uses = true};

struct limits { /* of the capabilities below, as a model has them */
    struct cedar_policies *p;
    uint64_t calls[4], sum;
};

static const char three[] =
    "{\"capabilities\":["
    "{\"tool\":\"pay\",\"max_calls\":2,\"args\":{\"to\":[{\"in\":[\"1\",\"2\"]}"
    "]}},"
    "{\"tool\":\"pay\",\"max_calls\":3,\"sums\":{\"amount\":\"12.5\"},"
    "\"args\":{\"to\":[{\"in\":[\"2\",\"3\"]}]}},"
    "{\"tool\":\"pay\",\"args\":{\"to\":[{\"in\":[\"4\"]}]}},"
    "{\"tool\":\"pay\",\"max_calls\":1,\"args\":{\"to\":[{\"in\":[\"2\",\"1\"]}"
    ","
    "{\"in\":[\"4\"]}]}}]}";

static bool is_to(int64_t to, int64_t a, int64_t b, int64_t c)
{
    return to == a || to == b || to == c;
}

/* The first capability that a call is within, those without a limit first. */
static int model(const struct limits *m, int64_t to, uint64_t amount)
{
    if (to == 4)
        return 2;
    if (is_to(to, 1, 2, 0) && m->calls[0] < 2)
        return 0;
    if (is_to(to, 2, 3, 0) && m->calls[1] < 3 && m->sum + amount <= 125000)
        return 1;
    return is_to(to, 1, 2, 4) && m->calls[3] < 1 ? 3 : -1;
}

/* What the text says to the same call; -2: not permitted, -1: permitted, and
 * not counted. */
static int asked(const struct limits *m, struct ts_arena *arena, int64_t to,
                 uint64_t amount)
{
    const struct cedar_uid uses = cedar_uid_make(TS_STR_LIT("Uses"),
                                                 TS_STR_LIT("own")),
                           sums = cedar_uid_make(TS_STR_LIT("Sums"),
                                                 TS_STR_LIT("own"));
    struct cedar_field calls[3] = {
        {TS_STR_LIT("c0"), cedar_long((int64_t)m->calls[0])},
        {TS_STR_LIT("c1"), cedar_long((int64_t)m->calls[1])},
        {TS_STR_LIT("c3"), cedar_long((int64_t)m->calls[3])}};
    struct cedar_field total = {
        TS_STR_LIT("s1.0"),
        {.kind = CEDAR_DECIMAL, .as.integer = (int64_t)(m->sum + amount)}};
    struct cedar_field arg = {TS_STR_LIT("to"), cedar_long(to)}, f[4];
    struct cedar_overlay o[2] = {{.uid = uses}, {.uid = sums}};
    struct cedar_request r = {
        .principal = cedar_uid_make(TS_STR_LIT("Agent"), TS_STR_LIT("a")),
        .action = cedar_uid_make(TS_STR_LIT("Action"), TS_STR_LIT("pay")),
        .resource = cedar_uid_make(TS_STR_LIT("Tool"), TS_STR_LIT("pay")),
        .overlay = o,
        .overlay_count = 2};
    struct cedar_answer a;
    int counted = -1;

    assert_int_equal(cedar_record_make(arena, calls, 3, &o[0].tags), TS_OK);
    assert_int_equal(cedar_record_make(arena, &total, 1, &o[1].tags), TS_OK);
    f[0] = (struct cedar_field){TS_STR_LIT("args"), {0}};
    assert_int_equal(cedar_record_make(arena, &arg, 1, &f[0].value), TS_OK);
    f[1] = (struct cedar_field){TS_STR_LIT("uses"), cedar_entity(&uses)};
    f[2] = (struct cedar_field){TS_STR_LIT("sums"), cedar_entity(&sums)};
    f[3] = (struct cedar_field){TS_STR_LIT("approvals"), {0}};
    assert_int_equal(cedar_set_make(arena, NULL, 0, &f[3].value), TS_OK);
    assert_int_equal(cedar_record_make(arena, f, 4, &r.context), TS_OK);
    assert_int_equal(cedar_authorize(m->p, NULL, &r, arena, &a), TS_OK);
    assert_int_equal(a.error_count, 0);
    if (a.decision != CEDAR_ALLOW)
        return -2;
    for (uint32_t i = 0; i < a.permit_count; i++) {
        struct ts_str name;

        if (!cedar_policies_annotation(m->p, a.satisfied_permits[i], "counts",
                                       &name))
            continue;
        assert_int_equal(counted, -1); /* one capability, never two */
        counted = name.ptr[1] - '0';
    }
    return counted;
}

static struct cedar_policies *parse(const char *json)
{
    char why[CAPABILITY_ERROR_MAX];
    struct cedar_source src = {.name = "block"};
    struct cedar_policies *p = NULL;
    struct text out;

    assert_true(compile(json, &counting, &out, why));
    src.text =
        (struct ts_str){(const char *)ts_buf_bytes(&out.buf), out.buf.len};
    assert_int_equal(
        cedar_policies_parse(&src, 1, &cedar_options_block, &p, NULL), TS_OK);
    text_done(&out);
    return p;
}

static void limits_equal_a_model_over_random_calls(void **s)
{
    uint32_t seed = 7;
    struct ts_arena arena;

    (void)s;
    ts_arena_init(&arena, 1u << 20);
    for (int round = 0; round < 60; round++) {
        struct limits m = {.p = parse(three)};

        for (int i = 0; i < 40; i++) {
            int64_t to;
            uint64_t amount;
            int want, got;

            seed = seed * 1664525u + 1013904223u;
            to = (int64_t)(seed >> 8) % 5 + 1;
            amount = (seed >> 12) % 60000;
            want = model(&m, to, amount);
            got = asked(&m, &arena, to, amount);
            assert_int_equal(got, want == 2 ? -1 : want == -1 ? -2 : want);
            if (want >= 0)
                m.calls[want]++;
            m.sum += want == 1 ? amount : 0;
            ts_arena_reset(&arena);
        }
        cedar_policies_free(m.p);
    }
    ts_arena_done(&arena);
}

/* The same pins twice are one capability for as many calls. */
static void capabilities_of_the_same_pins_are_joined(void **s)
{
    struct cedar_policies *p = parse("{\"capabilities\":["
                                     "{\"tool\":\"pay\",\"max_calls\":2,"
                                     "\"args\":{\"to\":[{\"in\":[\"1\"]}]}},"
                                     "{\"tool\":\"pay\",\"max_calls\":3,"
                                     "\"args\":{\"to\":[{\"in\":[\"1\"]}]}}]"
                                     "}");
    struct ts_arena arena;

    (void)s;
    ts_arena_init(&arena, 65536);
    for (uint64_t n = 0; n < 7; n++) {
        struct limits m = {.p = p, .calls = {n}};

        assert_int_equal(asked(&m, &arena, 1, 0), n < 5 ? 0 : -2);
    }
    cedar_policies_free(p);
    ts_arena_done(&arena);
}

static void limits_that_are_none_are_refused(void **s)
{
    static const char *const wrong[][2] = {
        {"\"sums\":[]", "maps"},
        {"\"sums\":{\"to\":\"x\"}", "text like"},
        {"\"sums\":{\"note\":\"1\"}", "int and decimal"},
        {"\"sums\":{\"nope\":\"1\"}", "int and decimal"},
        {"\"sums\":{\"amount\":1.5}", "text like"},
        {"\"sums\":{\"amount\":-1}", "text like"},
        {"\"sums\":{\"amount\":\"-1\"}", "text like"},
        {"\"sums\":{\"amount\":\"\"}", "text like"},
        {"\"sums\":{\"amount\":\"1.\"}", "text like"},
        {"\"sums\":{\"amount\":\".5\"}", "text like"},
        {"\"sums\":{\"amount\":\"1.00001\"}", "text like"},
        {"\"sums\":{\"amount\":\"1 \"}", "text like"},
        {"\"sums\":{\"amount\":\"100000000000000\"}", "text like"},
        {"\"max_calls\":-1", "max_calls"},
    };

    (void)s;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char json[256], why[CAPABILITY_ERROR_MAX] = "";
        struct text out;

        (void)snprintf(json, sizeof(json),
                       "{\"capabilities\":[{\"tool\":\"pay\",%s,\"args\":{}}]}",
                       wrong[i][0]);
        assert_false(compile(json, &counting, &out, why));
        if (strstr(why, wrong[i][1]) == NULL)
            fail_msg("%s: %s", json, why);
        text_done(&out);
    }
}

static void more_limits_than_a_block_has_are_refused(void **s)
{
    (void)s;
    for (int n = CAPABILITY_COUNTERS - 1; n <= CAPABILITY_COUNTERS + 1; n++) {
        char json[4096] = "{\"capabilities\":[", why[CAPABILITY_ERROR_MAX];
        struct capability_rules r = counting;
        struct capability_tool many[CAPABILITY_COUNTERS + 1];
        char names[CAPABILITY_COUNTERS + 1][8];
        struct text out;

        for (int i = 0; i < n; i++) {
            size_t at = strlen(json);

            (void)snprintf(names[i], sizeof(names[i]), "t%d", i);
            many[i] = (struct capability_tool){names[i], names[i], NULL, 0};
            (void)snprintf(json + at, sizeof(json) - at,
                           "%s{\"tool\":\"t%d\",\"max_calls\":1,\"args\":{}}",
                           i == 0 ? "" : ",", i);
        }
        memcpy(json + strlen(json), "]}", 3);
        r.tools = many;
        r.tool_count = (size_t)n;
        why[0] = '\0'; /* so many are more than the bytes of a block, too */
        assert_int_equal(!compile(json, &r, &out, why) &&
                             strstr(why, "limits") != NULL,
                         n > CAPABILITY_COUNTERS);
        text_done(&out);
    }
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

/* Cut off it would name another place of that tool. */
static void place_with_a_longer_name_is_refused(void **s)
{
    for (int over = 0; over < 2; over++) {
        char pattern[CAPABILITY_SOURCE_MAX + 1],
            json[CAPABILITY_SOURCE_MAX + 200];
        const int digits = CAPABILITY_SOURCE_MAX - 4 + over; /* t : / */
        struct capability_rules r = rules(true);
        char why[CAPABILITY_ERROR_MAX] = "";
        struct text out;

        (void)snprintf(pattern, sizeof(pattern), "/%0*d", digits, 1);
        (void)snprintf(json, sizeof(json),
                       CAP("{\"to\":[{\"from\":[[\"t\",\"%s\"]]}]}"), pattern);
        assert_int_equal(compile(json, &r, &out, why), over == 0);
        assert_int_equal(strstr(why, "longer than") != NULL, over == 1);
        if (over == 0)
            assert_non_null(memmem(ts_buf_bytes(&out.buf), out.buf.len, pattern,
                                   strlen(pattern)));
        text_done(&out);
    }
    (void)s;
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
        cmocka_unit_test(limits_equal_a_model_over_random_calls),
        cmocka_unit_test(capabilities_of_the_same_pins_are_joined),
        cmocka_unit_test(limits_that_are_none_are_refused),
        cmocka_unit_test(more_limits_than_a_block_has_are_refused),
        cmocka_unit_test(place_with_a_longer_name_is_refused),
        cmocka_unit_test(more_than_a_block_holds_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
