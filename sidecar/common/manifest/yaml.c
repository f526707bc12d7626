/* The shape of a manifest: a reader for each key. */
#include "sidecar/common/layer.h"
#include "sidecar/common/manifest/manifest_priv.h"

/* Readers of one key each -------------------------------------------------- */

static ts_err read_tool(struct manifest_reader *r, const struct yaml_node *n)
{
    return manifest_read_str(r, n, TS_TOOL_NAME_MAX, &r->m->tool);
}

static ts_err read_description(struct manifest_reader *r,
                               const struct yaml_node *n)
{
    return manifest_read_str(r, n, MANIFEST_TEXT_MAX, &r->m->description);
}

static ts_err read_action(struct manifest_reader *r, const struct yaml_node *n)
{
    return manifest_read_str(r, n, TS_TOOL_NAME_MAX, &r->m->action);
}

static ts_err read_exec(struct manifest_reader *r, const struct yaml_node *n)
{
    return manifest_read_str(r, n, MANIFEST_PATH_MAX, &r->m->exec);
}

static ts_err read_argv(struct manifest_reader *r, const struct yaml_node *n)
{
    return manifest_read_strings(r, n, TS_ARGV_MAX, MANIFEST_TEXT_MAX,
                                 &r->m->argv, &r->m->argv_count);
}

static ts_err read_failed(struct manifest_reader *r, const struct yaml_node *n)
{
    static const char *const names[] = {"return", "count"};
    size_t i = 0;
    ts_err e = manifest_read_word(r, n, names, 2, &i);

    if (e == TS_OK)
        r->m->failed_counts = i == 1;
    return e;
}

static ts_err read_stdin(struct manifest_reader *r, const struct yaml_node *n)
{
    return manifest_read_bool(r, n, &r->m->stdin_allowed);
}

static ts_err read_cwd(struct manifest_reader *r, const struct yaml_node *n)
{
    return manifest_read_str(r, n, MANIFEST_PATH_MAX, &r->m->cwd);
}

static ts_err read_scratch(struct manifest_reader *r, const struct yaml_node *n)
{
    return manifest_read_str(r, n, MANIFEST_PATH_MAX, &r->m->scratch);
}

static ts_err read_read_paths(struct manifest_reader *r,
                              const struct yaml_node *n)
{
    return manifest_read_strings(r, n, MANIFEST_PATHS_MAX, MANIFEST_PATH_MAX,
                                 &r->m->read_paths, &r->m->read_count);
}

static ts_err read_write_paths(struct manifest_reader *r,
                               const struct yaml_node *n)
{
    return manifest_read_strings(r, n, MANIFEST_PATHS_MAX, MANIFEST_PATH_MAX,
                                 &r->m->write_paths, &r->m->write_count);
}

static ts_err read_exec_paths(struct manifest_reader *r,
                              const struct yaml_node *n)
{
    return manifest_read_strings(r, n, MANIFEST_PATHS_MAX, MANIFEST_PATH_MAX,
                                 &r->m->exec_paths, &r->m->exec_count);
}

static ts_err read_env(struct manifest_reader *r, const struct yaml_node *n)
{
    uint32_t i = 0;
    void *p;
    ts_err e;

    if (n->kind != YAML_KIND_MAP || n->count > MANIFEST_ENV_MAX)
        return manifest_fail(r, n->line, "expected at most %d \"NAME: value\"",
                             MANIFEST_ENV_MAX);
    e = ts_arena_array(r->arena, (size_t)n->count + 1, sizeof(*r->m->env), &p);
    if (e != TS_OK)
        return e;
    r->m->env = p;
    for (const struct yaml_node *v = n->first; v != NULL; v = v->next) {
        struct manifest_pair *pair = &r->m->env[i++];

        pair->key = v->key;
        if (v->kind != YAML_KIND_SCALAR || v->text.len > MANIFEST_TEXT_MAX)
            return manifest_fail(r, v->line,
                                 "expected a text of at most %d "
                                 "bytes",
                                 MANIFEST_TEXT_MAX);
        pair->value = v->text;
    }
    r->m->env_count = n->count;
    return TS_OK;
}

