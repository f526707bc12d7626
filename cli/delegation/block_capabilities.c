#include "cli/delegation/block_capabilities.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "cli/capability/capability.h"
#include "cli/cmd.h"
#include "cli/files.h"
#include "proto/base/ts_fd.h"
#include "sidecar/common/bundle/bundle.h"
#include "sidecar/common/manifest/manifest.h"

static enum capability_kind kind_of(enum arg_type t)
{
    switch (t) {
    case ARG_STRING:
    case ARG_PATH:
    case ARG_URL:
        return CAPABILITY_STRING;
    case ARG_STRINGS:
        return CAPABILITY_STRINGS;
    case ARG_INT:
        return CAPABILITY_INT;
    case ARG_BOOL:
        return CAPABILITY_BOOL;
    case ARG_DECIMAL:
        return CAPABILITY_DECIMAL;
    case ARG_JSON:
        break;
    }
    return CAPABILITY_OTHER;
}

static bool copy(struct ts_arena *arena, struct ts_str s, const char **ret)
{
    return ts_arena_strndup(arena, s.ptr, s.len, ret) == TS_OK;
}

static bool tool_of(const struct manifest *m, struct ts_arena *arena,
                    struct capability_tool *ret)
{
    struct capability_arg *args;
    void *p;

    if (ts_arena_array(arena, (size_t)m->arg_count + 1, sizeof(*args), &p) !=
            TS_OK ||
        !copy(arena, m->tool, &ret->name) ||
        !copy(arena, m->action, &ret->action))
        return false;
    args = p;
    for (uint32_t i = 0; i < m->arg_count; i++) {
        args[i].kind = kind_of(m->args[i].type);
        args[i].is_authority = m->args[i].role == ROLE_AUTHORITY;
        args[i].is_required = m->args[i].required;
        if (!copy(arena, m->args[i].name, &args[i].name))
            return false;
    }
    ret->args = args;
    ret->arg_count = m->arg_count;
    return true;
}

static bool tools_of(const struct manifests *m, struct ts_arena *arena,
                     struct capability_rules *ret)
{
    struct capability_tool *tools;
    void *p;

    if (ts_arena_array(arena, (size_t)m->count + 1, sizeof(*tools), &p) !=
        TS_OK)
        return false;
    tools = p;
    for (uint32_t i = 0; i < m->count; i++)
        if (!tool_of(&m->list[i], arena, &tools[i]))
            return false;
    ret->tools = tools;
    ret->tool_count = m->count;
    return true;
}

static struct manifests *load(const char *config)
{
    const struct manifest_facts facts = {
        .has_broker = true, .has_token_key = true, .most = BOX_ANY};
    int dir TS_CLEANUP(ts_fd_close) =
        open(config, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct manifests *m = NULL;
    char text[1024] = "";
    int bundle = -1;

    if (dir < 0) {
        cli_error("%s: %s", config, strerror(errno));
        return NULL;
    }
    if (bundle_collect(dir, &bundle, text, sizeof(text)) != TS_OK ||
        manifests_read(bundle, &facts, 1, &m, text, sizeof(text)) != TS_OK) {
        cli_error("%s: %s", config, text);
        return NULL;
    }
    for (uint32_t i = 0; i < m->refused_count; i++)
        cli_error("left out: %.*s", (int)m->refused[i].text.len,
                  m->refused[i].text.ptr);
    return m;
}

static bool compile(const char *path, json_t *file,
                    const struct capability_rules *r, struct ts_arena *arena,
                    struct ts_str *ret)
{
    char why[CAPABILITY_ERROR_MAX];
    struct text out;
    const char *s = NULL;
    bool ok;

    text_init(&out, (size_t)4 * CAPABILITY_POLICY_MAX);
    ok = capability_compile(file, r, &out, why);
    if (!ok)
        cli_error("%s: %s", path, why);
    else if (ts_arena_strndup(arena, (const char *)ts_buf_bytes(&out.buf),
                              out.buf.len, &s) != TS_OK)
        cli_error("out of memory");
    if (s != NULL)
        *ret = (struct ts_str){.ptr = s, .len = out.buf.len};
    text_done(&out);
    return s != NULL;
}

bool cli_block_capabilities(const char *path, const char *config,
                            struct ts_arena *arena, struct ts_str *ret)
{
    struct capability_rules rules = {.has_provenance = true, .has_uses = true};
    json_t *file = cli_read_json(path);
    struct manifests *m;
    bool ok = false;

    if (file == NULL)
        return false;
    m = load(config);
    if (m != NULL && !tools_of(m, arena, &rules))
        cli_error("out of memory");
    else if (m != NULL)
        ok = compile(path, file, &rules, arena, ret);
    manifests_free(m);
    json_decref(file);
    return ok;
}
