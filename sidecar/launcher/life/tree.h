#ifndef SIDECAR_LAUNCHER_LIFE_TREE_H
#define SIDECAR_LAUNCHER_LIFE_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "sidecar/launcher/layers/filter.h"

/*
 * Whose process is whose, and how a whole tree is ended.
 *
 * A daemon that double-forks and calls setsid() leaves its group, its session
 * and its parent; as subreaper the launcher inherits it, but with several
 * tools running it must still know which of them it belonged to. Parenthood,
 * session and command line can be shed, and a cgroup, a uid or an init of its
 * own per tool need rights or time that the floor does not have. So every tool
 * carries a mark that it can neither change nor lose: a value of RLIMIT_RTTIME
 * that is unique to the run. Limits are inherited by every fork and survive
 * every exec; setting one takes prlimit64 (setrlimit is refused), which the
 * inherited filter allows only with the launcher's key (layers/filter.h). The
 * limit itself never bites: it counts time under a realtime scheduler, which
 * the filter refuses as well, and it is at least twelve days. The launcher
 * reads the mark of any process of its uid with prlimit64, of others in /proc.
 *
 * "Nothing is left" is decided exactly: once the tool's main process has been
 * reaped, each living process of the tool has a chain of living parents that
 * ends in a direct child of the launcher (a tool cannot become a subreaper),
 * and all of that chain bears the mark. Direct children leave the list only
 * when we reap them, so reading the list misses none.
 */
#define TREE_MARK_FIRST (1ull << 40)

struct tree {
    int proc_fd;     /* /proc, owned */
    int children_fd; /* /proc/self/task/TID/children, owned */
    struct filter_key key;
    bool has_other_users; /* tools run as other users than we */
};

/* Before the filter is installed. TS_E_UNSUPPORTED: no usable /proc, or the
 * limit is already lower than any mark. */
TS_NODISCARD ts_err tree_open(struct tree *ret, const struct filter_key *key);
void tree_done(struct tree *t);

/* The mark of a process, 0 if it bears none or is gone. */
uint64_t tree_mark_of(const struct tree *t, pid_t pid);

/* Stops every process with the mark until no new one turns up, then kills them
 * all: what is stopped cannot fork, and keeps its place in the process limit
 * until all of them die together. For tools that share their uid with others;
 * uid_kill.h, a namespace or a control group ends the rest. */
void tree_sweep(const struct tree *t, uint64_t mark);
/* The same for all of these marks at once: what takes long is walking /proc. */
void tree_sweep_all(const struct tree *t, const uint64_t *marks, size_t count);

/* Whether a child of ours with that mark lives or waits to be reaped. */
bool tree_is_left(const struct tree *t, uint64_t mark);

/* All children of ours, dead ones included. TS_E_LIMIT: more than cap. */
TS_NODISCARD ts_err tree_children(const struct tree *t, pid_t *list, size_t cap,
                                  size_t *ret_count);

/* Threads of other processes with our uid: they count against RLIMIT_NPROC. */
uint64_t tree_count_others(const struct tree *t);

#endif
