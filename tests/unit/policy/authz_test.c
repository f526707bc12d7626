#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <string.h>

#include "policy/cedar.h"
#include "policy/cedar_explain.h"
#include "policy/eval/eval_priv.h"
#include "policy/eval/index.h"
#include "tests/lib/fault_mem.h"
#include "tests/unit/policy/cedar_help.h"

#define PERMIT "@id(\"p\") permit(principal,action==Action::\"v\",resource);"
#define OPS                                                                    \
    "@id(\"a\") @approval(\"ops\") forbid(principal,action==Action::\"v\","    \
    "resource) unless { context has approval && "                              \
    "context.approval.roles.contains(\"ops\") };"
#define SEC                                                                    \
    "@id(\"s\") @approval(\"sec\") forbid(principal,action==Action::\"v\","    \
    "resource) unless { context has approval && "                              \
    "context.approval.roles.contains(\"sec\") };"
#define UNGUARDED                                                              \
    "@id(\"a\") @approval(\"ops\") forbid(principal,action==Action::\"v\","    \
    "resource) unless { context.approval.roles.contains(\"ops\") };"
#define HARD                                                                   \
    "@id(\"h\") forbid(principal,action==Action::\"v\",resource) when { "      \
    "context.sens >= 3 };"
#define GRANT(roles) "{\"approval\":{\"roles\":[" roles "]}}"

/* What the engine must hand to the wrapper in each row of the approval table;
 * pending needs: deny, no errors, reasons all annotated, a satisfied permit. */
