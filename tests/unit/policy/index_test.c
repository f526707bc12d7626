#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <string.h>

#include "policy/cedar_explain.h"
#include "policy/eval/eval_priv.h"
#include "tests/unit/policy/explain_check.h"

/* Random policy sets over few names, asked every request over those names: the
 * index and the full scan must agree in everything. */
static uint64_t seed = 1;
/* How many names of each sort: more than the index has bits for actions, walks
 * types, or numbers ancestors, in the wide sets. */
static struct {
    unsigned ids, types, actions;
} names = {6, 2, 6};

static unsigned rnd(unsigned n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(seed >> 33) % n;
}

static size_t random_scope(char *out, size_t cap, const char *var)
{
    switch (rnd(6)) {
    case 0:
        return (size_t)snprintf(out, cap, "%s", var);
    case 1:
    case 2:
        return (size_t)snprintf(out, cap, "%s == T%u::\"%u\"", var,
                                rnd(names.types), rnd(names.ids));
    case 3:
        return (size_t)snprintf(out, cap, "%s is T%u", var,
                                rnd(names.types + 1));
    case 4:
        return (size_t)snprintf(out, cap, "%s is T%u in T%u::\"%u\"", var,
                                rnd(names.types), rnd(names.types),
                                rnd(names.ids));
    default:
        return (size_t)snprintf(out, cap, "%s in T%u::\"%u\"", var,
                                rnd(names.types), rnd(names.ids));
    }
}

static size_t random_action(char *out, size_t cap)
{
    switch (rnd(5)) {
    case 0:
        return (size_t)snprintf(out, cap, "action");
    case 1:
        return (size_t)snprintf(out, cap, "action == Action::\"%u\"",
                                rnd(names.actions));
    case 2:
        return (size_t)snprintf(out, cap, "action in Action::\"%u\"",
                                rnd(names.actions));
    case 3:
        return (size_t)snprintf(out, cap, "action in []");
    default:
        return (size_t)snprintf(out, cap,
                                "action in [Action::\"%u\", Action::\"%u\"]",
                                rnd(names.actions), rnd(names.actions));
    }
}

static const char *const conditions[] = {
    "",
    " when { context.x }",
    " when { principal == resource }",
    " unless { principal in resource }",
    " when { [principal, 1].contains(1) } unless { context has x }",
    " when { context.n + 9223372036854775807 == 0 }",
    " when { principal.x == 1 }",
    " unless { context.n < context.s }",
    " when { context.s like \"*b*\" && context.n > 1 || context.y }",
    " when { ip(context.s).isIpv4() }",
};
#define CONDITIONS (sizeof(conditions) / sizeof(conditions[0]))

static size_t random_set(char *out, size_t cap, unsigned policies)
{
    size_t at = 0;

    for (unsigned i = 0; i < policies; i++) {
        at += (size_t)snprintf(out + at, cap - at, "%s(",
                               rnd(4) > 0 ? "permit" : "forbid");
        at += random_scope(out + at, cap - at, "principal");
        at += (size_t)snprintf(out + at, cap - at, ",");
        at += random_action(out + at, cap - at);
        at += (size_t)snprintf(out + at, cap - at, ",");
        at += random_scope(out + at, cap - at, "resource");
        at += (size_t)snprintf(out + at, cap - at, ")%s;\n",
                               conditions[rnd(CONDITIONS)]);
    }
    return at;
}

/* Parents have larger numbers, so there is no cycle; some have many. */
static size_t random_entities(char *out, size_t cap)
{
    size_t at = (size_t)snprintf(out, cap, "[");

    for (unsigned t = 0; t <= names.types; t++)
        for (unsigned i = 0; i < names.ids; i++) {
            unsigned parents = rnd(8) == 0 ? names.ids : 1 + rnd(2);
            char type[16] = "Action";

            if (t < names.types)
                (void)snprintf(type, sizeof(type), "T%u", t);
            at += (size_t)snprintf(
                out + at, cap - at,
                "%s{\"uid\":{\"type\":\"%s\",\"id\":\"%u\"},\"attrs\":{},"
                "\"parents\":[",
                at > 1 ? "," : "", type, i);
            for (unsigned j = 0; j < parents; j++)
                at += (size_t)snprintf(
                    out + at, cap - at, "%s{\"type\":\"%s\",\"id\":\"%u\"}",
                    j > 0 ? "," : "",
                    t == 0 && j == 0 && names.types > 1 ? "T1" : type,
                    i + 1 + j);
            at += (size_t)snprintf(out + at, cap - at, "]}");
        }
    at += (size_t)snprintf(out + at, cap - at, "]");
    return at;
}

