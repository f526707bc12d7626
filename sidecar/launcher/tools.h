#ifndef SIDECAR_LAUNCHER_TOOLS_H
#define SIDECAR_LAUNCHER_TOOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_arena.h"
#include "sidecar/common/manifest.h"
#include "sidecar/launcher/image.h"
#include "sidecar/launcher/layers/filter.h"

/*
 * The manifests of one generation, opened: programs pinned, folders and
 * run-time paths held by descriptor, environment built. What is opened here is
 * what later calls use, whatever happens to the names in the meantime.
 */
struct tool_rule {
    int fd; /* O_PATH, owned, or the toolset's */
    bool is_dir;
    bool is_shared;  /* the toolset's */
    uint64_t access; /* LL_* */
};

struct tool {
    const struct manifest *m;
    struct image image;
    int root_fd; /* of the resource, -1 if it has no path */
    int cwd_fd;
    int scratch_fd; /* base, -1 if none is asked for */
    struct tool_rule *rules;
    uint32_t rule_count;
    uint32_t rule_cap;
    enum filter_profile profile;
    /* a ruleset with everything but the call's own resource, made ahead of
     * the next call; -1 if it must be made then */
    int ruleset;
    const char **env; /* NULL-terminated; the first TOOL_ENV_SLOTS are free */
};
#define TOOL_ENV_SLOTS 3 /* TIPSTAFF_DECISION, TMPDIR, TIPSTAFF_TOKEN_FD */

/* What every program of the system needs to start (tools.c lists it) is opened
 * once for all tools: each launch copies, and each exec walks, the whole table
 * of descriptors. */
#define TOOL_RUNTIME_COUNT 11

struct toolset {
    int runtime[TOOL_RUNTIME_COUNT]; /* owned, -1: this host has it not */
    struct manifests *manifests;     /* owned; list[i] belongs to tools[i] */
    struct tool *tools;              /* in the arena */
    struct ts_arena arena;
    int abi; /* of Landlock */
};

/*
 * Takes over m on success. On failure m stays the caller's, and reterr_text
 * holds "FILE: what; what to do".
 */
TS_NODISCARD ts_err toolset_open(struct manifests *m, uint32_t launcher_index,
                                 int abi, struct toolset **ret,
                                 char *reterr_text, size_t reterr_cap);
void toolset_free(struct toolset *s);

struct tool *toolset_find(struct toolset *s, const struct manifest *m);

/* A ruleset for one call. *ret_is_shared: it may only be used as it is, and
 * stays the tool's; else it may be added to, and is the caller's. wants_own:
 * the call adds rules. */
TS_NODISCARD ts_err tool_ruleset(const struct toolset *s, struct tool *t,
                                 bool wants_own, int *ret_fd,
                                 bool *ret_is_shared, int *reterr_errno);
/* Makes the next call's ruleset, when there is nothing else to do. */
void tool_refill(const struct toolset *s, struct tool *t);

#endif