static ts_err read_log(struct manifest_reader *r, const struct yaml_node *n)
{
    static const char *const names[] = {"keys", "digest", "full"};
    size_t i = 0;
    ts_err e = manifest_read_word(r, n, names, 3, &i);

    if (e == TS_OK)
        r->m->log = (enum manifest_log)i;
    return e;
}

/* resource: ---------------------------------------------------------------- */

static ts_err resource_type(struct manifest_reader *r,
                            const struct yaml_node *n)
{
    return manifest_read_str(r, n, 128, &r->m->resource_type);
}

static ts_err resource_arg(struct manifest_reader *r, const struct yaml_node *n)
{
    return manifest_read_str(r, n, ARG_NAME_MAX, &r->m->resource_arg);
}

static ts_err resource_path(struct manifest_reader *r,
                            const struct yaml_node *n)
{
    return manifest_read_str(r, n, MANIFEST_PATH_MAX, &r->m->resource_path);
}

static ts_err resource_root(struct manifest_reader *r,
                            const struct yaml_node *n)
{
    return manifest_read_str(r, n, MANIFEST_PATH_MAX, &r->m->resource_root);
}

static ts_err resource_access(struct manifest_reader *r,
                              const struct yaml_node *n)
{
    static const char *const names[] = {"read", "write"};
    size_t i = 0;
    ts_err e = manifest_read_word(r, n, names, 2, &i);

    if (e == TS_OK)
        r->m->access = i == 0 ? ACCESS_READ : ACCESS_WRITE;
    return e;
}

static const struct manifest_key resource_keys[] = {
    {"type", resource_type},     {"arg", resource_arg},
    {"path", resource_path},     {"root", resource_root},
    {"access", resource_access},
};
const struct manifest_map manifest_resource_map =
    MANIFEST_MAP("resource", resource_keys);

static ts_err read_resource(struct manifest_reader *r,
                            const struct yaml_node *n)
{
    ts_err e = manifest_read_map(r, n, &manifest_resource_map);

    if (e != TS_OK)
        return e;
    if (r->m->resource_type.len == 0)
        return manifest_fail(r, n->line,
                             "resource needs a type: File, Dir, Url or a type "
                             "of your schema");
    if (ts_str_eq_c(r->m->resource_type, "File"))
        r->m->resource = RESOURCE_FILE;
    else if (ts_str_eq_c(r->m->resource_type, "Dir"))
        r->m->resource = RESOURCE_DIR;
    else if (ts_str_eq_c(r->m->resource_type, "Url"))
        r->m->resource = RESOURCE_URL;
    else
        r->m->resource = RESOURCE_NAMED;
    return TS_OK;
}

/* limits: ------------------------------------------------------------------ */

static ts_err limit_wall(struct manifest_reader *r, const struct yaml_node *n)
{
    return manifest_read_number(r, n, 1, TS_WALL_HARD_MS,
                                &r->m->limits.wall_ms);
}

static ts_err limit_cpu(struct manifest_reader *r, const struct yaml_node *n)
{
    return manifest_read_number(r, n, 1, 86400, &r->m->limits.cpu_s);
}

static ts_err limit_memory(struct manifest_reader *r, const struct yaml_node *n)
{
    return manifest_read_number(r, n, 1, 1048576, &r->m->limits.memory_mb);
}

static ts_err limit_processes(struct manifest_reader *r,
                              const struct yaml_node *n)
{
    return manifest_read_number(r, n, 1, 4096, &r->m->limits.processes);
}

static ts_err limit_file_size(struct manifest_reader *r,
                              const struct yaml_node *n)
{
    return manifest_read_number(r, n, 0, 1048576, &r->m->limits.file_size_mb);
}

static ts_err limit_open_files(struct manifest_reader *r,
                               const struct yaml_node *n)
{
    return manifest_read_number(r, n, 8, 4096, &r->m->limits.open_files);
}

static ts_err limit_output(struct manifest_reader *r, const struct yaml_node *n)
{
    return manifest_read_number(r, n, 1, TS_OUTPUT_HARD_MAX,
                                &r->m->limits.output_bytes);
}

