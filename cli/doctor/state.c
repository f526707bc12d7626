#include "cli/doctor/state.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sidecar/common/control/control.h"

#define ROOTS_MAX                                                              \
    256 /* places that tools may write to; more are not compared */

struct root {
    char path[PATH_MAX]; /* without links */
    struct ts_str tool;
};

struct look {
    const struct config *c;
    struct state *s;
    uid_t tool_uid; /* whom a tool that writes runs as, and its group */
    gid_t tool_gid;
    struct root *roots; /* ROOTS_MAX */
    uint32_t root_count;
};

TS_PRINTF(3, 4)
static void remark(struct state *s, bool is_fault, const char *fmt, ...)
{
    struct state_remark *r = &s->list[s->count];
    char text[sizeof(r->text)];
    va_list ap;

    if (s->count == STATE_REMARKS_MAX) {
        s->left_out++;
        return;
    }
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    r->is_fault = is_fault;
    (void)ts_str_escape(r->text, sizeof(r->text), text, strlen(text));
    s->count++;
}

bool state_is_faulty(const struct state *s)
{
    for (uint32_t i = 0; i < s->count; i++) {
        if (s->list[i].is_fault)
            return true;
    }
    return false;
}

bool state_may(uid_t uid, gid_t gid, uid_t owner, gid_t group, mode_t mode,
               unsigned rights)
{
    unsigned shift = uid == owner ? 6 : gid == group ? 3 : 0;

    return uid == 0 || ((mode >> shift) & rights) == rights;
}

bool state_is_beneath(const char *path, const char *folder)
{
    size_t n = strlen(folder);

    if (n == 1) /* "/" */
        return path[0] == '/';
    return strncmp(path, folder, n) == 0 && (path[n] == '\0' || path[n] == '/');
}

/* ---- the service's own folders ------------------------------------------- */

/* Calls of each folder above path, the outermost first, and of path itself if
 * `whole`. Stops at what is not there. */
static void each_folder(const char *path, bool whole,
                        void (*fn)(void *arg, const char *folder,
                                   const struct stat *st),
                        void *arg)
{
    char part[PATH_MAX];
    size_t n = strlen(path);
    struct stat st;

    if (n == 0 || n >= sizeof(part))
        return;
    for (size_t i = 1; i <= n; i++) {
        if (path[i] != '/' && path[i] != '\0' && i > 1)
            continue;
        if (path[i] == '\0' && !whole)
            return;
        memcpy(part, path, i);
        part[i] = '\0';
        if (stat(part, &st) != 0)
            return;
        fn(arg, part, &st);
    }
}

struct parents {
    struct look *l;
    const char *what, *path;
    bool is_said;
};

/* Not the hook's: what is that user's, a command of the operator's may change.
 */
static bool is_ours(const struct config *c, uid_t uid)
{
    bool ours = uid == 0 || uid == geteuid();

    for (size_t i = 0; c->change_users && i < CONFIG_USER_HOOK; i++)
        ours = ours || (c->users[i].uid == uid && uid != 0);
    return ours;
}

/* Who may write to a folder may put another one in the place of what is in it,
 * but in one with the sticky bit. */
static void look_at_parent(void *arg, const char *folder, const struct stat *st)
{
    struct parents *p = arg;

    if (p->is_said)
        return;
    p->is_said = true;
    if ((st->st_mode & S_IWOTH) != 0 && (st->st_mode & S_ISVTX) == 0)
        remark(p->l->s, true,
               "%s %s: everybody may write to %s and so replace it; chmod o-w "
               "%s",
               p->what, p->path, folder, folder);
    else if (!is_ours(p->l->c, st->st_uid))
        remark(p->l->s, false,
               "%s %s: user %u owns %s and so may replace it; give it to root",
               p->what, p->path, (unsigned)st->st_uid, folder);
    else
        p->is_said = false;
}

static void look_above(struct look *l, const char *what, const char *path,
                       bool whole)
{
    struct parents p = {.l = l, .what = what, .path = path};

    each_folder(path, whole, look_at_parent, &p);
}

/* As supervisor/dirs.c takes it: made where it is missing, root's or the
 * recorder's. */
static void look_at_own(struct look *l, const char *what, const char *path)
{
    const struct config_user *u = &l->c->users[CONFIG_USER_RECORDER];
    struct stat st;

    look_above(l, what, path, false);
    if (lstat(path, &st) != 0) {
        if (errno != ENOENT)
            remark(l->s, true, "%s %s: %s", what, path, strerror(errno));
        return;
    }
    if (!S_ISDIR(st.st_mode))
        remark(l->s, true, "%s %s: not a folder%s", what, path,
               S_ISLNK(st.st_mode) ? " but a link, which is not followed" : "");
    else if (st.st_uid != 0 && st.st_uid != geteuid() &&
             !(l->c->change_users && st.st_uid == u->uid))
        remark(l->s, true,
               "%s %s: belongs to user %u, and the service does not start; "
               "remove it, or chown it to the user of the service",
               what, path, (unsigned)st.st_uid);
    else if ((st.st_mode & S_IWOTH) != 0)
        remark(l->s, true, "%s %s: everybody may write to it; chmod o-w %s",
               what, path, path);
}

/* ---- what tools work in -------------------------------------------------- */

static bool real(struct ts_str path, char out[PATH_MAX])
{
    char name[PATH_MAX];

    if (path.len == 0 || path.len >= sizeof(name))
        return false;
    memcpy(name, path.ptr, path.len);
    name[path.len] = '\0';
    return realpath(name, out) != NULL;
}

struct access {
    const struct look *l;
    unsigned rights; /* wanted of the last */
    const char *last;
    char missing[PATH_MAX]; /* where they are not; "" */
};

