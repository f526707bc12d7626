#ifndef SIDECAR_LAUNCHER_LAYERS_FILTER_H
#define SIDECAR_LAUNCHER_LAYERS_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/filter.h>

#include "proto/base/ts_arena.h"
#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "sidecar/launcher/layers/raw.h"

/*
 * seccomp: one launcher per profile (sidecar/sandbox/profile.h), whose filter
 * is installed once in the launcher and inherited by every tool, which makes
 * it free per launch (design: 65 to 474 microseconds else).
 *
 * Yet the launcher must make calls that a tool must not. A filter cannot tell
 * the two processes apart, but it sees all six argument registers, also those
 * that the kernel ignores for the call at hand. So these calls are let through
 * only with a random secret in the unused registers: keyed calls. The secret
 * is drawn at start and lives only in the launcher's memory, which exec
 * replaces and which is not dumpable; a wrong guess costs a system call.
 *
 * With which registers, counted from 0:
 *   calls that read at most 4 arguments   4 = word[0], 5 = word[1]
 *   calls that read 5 arguments           5 = word[0]
 * filter_call4() and filter_call5() below set them. Never a wrapper of the C
 * library: it would set neither, and tell the other threads of a new uid.
 *
 * The table, in filter_keyed.c, is the same for every profile:
 *
 *   4  setresuid setresgid setgroups capset          (3, 3, 2 and 2 arguments)
 *   4  umount2 pivot_root chroot fsopen fsmount fspick open_tree
 *   4  setns      one or several of NEWNS NEWNET NEWPID NEWIPC NEWUTS NEWCGROUP
 *   4  unshare    the same and CLONE_FS, CLONE_FILES
 *   5  mount fsconfig move_mount mount_setattr
 *   5  clone      anything but CLONE_NEWUSER and CLONE_NEWTIME; also in "pure"
 *   5  execveat   also in "pure", and as the last call of a strict launch
 *   4  prlimit64 openat2
 *   4  keyctl     KEYCTL_JOIN_SESSION_KEYRING only
 *   5  prctl      PDEATHSIG, CHILD_SUBREAPER, SECUREBITS, KEEPCAPS,
 *                 CAPBSET_DROP, CAP_AMBIENT, MDWE, DUMPABLE, NO_NEW_PRIVS
 *   4  mkdirat unlinkat symlinkat mknodat fchmod fchmodat fchown renameat
 *   5  linkat fchownat renameat2
 *   4  memfd_create sethostname setdomainname
 *   4  setpriority sched_setscheduler ioprio_set
 *   4  socket bind connect listen accept4
 *   4  ioctl      SIOCGIFFLAGS and SIOCSIFFLAGS only
 *
 * New user and time namespaces are not in it: they are made before
 * filter_install() or not at all. clone3 gives ENOSYS with or without a key.
 */
struct filter_key {
    uint64_t word[2]; /* never 0 */
};

static inline long filter_call4(const struct filter_key *key, long nr, long a,
                                long b, long c, long d)
{
    return raw_call6(nr, a, b, c, d, (long)key->word[0], (long)key->word[1]);
}

static inline long filter_call5(const struct filter_key *key, long nr, long a,
                                long b, long c, long d, long e)
{
    return raw_call6(nr, a, b, c, d, e, (long)key->word[0]);
}

/* Draws the secret. Before the filter is installed. */
TS_NODISCARD ts_err filter_key_make(struct filter_key *ret);

/* Instructions for seccomp(2). */
struct filter_program {
    struct sock_filter *insns; /* owned */
    unsigned short count;
};
void filter_program_done(struct filter_program *p);

struct sandbox_profile; /* sidecar/sandbox/profile.h */

struct bundle; /* sidecar/common/bundle/bundle.h */

/*
 * The profile of the launcher with this index: a built-in one (0 to 4, no
 * bundle needed: b may be NULL), or one of sandbox/ in the bundle, decoded and
 * checked. It lives in the arena (budget SANDBOX_ARENA_BYTES) and borrows
 * nothing from the bundle. reterr_text: "FILE:LINE: what; what to do"; start it
 * with an empty string.
 */
TS_NODISCARD ts_err filter_profile_load(const struct bundle *b, uint32_t index,
                                        struct ts_arena *arena,
                                        struct sandbox_profile **ret,
                                        char *reterr_text, size_t reterr_cap);

/* The profile and the keyed calls, for this machine. */
TS_NODISCARD ts_err filter_make(const struct sandbox_profile *profile,
                                const struct filter_key *key,
                                struct filter_program *ret);

/* Installs it in this process for good, in every thread that exists (a thread
 * made later inherits it). Sets no_new_privs. */
TS_NODISCARD ts_err filter_install(const struct sandbox_profile *profile,
                                   const struct filter_key *key);

/*
 * The further filter of level "strict", for seccomp(2) in the child, on top of
 * the one that filter_install() installed: no keyed call is left but execveat
 * (with its key), and what "strict" cuts (sidecar/sandbox/profiles/strict.yaml)
 * is gone. After it the child may still make: rt_sigprocmask, execveat with
 * the key, exit_group, write, close and whatever else the profile gives tools.
 */
TS_NODISCARD ts_err filter_make_strict(const struct sandbox_profile *profile,
                                       const struct filter_key *key,
                                       struct filter_program *ret);

#endif
