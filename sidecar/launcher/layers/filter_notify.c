/* What is told to the launcher instead of let through. */
#include "sidecar/launcher/layers/filter_notify.h"

#include <string.h>

#include "sidecar/sandbox/cond.h"

#define NO_ATTRIBUTES                                                          \
    SANDBOX_ERRNO(95) /* EOPNOTSUPP: as where there are none */

/* clang-format off */
static const struct {
    const char *call;
    uint32_t action;
} calls[] = {
    {"chmod", SANDBOX_NOTIFY},
    {"fchmod", SANDBOX_NOTIFY},
    {"fchmodat", SANDBOX_NOTIFY},
    {"fchmodat2", SANDBOX_NOTIFY},
    {"chown", SANDBOX_NOTIFY},
    {"fchown", SANDBOX_NOTIFY},
    {"lchown", SANDBOX_NOTIFY},
    {"fchownat", SANDBOX_NOTIFY},
    {"utime", SANDBOX_NOTIFY},
    {"utimes", SANDBOX_NOTIFY},
    {"futimesat", SANDBOX_NOTIFY},
    {"utimensat", SANDBOX_NOTIFY},
    {"setxattr", NO_ATTRIBUTES},
    {"lsetxattr", NO_ATTRIBUTES},
    {"fsetxattr", NO_ATTRIBUTES},
    {"removexattr", NO_ATTRIBUTES},
    {"lremovexattr", NO_ATTRIBUTES},
    {"fremovexattr", NO_ATTRIBUTES},
    {"setxattrat", SANDBOX_ABSENT},
    {"removexattrat", SANDBOX_ABSENT},
    {"file_setattr", SANDBOX_ABSENT},
};

/* By their arguments: first, so that what the profile says is not asked. */
static const struct {
    const char *call;
    const char *when;
    uint32_t action;
} parts[] = {
    /* a thread's own number may be given, too: the launcher can tell */
    {"sched_setaffinity", "u32 arg0 != 0", SANDBOX_NOTIFY},
    /* FS_IOC_SETFLAGS, _FSSETXATTR, _SETVERSION, _ENABLE_VERITY, and the first
     * and third as a 32-bit program asks */
    {"ioctl", "arg1 in 0x40086602 0x401c5820 0x40087602 0x40806685 0x40046602"
              " 0x40047602", SANDBOX_ERRNO(1)},
};

const struct filter_keyed filter_notify_keyed[] = {
    {"utimensat", 4, NULL, false},
    {"sched_setaffinity", 3, NULL, false},
    /* SECCOMP_IOCTL_NOTIF_RECV, _SEND, _ID_VALID, _SET_FLAGS */
    {"ioctl", 3, "arg1 in 0xc0502100 0xc0182101 0x40082102 0x40082104", false},
    {NULL, 0, NULL, false},
};
/* clang-format on */

static bool allows_some(const struct sandbox_call *c)
{
    bool some = c->action == SANDBOX_ALLOW;

    for (uint32_t i = 0; i < c->count; i++)
        some = some || c->clauses[i].action == SANDBOX_ALLOW;
    return some;
}

/* Every way to be let through becomes the action. */
static ts_err instead(struct sandbox_model *m, uint32_t nr, uint32_t action,
                      struct ts_arena *arena)
{
    const struct sandbox_call *old = m->by_nr[nr];
    struct sandbox_clause *list = NULL;
    struct sandbox_call *call;
    void *room;
    ts_err e;

    if (old == NULL || !allows_some(old))
        return TS_OK;
    if ((e = ts_arena_array(arena, old->count + 1u, sizeof(*list), &room)) !=
        TS_OK)
        return e;
    list = room;
    for (uint32_t i = 0; i < old->count; i++) {
        list[i] = old->clauses[i];
        if (list[i].action == SANDBOX_ALLOW)
            list[i].action = action;
    }
    if ((e = ts_arena_alloc(arena, sizeof(*call), &room)) != TS_OK)
        return e;
    call = room;
    *call = (struct sandbox_call){
        .clauses = list,
        .count = old->count,
        .action = old->action == SANDBOX_ALLOW ? action : old->action};
    m->by_nr[nr] = call;
    return TS_OK;
}

static ts_err part(const char *name, uint32_t nr, const char *when,
                   uint32_t action, struct sandbox_model *m,
                   struct ts_arena *arena)
{
    struct sandbox_clause clause = {0};
    struct sandbox_why why;
    ts_err e;

    if (m->by_nr[nr] == NULL || !allows_some(m->by_nr[nr]))
        return TS_OK;
    e = sandbox_cond_parse(name, ts_str_of(when), arena, &clause, &why);
    if (e != TS_OK)
        return e;
    clause.action = action;
    return sandbox_model_prepend(m, nr, &clause, arena);
}

static int number_of(const struct sandbox_profile *p, const char *call,
                     const struct sandbox_model *m)
{
    int i = sandbox_calls_find(&p->calls, ts_str_of(call));

    return i < 0 ? -1 : p->calls.list[i].nr[m->arch];
}

ts_err filter_notify_apply(const struct sandbox_profile *profile,
                           struct sandbox_model *io, struct ts_arena *arena)
{
    ts_err e = TS_OK;

    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]) && e == TS_OK;
         i++) {
        int nr = number_of(profile, calls[i].call, io);

        if (nr >= 0)
            e = instead(io, (uint32_t)nr, calls[i].action, arena);
    }
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]) && e == TS_OK;
         i++) {
        int nr = number_of(profile, parts[i].call, io);

        if (nr >= 0)
            e = part(parts[i].call, (uint32_t)nr, parts[i].when,
                     parts[i].action, io, arena);
    }
    return e;
}
