#ifndef SIDECAR_COMMON_YAML_TREE_H
#define SIDECAR_COMMON_YAML_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_arena.h"
#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"

/*
 * One YAML document as a tree, through libyaml's events, for readers that want
 * a line number for every mistake. Stricter than YAML: one document, keys are
 * scalars and unique, no anchors, aliases, tags or NUL; bounded in bytes,
 * nodes and depth. Scalars stay text; the yaml_node_* readers below say which
 * spelling is which type, so "no" is never a boolean by surprise.
 */
#define YAML_TREE_DEPTH_MAX  8
#define YAML_TREE_NODES_MAX  8192
#define YAML_TREE_DEPTH_HARD 64 /* the most that a caller may ask for */

struct yaml_limits { /* of a caller that wants others than those above */
    uint32_t depth, nodes;
    uint32_t keys; /* of one map, each compared with all before; 0: no other
                      limit than nodes */
};

enum yaml_kind {
    YAML_KIND_SCALAR,
    YAML_KIND_LIST,
    YAML_KIND_MAP
};

struct yaml_node { /* lives in the arena given to yaml_tree_parse() */
    enum yaml_kind kind;
    bool is_plain;   /* a scalar without quotes */
    uint32_t line;   /* from 1 */
    uint32_t column; /* from 1, in code points */
    uint32_t count;
    struct ts_str key;  /* in a map: its key, else "" */
    struct ts_str text; /* of a scalar; a NUL follows that is not counted */
    struct yaml_node *first; /* children in their order */
    struct yaml_node *last;
    struct yaml_node *next;
};

struct yaml_fail {
    uint32_t line;
    uint32_t column;
    char text[256];
};

/* TS_E_FORMAT, TS_E_LIMIT or TS_E_NOMEM; then *reterr says where and what. */
TS_NODISCARD ts_err yaml_tree_parse(struct ts_str bytes, struct ts_arena *arena,
                                    struct yaml_node **ret,
                                    struct yaml_fail *reterr);

TS_NODISCARD ts_err yaml_tree_parse_within(struct ts_str bytes,
                                           const struct yaml_limits *limits,
                                           struct ts_arena *arena,
                                           struct yaml_node **ret,
                                           struct yaml_fail *reterr);

/* The child with that key, or NULL (also when map is not a map). */
const struct yaml_node *yaml_node_find(const struct yaml_node *map,
                                       const char *key);
/* Each false for another kind or spelling. A string is any scalar but the
 * plain null words ("", "~", "null"); an integer is plain, decimal, without
 * needless zeros; a boolean is plain true or false. */
bool yaml_node_str(const struct yaml_node *n, struct ts_str *ret);
bool yaml_node_int(const struct yaml_node *n, int64_t *ret);
bool yaml_node_bool(const struct yaml_node *n, bool *ret);

#endif
