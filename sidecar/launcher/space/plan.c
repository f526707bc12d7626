#include "sidecar/launcher/space/plan.h"

#include <stdio.h>
#include <string.h>

#include "sidecar/launcher/space/space.h"

#define DEPTH_MAX 128 /* nested paths of one tool */

bool plan_is_beneath(const char *path, const char *dir)
{
    size_t n = strlen(dir);

    if (n == 1)
        return true; /* of "/" everything is */
    return strncmp(path, dir, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

/* "/" sorts before every other byte, so that a folder is followed by what is
 * beneath it and by nothing else. */
static int path_order(const char *a, const char *b)
{
    while (*a == *b && *a != '\0') {
        a++;
        b++;
    }
    int x = *a == '/' ? 1 : *a == '\0' ? 0 : 2 + (unsigned char)*a;
    int y = *b == '/' ? 1 : *b == '\0' ? 0 : 2 + (unsigned char)*b;

    return x - y;
}

/* What a full box has of its own there would be hidden, or is the kernel's. */
static const char *refused(const struct plan_input *i)
{
    static const char *const kernel[] = {"/proc", "/sys", "/dev"};

    if (i->real[0] != '/')
        return "it is not in this file system any more";
    if (i->real[1] == '\0')
        return i->flags == SPACE_PLACE
                   ? NULL
                   : "a full box cannot be given the whole file system; name "
                     "the folders that the tool needs";
    for (size_t k = 0; k < sizeof(kernel) / sizeof(kernel[0]); k++) {
        if (plan_is_beneath(i->real, kernel[k]) ||
            plan_is_beneath(i->path, kernel[k]))
            return "a full box has /proc and /dev of its own and no /sys; "
                   "name /proc itself, leave it out, or use \"sandbox: uid\"";
    }
    if (strcmp(i->real, "/run") == 0 || plan_is_beneath(i->real, "/run/call") ||
        plan_is_beneath(i->real, "/run/kernel"))
        return "a full box has /run of its own; name the folder beneath it "
               "that the tool needs";
    return NULL;
}

static bool may_run(uint32_t flags)
{
    return (flags & SPACE_WRITE) == 0 ||
           (flags & (SPACE_EXEC | SPACE_RUN)) != 0;
}

/* What is mounted there already gives all that is wanted. */
static bool covers(const struct plan_mount *outer, uint32_t flags)
{
    if (flags == SPACE_PLACE)
        return true;
    if (outer->flags == SPACE_PLACE)
        return false;
    if ((flags & SPACE_RUN) != 0 && !may_run(outer->flags))
        return false;
    return ((flags & ~outer->flags) & (SPACE_WRITE | SPACE_EXEC)) == 0;
}

/* Insertion sort: the lists are short, and mostly sorted. */
static void sort_mounts(struct plan_mount *m, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        struct plan_mount x = m[i];
        uint32_t k = i;

        for (; k > 0 && path_order(m[k - 1].at, x.at) > 0; k--)
            m[k] = m[k - 1];
        m[k] = x;
    }
}

static void sort_links(struct plan_link *l, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        struct plan_link x = l[i];
        uint32_t k = i;

        for (; k > 0 && path_order(l[k - 1].at, x.at) > 0; k--)
            l[k] = l[k - 1];
        l[k] = x;
    }
}

/* The same place twice is one mount with what both want. */
static uint32_t merge_equal(struct plan_mount *m, uint32_t count)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < count; i++) {
        if (n > 0 && strcmp(m[n - 1].at, m[i].at) == 0) {
            m[n - 1].flags |= m[i].flags;
            continue;
        }
        m[n++] = m[i];
    }
    for (uint32_t i = 0; i < n; i++) {
        if (m[i].flags != SPACE_PLACE)
            m[i].flags &= ~(uint32_t)SPACE_PLACE;
    }
    return n;
}

static enum plan_place place_of(const struct plan_mount *outer, const char *at)
{
    if (outer != NULL && outer->flags != SPACE_PLACE)
        return PLAN_IN_MOUNT;
    return plan_is_beneath(at, "/etc") && at[4] != '\0' ? PLAN_IN_ETC
                                                        : PLAN_IN_ROOT;
}

/* Drops what is covered; mounts are sorted. */
static ts_err nest(struct space_plan *p, uint32_t *reterr_from)
{
    const struct plan_mount *outer[DEPTH_MAX];
    uint32_t depth = 0, n = 0;

    for (uint32_t i = 0; i < p->mount_count; i++) {
        struct plan_mount m = p->mounts[i];

        while (depth > 0 && !plan_is_beneath(m.at, outer[depth - 1]->at))
            depth--;
        if (depth > 0 && covers(outer[depth - 1], m.flags))
            continue;
        if (depth == DEPTH_MAX) {
            *reterr_from = m.from;
            return TS_E_LIMIT;
        }
        m.place = place_of(depth > 0 ? outer[depth - 1] : NULL, m.at);
        m.where = m.at;
        p->mounts[n] = m;
        if (m.flags != SPACE_PLACE)
            outer[depth++] = &p->mounts[n];
        n++;
    }
    p->mount_count = n;
    return TS_OK;
}