static void authorize_approval_table(void **state)
{
    static const struct {
        const char *policies, *context;
        enum cedar_decision decision;
        const char *reasons, *permits, *errors;
    } rows[] = {
        {PERMIT OPS, "{}", CEDAR_DENY, "a", "p", ""},
        {PERMIT OPS, GRANT("\"ops\""), CEDAR_ALLOW, "p", "p", ""},
        {OPS, "{}", CEDAR_DENY, "a", "", ""},
        {OPS, GRANT("\"ops\""), CEDAR_DENY, "", "", ""},
        {PERMIT UNGUARDED, "{}", CEDAR_ALLOW, "p", "p", "a:missing_attribute"},
        {PERMIT OPS SEC, "{}", CEDAR_DENY, "a s", "p", ""},
        {PERMIT OPS SEC, GRANT("\"ops\""), CEDAR_DENY, "s", "p", ""},
        {PERMIT OPS SEC, GRANT("\"ops\",\"sec\""), CEDAR_ALLOW, "p", "p", ""},
        {PERMIT OPS HARD, "{\"sens\":3}", CEDAR_DENY, "a h", "p", ""},
        {PERMIT OPS HARD, GRANT("\"ops\""), CEDAR_ALLOW, "p", "p",
         "h:missing_attribute"},
        {PERMIT OPS, "{\"approval\":\"yes\"}", CEDAR_ALLOW, "p", "p",
         "a:type_error"},
        {PERMIT OPS, "{\"approval\":{}}", CEDAR_ALLOW, "p", "p",
         "a:missing_attribute"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct help_case c = {.policies = ts_str_of(rows[i].policies),
                              .context = rows[i].context,
                              .require_id = true};
        static struct help_result r;

        help_run(&c, &r);
        assert_int_equal(r.err, TS_OK);
        assert_int_equal(r.decision, rows[i].decision);
        assert_string_equal(r.reasons, rows[i].reasons);
        assert_string_equal(r.permits, rows[i].permits);
        assert_string_equal(r.errors, rows[i].errors);
        assert_int_equal(r.forbid_error, rows[i].errors[0] != '\0');
    }
}

static const struct {
    const char *expr, *code, *text;
} error_rows[] = {
    {"1", "type_error", "expected bool, got long"},
    {"!1", "type_error", "expected bool, got long"},
    {"-\"a\" == 1", "type_error", "expected long, got string"},
    {"1 + true == 1", "type_error", "expected long, got bool"},
    {"1 * [] == 1", "type_error", "expected long, got set"},
    {"1 < \"a\"", "type_error", "expected long, got string"},
    {"\"a\" < 1", "type_error", "expected long, got string"},
    {"duration(\"1s\") < datetime(\"2024-01-01\")", "type_error",
     "expected duration, got datetime"},
    {"context.x", "missing_attribute", "attribute `x`"},
    {"principal.x", "missing_entity", "`U::\"a\"` does not exist"},
    {"1.x", "type_error", "one of [record, entity]"},
    {"1 has x", "type_error", "one of [record, entity]"},
    {"principal.getTag(\"k\")", "missing_entity", "does not exist"},
    {"context.hasTag(\"k\")", "type_error", "expected entity"},
    {"principal.hasTag(1)", "type_error", "expected string"},
    {"1 like \"a\"", "type_error", "expected string"},
    {"1 is U", "type_error", "expected entity"},
    {"1 in principal", "type_error", "expected entity, got long"},
    {"principal in 1", "type_error", "one of [set, entity], got long"},
    {"principal in [principal, 1]", "type_error", "expected entity"},
    {"principal in [principal, [1]]", "type_error", "expected entity"},
    {"1.contains(1)", "type_error", "expected set"},
    {"[1].containsAll(1)", "type_error", "expected set"},
    {"1.containsAny([1])", "type_error", "expected set"},
    {"1.isEmpty()", "type_error", "expected set"},
    {"9223372036854775807 + 1 == 0", "overflow", "add"},
    {"-9223372036854775808 - 1 == 0", "overflow", "subtract"},
    {"9223372036854775807 * 2 == 0", "overflow", "multiply"},
    {"-(-9223372036854775808) == 0", "overflow", "negate"},
    {"ip(\"x\").isIpv4()", "extension_error", "\"x\" is not a valid"},
    {"ip(1).isIpv4()", "type_error", "expected string"},
    {"1.isIpv4()", "type_error", "expected ipaddr"},
    {"ip(\"::1\").isInRange(1)", "type_error", "expected ipaddr"},
    {"ip() == 1", "wrong_arity", "expected 1, got 0"},
    {"ip(\"::1\").isInRange(ip(\"::1\"),ip(\"::1\"))", "wrong_arity",
     "expected 2, got 3"},
    {"decimal(\"1.0\").lessThan(1)", "type_error", "expected decimal"},
    {"decimal(1) == 1", "type_error", "expected string, got long"},
    {"datetime(1) == 1", "type_error", "expected string, got long"},
    {"duration(1) == 1", "type_error", "expected string, got long"},
    {"datetime(\"x\") == 1", "extension_error", "datetime"},
    {"duration(\"x\") == 1", "extension_error", "duration"},
    {"\"x\".toDate() == 1", "type_error", "expected datetime"},
    {"datetime(\"2024-01-01\").offset(1) == 1", "type_error",
     "expected duration, got long"},
    {"datetime(\"2024-01-01\").durationSince(1) == 1", "type_error",
     "expected datetime, got long"},
    {"\"x\".toDays() == 1", "type_error", "expected duration"},
};

/* Each kind of failure has its own code, and a text that says what it was. */
static void authorize_errors_have_codes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(error_rows) / sizeof(error_rows[0]); i++) {
        char text[256], want[64];
        struct help_case c = {0};
        static struct help_result r;

        (void)snprintf(text, sizeof(text),
                       "permit(principal,action,resource) when { %s };",
                       error_rows[i].expr);
        (void)snprintf(want, sizeof(want), "policy0:%s", error_rows[i].code);
        c.policies = ts_str_of(text);
        help_run(&c, &r);
        assert_int_equal(r.err, TS_OK);
        assert_int_equal(r.decision, CEDAR_DENY);
        assert_false(r.forbid_error);
        if (strcmp(r.errors, want) != 0 ||
            strstr(r.first_error, error_rows[i].text) == NULL)
            fail_msg("%s: %s \"%s\"", error_rows[i].expr, r.errors,
                     r.first_error);
    }
}

static const char overlay_text[] =
    "permit(principal, action, resource is File in Dir::\"/srv\") when { "
    "resource.size < 10 && resource in Dir::\"/\" && !resource.hasTag(\"x\") "
    "};";

