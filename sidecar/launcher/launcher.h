#ifndef SIDECAR_LAUNCHER_LAUNCHER_H
#define SIDECAR_LAUNCHER_LAUNCHER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "proto/wire/limits.h"
#include "sidecar/common/control/hear.h"
#include "sidecar/launcher/canary/trial.h"
#include "sidecar/launcher/layers/filter.h"
#include "sidecar/launcher/layers/filter_needs.h"
#include "sidecar/launcher/layers/probe.h"
#include "sidecar/launcher/life/run.h"
#include "sidecar/launcher/life/scratch.h"
#include "sidecar/launcher/life/tree.h"
#include "sidecar/launcher/metadata/metadata.h"
#include "sidecar/launcher/space/cgroups.h"
#include "sidecar/launcher/space/space.h"
#include "sidecar/launcher/start/caps.h"
#include "sidecar/launcher/start/child.h"
#include "sidecar/launcher/start/inits.h"
#include "sidecar/launcher/start/network.h"
#include "sidecar/launcher/start/uids.h"
#include "sidecar/launcher/start/watch.h"
#include "sidecar/launcher/tools/level.h"
#include "sidecar/launcher/tools/order_check.h"
#include "sidecar/launcher/tools/tools.h"
#include "sidecar/launcher/wire/stdio_back.h"

#define LAUNCHER_RUNS_MAX 240 /* below BACK_SLOTS: each can still report */
#define LOOK_AGAIN_NS                                                          \
    10000000ull /* 10 ms between looks at a tree; the end of any               \
                   process of it makes for one at once */
#define GIVE_UP_NS                                                             \
    30000000000ull /* 30 s: what does not die then will                        \
                      not; stop rather than lie */

struct active_run {
    struct run_life life;
    uint64_t order_id;
    uint64_t mark;    /* see tree.h */
    pid_t pid;        /* 0 once reaped */
    struct init init; /* process 1 of its namespace, owned; its pid is 0 if
                         there is none, or it was reaped */
    bool has_group;   /* group is its control group, taken */
    uint32_t group;
    bool in_pid_ns; /* with the end of process 1 everything has ended */
    uid_t uid;      /* its own or the writers'; 0: ours */
    uint64_t started_ns;
    uint64_t deadline_ns;
    uint64_t look_ns;   /* next tick, in KILLING and ENDING */
    uint64_t ending_ns; /* when it began to end */
    uint64_t wall_us;
    uint64_t processes; /* its share of RLIMIT_NPROC */
    int status;         /* of the main process, from wait4(2) */
    uint64_t cpu_us;
    uint64_t max_rss_kb;
    uint32_t killed;
    bool was_swept; /* once, by whatever is fastest */
    bool unswept;   /* told to end by an order, and not signalled yet */
    struct network_use network;
    int scratch_fd; /* the base, owned; -1 if none */
    char scratch[SCRATCH_NAME_MAX];
};

/* A scratch folder that one turn did not empty, and the uid that stays taken
 * until it is. A launch with a scratch folder is refused while there might be
 * no room for what it leaves. */
#define LAUNCHER_LEFTOVERS_MAX 512
struct leftover {
    int base_fd; /* owned */
    uid_t uid;
    char name[SCRATCH_NAME_MAX];
};