static void add(struct space_plan *p, const struct plan_input *i)
{
    if (i->flags == SPACE_PLACE && strcmp(i->real, "/tmp") == 0)
        return; /* the private one is meant */
    if (strcmp(i->real, "/") != 0)
        p->mounts[p->mount_count++] = (struct plan_mount){.at = i->real,
                                                          .flags = i->flags,
                                                          .from = i->from,
                                                          .dev = i->dev,
                                                          .ino = i->ino,
                                                          .is_dir = i->is_dir};
    if (strcmp(i->real, i->path) != 0)
        p->links[p->link_count++] =
            (struct plan_link){.at = i->path,
                               .to = i->real,
                               .from = i->from,
                               .dev = i->dev,
                               .ino = i->ino,
                               .is_place = i->flags == SPACE_PLACE};
    if (strcmp(i->real, "/tmp") == 0)
        p->tmp_is_folder = true;
}

static const char tmp[] = "/tmp/";

static bool in_tmp(const struct space_plan *p, const char *path)
{
    return !p->tmp_is_folder && strncmp(path, tmp, sizeof(tmp) - 1) == 0;
}

static ts_err add_inner(struct space_plan *p, enum space_inner_kind kind,
                        const char *at, const char *from)
{
    for (uint32_t i = 0; i < p->inner_count; i++) {
        if (p->inner[i].kind == kind && strcmp(p->inner[i].at, at) == 0)
            return TS_OK;
    }
    if (p->inner_count == SPACE_INNER_MAX)
        return TS_E_LIMIT;
    p->inner[p->inner_count++] =
        (struct space_inner){.kind = kind, .at = at, .from = from};
    return TS_OK;
}

/* The folders on the way to at, itself not. */
static ts_err add_parents(struct ts_arena *arena, struct space_plan *p,
                          const char *at)
{
    for (const char *s = strchr(at, '/'); s != NULL; s = strchr(s + 1, '/')) {
        const char *dir;
        ts_err e = ts_arena_strndup(arena, at, (size_t)(s - at), &dir);

        if (e == TS_OK)
            e = add_inner(p, INNER_FOLDER, dir, NULL);
        if (e != TS_OK)
            return e;
    }
    return TS_OK;
}

static ts_err join_text(struct ts_arena *arena, const char *a, const char *b,
                        const char **ret)
{
    size_t n = strlen(a), k = strlen(b);
    void *p;
    ts_err e = ts_arena_alloc(arena, n + k + 1, &p);

    if (e != TS_OK)
        return e;
    memcpy(p, a, n);
    memcpy((char *)p + n, b, k + 1);
    *ret = p;
    return TS_OK;
}

/* A mount beneath /tmp goes to the stash, and each private /tmp gets a link to
 * it; what lies in another such mount follows it. */
static ts_err stash_mount(struct ts_arena *arena, struct space_plan *p,
                          struct plan_mount *m)
{
    const char *at = m->at + sizeof(tmp) - 1;
    ts_err e = join_text(arena, PLAN_STASH, m->at, &m->where);

    if (e != TS_OK || m->place == PLAN_IN_MOUNT)
        return e;
    if ((e = add_parents(arena, p, at)) != TS_OK)
        return e;
    return m->flags == SPACE_PLACE ? add_inner(p, INNER_FOLDER, at, NULL)
                                   : add_inner(p, INNER_LINK, at, m->where);
}

/* A path that is mounted, or in one that is. */
static bool is_mounted(const struct space_plan *p, const char *path)
{
    for (uint32_t i = 0; i < p->mount_count; i++) {
        if (p->mounts[i].flags != SPACE_PLACE &&
            plan_is_beneath(path, p->mounts[i].at))
            return true;
    }
    return false;
}

ts_err plan_inside(struct ts_arena *arena, const struct space_plan *p,
                   const char *real, const char **ret)
{
    if (p->tmp_is_folder || !plan_is_beneath(real, "/tmp")) {
        *ret = real;
        return TS_OK;
    }
    if (is_mounted(p, real))
        return join_text(arena, PLAN_STASH, real, ret);
    return join_text(arena, SPACE_TMP, real + sizeof(tmp) - 2, ret);
}

/* A link beneath another link of /tmp: through that one it must lead to where
 * it leads (then it needs no link of its own), or the two cannot both be. */
static ts_err follow(struct ts_arena *arena, const struct space_plan *p,
                     const struct plan_link *l, bool *ret_follows)
{
    const char *at = l->at + sizeof(tmp) - 1;

    *ret_follows = false;
    for (uint32_t i = 0; i < p->inner_count; i++) {
        const char *led;
        ts_err e;

        if (p->inner[i].kind != INNER_LINK ||
            !plan_is_beneath(at, p->inner[i].at))
            continue;
        e = join_text(arena, p->inner[i].from, at + strlen(p->inner[i].at),
                      &led);
        if (e != TS_OK)
            return e;
        *ret_follows = strcmp(led, l->to) == 0;
        return *ret_follows ? TS_OK : TS_E_LIMIT;
    }
    return TS_OK;
}