static void compare(const struct cedar_policies *p,
                    const struct cedar_entities *e,
                    const struct cedar_request *req)
{
    struct cedar_answer x, y, z;
    struct cedar_explanation why;
    struct ts_arena arena;
    const char *bad;

    ts_arena_init(&arena, 16 << 20);
    assert_int_equal(ev_authorize(p, e, req, &arena, true, &x), TS_OK);
    assert_int_equal(ev_authorize(p, e, req, &arena, false, &y), TS_OK);
    assert_int_equal(cedar_explain(p, e, req, &arena, &z, &why), TS_OK);
    assert_true(explain_same_answer(&x, &y));
    assert_true(explain_same_answer(&x, &z));
    bad = explain_check(p, &z, &why);
    if (bad != NULL)
        fail_msg("%s", bad);
    ts_arena_done(&arena);
}

static struct cedar_uid random_uid(const char *type, char store[2][16])
{
    if (type == NULL)
        (void)snprintf(store[0], sizeof(store[0]), "T%u", rnd(names.types));
    (void)snprintf(store[1], sizeof(store[1]), "%u", rnd(names.ids));
    return cedar_uid_make(ts_str_of(type != NULL ? type : store[0]),
                          ts_str_of(store[1]));
}

/* A third with an overlay, whose ancestors may be named twice or be itself. */
static void compare_some(const struct cedar_policies *p,
                         const struct cedar_entities *e,
                         const struct cedar_value *context, unsigned requests)
{
    for (unsigned i = 0; i < requests; i++) {
        char text[43][2][16];
        struct cedar_uid up[40];
        struct cedar_request req = {.principal = random_uid(NULL, text[0]),
                                    .action = random_uid("Action", text[1]),
                                    .resource = random_uid(NULL, text[2]),
                                    .context = *context};
        struct cedar_overlay o = {
            .ancestors = up, .ancestor_count = rnd(3) > 0 ? rnd(4) : rnd(41)};

        for (unsigned k = 0; k < 40; k++)
            up[k] = random_uid(i % 2 == 0 ? "Action" : NULL, text[3 + k]);
        o.uid = i % 2 == 0 ? req.action : req.resource;
        req.overlay = &o;
        req.overlay_count = i % 3 == 0 ? 1 : 0;
        compare(p, e, &req);
    }
}

static void compare_sets(const struct cedar_value *context, unsigned policies,
                         unsigned requests)
{
    static char text[1 << 18], json[1 << 21];
    struct cedar_options o = cedar_options_default;
    struct cedar_source ps = {.name = "p"}, es = {.name = "e"};
    struct cedar_policies *p = NULL;
    struct cedar_entities *e = NULL;

    o.require_id = false;
    ps.text = (struct ts_str){text, random_set(text, sizeof(text), policies)};
    es.text = (struct ts_str){json, random_entities(json, sizeof(json))};
    assert_int_equal(cedar_policies_parse(&ps, 1, &o, &p, NULL), TS_OK);
    assert_int_equal(cedar_entities_parse(&es, 1, &e, NULL), TS_OK);
    assert_int_equal(p->index != NULL, policies >= 8);
    compare_some(p, e, context, requests);
    cedar_policies_free(p);
    cedar_entities_free(e);
}

static struct cedar_value make_context(struct ts_arena *arena)
{
    struct cedar_field f[] = {
        {TS_STR_LIT("n"), cedar_long(3)},
        {TS_STR_LIT("s"), cedar_string(TS_STR_LIT("abc"))}};
    struct cedar_value v = {0};

    assert_int_equal(cedar_record_make(arena, f, 2, &v), TS_OK);
    return v;
}

static const unsigned sizes[] = {1, 7, 8, 9, 17, 64, 65, 257, 700};
#define SIZES (sizeof(sizes) / sizeof(sizes[0]))

static void index_few_names_agrees_with_full_scan(void **state)
{
    struct cedar_value context;
    struct ts_arena arena;

    (void)state;
    ts_arena_init(&arena, 4096);
    context = make_context(&arena);
    names.ids = names.actions = 6;
    names.types = 2;
    for (size_t i = 0; i < 3 * SIZES; i++)
        compare_sets(&context, sizes[i % SIZES], 150);
    ts_arena_done(&arena);
}

static void index_many_names_agrees_with_full_scan(void **state)
{
    struct cedar_value context;
    struct ts_arena arena;

    (void)state;
    ts_arena_init(&arena, 4096);
    context = make_context(&arena);
    names.ids = names.actions = 90;
    names.types = 12;
    for (size_t i = 0; i < SIZES; i++)
        compare_sets(&context, sizes[i], 150);
    ts_arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(index_few_names_agrees_with_full_scan),
        cmocka_unit_test(index_many_names_agrees_with_full_scan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
