#ifndef SIDECAR_SANDBOX_PROFILE_H
#define SIDECAR_SANDBOX_PROFILE_H

#include "sidecar/sandbox/lint.h"
#include "sidecar/sandbox/model.h"
#include "sidecar/sandbox/names.h"

/*
 * A seccomp profile: which system calls a tool has, written in YAML.
 *
 *     name: files
 *     description: one line
 *     extends: "@default"       # or pure, files, build, net, jit
 *     allow:  [read, "@io-event"]
 *     refuse: [ptrace]          # EPERM
 *     absent: [io_setup]        # ENOSYS, like everything that is not named
 *     kill:   ["@module"]
 *     rules:
 *       ioctl:                  # conditions: sidecar/sandbox/cond.h
 *         refuse: [...]         # looked at first
 *         allow: ["arg1 in TCGETS FIONREAD"]
 *         else: EPERM           # allow, kill or an errno
 *     restrict_suid_sgid: true
 *     accept:
 *       - hole: ptrace          # lint.h
 *         reason: a debugger
 *
 * docs/SECCOMP.md is the manual. A name beats a set and, between sets, the
 * stricter list wins; a set in allow: leaves calls with rules as they are. The
 * named restrictions (systemd's words) only ever take away.
 */
#define SANDBOX_PROFILE_BYTES_MAX (256u << 10)
#define SANDBOX_ARENA_BYTES       (4u << 20) /* enough for any profile */
#define SANDBOX_FAMILIES_MAX      16
#define SANDBOX_ACCEPTS_MAX       32

struct sandbox_options {
    bool suid_sgid;      /* restrict_suid_sgid */
    bool personality;    /* lock_personality */
    bool write_exec;     /* memory_deny_write_execute */
    bool realtime;       /* restrict_realtime */
    uint32_t namespaces; /* CLONE_NEW* that are refused */
    bool families;       /* restrict_address_families is given */
    uint64_t family[SANDBOX_FAMILIES_MAX];
    uint32_t family_count;
    /* needs_write_execute: a just-in-time compiler. Level strict then lets
     * memory be writable and executable. */
    bool needs_write_exec;
};

struct sandbox_accept {
    const char *hole;
    const char *reason;
    uint32_t line;
    bool inherited; /* from the profile that this one extends */
};

struct sandbox_profile { /* lives in the arena */
    const char *name;
    const char *description;
    const char *extends; /* "@default" at the root */
    struct sandbox_calls calls;
    const struct sandbox_call **rules; /* of calls.list[i]; NULL: absent */
    uint32_t *lines; /* where this file speaks of it, 0 if it does not */
    struct sandbox_options options;
    struct sandbox_accept accepts[SANDBOX_ACCEPTS_MAX];
    uint32_t accept_count;
};

/* A file that may be named by a profile, or be one: NAME.yaml. */
struct sandbox_source {
    const char *file; /* as errors show it: "sandbox/NAME.yaml" */
    struct ts_str text;
};

/*
 * Decodes one; what it extends is a built-in profile. reterr_text: "FILE:LINE:
 * what; what to do". No verdict of the linter: sandbox_profile_check().
 */
TS_NODISCARD ts_err sandbox_profile_read(const struct sandbox_source *source,
                                         struct ts_arena *arena,
                                         struct sandbox_profile **ret,
                                         char *reterr_text, size_t reterr_cap);

/* A built-in one by name; TS_E_NOT_FOUND. */
TS_NODISCARD ts_err sandbox_profile_builtin(struct ts_str name,
                                            struct ts_arena *arena,
                                            struct sandbox_profile **ret);

/* Refuses a profile with a hole that lets a tool out of its box, unless it
 * accepts the hole by name and with a reason. */
TS_NODISCARD ts_err sandbox_profile_check(const struct sandbox_profile *p,
                                          const struct sandbox_source *source,
                                          char *reterr_text, size_t reterr_cap);

/*
 * What a launcher does at its start: the profile with this index. Custom ones
 * come as the sources of the configuration directory (in any order), are read
 * and checked. Wrong sources of others do not matter to it.
 */
TS_NODISCARD ts_err sandbox_profile_of_index(
    const struct sandbox_names *names, uint32_t index,
    const struct sandbox_source *sources, size_t count, struct ts_arena *arena,
    struct sandbox_profile **ret, char *reterr_text, size_t reterr_cap);

/* What it means on an architecture, restrictions applied. */
TS_NODISCARD ts_err sandbox_profile_model(const struct sandbox_profile *p,
                                          enum sandbox_arch arch,
                                          struct ts_arena *arena,
                                          struct sandbox_model *ret);

/* The same with what level strict takes away. */
TS_NODISCARD ts_err sandbox_profile_strict(const struct sandbox_profile *p,
                                           enum sandbox_arch arch,
                                           struct ts_arena *arena,
                                           struct sandbox_model *ret);

/* The text of a built-in profile ("files"), or of "strict"; NULL if none. */
const struct sandbox_source *sandbox_builtin_source(struct ts_str name);

#endif
