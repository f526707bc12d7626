#ifndef SIDECAR_LAUNCHER_TOOLS_TOOLS_H
#define SIDECAR_LAUNCHER_TOOLS_TOOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_arena.h"
#include "sidecar/common/manifest/manifest.h"
#include "sidecar/launcher/space/space.h"
#include "sidecar/launcher/start/secrets.h"
#include "sidecar/launcher/tools/image.h"
#include "sidecar/launcher/tools/level.h"
#include "sidecar/launcher/tools/path_open.h"

/*
 * The manifests of one generation, opened: programs pinned, folders and
 * run-time paths held by descriptor, environment built. What is opened here is
 * what later calls use, whatever happens to the names in the meantime.
 */
struct tool_rule {
    int fd; /* O_PATH, owned, or the toolset's */
    bool is_dir;
    bool is_shared;  /* the toolset's */
    bool is_program; /* may be executed in a strict box too */
    uint64_t access; /* LL_* */
};

struct tool {
    const struct manifest *m;
    struct image image;
    int root_fd; /* of the resource, -1 if it has no path */
    int cwd_fd;
    const char *cwd_path; /* where that is; in the arena */
    int scratch_fd;       /* base, -1 if none is asked for */
    struct tool_rule *rules;
    uint32_t rule_count;
    uint32_t rule_cap;
    /* its view in a full box; NULL: it has none, and why_no_box says why */
    const struct space_box *box;
    const char *why_no_box; /* NULL: this launcher gives no full boxes */
    bool whole_proc; /* of the machine, too: the manifest names /proc. Else its
                        own /proc in a full box has processes only */
    /* a ruleset with everything but the call's own resource, made ahead of
     * the next call; -1 if it must be made then */
    int ruleset;
    struct secrets *secrets; /* owned; NULL: it is given none */
    /* Why this host cannot serve it, "FILE:LINE: what; what to do"; NULL: it
     * does. Nothing of it is open then. */
    const char *unavailable;
    const char **env; /* NULL-terminated; the first TOOL_ENV_SLOTS are free */
};
#define TOOL_ENV_SLOTS 3 /* TIPSTAFF_DECISION, TMPDIR, TIPSTAFF_TOKEN_FD */

/* What every program of the system needs to start (tools.c lists it) is opened
 * once for all tools: each launch copies, and each exec walks, the whole table
 * of descriptors. */
#define TOOL_RUNTIME_COUNT 11

/* What a launcher knows and a manifest does not. */
struct tool_host {
    struct filter_key key;
    uint32_t index; /* of the launcher */
    struct secrets_source secrets;
    int abi;             /* of Landlock */
    bool runs_written;   /* profile "build": what is written may be executed */
    const char *preload; /* library for tools with a broker, or NULL */
    const struct space_builder *builder; /* NULL: no full boxes */
    int program_fd; /* O_PATH of the one program that there is, the canary;
                       0: programs are opened by their names */
    const struct level_offer *offer; /* what this launcher can give */
    enum box_level most;             /* of tipstaff.yaml */
};

struct toolset {
    int runtime[TOOL_RUNTIME_COUNT]; /* owned, -1: this host has it not */
    struct manifests *manifests;     /* owned; list[i] belongs to tools[i] */
    struct tool *tools;              /* in the arena */
    struct ts_arena arena;
    struct tool_host host;
    struct path_roots written; /* by any tool of these manifests */
    struct space_set *spaces;  /* owned, NULL if there are none */
};

/*
 * Takes over m on success. A tool that this host cannot serve (program missing
 * or open to everybody, path missing, box not given) is marked and logged, and
 * the others are served. On failure (memory) m stays the caller's, and
 * reterr_text says what.
 */
TS_NODISCARD ts_err toolset_open(struct manifests *m,
                                 const struct tool_host *host,
                                 struct toolset **ret, char *reterr_text,
                                 size_t reterr_cap);
void toolset_free(struct toolset *s);

/* How many are marked, and the texts of as many as fit, a line each. */
uint32_t toolset_unavailable(const struct toolset *s, char *text, size_t cap);
/* Whether a tool of this launcher has `network: proxy`. */
bool toolset_has_proxy(const struct toolset *s);
struct tool *toolset_find(struct toolset *s, const struct manifest *m);

/* tools_space.c: makes the full boxes of all tools. A tool without one is in
 * the log, and is refused what demands it. */
void toolset_make_spaces(struct toolset *s);

/* A ruleset for one call. *ret_is_shared: it may only be used as it is, and
 * stays the tool's; else it may be added to, and is the caller's. wants_own:
 * the call adds rules. is_strict: nothing but the program may be executed. */
TS_NODISCARD ts_err tool_ruleset(const struct toolset *s, struct tool *t,
                                 bool wants_own, bool is_strict, int *ret_fd,
                                 bool *ret_is_shared, int *reterr_errno);
/* Makes the next call's ruleset, when there is nothing else to do. */
void tool_refill(const struct toolset *s, struct tool *t);

#endif
