#include "world.h"

#include <stdio.h>
#include <string.h>

#include "tests/lib/ts_test.h"

struct fixture world_fix;
struct fix_result world_result;

const char world_url_tool[] = "tool: web.get\n"
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
const char world_schema[] =
    "entity Group in [Group];\n"
    "entity User in [Group];\n"
    "entity Agent in [Agent] = { owner?: User };\n"
    "entity Uses tags Long; entity Sums tags decimal;\n"
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
    "type Kinds = { pinned: Bool, trusted: Bool, untrusted: Bool, unknown: "
    "Bool };\n"
    "type Src = { source: String, sources: Set<String> };\n"
    "type Call = {\n"
    "  hop: String, now: datetime, depth: Long, user: User, agents: "
    "Set<Agent>,\n"
    "  root_agent: Agent, caller: Agent, task: String, tool: String,\n"
    "  args: {\n"
    "    path?: String, pattern?: String, args?: Set<String>, seconds?: Long,\n"
    "    url?: String, repo?: String, n?: Long, flag?: Bool, words?: "
    "Set<String>,\n"
    "    to?: Set<String>, body?: String, id?: String,\n"
    "  },\n"
    "  rate: {\n"
    "    agent_1m: Long, agent_1h: Long, agent_tool_1m: Long, agent_tool_1h: "
    "Long,\n"
    "    task_1m: Long, task_1h: Long, denied_1m: Long, denied_1h: Long,\n"
    "  },\n"
    "  provenance: {\n"
    "    declared: Set<String>, origin: String, tainted: Bool,\n"
    "    authority: Kinds, links: Kinds, content: Kinds, secrets: Bool,\n"
    "    level: Long, task: { untrusted: Bool, level: Long },\n"
    "    unendorsed: { untrusted: Bool, unknown: Bool },\n"
    "    args: {\n"
    "      path?: Src, pattern?: Src, args?: Src, seconds?: Src, url?: Src,\n"
    "      repo?: Src, n?: Src, flag?: Src, words?: Src, to?: Src, body?: "
    "Src,\n"
    "      id?: Src,\n"
    "    },\n"
    "  },\n"
    "  sensitivity: String, sensitivity_level: Long,\n"
    "  grant: { attrs: { acr?: String }, issued: datetime, expires: datetime "
    "},\n"
    "  session: { uid: Long, gid: Long }, approvals: Set<String>,\n"
    "  has_stdin: Bool, check_only: Bool, uses: Uses, sums: Sums,\n"
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

int world_setup(void **state)
{
    (void)state;
    fix_init(&world_fix);
    fix_add_starter(&world_fix, "acme", KEY_ISSUER, KEY_CODER);
    fix_set(&world_fix, "tools/web.get.yaml", world_url_tool);
    fix_set(&world_fix, "tools/repo.open.yaml", named_tool);
    fix_set(&world_fix, "tenants/acme/schema.cedarschema", world_schema);
    fix_set(&world_fix, "tenants/acme/entities.json", labels);
    fix_set(&world_fix, "tenants/acme/policies/hard/10-users.cedar",
            "@id(\"u\") permit (principal is User, action, resource);");
    fix_set(&world_fix, "tenants/acme/policies/hard/20-agents.cedar",
            "@id(\"a\") permit (principal is Agent, action, resource);");
    fix_set(&world_fix, "tenants/acme/policies/hard/30-guards.cedar", "");
    fix_set(&world_fix, "tenants/acme/policies/hard/40-provenance.cedar", NULL);
    fix_set(&world_fix, "tenants/acme/policies/approval/40-provenance.cedar",
            NULL);
    fix_set(&world_fix, "tenants/acme/policies/approval/10-delete.cedar", NULL);
    fix_load_ok(&world_fix);
    return 0;
}

int world_teardown(void **state)
{
    (void)state;
    fix_done(&world_fix);
    return 0;
}

const char *world_when(const char *expr, const char *tool, const char *args,
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
    a = fix_authority(&world_fix, &g);
    fix_decide(&world_fix, a, &c, &world_result);
    assert_int_equal(world_result.e, TS_OK);
    authority_free(a);
    return call_code_name(world_result.d.code);
}

void world_holds(const char *expr, const char *tool, const char *args)
{
    const char *code = world_when(expr, tool, args, NULL);

    if (strcmp(code, "permitted") != 0)
        fail_msg("%s %s: %s is not true (%s)", tool, args, expr, code);
}
