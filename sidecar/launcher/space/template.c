/* In the helper: one mount namespace after the other. */
#include "sidecar/launcher/space/template.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sidecar/launcher/space/common.h"
#include "sidecar/launcher/space/helper.h"

#define READ_ONLY (MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)

struct maker {
    struct mounter m;
    const struct template_job *job;
    int sock;
    int proc;      /* O_PATH of the host's /proc */
    int base;      /* the namespace that every template starts as a copy of */
    uint32_t from; /* which path of the want failed */
};

static void shut(long fd)
{
    if (fd >= 0)
        (void)raw_call3(SYS_close, fd, 0, 0);
}

static long in_namespace(struct maker *k)
{
    long rc = filter_call4(k->m.key, SYS_setns, k->base, CLONE_NEWNS, 0, 0);

    if (rc < 0) {
        k->m.step = "setns";
        return rc;
    }
    rc = filter_call4(k->m.key, SYS_unshare, CLONE_NEWNS, 0, 0, 0);
    if (rc < 0)
        k->m.step = "unshare";
    return rc;
}

static long own_namespace(const struct maker *k)
{
    return raw_call6(SYS_openat, k->proc, raw_ptr("self/ns/mnt"),
                     O_RDONLY | O_CLOEXEC, 0, 0, 0);
}

/* Of a copy: private, and without what a box must not do there. */
static long bind(struct maker *k, int root, const char *source,
                 const char *place, unsigned attributes)
{
    struct mounter *m = &k->m;
    long rc, at = -1, tree = -1,
             from = mounts_open(m, AT_FDCWD, source, O_PATH | O_DIRECTORY);

    rc = from;
    if (rc >= 0)
        rc = tree = mounts_clone(m, (int)from, attributes);
    if (rc >= 0)
        rc = at = mounts_make(m, root, place, true);
    if (rc >= 0)
        rc = mounts_put(m, (int)tree, (int)at);
    shut(at);
    shut(tree);
    shut(from);
    return rc;
}

/* What every template has. */
static long furnish(struct maker *k, int root, const struct space_plan *p)
{
    struct mounter *m = &k->m;
    long rc;

    if ((rc = bind(k, root, COMMON_ETC, "etc", READ_ONLY)) < 0 ||
        (rc = bind(k, root, COMMON_DEVICES, "dev",
                   MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC)) <
            0)
        return rc;
    rc = mounts_make(m, root, &SPACE_TMP[1], true);
    shut(rc);
    if (rc < 0)
        return rc;
    if (k->job->b->proc_below)
        rc = bind(k, root, "/proc", &SPACE_PROC[1],
                  READ_ONLY | MOUNT_ATTR_NOEXEC);
    else
        shut(rc = mounts_make(m, root, &SPACE_PROC[1], true));
    if (rc < 0)
        return rc;
    if (p->tmp_is_folder)
        shut(rc = mounts_make(m, root, "tmp", true));
    else
        rc = mounts_link(m, root, "tmp", SPACE_TMP);
    return rc < 0 ? rc : mounts_link(m, root, "proc", SPACE_PROC);
}

static unsigned attributes_of(uint32_t flags)
{
    unsigned a = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;

    if ((flags & SPACE_WRITE) == 0)
        return a | MOUNT_ATTR_RDONLY;
    return (flags & (SPACE_EXEC | SPACE_RUN)) != 0 ? a : a | MOUNT_ATTR_NOEXEC;
}

/* The source, by a walk without links, and the very inode that was pinned:
 * whoever renames things meanwhile gets an error, not another mount. */
static long open_source(struct maker *k, const struct plan_mount *p)
{
    long fd = mounts_open(&k->m, AT_FDCWD, p->at, O_PATH);
    struct stat st;

    if (fd < 0)
        return fd;
    if (fstat((int)fd, &st) != 0 || st.st_dev != p->dev ||
        st.st_ino != p->ino) {
        shut(fd);
        k->m.step = "changed";
        return -ESTALE;
    }
    return fd;
}

/* Nothing is ever created in a folder of the host's. */
static long open_place(struct maker *k, int root, const struct plan_mount *p)
{
    static const char etc[] = "/etc/";
    struct mounter *m = &k->m;
    long fd, common;

    if (p->place == PLAN_IN_ROOT)
        return mounts_make(m, root, p->where + 1, p->is_dir);
    if (p->place == PLAN_IN_ETC) {
        common = mounts_open(m, AT_FDCWD, COMMON_ETC, O_PATH | O_DIRECTORY);
        if (common < 0)
            return common;
        fd = mounts_make(m, (int)common, p->at + sizeof(etc) - 1, p->is_dir);
        shut(common);
        if (fd < 0)
            return fd;
        shut(fd);
    }
    fd = mounts_open(m, root, p->where + 1, O_PATH);
    if (fd < 0)
        m->step = "place";
    return fd;
}

static long put_path(struct maker *k, int root, const struct plan_mount *p)
{
    struct mounter *m = &k->m;
    long rc, tree = -1, from = -1, at;

    if (p->flags == SPACE_PLACE && strncmp(p->at, "/tmp/", 5) == 0)
        return 0; /* made in each private /tmp */
    rc = at = open_place(k, root, p);
    if (rc >= 0 && p->flags == SPACE_PLACE) {
        shut(at);
        return 0;
    }
    if (rc >= 0)
        rc = from = open_source(k, p);
    if (rc >= 0)
        rc = tree = mounts_clone(m, (int)from, attributes_of(p->flags));
    if (rc >= 0)
        rc = mounts_put(m, (int)tree, (int)at);
    shut(tree);
    shut(from);
    shut(at);
    return rc;
}

