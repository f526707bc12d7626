#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <string.h>

#include "policy/cedar_explain.h"
#include "policy/cedar_text.h"
#include "tests/lib/fault_mem.h"
#include "tests/unit/policy/explain_check.h"

#define CONTEXT                                                                \
    "{\"n\": 5, \"t\": true, \"f\": false, \"args\": {\"path\": \"/srv/x\"}}"
#define ENTITIES                                                               \
    "[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"boss\":{"            \
    "\"__entity\":{\"type\":\"U\",\"id\":\"b\"}}},\"parents\":[{\"type\":"     \
    "\"G\",\"id\":\"g\"}]},{\"uid\":{\"type\":\"U\",\"id\":\"b\"},\"attrs\":"  \
    "{\"age\":40},\"parents\":[]}]"

/* One set, one request: U::"a", Action::"v", R::"r". */
struct case_ {
    struct cedar_policies *p;
    struct cedar_entities *e;
    struct cedar_request req;
    struct ts_arena arena;
    struct cedar_answer answer;
    struct cedar_explanation why;
};

static ts_err prepare(struct case_ *c, const char *policies)
{
    struct cedar_options o = cedar_options_default;
    struct cedar_source ps = {.name = "p", .text = ts_str_of(policies)};
    struct cedar_source es = {.name = "e", .text = TS_STR_LIT(ENTITIES)};
    struct cedar_source cs = {.name = "c", .text = TS_STR_LIT(CONTEXT)};
    ts_err e;

    memset(c, 0, sizeof(*c));
    o.require_id = false;
    ts_arena_init(&c->arena, 1 << 22);
    c->req.principal = cedar_uid_make(TS_STR_LIT("U"), TS_STR_LIT("a"));
    c->req.action = cedar_uid_make(TS_STR_LIT("Action"), TS_STR_LIT("v"));
    c->req.resource = cedar_uid_make(TS_STR_LIT("R"), TS_STR_LIT("r"));
    if ((e = cedar_policies_parse(&ps, 1, &o, &c->p, NULL)) != TS_OK ||
        (e = cedar_entities_parse(&es, 1, &c->e, NULL)) != TS_OK)
        return e;
    return cedar_value_parse(&c->arena, &cs, &c->req.context, NULL);
}

static void done(struct case_ *c)
{
    cedar_policies_free(c->p);
    cedar_entities_free(c->e);
    ts_arena_done(&c->arena);
}

static void ask(struct case_ *c, const char *policies)
{
    struct cedar_answer plain;
    const char *bad;

    assert_int_equal(prepare(c, policies), TS_OK);
    assert_int_equal(
        cedar_explain(c->p, c->e, &c->req, &c->arena, &c->answer, &c->why),
        TS_OK);
    assert_int_equal(cedar_authorize(c->p, c->e, &c->req, &c->arena, &plain),
                     TS_OK);
    assert_true(explain_same_answer(&c->answer, &plain));
    bad = explain_check(c->p, &c->answer, &c->why);
    if (bad != NULL)
        fail_msg("%s: %s", policies, bad);
}

/* One letter a clause: its outcome, in the order of the text. */
static void outcomes(const struct case_ *c, uint32_t policy, char *out)
{
    const struct cedar_policy_result *r = &c->why.policies[policy];

    for (uint32_t i = 0; i < r->clause_count; i++)
        *out++ = "-FTE"[r->clauses[i].outcome];
    *out = '\0';
}

#define WHEN(body)   "permit(principal,action,resource) when {" body "};"
#define UNLESS(body) "permit(principal,action,resource) unless {" body "};"

