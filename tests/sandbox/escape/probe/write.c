/* Change something outside, or leave something dangerous behind. */
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

/* A new file; it stays, for the judge outside. */
static struct result make_file(const struct probe *p)
{
    int fd =
        open(expand(p->text), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0)
        return stopped(errno);
    (void)close(fd);
    return allowed();
}

/* A new file that nobody needs to see afterwards. */
static struct result make_and_remove(const struct probe *p)
{
    const char *path = expand(p->text);
    struct result r =
        by(open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));

    if (r.verdict == ALLOWED)
        (void)unlink(path);
    return r;
}

static struct result truncate_file(const struct probe *p)
{
    return by(truncate(expand(p->text), p->nr));
}

static struct result change_mode(const struct probe *p)
{
    return by(chmod(expand(p->text), (mode_t)p->nr));
}

static struct result change_owner(const struct probe *p)
{
    return by(chown(expand(p->text), getuid(), getgid()));
}

static struct result change_times(const struct probe *p)
{
    return by(utimensat(AT_FDCWD, expand(p->text), NULL, 0));
}

static struct result set_xattr(const struct probe *p)
{
    return by(setxattr(expand(p->text), "user.touched", "1", 1, 0));
}

static const char *own_file(const char *name)
{
    const char *path = scratch(name);
    int fd;

    (void)unlink(path);
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return NULL;
    (void)close(fd);
    return path;
}

static struct result link_here(const struct probe *p)
{
    const char *to = scratch("hard");

    (void)unlink(to);
    return by(link(expand(p->text), to));
}

static struct result link_there(const struct probe *p)
{
    const char *from = own_file("linked");

    if (from == NULL)
        return stopped(errno);
    return by(link(from, expand(p->text)));
}

static struct result rename_there(const struct probe *p)
{
    const char *from = own_file("renamed");

    if (from == NULL)
        return stopped(errno);
    return by(rename(from, expand(p->text)));
}

static struct result rename_here(const struct probe *p)
{
    return by(rename(expand(p->text), scratch("taken")));
}

static struct result exchange(const struct probe *p)
{
    const char *from = own_file("exchanged");

    if (from == NULL)
        return stopped(errno);
    return by(
        renameat2(AT_FDCWD, from, AT_FDCWD, expand(p->text), RENAME_EXCHANGE));
}

static struct result symlink_there(const struct probe *p)
{
    return by(symlink("/etc/passwd", expand(p->text)));
}

static struct result mkdir_there(const struct probe *p)
{
    return by(mkdir(expand(p->text), 0700));
}

static struct result mknod_at(const struct probe *p)
{
    if (p->arg[0] != 0)
        (void)unlink(scratch("node"));
    return by(mknod(p->arg[0] != 0 ? scratch("node") : expand(p->text),
                    (mode_t)p->nr, makedev(1, 3)));
}

static struct result unlink_there(const struct probe *p)
{
    return by(unlinkat(AT_FDCWD, expand(p->text), (int)p->nr));
}

/* Stopped means: no bit is set afterwards, whatever the call said. */
static struct result suid_on(const struct probe *p)
{
    const char *path = own_file("suid");
    struct stat st;
    int fd;
    long rc = -1;

    if (path == NULL)
        return stopped(errno);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (p->nr == SYS_fchmod)
        rc = syscall(SYS_fchmod, fd, p->arg[0]);
    else if (p->nr == 452) /* fchmodat2 */
        rc = syscall(452, AT_FDCWD, path, p->arg[0], 0);
    else if (p->nr == SYS_fchmodat)
        rc = syscall(SYS_fchmodat, AT_FDCWD, path, p->arg[0]);
    else
        rc = chmod(path, (mode_t)p->arg[0]);
    if (rc != 0)
        return stopped(errno);
    if (stat(path, &st) != 0 || (st.st_mode & (S_ISUID | S_ISGID)) == 0)
        return noted(stopped(0), "the bit was dropped");
    (void)unlink(path);
    return allowed();
}

static struct result suid_at_birth(const struct probe *p)
{
    const char *path = scratch("born");
    struct stat st;
    int fd = -1;

    (void)unlink(path);
    (void)umask(0);
    if (p->nr == O_TMPFILE)
        fd = open(scratch("x") != NULL && *fact('S') ? fact('S') : "/tmp",
                  O_TMPFILE | O_RDWR | O_CLOEXEC, 06755);
    else if (p->nr == SYS_mknodat)
        fd = mknod(path, S_IFREG | 06755, 0) == 0
                 ? open(path, O_RDONLY | O_CLOEXEC)
                 : -1;
    else if (p->nr == SYS_mkdirat)
        fd = mkdir(path, 0777) == 0 && chmod(path, 02777) == 0
                 ? open(path, O_RDONLY | O_CLOEXEC)
                 : -1;
    else
        fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 06755);
    if (fd < 0)
        return stopped(errno);
    if (unlink(path) != 0)
        (void)rmdir(path);
    if (fstat(fd, &st) != 0 || (st.st_mode & (S_ISUID | S_ISGID)) == 0)
        return noted(stopped(0), "the bit was dropped");
    return allowed();
}