static void authorize_overlay_entity_hides_the_store(void **state)
{
    struct cedar_source src = {.name = "p", .text = ts_str_of(overlay_text)};
    struct cedar_source ents = {
        .name = "e",
        .text = TS_STR_LIT("[{\"uid\":{\"type\":\"File\",\"id\":\"f\"},"
                           "\"attrs\":{\"size\":99},\"parents\":[]}]")};
    struct cedar_uid dirs[] = {
        cedar_uid_make(TS_STR_LIT("Dir"), TS_STR_LIT("/srv")),
        cedar_uid_make(TS_STR_LIT("Dir"), TS_STR_LIT("/"))};
    struct cedar_field size = {TS_STR_LIT("size"), cedar_long(5)};
    struct cedar_overlay o = {
        .uid = cedar_uid_make(TS_STR_LIT("File"), TS_STR_LIT("f")),
        .ancestors = dirs,
        .ancestor_count = 2};
    struct cedar_request req = {
        .principal = cedar_uid_make(TS_STR_LIT("U"), TS_STR_LIT("a")),
        .action = cedar_uid_make(TS_STR_LIT("Action"), TS_STR_LIT("v")),
        .resource = o.uid,
        .overlay = &o,
        .overlay_count = 1};
    struct cedar_policies *p = NULL;
    struct cedar_entities *e = NULL;
    struct cedar_answer a;
    struct ts_arena arena;

    (void)state;
    ts_arena_init(&arena, 1 << 16);
    assert_int_equal(
        cedar_policies_parse(&src, 1, &cedar_options_block, &p, NULL), TS_OK);
    assert_int_equal(cedar_entities_parse(&ents, 1, &e, NULL), TS_OK);
    assert_int_equal(cedar_record_make(&arena, NULL, 0, &req.context), TS_OK);
    assert_int_equal(cedar_record_make(&arena, &size, 1, &o.attrs), TS_OK);
    assert_int_equal(cedar_authorize(p, e, &req, &arena, &a), TS_OK);
    assert_int_equal(a.decision, CEDAR_ALLOW);
    assert_int_equal(cedar_authorize(p, NULL, &req, &arena, &a), TS_OK);
    assert_int_equal(a.decision, CEDAR_ALLOW); /* no store at all is fine */
    o.ancestor_count = 1;
    assert_int_equal(cedar_authorize(p, e, &req, &arena, &a), TS_OK);
    assert_int_equal(a.decision, CEDAR_DENY);
    o.attrs.kind = CEDAR_NONE;
    o.ancestor_count = 2;
    assert_int_equal(cedar_authorize(p, e, &req, &arena, &a), TS_OK);
    assert_int_equal(a.error_count, 1);
    assert_string_equal(a.errors[0].code, "missing_attribute");
    req.overlay_count = 0;
    assert_int_equal(cedar_authorize(p, e, &req, &arena, &a), TS_OK);
    assert_int_equal(a.decision, CEDAR_DENY);
    cedar_policies_free(p);
    cedar_entities_free(e);
    ts_arena_done(&arena);
}

static void authorize_without_memory_is_no_decision(void **state)
{
    static const char text[] =
        "permit(principal,action,resource); permit(principal,action,resource) "
        "when { [principal, resource, context].isEmpty() || {a: action}.a == "
        "action };";
    struct cedar_source src = {.name = "p", .text = ts_str_of(text)};
    struct cedar_request req = {
        .principal = cedar_uid_make(TS_STR_LIT("U"), TS_STR_LIT("a")),
        .action = cedar_uid_make(TS_STR_LIT("Action"), TS_STR_LIT("v")),
        .resource = cedar_uid_make(TS_STR_LIT("R"), TS_STR_LIT("r"))};
    struct cedar_policies *p = NULL;
    struct cedar_answer a = {.decision = CEDAR_ALLOW, .reason_count = 77};
    struct ts_arena arena, ctx;
    unsigned failures = 0;

    (void)state;
    ts_arena_init(&ctx, 4096);
    assert_int_equal(
        cedar_policies_parse(&src, 1, &cedar_options_block, &p, NULL), TS_OK);
    ts_arena_init(&arena, 4096);
    assert_int_equal(cedar_authorize(p, NULL, &req, &arena, &a), TS_E_INVALID);
    ts_arena_done(&arena);
    assert_int_equal(cedar_record_make(&ctx, NULL, 0, &req.context), TS_OK);
    for (size_t budget = 0; budget < 65536; budget += 16) {
        ts_err e;

        a.reason_count = 77;
        ts_arena_init(&arena, budget);
        e = cedar_authorize(p, NULL, &req, &arena, &a);
        if (e == TS_OK)
            assert_int_equal(a.reason_count, 2);
        ts_arena_done(&arena);
        if (e == TS_OK)
            break;
        assert_int_equal(e, TS_E_LIMIT);
        assert_int_equal(a.reason_count, 77); /* untouched */
        failures++;
    }
    assert_true(failures > 3 && failures < 1000);
    cedar_policies_free(p);
    ts_arena_done(&ctx);
}

