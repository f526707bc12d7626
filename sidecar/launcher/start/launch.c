/* One order, carried out: checked, opened, boxed, started, reported. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "sidecar/common/layer.h"
#include "sidecar/common/log.h"
#include "sidecar/launcher/layers/landlock.h"
#include "sidecar/launcher/start/launch_priv.h"
#include "sidecar/launcher/start/resource.h"
#include "sidecar/launcher/start/secrets.h"

#define LAUNCH_BUDGET                                                          \
    ((size_t)4 << 20) /* bytes of one order's working memory */

ts_err launch_fail(struct launch *x, enum call_code code, const char *step,
                   int err, const char *what)
{
    x->why.code = code;
    x->why.step = step;
    x->why.sys_errno = err;
    if (err != 0)
        (void)snprintf(x->why.text, sizeof(x->why.text), "%s: %s", what,
                       strerror(err));
    else
        (void)snprintf(x->why.text, sizeof(x->why.text), "%s", what);
    return TS_E_INVALID;
}

ts_err launch_refuse(struct launcher *l, uint64_t order_id,
                     const struct order_refusal *r)
{
    const struct order_refused m = {
        .order_id = order_id,
        .code = r->code,
        .step = ts_str_of(r->step),
        .sys_errno = (uint32_t)r->sys_errno,
        .text = ts_str_of(r->text),
    };

    return back_refused(&l->back, &m);
}

bool launch_is_full(const struct launch *x)
{
    return x->plan.level >= BOX_FULL;
}

/* The box was chosen by what this launcher can give; this tool may have no
 * template. What demands a full box is refused then, with the reason. */
static ts_err choose_without_space(struct launch *x,
                                   const struct order_context *c)
{
    struct level_offer less = *c->offer;
    struct order_context narrow = *c;
    ts_err e;

    less.given[BOX_FULL] = less.given[BOX_STRICT] = false;
    narrow.offer = &less;
    e = order_level(&narrow, x->plan.manifest, x->o, &x->plan.level, &x->why);
    if (e != TS_OK && x->tool->why_no_box != NULL)
        (void)launch_fail(x, CODE_SANDBOX_UNAVAILABLE, x->why.step, 0,
                          x->tool->why_no_box);
    return e;
}

/* What is wrong with a tool itself is said before what is wrong with the call:
 * a box that cannot be given may be the reason why it is not served. */
static bool is_unavailable(const struct launcher *l, const struct order *o)
{
    struct toolset *s = o->generation == l->tools->manifests->generation
                            ? l->tools
                            : l->previous;
    const struct manifest *m;

    if (s == NULL || o->generation != s->manifests->generation)
        return false;
    m = manifests_find(s->manifests, o->tool);
    return m != NULL && m->launcher == l->index &&
           toolset_find(s, m)->unavailable != NULL;
}

/* A kill could mean either. */
static bool is_running(const struct launcher *l, uint64_t order_id)
{
    for (uint32_t i = 0; i < l->run_count; i++)
        if (l->runs[i].order_id == order_id)
            return true;
    return false;
}

static ts_err check(struct launch *x)
{
    struct launcher *l = x->l;
    const struct order_context c = {
        .current = l->tools->manifests,
        .previous = l->previous != NULL ? l->previous->manifests : NULL,
        .launcher_index = l->index,
        .offer = &l->offer,
        .most = l->level_most,
    };
    ts_err e;

    if (l->draining)
        return launch_fail(x, CODE_SHUTTING_DOWN, "drain", 0,
                           "the sidecar is shutting down");
    if (is_running(l, x->o->order_id))
        return launch_fail(x, CODE_LAUNCH_FAILED, "order", 0,
                           "an order of this number is running");
    if (l->run_count == LAUNCHER_RUNS_MAX)
        return launch_fail(x, CODE_TOO_MANY_CALLS, "runs", 0,
                           "too many tools are running");
    if (is_unavailable(l, x->o))
        return launch_fail(x, CODE_TOOL_UNAVAILABLE, "tool", 0,
                           call_code_text(CODE_TOOL_UNAVAILABLE));
    e = order_check(&c, x->o, &x->arena, &x->plan, &x->why);
    if (e != TS_OK) {
        trials_explain(&l->trials, &c, x->o, &x->why);
        return e;
    }
    x->set = x->o->generation == l->tools->manifests->generation ? l->tools
                                                                 : l->previous;
    x->tool = toolset_find(x->set, x->plan.manifest);
    if (launch_is_full(x) && x->tool->box == NULL &&
        (e = choose_without_space(x, &c)) != TS_OK)
        return e;
    x->layers =
        level_gives(&l->offer, x->plan.level,
                    x->plan.manifest->require | x->o->require, &x->weakened);
    if (image_check(&x->tool->image) != TS_OK)
        return launch_fail(
            x, CODE_LAUNCH_FAILED, "program", ESTALE,
            "the program changed since it was loaded; reload the "
            "configuration if that was meant");
    return TS_OK;
}

