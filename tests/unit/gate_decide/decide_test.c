#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"
#include "proto/wire/mp_read.h"
#include "sidecar/gate/decide/request.h"
#include "tests/lib/ts_test.h"

static struct fixture fix;
static struct fix_result result;

static const char url_tool[] = "tool: web.get\n"
                               "exec: /usr/bin/true\n"
                               "argv: [\"true\", \"{url}\"]\n"
                               "args:\n"
                               "  url: {type: url, required: true}\n"
                               "resource: {type: Url, arg: url}\n";
static const char named_tool[] = "tool: repo.open\n"
                                 "exec: /usr/bin/true\n"
                                 "argv: [\"true\", \"{repo}\"]\n"
                                 "args:\n"
                                 "  repo: {type: string, required: true}\n"
                                 "  n: {type: int}\n"
                                 "  flag: {type: bool}\n"
                                 "  words: {type: strings}\n"
                                 "resource: {type: Repo, arg: repo}\n"
                                 "log: keys\n";
/* Of the starter tree's, with more types of resources. */
static const char schema[] =
    "entity Group in [Group];\n"
    "entity User in [Group];\n"
    "entity Agent in [Agent] = { owner?: User };\n"
    "entity Label;\n"
    "entity Dir in [Dir, Label] = {\n"
    "  name?: String, path?: String, color?: String,\n"
    "  sensitivity?: String, sensitivity_level?: Long,\n"
    "};\n"
    "entity File in [Dir, Label] = {\n"
    "  name?: String, path?: String, owner_name?: String,\n"
    "  sensitivity?: String, sensitivity_level?: Long,\n"
    "};\n"
    "entity Host in [Host, Label] = { sensitivity?: Long };\n"
    "entity Url in [Host, Label] = {\n"
    "  host: String, path: String, port: Long, scheme: String,\n"
    "  sensitivity: String, sensitivity_level: Long,\n"
    "};\n"
    "entity Repo = { name?: String, sensitivity?: String, sensitivity_level?: "
    "Long };\n"
    "entity Tool = { name: String, sensitivity: String, sensitivity_level: "
    "Long };\n"
    "type Call = {\n"
    "  hop: String, now: datetime, depth: Long, user: User, agents: "
    "Set<Agent>,\n"
    "  root_agent: Agent, caller: Agent, task: String, tool: String,\n"
    "  args: {\n"
    "    path?: String, pattern?: String, args?: Set<String>, seconds?: Long,\n"
    "    url?: String, repo?: String, n?: Long, flag?: Bool, words?: "
    "Set<String>,\n"
    "  },\n"
    "  rate: {\n"
    "    agent_1m: Long, agent_1h: Long, agent_tool_1m: Long, agent_tool_1h: "
    "Long,\n"
    "    task_1m: Long, task_1h: Long, denied_1m: Long, denied_1h: Long,\n"
    "  },\n"
    "  provenance: { declared: Set<String>, origin: String, tainted: Bool },\n"
    "  sensitivity: String, sensitivity_level: Long,\n"
    "  grant: { attrs: { acr?: String }, issued: datetime, expires: datetime "
    "},\n"
    "  session: { uid: Long, gid: Long }, approvals: Set<String>,\n"
    "  has_stdin: Bool, check_only: Bool,\n"
    "};\n"
    "action read, change, run;\n"
    "action \"fs.read\", \"fs.grep\", \"fs.write\", \"fs.delete\", \"py.run\" "
    "in [read]\n"
    "  appliesTo { principal: [User, Agent], resource: File, context: Call };\n"
    "action \"fs.list\", \"git.log\" in [read]\n"
    "  appliesTo { principal: [User, Agent], resource: Dir, context: Call };\n"
    "action \"demo.sleep\" in [run]\n"
    "  appliesTo { principal: [User, Agent], resource: Tool, context: Call };\n"
    "action \"web.get\" appliesTo { principal: [User, Agent], resource: Url, "
    "context: Call };\n"
    "action \"repo.open\" appliesTo { principal: [User, Agent], resource: "
    "Repo, context: Call };\n";
