#include "cli/replay/outputs.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/cmd.h"
#include "cli/files.h"
#include "sidecar/common/yaml_tree.h"

#define ARENA_MAX ((size_t)4 << 20)

struct reading {
    const char *path;
    json_t *tools;
    struct ts_str tool; /* whose section is read */
};

/* Which tool, if one is read, and what is wrong. */
TS_PRINTF(3, 4)
static bool wrong(const struct reading *r, uint32_t line, const char *fmt, ...)
{
    char what[512], file[512], tool[128];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    (void)ts_str_show(file, sizeof(file), r->path, strlen(r->path));
    (void)ts_str_show(tool, sizeof(tool), r->tool.ptr, r->tool.len);
    cli_error("%s:%u: %s%s%s", file, line, tool, r->tool.len > 0 ? ": " : "",
              what);
    return false;
}

static bool no_memory(const struct reading *r, const struct yaml_node *n)
{
    return wrong(r, n->line, "out of memory");
}

static bool is_pointer(struct ts_str s)
{
    if (s.len > OUTPUTS_POINTER_MAX || (s.len > 0 && s.ptr[0] != '/') ||
        !ts_utf8_valid(s.ptr, s.len))
        return false;
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] < ' ' ||
            (s.ptr[i] == '~' &&
             (i + 1 == s.len || (s.ptr[i + 1] != '0' && s.ptr[i + 1] != '1'))))
            return false;
    return true;
}

/* One of the list all. */
static bool pointer(const struct reading *r, const struct yaml_node *all,
                    const struct yaml_node *n, const char *key, json_t *to)
{
    char shown[96];

    (void)ts_str_show(shown, sizeof(shown), n->text.ptr, n->text.len);
    if (n->kind != YAML_KIND_SCALAR || (n->is_plain && n->text.len == 0) ||
        !is_pointer(n->text))
        return wrong(r, n->line,
                     "%s: \"%s\" is not a pointer (RFC 6901) of at most %u "
                     "bytes; write \"\" for everything, or \"/\" before each "
                     "name, \"*\" for any one",
                     key, shown, OUTPUTS_POINTER_MAX);
    for (const struct yaml_node *v = all->first; v != n; v = v->next)
        if (ts_str_eq(v->text, n->text))
            return wrong(r, n->line, "%s: \"%s\" stands twice in this list",
                         key, shown);
    return json_array_append_new(to, json_stringn(n->text.ptr, n->text.len)) ==
               0 ||
           no_memory(r, n);
}

/* A list of pointers, as a new reference; NULL: said why. */
static json_t *pointers(const struct reading *r, const struct yaml_node *n)
{
    char key[64];
    json_t *list;
    bool ok = true;

    (void)ts_str_show(key, sizeof(key), n->key.ptr, n->key.len);
    if (n->kind != YAML_KIND_LIST || n->count == 0 ||
        n->count > OUTPUTS_PATTERNS_MAX) {
        (void)wrong(r, n->line,
                    "%s: expected a list of 1 to %d pointers, e.g. "
                    "[\"/0/body\", \"/*/guests/*\"]",
                    key, OUTPUTS_PATTERNS_MAX);
        return NULL;
    }
    list = json_array();
    for (const struct yaml_node *v = n->first; ok && v != NULL; v = v->next)
        ok = pointer(r, n, v, key, list);
    if (ok)
        return list;
    json_decref(list);
    return NULL;
}

/* Into the section to, under the node's own key. */
static bool put(const struct reading *r, const struct yaml_node *n, json_t *to,
                json_t *value)
{
    if (value == NULL)
        return false;
    return json_object_setn_new(to, n->key.ptr, n->key.len, value) == 0 ||
           no_memory(r, n);
}

static bool one_of(struct ts_str s, const char *const *words)
{
    while (*words != NULL && !ts_str_eq_c(s, *words))
        words++;
    return *words != NULL;
}