static ts_err add_link(struct ts_arena *arena, struct space_plan *p,
                       const struct plan_link *l)
{
    const char *at = l->at + sizeof(tmp) - 1;
    bool follows;
    ts_err e;

    if (is_mounted(p, l->at))
        return TS_OK; /* there with what it lies in */
    e = follow(arena, p, l, &follows);
    if (e != TS_OK || follows)
        return e;
    e = add_parents(arena, p, at);
    return e == TS_OK ? add_inner(p, INNER_LINK, at, l->to) : e;
}

static ts_err stash(struct ts_arena *arena, struct space_plan *p,
                    uint32_t *reterr_from)
{
    uint32_t links = 0;
    ts_err e = TS_OK;

    for (uint32_t i = 0; i < p->mount_count && e == TS_OK; i++) {
        *reterr_from = p->mounts[i].from;
        if (in_tmp(p, p->mounts[i].at))
            e = stash_mount(arena, p, &p->mounts[i]);
    }
    for (uint32_t i = 0; i < p->link_count && e == TS_OK; i++) {
        const struct plan_link *l = &p->links[i];

        *reterr_from = l->from;
        if (!in_tmp(p, l->at))
            p->links[links++] = *l;
        else
            e = add_link(arena, p, l);
    }
    p->link_count = links;
    return e;
}

ts_err plan_make(struct ts_arena *arena, const struct plan_input *inputs,
                 uint32_t count, struct space_plan *ret,
                 const char **reterr_why, uint32_t *reterr_which)
{
    struct space_plan p = {0};
    void *mounts, *links, *inner;
    ts_err e;

    if ((e = ts_arena_array(arena, (size_t)count + 1, sizeof(*p.mounts),
                            &mounts)) != TS_OK ||
        (e = ts_arena_array(arena, (size_t)count + 1, sizeof(*p.links),
                            &links)) != TS_OK ||
        (e = ts_arena_array(arena, SPACE_INNER_MAX, sizeof(*p.inner),
                            &inner)) != TS_OK)
        return e;
    p.inner = inner;
    p.mounts = mounts;
    p.links = links;
    for (uint32_t i = 0; i < count; i++) {
        const char *why = refused(&inputs[i]);

        if (why != NULL) {
            *reterr_why = why;
            *reterr_which = inputs[i].from;
            return TS_E_INVALID;
        }
        add(&p, &inputs[i]);
    }
    sort_mounts(p.mounts, p.mount_count);
    p.mount_count = merge_equal(p.mounts, p.mount_count);
    sort_links(p.links, p.link_count);
    *reterr_why = "too many paths lie beneath each other";
    e = nest(&p, reterr_which);
    if (e == TS_OK) {
        *reterr_why =
            "too many paths lie beneath /tmp, or by way of links in each other";
        e = stash(arena, &p, reterr_which);
    }
    if (e != TS_OK)
        return e == TS_E_LIMIT ? TS_E_INVALID : e;
    *ret = p;
    return TS_OK;
}

bool plan_equal(const struct space_plan *a, const struct space_plan *b)
{
    if (a->mount_count != b->mount_count || a->link_count != b->link_count ||
        a->inner_count != b->inner_count ||
        a->tmp_is_folder != b->tmp_is_folder)
        return false;
    for (uint32_t i = 0; i < a->inner_count; i++) {
        const struct space_inner *x = &a->inner[i], *y = &b->inner[i];

        if (x->kind != y->kind || strcmp(x->at, y->at) != 0 ||
            (x->kind == INNER_LINK && strcmp(x->from, y->from) != 0))
            return false;
    }
    for (uint32_t i = 0; i < a->mount_count; i++) {
        const struct plan_mount *x = &a->mounts[i], *y = &b->mounts[i];

        if (x->flags != y->flags || x->dev != y->dev || x->ino != y->ino ||
            strcmp(x->at, y->at) != 0)
            return false;
    }
    for (uint32_t i = 0; i < a->link_count; i++) {
        const struct plan_link *x = &a->links[i], *y = &b->links[i];

        if (x->dev != y->dev || x->ino != y->ino || strcmp(x->at, y->at) != 0)
            return false;
    }
    return true;
}

static uint64_t mix(uint64_t h, const char *s)
{
    for (; *s != '\0'; s++)
        h = (h ^ (unsigned char)*s) * 0x100000001b3ull; /* FNV-1a */
    return h * 0x100000001b3ull;
}

uint64_t plan_hash(const struct space_plan *p)
{
    uint64_t h = 0xcbf29ce484222325ull;

    for (uint32_t i = 0; i < p->mount_count; i++)
        h = mix(h, p->mounts[i].at) ^ p->mounts[i].flags ^ p->mounts[i].ino;
    for (uint32_t i = 0; i < p->link_count; i++)
        h = mix(h, p->links[i].at);
    return h;
}
