/* From a profile to a filter of this machine. */
#include <errno.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "proto/base/ts_mem.h"
#include "sidecar/common/bundle/bundle.h"
#include "sidecar/launcher/layers/filter_keyed.h"
#include "sidecar/launcher/layers/filter_notify.h"
#include "sidecar/launcher/layers/filter_own.h"
#include "sidecar/sandbox/bpf.h"

#ifndef SECCOMP_FILTER_FLAG_TSYNC_ESRCH
#define SECCOMP_FILTER_FLAG_TSYNC_ESRCH (1UL << 4)
#endif
#define FLAG_WAIT_KILLABLE (1UL << 5) /* _WAIT_KILLABLE_RECV */

static ts_err copy_program(const struct sandbox_bpf *b,
                           struct filter_program *ret)
{
    struct filter_program p = {.count = (unsigned short)b->count};

    if (b->count == 0 || b->count > BPF_MAXINSNS)
        return TS_E_LIMIT;
    p.insns = ts_mem_alloc(b->count * sizeof(p.insns[0]));
    if (p.insns == NULL)
        return TS_E_NOMEM;
    memcpy(p.insns, b->insns, b->count * sizeof(p.insns[0]));
    *ret = p;
    return TS_OK;
}

static ts_err base_model(const struct sandbox_profile *p,
                         const struct filter_key *key, struct ts_arena *arena,
                         struct sandbox_model *ret)
{
    ts_err e = sandbox_profile_model(p, sandbox_arch_native(), arena, ret);

    if (e != TS_OK)
        return e;
    return filter_keyed_add(&p->calls, key, false, ret, arena);
}

ts_err filter_make(const struct sandbox_profile *profile,
                   const struct filter_key *key, struct filter_program *ret)
{
    struct sandbox_model m;
    struct sandbox_bpf b;
    struct ts_arena a;
    ts_err e;

    ts_arena_init(&a, SANDBOX_ARENA_BYTES);
    e = base_model(profile, key, &a, &m);
    if (e == TS_OK)
        e = sandbox_bpf_compile(&m, &a, &b);
    if (e == TS_OK)
        e = copy_program(&b, ret);
    ts_arena_done(&a);
    return e;
}

ts_err filter_make_notify(const struct sandbox_profile *profile,
                          const struct filter_key *key,
                          struct filter_program *ret)
{
    struct sandbox_model m;
    struct sandbox_bpf b;
    struct ts_arena a;
    ts_err e;

    ts_arena_init(&a, SANDBOX_ARENA_BYTES);
    e = sandbox_profile_model(profile, sandbox_arch_native(), &a, &m);
    if (e == TS_OK)
        e = filter_notify_apply(profile, &m, &a);
    if (e == TS_OK)
        e = filter_keyed_add(&profile->calls, key, false, &m, &a);
    if (e == TS_OK)
        e = filter_keyed_add_list(filter_notify_keyed, &profile->calls, key, &m,
                                  &a);
    if (e == TS_OK)
        e = sandbox_bpf_compile(&m, &a, &b);
    if (e == TS_OK)
        e = copy_program(&b, ret);
    ts_arena_done(&a);
    return e;
}

ts_err filter_make_strict(const struct sandbox_profile *profile,
                          const struct filter_key *key,
                          struct filter_program *ret)
{
    struct sandbox_model base, strict;
    struct sandbox_bpf b;
    struct ts_arena a;
    ts_err e;

    ts_arena_init(&a, SANDBOX_ARENA_BYTES);
    e = base_model(profile, key, &a, &base);
    if (e == TS_OK)
        e = sandbox_profile_strict(profile, sandbox_arch_native(), &a, &strict);
    if (e == TS_OK)
        e = filter_keyed_add(&profile->calls, key, true, &strict, &a);
    if (e == TS_OK)
        e = sandbox_bpf_compile_over(&base, &strict, &a, &b);
    if (e == TS_OK)
        e = copy_program(&b, ret);
    ts_arena_done(&a);
    return e;
}