static const char labels[] =
    "["
    "{\"uid\":{\"type\":\"Dir\",\"id\":\"/srv/ws/pub\"},"
    " \"attrs\":{\"sensitivity\":\"public\"},\"parents\":"
    "   [{\"type\":\"Label\",\"id\":\"open\"}]},"
    "{\"uid\":{\"type\":\"Dir\",\"id\":\"/srv/ws/pub/in\"},"
    " \"attrs\":{\"sensitivity\":\"confidential\"},\"parents\":[]},"
    "{\"uid\":{\"type\":\"File\",\"id\":\"/srv/ws/pub/in/key\"},"
    " \"attrs\":{\"sensitivity\":\"secret\",\"owner_name\":\"ops\","
    "            \"path\":\"/lie\"},\"parents\":[]},"
    "{\"uid\":{\"type\":\"Dir\",\"id\":\"/srv/ws/typo\"},"
    " \"attrs\":{\"sensitivity\":\"pubic\"},\"parents\":[]},"
    "{\"uid\":{\"type\":\"Dir\",\"id\":\"/srv/ws/none\"},"
    " \"attrs\":{\"color\":\"red\"},\"parents\":[]},"
    "{\"uid\":{\"type\":\"Host\",\"id\":\"example.com\"},"
    " \"attrs\":{\"sensitivity\":2},\"parents\":[]},"
    "{\"uid\":{\"type\":\"Host\",\"id\":\"api.example.com\"},"
    " \"attrs\":{},\"parents\":[{\"type\":\"Label\",\"id\":\"partner\"}]},"
    "{\"uid\":{\"type\":\"Repo\",\"id\":\"core\"},"
    " \"attrs\":{\"sensitivity\":\"internal\"},\"parents\":[]}"
    "]";

static int setup(void **state)
{
    (void)state;
    fix_init(&fix);
    fix_add_starter(&fix, "acme", KEY_ISSUER, KEY_CODER);
    fix_set(&fix, "tools/web.get.yaml", url_tool);
    fix_set(&fix, "tools/repo.open.yaml", named_tool);
    fix_set(&fix, "tenants/acme/schema.cedarschema", schema);
    fix_set(&fix, "tenants/acme/entities.json", labels);
    fix_set(&fix, "tenants/acme/policies/hard/10-users.cedar",
            "@id(\"u\") permit (principal is User, action, resource);");
    fix_set(&fix, "tenants/acme/policies/hard/20-agents.cedar",
            "@id(\"a\") permit (principal is Agent, action, resource);");
    fix_set(&fix, "tenants/acme/policies/hard/30-guards.cedar", "");
    fix_set(&fix, "tenants/acme/policies/approval/10-delete.cedar", NULL);
    fix_load_ok(&fix);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fix_done(&fix);
    return 0;
}

/* The code of a call whose block permits when the expression is true. */
static const char *when(const char *expr, const char *tool, const char *args,
                        const char *provenance)
{
    static char policy[2048];
    struct fix_grant g = fix_alice;
    struct fix_call c = {.tool = tool, .args = args, .provenance = provenance};
    struct authority *a;

    (void)snprintf(policy, sizeof(policy),
                   "permit (principal is Agent, action == Action::\"%s\", "
                   "resource) when { %s };",
                   tool, expr);
    g.policy = policy;
    a = fix_authority(&fix, &g);
    fix_decide(&fix, a, &c, &result);
    assert_int_equal(result.e, TS_OK);
    authority_free(a);
    return call_code_name(result.d.code);
}

static void holds(const char *expr, const char *tool, const char *args)
{
    const char *code = when(expr, tool, args, NULL);

    if (strcmp(code, "permitted") != 0)
        fail_msg("%s %s: %s is not true (%s)", tool, args, expr, code);
}

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
        holds(rows[i].expr, rows[i].tool, rows[i].args);
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
        assert_string_equal(when("true", "fs.read", args[i], NULL),
                            "bad_arguments");
}

static void request_deep_nesting_is_refused(void **state)
{
    char args[2048] = "path=";

    (void)state;
    for (int i = 0; i < 400; i++)
        (void)strcat(args, "a/");
    assert_string_equal(when("true", "fs.read", args, NULL), "bad_arguments");
    assert_non_null(strstr(result.d.text, "nested too deeply"));
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
        holds(expr, rows[i].tool, rows[i].args);
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
            holds(always_there[j], calls[i][0], calls[i][1]);
            assert_string_equal(
                when(always_there[j], calls[i][0], calls[i][1], "web"),
                "permitted");
        }
}

