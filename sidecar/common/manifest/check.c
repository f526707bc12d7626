/* The meaning of a manifest: what only several values together show. */
#include <string.h>

#include "sidecar/common/manifest/manifest_priv.h"

uint32_t manifest_line(const struct manifest_reader *r, const char *key)
{
    const struct yaml_node *n = yaml_node_find(r->root, key);

    return n != NULL ? n->line : r->root->line;
}

static bool is_word(struct ts_str s, const char *extra)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
            !(c >= '0' && c <= '9') && (c == '\0' || strchr(extra, c) == NULL))
            return false;
    }
    return s.len > 0;
}

bool manifest_tool_is_name(struct ts_str s)
{
    return s.len <= TS_TOOL_NAME_MAX && is_word(s, "._-");
}

ts_err manifest_check_path(struct manifest_reader *r, const char *key,
                           uint32_t line, struct ts_str path)
{
    struct ts_str canonical;
    char shown[128];
    ts_err e;

    e = path_canonical(TS_STR_LIT("/"), path, r->arena, &canonical);
    if (e == TS_E_NOMEM)
        return e;
    if (e == TS_OK && ts_str_eq(path, canonical))
        return TS_OK;
    (void)ts_str_escape(shown, sizeof(shown), path.ptr, path.len);
    return manifest_fail(r, line,
                         "%s: \"%s\" must be an absolute path without \".\", "
                         "\"..\", double or final slashes",
                         key, shown);
}

static ts_err check_path(struct manifest_reader *r, const char *key,
                         struct ts_str path)
{
    return manifest_check_path(r, key, manifest_line(r, key), path);
}

static ts_err check_paths(struct manifest_reader *r, const char *key,
                          struct ts_str const *list, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        ts_err e = check_path(r, key, list[i]);

        if (e != TS_OK)
            return e;
    }
    return TS_OK;
}

static ts_err check_names(struct manifest_reader *r)
{
    struct manifest *m = r->m;

    if (m->tool.len == 0)
        return manifest_fail(r, r->root->line, "key \"tool\" is missing");
    if (!manifest_tool_is_name(m->tool))
        return manifest_fail(r, manifest_line(r, "tool"),
                             "tool: use letters, digits, \".\", \"_\", \"-\"");
    if (m->action.len == 0)
        m->action = m->tool;
    if (!is_word(m->action, "._-:/"))
        return manifest_fail(r, manifest_line(r, "action"),
                             "action: use letters, digits and ._-:/");
    if (m->exec.len == 0)
        return manifest_fail(r, r->root->line,
                             "key \"exec\" is missing: the "
                             "absolute path of the program");
    if (m->argv_count == 0)
        return manifest_fail(r, r->root->line,
                             "key \"argv\" is missing: the "
                             "words, starting with the program's name");
    return check_path(r, "exec", m->exec);
}

static ts_err check_piece(struct manifest_reader *r, uint32_t index,
                          const struct argv_piece *p, bool is_whole)
{
    const struct manifest_arg *arg;
    uint32_t line = manifest_line(r, "argv");
    char name[80];

    if (!p->is_arg)
        return TS_OK;
    (void)ts_str_escape(name, sizeof(name), p->text.ptr, p->text.len);
    if (index == 0)
        return manifest_fail(r, line,
                             "argv: the first word names the program "
                             "and cannot hold \"{%s}\"",
                             name);
    arg = manifest_arg_find(r->m, p->text);
    if (arg == NULL)
        return manifest_fail(r, line,
                             "argv: \"{%s}\" is not an argument; "
                             "declare it under args",
                             name);
    if (p->is_spread && (!is_whole || arg->type != ARG_STRINGS))
        return manifest_fail(r, line,
                             "argv: \"{%s...}\" must be a word of its "
                             "own and the argument of type strings",
                             name);
    if (!p->is_spread && arg->type == ARG_STRINGS)
        return manifest_fail(r, line,
                             "argv: \"%s\" is a list; write "
                             "\"{%s...}\" as a word of its own",
                             name, name);
    return TS_OK;
}

/* $path, where path is an argument, is what a shell would take. */
static ts_err check_dollar(struct manifest_reader *r, struct ts_str word)
{
    struct ts_str rest = {word.ptr + 1, word.len > 0 ? word.len - 1 : 0};
    char name[80];

    if (rest.len == 0 || word.ptr[0] != '$' ||
        manifest_arg_find(r->m, rest) == NULL)
        return TS_OK;
    (void)ts_str_escape(name, sizeof(name), rest.ptr, rest.len);
    return manifest_fail(r, manifest_line(r, "argv"),
                         "argv: there is no shell, and \"$%s\" would be passed "
                         "as it stands; write \"{%s}\"",
                         name, name);
}

