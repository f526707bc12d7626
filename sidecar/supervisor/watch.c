/* Which directories are watched, and what their notifications mean. */
#include "sidecar/supervisor/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "proto/base/ts_mem.h"
#include "sidecar/common/bundle/bundle.h"
#include "sidecar/common/log.h"
#include "sidecar/supervisor/watch_priv.h"

#define DATA_LINK "..data" /* of a Kubernetes volume */
#define PREFIX    "tenants/"
#define TAKE_MAX  64 /* reads of notifications in one turn */
#define MASK                                                                   \
    (IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE |    \
     IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)
#define COMPLETE (IN_CLOSE_WRITE | IN_MOVED_TO)
#define SELF     (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT)

ts_err watch_new(int config_dir, struct watch **ret)
{
    struct watch *w = ts_mem_alloc(sizeof(*w));

    if (w == NULL)
        return TS_E_NOMEM;
    w->config_dir = config_dir;
    w->root_wd = w->tenants_wd = -1;
    w->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (w->inotify < 0)
        log_event(LOG_WARN,
                  "watch_polling text=\"no inotify: %s; directories are looked "
                  "at every %d s (raise fs.inotify.max_user_instances)\"",
                  strerror(errno), WATCH_POLL_MS / 1000);
    *ret = w;
    return TS_OK;
}

void watch_free(struct watch *w)
{
    if (w == NULL)
        return;
    ts_fd_close(&w->inotify);
    ts_arena_done(&w->arena);
    ts_mem_free(w);
}

int watch_fd(const struct watch *w)
{
    return w->inotify;
}

uint64_t watch_due(const struct watch *w)
{
    return w->plan.due_ms;
}

/* ---- tenants ------------------------------------------------------------ */

/* "acme" of "tenants/acme/...". */
static struct ts_str tenant_of(struct ts_str name)
{
    size_t skip = strlen(PREFIX);
    struct ts_str t = {name.ptr + skip, name.len - skip};
    const char *slash = memchr(t.ptr, '/', t.len);

    return (struct ts_str){t.ptr, slash == NULL ? 0 : (size_t)(slash - t.ptr)};
}

static ts_err add_tenant(struct watch *w, struct ts_str name)
{
    struct watch_tenant *t = &w->tenants[w->count];
    const char *copy = NULL;
    ts_err e = ts_arena_strndup(&w->arena, name.ptr, name.len, &copy);

    if (e != TS_OK)
        return e;
    *t = (struct watch_tenant){.name = {copy, name.len}, .wd = -1};
    w->count++;
    return TS_OK;
}

static void note_known(struct watch_tenant *t, const struct bundle_file *f)
{
    size_t head = strlen(PREFIX) + t->name.len + 1;
    struct ts_str file = {f->name.ptr + head, f->name.len - head};

    for (size_t kind = 0; kind < WATCH_KINDS; kind++) {
        if (!ts_str_eq_c(file, watch_file_name(kind)))
            continue;
        watch_hash(f->content, t->files[kind].hash);
        t->files[kind].known = true;
    }
}

static ts_err fill(struct watch *w, const struct bundle *b)
{
    size_t count = 0;
    const struct bundle_file *f = bundle_prefix(b, PREFIX, &count);
    void *room = NULL;
    ts_err e = TS_OK;

    ts_arena_init(&w->arena,
                  (count + 1) * (sizeof(*w->tenants) + BUNDLE_NAME_MAX + 64));
    if (count > 0)
        e = ts_arena_array(&w->arena, count, sizeof(*w->tenants), &room);
    w->tenants = room;
    for (size_t i = 0; e == TS_OK && i < count; i++) {
        struct ts_str name = tenant_of(f[i].name);

        /* Sorted by name, so those of one tenant come together. */
        if (w->count == 0 || !ts_str_eq(w->tenants[w->count - 1].name, name))
            e = add_tenant(w, name);
        if (e == TS_OK)
            note_known(&w->tenants[w->count - 1], &f[i]);
    }
    return e;
}

static void unwatch(struct watch *w, int *wd)
{
    if (w->inotify >= 0 && *wd >= 0)
        (void)inotify_rm_watch(w->inotify, *wd); /* it may be gone already */
    *wd = -1;
}

static void forget(struct watch *w)
{
    unwatch(w, &w->root_wd);
    unwatch(w, &w->tenants_wd);
    for (size_t i = 0; i < w->count; i++)
        unwatch(w, &w->tenants[i].wd);
    ts_arena_done(&w->arena);
    w->tenants = NULL;
    w->count = 0;
}

ts_err watch_reset(struct watch *w, int bundle_fd, uint64_t boot_ms)
{
    struct bundle b = {0};
    ts_err e;

    watch_stop(w);
    e = bundle_open(bundle_fd, &b);
    if (e == TS_OK)
        e = fill(w, &b);
    bundle_done(&b);
    if (e != TS_OK) {
        watch_stop(w);
        return e;
    }
    (void)watch_plan_step(&w->plan, WATCH_EV_RESET, boot_ms);
    return TS_OK;
}

void watch_stop(struct watch *w)
{
    forget(w);
    (void)watch_plan_step(&w->plan, WATCH_EV_STOP, 0);
}

/* ---- notifications ------------------------------------------------------ */

static bool wd_in_use(const struct watch *w, int wd)
{
    bool used = w->root_wd == wd || w->tenants_wd == wd;

    for (size_t i = 0; !used && i < w->count; i++)
        used = w->tenants[i].wd == wd;
    return used;
}

