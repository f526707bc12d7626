/*
 * The shape of a manifest: a table says which key has which reader. An unknown
 * key is an error, since a misspelt limit would otherwise be no limit.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sidecar/common/layer.h"
#include "sidecar/common/manifest_priv.h"

ts_err manifest_fail(const struct manifest_reader *r, uint32_t line,
                     const char *fmt, ...)
{
    char what[512];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    (void)snprintf(r->text, r->cap, "%.*s:%u: %s", (int)r->m->file.len,
                   r->m->file.ptr, line, what);
    return TS_E_FORMAT;
}

ts_err manifest_read_str(const struct manifest_reader *r,
                         const struct yaml_node *n, size_t max_len,
                         struct ts_str *ret)
{
    struct ts_str s;

    if (!yaml_node_str(n, &s) || s.len == 0)
        return manifest_fail(r, n->line, "expected a text; write it in quotes");
    if (s.len > max_len)
        return manifest_fail(r, n->line, "longer than %zu bytes", max_len);
    *ret = s;
    return TS_OK;
}

ts_err manifest_read_strings(const struct manifest_reader *r,
                             const struct yaml_node *n, uint32_t max,
                             size_t max_len, struct ts_str const **ret,
                             uint32_t *ret_count)
{
    const struct yaml_node *child;
    struct ts_str *list;
    uint32_t i = 0;
    void *p;
    ts_err e;

    if (n->kind != YAML_KIND_LIST)
        return manifest_fail(r, n->line,
                             "expected a list, e.g. [\"a\", \"b\"]");
    if (n->count > max)
        return manifest_fail(r, n->line, "more than %u entries", max);
    e = ts_arena_array(r->arena, (size_t)n->count + 1, sizeof(*list), &p);
    if (e != TS_OK)
        return e;
    list = p;
    for (child = n->first; child != NULL; child = child->next) {
        if ((e = manifest_read_str(r, child, max_len, &list[i++])) != TS_OK)
            return e;
    }
    *ret = list;
    *ret_count = n->count;
    return TS_OK;
}

static ts_err read_bool(const struct manifest_reader *r,
                        const struct yaml_node *n, bool *ret)
{
    if (!yaml_node_bool(n, ret))
        return manifest_fail(r, n->line, "expected true or false");
    return TS_OK;
}

static ts_err read_number(const struct manifest_reader *r,
                          const struct yaml_node *n, uint64_t min, uint64_t max,
                          uint64_t *ret)
{
    int64_t v;

    if (!yaml_node_int(n, &v))
        return manifest_fail(r, n->line, "expected a whole number");
    if (v < 0 || (uint64_t)v < min || (uint64_t)v > max)
        return manifest_fail(r, n->line, "must be from %llu to %llu",
                             (unsigned long long)min, (unsigned long long)max);
    *ret = (uint64_t)v;
    return TS_OK;
}

typedef ts_err read_fn(struct manifest_reader *r, const struct yaml_node *n);

struct field {
    const char *key;
    read_fn *read;
};

static ts_err read_map(struct manifest_reader *r, const struct yaml_node *map,
                       const struct field *fields, size_t count,
                       const char *what)
{
    char name[64];
    ts_err e;

    if (map->kind != YAML_KIND_MAP)
        return manifest_fail(r, map->line, "%s: expected \"key: value\" lines",
                             what);
    for (const struct yaml_node *n = map->first; n != NULL; n = n->next) {
        size_t i = 0;

        while (i < count && !ts_str_eq_c(n->key, fields[i].key))
            i++;
        if (i == count) {
            (void)ts_str_escape(name, sizeof(name), n->key.ptr, n->key.len);
            return manifest_fail(
                r, n->line,
                "unknown key \"%s\" in %s; tipstaff-tool(5) lists the keys",
                name, what);
        }
        if ((e = fields[i].read(r, n)) != TS_OK)
            return e;
    }
    return TS_OK;
}

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

static ts_err read_stdin(struct manifest_reader *r, const struct yaml_node *n)
{
    return read_bool(r, n, &r->m->stdin_allowed);
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

static ts_err read_seccomp(struct manifest_reader *r, const struct yaml_node *n)
{
    return manifest_read_str(r, n, 32, &r->m->seccomp);
}

static ts_err read_require(struct manifest_reader *r, const struct yaml_node *n)
{
    struct ts_str const *names;
    uint32_t count;
    char shown[64];
    ts_err e;

    e = manifest_read_strings(r, n, LAYER_COUNT, 32, &names, &count);
    if (e != TS_OK)
        return e;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t bit = layer_parse(names[i]);

        (void)ts_str_escape(shown, sizeof(shown), names[i].ptr, names[i].len);
        if (bit == 0)
            return manifest_fail(r, n->line,
                                 "unknown sandbox layer \"%s\"; "
                                 "tipstaff doctor lists them",
                                 shown);
        r->m->require |= bit;
    }
    return TS_OK;
}

static ts_err read_log(struct manifest_reader *r, const struct yaml_node *n)
{
    static const char *const names[] = {"keys", "digest", "full"};
    struct ts_str s = {0};
    ts_err e = manifest_read_str(r, n, 32, &s);

    if (e != TS_OK)
        return e;
    for (unsigned i = 0; i < 3; i++) {
        if (ts_str_eq_c(s, names[i])) {
            r->m->log = (enum manifest_log)i;
            return TS_OK;
        }
    }
    return manifest_fail(r, n->line, "log must be keys, digest or full");
}

static ts_err read_launcher(struct manifest_reader *r,
                            const struct yaml_node *n)
{
    uint64_t v = 0;
    ts_err e = read_number(r, n, 0, TS_LAUNCHERS_MAX - 1, &v);

    if (e == TS_OK)
        r->m->launcher = (uint32_t)v;
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
    struct ts_str s = {0};
    ts_err e = manifest_read_str(r, n, 32, &s);

    if (e != TS_OK)
        return e;
    if (ts_str_eq_c(s, "read"))
        r->m->access = ACCESS_READ;
    else if (ts_str_eq_c(s, "write"))
        r->m->access = ACCESS_WRITE;
    else
        return manifest_fail(r, n->line, "access must be read or write");
    return TS_OK;
}

static ts_err read_resource(struct manifest_reader *r,
                            const struct yaml_node *n)
{
    static const struct field fields[] = {
        {"type", resource_type},     {"arg", resource_arg},
        {"path", resource_path},     {"root", resource_root},
        {"access", resource_access},
    };
    ts_err e =
        read_map(r, n, fields, sizeof(fields) / sizeof(fields[0]), "resource");

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
    return read_number(r, n, 1, TS_WALL_HARD_MS, &r->m->limits.wall_ms);
}

static ts_err limit_cpu(struct manifest_reader *r, const struct yaml_node *n)
{
    return read_number(r, n, 1, 86400, &r->m->limits.cpu_s);
}

static ts_err limit_memory(struct manifest_reader *r, const struct yaml_node *n)
{
    return read_number(r, n, 1, 1048576, &r->m->limits.memory_mb);
}

static ts_err limit_processes(struct manifest_reader *r,
                              const struct yaml_node *n)
{
    return read_number(r, n, 1, 4096, &r->m->limits.processes);
}

static ts_err limit_file_size(struct manifest_reader *r,
                              const struct yaml_node *n)
{
    return read_number(r, n, 0, 1048576, &r->m->limits.file_size_mb);
}

static ts_err limit_open_files(struct manifest_reader *r,
                               const struct yaml_node *n)
{
    return read_number(r, n, 8, 4096, &r->m->limits.open_files);
}

static ts_err limit_output(struct manifest_reader *r, const struct yaml_node *n)
{
    return read_number(r, n, 1, TS_OUTPUT_HARD_MAX, &r->m->limits.output_bytes);
}

static ts_err limit_on_output(struct manifest_reader *r,
                              const struct yaml_node *n)
{
    struct ts_str s = {0};
    ts_err e = manifest_read_str(r, n, 32, &s);

    if (e != TS_OK)
        return e;
    if (ts_str_eq_c(s, "truncate"))
        r->m->limits.on_output_limit = OUTPUT_TRUNCATE;
    else if (ts_str_eq_c(s, "kill"))
        r->m->limits.on_output_limit = OUTPUT_KILL;
    else
        return manifest_fail(r, n->line,
                             "on_output_limit must be truncate or kill");
    return TS_OK;
}

static ts_err read_limits(struct manifest_reader *r, const struct yaml_node *n)
{
    static const struct field fields[] = {
        {"wall_ms", limit_wall},           {"cpu_s", limit_cpu},
        {"memory_mb", limit_memory},       {"processes", limit_processes},
        {"file_size_mb", limit_file_size}, {"open_files", limit_open_files},
        {"output_bytes", limit_output},    {"on_output_limit", limit_on_output},
    };

    return read_map(r, n, fields, sizeof(fields) / sizeof(fields[0]), "limits");
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
    return read_number(r, n, 1, MANIFEST_TOKEN_TTL_MAX, &r->m->token.ttl_s);
}

static ts_err read_identity_token(struct manifest_reader *r,
                                  const struct yaml_node *n)
{
    static const struct field fields[] = {{"audience", token_audience},
                                          {"scope", token_scope},
                                          {"ttl_s", token_ttl}};

    r->m->token.ttl_s = MANIFEST_TOKEN_TTL_MAX;
    return read_map(r, n, fields, sizeof(fields) / sizeof(fields[0]),
                    "identity_token");
}

ts_err manifest_read(struct manifest_reader *r)
{
    static const struct field fields[] = {
        {"tool", read_tool},
        {"description", read_description},
        {"exec", read_exec},
        {"argv", read_argv},
        {"action", read_action},
        {"args", manifest_read_args},
        {"resource", read_resource},
        {"stdin", read_stdin},
        {"cwd", read_cwd},
        {"scratch", read_scratch},
        {"read_paths", read_read_paths},
        {"write_paths", read_write_paths},
        {"exec_paths", read_exec_paths},
        {"env", read_env},
        {"seccomp", read_seccomp},
        {"require", read_require},
        {"limits", read_limits},
        {"identity_token", read_identity_token},
        {"log", read_log},
        {"launcher", read_launcher},
    };

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
    return read_map(r, r->root, fields, sizeof(fields) / sizeof(fields[0]),
                    "the manifest");
}
