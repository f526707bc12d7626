#ifndef CLI_SCHEMA_PLAN_H
#define CLI_SCHEMA_PLAN_H

#include "cli/schema/schema.h"
#include "proto/base/ts_arena.h"

/* A schema before it is text: filled from manifests and people (plan.c), then
 * from a schema that people wrote (merge.c), then written (write.c). Lists are
 * in the order of names unless said otherwise; all lives in the arena. */
struct plan_name {
    struct ts_str name;
    struct plan_name *next;
};

struct plan_attr {
    struct ts_str name;
    struct ts_str type; /* as text */
    bool required;
    uint32_t tools; /* of an argument: how many tools have it */
    struct plan_attr *next;
};

struct plan_entity {
    struct ts_str name;
    struct plan_name *parents;
    struct plan_attr *attrs; /* in the order of docs/POLICY-CONTEXT.md */
    struct ts_str tags;      /* "" for none */
    struct plan_name *choices;
    struct plan_entity *next;
};

struct plan_action {
    struct ts_str name;
    struct plan_name *resources; /* NULL: a group */
    struct plan_name *groups;
    struct plan_attr *args;      /* in the order of the manifests */
    uint32_t tools;              /* that have this action */
    const struct manifest *tool; /* the first of them */
    struct plan_action *next;
};

struct plan {
    struct ts_arena arena;
    const struct schema_request *request;
    struct plan_entity *entities;
    struct plan_action *actions;
    struct plan_attr *grant;
    char *text; /* why there is none */
    size_t cap;
};

TS_NODISCARD ts_err plan_make(struct plan *p);
TS_NODISCARD ts_err plan_merge(struct plan *p);
TS_NODISCARD ts_err plan_write(struct plan *p, struct ts_buf *out);

/* Writes the text and gives TS_E_INVALID. */
TS_NODISCARD ts_err plan_fail(struct plan *p, const char *fmt, ...)
    TS_PRINTF(2, 3);
void plan_note(const struct plan *p, const char *fmt, ...) TS_PRINTF(2, 3);

/* Each gives the one of that name, which is added if it is not there. */
TS_NODISCARD ts_err plan_entity(struct plan *p, struct ts_str name,
                                struct plan_entity **ret);
TS_NODISCARD ts_err plan_action(struct plan *p, struct ts_str name,
                                struct plan_action **ret);
TS_NODISCARD ts_err plan_name_add(struct plan *p, struct plan_name **list,
                                  struct ts_str name);
/* At the end. */
TS_NODISCARD ts_err plan_attr(struct plan *p, struct plan_attr **list,
                              struct ts_str name, struct plan_attr **ret);
struct plan_attr *plan_attr_find(struct plan_attr *list, struct ts_str name);

/* A name for a message. */
struct plan_shown {
    char s[160];
};
struct plan_shown plan_shown(struct ts_str s);

#endif
