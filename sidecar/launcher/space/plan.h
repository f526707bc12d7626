#ifndef SIDECAR_LAUNCHER_SPACE_PLAN_H
#define SIDECAR_LAUNCHER_SPACE_PLAN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "proto/base/ts_arena.h"
#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"

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
    const char *at;
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

struct space_plan {
    struct plan_mount *mounts; /* parents before what is beneath them */
    uint32_t mount_count;
    struct plan_link *links; /* shorter paths first */
    uint32_t link_count;
    bool tmp_is_folder; /* a path is beneath /tmp */
};

/* Everything in ret lives in the arena or is the input's. TS_E_INVALID: *why
 * (static) says what is wrong with inputs[*ret_which]. */
TS_NODISCARD ts_err plan_make(struct ts_arena *arena,
                              const struct plan_input *inputs, uint32_t count,
                              struct space_plan *ret, const char **reterr_why,
                              uint32_t *reterr_which);

/* Two plans that make the same template. */
bool plan_equal(const struct space_plan *a, const struct space_plan *b);
uint64_t plan_hash(const struct space_plan *p); /* equal plans, equal hashes */

/* path is dir or lies beneath it; both absolute and canonical. */
bool plan_is_beneath(const char *path, const char *dir);

#endif
