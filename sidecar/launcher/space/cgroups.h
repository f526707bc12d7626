#ifndef SIDECAR_LAUNCHER_SPACE_CGROUPS_H
#define SIDECAR_LAUNCHER_SPACE_CGROUPS_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "sidecar/launcher/layers/filter.h"
#include "sidecar/launcher/space/enter.h"

/*
 * Control groups of running tools, from a pool (making and removing one costs
 * 167 us, joining one 6). The supervisor gives a folder (LAUNCHER_FD_CGROUP)
 * whose entries lead to ours in each hierarchy: "v2", or "memory", "pids",
 * "cpu" of version 1 (sidecar/supervisor/cgroups.h). What they can do is tried
 * here, with a process, and not inferred from files that exist.
 */
enum space_group_power {
    GROUP_MEMORY = 1 << 0, /* all memory of a tool together, swap included */
    GROUP_PIDS = 1 << 1,   /* its processes together */
    GROUP_CPU = 1 << 2,    /* its share of the processors */
    GROUP_KILL = 1 << 3    /* all of it dies by one write */
};

struct space_groups;

struct space_group_limits {
    uint64_t memory_bytes;
    uint64_t processes;
};

struct space_group {             /* of one running tool */
    int procs[SPACE_GROUPS_MAX]; /* the pool's; for space_entry */
    uint32_t index;
};
#define SPACE_GROUPS_POOL 256

/* dir_fd is borrowed for the call. tag tells launchers apart. On failure
 * *reterr_step and *reterr_errno say what was tried. */
TS_NODISCARD ts_err space_groups_new(int dir_fd, uint32_t tag,
                                     const struct filter_key *key,
                                     struct space_groups **ret,
                                     const char **reterr_step,
                                     int *reterr_errno);
/* Removes every group that is empty by then. NULL is fine. */
void space_groups_free(struct space_groups *g);

uint32_t space_groups_power(const struct space_groups *g); /* GROUP_* */
/* Microseconds that joining took when it was tried after a pause. It counts for
 * every launch: measured on 6.18, 15 to 60 where the hierarchy is mounted with
 * favordynmods, and 4,000 to 17,000 for each hierarchy where it is not and no
 * other process was moved in the last milliseconds. So a launcher that may
 * choose uses groups only below SPACE_GROUPS_JOIN_US, or for tools that demand
 * the layer. */
#define SPACE_GROUPS_JOIN_US 1000
uint64_t space_groups_join_us(const struct space_groups *g);
/* LAYER_CGROUP holds in full with MEMORY and PIDS; less is "weakened". */
bool space_groups_weakened(const struct space_groups *g);

TS_NODISCARD ts_err space_groups_take(struct space_groups *g,
                                      const struct space_group_limits *l,
                                      struct space_group *ret,
                                      int *reterr_errno);
/* SIGKILL to all of it, fork bombs included. TS_E_UNSUPPORTED without
 * GROUP_KILL. */
TS_NODISCARD ts_err space_groups_kill(struct space_groups *g, uint32_t index);
/* No process is left in it. */
bool space_groups_is_empty(const struct space_groups *g, uint32_t index);
/* The tool is gone. A group that is not empty is not used again. */
void space_groups_give(struct space_groups *g, uint32_t index);

#endif