static bool leaves_files(const struct manifest *m)
{
    return m->write_count > 0 || m->access == ACCESS_WRITE;
}

/* A uid is one running tool's; one whose files stay is the writers'. */
static ts_err take_uid(struct launch *x)
{
    struct launcher *l = x->l;

    if ((x->layers & LAYER_UID) == 0)
        return TS_OK;
    if (leaves_files(x->plan.manifest)) {
        x->uid = l->uids.writers;
        return TS_OK;
    }
    if (uids_take(&l->uids, &x->uid) == TS_OK)
        return TS_OK;
    return launch_fail(
        x, CODE_TOO_MANY_CALLS, "uids", 0,
        "every uid of sandbox.uids runs a tool already; widen the "
        "range in tipstaff.yaml");
}

/* memory_mb and processes are of the whole tool there. */
static ts_err take_group(struct launch *x)
{
    const struct manifest_limits *w = &x->plan.manifest->limits;
    const struct space_group_limits limits = {
        .memory_bytes = w->memory_mb << 20, .processes = w->processes};
    int err = 0;

    if ((x->layers & LAYER_CGROUP) == 0)
        return TS_OK;
    if (space_groups_take(x->l->groups, &limits, &x->group, &err) != TS_OK)
        return launch_fail(x, CODE_SANDBOX_UNAVAILABLE, "cgroup", err,
                           "no control group could be had");
    x->has_group = true;
    return TS_OK;
}

/* As the tool's user: what it may not reach or make, nobody opens for it, and
 * what is made is its own. */
static ts_err open_as(struct launch *x, const struct resource_want *w,
                      const char **step, int *err)
{
    const struct filter_key *key = &x->l->key;
    ts_err e;

    if (x->uid == 0)
        return resource_open(w, &x->resource_fd, step, err);
    *step = "uid";
    if ((e = caps_act_as(key, x->uid, err)) != TS_OK)
        return e;
    e = resource_open(w, &x->resource_fd, step, err);
    if (caps_act_as_self(key, x->l->self_uid) != TS_OK)
        _exit(1); /* whoever we are now, it is not who we should be */
    return e;
}

static ts_err open_resource(struct launch *x)
{
    const struct manifest *m = x->plan.manifest;
    struct resource_want w = {
        .root_fd = x->tool->root_fd,
        .root = m->resource_root,
        .path = x->plan.args.resource,
        .is_dir = m->resource == RESOURCE_DIR,
        .access = x->plan.access,
        .shares = x->uid != 0, /* then it is the writers' */
        .key = x->l->key,
    };
    const char *step = "openat2";
    int err = 0;

    if (m->resource != RESOURCE_FILE && m->resource != RESOURCE_DIR)
        return TS_OK;
    if (open_as(x, &w, &step, &err) != TS_OK)
        return launch_fail(x, CODE_RESOURCE_UNAVAILABLE, step, err,
                           "the resource could not be opened beneath its root "
                           "without following a link");
    return TS_OK;
}

static uint64_t access_of(const struct launch *x)
{
    bool writes = x->plan.access == ACCESS_WRITE;

    /* as write_paths (tools.c): "build" runs what it has made there */
    bool runs = x->l->runs_written && x->plan.level != BOX_STRICT;

    if (x->plan.manifest->resource == RESOURCE_DIR)
        return !writes ? LL_READ_ONLY : LL_READ_WRITE | (runs ? LL_EXECUTE : 0);
    return writes ? LL_READ_FILE | LL_WRITE_FILE | LL_TRUNCATE : LL_READ_FILE;
}

