/* What a tool's child is to be: command line, environment, limits, namespaces.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "sidecar/common/layer.h"
#include "sidecar/common/log.h"
#include "sidecar/launcher/start/launch_priv.h"

#define MB              (1ull << 20)
#define SIGNALS_PENDING 1024 /* and timers; kernel memory for each */
#define BUILD_SPACE     8 /* address space of a "build" tool, times its memory */

#define TELL_AGAIN_NS 60000000000ull /* a minute */

static const char token_env[] = "TIPSTAFF_TOKEN_FD=3"; /* CHILD_GIVEN_FIRST */

/* A script is run by its interpreter, which gets the script's path. */
ts_err launch_make_argv(struct launch *x)
{
    const struct image *i = &x->tool->image;
    uint32_t at = 0;
    const char *copy;
    void *p;

    x->argv = x->plan.argv;
    if (i->interp_path == NULL)
        return TS_OK;
    if (ts_arena_array(&x->arena, x->plan.argc + 3, sizeof(*x->argv), &p) !=
            TS_OK ||
        ts_arena_strndup(&x->arena, x->plan.manifest->exec.ptr,
                         x->plan.manifest->exec.len, &copy) != TS_OK)
        return launch_fail(x, CODE_LAUNCH_FAILED, "argv", ENOMEM, "arguments");
    x->argv = p;
    memcpy(&x->argv[at++], &i->interp_path, sizeof(char *));
    if (i->interp_arg != NULL)
        memcpy(&x->argv[at++], &i->interp_arg, sizeof(char *));
    memcpy(&x->argv[at++], &copy, sizeof(char *));
    for (uint32_t k = 1; k < x->plan.argc; k++)
        x->argv[at++] = x->plan.argv[k];
    return TS_OK;
}

/* The tool's list starts behind the free slots that are not used. */
static const char **make_env(struct launch *x)
{
    const char **env = x->tool->env + TOOL_ENV_SLOTS - 1;
    size_t n = sizeof("TIPSTAFF_DECISION=") - 1;

    memcpy(x->decision, "TIPSTAFF_DECISION=", n);
    ts_hex_encode(x->decision + n, x->o->decision_id,
                  sizeof(x->o->decision_id));
    env[0] = x->decision;
    if (x->tmpdir[0] != '\0')
        *--env = x->tmpdir;
    if (x->token_fd >= 0)
        *--env = token_env;
    return env;
}

/* The limit counts all of a user: of a uid of its own, the tool alone; of the
 * writers', all of them; of ours, ourselves and our inits too. */
static uint64_t process_budget(const struct launch *x, uint64_t own)
{
    const struct launcher *l = x->l;
    uint64_t n = own;

    if (x->uid == 0)
        n += l->other_tasks + 2 + /* us, and the watchdog */
             (l->metadata != NULL ? METADATA_THREADS : 0) + l->inits.count;
    for (uint32_t i = 0; i < l->run_count; i++) {
        if (l->runs[i].uid == x->uid)
            n += l->runs[i].processes;
        if (x->uid == 0 && l->runs[i].init.pid != 0)
            n++;
    }
    return n;
}

static void make_limits(struct launch *x)
{
    const struct manifest *m = x->plan.manifest;
    const struct manifest_limits *w = &m->limits;
    uint64_t memory = w->memory_mb * MB;
    uint64_t space = x->l->wide_space ? memory * BUILD_SPACE : memory;
    uint64_t procs = process_budget(x, w->processes);
    const struct child_limit limits[CHILD_LIMITS] = {
        {RLIMIT_CORE, 0, 0},
        {RLIMIT_NOFILE, w->open_files, w->open_files},
        {RLIMIT_NPROC, procs, procs},
        {RLIMIT_FSIZE, w->file_size_mb * MB, w->file_size_mb * MB},
        {RLIMIT_AS, space, space},
        {RLIMIT_DATA, memory, memory},
        {RLIMIT_CPU, w->cpu_s, w->cpu_s + 1},
        {RLIMIT_STACK, 8 * MB, 8 * MB},
        {RLIMIT_MEMLOCK, 0, 0},
        {RLIMIT_MSGQUEUE, 0, 0},
        {RLIMIT_SIGPENDING, SIGNALS_PENDING, SIGNALS_PENDING},
        {RLIMIT_NICE, 0, 0},
        {RLIMIT_RTPRIO, 0, 0},
        {RLIMIT_RTTIME, x->mark, x->mark}, /* the mark: tree.h */
    };

    memcpy(x->child.limits, limits, sizeof(limits));
    /* a limit can be lowered, never raised beyond what we were given */
    for (int i = 0; i < CHILD_LIMITS; i++) {
        struct child_limit *c = &x->child.limits[i];
        uint64_t most = x->l->most[c->resource];

        if (c->hard > most)
            c->hard = most;
        if (c->soft > c->hard)
            c->soft = c->hard;
    }
}

/* A namespace of processes with its process 1, or one in which the tool is it.
 */
