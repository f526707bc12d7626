#include "sidecar/launcher/space/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define PATH_CAP     4096
#define PROPAGATE_NO (1ull << 18) /* MS_PRIVATE */
#define DETACH       2            /* MNT_DETACH */

/* The first two arguments of most: everything but mount(2) itself goes by
 * descriptor, so that no name is resolved twice. */
static long said(struct mounter *m, const char *step, long rc)
{
    if (rc < 0)
        m->step = step;
    return rc;
}

static void shut(long fd)
{
    if (fd >= 0)
        (void)raw_call3(SYS_close, fd, 0, 0);
}

static long open_how(struct mounter *m, int dir, const char *path, int flags,
                     uint64_t resolve)
{
    struct open_how how = {
        .flags = (uint64_t)(unsigned)flags | O_CLOEXEC,
        .mode = (flags & O_CREAT) != 0 ? 0444 : 0,
        .resolve = resolve | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };

    return said(m, "open",
                filter_call4(m->key, SYS_openat2, dir, raw_ptr(path),
                             raw_ptr(&how), sizeof(how)));
}

long mounts_open(struct mounter *m, int dir, const char *path, int flags)
{
    return open_how(m, dir, path, flags, 0);
}

static long config(struct mounter *m, int fs, unsigned cmd, const char *key,
                   const char *value)
{
    return filter_call5(m->key, SYS_fsconfig, fs, (long)cmd, raw_ptr(key),
                        raw_ptr(value), 0);
}

long mounts_tmpfs(struct mounter *m, const char *size, const char *inodes,
                  unsigned attributes)
{
    long fs = filter_call4(m->key, SYS_fsopen, raw_ptr("tmpfs"), FSOPEN_CLOEXEC,
                           0, 0);
    long rc;

    if (fs < 0)
        return said(m, "tmpfs", fs);
    if ((rc = config(m, (int)fs, FSCONFIG_SET_STRING, "size", size)) == 0 &&
        (rc = config(m, (int)fs, FSCONFIG_SET_STRING, "nr_inodes", inodes)) ==
            0 &&
        (rc = config(m, (int)fs, FSCONFIG_SET_STRING, "mode", "0755")) == 0 &&
        (rc = config(m, (int)fs, FSCONFIG_CMD_CREATE, NULL, NULL)) == 0)
        rc = filter_call4(m->key, SYS_fsmount, fs, FSMOUNT_CLOEXEC,
                          (long)attributes, 0);
    shut(fs);
    return said(m, "tmpfs", rc);
}

static long set_attributes(struct mounter *m, int fd, unsigned flags,
                           uint64_t attributes, uint64_t propagation)
{
    struct mount_attr a = {.attr_set = attributes, .propagation = propagation};

    return said(m, "mount_setattr",
                filter_call5(m->key, SYS_mount_setattr, fd, raw_ptr(""),
                             (long)(AT_EMPTY_PATH | flags), raw_ptr(&a),
                             sizeof(a)));
}

long mounts_clone(struct mounter *m, int fd, unsigned attributes)
{
    long rc, tree = filter_call4(m->key, SYS_open_tree, fd, raw_ptr(""),
                                 (long)(AT_EMPTY_PATH | AT_RECURSIVE |
                                        OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC),
                                 0);

    if (tree < 0)
        return said(m, "open_tree", tree);
    rc = set_attributes(m, (int)tree, AT_RECURSIVE, attributes, PROPAGATE_NO);
    if (rc < 0) {
        shut(tree);
        return rc;
    }
    return tree;
}

long mounts_put(struct mounter *m, int tree, int place)
{
    return said(
        m, "move_mount",
        filter_call5(m->key, SYS_move_mount, tree, raw_ptr(""), place,
                     raw_ptr(""),
                     MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH));
}

long mounts_set(struct mounter *m, const char *path, unsigned attributes,
                bool tree)
{
    struct mount_attr a = {.attr_set = attributes};

    return said(m, "mount_setattr",
                filter_call5(m->key, SYS_mount_setattr, AT_FDCWD, raw_ptr(path),
                             tree ? AT_RECURSIVE : 0, raw_ptr(&a), sizeof(a)));
}

