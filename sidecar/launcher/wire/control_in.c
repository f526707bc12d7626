/* Messages of the supervisor: the first bundle, reloads, the end. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "sidecar/common/bundle/bundle.h"
#include "sidecar/common/control/control.h"
#include "sidecar/common/fds.h"
#include "sidecar/common/log.h"
#include "sidecar/launcher/launcher.h"
#include "sidecar/launcher/layers/filter_notify.h"
#include "sidecar/launcher/trials.h"
#include "sidecar/sandbox/profile.h"

/* The service manager keeps credentials for the service's user alone, which
 * need not be ours. */
static void raise_rights(void *arg, bool on)
{
    struct launcher *l = arg;

    if (on)
        caps_raise(&l->caps, &l->key);
    else
        caps_lower(&l->caps, &l->key);
}

static struct secrets_source secrets_of(struct launcher *l)
{
    struct secrets_source s = {.credentials_fd = LAUNCHER_FD_SECRETS,
                               .owner = l->self_uid,
                               .raise = raise_rights,
                               .arg = l};
    struct stat st;

    if (fstat(LAUNCHER_FD_SECRETS, &st) != 0 || !S_ISDIR(st.st_mode))
        s.credentials_fd = -1; /* FD_ABSENT */
    return s;
}

/* Reads the manifests of a bundle and opens what they name. Takes fd over. */
static ts_err load(struct launcher *l, int fd, uint64_t generation,
                   struct toolset **ret, char *text, size_t cap)
{
    const struct tool_host host = {
        .key = l->key,
        .index = l->index,
        .secrets = secrets_of(l),
        .abi = l->layers.landlock_abi,
        .offer = &l->trials.before,
        .most = l->level_most,
        .runs_written = l->runs_written,
        .preload = l->preload,
        .builder = l->trials.before.given[BOX_FULL] ? &l->builder : NULL};
    struct manifests *m = NULL;
    ts_err e = manifests_read(fd, &l->facts, generation, &m, text, cap);

    if (e != TS_OK)
        return e;
    e = toolset_open(m, &host, ret, text, cap);
    if (e != TS_OK)
        manifests_free(m);
    else if (offer_has_full(l) && toolset_has_proxy(*ret))
        network_want_nets(&l->network, &l->key);
    return e;
}

static ts_err reject(ts_err e, const char *text)
{
    if (text[0] == '\0')
        text = ts_err_text(e); /* no memory for one */
    log_event(LOG_ERROR, "manifests_refused %s", text);
    if (control_say(FD_CONTROL, CONTROL_REJECTED, text) != TS_OK)
        log_event(LOG_ERROR, "control_lost");
    return e;
}

/* Of a profile of the operator's own, the built-in one that it begins with. */
static bool is_like(const struct sandbox_profile *p, const char *builtin)
{
    return strcmp(p->name, builtin) == 0 || strcmp(p->extends, builtin) == 0;
}

static uint64_t mark_of(void *arg, pid_t thread)
{
    const struct launcher *l = arg;

    return tree_mark_of(&l->tree, thread);
}

/* Nothing better than bare boxes will be offered (offer.c): tools have our
 * user, and what is this user's is not to be theirs. */
static bool has_our_user(const struct launcher *l,
                         const struct control_start *start)
{
    enum box_level most = start->sandbox.most;
    bool uids = l->caps.uids && start->sandbox.uid_count > 0 &&
                (most == BOX_ANY || most >= BOX_UID);
    bool spaces = l->caps.spaces && (most == BOX_ANY || most >= BOX_FULL);

    return l->self_uid != 0 && !uids && !spaces;
}

/* With the layer "metadata" where it is needed and can be had. */
static ts_err install_filter(struct launcher *l,
                             const struct control_start *start)
{
    struct metadata *m = NULL;
    int listener = -1;

    if (!has_our_user(l, start) ||
        metadata_make(&l->key, mark_of, l, &m) != TS_OK)
        return filter_install(l->profile, &l->key);
    if (filter_install_notify(l->profile, &l->key, &listener) != TS_OK) {
        metadata_cancel(m);
        log_event(LOG_WARN, "layer_missing layer=metadata");
        return filter_install(l->profile, &l->key);
    }
    metadata_begin(m, listener);
    l->metadata = m;
    return TS_OK;
}

/* One launcher, one profile: its filter is installed here for good, and every
 * tool inherits it. */
