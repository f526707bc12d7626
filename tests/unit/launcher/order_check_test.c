#include "tests/lib/ts_test.h"

#include <string.h>

#include "sidecar/common/bundle/bundle.h"
#include "sidecar/common/layer.h"
#include "sidecar/launcher/tools/order_check.h"

static const char text[] =
    "tool: t\nexec: /x\nargv: [x, '{p}']\n"
    "args: {p: {type: path, required: true}}\nlimits: {wall_ms: 1000}\n"
    "resource: {type: File, arg: p, root: /r, access: write}\n";

/* What one row changes in an order that is otherwise fine. */
struct row {
    const char *name;
    uint64_t generation;
    const char *tool, *args, *path;
    enum order_access access;
    uint64_t wall_ms;
    bool has_stdin;
    uint32_t layers;
    enum call_code code; /* CODE_PERMITTED: fine */
    const char *step;
    uint64_t wall_result;
};

#define GOOD                                                                   \
    "\x81\xa1p\xa1"                                                            \
    "a"

static const struct row rows[] = {
    {"fine", 2, "t", GOOD, "/r/a", ACCESS_WRITE, 500, false, LAYER_FLOOR,
     CODE_PERMITTED, "", 500},
    {"tighter access", 2, "t", GOOD, "/r/a", ACCESS_READ, 500, false,
     LAYER_FLOOR, CODE_PERMITTED, "", 500},
    {"longer wall is cut", 2, "t", GOOD, "/r/a", ACCESS_WRITE, 99999, false,
     LAYER_FLOOR, CODE_PERMITTED, "", 1000},
    {"other generation", 3, "t", GOOD, "/r/a", ACCESS_WRITE, 500, false,
     LAYER_FLOOR, CODE_STALE_STATE, "generation", 0},
    {"unknown tool", 2, "u", GOOD, "/r/a", ACCESS_WRITE, 500, false,
     LAYER_FLOOR, CODE_TOOL_UNKNOWN, "tool", 0},
    {"bad args", 2, "t", "\x81\xa1p\x05", "/r/a", ACCESS_WRITE, 500, false,
     LAYER_FLOOR, CODE_BAD_ARGUMENTS, "args", 0},
    {"another path", 2, "t", GOOD, "/r/b", ACCESS_WRITE, 500, false,
     LAYER_FLOOR, CODE_RESOURCE_UNAVAILABLE, "path", 0},
    {"no path", 2, "t", GOOD, "", ACCESS_WRITE, 500, false, LAYER_FLOOR,
     CODE_RESOURCE_UNAVAILABLE, "path", 0},
    {"no access", 2, "t", GOOD, "/r/a", ACCESS_NONE, 500, false, LAYER_FLOOR,
     CODE_RESOURCE_UNAVAILABLE, "access", 0},
    {"stdin not allowed", 2, "t", GOOD, "/r/a", ACCESS_READ, 500, true,
     LAYER_FLOOR, CODE_BAD_ARGUMENTS, "stdin", 0},
    {"no time", 2, "t", GOOD, "/r/a", ACCESS_READ, 0, false, LAYER_FLOOR,
     CODE_DEADLINE, "deadline", 0},
    {"layer missing", 2, "t", GOOD, "/r/a", ACCESS_READ, 500, false,
     LAYER_FLOOR & ~(uint32_t)LAYER_LANDLOCK, CODE_SANDBOX_UNAVAILABLE,
     "landlock", 0},
};

static const struct manifest_facts facts = {.has_broker = true,
                                            .has_token_key = true};

/* A host that gives the least of boxes, with these layers. */
static struct level_offer offer_of(uint32_t layers)
{
    struct level_offer o = {0};

    o.given[BOX_BARE] = true;
    o.layers[BOX_BARE] = layers;
    return o;
}

static const char plain[] = "tool: t\nexec: /x\nargv: [x]\n";
static const char wants[] = "tool: t\nexec: /x\nargv: [x]\n"
                            "identity_token: {audience: b}\n";

