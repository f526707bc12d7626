/* Namespaces and mounts: a new world, or somebody else's. */
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define LONG(p) ((long)(intptr_t)(p))

static struct result unshare_it(const struct probe *p)
{
    return by(syscall(SYS_unshare, p->arg[0]));
}

static struct result clone_it(const struct probe *p)
{
    long pid = syscall(SYS_clone, p->arg[0] | SIGCHLD, 0, 0, 0, 0);

    if (pid == 0)
        _exit(0);
    if (pid > 0)
        (void)waitpid((pid_t)pid, NULL, __WALL);
    return by(pid);
}

/* Its flags are behind a pointer, which a filter cannot follow. */
static struct result clone3_it(const struct probe *p)
{
    uint64_t args[11] = {0};
    long pid;

    args[0] = (uint64_t)p->arg[0];
    args[4] = SIGCHLD;
    pid = syscall(SYS_clone3, args, p->arg[1] != 0 ? (size_t)p->arg[1] : 64);
    if (pid == 0)
        _exit(0);
    if (pid > 0)
        (void)waitpid((pid_t)pid, NULL, __WALL);
    return reached(pid); /* EBADF is the missing group */
}

static struct result enter(const struct probe *p)
{
    int fd = open(expand(p->text), O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return stopped(errno);
    return by(syscall(SYS_setns, fd, 0));
}

static struct result enter_pidfd(const struct probe *p)
{
    int fd = (int)syscall(SYS_pidfd_open, fact_number(p->text[1]), 0);

    if (fd < 0)
        return stopped(errno);
    return by(syscall(SYS_setns, fd, p->arg[0]));
}

/* The kernel makes namespaces on ioctl of their files, too. */
static struct result owner_of(const struct probe *p)
{
    int fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

    (void)p;
    if (fd < 0)
        return stopped(errno);
    return by(syscall(SYS_ioctl, fd, 0xb701 /* NS_GET_USERNS */, 0));
}

static struct result map_ids(const struct probe *p)
{
    int fd = open("/proc/self/uid_map", O_WRONLY | O_CLOEXEC);

    (void)p;
    if (fd < 0)
        return stopped(errno);
    return by(write(fd, "0 0 1\n", 6));
}

static struct result make_group(const struct probe *p)
{
    char path[256];

