#ifndef SIDECAR_LAUNCHER_SPACE_PLAN_H
#define SIDECAR_LAUNCHER_SPACE_PLAN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "proto/base/ts_arena.h"
#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "sidecar/launcher/space/enter.h"

/*
 * Which mounts a path set becomes. Pure: no file system, so every rule about
 * nested, linked and forbidden paths can be tested as a table.
 */
struct plan_input {
    const char *path; /* as the manifest has it */
    const char *real; /* where that is, without links */
    uint32_t flags;   /* space_flag */
    uint32_t from;    /* index of the want's path, or PLAN_OURS */
    dev_t dev;
    ino_t ino;
    bool is_dir;
};
#define PLAN_OURS UINT32_MAX

enum plan_place { /* where the mount point is, and who makes it */
    PLAN_IN_ROOT = 0,
    PLAN_IN_ETC,  /* of the /etc that all templates share */
    PLAN_IN_MOUNT /* another path's: it must be there, nothing is created */
};

struct plan_mount {
    const char *at;    /* where tools see it */
    const char *where; /* where it is mounted: the same, or in the stash */
    uint32_t flags;
    uint32_t from;
    enum plan_place place;
    dev_t dev;
    ino_t ino;
    bool is_dir;
};

struct plan_link { /* at must lead to that inode; else it becomes a link to */
    const char *at;
    const char *to;
    uint32_t from;
    dev_t dev;
    ino_t ino;
    bool is_place; /* any folder will do */
};

/* Not /run/call: the rule of the private /tmp, which lies there, would reach
 * into them. */
#define PLAN_STASH "/run/root"

struct space_plan {
    struct plan_mount *mounts; /* parents before what is beneath them */
    uint32_t mount_count;
    struct plan_link *links; /* shorter paths first */
    uint32_t link_count;
    /* What is to be put into each call's private /tmp, since a path lies there;
     * its mounts wait in the stash. */
    struct space_inner *inner;
    uint32_t inner_count;
    bool tmp_is_folder; /* /tmp itself is one of the paths */
};

/* Everything in ret lives in the arena or is the input's. TS_E_INVALID: *why
 * (static) says what is wrong with inputs[*ret_which]. */
TS_NODISCARD ts_err plan_make(struct ts_arena *arena,
                              const struct plan_input *inputs, uint32_t count,
                              struct space_plan *ret, const char **reterr_why,
                              uint32_t *reterr_which);

/* Where real, the canonical name of a path of the plan, is inside; itself, or
 * in the arena. */
TS_NODISCARD ts_err plan_inside(struct ts_arena *arena,
                                const struct space_plan *p, const char *real,
                                const char **ret);

/* Two plans that make the same template. */
bool plan_equal(const struct space_plan *a, const struct space_plan *b);
uint64_t plan_hash(const struct space_plan *p); /* equal plans, equal hashes */

/* path is dir or lies beneath it; both absolute and canonical. */
bool plan_is_beneath(const char *path, const char *dir);

#endif
