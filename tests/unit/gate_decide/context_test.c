/* What policies see: the request, its context and labels. */
#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <string.h>

#include "proto/wire/mp_read.h"
#include "sidecar/gate/decide/request.h"
#include "world.h"

static void request_maps_arguments_to_resources(void **state)
{
    static const struct {
        const char *tool, *args, *expr;
    } rows[] = {
        {"fs.read", "path=a/./b//c.txt",
         "resource == File::\"/srv/ws/a/b/c.txt\" && resource has name && "
         "resource.name == \"c.txt\" && resource has path && resource.path == "
         "\"/srv/ws/a/b/c.txt\" && resource in "
         "Dir::\"/srv/ws/a/b\" && resource in Dir::\"/srv/ws/a\" && resource "
         "in Dir::\"/srv/ws\" && resource in Dir::\"/srv\" && resource in "
         "Dir::\"/\" && !(resource in Dir::\"/srv/w\")"},
        {"fs.read", "path=a/../b", "resource == File::\"/srv/ws/b\""},
        {"fs.read", "path=/srv/ws/b", "resource == File::\"/srv/ws/b\""},
        {"fs.list", "path=.",
         "resource == Dir::\"/srv/ws\" && resource in Dir::\"/srv\" && "
         "resource has name && resource.name == \"ws\""},
        {"fs.list", "path=pub", "resource in Label::\"open\""},
        {"fs.read", "path=pub/x/y", "resource in Label::\"open\""},
        {"fs.read", "path=pub/in/key",
         "resource has owner_name && resource.owner_name == \"ops\" && "
         "resource has path && resource.path == \"/srv/ws/pub/in/key\""},
        {"web.get", "url=HTTPS://API.Example.com:443/a/../b",
         "resource == Url::\"https://api.example.com/b\" && resource in "
         "Host::\"api.example.com\" && resource in Host::\"example.com\" && "
         "resource in Host::\"com\" && !(resource in Host::\"xample.com\") && "
         "resource.host == \"api.example.com\" && resource.port == 443 && "
         "resource.scheme == \"https\" && resource.path == \"/b\" && resource "
         "in Label::\"partner\""},
        {"web.get", "url=http://10.1.2.3/x",
         "resource in Host::\"10.1.2.3\" && !(resource in Host::\"1.2.3\") && "
         "!(resource in Host::\"3\")"},
        {"repo.open", "repo=a/b", "resource == Repo::\"a/b\""},
        {"demo.sleep", "seconds:=5",
         "resource == Tool::\"demo.sleep\" && resource.name == "
         "\"demo.sleep\""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        world_holds(rows[i].expr, rows[i].tool, rows[i].args);
}

static void request_paths_outside_the_root_are_bad_arguments(void **state)
{
    static const char *const args[] = {"path=..",
                                       "path=../x",
                                       "path=a/../../x",
                                       "path=/srv/ws2/x",
                                       "path=/etc/passwd",
                                       "path=/srv/ws/../x",
                                       "path="};

    (void)state;
    for (size_t i = 0; i < sizeof(args) / sizeof(args[0]); i++)
        assert_string_equal(world_when("true", "fs.read", args[i], NULL),
                            "bad_arguments");
}

static void request_deep_nesting_is_refused(void **state)
{
    char args[2048] = "path=";

    (void)state;
    for (int i = 0; i < 400; i++)
        (void)strcat(args, "a/");
    assert_string_equal(world_when("true", "fs.read", args, NULL),
                        "bad_arguments");
    assert_non_null(strstr(world_result.d.text, "nested too deeply"));
}

static void sensitivity_is_that_of_the_nearest_label(void **state)
{
    static const struct {
        const char *tool, *args, *level;
        int number;
    } rows[] = {
        {"fs.read", "path=x", "internal", 1},
        {"fs.read", "path=pub/x/y/z", "public", 0},
        {"fs.list", "path=pub", "public", 0},
        {"fs.list", "path=pub/in", "confidential", 2},
        {"fs.read", "path=pub/in/x", "confidential", 2},
        {"fs.read", "path=pub/in/key", "secret", 3},
        {"fs.read", "path=typo/x", "secret", 3},
        {"fs.read", "path=none/x", "internal", 1},
        {"web.get", "url=https://api.example.com/", "confidential", 2},
        {"web.get", "url=https://example.org/", "internal", 1},
        {"repo.open", "repo=core", "internal", 1},
        {"demo.sleep", "seconds:=1", "internal", 1},
    };
    char expr[256];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        (void)snprintf(expr, sizeof(expr),
                       "context.sensitivity == \"%s\" && "
                       "context.sensitivity_level == %d && "
                       "resource has sensitivity && "
                       "resource.sensitivity == \"%s\" && "
                       "resource has sensitivity_level && "
                       "resource.sensitivity_level == %d",
                       rows[i].level, rows[i].number, rows[i].level,
                       rows[i].number);
        world_holds(expr, rows[i].tool, rows[i].args);
    }
}

/* Each uses its field in a way that only the right type survives; a missing
 * field would be an error, and then nothing permits. */
static const char *const always_there[] = {
    "context.hop == \"caller\"",
    "context.now > datetime(\"2026-01-01\")",
    "context.args has path || context.args has seconds || context.args has "
    "url || context.args has repo",
    "context.rate.agent_1m + context.rate.agent_1h + "
    "context.rate.agent_tool_1m + context.rate.agent_tool_1h + "
    "context.rate.task_1m + context.rate.task_1h + context.rate.denied_1m + "
    "context.rate.denied_1h >= 0",
    "context.task == \"t1\"",
    "context.tool like \"*.*\"",
    "context.user == User::\"alice\"",
    "context.depth == 0",
    "context.grant.attrs has acr && context.grant.attrs.acr == \"2\"",
    "context.grant.issued < context.now && context.grant.expires > context.now",
    "context.agents.contains(Agent::\"coder\")",
    "context.caller == Agent::\"coder\"",
    "context.root_agent == Agent::\"coder\"",
    "context.session.uid == 1000 && context.session.gid == 1001",
    "!context.has_stdin",
    "!context.check_only",
    "context.provenance.origin == \"unknown\"",
    "context.provenance.tainted || !context.provenance.tainted",
    "context.provenance.declared.contains(\"web\") == "
    "context.provenance.tainted",
    "context.sensitivity like \"*\"",
    "context.sensitivity_level >= 0",
    "principal == Agent::\"coder\" && principal has owner && principal.owner "
    "== "
    "User::\"alice\"",
    "context.approvals.isEmpty()",
};

static void context_every_field_is_always_there(void **state)
{
    static const char *const calls[][2] = {
        {"fs.read", "path=x"},
        {"fs.list", "path=."},
        {"web.get", "url=https://example.com/"},
        {"repo.open", "repo=core"},
        {"demo.sleep", "seconds:=1"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
        for (size_t j = 0; j < sizeof(always_there) / sizeof(char *); j++) {
            world_holds(always_there[j], calls[i][0], calls[i][1]);
            assert_string_equal(
                world_when(always_there[j], calls[i][0], calls[i][1], "web"),
                "permitted");
        }
}

static void context_args_are_typed_and_optional_ones_absent(void **state)
{
    (void)state;
    world_holds(
        "context.args has repo && context.args.repo == \"r\" && "
        "context.args has n && context.args.n == -5 && context.args has flag "
        "&& context.args.flag && context.args has words && "
        "context.args.words.containsAll([\"a\", \"b\"])",
        "repo.open", "repo=r;n:=-5;flag?=1;words@=b,a");
    world_holds("!(context.args has n) && !(context.args has flag) && "
                "!(context.args has words)",
                "repo.open", "repo=r");
}

static void context_hop_tells_who_is_asked(void **state)
{
    struct fix_grant g = fix_alice;
    struct authority *a;

    (void)state;
    g.sub_agent = "coder/tester";
    g.sub_holder = KEY_TESTER;
    g.sub_policy =
        "permit (principal == Agent::\"coder/tester\", action, resource) when "
        "{ principal in Agent::\"coder\" && context.depth == 1 && "
        "context.hop == \"caller\" && principal has owner && principal.owner "
        "== "
        "User::\"alice\" && "
        "context.agents == [Agent::\"coder/tester\", Agent::\"coder\"] && "
        "context.root_agent == Agent::\"coder\" };";
    fix_set(&world_fix, "tenants/acme/policies/hard/10-users.cedar",
            "@id(\"u\") permit (principal is User, action, resource)"
            " when { context.hop == \"subject\" };");
    fix_set(&world_fix, "tenants/acme/policies/hard/20-agents.cedar",
            "@id(\"d\") permit (principal == Agent::\"coder\", action,"
            " resource) when { context.hop == \"delegator\" };"
            "@id(\"c\") permit (principal == Agent::\"coder/tester\", action,"
            " resource) when { context.hop == \"caller\" };");
    fix_load_ok(&world_fix);
    a = fix_authority(&world_fix, &g);
    assert_string_equal(fix_code(&world_fix, a, "fs.read", "path=x"),
                        "permitted");
    authority_free(a);
}

#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(request_maps_arguments_to_resources),
        T(request_paths_outside_the_root_are_bad_arguments),
        T(request_deep_nesting_is_refused),
        T(sensitivity_is_that_of_the_nearest_label),
        T(context_every_field_is_always_there),
        T(context_args_are_typed_and_optional_ones_absent),
        T(context_hop_tells_who_is_asked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
