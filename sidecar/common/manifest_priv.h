#ifndef SIDECAR_COMMON_MANIFEST_PRIV_H
#define SIDECAR_COMMON_MANIFEST_PRIV_H

#include "proto/base/ts_attr.h"
#include "sidecar/common/manifest.h"
#include "sidecar/common/yaml_tree.h"

/* Between manifest_yaml.c (shape), manifest_args.c, manifest_argv.c and
 * manifest_check.c (meaning). */
#define MANIFEST_BYTES_MAX  65536
#define MANIFEST_PATHS_MAX  64 /* read_paths, write_paths, exec_paths: each */
#define MANIFEST_ENV_MAX    32
#define MANIFEST_ONE_OF_MAX 64
#define MANIFEST_TEXT_MAX   1024 /* bytes of a description or a word */
#define MANIFEST_PATH_MAX   4095
#define ARG_NAME_MAX        64
#define ARG_STRING_MAX      65536 /* bytes of a string, unless max says less */
#define ARG_ITEMS_MAX       128

struct manifest_reader {
    struct ts_arena *arena;
    struct manifest *m;
    const struct yaml_node *root;
    char *text; /* where the first error goes */
    size_t cap;
};

/* Writes "FILE:LINE: ..." and gives TS_E_FORMAT. */
TS_NODISCARD ts_err manifest_fail(const struct manifest_reader *r,
                                  uint32_t line, const char *fmt, ...)
    TS_PRINTF(3, 4);

/* Shape: every key known, every value of its type. */
TS_NODISCARD ts_err manifest_read(struct manifest_reader *r);
/* The args: map of a manifest. */
TS_NODISCARD ts_err manifest_read_args(struct manifest_reader *r,
                                       const struct yaml_node *n);
/* Meaning: what no single value shows. */
TS_NODISCARD ts_err manifest_check(struct manifest_reader *r);

const struct manifest_arg *manifest_arg_find(const struct manifest *m,
                                             struct ts_str name);

/* A list of strings into the arena. */
TS_NODISCARD ts_err manifest_read_strings(const struct manifest_reader *r,
                                          const struct yaml_node *n,
                                          uint32_t max, size_t max_len,
                                          struct ts_str const **ret,
                                          uint32_t *ret_count);
TS_NODISCARD ts_err manifest_read_str(const struct manifest_reader *r,
                                      const struct yaml_node *n, size_t max_len,
                                      struct ts_str *ret);

/* One piece of an argv word: literal text, "{name}" or "{name...}". */
struct argv_piece {
    struct ts_str text; /* the literal, or the argument's name */
    bool is_arg;
    bool is_spread;
};
/* The argument whose value would become the start of an option by accident, or
 * NULL. Both the gate (for its text) and manifest_argv() ask. */
const struct manifest_arg *argv_dash_offender(const struct manifest *m,
                                              const struct call_args *args);

/* Cuts the next piece off word. "{{" and "}}" stand for braces. TS_E_FORMAT: a
 * brace without its partner or a bad name. */
TS_NODISCARD ts_err argv_next_piece(struct ts_str *word,
                                    struct argv_piece *ret);

#endif