static bool leads_there(const struct plan_link *l)
{
    struct stat st;

    if (stat(l->at, &st) != 0)
        return false;
    return l->is_place ? S_ISDIR(st.st_mode)
                       : st.st_dev == l->dev && st.st_ino == l->ino;
}

/* In the finished root. A name that a manifest uses must lead to what was
 * pinned under it; where it does not, and can be made to, a link does. */
static long put_link(struct maker *k, const struct plan_link *l)
{
    long rc;

    if (leads_there(l))
        return 0;
    rc = mounts_open(&k->m, AT_FDCWD, "/", O_PATH | O_DIRECTORY);
    if (rc >= 0) {
        long root = rc;

        rc = mounts_link(&k->m, (int)root, l->at + 1, l->to);
        shut(root);
    }
    if (rc >= 0 && !leads_there(l))
        rc = -ELOOP;
    if (rc < 0)
        k->m.step = "link";
    return rc;
}

static long fill(struct maker *k, const struct space_plan *p, int root)
{
    long rc = furnish(k, root, p);

    for (uint32_t i = 0; i < p->mount_count && rc >= 0; i++) {
        k->from = p->mounts[i].from;
        rc = put_path(k, root, &p->mounts[i]);
    }
    if (rc < 0)
        return rc;
    k->from = PLAN_OURS;
    rc = mounts_pivot(&k->m, root);
    for (uint32_t i = 0; i < p->link_count && rc >= 0; i++) {
        k->from = p->links[i].from;
        rc = put_link(k, &p->links[i]);
    }
    if (rc < 0)
        return rc;
    k->from = PLAN_OURS;
    return mounts_set(&k->m, "/", READ_ONLY, false);
}

static long make_root(struct maker *k, const struct space_plan *p)
{
    struct mounter *m = &k->m;
    long rc, at = -1,
             root = mounts_tmpfs(m, "4m", "32768",
                                 MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);

    if (root < 0)
        return root;
    rc = at = mounts_open(m, AT_FDCWD, "/", O_PATH | O_DIRECTORY);
    if (rc >= 0)
        rc = mounts_put(m, (int)root, (int)at);
    if (rc >= 0)
        rc = fill(k, p, (int)root);
    shut(at);
    shut(root);
    return rc;
}

static bool tell(struct maker *k, uint32_t index, long rc, const int *fds,
                 uint32_t fd_count)
{
    struct helper_note n = {.index = index,
                            .err = rc < 0 ? (int32_t)-rc : 0,
                            .from = k->from,
                            .fd_count = rc < 0 ? 0 : fd_count};

    (void)snprintf(n.step, sizeof(n.step), "%s",
                   rc < 0 && k->m.step != NULL ? k->m.step : "");
    return helper_tell(k->sock, &n, fds);
}

static bool make_one(struct maker *k, uint32_t index)
{
    int fds[3] = {-1, -1, -1};
    bool heard;
    long rc;

    k->from = PLAN_OURS;
    rc = in_namespace(k);
    if (rc >= 0)
        rc = make_root(k, &k->job->plans[index]);
    if (rc >= 0)
        rc = fds[1] = (int)mounts_open(&k->m, AT_FDCWD, "/run/call",
                                       O_PATH | O_DIRECTORY);
    if (rc >= 0)
        rc = fds[2] = (int)mounts_open(&k->m, AT_FDCWD, "/run/kernel",
                                       O_PATH | O_DIRECTORY);
    if (rc >= 0) {
        rc = fds[0] = (int)own_namespace(k);
        if (rc < 0)
            k->m.step = "mnt_ns";
    }
    heard = tell(k, index, rc, fds, 3);
    for (int i = 0; i < 3; i++)
        shut(fds[i]);
    return heard;
}

static long make_base(struct maker *k, int fds[2])
{
    long rc = filter_call4(k->m.key, SYS_unshare, CLONE_NEWNS, 0, 0, 0);

    if (rc < 0) {
        k->m.step = "unshare";
        return rc;
    }
    if ((rc = mounts_private(&k->m)) < 0 ||
        (rc = k->proc = (int)mounts_open(&k->m, AT_FDCWD, "/proc",
                                         O_PATH | O_DIRECTORY)) < 0 ||
        (rc = common_make(&k->m, k->job->b)) < 0 ||
        (rc = fds[0] = (int)mounts_open(&k->m, AT_FDCWD, COMMON_ETC,
                                        O_PATH | O_DIRECTORY)) < 0 ||
        (rc = fds[1] = (int)mounts_open(&k->m, AT_FDCWD, COMMON_DEVICES,
                                        O_PATH | O_DIRECTORY)) < 0)
        return rc;
    rc = k->base = (int)own_namespace(k);
    if (rc < 0)
        k->m.step = "mnt_ns";
    return rc;
}

int template_helper(int sock, void *job)
{
    const struct template_job *j = job;
    struct maker k = {.m.key = &j->b->key,
                      .job = j,
                      .sock = sock,
                      .proc = -1,
                      .base = -1,
                      .from = PLAN_OURS};
    int fds[2] = {-1, -1};
    long rc;

    (void)raw_call3(SYS_umask, 0, 0, 0);
    rc = make_base(&k, fds);
    if (!tell(&k, TEMPLATE_BASE, rc, fds, 2) || rc < 0)
        return 1;
    shut(fds[0]);
    shut(fds[1]);
    for (uint32_t i = 0; i < j->count; i++) {
        if (!make_one(&k, i))
            return 1;
    }
    return 0;
}