/* Adding a directory that is watched already gives the same number again. */
static void arm(struct watch *w, const char *path, int *wd)
{
    char link[64];
    int dir TS_CLEANUP(ts_fd_close) = -1;
    int old = *wd;

    *wd = -1;
    dir = bundle_open_dir(w->config_dir, path);
    if (dir >= 0) {
        /* By descriptor: whatever the path leads to meanwhile, it is this. */
        (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", dir);
        *wd = inotify_add_watch(w->inotify, link, MASK);
        if (*wd < 0 && !w->limited) {
            log_event(LOG_WARN,
                      "watch_polling path=%s text=\"cannot be watched: %s; it "
                      "is looked at every %d s (raise "
                      "fs.inotify.max_user_watches)\"",
                      path, strerror(errno), WATCH_POLL_MS / 1000);
            w->limited = true;
        }
    }
    if (old >= 0 && old != *wd && !wd_in_use(w, old))
        (void)inotify_rm_watch(w->inotify, old); /* it may be gone already */
}

static void arm_all(struct watch *w)
{
    char path[WATCH_PATH_MAX];

    if (w->inotify < 0)
        return;
    arm(w, ".", &w->root_wd);
    arm(w, "tenants", &w->tenants_wd);
    for (size_t i = 0; i < w->count; i++) {
        struct ts_str name = w->tenants[i].name;
        int n = snprintf(path, sizeof(path), PREFIX "%.*s", (int)name.len,
                         name.ptr);

        if (n > 0 && (size_t)n < sizeof(path))
            arm(w, path, &w->tenants[i].wd);
    }
}

static void finish(struct watch_tenant *t)
{
    for (size_t kind = 0; kind < WATCH_KINDS; kind++)
        t->files[kind].dirty = t->files[kind].finished = true;
}

/* Of one tenant's directory. True if it matters. */
static bool on_tenant(struct watch_tenant *t, uint32_t mask, const char *name)
{
    bool complete = (mask & COMPLETE) != 0;

    if (strcmp(name, DATA_LINK) == 0) {
        if (complete)
            finish(t);
        return true;
    }
    for (size_t kind = 0; kind < WATCH_KINDS; kind++) {
        struct watch_file *f = &t->files[kind];

        if (strcmp(name, watch_file_name(kind)) != 0)
            continue;
        if (complete)
            f->dirty = f->finished = true;
        return true;
    }
    return (mask & SELF) != 0;
}

/* Of a directory above them: what is moved here is whole. */
static bool on_parent(struct watch *w, bool is_root, uint32_t mask,
                      const char *name)
{
    bool all = strcmp(name, DATA_LINK) == 0 ||
               (is_root && strcmp(name, "tenants") == 0);
    bool matters = all || (mask & SELF) != 0;

    for (size_t i = 0; i < w->count; i++) {
        struct watch_tenant *t = &w->tenants[i];

        if (!all && (is_root || !ts_str_eq_c(t->name, name)))
            continue;
        matters = true;
        if ((mask & IN_MOVED_TO) != 0)
            finish(t);
    }
    return matters;
}

static bool on_event(struct watch *w, const struct inotify_event *ev)
{
    const char *name = ev->len > 0 ? ev->name : "";
    bool matters = false;

    if (ev->wd == w->root_wd)
        matters = on_parent(w, true, ev->mask, name);
    if (ev->wd == w->tenants_wd)
        matters = on_parent(w, false, ev->mask, name) || matters;
    for (size_t i = 0; i < w->count; i++) {
        if (w->tenants[i].wd == ev->wd)
            matters = on_tenant(&w->tenants[i], ev->mask, name) || matters;
    }
    return matters;
}

/* The kernel has let go of it; the number may come again. */
static void on_gone(struct watch *w, int wd)
{
    if (w->root_wd == wd)
        w->root_wd = -1;
    if (w->tenants_wd == wd)
        w->tenants_wd = -1;
    for (size_t i = 0; i < w->count; i++) {
        if (w->tenants[i].wd == wd)
            w->tenants[i].wd = -1;
    }
}

bool watch_take(struct watch *w, uint64_t boot_ms)
{
    _Alignas(struct inotify_event) char buf[4096];
    bool news = false;

    for (int i = 0; w->inotify >= 0 && i < TAKE_MAX; i++) {
        ssize_t n = read(w->inotify, buf, sizeof(buf));
        const struct inotify_event *ev;

        if (n <= 0)
            break;
        news = true;
        for (char *at = buf; at < buf + n; at += sizeof(*ev) + ev->len) {
            ev = (const void *)at;
            if ((ev->mask & IN_Q_OVERFLOW) != 0)
                (void)watch_plan_step(&w->plan, WATCH_EV_OVERFLOW, boot_ms);
            else if (on_event(w, ev))
                (void)watch_plan_step(&w->plan, WATCH_EV_CHANGE, boot_ms);
            if ((ev->mask & IN_IGNORED) != 0)
                on_gone(w, ev->wd);
        }
    }
    return news;
}

void watch_turn(struct watch *w, struct watch_time now, watch_feed_fn feed,
                void *ctx)
{
    struct watch_result result = {0};
    enum watch_act act = watch_plan_step(&w->plan, WATCH_EV_TIME, now.boot_ms);

    if (act == WATCH_ACT_NONE)
        return;
    arm_all(w); /* first: what changes from here on is heard of */
    for (size_t i = 0; i < w->count; i++) {
        struct watch_tenant *t = &w->tenants[i];

        /* A new set has nothing better to wait for: half a file would be
         * refused, and its other half comes with a notification. */
        if (act == WATCH_ACT_LOOK_ALL)
            finish(t);
        watch_look(w, t, now.real_ms, feed, ctx, &result);
    }
    if (result.blocked)
        (void)watch_plan_step(&w->plan, WATCH_EV_BLOCKED, now.boot_ms);
    if (result.busy)
        (void)watch_plan_step(&w->plan, WATCH_EV_BUSY, now.boot_ms);
}
