#ifndef SIDECAR_LAUNCHER_SPACE_ENTER_H
#define SIDECAR_LAUNCHER_SPACE_ENTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "sidecar/launcher/layers/filter.h"

/*
 * The steps into a space, for the child between clone and exec: system calls
 * without a library, the key in free registers, nothing written but the
 * caller's own words. Each returns 0 (or a descriptor) or a negative errno,
 * and *step is then the name of what failed (static text): "cgroup", "net_ns",
 * "ipc_ns", "uts_ns", "cgroup_ns", "mnt_ns", "private_tmp", "own_proc", "cwd",
 * "program".
 *
 * Order (design: sandbox, section 6): signals, setsid, space_enter(), keyring,
 * then space_open_program(), descriptors, space_enter_cwd(), limits, ids,
 * pdeathsig, no_new_privs, landlock (a landlocked task cannot mount), execveat.
 * space_enter() needs CAP_SYS_ADMIN and CAP_SYS_CHROOT effective.
 */
#define SPACE_GROUPS_MAX 4

/* Paths of a manifest beneath /tmp: the private /tmp of each call hides them,
 * so it gets links to where they are. */
struct space_inner {
    enum space_inner_kind {
        INNER_FOLDER = 1,
        INNER_LINK /* to `from` */
    } kind;
    const char *at; /* beneath SPACE_TMP; parents come before */
    const char *from;
};
#define SPACE_INNER_MAX 64

struct space_entry {
    struct filter_key key;
    int procs[SPACE_GROUPS_MAX]; /* cgroup.procs, to be joined; -1: none */
    int net_ns, ipc_ns, uts_ns, cgroup_ns; /* -1: stays in ours */
    int mnt_ns;                            /* -1: no own root, and none of: */
    const char *tmp_options;  /* space_tmp_options(); NULL: no private /tmp */
    bool tmp_exec;            /* what is written there may be executed */
    const char *proc_options; /* e.g. SPACE_PROC_OPTIONS; NULL: no own /proc.
                                 The child must be in its pid namespace. */
    const struct space_inner *inner; /* of the space_template */
    uint32_t inner_count;
    const char *cwd;     /* of the space_box; opened without following a link */
    const char *program; /* of the space_box; NULL: not by space_open_program */
    dev_t program_dev;
    ino_t program_ino;
    /* Somebody is in those of the namespaces already, mounts included
     * (start/nest.h): they are entered with this pidfd. 0: nobody is */
    int nest_kinds; /* CLONE_NEW* */
    int nest;
};
#define SPACE_PROC_OPTIONS        "hidepid=2"
#define SPACE_PROC_OPTIONS_STRICT "hidepid=2,subset=pid"

long space_enter(const struct space_entry *e, const char *volatile *step);
/* fchdir(2) to cwd. Any time after space_enter() and before landlock. */
long space_enter_cwd(const struct space_entry *e, const char *volatile *step);
/* A close-on-exec O_PATH descriptor of the program as it is seen inside, so
 * that /proc/self/exe is right; -ESTALE if that is not the pinned inode. */
long space_open_program(const struct space_entry *e,
                        const char *volatile *step);

/* "size=..,nr_inodes=..,mode=1770,uid=..,gid=..", NUL-terminated: nobody's but
 * the owner's to change, and open to tools, whose group it has. */
#define SPACE_TMP_OPTIONS_MAX 96
void space_tmp_options(char out[SPACE_TMP_OPTIONS_MAX], uint64_t size_mb,
                       uid_t uid, gid_t gid);

#endif
