/* The named restrictions as conditions. Data, with systemd's meaning of each
 * word (systemd.exec(5), src/shared/seccomp-util.c). */
#include <stdio.h>

#include "sidecar/sandbox/cond.h"
#include "sidecar/sandbox/read_priv.h"

#define TEXT_MAX 512

enum option {
    OPTION_SUID,
    OPTION_PERSONALITY,
    OPTION_WRITE_EXEC,
    OPTION_REALTIME
};

static const struct {
    enum option option;
    const char *call;
    const char *when; /* NULL: always */
    uint32_t action;
} table[] = {
    {OPTION_SUID, "chmod", "arg1 & S_ISUID|S_ISGID != 0", SANDBOX_ERRNO(1)},
    {OPTION_SUID, "fchmod", "arg1 & S_ISUID|S_ISGID != 0", SANDBOX_ERRNO(1)},
    {OPTION_SUID, "fchmodat", "arg2 & S_ISUID|S_ISGID != 0", SANDBOX_ERRNO(1)},
    {OPTION_SUID, "fchmodat2", "arg2 & S_ISUID|S_ISGID != 0", SANDBOX_ERRNO(1)},
    {OPTION_SUID, "creat", "arg1 & S_ISUID|S_ISGID != 0", SANDBOX_ERRNO(1)},
    {OPTION_SUID, "mknod", "arg1 & S_ISUID|S_ISGID != 0", SANDBOX_ERRNO(1)},
    {OPTION_SUID, "mknodat", "arg2 & S_ISUID|S_ISGID != 0", SANDBOX_ERRNO(1)},
    {OPTION_SUID, "open",
     "arg1 & O_CREAT|__O_TMPFILE != 0 and arg2 & S_ISUID|S_ISGID != 0",
     SANDBOX_ERRNO(1)},
    {OPTION_SUID, "openat",
     "arg2 & O_CREAT|__O_TMPFILE != 0 and arg3 & S_ISUID|S_ISGID != 0",
     SANDBOX_ERRNO(1)},
    {OPTION_SUID, "openat2", NULL, SANDBOX_ABSENT},
    {OPTION_PERSONALITY, "personality", "arg0 != 0xffffffff", SANDBOX_ERRNO(1)},
    {OPTION_WRITE_EXEC, "mmap",
     "arg2 & PROT_WRITE|PROT_EXEC == PROT_WRITE|PROT_EXEC", SANDBOX_ERRNO(1)},
    {OPTION_WRITE_EXEC, "mprotect", "arg2 & PROT_EXEC != 0", SANDBOX_ERRNO(1)},
    {OPTION_WRITE_EXEC, "pkey_mprotect", "arg2 & PROT_EXEC != 0",
     SANDBOX_ERRNO(1)},
    {OPTION_WRITE_EXEC, "shmat", "arg2 & SHM_EXEC != 0", SANDBOX_ERRNO(1)},
    {OPTION_REALTIME, "sched_setscheduler",
     "arg1 not in SCHED_OTHER SCHED_BATCH SCHED_IDLE", SANDBOX_ERRNO(1)},
    {OPTION_REALTIME, "sched_setattr", NULL, SANDBOX_ERRNO(1)},
};

/* Only for a call that could pass: a restriction never names one. */
static ts_err restrict_call(const struct sandbox_profile *p,
                            struct sandbox_model *m, const char *name,
                            const char *when, uint32_t action,
                            struct ts_arena *arena)
{
    int i = sandbox_calls_find(&p->calls, ts_str_of(name));
    int nr = i < 0 ? -1 : p->calls.list[i].nr[m->arch];
    struct sandbox_clause clause = {0};
    struct sandbox_why why;
    const struct sandbox_call *c;
    ts_err e;

    if (nr < 0 || (c = m->by_nr[nr]) == NULL ||
        (c->count == 0 && c->action != SANDBOX_ALLOW))
        return TS_OK;
    if (when != NULL) {
        e = sandbox_cond_parse(name, ts_str_of(when), arena, &clause, &why);
        if (e != TS_OK)
            return e;
    }
    clause.action = action;
    return sandbox_model_prepend(m, (uint32_t)nr, &clause, arena);
}

static bool is_on(const struct sandbox_options *o, enum option option)
{
    switch (option) {
    case OPTION_SUID:
        return o->suid_sgid;
    case OPTION_PERSONALITY:
        return o->personality;
    case OPTION_WRITE_EXEC:
        return o->write_exec;
    case OPTION_REALTIME:
        return o->realtime;
    }
    return true;
}

static ts_err apply_namespaces(const struct sandbox_profile *p,
                               uint32_t refused, struct sandbox_model *m,
                               struct ts_arena *arena)
{
    char flags[TEXT_MAX], kind[TEXT_MAX];
    ts_err e;

    (void)snprintf(flags, sizeof(flags), "arg0 & 0x%x != 0", refused);
    (void)snprintf(kind, sizeof(kind), "arg1 & 0x%x != 0", refused);
    if ((e = restrict_call(p, m, "clone", flags, SANDBOX_ERRNO(1), arena)) !=
            TS_OK ||
        (e = restrict_call(p, m, "unshare", flags, SANDBOX_ERRNO(1), arena)) !=
            TS_OK ||
        (e = restrict_call(p, m, "setns", kind, SANDBOX_ERRNO(1), arena)) !=
            TS_OK ||
        /* "whatever it is" */
        (e = restrict_call(p, m, "setns", "arg1 == 0", SANDBOX_ERRNO(1),
                           arena)) != TS_OK)
        return e;
    return restrict_call(p, m, "clone3", NULL, SANDBOX_ABSENT, arena);
}

static ts_err apply_families(const struct sandbox_profile *p,
                             const struct sandbox_options *o,
                             struct sandbox_model *m, struct ts_arena *arena)
{
    char text[TEXT_MAX];
    int at = snprintf(text, sizeof(text), "arg0 not in");

    if (o->family_count == 0)
        return restrict_call(p, m, "socket", NULL, SANDBOX_ERRNO(97), arena);
    for (uint32_t i = 0; i < o->family_count; i++)
        at += snprintf(text + at, sizeof(text) - (size_t)at, " 0x%llx",
                       (unsigned long long)o->family[i]);
    return restrict_call(p, m, "socket", text, SANDBOX_ERRNO(97), arena);
}

ts_err options_apply(const struct sandbox_profile *p,
                     const struct sandbox_options *o, struct sandbox_model *m,
                     struct ts_arena *arena)
{
    ts_err e = TS_OK;

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]) && e == TS_OK;
         i++) {
        if (is_on(o, table[i].option))
            e = restrict_call(p, m, table[i].call, table[i].when,
                              table[i].action, arena);
    }
    if (e == TS_OK && o->namespaces != 0)
        e = apply_namespaces(p, o->namespaces, m, arena);
    if (e == TS_OK && o->families)
        e = apply_families(p, o, m, arena);
    return e;
}