/* The fast path may not reach for the heap: one chunk of a fresh arena is all
 * that a decision takes, whatever the policies say. */
static void authorize_takes_memory_from_the_arena_only(void **state)
{
    struct cedar_source src = {.name = "p", .text = ts_str_of(overlay_text)};
    struct cedar_request req = {
        .principal = cedar_uid_make(TS_STR_LIT("U"), TS_STR_LIT("a")),
        .action = cedar_uid_make(TS_STR_LIT("Action"), TS_STR_LIT("v")),
        .resource = cedar_uid_make(TS_STR_LIT("File"), TS_STR_LIT("f"))};
    struct cedar_policies *p = NULL;
    struct cedar_answer a;
    struct ts_arena arena, ctx;
    void *warm;

    (void)state;
    ts_arena_init(&ctx, 4096);
    ts_arena_init(&arena, 4096);
    assert_int_equal(
        cedar_policies_parse(&src, 1, &cedar_options_block, &p, NULL), TS_OK);
    assert_int_equal(cedar_record_make(&ctx, NULL, 0, &req.context), TS_OK);
    assert_int_equal(ts_arena_alloc(&arena, 1, &warm), TS_OK);
    fault_mem_arm(0, true); /* any allocation from here on fails */
    assert_int_equal(cedar_authorize(p, NULL, &req, &arena, &a), TS_OK);
    assert_false(fault_mem_fired());
    fault_mem_disarm();
    cedar_policies_free(p);
    ts_arena_done(&arena);
    ts_arena_done(&ctx);
}

/* One policy that evaluates the expression 120 times. */
static ts_err ask_often(const char *expr, const struct cedar_value *context)
{
    static char text[8192];
    struct cedar_options o = cedar_options_default;
    struct cedar_source src = {.name = "p"};
    struct cedar_request req = {
        .principal = cedar_uid_make(TS_STR_LIT("U"), TS_STR_LIT("a")),
        .action = cedar_uid_make(TS_STR_LIT("Action"), TS_STR_LIT("v")),
        .resource = cedar_uid_make(TS_STR_LIT("R"), TS_STR_LIT("r")),
        .context = *context};
    struct cedar_policies *p = NULL;
    struct cedar_answer a = {.reason_count = 77};
    struct ts_arena arena;
    size_t at;
    ts_err e;

    at = (size_t)snprintf(text, sizeof(text),
                          "permit(principal,action,resource) when { true");
    for (unsigned n = 0; n < 120; n++)
        at += (size_t)snprintf(text + at, sizeof(text) - at,
                               " && (!(%s) || true)", expr);
    at += (size_t)snprintf(text + at, sizeof(text) - at, " };");
    src.text = (struct ts_str){text, at};
    o.require_id = false;
    assert_int_equal(cedar_policies_parse(&src, 1, &o, &p, NULL), TS_OK);
    ts_arena_init(&arena, 1 << 20);
    e = cedar_authorize(p, NULL, &req, &arena, &a);
    assert_int_equal(a.reason_count, e == TS_OK ? 1 : 77);
    ts_arena_done(&arena);
    cedar_policies_free(p);
    return e;
}