static void context_args_are_typed_and_optional_ones_absent(void **state)
{
    (void)state;
    holds("context.args has repo && context.args.repo == \"r\" && "
          "context.args has n && context.args.n == -5 && context.args has flag "
          "&& context.args.flag && context.args has words && "
          "context.args.words.containsAll([\"a\", \"b\"])",
          "repo.open", "repo=r;n:=-5;flag?=1;words@=b,a");
    holds("!(context.args has n) && !(context.args has flag) && "
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
    fix_set(&fix, "tenants/acme/policies/hard/10-users.cedar",
            "@id(\"u\") permit (principal is User, action, resource)"
            " when { context.hop == \"subject\" };");
    fix_set(&fix, "tenants/acme/policies/hard/20-agents.cedar",
            "@id(\"d\") permit (principal == Agent::\"coder\", action,"
            " resource) when { context.hop == \"delegator\" };"
            "@id(\"c\") permit (principal == Agent::\"coder/tester\", action,"
            " resource) when { context.hop == \"caller\" };");
    fix_load_ok(&fix);
    a = fix_authority(&fix, &g);
    assert_string_equal(fix_code(&fix, a, "fs.read", "path=x"), "permitted");
    authority_free(a);
}

/* ---- what ends in a denial ---------------------------------------------- */

static void decide_directory_status_has_three_values(void **state)
{
    struct authority *a = fix_authority(&fix, &fix_alice);
    const char *const file = "tenants/acme/directory.yaml";

    (void)state;
    assert_string_equal(fix_code(&fix, a, "fs.read", "path=x"), "permitted");
    for (int i = 0; i < 2; i++) /* an owner must be there: not alice, then */
        fix_edit(&fix, file, "owner: alice", "owner: bob");
    fix_edit(&fix, file, "id: alice\n    status: active",
             "id: alice\n    status: inactive");
    fix_load_ok(&fix);
    assert_string_equal(fix_code(&fix, a, "fs.read", "path=x"), "revoked");
    fix_edit(&fix, file, "id: alice\n", "id: alison\n");
    fix_load_ok(&fix);
    assert_string_equal(fix_code(&fix, a, "fs.read", "path=x"), "revoked");
    fix_edit(&fix, file, "id: alison\n    status: inactive",
             "id: alice\n    status: active");
    fix_edit(&fix, file, "id: coder\n    status: active",
             "id: coder\n    status: inactive");
    fix_load_ok(&fix);
    assert_string_equal(fix_code(&fix, a, "fs.read", "path=x"), "revoked");
    fix_edit(&fix, file, "id: coder\n", "id: coder2\n");
    fix_load_ok(&fix);
    assert_string_equal(fix_code(&fix, a, "fs.read", "path=x"), "revoked");
    authority_free(a);
}

static void decide_tenant_gone_is_revoked(void **state)
{
    struct authority *a = fix_authority(&fix, &fix_alice);

    (void)state;
    for (size_t i = fix.count; i > 0; i--)
        if (ts_str_starts(fix.files[i - 1].name, TS_STR_LIT("tenants/"))) {
            char name[256];

            (void)snprintf(name, sizeof(name), "%s", fix.files[i - 1].name.ptr);
            fix_set(&fix, name, NULL);
        }
    fix_load_ok(&fix);
    assert_string_equal(fix_code(&fix, a, "fs.read", "path=x"), "revoked");
    authority_free(a);
}

static void decide_agent_max_depth_limits_links(void **state)
{
    struct fix_grant g = fix_alice;
    struct authority *a;

    (void)state;
    g.sub_agent = "coder/tester";
    g.sub_holder = KEY_TESTER;
    g.sub_policy = g.policy;
    a = fix_authority(&fix, &g);
    assert_string_equal(fix_code(&fix, a, "fs.read", "path=x"), "permitted");
    fix_edit(&fix, "tenants/acme/directory.yaml", "    uids: [1000]",
             "    uids: [1000]\n    max_depth: 0");
    fix_load_ok(&fix);
    assert_string_equal(fix_code(&fix, a, "fs.read", "path=x"), "denied");
    authority_free(a);
}

static void decide_forbid_in_error_denies(void **state)
{
    struct fix_grant g = fix_alice;
    struct authority *a;

    (void)state;
    g.policy = "permit (principal, action, resource);"
               "forbid (principal, action, resource) when { "
               "context.session.uid + 9223372036854775807 > 0 };";
    a = fix_authority(&fix, &g);
    assert_string_equal(fix_code(&fix, a, "fs.read", "path=x"), "policy_error");
    authority_free(a);
    g.policy = "permit (principal, action, resource);"
               "permit (principal, action, resource) when { "
               "context.session.uid + 9223372036854775807 > 0 };";
    a = fix_authority(&fix, &g);
    assert_string_equal(fix_code(&fix, a, "fs.read", "path=x"), "permitted");
    authority_free(a);
}

/* A schema that does not declare what the call brings: the call is denied, the
 * agent and the record are told what does not fit. */
static void decide_call_outside_the_schema_is_denied(void **state)
{
    static const struct {
        const char *from, *to, *says;
    } rows[] = {
        {"hop: String, ", "", "context.hop"},
        {"depth: Long", "depth: String", "context.depth"},
        {"seconds?: Long", "seconds?: Long, must: Bool", "context.args"},
        {"action \"fs.read\", ", "action ", "fs.read"},
        {"principal: [User, Agent], resource: File",
         "principal: [User], resource: File", "Agent"},
        {"principal: [User, Agent], resource: File",
         "principal: [User, Agent], resource: Dir", "File"},
        {"name?: String, path?: String, owner_name",
         "path?: String, owner_name", "name"},
        {"entity File in [Dir, Label]", "entity File in [Label]", "Dir"},
    };

    (void)state;
    fix_set(&fix, "tenants/acme/entities.json", NULL);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct fix_call c = {.tool = "fs.read", .args = "path=x"};
        struct authority *a;

        fix_set(&fix, "tenants/acme/schema.cedarschema", schema);
        fix_edit(&fix, "tenants/acme/schema.cedarschema", rows[i].from,
                 rows[i].to);
        fix_load_ok(&fix);
        a = fix_authority(&fix, &fix_alice);
        fix_decide(&fix, a, &c, &result);
        if (result.d.code != CODE_SCHEMA_MISMATCH ||
            strstr(result.d.text, rows[i].says) == NULL)
            fail_msg("row %zu: %s: %s", i, call_code_name(result.d.code),
                     result.d.text);
        authority_free(a);
    }
}