static ts_err make_scratch(struct launch *x)
{
    const struct manifest *m = x->plan.manifest;
    int err = 0;

    if (launch_is_full(x)) { /* its /tmp is its own, and ends with it */
        (void)snprintf(x->tmpdir, sizeof(x->tmpdir), "TMPDIR=" SPACE_TMP);
        return TS_OK;
    }
    if (x->tool->scratch_fd < 0)
        return TS_OK;
    if (!leftovers_has_room(x->l))
        return launch_fail(x, CODE_TOO_MANY_CALLS, "scratch", 0,
                           "the scratch folders of earlier calls are still "
                           "being emptied");
    scratch_name(x->mark, x->scratch);
    /* before there is anything to remove by it */
    x->scratch_base = fcntl(x->tool->scratch_fd, F_DUPFD_CLOEXEC, 3);
    if (x->scratch_base < 0)
        return launch_fail(x, CODE_LAUNCH_FAILED, "scratch", errno,
                           "no scratch folder could be made");
    if (scratch_make(x->tool->scratch_fd, x->scratch, x->uid != 0, &x->l->key,
                     &x->scratch_fd, &err) != TS_OK)
        return launch_fail(x, CODE_LAUNCH_FAILED, "scratch", err,
                           "no scratch folder could be made");
    (void)snprintf(x->tmpdir, sizeof(x->tmpdir), "TMPDIR=%.*s/%s",
                   (int)m->scratch.len, m->scratch.ptr, x->scratch);
    return TS_OK;
}

static ts_err make_ruleset(struct launch *x)
{
    const struct launcher *l = x->l;
    bool wants_own = x->resource_fd >= 0 || x->scratch_fd >= 0;
    int abi = l->layers.landlock_abi, err = 0;
    ts_err e;

    e = tool_ruleset(x->set, x->tool, wants_own, x->plan.level == BOX_STRICT,
                     &x->ruleset_fd, &x->ruleset_is_shared, &err);
    if (e == TS_OK && x->resource_fd >= 0)
        e = landlock_grant(x->ruleset_fd, abi, x->resource_fd,
                           x->plan.manifest->resource == RESOURCE_DIR,
                           access_of(x), &err);
    if (e == TS_OK && x->scratch_fd >= 0)
        e = landlock_grant(x->ruleset_fd, abi, x->scratch_fd, true,
                           LL_READ_WRITE, &err);
    return e == TS_OK
               ? TS_OK
               : launch_fail(x, CODE_SANDBOX_UNAVAILABLE, "landlock", err,
                             "the Landlock rules could not be made");
}

/* A pipe holds what was written, and nothing on any disk does; the tool reads
 * it once. It is shorter than a pipe's buffer, so writing never waits. */
static ts_err make_token(struct launch *x)
{
    struct ts_str t = x->o->token;
    int err = 0;

    _Static_assert(TS_TOKEN_MAX <= 4096, "the least that a pipe holds");
    if (t.len > 0 && secrets_pipe((const uint8_t *)t.ptr, t.len, &x->token_fd,
                                  &err) != TS_OK)
        return launch_fail(x, CODE_LAUNCH_FAILED, "token", err,
                           "the identity token could not be handed over");
    return TS_OK;
}

/* The gate learns how to recognise them before it reads a byte of output. */
static ts_err make_secrets(struct launch *x)
{
    struct child_plan *c = &x->child;
    int err = 0;

    if (secrets_tripwires(x->tool->secrets, x->o->token, &x->tripwires) !=
        TS_OK)
        return launch_fail(x, CODE_LAUNCH_FAILED, "secrets", ENOMEM,
                           "tripwires");
    if (secrets_give(x->tool->secrets, &x->l->key, c->given, &c->given_count,
                     &err) != TS_OK)
        return launch_fail(x, CODE_LAUNCH_FAILED, "secrets", err,
                           "the tool's secrets could not be handed over");
    return TS_OK;
}

static void close_secrets(struct child_plan *c)
{
    for (uint32_t i = 0; i < c->given_count; i++) {
        if (c->given[i].number >= GIVEN_SECRET &&
            c->given[i].number < GIVEN_EGRESS)
            ts_fd_close(&c->given[i].fd);
    }
}

static ts_err make_pipe(struct launch *x, int i)
{
    int p[2];
    bool tool_reads = i == 0;

    if (tool_reads && !x->o->has_stdin) {
        x->gate_end[0] = fcntl(x->l->null_fd, F_DUPFD_CLOEXEC, 3);
        return x->gate_end[0] < 0 ? TS_E_SYSTEM : TS_OK;
    }
    if (pipe2(p, O_CLOEXEC) != 0)
        return TS_E_SYSTEM;
    x->gate_end[i] = tool_reads ? p[1] : p[0];
    x->child_end[i] = tool_reads ? p[0] : p[1];
    /* the flag belongs to the open file: the tool's end is another one */
    return fcntl(x->gate_end[i], F_SETFL, O_NONBLOCK) == 0 ? TS_OK
                                                           : TS_E_SYSTEM;
}

