#ifndef SIDECAR_LAUNCHER_START_INITS_H
#define SIDECAR_LAUNCHER_START_INITS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "sidecar/launcher/start/child.h"
#include "sidecar/launcher/start/habits.h"
#include "sidecar/launcher/start/nest.h"

/*
 * Namespaces of processes that stand by, each with its process 1 (init/init.c).
 * A tool is put into one of them, as an ordinary process that may ignore or
 * handle signals as it likes; its orphans are reaped there; and it ends, with
 * everything that it ever started, by one SIGKILL to that process 1: no walk,
 * no race with a fork, in constant time. The end of process 1 is seen by us
 * only when nothing else is left in its namespace, which is what "gone" means.
 *
 * The program is part of the launcher and is executed from sealed memory: no
 * file that could be missing, or be another one.
 */
#define INITS_READY_MAX   8
#define INITS_READY_LEAST 2 /* with fewer one is made while a tool runs */
/* Below 300 no number is given out again: the kernel, once it has counted to
 * pid_max, goes on from there, and a tool that forked just that often would
 * else leave the number that is expected of the next one. */
#define INITS_USES_MAX 298

/*
 * A namespace in which a tool left nothing, and never had an orphan, is used
 * again: an end and a start of process 1 cost more than all the rest of a full
 * box. What is not empty is ended. All that a next tool could find in it of an
 * earlier one is how far numbers of processes have been counted; so its own
 * number must be the one that it has if no tool before it ever forked, or it is
 * not started there (child_plan.pid_in_ns) but in a new one.
 */
struct init {
    pid_t pid;     /* ours to reap */
    int ns;        /* CLONE_NEWPID, owned */
    uint32_t uses; /* tools that were in it */
    /* owned: its children and its account in /proc, which are asked behind each
     * tool; -1: there is none */
    int children_fd, stat_fd;
    struct nest nest;
};
#define INIT_NONE ((struct init){.ns = -1, .children_fd = -1, .stat_fd = -1})

/* The number that the next tool has in it if none before it forked. */
static inline pid_t init_next_pid(const struct init *i)
{
    return (pid_t)i->uses + 2;
}
_Static_assert(INITS_USES_MAX - 1 + 2 < 300, "numbers that come once");

struct inits {
    struct filter_key key;
    int program; /* sealed memfd, owned; -1: there can be none */
    int proc_fd; /* /proc, borrowed */
    uint32_t count;
    struct init ready[INITS_READY_MAX];
    uint32_t distrust; /* so many are not taken back */
    uint32_t lean;     /* so many times none is made ahead */
    struct habits habits;
    struct nest_want wanted;
    uint32_t wanted_count; /* so many of wanted are to be made */
    uint32_t epoch;        /* nests of an older one are of no use */
};

/* Before the filter is installed (it makes the memfd and reads /proc). */
TS_NODISCARD ts_err inits_open(struct inits *ret, int proc_fd,
                               const struct filter_key *key);

/* Makes one more if fewer than `want` stand by: about 150 us, so not
 * between an order and its answer. TS_OK if nothing is to be done, too. */
TS_NODISCARD ts_err inits_refill(struct inits *s, uint32_t want,
                                 const struct child_place *place,
                                 struct watch *watch, int *reterr_errno);
/* Makes one more with a nest if launches have asked for it, in the place of
 * another if `room` stand by: about 250 us, so when nothing else is to be done.
 */
TS_NODISCARD ts_err inits_furnish(struct inits *s, uint32_t room,
                                  const struct child_place *place,
                                  struct watch *watch, int *reterr_errno);
/* The caller owns it then, until inits_end(). Makes one if none stands by.
 * want: the nest that may be in it, or NULL: none. */
TS_NODISCARD ts_err inits_take(struct inits *s, const struct nest_want *want,
                               const struct child_place *place,
                               struct watch *watch, struct init *ret,
                               int *reterr_errno);
/* A new one, for a tool that cannot be in the one that was taken: tools that
 * fork are about, so some are not worth taking back. */
TS_NODISCARD ts_err inits_take_new(struct inits *s,
                                   const struct child_place *place,
                                   struct watch *watch, struct init *ret,
                                   int *reterr_errno);
/* Takes one back, in which the tool has ended and been reaped, if process 1 is
 * known to have no child and to never have had one, and its nest is as good as
 * new. The caller has made sure
 * that no child of ours is in it (CLONE_PARENT). True: it is not the caller's
 * any more. */
bool inits_give(struct inits *s, struct init *i);
/* Kills and reaps it, unless its pid is 0. */
void inits_end(struct init *i);
/* Templates have gone, or may go: so do their nests. */
void inits_renew(struct inits *s);
/* A child of ours was reaped: true if it stood by. */
bool inits_forget(struct inits *s, pid_t pid);
bool inits_has(const struct inits *s, pid_t pid); /* it stands by */
/* Something that they are made of, as calls are, has run out: those that stand
 * by go, and for a while none is made before it is needed. */
void inits_spare(struct inits *s);
/* Kills and reaps all that stand by. */
void inits_done(struct inits *s);

/* How many processes are left in the namespace of process 1 `pid` beside it:
 * its children and theirs, counted up to `most`. */
uint32_t inits_count_left(const struct inits *s, pid_t pid, uint32_t most);

#endif
