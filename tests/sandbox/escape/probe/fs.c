/* What lies outside: read it, list it, or merely learn that it exists. */
#include "probe.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

static struct result list_folder(const struct probe *p)
{
    DIR *d = opendir(expand(p->text));

    if (d == NULL)
        return stopped(errno);
    errno = 0;
    return readdir(d) != NULL ? allowed() : stopped(errno);
}

static struct result stat_path(const struct probe *p)
{
    struct stat st;

    return by(stat(expand(p->text), &st));
}

static struct result statx_path(const struct probe *p)
{
    struct statx st;

    return by(statx(AT_FDCWD, expand(p->text), AT_STATX_DONT_SYNC,
                    STATX_BASIC_STATS, &st));
}

static struct result access_path(const struct probe *p)
{
    return by(access(expand(p->text), F_OK));
}

static struct result read_link(const struct probe *p)
{
    char buf[256];

    return by(readlink(expand(p->text), buf, sizeof(buf)));
}

static struct result get_xattr(const struct probe *p)
{
    char buf[256];

    return by(getxattr(expand(p->text), "user.escape", buf, sizeof(buf)));
}

static struct result stat_fs(const struct probe *p)
{
    struct statfs st;

    return by(statfs(expand(p->text), &st));
}

/* The kernel opens anything for O_PATH: only a hidden path stops it. */
static struct result path_descriptor(const struct probe *p)
{
    return by(open(expand(p->text), O_PATH | O_CLOEXEC));
}

/* text holds the way up; the secret's path follows it. */
static struct result up_and_down(const struct probe *p)
{
    char path[512];

    (void)snprintf(path, sizeof(path), "%s%s/secret.txt", expand(p->text),
                   fact('D'));
    return by(open(path, O_RDONLY | O_CLOEXEC));
}

static struct result each_folder_fd(const struct probe *p)
{
    struct stat st;
    int last = EBADF;

    for (int fd = 0; fd < 4096; fd++) {
        char path[64];
        int got;

        if (fstat(fd, &st) != 0 || !S_ISDIR(st.st_mode))
            continue;
        (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        if (p->nr != 0 && chdir(path) != 0) {
            last = errno;
            continue;
        }
        got = openat(p->nr != 0 ? AT_FDCWD : fd, expand(p->text),
                     O_RDONLY | O_CLOEXEC);
        if (got >= 0)
            return allowed();
        last = errno;
    }
    return stopped(last);
}

static struct result fchdir_each(const struct probe *p)
{
    struct stat st;

    (void)p;
    for (int fd = 3; fd < 4096; fd++)
        if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode) && fchdir(fd) == 0)
            return allowed();
    return stopped(EBADF);
}

static struct result by_symlink(const struct probe *p)
{
    const char *link_path = scratch("sym");

    (void)unlink(link_path);
    if (symlink(expand(p->text), link_path) != 0)
        return stopped(errno);
    return by(open(link_path, O_RDONLY | O_CLOEXEC));
}

static struct result by_openat2(const struct probe *p)
{
    struct open_how how = {.flags = O_RDONLY | O_CLOEXEC};

    return by(
        syscall(SYS_openat2, AT_FDCWD, expand(p->text), &how, sizeof(how)));
}

union handle {
    struct file_handle h;
    char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
};

static struct result handle_of(const struct probe *p)
{
    union handle u = {.h.handle_bytes = MAX_HANDLE_SZ};
    int mount_id = 0;

    return by(name_to_handle_at(AT_FDCWD, expand(p->text), &u.h, &mount_id,
                                (int)p->nr));
}

/* Shocker: the root of the host's file system by its inode number. */
static struct result open_handle(const struct probe *p)
{
    union handle u = {.h = {.handle_bytes = 8, .handle_type = 1}};
    int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    (void)p;
    u.h.f_handle[0] = 2;
    if (root < 0)
        root = open(".", O_PATH | O_CLOEXEC);
    return reached(open_by_handle_at(root, &u.h, O_RDONLY | O_CLOEXEC));
}

static struct result watch(const struct probe *p)
{
    int fd = inotify_init1(IN_CLOEXEC);