static bool selectors(const struct reading *r, const struct yaml_node *n,
                      json_t *to)
{
    static const char *const forms[] = {"name",   "email", "account",
                                        "number", "date",  NULL};
    json_t *map = json_object();
    char shown[64];

    if (!put(r, n, to, map))
        return false;
    if (n->kind != YAML_KIND_MAP || n->count == 0)
        return wrong(r, n->line,
                     "selectors: expected a map from a form to a list of "
                     "pointers, e.g. {email: [\"/*/guests/*\"]}");
    for (const struct yaml_node *v = n->first; v != NULL; v = v->next) {
        (void)ts_str_show(shown, sizeof(shown), v->key.ptr, v->key.len);
        if (!one_of(v->key, forms))
            return wrong(r, v->line,
                         "selectors: %s is no form; use name, email, account, "
                         "number or date",
                         shown);
        if (!put(r, v, map, pointers(r, v)))
            return false;
    }
    return true;
}

static bool confidentiality(const struct reading *r, const struct yaml_node *n,
                            json_t *to)
{
    static const char *const levels[] = {"public", "internal", "private",
                                         "secret", NULL};

    if (n->kind != YAML_KIND_SCALAR || !one_of(n->text, levels))
        return wrong(r, n->line,
                     "confidentiality: expected public, internal, private or "
                     "secret");
    return put(r, n, to, json_stringn(n->text.ptr, n->text.len));
}

static bool section(const struct reading *r, const struct yaml_node *n,
                    json_t *to)
{
    static const char *const lists[] = {"trusted", "untrusted", "ids",
                                        "vouches", "secret",    NULL};
    char shown[64];
    bool ok = true;

    if (n->kind != YAML_KIND_MAP || n->count == 0)
        return wrong(r, n->line,
                     "expected what `output:` of its manifest says: selectors, "
                     "trusted, untrusted, ids, vouches, secret or "
                     "confidentiality");
    for (const struct yaml_node *v = n->first; ok && v != NULL; v = v->next) {
        (void)ts_str_show(shown, sizeof(shown), v->key.ptr, v->key.len);
        if (ts_str_eq_c(v->key, "selectors"))
            ok = selectors(r, v, to);
        else if (ts_str_eq_c(v->key, "confidentiality"))
            ok = confidentiality(r, v, to);
        else if (one_of(v->key, lists))
            ok = put(r, v, to, pointers(r, v));
        else
            ok = wrong(r, v->line,
                       "%s: there is no such key; use selectors, trusted, "
                       "untrusted, ids, vouches, secret or confidentiality",
                       shown);
    }
    return ok;
}

static bool is_tool(const struct reading *r)
{
    size_t i;
    json_t *o;

    json_array_foreach(r->tools, i, o)
    {
        const char *name = json_string_value(json_object_get(o, "tool"));

        if (name != NULL && ts_str_eq_c(r->tool, name))
            return true;
    }
    return false;
}

static bool all(struct reading *r, const struct yaml_node *root, json_t *to)
{
    if (root->kind != YAML_KIND_MAP || root->count == 0)
        return wrong(r, root->line,
                     "expected a map from the name of a tool to what `output:` "
                     "of its manifest says");
    for (const struct yaml_node *n = root->first; n != NULL; n = n->next) {
        json_t *one = json_object();

        r->tool = n->key;
        if (!put(r, n, to, one))
            return false;
        if (!is_tool(r))
            return wrong(r, n->line,
                         "no *_tools file has a tool of this name; remove it, "
                         "or add its line there");
        if (!section(r, n, one))
            return false;
    }
    return true;
}

bool outputs_parse(const char *path, struct ts_str bytes, json_t *tools,
                   json_t **ret)
{
    struct reading r = {.path = path, .tools = tools};
    struct ts_arena arena;
    struct yaml_node *root;
    struct yaml_fail fail;
    json_t *o = json_object();
    bool ok;

    ts_arena_init(&arena, ARENA_MAX);
    ok = yaml_tree_parse(bytes, &arena, &root, &fail) == TS_OK
             ? all(&r, root, o)
             : wrong(&r, fail.line, "%s", fail.text);
    ts_arena_done(&arena);
    if (ok)
        *ret = o;
    else
        json_decref(o);
    return ok;
}

bool outputs_load(const char *path, json_t *tools, json_t **ret)
{
    struct ts_arena arena;
    struct ts_bytes bytes;
    bool ok;

    ts_arena_init(&arena, ARENA_MAX);
    ok =
        cli_read(path, OUTPUTS_BYTES_MAX, &arena, &bytes) &&
        outputs_parse(path, (struct ts_str){(const char *)bytes.ptr, bytes.len},
                      tools, ret);
    ts_arena_done(&arena);
    return ok;
}