struct launcher {
    struct control_ear control;
    struct filter_key key;
    struct layers layers;
    struct level_offer offer;
    struct trials trials;      /* what the canary left of it */
    int trial_ends[2];         /* owned: for trials_run() */
    enum box_level level_most; /* of tipstaff.yaml */
    struct caps caps;
    struct uids uids;
    struct inits inits;
    struct child_place place;
    struct watch watch;
    bool has_no_wx;     /* the kernel knows how */
    bool has_keyring;   /* an empty one of our own, which no tool can reach */
    bool gives_keyring; /* each tool can get one of its own */
    uint32_t index;
    struct manifest_facts facts; /* as the gate has them */
    struct toolset *tools;       /* owned */
    uint32_t told; /* of tools: up to where the gate knows what is unserved */
    struct toolset *previous;        /* owned, NULL: orders may still name it */
    struct toolset *prepared;        /* owned, NULL: waits for COMMIT */
    struct sandbox_profile *profile; /* in profile_arena */
    struct ts_arena profile_arena;
    struct filter_needs needs; /* of its profile: no box is without */
    bool runs_written;         /* profile "build" or one that extends it */
    bool wide_space; /* "build" and "jit": address space is not memory */
    struct filter_program strict;
    struct sock_fprog strict_prog; /* filter NULL: no strict boxes */
    struct space_caps space_caps;
    struct space_shared shared;
    struct space_groups *groups; /* owned, NULL: there are none */
    struct space_builder builder;
    struct tree tree;
    struct metadata *metadata; /* NULL: tools have users or roots of their own,
                                  or the kernel cannot tell */
    struct back back;
    struct network network;
    const char *preload; /* for tools with a broker; NULL: there is none */
    char preload_path[4096];
    uid_t self_uid;
    gid_t self_gid;
    uint64_t other_tasks; /* of our uid, counted at start and again when
                             the first order comes */
    bool has_counted;
    uint64_t most[RLIM_NLIMITS]; /* our own hard limits, read at start */
    uint64_t keyring_told_ns; /* when the log last said that the quota of keys
                                 is used up; 0: never */
    uint64_t serial; /* of the last mark; random at first, since another
                        launcher of our uid sees our tools, and ours theirs */
    int epoll_fd;
    int signal_fd;
    int null_fd; /* /dev/null, read-write, >= 3 */
    bool draining;
    uint64_t drain_ns; /* deadline of the drain */
    uint32_t run_count;
    struct active_run runs[LAUNCHER_RUNS_MAX];
    uint32_t leftover_count;
    struct leftover leftovers[LAUNCHER_LEFTOVERS_MAX];
};

uint64_t now_ns(void); /* CLOCK_BOOTTIME */

/* groups.c: control groups of tools. Looks whether there are any, and adds
 * them to the offer; when all are made. */
void groups_offer(struct launcher *l);
/* All processes of the run die at once. False: they have to be found. */
bool groups_end(struct launcher *l, const struct active_run *r);
/* Nothing of it is left. */
void groups_give(struct launcher *l, struct active_run *r);

/* offer.c: what can be given, once START has said what may, and the filter is
 * in place. */
void offer_make(struct launcher *l, const struct control_start *start);
bool offer_has_full(const struct launcher *l);

/* launch.c: carries one order out, or answers REFUSED. An error means that the
 * launcher itself cannot go on. */
TS_NODISCARD ts_err launch_order(struct launcher *l, const struct order *o,
                                 uint64_t received_ns);
TS_NODISCARD ts_err launch_refuse(struct launcher *l, uint64_t order_id,
                                  const struct order_refusal *r);

/* Makes one more process 1 if fewer than `want` stand by. */
void launch_refill(struct launcher *l, uint32_t want);

/* orders_in.c: one message of the recorder. TS_E_CLOSED: it hung up. */
TS_NODISCARD ts_err orders_receive(struct launcher *l);

/* control_in.c: tells the gate which tools are not served here, as many as it
 * takes; the rest when it has read them. */
TS_NODISCARD ts_err control_tell(struct launcher *l);
/* START, which blocks; whatever comes then is for control_hear(). */
TS_NODISCARD ts_err control_start_up(struct launcher *l);

/* reap.c. runs_kill() only notes it; runs_sweep() signals all that were noted,
 * in one walk, before anything else is answered or done. */
TS_NODISCARD ts_err runs_kill(struct launcher *l, uint64_t order_id,
                              enum end_reason why);
void runs_sweep(struct launcher *l);
TS_NODISCARD ts_err runs_reap(struct launcher *l);
TS_NODISCARD ts_err runs_tick(struct launcher *l, uint64_t now);
uint64_t runs_next_ns(const struct launcher *l); /* UINT64_MAX: nothing due */
/* Every running tool is told to end, for this reason. */
TS_NODISCARD ts_err runs_kill_all(struct launcher *l, enum end_reason why);

/* leftovers.c. One turn at a scratch folder: TS_E_AGAIN if there is more;
 * another error means that it stays, and is in the log. */
TS_NODISCARD ts_err leftovers_drop(struct launcher *l, int base_fd,
                                   const char *name);
/* The same; what is left is done in later turns. Takes the descriptor, and
 * gives the uid back when nothing is left. */
void leftovers_take(struct launcher *l, int base_fd, const char *name,
                    uid_t uid);
bool leftovers_has_room(const struct launcher *l);
void leftovers_turn(struct launcher *l);
/* All of it, within the time. */
void leftovers_end(struct launcher *l, uint64_t give_up_ns);
/* Ends everything, waits until it is gone. For every way out of the launcher.
 */
void runs_end_all(struct launcher *l);

#endif