    (void)snprintf(path, sizeof(path), "%s/escape-%s", p->text, fact('W'));
    if (mkdir(path, 0700) != 0)
        return stopped(errno);
    (void)rmdir(path);
    return allowed();
}

/* Both kinds at once: the right is checked first, then it is EINVAL. */
#define CONFUSED (MS_PRIVATE | MS_SHARED)

static const struct probe probes[] = {
    {"namespace.unshare_user",
     "a user namespace",
     unshare_it,
     "",
     0,
     {CLONE_NEWUSER}},
    {"namespace.unshare_mount",
     "a mount namespace",
     unshare_it,
     "",
     0,
     {CLONE_NEWNS}},
    {"namespace.unshare_net",
     "a network namespace",
     unshare_it,
     "",
     0,
     {CLONE_NEWNET}},
    {"namespace.unshare_pid",
     "a pid namespace",
     unshare_it,
     "",
     0,
     {CLONE_NEWPID}},
    {"namespace.unshare_ipc",
     "an ipc namespace",
     unshare_it,
     "",
     0,
     {CLONE_NEWIPC}},
    {"namespace.unshare_uts",
     "a uts namespace",
     unshare_it,
     "",
     0,
     {CLONE_NEWUTS}},
    {"namespace.unshare_cgroup",
     "a cgroup namespace",
     unshare_it,
     "",
     0,
     {CLONE_NEWCGROUP}},
    {"namespace.unshare_time",
     "a time namespace",
     unshare_it,
     "",
     0,
     {CLONE_NEWTIME}},
    {"namespace.clone_user",
     "clone with CLONE_NEWUSER",
     clone_it,
     "",
     0,
     {CLONE_NEWUSER}},
    {"namespace.clone_user_net",
     "clone with CLONE_NEWUSER and NEWNET",
     clone_it,
     "",
     0,
     {CLONE_NEWUSER | CLONE_NEWNET}},
    {"namespace.clone_pid",
     "clone with CLONE_NEWPID",
     clone_it,
     "",
     0,
     {CLONE_NEWPID}},
    {"namespace.clone_high_bits",
     "CLONE_NEWUSER with bits above 32",
     clone_it,
     "",
     0,
     {(1L << 40) | CLONE_NEWUSER}},
    {"namespace.clone_all_high",
     "CLONE_NEWUSER with all bits above 32",
     clone_it,
     "",
     0,
     {(long)(0xffffffff00000000ul | CLONE_NEWUSER)}},
    {"namespace.clone_into_cgroup",
     "clone3 with CLONE_INTO_CGROUP",
     clone3_it,
     "",
     0,
     {(long)CLONE_INTO_CGROUP, 88}},
    {"namespace.clone3_user",
     "clone3 with CLONE_NEWUSER",
     clone3_it,
     "",
     0,
     {CLONE_NEWUSER}},
    {"namespace.clone3_plain",
     "clone3, whose flags no filter sees",
     clone3_it,
     "",
     0,
     {0}},
    {"namespace.setns_mount",
     "enter the victim's mounts",
     enter,
     "/proc/@P/ns/mnt",
     0,
     {0}},
    {"namespace.setns_user",
     "enter the victim's user namespace",
     enter,
     "/proc/@P/ns/user",
     0,
     {0}},
    {"namespace.setns_net",
     "enter the own network again",
     enter,
     "/proc/self/ns/net",
     0,
     {0}},
    {"namespace.setns_init",
     "enter the mounts of process 1",
     enter,
     "/proc/1/ns/mnt",
     0,
     {0}},
    {"namespace.setns_launcher",
     "enter the launcher's mounts",
     enter,
     "/proc/@L/ns/mnt",
     0,
     {0}},
    {"namespace.setns_pidfd",
     "enter the victim's world by its pidfd",
     enter_pidfd,
     "@P",
     0,
     {CLONE_NEWNS | CLONE_NEWNET}},
    {"namespace.setns_pidfd_init",
     "the same of the launcher",
     enter_pidfd,
     "@L",
     0,
     {CLONE_NEWNS | CLONE_NEWPID}},
    {"namespace.owner",
     "the owner of the network namespace",
     owner_of,
     "",
     0,
     {0}},
    {"namespace.uid_map", "write a map of users", map_ids, "", 0, {0}},
    {"namespace.mount",
     "mount: change propagation",
     call_reached,
     "",
     SYS_mount,
     {0, LONG("/"), 0, CONFUSED, 0}},
    {"namespace.mount_bind",
     "mount: bind",
     call_reached,
     "",
     SYS_mount,
     {LONG("/escape-none"), LONG("/"), 0, MS_BIND, 0}},
    {"namespace.mount_tmpfs",
     "mount: an unknown file system",
     call_reached,
     "",
     SYS_mount,
     {LONG("none"), LONG("/"), LONG("escape-none"), 0, 0}},
    {"namespace.mount_remount",
     "mount: remount with a wrong point",
     call_reached,
     "",
     SYS_mount,
     {LONG("none"), LONG("/proc/self"), 0, MS_REMOUNT | MS_RDONLY, 0}},
    {"namespace.umount",
     "umount2",
     call_reached,
     "",
     SYS_umount2,
     {LONG("/"), MNT_EXPIRE | MNT_FORCE}},
    {"namespace.pivot_root",
     "pivot_root",
     call_reached,
     "",
     SYS_pivot_root,
     {LONG("/proc/self"), LONG("/proc/self")}},
    {"namespace.fsopen",
     "fsopen of a tmpfs",
     call_reached,
     "",
     430,
     {LONG("tmpfs"), 1}},
    {"namespace.fsmount", "fsmount", call_reached, "", 432, {-1, 0, 0}},
    {"namespace.fsconfig", "fsconfig", call_reached, "", 431, {-1, 0, 0, 0, 0}},
    {"namespace.fspick",
     "fspick",
     call_reached,
     "",
     433,
     {AT_FDCWD, LONG("/"), 0}},
    {"namespace.move_mount",
     "move_mount",
     call_reached,
     "",
     429,
     {-1, LONG(""), -1, LONG(""), 0}},
    {"namespace.open_tree",
     "open_tree",
     call_reached,
     "",
     428,
     {AT_FDCWD, LONG("/"), 0}},
    {"namespace.open_tree_clone",
     "open_tree with a copy",
     call_reached,
     "",
     428,
     {AT_FDCWD, LONG("/"), 1}},
    {"namespace.mount_setattr",
     "mount_setattr",
     call_reached,
     "",
     442,
     {AT_FDCWD, LONG("/"), 0, 0, 0}},
    {"namespace.cgroup",
     "make a control group",
     make_group,
     "/sys/fs/cgroup/unified",
     0,
     {0}},
    {"namespace.cgroup_v1",
     "make a control group for memory",
     make_group,
     "/sys/fs/cgroup/memory",
     0,
     {0}},
};

const struct area area_namespace = {probes, sizeof(probes) / sizeof(probes[0])};
