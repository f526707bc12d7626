#include "sidecar/gate/people/yaml_doc.h"

#include <stdarg.h>
#include <stdio.h>

#include "proto/trust/id.h"
#include "proto/wire/limits.h"

#define YAML_BUDGET ((size_t)32 << 20)

static ts_err fail_line(struct yaml_file *f, uint32_t line, const char *text)
{
    char name[BUNDLE_NAME_MAX + 64];

    (void)ts_str_escape(name, sizeof(name), f->name.ptr, f->name.len);
    (void)snprintf(f->reterr_text, f->reterr_cap, "%s:%u: %s", name, line,
                   text);
    return TS_E_FORMAT;
}

ts_err yaml_fail(struct yaml_file *f, const struct yaml_node *at,
                 const char *fmt, ...)
{
    char text[512];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    return fail_line(f, at->line, text);
}

ts_err yaml_open_within(struct yaml_file *f, const struct bundle_file *file,
                        const struct yaml_limits *limits, size_t budget,
                        char *reterr_text, size_t reterr_cap)
{
    struct yaml_fail fail = {.line = 1};
    ts_err e;

    *f = (struct yaml_file){.name = file->name, .reterr_cap = reterr_cap};
    f->reterr_text = reterr_text;
    ts_arena_init(&f->arena, budget);
    e = yaml_tree_parse_within(file->content, limits, &f->arena, &f->root,
                               &fail);
    if (e == TS_OK)
        return TS_OK;
    ts_arena_done(&f->arena);
    if (e == TS_E_NOMEM)
        return e;
    return fail_line(f, fail.line, fail.text);
}

ts_err yaml_open(struct yaml_file *f, const struct bundle_file *file,
                 char *reterr_text, size_t reterr_cap)
{
    static const struct yaml_limits limits = {.depth = YAML_TREE_DEPTH_MAX,
                                              .nodes = YAML_TREE_NODES_MAX};

    return yaml_open_within(f, file, &limits, YAML_BUDGET, reterr_text,
                            reterr_cap);
}

void yaml_close(struct yaml_file *f)
{
    ts_arena_done(&f->arena);
    f->root = NULL;
}

ts_err yaml_pairs(struct yaml_file *f, const struct yaml_node *node,
                  const char *what, size_t max,
                  const struct yaml_node **ret_first, size_t *ret_count)
{
    *ret_first = NULL;
    *ret_count = 0;
    if (node == NULL)
        return TS_OK;
    if (node->kind != YAML_KIND_MAP)
        return yaml_fail(f, node, "%s must be a mapping (key: value)", what);
    if (node->count > max)
        return yaml_fail(f, node, "%s has more than %zu keys", what, max);
    *ret_first = node->first;
    *ret_count = node->count;
    return TS_OK;
}

ts_err yaml_check_map(struct yaml_file *f, const struct yaml_node *node,
                      const char *what, const char *const *names)
{
    const struct yaml_node *n;
    size_t count;
    ts_err e = yaml_pairs(f, node, what, 64, &n, &count);

    for (; e == TS_OK && n != NULL; n = n->next) {
        char shown[64];
        size_t j = 0;

        while (names[j] != NULL && !ts_str_eq_c(n->key, names[j]))
            j++;
        if (names[j] != NULL)
            continue;
        (void)ts_str_escape(shown, sizeof(shown), n->key.ptr, n->key.len);
        e = yaml_fail(f, n,
                      "unknown key \"%s\" in %s; docs/TENANTS.md lists the "
                      "known ones",
                      shown, what);
    }
    return e;
}

ts_err yaml_need(struct yaml_file *f, const struct yaml_node *map,
                 const char *what, const char *key,
                 const struct yaml_node **ret)
{
    const struct yaml_node *n = yaml_node_find(map, key);

    if (n == NULL)
        return yaml_fail(f, map, "%s has no \"%s\"; add it", what, key);
    *ret = n;
    return TS_OK;
}

ts_err yaml_text(struct yaml_file *f, const struct yaml_node *node,
                 const char *what, size_t max, struct ts_arena *arena,
                 struct ts_str *ret)
{
    const char *copy;
    struct ts_str s;
    ts_err e;

    if (!yaml_node_str(node, &s) || s.len == 0)
        return yaml_fail(f, node, "%s must be a text, not empty", what);
    if (s.len > max)
        return yaml_fail(f, node, "%s is longer than %zu bytes", what, max);
    if (!ts_utf8_valid(s.ptr, s.len))
        return yaml_fail(f, node, "%s is not UTF-8", what);
    e = ts_arena_strndup(arena, s.ptr, s.len, &copy);
    if (e != TS_OK)
        return e;
    *ret = (struct ts_str){.ptr = copy, .len = s.len};
    return TS_OK;
}

ts_err yaml_id(struct yaml_file *f, const struct yaml_node *node,
               const char *what, struct ts_arena *arena, struct ts_str *ret)
{
    struct ts_str s = {0};
    ts_err e = yaml_text(f, node, what, TS_ID_MAX, arena, &s);

    if (e != TS_OK)
        return e;
    if (!trust_id_valid(s))
        return yaml_fail(f, node,
                         "%s is not a valid id; use letters, digits and "
                         "._@:+=- in parts joined by single /",
                         what);
    *ret = s;
    return TS_OK;
}

ts_err yaml_uint(struct yaml_file *f, const struct yaml_node *node,
                 const char *what, uint64_t max, uint64_t *ret)
{
    int64_t v;

    if (!yaml_node_int(node, &v) || v < 0)
        return yaml_fail(f, node, "%s must be a number, zero or more", what);
    if ((uint64_t)v > max)
        return yaml_fail(f, node, "%s is more than %llu", what,
                         (unsigned long long)max);
    *ret = (uint64_t)v;
    return TS_OK;
}

ts_err yaml_bool(struct yaml_file *f, const struct yaml_node *node,
                 const char *what, bool *ret)
{
    if (!yaml_node_bool(node, ret))
        return yaml_fail(f, node, "%s must be true or false", what);
    return TS_OK;
}

ts_err yaml_hex(struct yaml_file *f, const struct yaml_node *node,
                const char *what, uint8_t *ret, size_t len)
{
    if (node->kind != YAML_KIND_SCALAR ||
        ts_hex_decode(node->text.ptr, node->text.len, ret, len) != TS_OK)
        return yaml_fail(f, node, "%s must be %zu hexadecimal digits", what,
                         2 * len);
    return TS_OK;
}

ts_err yaml_list(struct yaml_file *f, const struct yaml_node *node,
                 const char *what, size_t max,
                 const struct yaml_node **ret_first, size_t *ret_count)
{
    *ret_first = NULL;
    *ret_count = 0;
    if (node == NULL)
        return TS_OK;
    if (node->kind != YAML_KIND_LIST)
        return yaml_fail(f, node, "%s must be a list", what);
    if (node->count > max)
        return yaml_fail(f, node, "%s has more than %zu entries", what, max);
    *ret_first = node->first;
    *ret_count = node->count;
    return TS_OK;
}