static bool is_layer(const char *step)
{
    static const char *const layers[] = {
        "landlock",   "seccomp", "limits",       "pdeathsig", "groups",
        "gid",        "uid",     "capabilities", "keyring",   "no_wx",
        "cgroup",     "net_ns",  "ipc_ns",       "uts_ns",    "cgroup_ns",
        "mnt_ns",     "pid_ns",  "private_tmp",  "own_proc",  "session",
        "close_range"};

    for (size_t i = 0; i < sizeof(layers) / sizeof(layers[0]); i++)
        if (strcmp(step, layers[i]) == 0)
            return true;
    return false;
}

/* The broker is told before the tool can ask it for anything. */
static ts_err make_network(struct launch *x)
{
    const struct manifest *m = x->plan.manifest;
    const char *step = "";
    int err = 0;

    if (m->network.mode == NETWORK_NONE)
        return TS_OK;
    if (network_grant(&x->l->network, x->o, m, now_ns(), &x->network,
                      &x->egress_fd, &x->net_ns, &step, &err) != TS_OK)
        return launch_fail(x, CODE_SANDBOX_UNAVAILABLE, step, err,
                           "the network that the tool needs cannot be had");
    if (x->egress_fd >= 0)
        x->child.given[x->child.given_count++] =
            (struct child_given){x->egress_fd, GIVEN_EGRESS};
    return TS_OK;
}

/* Where the tool would see that an earlier one forked, it is not started: the
 * child found that out before it did anything else. */
static ts_err spawn_child(struct launch *x, const char **step, int *err)
{
    struct launcher *l = x->l;
    struct child_plan *c = &x->child;
    ts_err e = child_spawn(c, &l->place, &l->watch, &x->pid, step, err);

    if (e == TS_OK || *err != EEXIST || x->init.uses == 0 ||
        strcmp(*step, CHILD_STEP_PID_NS) != 0)
        return e;
    inits_end(&x->init);
    x->space.nest_kinds = 0;
    if (inits_take_new(&l->inits, &l->place, &l->watch, &x->init, err) != TS_OK)
        return TS_E_SYSTEM;
    c->pid_ns = x->init.ns;
    c->pid_in_ns = init_next_pid(&x->init);
    return child_spawn(c, &l->place, &l->watch, &x->pid, step, err);
}

static ts_err spawn(struct launch *x)
{
    struct child_plan *c = &x->child;
    const char *step = "";
    int err = 0;

    for (int i = 0; i < 3; i++) {
        if (make_pipe(x, i) != TS_OK)
            return launch_fail(x, CODE_LAUNCH_FAILED, "pipe", errno, "stdio");
        c->stdio[i] = x->child_end[i] >= 0 ? x->child_end[i] : x->l->null_fd;
    }
    if (launch_make_plan(x) != TS_OK)
        return TS_E_INVALID;
    if (spawn_child(x, &step, &err) == TS_OK) {
        if (x->l->place.result->shares_keyring)
            launch_note_keyring(x);
        return TS_OK;
    }
    if (err == EDQUOT && strcmp(step, "keyring") == 0)
        return launch_fail(x, CODE_SANDBOX_UNAVAILABLE, step, err,
                           "no keyring of its own, which is required: raise "
                           "kernel.keys.maxkeys");
    if (is_layer(step))
        return launch_fail(x, CODE_SANDBOX_UNAVAILABLE, step, err,
                           "a sandbox layer could not be applied");
    return launch_fail(x, CODE_LAUNCH_FAILED, step, err,
                       "the program could not be started");
}

static ts_err report_started(struct launch *x, uint64_t received_ns)
{
    struct launcher *l = x->l;
    uint64_t now = now_ns();
    const struct order_started m = {
        .order_id = x->o->order_id,
        .layers = x->layers,
        .landlock_abi = (uint32_t)l->layers.landlock_abi,
        .launch_us = (now - received_ns) / 1000,
        .box = x->plan.level,
        .tripwires = {.ptr = ts_buf_bytes(&x->tripwires),
                      .len = x->tripwires.len},
        .weakened = x->weakened,
    };
    struct active_run *r = &l->runs[l->run_count++];

    *r = (struct active_run){
        .order_id = x->o->order_id,
        .mark = x->mark,
        .pid = x->pid,
        .init = x->init,
        .in_pid_ns = x->child.pid_ns >= 0 || x->child.new_pid_ns,
        .uid = x->uid,
        .started_ns = now,
        .deadline_ns = now + x->plan.wall_ms * 1000000u,
        .processes = x->plan.manifest->limits.processes,
        .has_group = x->has_group,
        .group = x->group.index,
        .scratch_fd = -1,
        .network = x->network,
    };
    x->init = INIT_NONE; /* moved */
    (void)run_step(&r->life, RUN_EV_STARTED, END_EXITED);
    if (x->scratch_fd >= 0) {
        memcpy(r->scratch, x->scratch, sizeof(r->scratch));
        r->scratch_fd = x->scratch_base;
        x->scratch_base = -1; /* moved */
    }
    return back_started(&l->back, &m, x->gate_end);
}

