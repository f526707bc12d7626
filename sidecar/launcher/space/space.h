#ifndef SIDECAR_LAUNCHER_SPACE_SPACE_H
#define SIDECAR_LAUNCHER_SPACE_SPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "sidecar/launcher/layers/filter.h"
#include "sidecar/launcher/space/enter.h"

/*
 * What a full box is made of, prepared ahead of any launch (design: sandbox,
 * 2.3: a root made per launch costs 300 us, entering a ready one 4).
 *
 * A template is a mount namespace that holds what the run time and one path
 * set of manifests need, and nothing else:
 *
 *   /usr /bin /sbin /lib*   read-only binds, or the links that the host has
 *   /etc                    made by us (space_etc.c lists it), read-only
 *   /dev                    null zero full random urandom, fd stdin stdout
 *                           stderr, shm -> /tmp
 *   /run/call/tmp           where the child mounts the private /tmp
 *   /run/kernel/proc        where the child mounts the own /proc
 *   /tmp                    a link to /run/call/tmp; the host's if a manifest
 *                           names /tmp itself (TMPDIR is SPACE_TMP always)
 *   /proc                   a link to /run/kernel/proc
 *   the manifest's paths    at their canonical place; where a manifest's name
 *                           is a link, a link to it. Those beneath /tmp are
 *                           in /run/root, and each call's /tmp has links
 *
 * Everything is nosuid and nodev (device nodes are mounts of their own), all
 * but written paths read-only, the root too; mounts are private.
 *
 * /tmp and /proc are links because Landlock looks at folders on the way up and
 * skips the folder that a mount hides: a rule of a call's own mount would have
 * to be made by the child, per call. Their parents are folders of the template
 * whose rules can be made once (space_template.rules).
 *
 * Needs, in the user namespace that owns our mount namespace or in one that
 * space_user_namespace() made: CAP_SYS_ADMIN and CAP_SYS_CHROOT (setns(2) to a
 * mount namespace asks for both). With CAP_MKNOD device nodes are made, else
 * they are bound one by one. CAP_NET_ADMIN is needed for nets with loopback
 * only (nets.h). CAP_DAC_OVERRIDE is not needed for roots that the launcher's
 * uid can search.
 */
#define SPACE_TMP  "/run/call/tmp"
#define SPACE_PROC "/run/kernel/proc"

enum space_flag {
    SPACE_READ = 1 << 0,
    SPACE_WRITE = 1 << 1, /* mounted noexec unless SPACE_EXEC */
    SPACE_EXEC = 1 << 2,  /* what is written may be executed, or mapped so */
    SPACE_PLACE = 1 << 3, /* only the place: an empty folder if nothing else
                             is there (a working directory) */
    SPACE_RUN = 1 << 4    /* a program: where it lies beneath a written path it
                             is mounted read-only over itself */
};

struct space_path {
    const char *path; /* absolute, canonical, as the manifest has it */
    int fd;           /* O_PATH of what it led to when it was opened, in our
                         own namespace; what is mounted is this inode */
    uint32_t flags;   /* space_flag */
};

/* One tool. Everything is borrowed for the call. */
struct space_want {
    const struct space_path *paths;
    uint32_t path_count; /* <= SPACE_PATHS_MAX; program, script, interpreter,
                            loader, exec_paths with SPACE_RUN */
    int program_fd;      /* O_PATH of what will be executed; -1: none */
    int cwd_fd;          /* O_PATH, or -1: "/" */
    bool network;        /* it may reach hosts: resolv.conf and the like */
};
#define SPACE_PATHS_MAX 512

struct space_rule {  /* for Landlock; the same in every call of a template */
    int fd;          /* O_PATH of a folder; the set's */
    uint64_t access; /* LL_* of layers/landlock.h */
    bool is_tmp;     /* the private /tmp: add LL_EXECUTE where the profile lets
                        a tool run what it writes */
};
#define SPACE_RULES_MAX 4

/* Shared by all tools whose path sets are equal. */
struct space_template {
    int mnt_ns;
    struct space_rule rules[SPACE_RULES_MAX];
    uint32_t rule_count;
    const struct space_inner *inner; /* for space_entry */
    uint32_t inner_count;
};

/* One tool's view; index is that of its space_want. */
struct space_box {
    const struct space_template *space; /* NULL: it cannot be had, see why */
    const char *program;                /* canonical path inside the box */
    dev_t program_dev;
    ino_t program_ino;
    const char *cwd;  /* canonical path inside the box */
    const char *why;  /* a sentence, if space is NULL */
    const char *path; /* which path of the want it is about, or NULL */
};

struct space_set; /* all templates of one generation */

struct space_builder {
    struct filter_key key;
    uid_t uid_first; /* named in /etc/passwd; */
    uint32_t uid_count;
    gid_t gid;
    bool proc_below; /* keep the host's /proc beneath the own one: the kernel
                        demands it of a user namespace (space_caps.owns_user) */
};

/*
 * Makes the templates of all tools in one helper process; the caller sleeps
 * meanwhile. A tool whose template cannot be made says why in its box and the
 * others are made nevertheless; an error of the whole means that there can be
 * no full box at all, and *reterr_step (static) and *reterr_errno say which
 * call failed. Works before and after the filter, with one thread or several.
 */
TS_NODISCARD ts_err space_build(const struct space_builder *b,
                                const struct space_want *wants, uint32_t count,
                                struct space_set **ret,
                                const char **reterr_step, int *reterr_errno);
const struct space_box *space_box_of(const struct space_set *s, uint32_t index);
uint32_t space_template_count(const struct space_set *s);
void space_set_free(struct space_set *s); /* NULL is fine */

/*
 * Namespaces without anything of a tool in them, entered by all: made once, at
 * start. net_ns: empty, lo down. ipc_ns: empty; only for profiles that give no
 * System V IPC and no message queues, else a tool takes a fresh one. uts_ns:
 * host name "box". cgroup_ns: hides where we are. -1: could not be made.
 */
struct space_shared {
    int net_ns, ipc_ns, uts_ns, cgroup_ns;
};
TS_NODISCARD ts_err space_shared_make(const struct filter_key *key,
                                      struct space_shared *ret,
                                      const char **reterr_step,
                                      int *reterr_errno);
void space_shared_done(struct space_shared *s);

/*
 * Moves this process, which has one thread and no filter yet, into a user
 * namespace of its own where its uid and gid are themselves and nobody else
 * exists: so full boxes are made without privilege. Tools keep our uid.
 */
TS_NODISCARD ts_err space_user_namespace(const char **reterr_step,
                                         int *reterr_errno);

/* What this process can give, each tried once in a throw-away child (the very
 * calls of space_build and space_enter). */
struct space_caps {
    bool templates; /* BOX_FULL is possible */
    bool private_tmp;
    bool own_proc; /* else /proc is empty */
    bool empty_net;
    bool ready_ipc, ready_uts, ready_cgroup;
    bool owns_user;   /* we are in space_user_namespace()'s namespace */
    const char *step; /* first that failed, NULL if none; static */
    int sys_errno;
};
void space_try(const struct filter_key *key, bool owns_user,
               struct space_caps *ret);

#endif