static struct result set_capability(const struct probe *p)
{
    static const unsigned char caps[20] = {0, 0, 0, 2, 0xff, 0xff, 0xff, 0xff};
    const char *path = own_file("caps");

    (void)p;
    if (path == NULL)
        return stopped(errno);
    return by(setxattr(path, "security.capability", caps, sizeof(caps), 0));
}

static struct result nameless_out(const struct probe *p)
{
    char from[64];
    const char *dir = *fact('S') != '\0' ? fact('S') : "/tmp";
    int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    if (fd < 0)
        return stopped(errno);
    (void)snprintf(from, sizeof(from), "/proc/self/fd/%d", fd);
    return by(
        linkat(AT_FDCWD, from, AT_FDCWD, expand(p->text), AT_SYMLINK_FOLLOW));
}

static struct result immutable(const struct probe *p)
{
    const char *path = own_file("flags");
    int flags = FS_IMMUTABLE_FL, fd;

    (void)p;
    if (path == NULL)
        return stopped(errno);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    return by(ioctl(fd, FS_IOC_SETFLAGS, &flags));
}

#define KERNEL_FILE(name, what, path)                                          \
    {                                                                          \
        "write." name, "open " path " for writing: " what, open_path, path,    \
            O_WRONLY,                                                          \
        {                                                                      \
            0                                                                  \
        }                                                                      \
    }

