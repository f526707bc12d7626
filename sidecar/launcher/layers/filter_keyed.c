/* The table of keyed calls. */
#include "sidecar/launcher/layers/filter_keyed.h"

#include "sidecar/sandbox/cond.h"

/* clang-format off */
#define KINDS                                                                  \
    "CLONE_NEWNS|CLONE_NEWNET|CLONE_NEWPID|CLONE_NEWIPC|CLONE_NEWUTS|"         \
    "CLONE_NEWCGROUP"

const struct filter_keyed filter_keyed_calls[] = {
    /* who the tool is */
    {"setresuid", 3, NULL, false},
    {"setresgid", 3, NULL, false},
    {"setgroups", 2, NULL, false},
    {"capset", 2, NULL, false},
    {"keyctl", 2, "arg0 == KEYCTL_JOIN_SESSION_KEYRING", false},
    {"prctl", 5, "arg0 in PR_SET_PDEATHSIG PR_SET_CHILD_SUBREAPER"
                 " PR_SET_SECUREBITS PR_SET_KEEPCAPS PR_CAPBSET_DROP"
                 " PR_CAP_AMBIENT PR_SET_MDWE PR_SET_DUMPABLE"
                 " PR_SET_NO_NEW_PRIVS", false},
    /* what it sees */
    {"mount", 5, NULL, false},
    {"umount2", 2, NULL, false},
    {"pivot_root", 2, NULL, false},
    {"chroot", 1, NULL, false},
    {"fsopen", 2, NULL, false},
    {"fsconfig", 5, NULL, false},
    {"fsmount", 3, NULL, false},
    {"fspick", 3, NULL, false},
    {"open_tree", 3, NULL, false},
    {"move_mount", 5, NULL, false},
    {"mount_setattr", 5, NULL, false},
    {"setns", 2, "arg1 & ~" KINDS " == 0 and arg1 & " KINDS " != 0", false},
    {"unshare", 1, "arg0 & ~" KINDS "|CLONE_FS|CLONE_FILES == 0", false},
    {"sethostname", 2, NULL, false},
    {"setdomainname", 2, NULL, false},
    /* starting it */
    {"clone", 5, "arg0 & CLONE_NEWUSER|CLONE_NEWTIME == 0", false},
    {"execveat", 5, NULL, true},
    {"prlimit64", 4, NULL, false},
    {"setpriority", 3, NULL, false},
    {"sched_setscheduler", 3, NULL, false},
    {"ioprio_set", 3, NULL, false},
    /* its scratch and its paths */
    {"openat2", 4, NULL, false},
    {"mkdirat", 3, NULL, false},
    {"unlinkat", 3, NULL, false},
    {"symlinkat", 3, NULL, false},
    {"linkat", 5, NULL, false},
    {"renameat", 4, NULL, false},
    {"renameat2", 5, NULL, false},
    {"mknodat", 4, NULL, false},
    {"fchmod", 2, NULL, false},
    {"fchmodat", 3, NULL, false},
    {"fchown", 3, NULL, false},
    {"fchownat", 5, NULL, false},
    {"memfd_create", 2, NULL, false},
    /* the listening socket of its proxy, and lo */
    {"socket", 3, NULL, false},
    {"bind", 3, NULL, false},
    {"connect", 3, NULL, false},
    {"listen", 2, NULL, false},
    {"accept4", 4, NULL, false},
    {"ioctl", 3, "arg1 in SIOCGIFFLAGS SIOCSIFFLAGS", false},
    {NULL, 0, NULL, false},
};
/* clang-format on */

unsigned filter_keyed_first(const struct filter_keyed *k)
{
    return k->args <= 4 ? 4 : 5;
}

/* The condition of the row, and the key. */
static ts_err clause_make(const struct filter_keyed *k,
                          const struct filter_key *key, struct ts_arena *arena,
                          struct sandbox_clause *ret)
{
    struct sandbox_clause when = {0};
    struct sandbox_why why;
    struct sandbox_cond *conds;
    unsigned arg = filter_keyed_first(k);
    uint64_t *words;
    void *room;
    ts_err e = TS_OK;

    if (k->when != NULL)
        e = sandbox_cond_parse(k->call, ts_str_of(k->when), arena, &when, &why);
    if (e != TS_OK || (e = ts_arena_array(arena, when.count + 2u,
                                          sizeof(*conds), &room)) != TS_OK)
        return e;
    conds = room;
    if ((e = ts_arena_array(arena, 2, sizeof(*words), &room)) != TS_OK)
        return e;
    words = room;
    *ret = (struct sandbox_clause){.conds = conds, .action = SANDBOX_ALLOW};
    /* the key first: it is what does not match for a tool */
    for (unsigned i = 0; arg < SANDBOX_ARGS; i++, arg++) {
        words[i] = key->word[i];
        conds[ret->count++] = (struct sandbox_cond){.arg = (uint8_t)arg,
                                                    .secret = true,
                                                    .mask = UINT64_MAX,
                                                    .values = &words[i],
                                                    .count = 1};
    }
    for (uint32_t i = 0; i < when.count; i++)
        conds[ret->count++] = when.conds[i];
    return TS_OK;
}

/* The kernel remembers such calls and does not ask the filter again: a key
 * would take that away and give nothing. */
static bool is_always_allowed(const struct sandbox_call *c)
{
    return c != NULL && c->count == 0 && c->action == SANDBOX_ALLOW;
}

static ts_err add_all(const struct filter_keyed *list,
                      const struct sandbox_calls *calls,
                      const struct filter_key *key, bool strict_only,
                      struct sandbox_model *m, struct ts_arena *arena)
{
    ts_err e = TS_OK;

    for (const struct filter_keyed *k = list; k->call != NULL && e == TS_OK;
         k++) {
        struct sandbox_clause clause;
        int i = sandbox_calls_find(calls, ts_str_of(k->call));
        int nr = i < 0 ? -1 : calls->list[i].nr[m->arch];

        if (nr < 0 || (strict_only && !k->in_strict) ||
            is_always_allowed(m->by_nr[nr]))
            continue;
        e = clause_make(k, key, arena, &clause);
        if (e == TS_OK)
            e = sandbox_model_prepend(m, (uint32_t)nr, &clause, arena);
    }
    return e;
}

ts_err filter_keyed_add(const struct sandbox_calls *calls,
                        const struct filter_key *key, bool strict_only,
                        struct sandbox_model *m, struct ts_arena *arena)
{
    return add_all(filter_keyed_calls, calls, key, strict_only, m, arena);
}

ts_err filter_keyed_add_list(const struct filter_keyed *list,
                             const struct sandbox_calls *calls,
                             const struct filter_key *key,
                             struct sandbox_model *m, struct ts_arena *arena)
{
    return add_all(list, calls, key, false, m, arena);
}
