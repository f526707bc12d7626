/* How a tool is boxed: level, filter, layers that must hold, and what of these
 * cannot be had together. */
#include <string.h>

#include "sidecar/common/bundle/bundle.h"
#include "sidecar/common/layer.h"
#include "sidecar/common/manifest/manifest_priv.h"

#define PROFILE_NAME_MAX 32 /* bytes */

/* The built-in profiles: launchers 0 to 4. */
static const char *const built_in[] = {"pure", "files", "build", "net", "jit"};
#define BUILT_IN (sizeof(built_in) / sizeof(built_in[0]))

/* The NAME of "sandbox/NAME.yaml". */
static struct ts_str profile_of(struct ts_str file)
{
    struct ts_str top = TS_STR_LIT("sandbox/"), end = TS_STR_LIT(".yaml");

    if (!ts_str_starts(file, top) || file.len <= top.len + end.len ||
        memcmp(file.ptr + file.len - end.len, end.ptr, end.len) != 0)
        return TS_STR_LIT("");
    return (struct ts_str){file.ptr + top.len, file.len - top.len - end.len};
}

bool manifest_profile_index(const struct bundle *b, struct ts_str name,
                            uint32_t *ret)
{
    uint32_t at = BUILT_IN;

    for (uint32_t i = 0; i < BUILT_IN; i++) {
        if (ts_str_eq_c(name, built_in[i])) {
            *ret = i;
            return true;
        }
    }
    for (size_t i = 0; i < b->count; i++) { /* sorted by name */
        struct ts_str one = profile_of(b->files[i].name);

        if (one.len == 0)
            continue;
        if (ts_str_eq(one, name)) {
            *ret = at;
            return true;
        }
        at++;
    }
    return false;
}

uint32_t manifest_profile_count(const struct bundle *b)
{
    uint32_t n = BUILT_IN;

    for (size_t i = 0; i < b->count; i++)
        n += profile_of(b->files[i].name).len > 0;
    return n;
}

/* ---- readers ------------------------------------------------------------ */

ts_err manifest_read_sandbox(struct manifest_reader *r,
                             const struct yaml_node *n)
{
    static const char *const names[] = {"any", "bare", "uid", "full", "strict"};
    size_t i = 0;
    ts_err e = manifest_read_word(r, n, names, 5, &i);

    if (e == TS_OK)
        r->m->box = (enum box_level)i;
    return e;
}

ts_err manifest_read_init(struct manifest_reader *r, const struct yaml_node *n)
{
    bool init = true;
    ts_err e = manifest_read_bool(r, n, &init);

    r->m->no_init = !init;
    return e;
}

ts_err manifest_read_digest(struct manifest_reader *r,
                            const struct yaml_node *n)
{
    struct ts_str s;

    if (!yaml_node_str(n, &s) || s.len != 2 * sizeof(r->m->program_digest) ||
        ts_hex_decode(s.ptr, s.len, r->m->program_digest,
                      sizeof(r->m->program_digest)) != TS_OK)
        return manifest_fail(r, n->line,
                             "digest must be the 64 lower-case hex digits that "
                             "`sha256sum` prints for the program");
    r->m->has_program_digest = true;
    return TS_OK;
}

ts_err manifest_read_seccomp(struct manifest_reader *r,
                             const struct yaml_node *n)
{
    return manifest_read_str(r, n, PROFILE_NAME_MAX, &r->m->seccomp);
}

ts_err manifest_read_require(struct manifest_reader *r,
                             const struct yaml_node *n)
{
    const char *names[LAYER_COUNT];
    struct ts_str const *wanted;
    uint32_t count;
    char shown[64], hint[64];
    ts_err e;

    for (uint32_t i = 0; i < LAYER_COUNT; i++)
        names[i] = layer_name(1u << i);
    e = manifest_read_strings(r, n, LAYER_COUNT, 32, &wanted, &count);
    if (e != TS_OK)
        return e;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t bit = layer_parse(wanted[i]);

        (void)ts_str_escape(shown, sizeof(shown), wanted[i].ptr, wanted[i].len);
        manifest_suggest(wanted[i], names, LAYER_COUNT, hint, sizeof(hint));
        if (bit == 0)
            return manifest_fail(r, n->line,
                                 "unknown sandbox layer \"%s\"%s; tipstaff "
                                 "doctor lists them",
                                 shown, hint);
        r->m->require |= bit;
    }
    return TS_OK;
}

/* ---- what cannot be had together ---------------------------------------- */

static bool is_profile(const struct manifest *m, const char *name)
{
    return ts_str_eq_c(m->seccomp, name);
}

/* A filter that lets sockets be made is only enough where the network namespace
 * holds nothing to reach. */
static bool needs_full(const struct manifest *m)
{
    return m->network.mode == NETWORK_PROXY || is_profile(m, "net");
}