static ts_err limit_tmp(struct manifest_reader *r, const struct yaml_node *n)
{
    return manifest_read_number(r, n, 1, 65536, &r->m->limits.tmp_mb);
}

static ts_err limit_on_output(struct manifest_reader *r,
                              const struct yaml_node *n)
{
    static const char *const names[] = {"truncate", "kill"};
    size_t i = 0;
    ts_err e = manifest_read_word(r, n, names, 2, &i);

    if (e == TS_OK)
        r->m->limits.on_output_limit = i == 0 ? OUTPUT_TRUNCATE : OUTPUT_KILL;
    return e;
}

static const struct manifest_key limits_keys[] = {
    {"wall_ms", limit_wall},
    {"cpu_s", limit_cpu},
    {"memory_mb", limit_memory},
    {"processes", limit_processes},
    {"file_size_mb", limit_file_size},
    {"open_files", limit_open_files},
    {"output_bytes", limit_output},
    {"on_output_limit", limit_on_output},
    {"tmp_mb", limit_tmp},
};
const struct manifest_map manifest_limits_map =
    MANIFEST_MAP("limits", limits_keys);

static ts_err read_limits(struct manifest_reader *r, const struct yaml_node *n)
{
    return manifest_read_map(r, n, &manifest_limits_map);
}

/* identity_token: ---------------------------------------------------------- */

static ts_err token_audience(struct manifest_reader *r,
                             const struct yaml_node *n)
{
    return manifest_read_str(r, n, MANIFEST_TOKEN_TEXT_MAX,
                             &r->m->token.audience);
}

static ts_err token_scope(struct manifest_reader *r, const struct yaml_node *n)
{
    return manifest_read_str(r, n, MANIFEST_TOKEN_TEXT_MAX, &r->m->token.scope);
}

static ts_err token_ttl(struct manifest_reader *r, const struct yaml_node *n)
{
    return manifest_read_number(r, n, 1, MANIFEST_TOKEN_TTL_MAX,
                                &r->m->token.ttl_s);
}

static const struct manifest_key token_keys[] = {
    {"audience", token_audience}, {"scope", token_scope}, {"ttl_s", token_ttl}};
const struct manifest_map manifest_token_map =
    MANIFEST_MAP("identity_token", token_keys);

static ts_err read_identity_token(struct manifest_reader *r,
                                  const struct yaml_node *n)
{
    r->m->token.ttl_s = MANIFEST_TOKEN_TTL_MAX;
    return manifest_read_map(r, n, &manifest_token_map);
}

static const struct manifest_key top_keys[] = {
    {"tool", read_tool},
    {"description", read_description},
    {"exec", read_exec},
    {"digest", manifest_read_digest},
    {"argv", read_argv},
    {"action", read_action},
    {"args", manifest_read_args},
    {"resource", read_resource},
    {"stdin", read_stdin},
    {"failed_calls", read_failed},
    {"cwd", read_cwd},
    {"scratch", read_scratch},
    {"read_paths", read_read_paths},
    {"write_paths", read_write_paths},
    {"exec_paths", read_exec_paths},
    {"env", read_env},
    {"sandbox", manifest_read_sandbox},
    {"seccomp", manifest_read_seccomp},
    {"init", manifest_read_init},
    {"require", manifest_read_require},
    {"limits", read_limits},
    {"network", manifest_read_network},
    {"secrets", manifest_read_secrets},
    {"identity_token", read_identity_token},
    {"output", manifest_read_output},
    {"log", read_log},
};
const struct manifest_map manifest_top = MANIFEST_MAP("the manifest", top_keys);

ts_err manifest_read(struct manifest_reader *r)
{
    r->m->limits = (struct manifest_limits){
        .wall_ms = TS_WALL_DEFAULT_MS,
        .cpu_s = 30,
        .memory_mb = 512,
        .processes = 32,
        .file_size_mb = 64,
        .open_files = 256,
        .output_bytes = TS_OUTPUT_DEFAULT,
        .tmp_mb = 64,
    };
    r->m->require = LAYER_FLOOR;
    return manifest_read_map(r, r->root, &manifest_top);
}