/* Blocks come from strangers: what does not pass strict validation does not
 * open a session. */
static void authority_block_must_validate(void **state)
{
    static const char *const bad[] = {
        "permit (principal, action, resource) when { context.nothing };",
        "forbid (principal, action, resource) when { context.args.n > 1 };",
        "permit (principal is Planet, action, resource);",
        "permit (principal, action == Action::\"fly\", resource);",
        "permit (principal, action, resource) when { 1 };",
        "permit (principal == ?principal, action, resource);",
        "permit (principal, action, resource",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct fix_grant g = fix_alice;
        enum trust_code code = TRUST_OK;
        struct authority *a = NULL;

        g.policy = bad[i];
        assert_int_equal(fix_authority_try(&fix, &g, &a, &code), TS_E_AUTH);
        assert_int_equal(code, TRUST_E_POLICY);
        assert_null(a);
    }
}

/* An authority whose blocks were not read could only be wider than it is. */
static void decide_without_the_blocks_is_a_denial(void **state)
{
    struct authority *a = fix_authority(&fix, &fix_alice);
    uint32_t count = a->block_count;

    (void)state;
    assert_true(count > 0);
    a->block_count = 0;
    assert_string_equal(fix_code(&fix, a, "fs.read", "path=x"), "internal");
    a->block_count = count;
    assert_string_equal(fix_code(&fix, a, "fs.read", "path=x"), "permitted");
    authority_free(a);
}

static void decide_call_signature_is_demanded(void **state)
{
    struct authority *a;

    (void)state;
    fix_edit(&fix, "tenants/acme/tenant.yaml", "max_ttl_s: 3600",
             "max_ttl_s: 3600\nrequire_call_signature: true");
    fix_load_ok(&fix);
    a = fix_authority(&fix, &fix_alice);
    assert_string_equal(fix_code(&fix, a, "fs.read", "path=x"), "auth_failed");
    authority_free(a);
}

