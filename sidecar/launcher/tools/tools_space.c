/* Of every tool, what its full box is to hold; then the boxes of all of them.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "sidecar/common/log.h"
#include "sidecar/launcher/layers/landlock.h"
#include "sidecar/launcher/tools/tools.h"

struct wants {
    struct toolset *set;
    struct space_path *paths; /* of one tool */
    uint32_t count, cap;
    int *opened; /* to be closed afterwards */
    uint32_t opened_count;
};

static void add(struct wants *w, const char *path, int fd, uint32_t flags)
{
    if (path == NULL || fd < 0 || w->count == w->cap)
        return;
    w->paths[w->count++] =
        (struct space_path){.path = path, .fd = fd, .flags = flags};
}

/* What the manifest names was opened for Landlock already, but rules do not
 * keep names, and one inode under two names is one rule. If another file has
 * taken the place since, Landlock refuses it. */
static void add_named(struct wants *w, struct ts_str path, uint32_t flags)
{
    const char *name, *why = "";
    int fd;

    if (path.len == 0 ||
        ts_arena_strndup(&w->set->arena, path.ptr, path.len, &name) != TS_OK)
        return;
    if (path_open(name, 0, &w->set->written, &fd, &why) != TS_OK)
        return;
    w->opened[w->opened_count++] = fd;
    add(w, name, fd, flags);
}

/* One manifest serves every level: what a full box has of its own is not
 * brought in from the host. */
static bool is_own(struct ts_str path, uint32_t flags)
{
    static const char *const own[] = {"/dev/null",    "/dev/zero",
                                      "/dev/full",    "/dev/shm",
                                      "/dev/urandom", "/dev/random"};

    if (ts_str_eq(path, ts_str_of("/proc")))
        return flags == SPACE_READ;
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
        if (ts_str_eq(path, ts_str_of(own[i])))
            return true;
    return false;
}

static void add_all(struct wants *w, struct ts_str const *paths, uint32_t count,
                    uint32_t flags)
{
    for (uint32_t i = 0; i < count; i++)
        if (!is_own(paths[i], flags))
            add_named(w, paths[i], flags);
}

static bool names_proc(const struct manifest *m)
{
    for (uint32_t i = 0; i < m->read_count; i++)
        if (ts_str_eq(m->read_paths[i], ts_str_of("/proc")))
            return true;
    return false;
}

static uint32_t paths_of(const struct manifest *m)
{
    return m->read_count + m->write_count + m->exec_count + 8;
}

static ts_err want(struct wants *w, const struct tool *t,
                   struct space_want *ret)
{
    const struct manifest *m = t->m;
    const struct image *i = &t->image;
    uint32_t writes = SPACE_READ | SPACE_WRITE |
                      (w->set->host.runs_written ? (uint32_t)SPACE_EXEC : 0u);
    const char *name;
    void *p;
    ts_err e;

    w->cap = paths_of(m);
    w->count = 0;
    e = ts_arena_array(&w->set->arena, w->cap, sizeof(*w->paths), &p);
    if (e != TS_OK)
        return e;
    w->paths = p;
    e = ts_arena_strndup(&w->set->arena, m->exec.ptr, m->exec.len, &name);
    if (e != TS_OK)
        return e;
    add(w, name, i->file.fd, SPACE_READ);
    add(w, i->interp_path, i->interp.fd, SPACE_READ);
    add(w, i->loader_path, i->loader_fd, SPACE_READ);
    add_named(w, m->resource_root,
              m->access == ACCESS_WRITE ? writes : (uint32_t)SPACE_READ);
    add_all(w, m->read_paths, m->read_count, SPACE_READ);
    add_all(w, m->exec_paths, m->exec_count, SPACE_READ);
    add_all(w, m->write_paths, m->write_count, writes);
    if (w->set->host.preload != NULL && m->network.mode == NETWORK_BROKER)
        add_named(w, ts_str_of(w->set->host.preload), SPACE_READ);
    add_named(w, m->cwd, SPACE_PLACE);
    *ret = (struct space_want){.paths = w->paths,
                               .path_count = w->count,
                               .program_fd = i->interp.fd >= 0 ? i->interp.fd
                                                               : i->file.fd,
                               .cwd_fd = t->cwd_fd,
                               .network = m->network.mode != NETWORK_NONE};
    return TS_OK;
}

static bool is_ours(const struct tool *t)
{
    return t->env != NULL; /* it was opened: this launcher runs it */
}

/* The folders that calls' own mounts lie in, which Landlock must know too. */
static void add_rules(struct tool *t)
{
    const struct space_template *s = t->box->space;

    for (uint32_t i = 0; i < s->rule_count && t->rule_count < t->rule_cap; i++)
        t->rules[t->rule_count++] =
            (struct tool_rule){.fd = s->rules[i].fd,
                               .is_dir = true,
                               .is_shared = true,
                               .access = s->rules[i].access};
}

static void take(struct tool *t, const struct space_box *b)
{
    if (b != NULL && b->space != NULL) {
        t->box = b;
        t->whole_proc = names_proc(t->m);
        add_rules(t);
        return;
    }
    t->why_no_box = b != NULL && b->why != NULL ? b->why : "no space";
    log_event(LOG_WARN, "no_full_box tool=%.*s path=%s reason=\"%s\"",
              (int)t->m->tool.len, t->m->tool.ptr,
              b != NULL && b->path != NULL ? b->path : "-", t->why_no_box);
}

static ts_err build(struct toolset *s, struct wants *w, struct space_want *list)
{
    const struct manifests *m = s->manifests;
    const char *step = "";
    uint32_t n = 0, at = 0;
    int err = 0;
    ts_err e;

    for (uint32_t i = 0; i < m->count; i++) {
        if (is_ours(&s->tools[i]) &&
            (e = want(w, &s->tools[i], &list[n++])) != TS_OK)
            return e;
    }
    e = space_build(s->host.builder, list, n, &s->spaces, &step, &err);
    if (e != TS_OK) {
        log_event(LOG_ERROR, "no_full_boxes step=%s error=\"%s\"", step,
                  strerror(err));
        return e;
    }
    for (uint32_t i = 0; i < m->count; i++) {
        if (is_ours(&s->tools[i]))
            take(&s->tools[i], space_box_of(s->spaces, at++));
    }
    return TS_OK;
}

void toolset_make_spaces(struct toolset *s)
{
    const struct manifests *m = s->manifests;
    struct wants w = {.set = s};
    uint32_t all = 0, ours = 0;
    void *list, *opened;

    for (uint32_t i = 0; i < m->count; i++) {
        if (is_ours(&s->tools[i])) {
            all += paths_of(&m->list[i]);
            ours++;
        }
    }
    if (s->host.builder == NULL || ours == 0)
        return;
    if (ts_arena_array(&s->arena, ours, sizeof(struct space_want), &list) !=
            TS_OK ||
        ts_arena_array(&s->arena, all, sizeof(int), &opened) != TS_OK) {
        log_event(LOG_ERROR, "no_full_boxes step=memory");
        return;
    }
    w.opened = opened;
    if (build(s, &w, list) != TS_OK) {
        for (uint32_t i = 0; i < m->count; i++)
            s->tools[i].box = NULL;
    }
    for (uint32_t i = 0; i < w.opened_count; i++)
        ts_fd_close(&w.opened[i]);
}
