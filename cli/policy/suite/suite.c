/* Files of policy tests, read and checked. */
#include "cli/policy/suite/suite.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "cli/policy/report.h"
#include "policy/core/diag.h"

/* libyaml counts columns in characters, as diagnostics do. */
static struct cedar_span span_of(struct ts_str text, uint32_t line,
                                 uint32_t column, size_t len)
{
    struct cedar_span s = {.line = line, .column = column};
    size_t at = 0;

    for (uint32_t l = 1; l < line && at < text.len; at++)
        l += text.ptr[at] == '\n' ? 1 : 0;
    for (uint32_t c = 1; c < column && at < text.len; c++) {
        at++;
        while (at < text.len && ((unsigned char)text.ptr[at] & 0xC0) == 0x80)
            at++;
    }
    s.offset = (uint32_t)at;
    s.len = len < text.len - at ? (uint32_t)len : (uint32_t)(text.len - at);
    return s;
}

void suite_complain(struct suite *s, const struct yaml_node *at,
                    const char *hint, const char *fmt, ...)
{
    struct pol_files files = {.list = &s->file, .count = 1};
    struct cedar_diags *d = pol_diags(&s->in);
    struct cedar_diag_about about = {.hint = hint};
    struct cedar_span span = span_of(s->file.text, at->line, at->column,
                                     at->text.len > 0 ? at->text.len : 1);
    va_list ap;

    va_start(ap, fmt);
    cedar_diag_vput(d, CEDAR_ERROR, "bad_test", span, &about, fmt, ap);
    va_end(ap);
    (void)fflush(stdout); /* in the order in which things happened */
    pol_complain(d, &files);
}

static bool known_keys(struct suite *s, const struct yaml_node *map,
                       const struct ts_str *keys, size_t count,
                       const char *what)
{
    if (map->kind != YAML_KIND_MAP) {
        suite_complain(s, map, NULL, "%s is a map", what);
        return false;
    }
    for (const struct yaml_node *n = map->first; n != NULL; n = n->next) {
        struct ts_str near;
        char hint[64] = "";
        size_t i = 0;

        while (i < count && !ts_str_eq(keys[i], n->key))
            i++;
        if (i < count)
            continue;
        near = cedar_did_you_mean(n->key, keys, count);
        if (near.len > 0)
            (void)snprintf(hint, sizeof(hint), "did you mean `%.*s`?",
                           (int)near.len, near.ptr);
        suite_complain(s, n, hint, "%s has no `%s`", what,
                       cedar_quote(n->key).s);
        return false;
    }
    return true;
}

/* "FILE's folder/path"; absolute paths stay. */
static bool add_path(struct suite *s, const char *suite_path,
                     const struct yaml_node *n, struct cli_list *to)
{
    const char *slash = strrchr(suite_path, '/');
    int folder = slash != NULL ? (int)(slash - suite_path + 1) : 0;
    char path[PATH_MAX];
    struct ts_str text;
    int len;

    if (!yaml_node_str(n, &text) || text.len == 0) {
        suite_complain(s, n, NULL, "a path or a list of paths");
        return false;
    }
    len = snprintf(path, sizeof(path), "%.*s%.*s",
                   text.ptr[0] == '/' ? 0 : folder, suite_path, (int)text.len,
                   text.ptr);
    if (len < 0 || (size_t)len >= sizeof(path) ||
        to->count == SUITE_INPUTS_MAX) {
        suite_complain(s, n, NULL, "too long, or more than %u paths",
                       SUITE_INPUTS_MAX);
        return false;
    }
    if (access(path, R_OK) != 0) {
        suite_complain(s, n, "paths are relative to this file", "%s: %s",
                       cedar_quote(ts_str_of(path)).s, strerror(errno));
        return false;
    }
    return ts_arena_strndup(&s->in.arena, path, (size_t)len,
                            &to->items[to->count++]) == TS_OK;
}

static bool add_paths(struct suite *s, const char *suite_path,
                      const struct yaml_node *root, const char *key,
                      const struct cli_list *instead, struct cli_list *to)
{
    const struct yaml_node *n = yaml_node_find(root, key);

    if (instead->count > 0 || n == NULL) {
        *to = *instead;
        return true;
    }
    if (n->kind != YAML_KIND_LIST)
        return add_path(s, suite_path, n, to);
    for (const struct yaml_node *i = n->first; i != NULL; i = i->next)
        if (!add_path(s, suite_path, i, to))
            return false;
    return true;
}

static bool read_inputs(struct suite *s, const char *path,
                        const struct yaml_node *root,
                        const struct pol_options *instead)
{
    struct pol_options o = {.format = instead->format, .links = instead->links};
    struct cli_list links = {0}, no_links = {0};

    if (!add_paths(s, path, root, "policies", &instead->policies,
                   &o.policies) ||
        !add_paths(s, path, root, "schema", &instead->schema, &o.schema) ||
        !add_paths(s, path, root, "entities", &instead->entities,
                   &o.entities) ||
        !add_paths(s, path, root, "template-linked", &no_links, &links))
        return false;
    if (o.links == NULL && links.count > 0)
        o.links = links.items[0];
    if (o.policies.count == 0) {
        suite_complain(s, root, "policies: FILE|DIR, relative to this file",
                       "no `policies` are named");
        return false;
    }
    if (!pol_load(&s->in, &o))
        return false;
    pol_set_as_text(&s->in, &s->in.policies);
    return true;
}

