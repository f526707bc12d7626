#include "sidecar/launcher/tools/tools.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "proto/base/ts_mem.h"
#include "sidecar/common/log.h"
#include "sidecar/launcher/layers/landlock.h"
#include "sidecar/launcher/space/nets.h"
#include "sidecar/launcher/tools/tools_host.h"
#include "sidecar/launcher/tools/tools_priv.h"

#define TOOLSET_BUDGET ((size_t)64 << 20)
#define TOOL_WHY_MAX   512 /* bytes of why a tool is not served */

/* What every program of the system needs to start. A missing one is skipped:
 * /lib64 does not exist on every architecture. */
static const struct {
    const char *path;
    uint64_t access;
} runtime[] = {
    {"/usr/lib", LL_READ_ONLY},
    {"/usr/lib64", LL_READ_ONLY},
    {"/lib", LL_READ_ONLY},
    {"/lib64", LL_READ_ONLY},
    {"/etc/ld.so.cache", LL_READ_FILE},
    {"/usr/share/locale", LL_READ_ONLY},
    {"/usr/share/zoneinfo", LL_READ_ONLY},
    {"/etc/localtime", LL_READ_FILE},
    {"/dev/null", LL_READ_FILE | LL_WRITE_FILE | LL_TRUNCATE},
    {"/dev/zero", LL_READ_FILE},
    {"/dev/urandom", LL_READ_FILE},
};
_Static_assert(sizeof(runtime) / sizeof(runtime[0]) == TOOL_RUNTIME_COUNT,
               "one descriptor each");

ts_err tool_fail(const struct opener *o, const char *key, struct ts_str path,
                 const char *why)
{
    const struct manifest *m = o->tool->m;

    (void)snprintf(o->text, o->cap, "%.*s:%u: %s: %.*s: %s", (int)m->file.len,
                   m->file.ptr, manifest_key_line(m, key), key, (int)path.len,
                   path.ptr, why);
    return TS_E_INVALID;
}

static ts_err open_path(const struct opener *o, const char *key,
                        struct ts_str path, int flags, int *ret)
{
    const char *name, *why = "";
    ts_err e = ts_arena_strndup(&o->set->arena, path.ptr, path.len, &name);
    long fd;

    if (e != TS_OK)
        return tool_fail(o, key, path, ts_err_text(e));
    fd = image_open_path(&o->set->host.key, name, flags);
    if (fd == -ELOOP)
        return tool_fail(o, key, path,
                         "leads in a circle, or to what a process has open");
    if (fd >= 0)
        (void)close((int)fd);
    e = path_open(name, flags, &o->set->written, ret, &why);
    return e == TS_OK ? TS_OK : tool_fail(o, key, path, why);
}

/* The same inode twice (/lib is often /usr/lib) is one rule. */
static bool merge_rule(struct tool *t, const struct stat *st, uint64_t access)
{
    struct stat other;

    for (uint32_t i = 0; i < t->rule_count; i++) {
        if (fstat(t->rules[i].fd, &other) == 0 && other.st_dev == st->st_dev &&
            other.st_ino == st->st_ino) {
            t->rules[i].access |= access;
            return true;
        }
    }
    return false;
}

static ts_err append_rule(struct tool *t, int fd, uint64_t access,
                          bool is_shared, bool *ret_used)
{
    struct stat st;

    if (fstat(fd, &st) != 0 || t->rule_count == t->rule_cap)
        return TS_E_LIMIT;
    *ret_used = !merge_rule(t, &st, access);
    if (*ret_used)
        t->rules[t->rule_count++] =
            (struct tool_rule){.fd = fd,
                               .is_dir = S_ISDIR(st.st_mode),
                               .is_shared = is_shared,
                               .access = access};
    return TS_OK;
}

/* Takes fd over. */
static ts_err add_rule(const struct opener *o, int fd, uint64_t access)
{
    bool used = false;
    ts_err e = append_rule(o->tool, fd, access, false, &used);

    if (!used)
        ts_fd_close(&fd);
    return e;
}

static ts_err add_copy(const struct opener *o, int fd, uint64_t access)
{
    int copy = fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, 3) : -1;

    if (fd < 0)
        return TS_OK;
    return copy < 0 ? ts_err_from_errno(errno) : add_rule(o, copy, access);
}

static ts_err add_paths(const struct opener *o, const char *key,
                        struct ts_str const *paths, uint32_t count,
                        uint64_t access)
{
    for (uint32_t i = 0; i < count; i++) {
        int fd = -1;
        ts_err e = open_path(o, key, paths[i], 0, &fd);

        if (e != TS_OK)
            return e;
        if ((e = add_rule(o, fd, access)) != TS_OK)
            return tool_fail(o, key, paths[i], ts_err_text(e));
    }
    return TS_OK;
}