/* A small text over large data: refused as too much work, not answered late. */
static void authorize_too_much_work_is_no_decision(void **state)
{
    static const char *const exprs[] = {
        "context.s like \"*zz*\"",
        "context.s == context.t",
        "context.a == context.b",
        "context.a.containsAll(context.b)",
        "[context.b].contains(context.a)",
        "[[context.a], [context.b]].isEmpty()",
    };
    static char data[1 << 18];
    static struct cedar_value many[8000];
    struct cedar_field f[4] = {{TS_STR_LIT("a"), {0}},
                               {TS_STR_LIT("b"), {0}},
                               {TS_STR_LIT("s"), {0}},
                               {TS_STR_LIT("t"), {0}}};
    struct cedar_value context;
    struct ts_arena ctx;

    (void)state;
    ts_arena_init(&ctx, 4 << 20);
    for (size_t i = 0; i < 8000; i++)
        many[i] = cedar_long((int64_t)i);
    assert_int_equal(cedar_set_make(&ctx, many, 8000, &f[0].value), TS_OK);
    assert_int_equal(cedar_set_make(&ctx, many, 8000, &f[1].value), TS_OK);
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = i % 2 == 0 ? 'z' : 'a';
    f[2].value = cedar_string((struct ts_str){data, sizeof(data) / 2});
    f[3].value = cedar_string(
        (struct ts_str){data + sizeof(data) / 2, sizeof(data) / 2});
    assert_int_equal(cedar_record_make(&ctx, f, 4, &context), TS_OK);
    for (size_t i = 0; i < sizeof(exprs) / sizeof(exprs[0]); i++)
        assert_int_equal(ask_often(exprs[i], &context), TS_E_LIMIT);
    assert_int_equal(ask_often("context.s == context.a", &context), TS_OK);
    ts_arena_done(&ctx);
}

/* More paths than a request remembers, each asked twice. */
static void authorize_many_paths_are_told_apart(void **state)
{
    enum {
        PATHS = 200
    };
    static char text[1 << 15], keys[PATHS][8];
    static struct cedar_field fields[PATHS];
    struct cedar_options o = cedar_options_default;
    struct cedar_source src = {.name = "p"};
    struct cedar_request req = {
        .principal = cedar_uid_make(TS_STR_LIT("U"), TS_STR_LIT("a")),
        .action = cedar_uid_make(TS_STR_LIT("Action"), TS_STR_LIT("v")),
        .resource = cedar_uid_make(TS_STR_LIT("R"), TS_STR_LIT("r"))};
    struct cedar_policies *p = NULL;
    struct cedar_answer a;
    struct ts_arena arena;
    size_t at = 0;

    (void)state;
    for (unsigned round = 0; round < 2; round++) {
        at += (size_t)snprintf(text + at, sizeof(text) - at,
                               "permit(principal,action,resource) when { true");
        for (unsigned i = 0; i < PATHS; i++) {
            (void)snprintf(keys[i], sizeof(keys[i]), "k%03u", i % 1000);
            fields[i] = (struct cedar_field){ts_str_of(keys[i]), cedar_long(i)};
            at += (size_t)snprintf(text + at, sizeof(text) - at,
                                   " && context.%s == %u", keys[i], i);
        }
        at += (size_t)snprintf(text + at, sizeof(text) - at, " };\n");
    }
    src.text = (struct ts_str){text, at};
    o.require_id = false;
    ts_arena_init(&arena, 1 << 20);
    assert_int_equal(cedar_record_make(&arena, fields, PATHS, &req.context),
                     TS_OK);
    assert_int_equal(cedar_policies_parse(&src, 1, &o, &p, NULL), TS_OK);
    assert_int_equal(cedar_authorize(p, NULL, &req, &arena, &a), TS_OK);
    assert_int_equal(a.error_count, 0);
    assert_int_equal(a.reason_count, 2);
    cedar_policies_free(p);
    ts_arena_done(&arena);
}

