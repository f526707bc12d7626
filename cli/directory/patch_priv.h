#ifndef CLI_DIRECTORY_PATCH_PRIV_H
#define CLI_DIRECTORY_PATCH_PRIV_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/directory/patch.h"
#include "cli/directory/patch_path.h"
#include "cli/directory/state.h"
#include "proto/base/ts_attr.h"

/* Inside of patch.c, patch_entry.c, patch_members.c and patch_value.c. */

enum patch_op {
    PATCH_ADD,
    PATCH_REPLACE,
    PATCH_REMOVE
};

struct patch { /* one document while it is applied */
    struct dir_state st;
    char where[256]; /* "Operations[3].value": what is looked at */
    char *text;      /* borrowed; gets the error */
    size_t cap;
};

/* One change of one field. */
struct patch_change {
    enum patch_op op;
    const struct patch_path *path; /* of the operation; NULL for a field of a
                                      value: then no filter on items */
    json_t *value;                 /* NULL for remove */
};

/* "WHERE: text"; returns e. */
TS_NODISCARD ts_err patch_fail(struct patch *p, ts_err e, const char *fmt, ...)
    TS_PRINTF(3, 4);
/* Appends to where until patch_leave(); returns the mark for it. */
size_t patch_enter(struct patch *p, const char *fmt, ...) TS_PRINTF(2, 3);
void patch_leave(struct patch *p, size_t mark);

/* Fields. Every text and array is copied into the arena of the state. */
TS_NODISCARD ts_err patch_active(struct patch *p, const struct patch_change *c,
                                 bool *to);
/* A list of ids; what names one of them ("group"). Values may be texts or
 * {"value": text}. */
TS_NODISCARD ts_err patch_ids(struct patch *p, const struct patch_change *c,
                              const char *what, uint32_t max,
                              const struct ts_str **list, uint32_t *count);
TS_NODISCARD ts_err patch_attrs(struct patch *p, const struct patch_change *c,
                                const struct directory_attr **list,
                                uint32_t *count);
/* "" after a remove. */
TS_NODISCARD ts_err patch_owner(struct patch *p, const struct patch_change *c,
                                struct ts_str *to);
TS_NODISCARD ts_err patch_depth(struct patch *p, const struct patch_change *c,
                                uint32_t *to);
TS_NODISCARD ts_err patch_keys(struct patch *p, const struct patch_change *c,
                               struct directory_agent *a);
TS_NODISCARD ts_err patch_uids(struct patch *p, const struct patch_change *c,
                               struct directory_agent *a);
/* A text that is an id; the copy. */
TS_NODISCARD ts_err patch_id(struct patch *p, json_t *value, const char *what,
                             struct ts_str *ret);
TS_NODISCARD ts_err patch_key(struct patch *p, json_t *value,
                              uint8_t ret[TRUST_PK_LEN]);
/* The list that a value holds: one item alone counts as a list of one. */
size_t patch_item_count(json_t *value);
json_t *patch_item(json_t *value, size_t i);

/* Whole entries, and fields of those that a filter finds. */
TS_NODISCARD ts_err patch_users(struct patch *p, const struct patch_change *c);
TS_NODISCARD ts_err patch_agents(struct patch *p, const struct patch_change *c);
TS_NODISCARD ts_err patch_approvers(struct patch *p,
                                    const struct patch_change *c);
TS_NODISCARD ts_err patch_groups(struct patch *p, const struct patch_change *c);

#endif