/* A library needs to be read alone: mapping it is no execution. */
static ts_err add_preload(const struct opener *o)
{
    const char *path = o->set->host.preload;
    struct ts_str one = ts_str_of(path);

    if (path == NULL || o->tool->m->network.mode != NETWORK_BROKER)
        return TS_OK;
    return add_paths(o, "preload", &one, 1, LL_READ_FILE);
}

static ts_err add_rules(const struct opener *o)
{
    const struct manifest *m = o->tool->m;
    const struct image *i = &o->tool->image;
    bool is_script = i->interp.fd >= 0;
    uint64_t write = LL_READ_WRITE;
    ts_err e;

    if (o->set->host.runs_written)
        write |= LL_EXECUTE;
    if ((e = add_copy(o, i->file.fd, is_script ? LL_READ_FILE : LL_RUN)) !=
            TS_OK ||
        (e = add_copy(o, i->interp.fd, LL_RUN)) != TS_OK ||
        (e = add_copy(o, i->loader_fd, LL_RUN)) != TS_OK)
        return tool_fail(o, "exec", m->exec, ts_err_text(e));
    for (uint32_t k = 0; k < o->tool->rule_count; k++)
        o->tool->rules[k].is_program = true;
    for (size_t k = 0; k < TOOL_RUNTIME_COUNT; k++) {
        int fd = o->set->runtime[k];
        bool used = false;

        if (fd >= 0 && (e = append_rule(o->tool, fd, runtime[k].access, true,
                                        &used)) != TS_OK)
            return tool_fail(o, "exec", m->exec, ts_err_text(e));
    }
    if ((e = add_preload(o)) != TS_OK)
        return e;
    if ((e = add_paths(o, "read_paths", m->read_paths, m->read_count,
                       LL_READ_ONLY)) != TS_OK ||
        (e = add_paths(o, "exec_paths", m->exec_paths, m->exec_count,
                       LL_RUN | LL_READ_DIR)) != TS_OK)
        return e;
    return add_paths(o, "write_paths", m->write_paths, m->write_count, write);
}

static ts_err load_secrets(const struct opener *o)
{
    const struct manifest *m = o->tool->m;
    char text[256] = "";
    uint32_t index = 0;

    if (secrets_load(m, &o->set->host.secrets, &o->tool->secrets, &index, text,
                     sizeof(text)) != TS_OK)
        return tool_fail(o, "secrets", m->secrets[index].name, text);
    return TS_OK;
}

/* The child looks whether it is still there (child.c). */
static ts_err open_cwd(const struct opener *o)
{
    const struct manifest *m = o->tool->m;
    char self[40], path[4096];
    ssize_t n;
    ts_err e = open_path(o, "cwd", m->cwd, O_DIRECTORY, &o->tool->cwd_fd);

    if (e != TS_OK)
        return e;
    (void)snprintf(self, sizeof(self), "/proc/self/fd/%d", o->tool->cwd_fd);
    n = readlink(self, path, sizeof(path));
    if (n <= 0 || (size_t)n == sizeof(path))
        return tool_fail(o, "cwd", m->cwd,
                         n < 0 ? strerror(errno) : "too long");
    e = ts_arena_strndup(&o->set->arena, path, (size_t)n, &o->tool->cwd_path);
    return e == TS_OK ? TS_OK : tool_fail(o, "cwd", m->cwd, ts_err_text(e));
}

static ts_err open_tool(const struct opener *o)
{
    struct tool *t = o->tool;
    const struct manifest *m = t->m;
    int given = o->set->host.program_fd > 0 ? o->set->host.program_fd : -1;
    const char *why;
    void *p;
    ts_err e;

    t->rule_cap = m->read_count + m->write_count + m->exec_count +
                  (uint32_t)TOOL_RUNTIME_COUNT + 4 + SPACE_RULES_MAX;
    e = ts_arena_array(&o->set->arena, t->rule_cap, sizeof(*t->rules), &p);
    if (e != TS_OK)
        return tool_fail(o, "exec", m->exec, ts_err_text(e));
    t->rules = p;
    if (image_open(m->exec, given, &o->set->host.key, &o->set->arena, &t->image,
                   &why) != TS_OK) {
        t->image =
            (struct image){.file.fd = -1, .interp.fd = -1, .loader_fd = -1};
        (void)snprintf(o->text, o->cap, "%.*s:%u: exec: %s", (int)m->file.len,
                       m->file.ptr, manifest_key_line(m, "exec"),
                       why); /* has the path */
        return TS_E_INVALID;
    }
    if ((e = open_cwd(o)) != TS_OK)
        return e;
    if (m->resource_root.len > 0 &&
        (e = open_path(o, "resource", m->resource_root, O_DIRECTORY,
                       &t->root_fd)) != TS_OK)
        return e;
    if (m->scratch.len > 0 &&
        (e = open_path(o, "scratch", m->scratch, O_DIRECTORY,
                       &t->scratch_fd)) != TS_OK)
        return e;
    if ((e = add_rules(o)) != TS_OK)
        return e;
    if ((e = tool_make_env(o)) != TS_OK)
        return e;
    if ((e = load_secrets(o)) != TS_OK)
        return e;
    return tool_host_refuses(m, &t->image, &o->set->host, o->text, o->cap)
               ? TS_E_UNSUPPORTED
               : TS_OK;
}