/* What lies behind a policy's clauses in memory is not one of them. */
static void explain_reads_no_clause_after_the_last(void **state)
{
    struct cedar_source src = {
        .name = "p",
        .text = TS_STR_LIT("permit(principal,action,resource) when "
                           "{context.t || context.f};")};
    struct cedar_field f[] = {{TS_STR_LIT("t"), cedar_bool(true)},
                              {TS_STR_LIT("f"), cedar_bool(false)}};
    struct cedar_request req = {
        .principal = cedar_uid_make(TS_STR_LIT("U"), TS_STR_LIT("a")),
        .action = cedar_uid_make(TS_STR_LIT("Action"), TS_STR_LIT("v")),
        .resource = cedar_uid_make(TS_STR_LIT("R"), TS_STR_LIT("r"))};
    struct cedar_clause clauses[16];
    struct cedar_policies *p = NULL;
    struct cedar_explanation why;
    struct cedar_answer answer;
    struct ts_arena arena;
    uint32_t count;

    (void)state;
    ts_arena_init(&arena, 1 << 20);
    assert_int_equal(cedar_record_make(&arena, f, 2, &req.context), TS_OK);
    assert_int_equal(
        cedar_policies_parse(&src, 1, &cedar_options_block, &p, NULL), TS_OK);
    count = p->meta[0].clause_count;
    assert_true(count < 16);
    for (uint32_t i = 0; i < 16; i++) /* each one more condition */
        clauses[i] = p->meta[0].clauses[i < count ? i : 3];
    p->meta[0].clauses = clauses;
    assert_int_equal(cedar_explain(p, NULL, &req, &arena, &answer, &why),
                     TS_OK);
    assert_int_equal(answer.decision, CEDAR_ALLOW);
    assert_int_equal(why.policies[0].outcome, CEDAR_TRUE);
    assert_int_equal(why.policies[0].decisive, 5);
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(why.policies[0].clauses[i].outcome,
                         i + 1 < count ? CEDAR_TRUE : CEDAR_NOT_EVALUATED);
    cedar_policies_free(p);
    ts_arena_done(&arena);
}

/* Lists of the index end where their policies do: what is filed in one is filed
 * there once, and a name that no policy is filed under has no list. */
static void index_lists_hold_what_is_filed(void **state)
{
    static const struct {
        const char *before, *after; /* of a number */
    } scopes[] = {
        {"principal == U::\"a\", action == Action::\"", "\", resource"},
        {"principal == U::\"", "\", action, resource == R::\"r\""},
        {"principal, action == Action::\"v\", resource in R::\"", "\""},
        {"principal is U, action == Action::\"", "\", resource"},
        {"principal, action, resource) when { 1 == ",
         "}; permit("
         "principal, action, resource"},
    };
    struct cedar_policies *p = NULL;
    char text[8192];
    struct cedar_source src = {.name = "p"};
    uint32_t held = 0;
    size_t n = 0;

    (void)state;
    for (unsigned form = 0; form < 5; form++)
        for (unsigned i = 0; i < 9; i++)
            n += (size_t)snprintf(text + n, sizeof(text) - n, "permit(%s%u%s);",
                                  scopes[form].before, i, scopes[form].after);
    src.text = ts_str_of(text);
    assert_int_equal(
        cedar_policies_parse(&src, 1, &cedar_options_block, &p, NULL), TS_OK);
    assert_non_null(p->index);
    for (unsigned role = 0; role <= EV_ROLES; role++) {
        uint32_t lists = role == EV_ROLES ? 1
                         : role < EV_BY_PRINCIPAL_TYPE
                             ? p->index->by[role].count
                             : p->index->types.count;

        for (uint32_t k = 0; k < lists; k++) {
            uint32_t at =
                role == EV_ROLES ? p->index->any : p->index->lists[role][k];

            for (; at != EV_NO_LIST; at++) {
                held++;
                assert_int_not_equal(p->index->entries[at].actions, 0);
                if (p->index->entries[at].last)
                    break;
            }
        }
    }
    assert_int_equal(held, p->count);
    cedar_policies_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(authorize_approval_table),
        cmocka_unit_test(authorize_errors_have_codes),
        cmocka_unit_test(authorize_overlay_entity_hides_the_store),
        cmocka_unit_test(authorize_without_memory_is_no_decision),
        cmocka_unit_test(authorize_too_much_work_is_no_decision),
        cmocka_unit_test(authorize_takes_memory_from_the_arena_only),
        cmocka_unit_test(index_lists_hold_what_is_filed),
        cmocka_unit_test(explain_reads_no_clause_after_the_last),
        cmocka_unit_test(authorize_many_paths_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
