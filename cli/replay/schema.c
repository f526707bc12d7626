/* Cedar schema of a replay's tenant: an action for each tool, with its own
 * arguments, in a group for each class of effects. */
#include <string.h>

#include "cli/replay/config.h"

static const char entities[] =
    "entity Group;\n"
    "entity User in [Group] = { " REPLAY_IDENTITY "0?: String, " REPLAY_IDENTITY
    "1?: String, " REPLAY_IDENTITY "2?: String, " REPLAY_IDENTITY
    "3?: String };\n"
    "entity Agent in [Agent] = { owner?: User };\n"
    "entity Uses tags Long; entity Sums tags decimal;\n"
    "entity Tool = { name: String, sensitivity: String, sensitivity_level: "
    "Long };\n"
    "type Rate = { agent_1m: Long, agent_1h: Long, agent_tool_1m: Long, "
    "agent_tool_1h: Long,\n"
    "  task_1m: Long, task_1h: Long, denied_1m: Long, denied_1h: Long };\n"
    "action read; action write; action external; action irreversible;\n";

static const char before[] =
    "  hop: String, now: datetime, depth: Long, user: User, agents: "
    "Set<Agent>,\n"
    "  root_agent: Agent, caller: Agent, task: String, tool: String,\n"
    "  rate: Rate, sensitivity: String, sensitivity_level: Long,\n"
    "  grant: { attrs: {}, issued: datetime, expires: datetime },\n"
    "  session: { uid: Long, gid: Long }, approvals: Set<String>,\n"
    "  has_stdin: Bool, check_only: Bool, uses: Uses, sums: Sums,\n";

static const char classes[] =
    "type Class = { pinned: Bool, trusted: Bool, untrusted: Bool, unknown: "
    "Bool };\n"
    "type From = { source: String, sources: Set<String> };\n";

static const char provenance[] =
    "  provenance: { declared: Set<String>, origin: String, tainted: Bool,\n"
    "    authority: Class, links: Class, content: Class, secrets: Bool,\n"
    "    level: Long, task: { untrusted: Bool, level: Long }, args: {";

static const char *cedar_type(const char *type)
{
    static const char *const map[][2] = {{"int", "Long"},
                                         {"bool", "Bool"},
                                         {"strings", "Set<String>"},
                                         {"decimal", "decimal"}};

    for (size_t i = 0; i < sizeof(map) / sizeof(map[0]); i++)
        if (strcmp(map[i][0], type) == 0)
            return map[i][1];
    return "String";
}

static void action(const struct shape_tool *t, struct text *out)
{
    text_add(out, "action ");
    text_cedar(out, t->name);
    text_add(out,
             " in [%s] appliesTo { principal: [User, Agent], resource: "
             "[Tool], context: {\n",
             t->group);
    text_bytes(out, before, sizeof(before) - 1);
    text_bytes(out, provenance, sizeof(provenance) - 1);
    for (size_t i = 0; i < t->arg_count; i++)
        text_add(out, " %s%s: From,", t->args[i].name,
                 t->args[i].is_required ? "" : "?");
    text_add(out, " } },\n");
    text_add(out, "  args: {");
    for (size_t i = 0; i < t->arg_count; i++)
        text_add(out, " %s%s: %s,", t->args[i].name,
                 t->args[i].is_required ? "" : "?",
                 cedar_type(t->args[i].type));
    text_add(out, " },\n} };\n");
}

void replay_schema(const struct shape *s, struct text *out)
{
    text_bytes(out, entities, sizeof(entities) - 1);
    text_bytes(out, classes, sizeof(classes) - 1);
    for (size_t i = 0; i < s->count; i++)
        action(&s->tools[i], out);
}