static void decide_expired_delegation_is_denied(void **state)
{
    struct authority *a = fix_authority(&fix, &fix_alice);

    (void)state;
    fix.now.unix_ms = (FIX_NOW_S + 3000) * 1000 - 1;
    assert_string_equal(fix_code(&fix, a, "fs.read", "path=x"), "permitted");
    fix.now.unix_ms++;
    assert_string_equal(fix_code(&fix, a, "fs.read", "path=x"), "expired");
    authority_free(a);
}

static void decide_wall_time_is_cut_by_the_delegation(void **state)
{
    struct authority *a = fix_authority(&fix, &fix_alice);
    struct fix_call c = {.tool = "fs.read", .args = "path=x"};

    (void)state;
    fix_decide(&fix, a, &c, &result);
    assert_int_equal(result.d.wall_ms, 10000);
    assert_false(result.d.deadline_is_expiry);
    fix.now.unix_ms = (FIX_NOW_S + 3000) * 1000 - 250;
    fix_decide(&fix, a, &c, &result);
    assert_int_equal(result.d.verdict, VERDICT_PERMIT);
    assert_int_equal(result.d.wall_ms, 250);
    assert_int_equal(result.d.order.wall_ms, 250);
    assert_true(result.d.deadline_is_expiry);
    authority_free(a);
}

/* Whatever the shell found is told and recorded, without asking a policy. */
static void decide_already_denied_keeps_every_code(void **state)
{
    struct authority *a = fix_authority(&fix, &fix_alice);

    (void)state;
    for (int code = 1; code < CODE_COUNT_; code++) {
        struct fix_call c = {.tool = "fs.read",
                             .args = "path=x",
                             .already_denied = (enum call_code)code};

        if (code == CODE_PERMITTED)
            continue;
        fix_decide(&fix, a, &c, &result);
        assert_int_equal(result.e, TS_OK);
        assert_int_equal(result.d.verdict, VERDICT_DENY);
        assert_int_equal(result.d.code, code);
        assert_true(fix_record_is(&result, "effect", "forbid"));
        assert_true(fix_record_is(&result, "code",
                                  call_code_name((enum call_code)code)));
        assert_null(strstr(result.d.text, "permit ("));
    }
    authority_free(a);
}

/* ---- two tenants -------------------------------------------------------- */

static void decide_two_tenants_with_the_same_names_never_meet(void **state)
{
    struct fix_grant b = fix_alice;
    struct authority *acme, *beta, *none = NULL;
    enum trust_code code = TRUST_OK;

    (void)state;
    fix_add_starter(&fix, "beta", KEY_ISSUER_B, KEY_CODER_B);
    fix_set(&fix, "tools/web.get.yaml", url_tool);
    fix_load_ok(&fix);
    b.tenant = "beta";
    b.issuer = KEY_ISSUER_B;
    b.holder = KEY_CODER_B;
    acme = fix_authority(&fix, &fix_alice);
    beta = fix_authority(&fix, &b);
    /* acme has no rules on listing here; beta has the starter's */
    for (int i = 0; i < 40; i++)
        assert_string_equal(fix_code(&fix, acme, "fs.list", "path=."),
                            "permitted");
    for (int i = 0; i < 30; i++)
        assert_string_equal(fix_code(&fix, beta, "fs.list", "path=."),
                            "permitted");
    assert_string_equal(fix_code(&fix, beta, "fs.list", "path=."), "forbidden");
    assert_string_equal(fix_code(&fix, acme, "fs.read", "path=secret/x"),
                        "permitted");
    assert_string_equal(fix_code(&fix, beta, "fs.read", "path=secret/x"),
                        "forbidden");
    /* an issuer of one may not issue for the other */
    b.issuer = KEY_ISSUER;
    assert_int_equal(fix_authority_try(&fix, &b, &none, &code), TS_E_AUTH);
    assert_null(none);
    authority_free(beta);
    authority_free(acme);
}

/* ---- narrowing, counting ------------------------------------------------ */

static enum verdict verdict_of(const struct fix_grant *g, const char *tool,
                               const char *args)
{
    struct authority *a = fix_authority(&fix, g);
    struct fix_call c = {.tool = tool, .args = args};

    fix_decide(&fix, a, &c, &result);
    assert_int_equal(result.e, TS_OK);
    authority_free(a);
    return result.d.verdict;
}

