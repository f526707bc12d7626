#include "tests/unit/sandbox/oracle.h"

#include <seccomp.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* Only calls whose clauses are all of the same action, and that another than
 * the fallback: then no order matters. */
static bool one_action(const struct sandbox_call *c)
{
    for (uint32_t i = 0; i < c->count; i++) {
        const struct sandbox_clause *k = &c->clauses[i];

        if (k->action != c->clauses[0].action || k->count == 0)
            return false;
        for (uint32_t j = 0; j < k->count; j++) {
            if (k->conds[j].differs)
                return false;
            for (uint32_t n = 0; n < j; n++) {
                if (k->conds[n].arg == k->conds[j].arg)
                    return false; /* one comparison an argument */
            }
        }
    }
    return true;
}

/* The product of the values of all conditions, one rule each. */
static int add_rules(scmp_filter_ctx ctx, int nr,
                     const struct sandbox_clause *k)
{
    uint32_t at[SANDBOX_CONDS_MAX + 2] = {0};
    struct scmp_arg_cmp cmp[SANDBOX_CONDS_MAX + 2];
    uint32_t i;

    do {
        int rc;

        for (i = 0; i < k->count; i++)
            cmp[i] =
                (struct scmp_arg_cmp){.arg = k->conds[i].arg,
                                      .op = SCMP_CMP_MASKED_EQ,
                                      .datum_a = k->conds[i].mask,
                                      .datum_b = k->conds[i].values[at[i]]};
        rc = seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, nr, k->count, cmp);
        if (rc < 0)
            return rc;
        for (i = 0; i < k->count && ++at[i] == k->conds[i].count; i++)
            at[i] = 0;
    } while (i < k->count);
    return 0;
}

static int add_call(scmp_filter_ctx ctx, int nr, const struct sandbox_call *c,
                    bool *ret_said)
{
    int rc = 0;

    *ret_said = false;
    if (c->count == 0) {
        *ret_said = true;
        return c->action == SANDBOX_ABSENT
                   ? 0
                   : seccomp_rule_add(ctx, c->action, nr, 0);
    }
    /* the fallback of such a call is libseccomp's default, told apart by the
     * test */
    if (!one_action(c) || c->clauses[0].action != SANDBOX_ALLOW ||
        c->action == SANDBOX_ALLOW)
        return 0;
    for (uint32_t i = 0; i < c->count && rc >= 0; i++)
        rc = add_rules(ctx, nr, &c->clauses[i]);
    *ret_said = rc >= 0;
    return rc;
}

static ts_err export(scmp_filter_ctx ctx, struct ts_arena *arena,
                     struct sandbox_bpf *ret)
{
    int fd = memfd_create("oracle", MFD_CLOEXEC);
    ts_err e = TS_E_SYSTEM;
    void *room;
    off_t size;

    if (fd >= 0 && seccomp_export_bpf(ctx, fd) == 0 &&
        (size = lseek(fd, 0, SEEK_END)) > 0 &&
        (e = ts_arena_alloc(arena, (size_t)size, &room)) == TS_OK) {
        *ret = (struct sandbox_bpf){
            room, (uint32_t)((size_t)size / sizeof(struct sock_filter))};
        e = pread(fd, room, (size_t)size, 0) == size ? TS_OK : TS_E_SYSTEM;
    }
    if (fd >= 0)
        (void)close(fd);
    return e;
}

/* Rules are added by the number of this machine's architecture, whatever the
 * filter is for; a negative one stands for a call that it does not have. */
static int native_number(uint32_t arch, int nr)
{
    char *name = seccomp_syscall_resolve_num_arch(arch, nr);
    int ret =
        name == NULL ? __NR_SCMP_ERROR : seccomp_syscall_resolve_name(name);

    free(name);
    return ret;
}

ts_err oracle_make(const struct sandbox_model *m, struct ts_arena *arena,
                   struct oracle *ret)
{
    uint32_t arch =
        m->arch == SANDBOX_ARM64 ? SCMP_ARCH_AARCH64 : SCMP_ARCH_X86_64;
    scmp_filter_ctx ctx = seccomp_init(SANDBOX_ABSENT);
    ts_err e = TS_E_SYSTEM;
    int rc = 0;

    *ret = (struct oracle){0};
    if (ctx == NULL)
        return TS_E_NOMEM;
    if (arch != seccomp_arch_native())
        rc = seccomp_arch_add(ctx, arch) < 0 ||
             seccomp_arch_remove(ctx, seccomp_arch_native()) < 0;
    if (rc == 0)
        rc = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH,
                              SCMP_ACT_KILL_PROCESS);
    for (int nr = 0; nr < SANDBOX_NR_END && rc >= 0; nr++) {
        int native = native_number(arch, nr);

        if (m->by_nr[nr] == NULL)
            ret->said[nr] = true;
        else if (native != __NR_SCMP_ERROR)
            rc = add_call(ctx, native, m->by_nr[nr], &ret->said[nr]);
        ret->said_count += ret->said[nr] ? 1 : 0;
    }
    if (rc >= 0)
        e = export(ctx, arena, &ret->program);
    seccomp_release(ctx);
    return e;
}
