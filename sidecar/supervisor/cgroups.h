#ifndef SIDECAR_SUPERVISOR_CGROUPS_H
#define SIDECAR_SUPERVISOR_CGROUPS_H

#include <stdbool.h>
#include <sys/types.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"

/*
 * A control group beneath our own for the groups of tools, owned by the
 * launchers' user, in each hierarchy that lets us make one: version 2, with the
 * controllers that are ours to hand on (or without: it still kills), and where
 * there is version 1, memory and pids. What cannot be made is left out without
 * a word: the launchers try what they got and say what it gives
 * (sidecar/launcher/space/cgroups.h).
 */
#define CGROUPS_TREES 3

struct cgroups {
    int folder_fd;    /* for LAUNCHER_FD_CGROUP; owned, -1: there is nothing */
    char folder[256]; /* holds a link to each: "v2", "memory", "pids" */
    char trees[CGROUPS_TREES][512]; /* "" if there is none */
    int locks[CGROUPS_TREES]; /* of each tree there is: that it is in use */
    bool moved; /* we left our own group of version 2 for one beneath it */
};

/*
 * parent: a folder of the service's own, where the folder of links is made.
 * uid and gid: the launchers'; (uid_t)-1: they are ours. Removes what an
 * earlier supervisor left that was killed, and nothing of one that runs, in
 * whatever PID namespace. TS_E_NOT_FOUND: no hierarchy.
 */
TS_NODISCARD ts_err cgroups_make(const char *parent, uid_t uid, gid_t gid,
                                 struct cgroups *ret);
/* Before that launcher gets its START: version 2 lets it move a process only
 * within what it owns. Errors show when it tries. */
void cgroups_adopt(const struct cgroups *c, pid_t launcher);
/* When no launcher is left. */
void cgroups_done(struct cgroups *c);
/* cgroups_done(), and back to where we were: for one that only tried. What
 * starts next in our group finds it as it was. */
void cgroups_undo(struct cgroups *c);

#endif