ts_err filter_install(const struct sandbox_profile *profile,
                      const struct filter_key *key)
{
    struct filter_program p = {0};
    struct sock_fprog prog;
    long rc;
    ts_err e = filter_make(profile, key, &p);

    if (e != TS_OK)
        return e;
    prog = (struct sock_fprog){.len = p.count, .filter = p.insns};
    rc = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    /* the watchdog's thread, too; a thread that cannot follow gives its id */
    if (rc == 0)
        rc = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                     SECCOMP_FILTER_FLAG_TSYNC, &prog);
    e = rc == 0 ? TS_OK : rc > 0 ? TS_E_SYSTEM : ts_err_from_errno(errno);
    filter_program_done(&p);
    return e;
}

/* With the flag, signals that do not kill wait until the call is answered
 * (Linux 5.19); without it they make the tool call again. */
static long install_with_listener(const struct sock_fprog *prog)
{
    const unsigned long flags = SECCOMP_FILTER_FLAG_TSYNC |
                                SECCOMP_FILTER_FLAG_TSYNC_ESRCH |
                                SECCOMP_FILTER_FLAG_NEW_LISTENER;
    long fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                      flags | FLAG_WAIT_KILLABLE, prog);

    if (fd < 0 && errno == EINVAL)
        fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, prog);
    return fd;
}

ts_err filter_install_notify(const struct sandbox_profile *profile,
                             const struct filter_key *key, int *ret_listener)
{
    struct filter_program p = {0};
    struct sock_fprog prog;
    long fd = -1;
    ts_err e = filter_make_notify(profile, key, &p);

    if (e != TS_OK)
        return e;
    prog = (struct sock_fprog){.len = p.count, .filter = p.insns};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
        fd = install_with_listener(&prog);
    filter_program_done(&p);
    if (fd < 0) /* EBUSY: a filter before ours has such a listener */
        return TS_E_UNSUPPORTED;
    *ret_listener = (int)fd;
    return TS_OK;
}

/* Every profile gets its index from the same list as everywhere; only its own
 * file matters to a launcher. */
static ts_err load(const struct bundle *b, uint32_t index,
                   struct ts_arena *arena, struct sandbox_profile **ret,
                   char *text, size_t cap)
{
    struct sandbox_source sources[TS_LAUNCHERS_MAX];
    struct sandbox_names names;
    const struct bundle_file *f;
    struct sandbox_profile *p;
    char file[128];
    size_t count = 0;
    ts_err e = TS_OK;

    sandbox_names_init(&names);
    f = b == NULL ? NULL : bundle_prefix(b, "sandbox/", &count);
    for (size_t i = 0; i < count && e == TS_OK; i++) {
        const char *why = "";

        e = sandbox_names_add(&names, f[i].name, &why);
        if (e != TS_OK) {
            (void)snprintf(text, cap, "%.*s: %s", (int)f[i].name.len,
                           f[i].name.ptr, why);
            return e;
        }
        e = ts_arena_strndup(arena, f[i].name.ptr, f[i].name.len,
                             &sources[i].file);
        sources[i].text = f[i].content;
    }
    if (e != TS_OK)
        return e;
    e = sandbox_profile_of_index(&names, index, sources, count, arena, &p, text,
                                 cap);
    if (e == TS_OK && index >= SANDBOX_BUILTIN_COUNT) {
        (void)snprintf(file, sizeof(file), "sandbox/%s.yaml", p->name);
        e = filter_own_check(p, file, text, cap);
    }
    if (e == TS_OK)
        *ret = p;
    return e;
}

ts_err filter_profile_load(const struct bundle *b, uint32_t index,
                           struct ts_arena *arena, struct sandbox_profile **ret,
                           char *reterr_text, size_t reterr_cap)
{
    ts_err e = load(b, index, arena, ret, reterr_text, reterr_cap);

    if (e != TS_OK && reterr_cap > 0 && reterr_text[0] == '\0')
        (void)snprintf(reterr_text, reterr_cap, "sandbox/ profile %u: %s",
                       index, ts_err_text(e));
    return e;
}