static void close_tool(struct tool *t)
{
    image_done(&t->image);
    secrets_free(t->secrets);
    t->secrets = NULL;
    ts_fd_close(&t->root_fd);
    ts_fd_close(&t->cwd_fd);
    ts_fd_close(&t->scratch_fd);
    ts_fd_close(&t->ruleset);
    for (uint32_t i = 0; i < t->rule_count; i++) {
        if (!t->rules[i].is_shared)
            ts_fd_close(&t->rules[i].fd);
    }
    t->rule_count = 0;
}

static const struct tool closed = {.image.file.fd = -1,
                                   .image.interp.fd = -1,
                                   .image.loader_fd = -1,
                                   .root_fd = -1,
                                   .cwd_fd = -1,
                                   .scratch_fd = -1,
                                   .ruleset = -1};

/* Closes what was opened of it and takes note of why it is not served. */
static ts_err mark(struct toolset *s, struct tool *t, const char *text)
{
    const struct manifest *m = t->m;
    char shown[TOOL_WHY_MAX];
    const char *copy;
    ts_err e;

    close_tool(t);
    *t = closed;
    t->m = m;
    (void)ts_str_show(shown, sizeof(shown), text, strlen(text));
    log_event(LOG_ERROR, "tool_refused text=\"%s\"", shown);
    e = ts_arena_strndup(&s->arena, shown, strlen(shown), &copy);
    if (e == TS_OK)
        t->unavailable = copy;
    return e;
}

static ts_err serve_tool(struct toolset *s, struct tool *t)
{
    char text[TOOL_WHY_MAX] = "";
    struct opener o = {.set = s, .tool = t, .text = text, .cap = sizeof(text)};

    return open_tool(&o) == TS_OK ? TS_OK : mark(s, t, text);
}

/* A tool that needs a full box, by its level or by a layer, and none can be
 * made for it. */
static ts_err need_space(struct toolset *s, struct tool *t)
{
    const struct manifest *m = t->m;
    struct level_offer less = *s->host.offer;
    char text[TOOL_WHY_MAX];
    uint32_t missing = 0;
    const char *key;

    if (t->env == NULL || t->box != NULL)
        return TS_OK;
    less.given[BOX_FULL] = less.given[BOX_STRICT] = false;
    if (tool_host_gives(m, &less, s->host.most, &missing))
        return TS_OK;
    key = m->box >= BOX_FULL            ? "sandbox"
          : s->host.offer->demands != 0 ? "seccomp"
                                        : "require";
    (void)snprintf(text, sizeof(text),
                   "%.*s:%u: %s: no box of its own can be made for this "
                   "tool: %s",
                   (int)m->file.len, m->file.ptr, manifest_key_line(m, key),
                   key,
                   t->why_no_box != NULL ? t->why_no_box : "not given here");
    return mark(s, t, text);
}

uint32_t toolset_unavailable(const struct toolset *s, char *text, size_t cap)
{
    uint32_t n = 0;
    size_t at = 0;

    text[0] = '\0';
    for (uint32_t i = 0; i < s->manifests->count; i++) {
        const char *why = s->tools[i].unavailable;

        if (why == NULL)
            continue;
        n++;
        if (at + strlen(why) + 2 > cap)
            continue;
        at += (size_t)snprintf(text + at, cap - at, "%s%s", at > 0 ? "\n" : "",
                               why);
    }
    return n;
}

static void close_runtime(struct toolset *s)
{
    for (size_t k = 0; k < TOOL_RUNTIME_COUNT; k++)
        ts_fd_close(&s->runtime[k]);
}

/* The manifests stay the caller's. */
static ts_err give_up(struct toolset *s, ts_err e)
{
    for (uint32_t i = 0; i < s->manifests->count; i++)
        close_tool(&s->tools[i]);
    space_set_free(s->spaces);
    close_runtime(s);
    ts_arena_done(&s->arena);
    ts_mem_free(s);
    return e;
}