static ts_err check_argv(struct manifest_reader *r)
{
    for (uint32_t i = 0; i < r->m->argv_count; i++) {
        struct ts_str word = r->m->argv[i];
        bool is_first = true;
        ts_err dollar = check_dollar(r, word);

        if (dollar != TS_OK)
            return dollar;
        while (word.len > 0) {
            struct argv_piece p;
            ts_err e;

            if (argv_next_piece(&word, &p) != TS_OK)
                return manifest_fail(
                    r, manifest_line(r, "argv"),
                    "argv: word %u has a brace that does not belong to "
                    "\"{name}\" or \"{name...}\"; write \"{{\" for a brace",
                    i + 1);
            e = check_piece(r, i, &p, is_first && word.len == 0);
            if (e != TS_OK)
                return e;
            is_first = false;
        }
    }
    return TS_OK;
}

/* Type::Name as Cedar writes it. */
static bool is_type_name(struct ts_str s)
{
    bool at_start = true;

    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];

        if (c == ':' && !at_start && i + 2 < s.len && s.ptr[i + 1] == ':') {
            i++;
            at_start = true;
            continue;
        }
        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && c != '_' &&
            (at_start || c < '0' || c > '9'))
            return false;
        at_start = false;
    }
    return s.len > 0 && !at_start;
}

static ts_err check_resource_arg(struct manifest_reader *r, enum arg_type type,
                                 const char *type_name)
{
    const struct manifest_arg *arg =
        manifest_arg_find(r->m, r->m->resource_arg);

    if (arg == NULL)
        return manifest_fail(r, manifest_line(r, "resource"),
                             "resource: arg must name one of args");
    if (arg->type != type || !arg->required)
        return manifest_fail(r, manifest_line(r, "resource"),
                             "resource: its argument must have type %s and "
                             "required: true",
                             type_name);
    if (arg->role == ROLE_CONTENT)
        return manifest_fail(r, manifest_line(r, "resource"),
                             "resource: what a call is about is authority; "
                             "remove role: content from its argument");
    return TS_OK;
}

/* The folder that a fixed path lies in. */
static struct ts_str parent_of(struct ts_str path)
{
    while (path.len > 1 && path.ptr[path.len - 1] != '/')
        path.len--;
    if (path.len > 1)
        path.len--;
    return path;
}

static ts_err check_fixed_path(struct manifest_reader *r)
{
    struct manifest *m = r->m;
    struct ts_str canonical;
    ts_err e = check_path(r, "resource", m->resource_path);

    if (e != TS_OK)
        return e;
    if (m->resource_root.len == 0)
        m->resource_root = m->resource == RESOURCE_DIR
                               ? m->resource_path
                               : parent_of(m->resource_path);
    if ((e = check_path(r, "resource", m->resource_root)) != TS_OK)
        return e;
    e = path_canonical(m->resource_root, m->resource_path, r->arena,
                       &canonical);
    if (e == TS_E_INVALID)
        return manifest_fail(r, manifest_line(r, "resource"),
                             "resource: path does not lie beneath root");
    return e;
}

static ts_err check_path_resource(struct manifest_reader *r)
{
    struct manifest *m = r->m;
    ts_err e;

    if (m->access == ACCESS_NONE)
        return manifest_fail(r, manifest_line(r, "resource"),
                             "resource: say access: read or access: write");
    if ((m->resource_arg.len == 0) == (m->resource_path.len == 0))
        return manifest_fail(r, manifest_line(r, "resource"),
                             "resource: give either arg or path");
    if (m->resource_path.len > 0)
        return check_fixed_path(r);
    if (m->resource_root.len == 0)
        return manifest_fail(r, manifest_line(r, "resource"),
                             "resource: give root, the folder that no path "
                             "may leave");
    if ((e = check_path(r, "resource", m->resource_root)) != TS_OK)
        return e;
    return check_resource_arg(r, ARG_PATH, "path");
}

