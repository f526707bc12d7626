/* Texts of recorded runs: what a runner prints is often YAML. */
#include <string.h>

#include "cli/replay/output.h"
#include "proto/base/ts_arena.h"
#include "sidecar/common/yaml_tree.h"

#define ARENA_MAX ((size_t)64 << 20)
#define DEPTH_MAX 32
#define NODES_MAX 65536

/* A plain scalar that JSON reads as a number, boolean or null is that; "True",
 * "None" and the like as runners in Python write them, too. */
static json_t *scalar(const struct yaml_node *n)
{
    static const char *const null_words[] = {"", "~", "None"};
    json_t *v;

    if (!n->is_plain)
        return json_stringn(n->text.ptr, n->text.len);
    for (size_t i = 0; i < 3; i++)
        if (ts_str_eq_c(n->text, null_words[i]))
            return json_null();
    if (ts_str_eq_c(n->text, "True") || ts_str_eq_c(n->text, "False"))
        return json_boolean(n->text.ptr[0] == 'T');
    v = json_loadb(n->text.ptr, n->text.len, JSON_DECODE_ANY, NULL);
    if (v != NULL && !json_is_string(v) && !json_is_object(v) &&
        !json_is_array(v))
        return v;
    json_decref(v);
    return json_stringn(n->text.ptr, n->text.len);
}

static json_t *value(const struct yaml_node *n)
{
    json_t *to;

    if (n->kind == YAML_KIND_SCALAR)
        return scalar(n);
    to = n->kind == YAML_KIND_MAP ? json_object() : json_array();
    for (const struct yaml_node *c = n->first; to != NULL && c != NULL;
         c = c->next) {
        json_t *v = value(c);

        if (v == NULL ||
            (n->kind == YAML_KIND_MAP
                 ? json_object_setn_new(to, c->key.ptr, c->key.len, v)
                 : json_array_append_new(to, v)) != 0) {
            json_decref(to);
            return NULL;
        }
    }
    return to;
}

/* Some runners put marks around all that a tool prints before a model reads it.
 * The gate would have seen what is between them. */
static struct ts_str unmarked(json_t *output)
{
    const char *s = json_string_value(output);
    size_t n = json_string_length(output);

    if (n >= 4 && memcmp(s, "<<", 2) == 0 && memcmp(s + n - 2, ">>", 2) == 0)
        return (struct ts_str){s + 2, n - 4};
    return (struct ts_str){s, n};
}

json_t *output_structure(json_t *output)
{
    static const struct yaml_limits limits = {.depth = DEPTH_MAX,
                                              .nodes = NODES_MAX};
    struct ts_arena arena;
    struct yaml_node *root;
    struct yaml_fail fail;
    json_t *v = NULL;

    if (!json_is_string(output))
        return json_incref(output);
    ts_arena_init(&arena, ARENA_MAX);
    if (yaml_tree_parse_within(unmarked(output), &limits, &arena, &root,
                               &fail) == TS_OK &&
        root->kind != YAML_KIND_SCALAR)
        v = value(root);
    ts_arena_done(&arena);
    return v != NULL ? v : json_incref(output);
}
