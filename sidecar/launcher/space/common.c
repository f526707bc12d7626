#include "sidecar/launcher/space/common.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#define DEVICES 5

static const struct {
    const char *name, *host;
    unsigned minor; /* of major 1 */
    bool needed;
} devices[DEVICES] = {
    {"null", "/dev/null", 3, true},       {"zero", "/dev/zero", 5, true},
    {"full", "/dev/full", 7, false},      {"random", "/dev/random", 8, false},
    {"urandom", "/dev/urandom", 9, true},
};

static const struct {
    const char *name, *to;
} links[] = {{"fd", "/proc/self/fd"},
             {"stdin", "/proc/self/fd/0"},
             {"stdout", "/proc/self/fd/1"},
             {"stderr", "/proc/self/fd/2"},
             {"shm", SPACE_TMP}};

static void shut(long fd)
{
    if (fd >= 0)
        (void)raw_call3(SYS_close, fd, 0, 0);
}

/* The host's node as a detached mount, to be put onto an empty file. */
static long bind_device(struct mounter *m, int dev, int i)
{
    long tree, fd = mounts_open(m, AT_FDCWD, devices[i].host, O_PATH);
    struct stat st;

    if (fd == -ENOENT && !devices[i].needed)
        return -ENOENT;
    if (fd < 0)
        return fd;
    if (fstat((int)fd, &st) != 0 || !S_ISCHR(st.st_mode) ||
        st.st_rdev != makedev(1, devices[i].minor)) {
        shut(fd);
        m->step = "mknod";
        return -ENODEV;
    }
    tree = mounts_clone(m, (int)fd, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
    shut(fd);
    if (tree >= 0)
        shut(mounts_make(m, dev, devices[i].name, false));
    return tree;
}

/* A node of our own where that is possible (it costs no mount), else bound.
 * trees[i]: what is to be put there once dev is attached, or -1. */
static long make_devices(struct mounter *m, int dev, long trees[DEVICES])
{
    for (int i = 0; i < DEVICES; i++) {
        long rc =
            filter_call4(m->key, SYS_mknodat, dev, raw_ptr(devices[i].name),
                         S_IFCHR | 0666, (long)makedev(1, devices[i].minor));

        trees[i] = -1;
        if (rc == 0)
            continue;
        rc = bind_device(m, dev, i);
        if (rc < 0 && (devices[i].needed || rc != -ENOENT))
            return rc;
        trees[i] = rc < 0 ? -1 : rc;
    }
    for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
        long rc = filter_call4(m->key, SYS_symlinkat, raw_ptr(links[i].to), dev,
                               raw_ptr(links[i].name), 0);

        if (rc < 0) {
            m->step = "symlink";
            return rc;
        }
    }
    return 0;
}

static long put_devices(struct mounter *m, const long trees[DEVICES])
{
    for (int i = 0; i < DEVICES; i++) {
        char path[64];
        long rc, fd;

        if (trees[i] < 0)
            continue;
        (void)snprintf(path, sizeof(path), COMMON_DEVICES "/%s",
                       devices[i].name);
        fd = mounts_open(m, AT_FDCWD, path, O_PATH);
        rc = fd < 0 ? fd : mounts_put(m, (int)trees[i], (int)fd);
        shut(fd);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* A node that cannot be opened is no device: "nodev" of a kernel that sets it
 * on all of a user namespace's file systems. */
static bool devices_open(void)
{
    long fd = raw_call6(SYS_openat, AT_FDCWD, raw_ptr(COMMON_DEVICES "/null"),
                        O_RDWR | O_CLOEXEC, 0, 0, 0);

    shut(fd);
    return fd >= 0;
}

long common_make(struct mounter *m, const struct space_builder *b)
{
    long trees[DEVICES] = {-1, -1, -1, -1, -1};
    long rc, etc = -1, dev = -1, at = -1,
             fs = mounts_tmpfs(m, "32m", "16384", MOUNT_ATTR_NOSUID);

    if (fs < 0)
        return fs;
    rc = etc = mounts_make(m, (int)fs, "etc", true);
    if (rc >= 0)
        rc = dev = mounts_make(m, (int)fs, "dev", true);
    if (rc >= 0)
        rc = etc_fill(m, (int)etc, b);
    if (rc >= 0)
        rc = make_devices(m, (int)dev, trees);
    if (rc >= 0)
        rc = at = mounts_open(m, AT_FDCWD, COMMON_AT, O_PATH | O_DIRECTORY);
    if (rc >= 0)
        rc = mounts_put(m, (int)fs, (int)at);
    if (rc >= 0)
        rc = put_devices(m, trees);
    if (rc >= 0 && !devices_open()) {
        m->step = "mknod";
        rc = -EACCES;
    }
    for (int i = 0; i < DEVICES; i++)
        shut(trees[i]);
    shut(at);
    shut(dev);
    shut(etc);
    shut(fs);
    return rc < 0 ? rc : 0;
}