static ts_err check_token(const char *manifest, const char *token,
                          struct order_refusal *why)
{
    struct bundle_file f = {TS_STR_LIT("tools/t.yaml"), ts_str_of(manifest)};
    const struct bundle b = {.files = &f, .count = 1};
    const struct level_offer offer = offer_of(LAYER_FLOOR);
    struct order_context c = {.offer = &offer};
    const struct order o = {.order_id = 1,
                            .generation = 2,
                            .tool = TS_STR_LIT("t"),
                            .args = {(const uint8_t *)"\x80", 1},
                            .wall_ms = 500,
                            .token = ts_str_of(token)};
    struct manifests *m = NULL;
    struct order_plan p = {0};
    struct ts_arena a;
    char err[512];
    ts_err e;

    assert_int_equal(manifests_load(&b, &facts, 2, &m, err, sizeof(err)),
                     TS_OK);
    c.current = m;
    ts_arena_init(&a, 1 << 20);
    e = order_check(&c, &o, &a, &p, why);
    ts_arena_done(&a);
    manifests_free(m);
    return e;
}

/* Manifest and order must agree: neither a token too many nor one too few. */
static void
order_check_token_only_and_always_where_the_manifest_asks(void **state)
{
    static const struct {
        const char *manifest, *token;
        bool fine;
    } cases[] = {
        {plain, "", true},         {plain, "a.b.c", false},
        {wants, "a.b.c", true},    {wants, "", false},
        {wants, "a.b", false},     {wants, "a.b.c.d", false},
        {wants, "a.b.c\n", false}, {wants, "a.b.c=", false},
        {wants, "a. .c", false},   {wants, "-_.A9.z", true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct order_refusal why = {.code = CODE_PERMITTED, .step = ""};
        ts_err e = check_token(cases[i].manifest, cases[i].token, &why);

        assert_int_equal(e == TS_OK, cases[i].fine);
        assert_string_equal(why.step, cases[i].fine ? "" : "token");
        assert_int_equal(why.code,
                         cases[i].fine ? CODE_PERMITTED : CODE_LAUNCH_FAILED);
    }
}

static void order_check_each_deviation_is_refused_by_name(void **state)
{
    struct bundle_file f = {TS_STR_LIT("tools/t.yaml"),
                            {text, sizeof(text) - 1}};
    const struct bundle b = {.files = &f, .count = 1};
    struct manifests *m = NULL;
    char err[512];

    (void)state;
    assert_int_equal(manifests_load(&b, &facts, 2, &m, err, sizeof(err)),
                     TS_OK);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct row *r = &rows[i];
        const struct level_offer offer = offer_of(r->layers);
        const struct order_context c = {.current = m, .offer = &offer};
        const struct order o = {
            .order_id = 1,
            .generation = r->generation,
            .tool = ts_str_of(r->tool),
            .args = {(const uint8_t *)r->args, strlen(r->args)},
            .path = ts_str_of(r->path),
            .access = r->access,
            .wall_ms = r->wall_ms,
            .has_stdin = r->has_stdin,
        };
        struct order_refusal why = {.code = CODE_PERMITTED, .step = ""};
        struct order_plan p = {0};
        struct ts_arena a;
        ts_err e;

        ts_arena_init(&a, 1 << 20);
        e = order_check(&c, &o, &a, &p, &why);
        if ((e == TS_OK) != (r->code == CODE_PERMITTED) ||
            why.code != r->code || strcmp(why.step, r->step) != 0)
            fail_msg("%s: %s at %s", r->name, call_code_name(why.code),
                     why.step);
        assert_int_equal(p.wall_ms, r->wall_result);
        ts_arena_done(&a);
    }
    manifests_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_check_each_deviation_is_refused_by_name),
        cmocka_unit_test(
            order_check_token_only_and_always_where_the_manifest_asks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