static ts_err confine_by_profile(struct launcher *l,
                                 const struct control_message *start,
                                 char *text, size_t cap)
{
    int bundle_fd = start->bundle_fd;
    struct bundle b = {0};
    ts_err e = bundle_open(bundle_fd, &b);

    if (e != TS_OK) {
        (void)snprintf(text, cap, "bundle:1: %s", ts_err_text(e));
        return e;
    }
    ts_arena_init(&l->profile_arena, SANDBOX_ARENA_BYTES);
    e = filter_profile_load(&b, l->index, &l->profile_arena, &l->profile, text,
                            cap);
    bundle_done(&b);
    if (e == TS_OK)
        e = filter_needs_of(l->profile, &l->needs);
    if (e != TS_OK)
        return e;
    l->runs_written = is_like(l->profile, "build");
    l->wide_space = l->runs_written || is_like(l->profile, "jit");
    if (filter_make_strict(l->profile, &l->key, &l->strict) == TS_OK)
        l->strict_prog = (struct sock_fprog){.len = l->strict.count,
                                             .filter = l->strict.insns};
    if ((l->layers.held & LAYER_SECCOMP) == 0)
        return TS_OK; /* then no box is given at all: a layer of the floor */
    e = install_filter(l, &start->as.start);
    if (e != TS_OK)
        (void)snprintf(text, cap,
                       "seccomp:1: the filter of profile %s cannot "
                       "be installed: %s",
                       l->profile->name, ts_err_text(e));
    return e;
}

/* Beside our own program; found by what it is, since it may lie anywhere. */
static void find_preload(struct launcher *l)
{
    static const char name[] = "libtipstaff-egress.so";
    const size_t room = sizeof(l->preload_path) - sizeof(name);
    ssize_t n = readlink("/proc/self/exe", l->preload_path, room);

    while (n > 0 && l->preload_path[n - 1] != '/')
        n--;
    if (n <= 0)
        return;
    memcpy(l->preload_path + n, name, sizeof(name));
    if (access(l->preload_path, R_OK) == 0)
        l->preload = l->preload_path;
    else
        log_event(LOG_WARN, "no_preload path=%s", l->preload_path);
}

ts_err control_tell(struct launcher *l)
{
    const struct manifests *m = l->tools->manifests;
    ts_err e = TS_OK;

    for (; l->told < m->count && e == TS_OK && !back_is_busy(&l->back);
         l->told++) {
        const char *why = l->tools->tools[l->told].unavailable;
        const struct order_unserved u = {.generation = m->generation,
                                         .tool = m->list[l->told].tool,
                                         .text = ts_str_of(why)};

        if (why != NULL)
            e = back_unserved(&l->back, &u);
    }
    return e;
}

static void on_abort(void *self)
{
    struct launcher *l = self;

    toolset_free(l->prepared);
    l->prepared = NULL;
}

static ts_err on_prepare(void *self, int bundle_fd, uint64_t generation,
                         char *text, size_t cap)
{
    struct launcher *l = self;
    ts_err e;

    on_abort(l);
    e = load(l, bundle_fd, generation, &l->prepared, text, cap);
    if (e == TS_OK)
        (void)toolset_unavailable(l->prepared, text, cap);
    return e;
}

static ts_err on_commit(void *self)
{
    struct launcher *l = self;

    inits_renew(&l->inits);
    toolset_free(l->previous);
    l->previous = l->tools;
    l->tools = l->prepared;
    l->prepared = NULL;
    l->told = 0;
    return control_tell(l);
}

static ts_err on_drain(void *self, uint64_t grace_ms)
{
    struct launcher *l = self;

    l->draining = true;
    l->drain_ns = now_ns() + grace_ms * 1000000u;
    return TS_OK;
}

ts_err control_start_up(struct launcher *l)
{
    static const struct control_part part = {.prepare = on_prepare,
                                             .commit = on_commit,
                                             .abort = on_abort,
                                             .drain = on_drain};
    uint8_t buf[CONTROL_MESSAGE_MAX];
    struct control_message m;
    char text[512] = "";
    ts_err e = control_receive_start(FD_CONTROL, 1, buf, &m);

    if (e != TS_OK)
        return e;
    l->control =
        (struct control_ear){.sock = FD_CONTROL, .part = &part, .self = l};
    l->index = m.as.start.launcher_index;
    e = confine_by_profile(l, &m, text, sizeof(text));
    if (e != TS_OK) {
        ts_fd_close(&m.bundle_fd);
        return reject(e, text);
    }
    offer_make(l, &m.as.start);
    l->facts = manifest_facts_of(&m.as.start);
    network_init(&l->network, m.as.start.has_broker);
    if (m.as.start.has_broker)
        find_preload(l);
    if ((e = trials_run(l)) != TS_OK ||
        (m.as.start.check_only && (e = trials_tell(l)) != TS_OK)) {
        ts_fd_close(&m.bundle_fd);
        return e;
    }
    e = load(l, m.bundle_fd, m.as.start.generation, &l->tools, text,
             sizeof(text));
    return e == TS_OK ? TS_OK : reject(e, text);
}