static void check_access(void *arg, const char *folder, const struct stat *st)
{
    struct access *a = arg;
    unsigned rights = strcmp(folder, a->last) == 0 ? a->rights : 1;

    if (a->missing[0] == '\0' &&
        !state_may(a->l->tool_uid, a->l->tool_gid, st->st_uid, st->st_gid,
                   st->st_mode, rights))
        (void)snprintf(a->missing, sizeof(a->missing), "%s", folder);
}

/* Whether a tool gets there, as whom it runs. What the manifest names and is
 * not there the launcher has refused already. */
static void look_at_place(struct look *l, const struct manifest *m,
                          const char *key, struct ts_str path, bool writes)
{
    char at[PATH_MAX];
    struct access a = {.l = l, .last = at};
    struct stat st;

    if (!real(path, at) || stat(at, &st) != 0)
        return;
    a.rights = (writes ? 6u : 4u) | (S_ISDIR(st.st_mode) ? 1u : 0u);
    each_folder(at, true, check_access, &a);
    if (a.missing[0] == '\0')
        return;
    remark(l->s, false,
           "%.*s:%u: %s: tools run as user %u%s and group %u, and may not %s "
           "%s; chgrp %u and chmod g+%s there",
           (int)m->file.len, m->file.ptr, manifest_key_line(m, key), key,
           (unsigned)l->tool_uid,
           l->c->sandbox.uid_count > 0 ? " (or another)" : "",
           (unsigned)l->tool_gid,
           strcmp(a.missing, at) != 0 ? "search"
           : writes                   ? "write to"
                                      : "read",
           a.missing, (unsigned)l->tool_gid,
           strcmp(a.missing, at) != 0 ? "x"
           : writes                   ? "rwX"
                                      : "rX");
}

static void add_root(struct look *l, const struct manifest *m,
                     struct ts_str path)
{
    if (l->root_count < ROOTS_MAX && real(path, l->roots[l->root_count].path))
        l->roots[l->root_count++].tool = m->tool;
}

static void look_at_places(struct look *l, const struct manifest *m)
{
    bool writes = m->access == ACCESS_WRITE;

    look_at_place(l, m, "resource", m->resource_root, writes);
    if (writes)
        add_root(l, m, m->resource_root);
    for (uint32_t i = 0; i < m->read_count; i++)
        look_at_place(l, m, "read_paths", m->read_paths[i], false);
    for (uint32_t i = 0; i < m->write_count; i++) {
        look_at_place(l, m, "write_paths", m->write_paths[i], true);
        add_root(l, m, m->write_paths[i]);
    }
}

/* ---- what tools could replace -------------------------------------------- */

static const struct root *root_over(const struct look *l, const char *path)
{
    for (uint32_t i = 0; i < l->root_count; i++) {
        if (state_is_beneath(path, l->roots[i].path))
            return &l->roots[i];
    }
    return NULL;
}

static void look_at_program(struct look *l, const struct manifest *m)
{
    const struct root *r;
    char at[PATH_MAX];

    if (m->has_program_digest || !real(m->exec, at) ||
        (r = root_over(l, at)) == NULL)
        return;
    remark(l->s, true,
           "%.*s:%u: exec: %s lies beneath %s, where %.*s writes, and so "
           "another program may take its place before the next load; write "
           "its digest: into the manifest, or put it elsewhere",
           (int)m->file.len, m->file.ptr, manifest_key_line(m, "exec"), at,
           r->path, (int)r->tool.len, r->tool.ptr);
}

static void look_at_reach(struct look *l, const char *what, const char *path)
{
    const struct root *r;
    struct ts_str upper = ts_str_of(path); /* of what is made at the start */
    char at[PATH_MAX];

    while (upper.len > 1 && !real(upper, at)) {
        do
            upper.len--;
        while (upper.len > 1 && upper.ptr[upper.len] != '/');
    }
    if (upper.len <= 1 || (r = root_over(l, at)) == NULL)
        return;
    remark(l->s, true,
           "%s %s lies beneath %s, where %.*s writes: a tool could change what "
           "decides about it",
           what, path, r->path, (int)r->tool.len, r->tool.ptr);
}

/* Whom a tool that writes runs as (launcher/start/uids.h). */
static void choose_ids(struct look *l)
{
    const struct config *c = l->c;
    const struct config_user *u = &c->users[CONFIG_USER_LAUNCHER];
    bool own = c->sandbox.uid_count > 0 && c->sandbox.most != BOX_BARE;

    l->tool_uid = own               ? c->sandbox.uid_first
                  : c->change_users ? u->uid
                                    : geteuid();
    l->tool_gid = c->change_users ? u->gid : getegid();
}

void state_look(const struct config *c, const char *dir,
                const struct manifests *m, struct state *ret)
{
    static struct root roots[ROOTS_MAX]; /* too large for the stack */
    struct look l = {.c = c, .s = ret, .roots = roots};
    char config[PATH_MAX];

    *ret = (struct state){0};
    choose_ids(&l);
    look_at_own(&l, "run_dir", c->run_dir);
    look_at_own(&l, "state_dir", c->state_dir);
    look_at_own(&l, "log_dir", c->log_dir);
    if (realpath(dir, config) != NULL)
        look_above(&l, "the configuration", config, true);
    for (uint32_t i = 0; m != NULL && i < m->count; i++)
        look_at_places(&l, &m->list[i]);
    for (uint32_t i = 0; m != NULL && i < m->count; i++)
        look_at_program(&l, &m->list[i]);
    look_at_reach(&l, "the configuration", dir);
    look_at_reach(&l, "run_dir", c->run_dir);
    look_at_reach(&l, "state_dir", c->state_dir);
    look_at_reach(&l, "log_dir", c->log_dir);
}
