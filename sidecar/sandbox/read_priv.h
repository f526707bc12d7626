#ifndef SIDECAR_SANDBOX_READ_PRIV_H
#define SIDECAR_SANDBOX_READ_PRIV_H

#include "sidecar/common/yaml_tree.h"
#include "sidecar/sandbox/profile.h"

/* One profile that is being decoded. */
struct reading {
    const struct sandbox_source *source;
    struct ts_arena *arena;
    struct sandbox_profile *p;
    struct named *named; /* [p->calls.count] */
    char *text;          /* "FILE:LINE: ..." */
    size_t cap;
};

enum list_kind { /* in the order in which a set beats another */
    LIST_NONE,
    LIST_ALLOW,
    LIST_REFUSE,
    LIST_ABSENT,
    LIST_KILL,
    LIST_RULES
};

struct named { /* what this file says about a call */
    enum list_kind kind;
    bool by_set;
    uint32_t line;
};

#define READ_WORD_MAX 64 /* bytes of a foreign word in a message */

/* Always TS_E_INVALID. */
TS_PRINTF(3, 4)
ts_err read_fail(struct reading *r, uint32_t line, const char *fmt, ...);
const char *read_word(struct ts_str s, char out[READ_WORD_MAX]);
uint32_t read_action(enum list_kind kind);
TS_NODISCARD ts_err read_call_set(struct reading *r, uint32_t i, uint32_t line,
                                  const struct sandbox_call *c);

/* read_rules.c */
TS_NODISCARD ts_err read_rules(struct reading *r, const struct yaml_node *n);
/* read_options.c */
TS_NODISCARD ts_err read_options(struct reading *r,
                                 const struct yaml_node *root);
bool read_is_option(struct ts_str key);
TS_NODISCARD ts_err read_accepts(struct reading *r, const struct yaml_node *n);

/* read.c; is_overlay: the overlay of level strict, which extends nothing */
TS_NODISCARD ts_err read_profile(const struct sandbox_source *source,
                                 bool is_overlay, struct ts_arena *arena,
                                 struct sandbox_profile **ret, char *text,
                                 size_t cap);

/* options.c: the named restrictions as clauses before those of the model. */
TS_NODISCARD ts_err options_apply(const struct sandbox_profile *p,
                                  const struct sandbox_options *o,
                                  struct sandbox_model *m,
                                  struct ts_arena *arena);

#endif