/* Whatever a link says: the sub-agent gets no more than who delegated. */
static void decide_appended_block_never_widens(void **state)
{
    static const char *const pool[] = {
        "permit (principal, action, resource);",
        "forbid (principal, action, resource);",
        "permit (principal, action == Action::\"fs.read\", resource);",
        "permit (principal, action, resource); @approval(\"four-eyes:1\") "
        "forbid (principal, action, resource);",
        "@approval(\"four-eyes:1\") forbid (principal, action, resource);",
        "permit (principal, action, resource) when { context.session.uid + "
        "9223372036854775807 > 0 };",
        "permit (principal, action, resource); forbid (principal, action, "
        "resource) when { context.session.uid + 9223372036854775807 > 0 };",
        "permit (principal, action, resource) when { context.depth == 1 };",
    };
    static const char *const calls[][2] = {
        {"fs.read", "path=x"}, {"fs.list", "path=."}, {"fs.delete", "path=x"}};
    const size_t n = sizeof(pool) / sizeof(pool[0]);
    unsigned seen[3] = {0};

    (void)state;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            for (size_t k = 0; k < 3; k++) {
                struct fix_grant root = fix_alice, link;
                enum verdict v;

                root.policy = pool[i];
                link = root;
                link.sub_agent = "coder/tester";
                link.sub_holder = KEY_TESTER;
                link.sub_policy = pool[j];
                v = verdict_of(&link, calls[k][0], calls[k][1]);
                seen[v]++;
                if (i == n - 1) /* says itself that only a sub-agent may */
                    continue;
                assert_true(v <= verdict_of(&root, calls[k][0], calls[k][1]));
            }
    assert_true(seen[VERDICT_DENY] > 0 && seen[VERDICT_PENDING] > 0 &&
                seen[VERDICT_PERMIT] > 0);
}

static void decide_counts_calls_and_denials_but_no_checks(void **state)
{
    struct authority *a = fix_authority(&fix, &fix_alice);
    struct fix_call read = {.tool = "fs.read", .args = "path=x"};
    struct fix_call check = read, bad = read;

    (void)state;
    check.check_only = true;
    bad.args = "path=../x";
    for (int i = 0; i < 3; i++)
        fix_decide(&fix, a, &check, &result);
    for (int i = 0; i < 2; i++)
        fix_decide(&fix, a, &read, &result);
    fix_decide(&fix, a, &bad, &result);
    authority_free(a);
    holds("context.rate.agent_1m == 3 && context.rate.agent_1h == 3 && "
          "context.rate.task_1m == 3 && context.rate.task_1h == 3 && "
          "context.rate.agent_tool_1m == 3 && context.rate.agent_tool_1h == 3 "
          "&& context.rate.denied_1m == 1 && context.rate.denied_1h == 1",
          "fs.read", "path=x");
    holds("context.rate.agent_1m == 4 && context.rate.agent_tool_1m == 0",
          "fs.list", "path=.");
}

/* ---- records ------------------------------------------------------------ */

static const char *const keys[] = {
    "kind",          "id",          "tenant",  "user",       "agent",
    "chain",         "grant",       "task",    "blocks",     "issuer",
    "session",       "peer",        "call",    "call_seq",   "tool",
    "tool_digest",   "args_digest", "args",    "action",     "resource",
    "resource_type", "sensitivity", "effect",  "code",       "text",
    "cedar",         "policies",    "context", "calls_1m",   "provenance",
    "trace",         "rev_seq",     "dir_seq", "generation", "us"};
#define KEYS (sizeof(keys) / sizeof(keys[0]))

static void check_keys(bool launches)
{
    struct mp_reader m;
    uint32_t n;
    size_t at = 0;

    assert_int_equal(mp_scan(result.record, result.record_len), TS_OK);
    mp_reader_init(&m, result.record, result.record_len);
    n = mp_read_map(&m, 64);
    assert_int_equal(n, KEYS + launches);
    for (uint32_t i = 0; i < n; i++) {
        struct ts_str k = mp_read_str(&m, 64);

        (void)mp_read_raw(&m, TS_RECORD_MAX);
        if (launches && i == KEYS - 1)
            assert_true(ts_str_eq_c(k, "order"));
        else
            assert_true(ts_str_eq_c(k, keys[at++]));
    }
    assert_int_equal(mp_done(&m), TS_OK);
}