static ts_err make_pid_ns(struct launch *x)
{
    struct launcher *l = x->l;
    struct nest_want want;
    /* one of our own user could change what is ours there */
    bool may_nest =
        x->space.tmp_options != NULL && x->uid != 0 && !l->needs.no_reuse;
    int err = 0;

    if (x->plan.manifest->no_init) {
        x->child.new_pid_ns = true;
        return TS_OK;
    }
    if (may_nest)
        nest_want_make(&want, x->tool->box->space, &x->space, l->shared.net_ns);
    if (inits_take(&l->inits, may_nest ? &want : NULL, &l->place, &l->watch,
                   &x->init, &err) != TS_OK)
        return launch_fail(x, CODE_SANDBOX_UNAVAILABLE,
                           err == ETIMEDOUT ? "watchdog" : "pid_ns", err,
                           "no namespace of processes could be made");
    x->child.pid_ns = x->init.ns;
    x->child.pid_in_ns = init_next_pid(&x->init);
    if (x->init.nest.space != NULL) {
        x->space.nest = x->init.nest.pidfd;
        x->space.nest_kinds =
            x->init.nest.kinds & (x->net_ns >= 0 ? ~CLONE_NEWNET : ~0);
    }
    return TS_OK;
}

static void join_group(struct launch *x)
{
    for (int i = 0; i < SPACE_GROUPS_MAX; i++)
        x->space.procs[i] = x->has_group ? x->group.procs[i] : -1;
    x->child.space = &x->space;
}

static ts_err make_space(struct launch *x)
{
    const struct launcher *l = x->l;
    const struct space_box *b = x->tool->box;
    bool strict = x->plan.level == BOX_STRICT;

    space_tmp_options(x->tmp_options, x->plan.manifest->limits.tmp_mb,
                      l->self_uid, l->self_gid);
    x->space = (struct space_entry){
        .key = l->key,
        .net_ns = x->net_ns >= 0 ? x->net_ns : l->shared.net_ns,
        .ipc_ns = l->needs.ipc_ns ? -1 : l->shared.ipc_ns,
        .uts_ns = l->shared.uts_ns,
        .cgroup_ns = l->shared.cgroup_ns,
        .mnt_ns = b->space->mnt_ns,
        .tmp_options = x->tmp_options,
        .tmp_exec = l->runs_written && !strict,
        .proc_options = !l->space_caps.own_proc ? NULL
                        : strict || !x->tool->whole_proc
                            ? SPACE_PROC_OPTIONS_STRICT
                            : SPACE_PROC_OPTIONS,
        .inner = b->space->inner,
        .inner_count = b->space->inner_count,
        .cwd = b->cwd,
        .program = b->program,
        .program_dev = b->program_dev,
        .program_ino = b->program_ino,
    };
    join_group(x);
    return make_pid_ns(x);
}

/* All namespaces stay ours; only a control group is entered. */
static void make_group_alone(struct launch *x)
{
    if (!x->has_group)
        return;
    x->space = (struct space_entry){.key = x->l->key,
                                    .net_ns = -1,
                                    .ipc_ns = -1,
                                    .uts_ns = -1,
                                    .cgroup_ns = -1,
                                    .mnt_ns = -1};
    join_group(x);
}

/* What is between us and the tool; the rest of the plan is about the tool. */
ts_err launch_make_plan(struct launch *x)
{
    struct child_plan *c = &x->child;
    const struct launcher *l = x->l;
    const char **env = make_env(x);

    c->pid_ns = -1;
    if (x->token_fd >= 0)
        c->given[c->given_count++] =
            (struct child_given){x->token_fd, CHILD_GIVEN_FIRST};
    c->cwd_fd = x->tool->cwd_fd;
    c->cwd_path = x->tool->cwd_path;
    c->exec_fd = x->tool->image.interp.fd >= 0 ? x->tool->image.interp.fd
                                               : x->tool->image.file.fd;
    c->ruleset_fd = x->ruleset_fd;
    c->argv = x->argv;
    memcpy(&c->envp, &env, sizeof(env)); /* execve(2) writes to neither */
    c->extra = x->plan.level == BOX_STRICT ? &l->strict_prog : NULL;
    c->no_wx = x->plan.level == BOX_STRICT && (x->layers & LAYER_NO_WX) != 0;
    c->key = l->key;
    c->has_own_keyring = (x->layers & ~x->weakened & LAYER_KEYRING) != 0;
    c->may_share_keyring =
        l->has_keyring &&
        ((x->plan.manifest->require | x->o->require) & LAYER_KEYRING) == 0;
    c->caps = l->caps.permitted;
    c->new_ipc_ns = launch_is_full(x) && l->needs.ipc_ns;
    c->uid = x->uid;
    c->shares = x->uid != 0 && x->uid == l->uids.writers;
    c->gid = l->self_gid;
    make_limits(x);
    if (launch_is_full(x))
        return make_space(x);
    make_group_alone(x);
    return TS_OK;
}

/* The record says so of each call; the log, what to do about it. */
void launch_note_keyring(struct launch *x)
{
    struct launcher *l = x->l;
    uint64_t now = now_ns();

    x->weakened |= LAYER_KEYRING;
    if (l->keyring_told_ns != 0 && now - l->keyring_told_ns < TELL_AGAIN_NS)
        return;
    l->keyring_told_ns = now;
    log_event(
        LOG_WARN,
        "keyring_shared uid=%u text=\"the kernel's quota of keys of this "
        "user is used up (/proc/key-users): tools share an empty keyring; "
        "raise kernel.keys.maxkeys\"",
        (unsigned)(x->uid != 0 ? x->uid : l->self_uid));
}