static bool read_decision(struct suite *s, const struct yaml_node *n,
                          struct suite_case *c)
{
    struct ts_str v;

    if (yaml_node_str(n, &v) && ts_str_eq_c(v, "allow")) {
        c->decision = CEDAR_ALLOW;
        return true;
    }
    if (yaml_node_str(n, &v) && ts_str_eq_c(v, "deny")) {
        c->decision = CEDAR_DENY;
        return true;
    }
    suite_complain(s, n, NULL, "a decision is `allow` or `deny`");
    return false;
}

static bool read_ids(struct suite *s, const struct yaml_node *map,
                     const char *key, const struct yaml_node **ret)
{
    const struct yaml_node *n = yaml_node_find(map, key);
    struct ts_str v;

    if (n == NULL)
        return true;
    if (n->kind != YAML_KIND_LIST) {
        suite_complain(s, n, NULL, "`%s` is a list of policy ids", key);
        return false;
    }
    for (const struct yaml_node *i = n->first; i != NULL; i = i->next) {
        if (yaml_node_str(i, &v))
            continue;
        suite_complain(s, i, NULL, "the id of a policy is a text");
        return false;
    }
    *ret = n;
    return true;
}

static bool read_expect(struct suite *s, struct suite_case *c)
{
    static const struct ts_str keys[] = {
        {"decision", 8}, {"reasons", 7}, {"errors", 6}};
    const struct yaml_node *n = yaml_node_find(c->node, "expect"), *d;

    if (n == NULL) {
        suite_complain(s, c->node,
                       "expect: allow, or decision, reasons, errors",
                       "the case expects nothing");
        return false;
    }
    if (n->kind == YAML_KIND_SCALAR)
        return read_decision(s, n, c);
    if (!known_keys(s, n, keys, sizeof(keys) / sizeof(keys[0]), "`expect`"))
        return false;
    d = yaml_node_find(n, "decision");
    c->any_decision = d == NULL;
    if (n->count == 0) {
        suite_complain(s, n, NULL, "the case expects nothing");
        return false;
    }
    return (d == NULL || read_decision(s, d, c)) &&
           read_ids(s, n, "reasons", &c->reasons) &&
           read_ids(s, n, "errors", &c->errors);
}

static bool read_case(struct suite *s, const struct yaml_node *n,
                      struct suite_case *c)
{
    static const struct ts_str keys[] = {
        {"name", 4},    {"principal", 9}, {"action", 6}, {"resource", 8},
        {"context", 7}, {"entities", 8},  {"expect", 6},
    };
    const struct yaml_node *name;

    c->node = n;
    if (!known_keys(s, n, keys, sizeof(keys) / sizeof(keys[0]), "a case"))
        return false;
    name = yaml_node_find(n, "name");
    if (name == NULL || !yaml_node_str(name, &c->name) || c->name.len == 0) {
        suite_complain(s, name != NULL ? name : n, NULL, "a case has a name");
        return false;
    }
    return read_expect(s, c);
}

static bool read_cases(struct suite *s, const struct yaml_node *root)
{
    const struct yaml_node *list = yaml_node_find(root, "cases");
    bool ok = true;
    void *mem;

    if (list == NULL || list->kind != YAML_KIND_LIST || list->count == 0) {
        suite_complain(s, list != NULL ? list : root, NULL,
                       "`cases` is a list of cases");
        return false;
    }
    if (ts_arena_array(&s->in.arena, list->count, sizeof(*s->cases), &mem) !=
        TS_OK) {
        cli_error("out of memory");
        return false;
    }
    s->cases = mem;
    for (const struct yaml_node *n = list->first; n != NULL; n = n->next)
        ok = read_case(s, n, &s->cases[s->count++]) && ok;
    return ok;
}

static bool read_yaml(struct suite *s, struct yaml_node **ret)
{
    static const struct yaml_limits limits = {.depth = SUITE_DEPTH_MAX,
                                              .keys = SUITE_KEYS_MAX,
                                              .nodes = SUITE_NODES_MAX};
    struct yaml_fail fail;
    struct yaml_node at;

    if (yaml_tree_parse_within(s->file.text, &limits, &s->in.arena, ret,
                               &fail) == TS_OK)
        return true;
    at = (struct yaml_node){.line = fail.line, .column = fail.column};
    suite_complain(s, &at, NULL, "%s", fail.text);
    return false;
}

bool suite_load(const char *path, const struct pol_options *instead,
                struct suite *ret)
{
    static const struct ts_str keys[] = {
        {"policies", 8},         {"schema", 6}, {"entities", 8},
        {"template-linked", 15}, {"cases", 5},
    };
    struct yaml_node *root;

    *ret = (struct suite){0};
    if (!pol_inputs_init(&ret->in) ||
        !pol_read(&ret->in.arena, path, SUITE_FILE_MAX, &ret->file))
        return false;
    return read_yaml(ret, &root) &&
           known_keys(ret, root, keys, sizeof(keys) / sizeof(keys[0]),
                      "a file of tests") &&
           read_cases(ret, root) && read_inputs(ret, path, root, instead);
}

void suite_done(struct suite *s)
{
    pol_inputs_done(&s->in);
}