static ts_err check_profile(struct manifest_reader *r)
{
    struct manifest *m = r->m;
    char shown[64], hint[64];

    if (m->seccomp.len == 0)
        m->seccomp = m->network.mode == NETWORK_PROXY ? TS_STR_LIT("net")
                                                      : TS_STR_LIT("files");
    if (!manifest_profile_index(r->bundle, m->seccomp, &m->launcher)) {
        (void)ts_str_escape(shown, sizeof(shown), m->seccomp.ptr,
                            m->seccomp.len);
        manifest_suggest(m->seccomp, built_in, BUILT_IN, hint, sizeof(hint));
        return manifest_fail(r, manifest_line(r, "seccomp"),
                             "seccomp must be pure, files, build, net, jit or "
                             "a profile of yours, and there is no "
                             "sandbox/%s.yaml%s",
                             shown, hint);
    }
    if (r->facts->launchers < 2)
        m->launcher = 0;
    else if (m->launcher >= r->facts->launchers)
        return manifest_fail(r, manifest_line(r, "seccomp"),
                             "seccomp: this profile came after the service was "
                             "started; restart it");
    if (is_profile(m, "pure") &&
        (m->access == ACCESS_WRITE || m->write_count > 0 || m->exec_count > 0 ||
         m->scratch.len > 0 || m->network.mode != NETWORK_NONE))
        return manifest_fail(r, manifest_line(r, "seccomp"),
                             "seccomp: a pure tool writes no files, starts no "
                             "programs and reaches no network; use files");
    if (m->network.mode == NETWORK_PROXY &&
        (is_profile(m, "files") || is_profile(m, "build") ||
         is_profile(m, "jit")))
        return manifest_fail(r, manifest_line(r, "seccomp"),
                             "seccomp: mode proxy needs sockets, which this "
                             "profile does not have; use net or a profile of "
                             "your own");
    return TS_OK;
}

static ts_err check_level(struct manifest_reader *r)
{
    struct manifest *m = r->m;

    if (needs_full(m) && (m->box == BOX_BARE || m->box == BOX_UID))
        return manifest_fail(
            r, manifest_line(r, "sandbox"),
            "sandbox: %s has no network namespace, and %s needs one; write "
            "full",
            box_level_name(m->box),
            m->network.mode == NETWORK_PROXY ? "network: {mode: proxy}"
                                             : "seccomp: net");
    if (needs_full(m) && m->box == BOX_ANY)
        m->box = BOX_FULL;
    if (m->no_init && (m->box == BOX_BARE || m->box == BOX_UID))
        return manifest_fail(r, manifest_line(r, "init"),
                             "init: sandbox: %s has no process namespace in "
                             "which the tool could be process 1; remove one of "
                             "the two",
                             box_level_name(m->box));
    if (r->facts->most != BOX_ANY && m->box > r->facts->most)
        return manifest_fail(r, manifest_line(r, "sandbox"),
                             "sandbox: needs %s, and tipstaff.yaml allows no "
                             "more than sandbox: {level: %s}; raise that",
                             box_level_name(m->box),
                             box_level_name(r->facts->most));
    return TS_OK;
}

static ts_err check_strict(struct manifest_reader *r)
{
    const struct manifest *m = r->m;

    if (m->box != BOX_STRICT && (m->require & LAYER_OWN_FILTER) != 0)
        return manifest_fail(r, manifest_line(r, "require"),
                             "require: own_filter is given by sandbox: strict "
                             "alone; write that");
    if (m->box != BOX_STRICT)
        return TS_OK;
    if (m->exec_count > 0)
        return manifest_fail(r, manifest_line(r, "exec_paths"),
                             "exec_paths: a strict tool starts nothing but "
                             "itself; remove them or use sandbox: full");
    if (is_profile(m, "build") || is_profile(m, "jit"))
        return manifest_fail(r, manifest_line(r, "seccomp"),
                             "seccomp: %.*s runs what it writes, and sandbox: "
                             "strict forbids that; use files or sandbox: full",
                             (int)m->seccomp.len, m->seccomp.ptr);
    return TS_OK;
}

/* memory_mb is per process where no cgroup counts the whole tool. */
static ts_err check_memory(struct manifest_reader *r)
{
    const struct manifest_limits *l = &r->m->limits;
    uint64_t product = l->memory_mb * l->processes;

    if ((r->m->require & LAYER_CGROUP) != 0 || product <= MANIFEST_MEMORY_MAX)
        return TS_OK;
    return manifest_fail(
        r, manifest_line(r, "limits"),
        "limits: %llu processes of %llu MiB each may take %llu MiB together, "
        "more than %d; lower one of them, or require: [cgroup], where "
        "memory_mb is of the whole tool",
        (unsigned long long)l->processes, (unsigned long long)l->memory_mb,
        (unsigned long long)product, MANIFEST_MEMORY_MAX);
}

ts_err manifest_check_box(struct manifest_reader *r)
{
    ts_err e;

    if ((e = check_profile(r)) != TS_OK || (e = check_level(r)) != TS_OK ||
        (e = check_strict(r)) != TS_OK)
        return e;
    return check_memory(r);
}