static ts_err check_resource(struct manifest_reader *r)
{
    struct manifest *m = r->m;

    switch (m->resource) {
    case RESOURCE_TOOL:
        return TS_OK;
    case RESOURCE_FILE:
    case RESOURCE_DIR:
        return check_path_resource(r);
    case RESOURCE_URL:
    case RESOURCE_NAMED:
        break;
    }
    if (!is_type_name(m->resource_type))
        return manifest_fail(r, manifest_line(r, "resource"),
                             "resource: type must be a Cedar type name");
    if (m->resource_path.len > 0 || m->resource_root.len > 0 ||
        m->access != ACCESS_NONE)
        return manifest_fail(r, manifest_line(r, "resource"),
                             "resource: path, root and access belong to types "
                             "File and Dir");
    if (m->resource == RESOURCE_URL)
        return check_resource_arg(r, ARG_URL, "url");
    return check_resource_arg(r, ARG_STRING, "string");
}

static ts_err check_env(struct manifest_reader *r)
{
    for (uint32_t i = 0; i < r->m->env_count; i++) {
        struct ts_str key = r->m->env[i].key;
        char name[64];

        (void)ts_str_escape(name, sizeof(name), key.ptr, key.len);
        if (!is_word(key, "_") || key.len > ARG_NAME_MAX ||
            (key.ptr[0] >= '0' && key.ptr[0] <= '9'))
            return manifest_fail(r, manifest_line(r, "env"),
                                 "env: \"%s\" is not a variable's name", name);
        if (ts_str_starts(key, TS_STR_LIT("TIPSTAFF_")) ||
            (r->m->scratch.len > 0 && ts_str_eq_c(key, "TMPDIR")))
            return manifest_fail(r, manifest_line(r, "env"),
                                 "env: \"%s\" is set by the launcher", name);
    }
    return TS_OK;
}

static ts_err check_folders(struct manifest_reader *r)
{
    struct manifest *m = r->m;
    ts_err e;

    if (m->cwd.len == 0)
        m->cwd = m->resource_root.len > 0 ? m->resource_root : TS_STR_LIT("/");
    if ((e = check_path(r, "cwd", m->cwd)) != TS_OK ||
        (e = check_paths(r, "read_paths", m->read_paths, m->read_count)) !=
            TS_OK ||
        (e = check_paths(r, "write_paths", m->write_paths, m->write_count)) !=
            TS_OK ||
        (e = check_paths(r, "exec_paths", m->exec_paths, m->exec_count)) !=
            TS_OK)
        return e;
    return m->scratch.len > 0 ? check_path(r, "scratch", m->scratch) : TS_OK;
}

/* RFC 6749, section 3.3: neither quote nor backslash, so what is checked here
 * stands in a token as it is. spaces: single ones, between two others. */
static bool is_token_text(struct ts_str s, bool spaces)
{
    char before = ' ';

    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];

        if (c == ' ' ? !spaces || before == ' '
                     : c < 0x21 || c > 0x7e || c == '"' || c == '\\')
            return false;
        before = c;
    }
    return before != ' ';
}

static ts_err check_identity_token(struct manifest_reader *r)
{
    const struct manifest_token *t = &r->m->token;

    if (t->ttl_s == 0)
        return TS_OK;
    if (!r->facts->has_token_key)
        return manifest_fail(r, manifest_line(r, "identity_token"),
                             "identity_token: this sidecar has no key to sign "
                             "with; make one with `tipstaff key new` and name "
                             "it as token_key in tipstaff.yaml");
    if (!is_token_text(t->audience, false))
        return manifest_fail(r, manifest_line(r, "identity_token"),
                             "identity_token: give audience, the one service "
                             "that the token is for: printable ASCII without "
                             "spaces, quotes and backslashes");
    if (t->scope.len > 0 && !is_token_text(t->scope, true))
        return manifest_fail(r, manifest_line(r, "identity_token"),
                             "identity_token: scope is words of printable "
                             "ASCII with one space between two, without "
                             "quotes and backslashes");
    return TS_OK;
}

ts_err manifest_check(struct manifest_reader *r)
{
    ts_err e;

    if ((e = check_names(r)) != TS_OK || (e = check_argv(r)) != TS_OK ||
        (e = check_resource(r)) != TS_OK || (e = check_env(r)) != TS_OK ||
        (e = check_identity_token(r)) != TS_OK ||
        (e = check_folders(r)) != TS_OK ||
        (e = manifest_check_box(r)) != TS_OK ||
        (e = manifest_check_network(r)) != TS_OK ||
        (e = manifest_check_secrets(r)) != TS_OK ||
        (e = manifest_check_output(r)) != TS_OK)
        return e;
    return manifest_check_nesting(r);
}