static const struct {
    const char *policy, *outcomes;
    uint32_t decisive;
} rows[] = {
    {"permit(principal,action,resource);", "TTT", UINT32_MAX},
    {"permit(principal == U::\"b\",action,resource) when {true};", "F----", 0},
    {"permit(principal is R,action,resource);", "F--", 0},
    {"permit(principal in G::\"g\",action == Action::\"w\",resource);", "TF-",
     1},
    {"permit(principal,action,resource in R::\"s\");", "TTF", 2},
    {WHEN("context.t"), "TTTTT", 4},
    {WHEN("context.f"), "TTTFF", 4},
    {UNLESS("context.f"), "TTTTF", 4},
    {UNLESS("context.t"), "TTTFT", 4},
    {WHEN("context.x"), "TTTEE", 4},
    {UNLESS("context.x"), "TTTEE", 4},
    {WHEN("context.t && context.f && context.t"), "TTTFFTF-", 6},
    {WHEN("context.f || context.t || context.f"), "TTTTTFT-", 6},
    {WHEN("context.f || context.f"), "TTTFFFF", 4},
    {WHEN("context.t && context.t"), "TTTTTTT", 4},
    {WHEN("context.t && context.x"), "TTTEETE", 6},
    {WHEN("!context.t"), "TTTFFT", 5},
    {WHEN("!(context.f && context.t)"), "TTTTTFF-", 6},
    {WHEN("if context.t then context.f else context.x"), "TTTFFTF-", 6},
    {WHEN("if context.f then context.x else context.t"), "TTTTTF-T", 7},
    {WHEN("if context.f && context.t then context.x || context.t else "
          "!context.f"),
     "TTTTTFF----TF", 12},
    {WHEN("if context.n then true else false"), "TTTEEE--", 5},
    {WHEN("if context.t then 1 else false"), "TTTEETE-", 6},
    {WHEN("context.n > 4 && context.n != 5"), "TTTFFTF", 6},
    {WHEN("(if context.f then 1 else 2) == 2"), "TTTTT", 4},
    {"permit(principal,action,resource) when {context.t} unless {context.t} "
     "when {context.x};",
     "TTTTTFT--", 6},
    {"permit(principal,action,resource) when {context.t} unless {context.f};",
     "TTTTTTF", UINT32_MAX},
};

static void explain_every_form_gives_each_clause_its_outcome(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct case_ c;
        char got[64];

        ask(&c, rows[i].policy);
        outcomes(&c, 0, got);
        if (strcmp(got, rows[i].outcomes) != 0 ||
            c.why.policies[0].decisive != rows[i].decisive)
            fail_msg("%s: %s %u", rows[i].policy, got,
                     c.why.policies[0].decisive);
        done(&c);
    }
}

/* "path=value" of each operand of the last clause, blank separated. */
static void operands(const struct case_ *c, char *out, size_t cap)
{
    const struct cedar_policy_result *r = &c->why.policies[0];
    const struct cedar_clause_result *last = &r->clauses[r->clause_count - 1];
    size_t at = 0;

    out[0] = '\0';
    for (uint32_t i = 0; i < last->operand_count; i++) {
        char value[64];

        (void)cedar_value_print(&last->operands[i].value, value, sizeof(value));
        at += (size_t)snprintf(
            out + at, cap - at, "%s%.*s=%s", i > 0 ? " " : "",
            (int)last->operands[i].path.len, last->operands[i].path.ptr, value);
    }
}

