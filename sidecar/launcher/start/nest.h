#ifndef SIDECAR_LAUNCHER_START_NEST_H
#define SIDECAR_LAUNCHER_START_NEST_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "sidecar/launcher/space/enter.h"

/*
 * A process 1 that is in all namespaces of its tool, with the private /tmp and
 * the own /proc mounted: a tool enters them by one setns(2) with its pidfd. The
 * copy of the template's mounts, the two mounts and their end cost more than
 * the rest of a launch, and a tool can change none of them.
 *
 * What a tool could change is its /tmp, so it is one tool's, too, but for the
 * case that nothing was ever made, removed or changed in it. How that is known:
 *
 *   - its root is the launcher's, as is what it holds from the beginning, and
 *     tools have other uids: each change of it sets the root's ctime, which
 *     nobody can set back. A change in the same tick of
 *     the clock as the making would not show, so a nest of this very tick is
 *     not given to a tool. The mount has noatime: reading leaves no trace.
 *   - the same goes for links and folders that stand in it from the beginning,
 *     to paths of a manifest: nobody may change them, but whoever may write to
 *     a file may set its times to now, and any link says that all may write.
 *   - a file without a name (O_TMPFILE) does not change the root, but takes a
 *     number: ours, which counts the tools that were in it, must be the next.
 *   - a lock changes nothing, and outlives its tool in a file that is on its
 *     way through a pair of sockets which hold one another: the folders must be
 *     ours to lock.
 *
 * Everything else is not used again: the mounts end with process 1.
 */
struct nest {
    const void *space; /* the template, for comparing; NULL: there is none and
                          nothing is owned */
    bool tmp_exec;
    const char *proc_options; /* static */
    char tmp_options[SPACE_TMP_OPTIONS_MAX];
    int kinds;            /* CLONE_NEW*: what it is in */
    uint32_t epoch;       /* of the templates: inits.h */
    int pidfd;            /* owned */
    int tmp;              /* owned: O_PATH of the root of /tmp */
    struct timespec made; /* its ctime */
    /* what stands in it, borrowed of the template: a digest of all ctimes, and
     * the latest of them and `made` */
    const struct space_inner *inner;
    uint32_t inner_count;
    uint64_t inner_times;
    struct timespec latest;
    uint64_t number; /* of the last file in it: ours */
};

/* How one is to be. Borrowed, template included. */
struct nest_want {
    const void *space;
    struct space_entry entry;                /* without groups and program */
    char tmp_options[SPACE_TMP_OPTIONS_MAX]; /* entry's own is not used */
};

/* The namespaces and mounts of the entry, which may be any tool's. net_ns:
 * that which all share. */
void nest_want_make(struct nest_want *ret, const void *space,
                    const struct space_entry *e, int net_ns);
bool nest_fits(const struct nest *n, const struct nest_want *w);

/* Of a process 1 that has entered w->entry. */
TS_NODISCARD ts_err nest_open(struct nest *ret, const struct nest_want *w,
                              int proc_fd, pid_t pid);
void nest_close(struct nest *n);

/* What a tool changes now, by CLOCK_REALTIME_COARSE, will show. */
bool nest_is_ripe(const struct nest *n, struct timespec now);
/* No tool that was in it has left anything. Asks the file system; all of the
 * tool must have ended. */
bool nest_is_untouched(struct nest *n, const struct filter_key *key);

/* Pure. A digest of times, one after the other; *io begins with 0. */
void nest_add_time(uint64_t *io, struct timespec t);
/* Pure: what the stat of /tmp's root and of a new file in it say. */
bool nest_seems_untouched(const struct nest *n, struct timespec ctime,
                          uint64_t number);

#endif