ts_err toolset_open(struct manifests *m, const struct tool_host *host,
                    struct toolset **ret, char *reterr_text, size_t reterr_cap)
{
    struct toolset *s = ts_mem_alloc(sizeof(*s));
    void *p;
    ts_err e = TS_E_NOMEM;

    (void)snprintf(reterr_text, reterr_cap, "tools:1: out of memory");
    if (s == NULL)
        return e;
    ts_arena_init(&s->arena, TOOLSET_BUDGET);
    s->host = *host;
    e = ts_arena_array(&s->arena, (size_t)m->count + 1, sizeof(*s->tools), &p);
    if (e != TS_OK) {
        ts_mem_free(s);
        return e;
    }
    s->tools = p;
    s->manifests = m;
    for (size_t k = 0; k < TOOL_RUNTIME_COUNT; k++)
        s->runtime[k] = open(runtime[k].path, O_PATH | O_CLOEXEC);
    for (uint32_t i = 0; i < m->count; i++)
        s->tools[i] = closed;
    e = path_roots_of(m, &s->arena, &s->written);
    for (uint32_t i = 0; i < m->count && e == TS_OK; i++) {
        s->tools[i].m = &m->list[i];
        if (m->list[i].launcher != host->index)
            continue;
        e = serve_tool(s, &s->tools[i]);
    }
    if (e != TS_OK)
        return give_up(s, e);
    toolset_make_spaces(s);
    for (uint32_t i = 0; i < m->count && e == TS_OK; i++)
        e = need_space(s, &s->tools[i]);
    if (e != TS_OK)
        return give_up(s, e);
    for (uint32_t i = 0; i < m->count; i++) {
        if (s->tools[i].env != NULL)
            tool_refill(s, &s->tools[i]);
    }
    *ret = s;
    return TS_OK;
}

void toolset_free(struct toolset *s)
{
    if (s == NULL)
        return;
    for (uint32_t i = 0; i < s->manifests->count; i++)
        close_tool(&s->tools[i]);
    space_set_free(s->spaces);
    close_runtime(s);
    manifests_free(s->manifests);
    ts_arena_done(&s->arena);
    ts_mem_free(s);
}

bool toolset_has_proxy(const struct toolset *s)
{
    for (uint32_t i = 0; i < s->manifests->count; i++) {
        if (s->tools[i].env != NULL &&
            s->manifests->list[i].network.mode == NETWORK_PROXY)
            return true;
    }
    return false;
}

struct tool *toolset_find(struct toolset *s, const struct manifest *m)
{
    return &s->tools[m - s->manifests->list];
}

static ts_err make_ruleset(const struct toolset *s, const struct tool *t,
                           bool is_strict, int *ret, int *reterr_errno)
{
    int fd = -1;
    const struct manifest *m = &s->manifests->list[t - s->tools];
    ts_err e = landlock_make(s->host.abi, &fd, reterr_errno);

    if (e == TS_OK && m->network.mode == NETWORK_PROXY)
        e = landlock_grant_port(fd, s->host.abi, SPACE_NET_PORT, reterr_errno);
    for (uint32_t i = 0; i < t->rule_count && e == TS_OK; i++) {
        const struct tool_rule *r = &t->rules[i];
        uint64_t access = r->access;

        if (is_strict && !r->is_program)
            access &= ~LL_EXECUTE;
        e = landlock_grant(fd, s->host.abi, r->fd, r->is_dir, access,
                           reterr_errno);
    }
    if (e != TS_OK)
        ts_fd_close(&fd);
    else
        *ret = fd;
    return e;
}

ts_err tool_ruleset(const struct toolset *s, struct tool *t, bool wants_own,
                    bool is_strict, int *ret_fd, bool *ret_is_shared,
                    int *reterr_errno)
{
    int fd = is_strict ? -1 : t->ruleset;
    ts_err e = TS_OK;

    if (fd < 0 &&
        (e = make_ruleset(s, t, is_strict, &fd, reterr_errno)) != TS_OK)
        return e;
    if (is_strict)
        wants_own = true; /* made for this call */
    else
        t->ruleset = wants_own ? -1 : fd;
    *ret_fd = fd;
    *ret_is_shared = !wants_own;
    return TS_OK;
}

void tool_refill(const struct toolset *s, struct tool *t)
{
    int fd = -1, err = 0;

    if (t->ruleset < 0 && s->host.abi > 0 &&
        make_ruleset(s, t, false, &fd, &err) == TS_OK)
        t->ruleset = fd; /* else the call itself meets and reports the error */
}