long mounts_private(struct mounter *m)
{
    struct mount_attr a = {.propagation = PROPAGATE_NO};

    return said(m, "propagation",
                filter_call5(m->key, SYS_mount_setattr, AT_FDCWD, raw_ptr("/"),
                             AT_RECURSIVE, raw_ptr(&a), sizeof(a)));
}

long mounts_pivot(struct mounter *m, int root)
{
    long rc = raw_call3(SYS_fchdir, root, 0, 0);

    if (rc == 0)
        rc = filter_call4(m->key, SYS_pivot_root, raw_ptr("."), raw_ptr("."), 0,
                          0);
    if (rc < 0)
        return said(m, "pivot_root", rc);
    /* "." is the old root, which lies on the new one now */
    rc = filter_call4(m->key, SYS_umount2, raw_ptr("."), DETACH, 0, 0);
    if (rc == 0)
        rc = raw_call3(SYS_chdir, raw_ptr("/"), 0, 0);
    return said(m, "umount", rc);
}

/* resolve: RESOLVE_NO_XDEV where a mount on the way is not to be entered. */
static long step_into(struct mounter *m, int dir, const char *name,
                      uint64_t resolve)
{
    long rc = filter_call4(m->key, SYS_mkdirat, dir, raw_ptr(name), 0755, 0);

    if (rc < 0 && rc != -EEXIST)
        return said(m, "mkdir", rc);
    return open_how(m, dir, name, O_PATH | O_DIRECTORY, resolve);
}

/* The folder that path's last part lies in; *last points into buf. Only in the
 * file system that dir is in: nothing is ever made in the host's folders. */
static long make_parents(struct mounter *m, int dir, const char *path,
                         char buf[PATH_CAP], char **last)
{
    size_t n = strlen(path);
    char *at = buf, *slash;
    long here, next;

    if (n == 0 || n >= PATH_CAP)
        return said(m, "place", -ENAMETOOLONG);
    memcpy(buf, path, n + 1);
    here = mounts_open(m, dir, ".", O_PATH | O_DIRECTORY);
    while (here >= 0 && (slash = strchr(at, '/')) != NULL) {
        *slash = '\0';
        next = step_into(m, (int)here, at, RESOLVE_NO_XDEV);
        shut(here);
        here = next;
        at = slash + 1;
    }
    *last = at;
    return here;
}

long mounts_make(struct mounter *m, int dir, const char *path, bool is_dir)
{
    char buf[PATH_CAP], *last = buf;
    long rc, fd, at = make_parents(m, dir, path, buf, &last);

    if (at < 0)
        return at;
    if (is_dir) {
        fd = step_into(m, (int)at, last, 0);
    } else {
        rc = mounts_open(m, (int)at, last, O_WRONLY | O_CREAT | O_EXCL);
        shut(rc);
        fd = rc < 0 && rc != -EEXIST ? rc
                                     : mounts_open(m, (int)at, last, O_PATH);
    }
    shut(at);
    return fd;
}

long mounts_link(struct mounter *m, int dir, const char *path, const char *to)
{
    char buf[PATH_CAP], *last = buf;
    long rc, at = make_parents(m, dir, path, buf, &last);

    if (at < 0)
        return at;
    rc = filter_call4(m->key, SYS_symlinkat, raw_ptr(to), at, raw_ptr(last), 0);
    shut(at);
    return said(m, "symlink", rc);
}

long mounts_file(struct mounter *m, int dir, const char *name, const char *text,
                 size_t len)
{
    long rc = 0, fd = mounts_open(m, dir, name, O_WRONLY | O_CREAT | O_EXCL);

    if (fd < 0)
        return fd;
    while (len > 0 &&
           (rc = raw_call3(SYS_write, fd, raw_ptr(text), (long)len)) > 0) {
        text += rc;
        len -= (size_t)rc;
    }
    shut(fd);
    return said(m, "copy", len == 0 ? 0 : rc < 0 ? rc : -EIO);
}