    if (fd < 0)
        return stopped(errno);
    return by(inotify_add_watch(fd, expand(p->text), IN_ACCESS | IN_MODIFY));
}

/* Addresses, not the zeroes that the kernel shows to strangers. */
static struct result kernel_addresses(const struct probe *p)
{
    char line[256];
    FILE *f = fopen("/proc/kallsyms", "re");

    (void)p;
    if (f == NULL)
        return stopped(errno);
    if (fgets(line, sizeof(line), f) == NULL)
        return stopped(EIO);
    return strncmp(line, "0000000000000000", 16) == 0 ? stopped(EACCES)
                                                      : allowed();
}

/* The file is not opened but asked about through an own O_PATH descriptor. */
static struct result reopen_path_fd(const struct probe *p)
{
    char path[64];
    int fd = open(expand(p->text), O_PATH | O_CLOEXEC);

    if (fd < 0)
        return stopped(errno);
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    return by(open(path, O_RDONLY | O_CLOEXEC));
}

static const struct probe probes[] = {
    {"fs.read_secret",
     "read a file that anybody may read",
     open_path,
     "@D/secret.txt",
     O_RDONLY,
     {0}},
    {"fs.read_key",
     "read a private file of the same user",
     open_path,
     "@D/key.seed",
     O_RDONLY,
     {0}},
    {"fs.read_config",
     "read the sidecar's configuration",
     open_path,
     "@C/tipstaff.yaml",
     O_RDONLY,
     {0}},
    {"fs.list_config",
     "list the sidecar's configuration",
     list_folder,
     "@C",
     0,
     {0}},
    {"fs.read_shadow",
     "read /etc/shadow",
     open_path,
     "/etc/shadow",
     O_RDONLY,
     {0}},
    {"fs.stat_secret",
     "stat a file outside",
     stat_path,
     "@D/secret.txt",
     0,
     {0}},
    {"fs.statx_secret",
     "statx a file outside",
     statx_path,
     "@D/secret.txt",
     0,
     {0}},
    {"fs.access_secret",
     "access() a file outside",
     access_path,
     "@D/secret.txt",
     0,
     {0}},
    {"fs.readlink_outside",
     "read a symbolic link outside",
     read_link,
     "@D/link",
     0,
     {0}},
    {"fs.getxattr_outside",
     "read an extended attribute outside",
     get_xattr,
     "@D/secret.txt",
     0,
     {0}},
    {"fs.statfs_outside", "statfs of a path outside", stat_fs, "@D", 0, {0}},
    {"fs.path_descriptor",
     "O_PATH descriptor of a file outside",
     path_descriptor,
     "@D/secret.txt",
     0,
     {0}},
    {"fs.reopen_path_fd",
     "open an O_PATH descriptor again by /proc/self/fd",
     reopen_path_fd,
     "@D/secret.txt",
     0,
     {0}},
    {"fs.list_root_home", "list /root", list_folder, "/root", 0, {0}},
    {"fs.list_tmp",
     "list the folder that holds others' temporary files",
     list_folder,
     "@D/..",
     0,
     {0}},
    {"fs.list_victim", "list the victim's folder", list_folder, "@D", 0, {0}},
    {"fs.list_home", "list /home", list_folder, "/home", 0, {0}},
    {"fs.list_sys", "list /sys/kernel", list_folder, "/sys/kernel", 0, {0}},
    {"fs.debugfs",
     "list /sys/kernel/debug",
     list_folder,
     "/sys/kernel/debug",
     0,
     {0}},
    {"fs.tracefs",
     "list /sys/kernel/tracing",
     list_folder,
     "/sys/kernel/tracing",
     0,
     {0}},
    {"fs.cwd_up",
     "climb with .. from the working directory",
     up_and_down,
     "../../../../../../../../../..",
     0,
     {0}},
    {"fs.root_up", "climb with .. from /", up_and_down, "/../../../..", 0, {0}},
    {"fs.proc_self_root",
     "the secret beneath /proc/self/root",
     up_and_down,
     "/proc/self/root",
     0,
     {0}},
    {"fs.proc_self_cwd",
     "the secret above /proc/self/cwd",
     up_and_down,
     "/proc/self/cwd/../../../../../../../..",
     0,
     {0}},
    {"fs.proc_task_root",
     "the secret beneath /proc/thread-self/root",
     up_and_down,
     "/proc/thread-self/root",
     0,
     {0}},
    {"fs.proc_1_root",
     "the secret beneath /proc/1/root",
     up_and_down,
     "/proc/1/root",
     0,
     {0}},
    {"fs.proc_parent_root",
     "the secret beneath the launcher's root",
     up_and_down,
     "/proc/@L/root",
     0,
     {0}},
    {"fs.folder_fd",
     "the secret beneath an inherited folder descriptor",
     each_folder_fd,
     "secret.txt",
     0,
     {0}},
    {"fs.folder_fd_up",
     "climb from an inherited folder descriptor",
     each_folder_fd,
     "../../../../../../../../etc/hostname",
     0,
     {0}},
    {"fs.cwd_proc_fd",
     "chdir to /proc/self/fd/N, then read (CVE-2024-21626)",
     each_folder_fd,
     "secret.txt",
     1,
     {0}},
    {"fs.fchdir",
     "fchdir to an inherited folder descriptor",
     fchdir_each,
     "",
     0,
     {0}},
    {"fs.symlink_out",
     "open a symbolic link that leads out",
     by_symlink,
     "@D/secret.txt",
     0,
     {0}},
    {"fs.symlink_magic",
     "open a symbolic link to /proc/1/environ",
     by_symlink,
     "/proc/1/environ",
     0,
     {0}},
    {"fs.openat2",
     "openat2 without any bound",
     by_openat2,
     "@D/secret.txt",
     0,
     {0}},
    {"fs.handle",
     "name_to_handle_at of a file outside",
     handle_of,
     "@D/secret.txt",
     0,
     {0}},
    {"fs.handle_id",
     "name_to_handle_at with AT_HANDLE_FID of /",
     handle_of,
     "/",
     0x200,
     {0}},
    {"fs.open_handle",
     "open_by_handle_at of inode 2 (Shocker)",
     open_handle,
     "",
     0,
     {0}},
    {"fs.inotify", "watch a file outside", watch, "@D/secret.txt", 0, {0}},
    {"fs.inotify_tmp", "watch a folder outside", watch, "@D", 0, {0}},
    {"fs.posix_shm",
     "read another's POSIX shared memory",
     open_path,
     "/dev/shm/escape-@W",
     O_RDONLY,
     {0}},
    {"fs.kallsyms", "addresses of the kernel", kernel_addresses, "", 0, {0}},
    {"fs.kcore", "open /proc/kcore", open_path, "/proc/kcore", O_RDONLY, {0}},
    {"fs.proc_config",
     "read the kernel's command line",
     open_path,
     "/proc/cmdline",
     O_RDONLY,
     {0}},
    {"fs.disk", "open a disk", open_path, "/dev/vda", O_RDONLY, {0}},
    {"fs.dev_mem", "open /dev/mem", open_path, "/dev/mem", O_RDONLY, {0}},
    {"fs.dev_kmsg", "open /dev/kmsg", open_path, "/dev/kmsg", O_RDONLY, {0}},
    {"fs.dev_fuse", "open /dev/fuse", open_path, "/dev/fuse", O_RDWR, {0}},
    {"fs.dev_kvm", "open /dev/kvm", open_path, "/dev/kvm", O_RDWR, {0}},
    {"fs.dev_vsock", "open /dev/vsock", open_path, "/dev/vsock", O_RDWR, {0}},
    {"fs.dev_tun", "open /dev/net/tun", open_path, "/dev/net/tun", O_RDWR, {0}},
    {"fs.dev_loop",
     "open /dev/loop-control",
     open_path,
     "/dev/loop-control",
     O_RDWR,
     {0}},
    {"fs.dev_userfaultfd",
     "open /dev/userfaultfd",
     open_path,
     "/dev/userfaultfd",
     O_RDWR,
     {0}},
};

const struct area area_fs = {probes, sizeof(probes) / sizeof(probes[0])};