static void explain_tests_name_what_they_looked_at(void **state)
{
    static const struct {
        const char *policy, *operands;
    } cases[] = {
        {WHEN("true"), ""},
        {WHEN("1 == 2"), ""},
        {WHEN("context.n == 5"), "context.n=5"},
        {WHEN("context.args.path like \"*x\""), "context.args.path=\"/srv/x\""},
        {WHEN("context[\"args\"][\"path\"] == \"\""),
         "context.args.path=\"/srv/x\""},
        {WHEN("principal.boss.age > context.n"),
         "principal.boss.age=40 context.n=5"},
        {WHEN("principal in resource"), "principal=U::\"a\" resource=R::\"r\""},
        {WHEN("principal is U in G::\"g\""), "principal=U::\"a\""},
        {WHEN("context.n + 1 == 6"), "context.n=5 =6"},
        {WHEN("[context.n, 7].contains(7)"), "context.n=5 =[5, 7]"},
        {WHEN("(if context.f then context.x else context.n) == 5"),
         "context.f=false context.n=5 =5"},
        {WHEN("context.n == context.x"), "context.n=5"},
        {WHEN("principal == principal"),
         "principal=U::\"a\" principal=U::\"a\""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct case_ c;
        char got[256];

        ask(&c, cases[i].policy);
        operands(&c, got, sizeof(got));
        if (strcmp(got, cases[i].operands) != 0)
            fail_msg("%s: \"%s\"", cases[i].policy, got);
        done(&c);
    }
}

static void explain_error_stands_where_it_arose(void **state)
{
    struct case_ c;

    (void)state;
    ask(&c,
        WHEN("true") WHEN(
            "context.t && !(context.n + true == 1)") "forbid(principal,action,"
                                                     "resource) when { "
                                                     "principal.x };");
    assert_int_equal(c.answer.error_count, 2);
    assert_true(c.answer.forbid_error);
    assert_null(c.why.policies[0].clauses[4].error);
    assert_int_equal(c.why.policies[1].decisive, 7);
    assert_string_equal(c.why.policies[1].clauses[7].error->code, "type_error");
    assert_string_equal(c.why.policies[2].clauses[4].error->code,
                        "missing_attribute");
    done(&c);
}

static void clauses_spans_are_the_text_as_written(void **state)
{
    static const char text[] =
        "permit(principal is U, action, resource)\n"
        "when { context.t && (context.f || !context.f) }\nunless { 1 != 1 };";
    static const char *const parts[] = {
        "principal is U",
        "action",
        "resource",
        "when { context.t && (context.f || !context.f) }",
        "context.t && (context.f || !context.f)",
        "context.t",
        "context.f || !context.f",
        "context.f",
        "!context.f",
        "context.f",
        "unless { 1 != 1 }",
        "1 != 1"};
    const struct cedar_clause *clauses;
    struct case_ c;
    size_t n;

    (void)state;
    assert_int_equal(prepare(&c, text), TS_OK);
    n = cedar_policies_clauses(c.p, 0, &clauses);
    assert_int_equal(n, sizeof(parts) / sizeof(parts[0]));
    for (size_t i = 0; i < n; i++) {
        struct cedar_span s = clauses[i].span;

        if (s.len != strlen(parts[i]) ||
            memcmp(text + s.offset, parts[i], s.len) != 0)
            fail_msg("clause %zu: %.*s", i, (int)s.len, text + s.offset);
    }
    assert_int_equal(clauses[10].span.line, 3);
    assert_int_equal(clauses[10].span.column, 1);
    done(&c);
}

/* ---- random sets ------------------------------------------------------- */

static uint64_t seed = 7;

static unsigned rnd(unsigned n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(seed >> 33) % n;
}

static const char *const atoms[] = {
    "true",
    "false",
    "context.t",
    "context.f",
    "context.n",
    "context.x",
    "context.n < 6",
    "context.n >= 6",
    "context.n > context.args",
    "principal == resource",
    "principal in G::\"g\"",
    "principal.boss.age == 40",
    "principal.boss.boss.age == 1",
    "context has args.path",
    "principal has x",
    "context.args.path like \"/srv/*\"",
    "context.n + 9223372036854775807 == 0",
    "[context.n].containsAny([5, 6])",
    "[context.x].isEmpty()",
    "ip(\"x\").isIpv4()",
    "resource.hasTag(\"k\")",
    "resource.getTag(\"k\")",
    "principal is U in G::\"h\"",
    "(if context.t then context.f else 1)",
    "{a: context.t}.a",
    "\"a\" != \"b\"",
    "(context.t && context.n) == true",
};

static size_t expression(char *out, size_t cap, unsigned depth)
{
    static const char *const joins[] = {" && ", " || "};
    size_t at = 0;

    if (depth == 0 || rnd(3) == 0)
        return (size_t)snprintf(out, cap, "%s",
                                atoms[rnd(sizeof(atoms) / sizeof(atoms[0]))]);
    switch (rnd(4)) {
    case 0:
        at = (size_t)snprintf(out, cap, "!(");
        break;
    case 1:
        at = (size_t)snprintf(out, cap, "(if ");
        at += expression(out + at, cap - at, depth - 1);
        at += (size_t)snprintf(out + at, cap - at, " then ");
        at += expression(out + at, cap - at, depth - 1);
        at += (size_t)snprintf(out + at, cap - at, " else ");
        break;
    default:
        at = (size_t)snprintf(out, cap, "(");
        for (unsigned n = 1 + rnd(3), j = rnd(2); n > 0; n--) {
            at += expression(out + at, cap - at, depth - 1);
            at += (size_t)snprintf(out + at, cap - at, "%s", joins[j]);
        }
    }
    at += expression(out + at, cap - at, depth - 1);
    return at + (size_t)snprintf(out + at, cap - at, ")");
}

static size_t policy(char *out, size_t cap)
{
    static const char *const scopes[] = {
        "principal,action,resource",
        "principal in G::\"g\",action,resource",
        "principal is U,action == Action::\"v\",resource",
        "principal == U::\"a\",action in [Action::\"v\"],resource",
        "principal,action,resource == R::\"s\"",
        "principal is R,action,resource is R",
    };
    size_t at = (size_t)snprintf(
        out, cap, "%s(%s)", rnd(3) > 0 ? "permit" : "forbid", scopes[rnd(6)]);

    for (unsigned n = rnd(3); n > 0; n--) {
        at += (size_t)snprintf(out + at, cap - at, " %s { ",
                               rnd(3) > 0 ? "when" : "unless");
        at += expression(out + at, cap - at, 4);
        at += (size_t)snprintf(out + at, cap - at, " }");
    }
    return at + (size_t)snprintf(out + at, cap - at, ";\n");
}

static void explain_random_sets_agree_with_the_decision(void **state)
{
    static char text[1 << 20];
    unsigned errors = 0, denied = 0;

    (void)state;
    for (unsigned i = 0; i < 400; i++) {
        struct case_ c;
        size_t at = 0;

        for (unsigned n = 1 + rnd(30); n > 0; n--)
            at += policy(text + at, sizeof(text) - at);
        ask(&c, text);
        errors += c.answer.error_count;
        denied += c.answer.decision == CEDAR_DENY;
        done(&c);
    }
    assert_true(errors > 400 && denied > 50 && denied < 400);
}

static ts_err scenario(const void *arg)
{
    struct case_ c;
    ts_err e =
        prepare(&c, WHEN("context.n + 1 == 6 && [context.n].contains(5)") WHEN(
                        "context.args.path like \"*\" || {a: context.x}.a"));

    (void)arg;
    if (e == TS_OK)
        e = cedar_explain(c.p, c.e, &c.req, &c.arena, &c.answer, &c.why);
    done(&c);
    return e;
}

static void explain_any_allocation_failing_leaks_nothing(void **state)
{
    (void)state;
    fault_mem_sweep(scenario, NULL, TS_OK, 5);
}

/* Each budget but enough is TS_E_LIMIT and leaves both results alone. */
static void explain_without_memory_is_no_decision(void **state)
{
    struct case_ c;
    unsigned failures = 0;

    (void)state;
    assert_int_equal(prepare(&c, WHEN("context.n + 1 == 6") WHEN("context.x")
                                     WHEN("principal.x")),
                     TS_OK);
    for (size_t budget = 0; budget < 65536; budget += 16) {
        struct ts_arena arena;
        ts_err e;

        ts_arena_init(&arena, budget);
        c.why.count = 77;
        c.answer.reason_count = 77;
        e = cedar_explain(c.p, c.e, &c.req, &arena, &c.answer, &c.why);
        ts_arena_done(&arena);
        if (e == TS_OK)
            break;
        failures++;
        assert_int_equal(e, TS_E_LIMIT);
        assert_int_equal(c.why.count, 77);
        assert_int_equal(c.answer.reason_count, 77);
    }
    assert_true(failures > 10 && failures < 4096);
    done(&c);
}

/* Links are policies of their own with the clauses of their template: the slot
 * is where the text has it, the outcome is that of what fills it. */
static void explain_links_have_the_clauses_of_their_template(void **state)
{
    static const char text[] =
        "@id(\"t\") permit(principal == ?principal, action, resource in "
        "?resource) when { context.t } unless { principal.boss.age < 5 };";
    static const char *const outs[] = {"TTTTTTF", "F------", "TTF----"};
    static const char *const filled[][2] = {{"a", "r"}, {"b", "r"}, {"a", "s"}};
    struct cedar_source src = {.name = "t", .text = ts_str_of(text)};
    struct cedar_options o = cedar_options_default;
    const struct cedar_clause *first = NULL, *clauses;
    struct cedar_ast *ast = NULL;
    struct case_ c;
    char got[16];

    (void)state;
    assert_int_equal(prepare(&c, ""), TS_OK);
    cedar_policies_free(c.p);
    c.p = NULL;
    assert_int_equal(cedar_ast_parse(&src, 1, &o, &ast, NULL), TS_OK);
    for (unsigned i = 0; i < 3; i++) {
        struct cedar_uid u =
            cedar_uid_make(TS_STR_LIT("U"), ts_str_of(filled[i][0]));
        struct cedar_uid r =
            cedar_uid_make(TS_STR_LIT("R"), ts_str_of(filled[i][1]));
        char id[4];

        (void)snprintf(id, sizeof(id), "l%u", i);
        assert_int_equal(
            cedar_ast_link(ast, TS_STR_LIT("t"), ts_str_of(id), &u, &r, NULL),
            TS_OK);
    }
    assert_int_equal(cedar_ast_compile(ast, &c.p, NULL), TS_OK);
    cedar_ast_free(ast); /* the set borrows nothing from it */
    assert_int_equal(
        cedar_explain(c.p, c.e, &c.req, &c.arena, &c.answer, &c.why), TS_OK);
    assert_null(explain_check(c.p, &c.answer, &c.why));
    assert_int_equal(c.answer.decision, CEDAR_ALLOW);
    assert_int_equal(c.answer.reason_count, 1);
    assert_int_equal(c.why.count, 3);
    for (uint32_t i = 0; i < 3; i++) {
        size_t n = cedar_policies_clauses(c.p, i, &clauses);

        assert_int_equal(n, strlen(outs[i]));
        outcomes(&c, i, got);
        assert_string_equal(got, outs[i]);
        if (first == NULL)
            first = clauses;
        for (size_t j = 0; j < n; j++) {
            assert_int_equal(clauses[j].kind, first[j].kind);
            assert_int_equal(clauses[j].parent, first[j].parent);
            assert_memory_equal(&clauses[j].span, &first[j].span,
                                sizeof(clauses[j].span));
        }
        assert_memory_equal(text + clauses[0].span.offset,
                            "principal == ?principal", clauses[0].span.len);
        assert_memory_equal(text + clauses[2].span.offset,
                            "resource in ?resource", clauses[2].span.len);
    }
    done(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(explain_links_have_the_clauses_of_their_template),
        cmocka_unit_test(explain_every_form_gives_each_clause_its_outcome),
        cmocka_unit_test(explain_tests_name_what_they_looked_at),
        cmocka_unit_test(explain_error_stands_where_it_arose),
        cmocka_unit_test(clauses_spans_are_the_text_as_written),
        cmocka_unit_test(explain_random_sets_agree_with_the_decision),
        cmocka_unit_test(explain_any_allocation_failing_leaks_nothing),
        cmocka_unit_test(explain_without_memory_is_no_decision),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