static void decide_record_has_every_key_in_order(void **state)
{
    struct authority *a = fix_authority(&fix, &fix_alice);
    const struct fix_call calls[] = {
        {.tool = "fs.read", .args = "path=x"},
        {.tool = "fs.read", .args = "path=x", .check_only = true},
        {.tool = "fs.read", .args = "path=../x"},
        {.tool = "no.tool", .args = ""},
        {.tool = "repo.open", .args = "repo=r;n:=-5;flag?=1;words@=b,a"},
        {.tool = "fs.read", .args = "path=x", .already_denied = CODE_REVOKED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        fix_decide(&fix, a, &calls[i], &result);
        assert_int_equal(result.e, TS_OK);
        check_keys(result.d.verdict == VERDICT_PERMIT && !calls[i].check_only);
    }
    authority_free(a);
}

static void decide_record_args_follow_the_log_setting(void **state)
{
    static const uint8_t lens[] = "\x84\xa4repo\x81\xa3len\x03\xa1n\x81\xa3len"
                                  "\x00\xa4"
                                  "flag\x81\xa3len\x00\xa5words\x81\xa3len\x02";
    static const uint8_t full[] = "\x81\xa4path\xa9/srv/ws/x";
    struct authority *a = fix_authority(&fix, &fix_alice);
    struct fix_call c = {.tool = "repo.open",
                         .args = "repo=abc;n:=-5;flag?=1;words@=b,a"};
    struct ts_bytes v;

    (void)state;
    fix_decide(&fix, a, &c, &result);
    v = fix_record_get(&result, "args");
    assert_int_equal(v.len, sizeof(lens) - 1);
    assert_memory_equal(v.ptr, lens, v.len);
    c = (struct fix_call){.tool = "fs.read", .args = "path=x"};
    fix_decide(&fix, a, &c, &result);
    v = fix_record_get(&result, "args");
    assert_int_equal(v.len, sizeof(full) - 1);
    assert_memory_equal(v.ptr, full, v.len);
    fix_edit(&fix, "tools/fs.read.yaml", "log: full", "log: digest");
    fix_load_ok(&fix);
    fix_decide(&fix, a, &c, &result);
    v = fix_record_get(&result, "args");
    assert_int_equal(v.len, 1);
    assert_int_equal(v.ptr[0], 0x80);
    authority_free(a);
}

static void decide_ids_are_unique(void **state)
{
    enum {
        N = 2000
    };
    static uint8_t ids[N][16];
    struct authority *a = fix_authority(&fix, &fix_alice);
    struct fix_call c = {.tool = "no.tool", .args = ""};

    (void)state;
    for (int i = 0; i < N; i++) {
        fix_decide(&fix, a, &c, &result);
        memcpy(ids[i], result.d.id, 16);
        for (int j = 0; j < i; j++)
            assert_memory_not_equal(ids[i], ids[j], 16);
    }
    authority_free(a);
}

/* A permit whose record does not fit is taken back: no record, no launch. */
static void decide_record_too_large_is_a_denial(void **state)
{
    struct authority *a = fix_authority(&fix, &fix_alice);
    static uint8_t record[TS_RECORD_MAX];
    uint8_t args[512];
    struct call_input call = {.tool = TS_STR_LIT("fs.read"),
                              .args = {args, fix_args("path=x", args, 512)},
                              .now = fix.now,
                              .already_denied = CODE_PERMITTED};
    struct decide_input in = {.snapshot = fix.snapshot,
                              .authority = a,
                              .call = &call,
                              .meters = fix.meters};
    size_t len = 0, whole = 0;
    struct decision d;

    (void)state;
    assert_int_equal(
        decide_call(&in, &fix.arena, record, sizeof(record), &whole, &d),
        TS_OK);
    assert_int_equal(d.verdict, VERDICT_PERMIT);
    for (size_t cap = 0; cap < whole; cap++) {
        ts_err e = decide_call(&in, &fix.arena, record, cap, &len, &d);

        assert_int_equal(d.verdict, VERDICT_DENY);
        assert_true(e == TS_OK || e == TS_E_LIMIT);
        if (e == TS_OK)
            assert_int_equal(mp_scan(record, len), TS_OK);
        ts_arena_reset(&fix.arena);
    }
    authority_free(a);
}

static void decide_text_first_line_is_stable(void **state)
{
    struct authority *a = fix_authority(&fix, &fix_alice);
    struct fix_call c = {.tool = "no.tool", .args = ""};
    char line[128], hex[33];

    (void)state;
    fix_decide(&fix, a, &c, &result);
    ts_hex_encode(hex, result.d.id, 16);
    (void)snprintf(line, sizeof(line),
                   "DENIED [tool_unknown] decision %s: do not retry "
                   "unchanged\n",
                   hex);
    assert_int_equal(strncmp(result.d.text, line, strlen(line)), 0);
    authority_free(a);
}

static void outcome_record_is_one_strict_map(void **state)
{
    struct outcome o = {.tenant = TS_STR_LIT("acme"),
                        .reason = END_EXITED,
                        .code = CODE_PERMITTED,
                        .started = {.layers = 0xffffffff}};
    uint8_t buf[2048];
    size_t len = 0;

    (void)state;
    for (int reason = 0; reason < END_COUNT_; reason++) {
        o.reason = (enum end_reason)reason;
        o.text = TS_STR_LIT("landlock: not supported");
        assert_int_equal(outcome_record(&o, buf, sizeof(buf), &len), TS_OK);
        assert_int_equal(mp_scan(buf, len), TS_OK);
        assert_null(memmem(buf, len, "absent", 6)); /* it never ran */
        for (size_t cap = 0; cap < len; cap++) {
            size_t untouched = 99;

            assert_int_equal(outcome_record(&o, buf, cap, &untouched),
                             TS_E_LIMIT);
            assert_int_equal(untouched, 99);
        }
    }
}

/* What held, what did not, and what held less than its name says. */
static void outcome_record_says_how_the_tool_was_boxed(void **state)
{
    static const char want[] = "\xa3"
                               "box"
                               "\xa4"
                               "full"
                               "\xa6"
                               "layers"
                               "\x92\xa8"
                               "landlock"
                               "\xa6"
                               "net_ns"
                               "\xa6"
                               "absent"
                               "\xdc\x00\x12\xac"
                               "no_new_privs";
    static const char weak[] = "\xa8"
                               "weakened"
                               "\x91\xa8"
                               "landlock"
                               "\xac"
                               "landlock_abi"
                               "\x03";
    struct outcome o = {.tenant = TS_STR_LIT("acme"),
                        .reason = END_EXITED,
                        .code = CODE_PERMITTED,
                        .started = {.layers = LAYER_LANDLOCK | LAYER_NET_NS,
                                    .weakened = LAYER_LANDLOCK,
                                    .landlock_abi = 3,
                                    .box = BOX_FULL}};
    uint8_t buf[2048];
    size_t len = 0;

    (void)state;
    assert_int_equal(outcome_record(&o, buf, sizeof(buf), &len), TS_OK);
    assert_int_equal(mp_scan(buf, len), TS_OK);
    assert_non_null(memmem(buf, len, want, sizeof(want) - 1));
    assert_non_null(memmem(buf, len, weak, sizeof(weak) - 1));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

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
        T(decide_directory_status_has_three_values),
        T(decide_tenant_gone_is_revoked),
        T(decide_agent_max_depth_limits_links),
        T(decide_forbid_in_error_denies),
        T(decide_call_outside_the_schema_is_denied),
        T(authority_block_must_validate),
        T(decide_without_the_blocks_is_a_denial),
        T(decide_call_signature_is_demanded),
        T(decide_expired_delegation_is_denied),
        T(decide_wall_time_is_cut_by_the_delegation),
        T(decide_already_denied_keeps_every_code),
        T(decide_two_tenants_with_the_same_names_never_meet),
        T(decide_appended_block_never_widens),
        T(decide_counts_calls_and_denials_but_no_checks),
        T(decide_record_has_every_key_in_order),
        T(decide_record_args_follow_the_log_setting),
        T(decide_ids_are_unique),
        T(decide_record_too_large_is_a_denial),
        T(decide_text_first_line_is_stable),
        T(outcome_record_is_one_strict_map),
        T(outcome_record_says_how_the_tool_was_boxed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
