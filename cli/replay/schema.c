/* Cedar schema of a replay's tenant: what `tipstaff policy schema` makes of the
 * manifests and of the user, with the groups of actions that effects are. */
#include <string.h>

#include "cli/cmd.h"
#include "cli/replay/config.h"
#include "cli/schema/schema.h"
#include "policy/cedar_schema.h"
#include "proto/base/ts_mem.h"
#include "sidecar/common/bundle/bundle.h"

#define SCHEMA_MAX ((size_t)8 << 20)

const char *const replay_groups[REPLAY_GROUPS] = {"read", "write", "external",
                                                  "irreversible"};

bool replay_group_is_empty(const struct shape *s, const char *group)
{
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->tools[i].group, group) == 0)
            return false;
    return true;
}

static void say_note(void *ctx, const char *text)
{
    (void)ctx;
    cli_error("note: the schema of the replay: %s", text);
}

static bool parse_groups(const struct shape *s, struct cedar_schema **ret)
{
    struct cedar_diags *diags = ts_mem_alloc(sizeof(*diags));
    struct cedar_source src = {.name = "groups"};
    struct text t;
    bool ok;

    text_init(&t, SCHEMA_MAX);
    for (size_t i = 0; i < REPLAY_GROUPS; i++) {
        text_add(&t, "action %s;\n", replay_groups[i]);
        if (replay_group_is_empty(s, replay_groups[i]))
            text_add(&t, "action \"" REPLAY_STAND_IN "%s\" in [%s];\n",
                     replay_groups[i], replay_groups[i]);
    }
    for (size_t i = 0; i < s->count; i++) {
        text_add(&t, "action ");
        text_cedar(&t, s->tools[i].name);
        text_add(&t, " in [%s];\n", s->tools[i].group);
    }
    src.text = (struct ts_str){(const char *)ts_buf_bytes(&t.buf), t.buf.len};
    ok = !t.failed && diags != NULL &&
         cedar_schema_parse(&src, 1, ret, diags) == TS_OK;
    text_done(&t);
    ts_mem_free(diags);
    return ok;
}

static bool load(const struct bundle_file *tools, size_t count,
                 struct manifests **ret)
{
    static const struct manifest_facts facts = {.launchers = 1};
    const struct bundle b = {.files = (struct bundle_file *)(uintptr_t)tools,
                             .count = count};
    struct manifests *m = NULL;
    char text[1024];

    if (manifests_load(&b, &facts, 1, &m, text, sizeof(text)) != TS_OK) {
        cli_error("the tools of the records: %s", text);
        return false;
    }
    if (m->refused_count > 0) {
        cli_error("a tool of the records cannot have a manifest: %.*s",
                  (int)m->refused[0].text.len, m->refused[0].text.ptr);
        manifests_free(m);
        return false;
    }
    *ret = m;
    return true;
}

bool replay_schema(const struct shape *s, const struct bundle_file *tools,
                   size_t count, const struct directory_snapshot *people,
                   struct text *out)
{
    struct schema_request r = {.people = people, .note = say_note};
    struct manifests *m = NULL;
    struct cedar_schema *groups = NULL;
    char text[1024] = "";
    ts_err e;

    if (!load(tools, count, &m))
        return false;
    if (!parse_groups(s, &groups)) {
        manifests_free(m);
        cli_error("the schema of the replay: out of memory");
        return false;
    }
    r.manifests = m;
    r.merge = groups;
    e = schema_write(&r, &out->buf, text, sizeof(text));
    cedar_schema_free(groups);
    manifests_free(m);
    if (e != TS_OK)
        cli_error("the schema of the replay: %s",
                  text[0] != '\0' ? text : ts_err_text(e));
    return e == TS_OK;
}
