#ifndef CLI_DIRECTORY_STATE_H
#define CLI_DIRECTORY_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/ts_arena.h"
#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "proto/trust/directory_snapshot.h"

/*
 * A directory that can be edited: the lists of a snapshot in arrays that grow.
 * Edits put new arrays into entries and never write into old ones, so the
 * snapshot that it was made from stays as it is. Everything new lives in the
 * arena.
 */
struct dir_state {
    struct ts_arena *arena; /* borrowed */
    struct directory_user *users;
    uint32_t user_count, user_cap;
    struct directory_agent *agents;
    uint32_t agent_count, agent_cap;
    struct directory_approver *approvers;
    uint32_t approver_count, approver_cap;
};

TS_NODISCARD ts_err dir_state_load(const struct directory_snapshot *s,
                                   struct ts_arena *arena,
                                   struct dir_state *ret);

/* Room for one more, zeroed and counted in. TS_E_LIMIT: more than a snapshot
 * may hold. */
TS_NODISCARD ts_err dir_state_new_user(struct dir_state *st,
                                       struct directory_user **ret);
TS_NODISCARD ts_err dir_state_new_agent(struct dir_state *st,
                                        struct directory_agent **ret);
TS_NODISCARD ts_err dir_state_new_approver(struct dir_state *st,
                                           struct directory_approver **ret);

/* NULL when there is none. Good until the next entry is added or removed. */
struct directory_user *dir_state_user(const struct dir_state *st,
                                      struct ts_str id);
struct directory_agent *dir_state_agent(const struct dir_state *st,
                                        struct ts_str id);

void dir_state_drop_user(struct dir_state *st, const struct directory_user *u);
void dir_state_drop_agent(struct dir_state *st,
                          const struct directory_agent *a);
void dir_state_drop_approver(struct dir_state *st,
                             const struct directory_approver *a);

/* Sorts, and lends the lists to ret (the rest of it is untouched) for as long
 * as the arena lives. */
TS_NODISCARD ts_err dir_state_close(struct dir_state *st,
                                    struct directory_snapshot *ret);

#endif
