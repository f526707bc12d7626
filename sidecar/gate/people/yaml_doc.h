#ifndef SIDECAR_GATE_PEOPLE_YAML_DOC_H
#define SIDECAR_GATE_PEOPLE_YAML_DOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_arena.h"
#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "sidecar/common/bundle/bundle.h"
#include "sidecar/common/yaml_tree.h"

/*
 * Typed readers over one YAML file of a tenant: every error is
 * "FILE:LINE: what; what to do", also errors of meaning found long after
 * parsing. The tree lives in an arena of its own until yaml_close().
 */
struct yaml_file {
    struct ts_str name; /* borrowed */
    struct ts_arena arena;
    struct yaml_node *root;
    char *reterr_text; /* borrowed; where errors are written */
    size_t reterr_cap;
};

/* On failure nothing is to be closed. */
TS_NODISCARD ts_err yaml_open(struct yaml_file *f,
                              const struct bundle_file *file, char *reterr_text,
                              size_t reterr_cap);
/* The same with other limits than those of yaml_tree.h; budget: bytes of the
 * tree. */
TS_NODISCARD ts_err yaml_open_within(struct yaml_file *f,
                                     const struct bundle_file *file,
                                     const struct yaml_limits *limits,
                                     size_t budget, char *reterr_text,
                                     size_t reterr_cap);
void yaml_close(struct yaml_file *f);

/* What to say of a public key that is none. */
#define YAML_BAD_KEY                                                           \
    "this is not a usable Ed25519 public key; take it from \"tipstaff key "    \
    "show\""

/* Writes "FILE:LINE: text" for the node and returns TS_E_FORMAT. */
TS_NODISCARD ts_err yaml_fail(struct yaml_file *f, const struct yaml_node *at,
                              const char *fmt, ...) TS_PRINTF(3, 4);

/* node must be a mapping whose keys are among the NULL-terminated names. what
 * names the mapping in messages. */
TS_NODISCARD ts_err yaml_check_map(struct yaml_file *f,
                                   const struct yaml_node *node,
                                   const char *what, const char *const *names);
/* The value of a key that must be there. */
TS_NODISCARD ts_err yaml_need(struct yaml_file *f, const struct yaml_node *map,
                              const char *what, const char *key,
                              const struct yaml_node **ret);

/* Copies go into arena. At least one byte, at most max. */
TS_NODISCARD ts_err yaml_text(struct yaml_file *f, const struct yaml_node *node,
                              const char *what, size_t max,
                              struct ts_arena *arena, struct ts_str *ret);
/* The same, in the form that delegations use for ids. */
TS_NODISCARD ts_err yaml_id(struct yaml_file *f, const struct yaml_node *node,
                            const char *what, struct ts_arena *arena,
                            struct ts_str *ret);
TS_NODISCARD ts_err yaml_uint(struct yaml_file *f, const struct yaml_node *node,
                              const char *what, uint64_t max, uint64_t *ret);
TS_NODISCARD ts_err yaml_bool(struct yaml_file *f, const struct yaml_node *node,
                              const char *what, bool *ret);
TS_NODISCARD ts_err yaml_hex(struct yaml_file *f, const struct yaml_node *node,
                             const char *what, uint8_t *ret, size_t len);

/* A list (or a mapping with free keys) of at most max; walk it from
 * *ret_first by next. A missing node (NULL) has no items. */
TS_NODISCARD ts_err yaml_list(struct yaml_file *f, const struct yaml_node *node,
                              const char *what, size_t max,
                              const struct yaml_node **ret_first,
                              size_t *ret_count);
TS_NODISCARD ts_err yaml_pairs(struct yaml_file *f,
                               const struct yaml_node *node, const char *what,
                               size_t max, const struct yaml_node **ret_first,
                               size_t *ret_count);

#endif