/* Namespaces that tools are in most likely come back: one made in place of
 * each would leave no room for it. */
static uint32_t inits_wanted(const struct launcher *l, uint32_t want)
{
    uint32_t out = 0;

    for (uint32_t i = 0; i < l->run_count; i++)
        out += l->runs[i].init.pid > 0 ? 1 : 0;
    return want > out + INITS_READY_LEAST ? want - out : INITS_READY_LEAST;
}

/* If it fails the next launch meets and reports it. */
void launch_refill(struct launcher *l, uint32_t want)
{
    uint32_t room = inits_wanted(l, want);
    int err = 0;

    if (!l->offer.given[BOX_FULL])
        return;
    if (want == INITS_READY_MAX &&
        inits_furnish(&l->inits, room, &l->place, &l->watch, &err) != TS_OK)
        log_event(LOG_WARN, "no_nest errno=%d", err);
    if (inits_refill(&l->inits, room, &l->place, &l->watch, &err) != TS_OK)
        log_event(LOG_WARN, "no_init errno=%d", err);
}

/* Of what stands by for later calls, too. */
static bool has_run_out(int err)
{
    return err == EMFILE || err == ENFILE || err == ENOSPC || err == EAGAIN;
}

static void clean_up(struct launch *x, bool has_started)
{
    for (int i = 0; i < 3; i++) {
        ts_fd_close(&x->child_end[i]);
        if (!has_started)
            ts_fd_close(&x->gate_end[i]);
    }
    if (!has_started) {
        metadata_dismiss(x->l->metadata, x->mark);
        if (x->scratch_fd >= 0) {
            leftovers_take(x->l, x->scratch_base, x->scratch, x->uid);
            x->scratch_base = -1; /* moved */
        } else {
            uids_give(&x->l->uids, x->uid);
        }
        if (x->has_group)
            space_groups_give(x->l->groups, x->group.index);
        inits_end(&x->init);
    }
    ts_fd_close(&x->token_fd);
    ts_fd_close(&x->egress_fd);
    close_secrets(&x->child);
    ts_buf_done(&x->tripwires);
    ts_fd_close(&x->resource_fd);
    ts_fd_close(&x->scratch_fd);
    ts_fd_close(&x->scratch_base);
    if (!x->ruleset_is_shared)
        ts_fd_close(&x->ruleset_fd);
    if (x->tool != NULL)
        tool_refill(x->set, x->tool);
    if (!has_started && has_run_out(x->why.sys_errno))
        inits_spare(&x->l->inits);
    /* what runs most likely gives its own back */
    launch_refill(x->l, has_started ? INITS_READY_LEAST : INITS_READY_MAX);
    ts_arena_done(&x->arena);
}

ts_err launch_order(struct launcher *l, const struct order *o,
                    uint64_t received_ns)
{
    struct launch x = {.l = l,
                       .o = o,
                       .resource_fd = -1,
                       .scratch_fd = -1,
                       .scratch_base = -1,
                       .ruleset_fd = -1,
                       .token_fd = -1,
                       .egress_fd = -1,
                       .net_ns = -1,
                       .init = INIT_NONE,
                       .child_end = {-1, -1, -1},
                       .gate_end = {-1, -1, -1}};
    bool has_started;
    ts_err e;

    ts_arena_init(&x.arena, LAUNCH_BUDGET);
    ts_buf_init(&x.tripwires, TS_TRIPWIRES_MAX);
    x.mark = TREE_MARK_FIRST + (++l->serial & (TREE_MARK_FIRST - 1));
    has_started = check(&x) == TS_OK && take_uid(&x) == TS_OK &&
                  take_group(&x) == TS_OK && open_resource(&x) == TS_OK &&
                  make_scratch(&x) == TS_OK && make_ruleset(&x) == TS_OK &&
                  launch_make_metadata(&x) == TS_OK &&
                  launch_make_argv(&x) == TS_OK && make_token(&x) == TS_OK &&
                  make_secrets(&x) == TS_OK && make_network(&x) == TS_OK &&
                  spawn(&x) == TS_OK;
    e = has_started ? report_started(&x, received_ns)
                    : launch_refuse(l, o->order_id, &x.why);
    if (!has_started && e == TS_OK)
        e = network_over(&l->network, &x.network, o->order_id, END_REFUSED);
    clean_up(&x, has_started);
    return e;
}