static const struct probe probes[] = {
    {"write.drop",
     "make a file in a folder open to all",
     make_file,
     "@D/drop/made",
     0,
     {0}},
    {"write.tmp",
     "make a file in /tmp of the host",
     make_file,
     "/tmp/escape-tmp-@W",
     0,
     {0}},
    {"write.var_tmp",
     "make a file in /var/tmp",
     make_file,
     "/var/tmp/escape-tmp-@W",
     0,
     {0}},
    {"write.dev_shm",
     "make a file in /dev/shm of the host",
     make_file,
     "/dev/shm/escape-made-@W",
     0,
     {0}},
    {"write.usr_bin",
     "make a file in /usr/bin",
     make_and_remove,
     "/usr/bin/escape-@W",
     0,
     {0}},
    {"write.etc",
     "make a file in /etc",
     make_and_remove,
     "/etc/escape-@W",
     0,
     {0}},
    {"write.home",
     "make a file in /root",
     make_and_remove,
     "/root/.escape-@W",
     0,
     {0}},
    {"write.run",
     "make a file in /run",
     make_and_remove,
     "/run/escape-@W",
     0,
     {0}},
    {"write.config",
     "make a file in the sidecar's configuration",
     make_and_remove,
     "@C/tools/escape-@W.yaml",
     0,
     {0}},
    {"write.overwrite",
     "open a file outside for writing",
     open_path,
     "@D/drop/world.txt",
     O_WRONLY,
     {0}},
    {"write.read_write",
     "open a file outside for reading and writing",
     open_path,
     "@D/drop/world.txt",
     O_RDWR,
     {0}},
    {"write.truncate",
     "truncate(2) a file outside",
     truncate_file,
     "@D/drop/cut.txt",
     3,
     {0}},
    {"write.o_trunc",
     "open a file outside with O_TRUNC",
     open_path,
     "@D/drop/trunc.txt",
     O_RDONLY | O_TRUNC,
     {0}},
    {"write.chmod",
     "chmod a file of the same user",
     change_mode,
     "@D/drop/mode.txt",
     0640,
     {0}},
    {"write.chown",
     "chown a file of the same user",
     change_owner,
     "@D/drop/mode.txt",
     0,
     {0}},
    {"write.utime",
     "set the times of a file of the same user",
     change_times,
     "@D/drop/times.txt",
     0,
     {0}},
    {"write.setxattr",
     "set an attribute of a file of the same user",
     set_xattr,
     "@D/drop/xattr.txt",
     0,
     {0}},
    {"write.link_here",
     "hard link of a file outside into the own folder",
     link_here,
     "@D/drop/world.txt",
     0,
     {0}},
    {"write.link_there",
     "hard link of an own file outside",
     link_there,
     "@D/drop/linked",
     0,
     {0}},
    {"write.rename_there",
     "move an own file outside",
     rename_there,
     "@D/drop/renamed",
     0,
     {0}},
    {"write.rename_here",
     "take a file from outside by rename",
     rename_here,
     "@D/drop/take-me",
     0,
     {0}},
    {"write.exchange",
     "exchange an own file and one outside",
     exchange,
     "@D/drop/swap-me",
     0,
     {0}},
    {"write.symlink",
     "symbolic link outside",
     symlink_there,
     "@D/drop/sym",
     0,
     {0}},
    {"write.mkdir", "folder outside", mkdir_there, "@D/drop/dir", 0, {0}},
    {"write.mkfifo",
     "fifo outside",
     mknod_at,
     "@D/drop/fifo",
     S_IFIFO | 0600,
     {0}},
    {"write.unlink",
     "remove a file outside",
     unlink_there,
     "@D/drop/unlink-me",
     0,
     {0}},
    {"write.rmdir",
     "remove a folder outside",
     unlink_there,
     "@D/drop/rmdir-me",
     AT_REMOVEDIR,
     {0}},
    {"write.nameless_out",
     "give a nameless file a name outside",
     nameless_out,
     "@D/drop/nameless",
     0,
     {0}},
    {"write.char_device",
     "make a character device",
     mknod_at,
     "",
     S_IFCHR | 0600,
     {1}},
    {"write.block_device",
     "make a block device",
     mknod_at,
     "",
     S_IFBLK | 0600,
     {1}},
    {"write.chmod_suid", "set-user-id by chmod", suid_on, "", 0, {04755}},
    {"write.fchmod_suid",
     "set-user-id by fchmod",
     suid_on,
     "",
     SYS_fchmod,
     {04755}},
    {"write.fchmodat_suid",
     "set-user-id by fchmodat",
     suid_on,
     "",
     SYS_fchmodat,
     {04755}},
    {"write.fchmodat2_suid",
     "set-user-id by fchmodat2",
     suid_on,
     "",
     452,
     {04755}},
    {"write.chmod_high_bits",
     "set-user-id with garbage above 32 bits",
     suid_on,
     "",
     SYS_fchmod,
     {0x100000000 | 04755}},
    {"write.sgid", "set-group-id by chmod", suid_on, "", 0, {02755}},
    {"write.open_suid",
     "set-user-id by open's mode",
     suid_at_birth,
     "",
     0,
     {0}},
    {"write.tmpfile_suid",
     "set-user-id by O_TMPFILE",
     suid_at_birth,
     "",
     O_TMPFILE,
     {0}},
    {"write.mknod_suid",
     "set-user-id by mknod of a plain file",
     suid_at_birth,
     "",
     SYS_mknodat,
     {0}},
    {"write.mkdir_sgid",
     "set-group-id on an own folder",
     suid_at_birth,
     "",
     SYS_mkdirat,
     {0}},
    {"write.capability",
     "file capabilities on an own file",
     set_capability,
     "",
     0,
     {0}},
    {"write.immutable",
     "FS_IOC_SETFLAGS on an own file",
     immutable,
     "",
     0,
     {0}},
    KERNEL_FILE("core_pattern", "a program on every crash",
                "/proc/sys/kernel/core_pattern"),
    KERNEL_FILE("modprobe", "a program for every unknown module",
                "/proc/sys/kernel/modprobe"),
    KERNEL_FILE("sysrq", "restarts the machine", "/proc/sysrq-trigger"),
    KERNEL_FILE("uevent_helper", "a program on every device",
                "/sys/kernel/uevent_helper"),
    KERNEL_FILE("binfmt", "a program for every format",
                "/proc/sys/fs/binfmt_misc/register"),
    KERNEL_FILE("vm_sysctl", "memory of the host",
                "/proc/sys/vm/overcommit_memory"),
    KERNEL_FILE("release_agent", "a program at the end of a group",
                "/sys/fs/cgroup/memory/release_agent"),
    KERNEL_FILE("cgroup_procs", "leave the own group",
                "/sys/fs/cgroup/memory/cgroup.procs"),
    KERNEL_FILE("cgroup2_procs", "leave the own group",
                "/sys/fs/cgroup/unified/cgroup.procs"),
    KERNEL_FILE("power", "sleep of the machine", "/sys/power/state"),
    {"write.oom_of_victim",
     "the victim's oom_score_adj",
     open_path,
     "/proc/@P/oom_score_adj",
     O_WRONLY,
     {0}},
    {"write.comm_of_victim",
     "the victim's name",
     open_path,
     "/proc/@P/comm",
     O_WRONLY,
     {0}},
};

const struct area area_write = {probes, sizeof(probes) / sizeof(probes[0])};
