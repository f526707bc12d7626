#ifndef SIDECAR_COMMON_MANIFEST_MANIFEST_PRIV_H
#define SIDECAR_COMMON_MANIFEST_MANIFEST_PRIV_H

#include "proto/base/ts_attr.h"
#include "sidecar/common/manifest/manifest.h"
#include "sidecar/common/yaml_tree.h"

/* Between the readers (manifest_yaml.c and what reads one key of it), which
 * look at shape, and the checks, which look at meaning. */
#define MANIFEST_BYTES_MAX 65536
#define MANIFEST_MEMORY_MAX                                                    \
    65536                      /* MiB that all processes of a tool may take    \
                                  where each is limited alone */
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
    const struct manifest_facts *facts;
    const struct bundle *bundle;
    const struct yaml_node *root;
    void *at;      /* the entry of a list or map that is being read */
    uint32_t line; /* of the first error; 0: there was none */
    char *text;    /* where the first error goes */
    size_t cap;
};

/* Writes "FILE:LINE: ..." and gives TS_E_FORMAT. */
TS_NODISCARD ts_err manifest_fail(struct manifest_reader *r, uint32_t line,
                                  const char *fmt, ...) TS_PRINTF(3, 4);

typedef ts_err manifest_read_fn(struct manifest_reader *r,
                                const struct yaml_node *n);
struct manifest_key {
    const char *name;
    manifest_read_fn *read;
};
struct manifest_map { /* a map of the manifest and every key that it may have */
    const char *name; /* for messages */
    const struct manifest_key *keys;
    size_t count;
};
#define MANIFEST_MAP(name, keys)                                               \
    {                                                                          \
        name, keys, sizeof(keys) / sizeof((keys)[0])                           \
    }
/* The whole vocabulary; docs/TOOLS.md is held to it by a test. */
extern const struct manifest_map manifest_top, manifest_resource_map,
    manifest_limits_map, manifest_token_map, manifest_arg_map,
    manifest_network_map, manifest_host_map, manifest_secret_map,
    manifest_output_map, manifest_selectors_map;

/* Shape: every key known, every value of its type. */
TS_NODISCARD ts_err manifest_read(struct manifest_reader *r);
TS_NODISCARD ts_err manifest_read_map(struct manifest_reader *r,
                                      const struct yaml_node *n,
                                      const struct manifest_map *map);
/* " (did you mean \"x\"?)" for the nearest of the names, or "". */
void manifest_suggest(struct ts_str found, const char *const *names,
                      size_t count, char *out, size_t cap);

manifest_read_fn manifest_read_args, manifest_read_sandbox, manifest_read_init,
    manifest_read_digest, manifest_read_seccomp, manifest_read_require,
    manifest_read_network, manifest_read_secrets, manifest_read_output;

/* Meaning: what no single value shows. */
TS_NODISCARD ts_err manifest_check(struct manifest_reader *r);
TS_NODISCARD ts_err manifest_check_box(struct manifest_reader *r);
TS_NODISCARD ts_err manifest_check_network(struct manifest_reader *r);
TS_NODISCARD ts_err manifest_check_secrets(struct manifest_reader *r);
TS_NODISCARD ts_err manifest_check_output(struct manifest_reader *r);
TS_NODISCARD ts_err manifest_check_nesting(struct manifest_reader *r);
/* An absolute path in its canonical form. */
TS_NODISCARD ts_err manifest_check_path(struct manifest_reader *r,
                                        const char *key, uint32_t line,
                                        struct ts_str path);
/* The line of a key of the manifest, of the manifest if it has none. */
uint32_t manifest_line(const struct manifest_reader *r, const char *key);
/* Whether path is dir or lies beneath it; both canonical. */
bool manifest_is_beneath(struct ts_str path, struct ts_str dir);

/* The name of a host as network.allow and secrets write it, or NULL and what
 * is wrong with it; *ret_is_address: it is an address, 16 bytes as in
 * manifest_cidr. manifest_hosts.c */
const char *manifest_host_fault(struct ts_str host, uint8_t address[16],
                                bool *ret_is_address);
/* "ADDR/BITS", no bits set behind the prefix. NULL, or what is wrong. */
const char *manifest_cidr_fault(struct ts_str text, struct manifest_cidr *ret);
bool manifest_cidr_holds(const struct manifest_cidr *c,
                         const uint8_t address[16]);

/* Letters, digits, ".", "_", "-". */
bool manifest_tool_is_name(struct ts_str s);

const struct manifest_arg *manifest_arg_find(const struct manifest *m,
                                             struct ts_str name);

/* A list of strings into the arena. */
TS_NODISCARD ts_err manifest_read_strings(struct manifest_reader *r,
                                          const struct yaml_node *n,
                                          uint32_t max, size_t max_len,
                                          struct ts_str const **ret,
                                          uint32_t *ret_count);
TS_NODISCARD ts_err manifest_read_str(struct manifest_reader *r,
                                      const struct yaml_node *n, size_t max_len,
                                      struct ts_str *ret);

TS_NODISCARD ts_err manifest_read_bool(struct manifest_reader *r,
                                       const struct yaml_node *n, bool *ret);
TS_NODISCARD ts_err manifest_read_number(struct manifest_reader *r,
                                         const struct yaml_node *n,
                                         uint64_t min, uint64_t max,
                                         uint64_t *ret);
/* One of count words, by its place. */
TS_NODISCARD ts_err manifest_read_word(struct manifest_reader *r,
                                       const struct yaml_node *n,
                                       const char *const *words, size_t count,
                                       size_t *ret);

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
