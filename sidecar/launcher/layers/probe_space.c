/* Tries of what a full box needs. Directly where that is allowed, else in a
 * user namespace, as the launcher does. Always in a throw-away child. */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/keyctl.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sidecar/launcher/layers/probe_tries.h"

#define NO_EFFECT    EPROTO
#define MDWE         65 /* PR_SET_MDWE */
#define REFUSE_GAIN  1  /* PR_MDWE_REFUSE_EXEC_GAIN */
#define SMALL_TMPFS  "size=64k,nr_inodes=16,mode=0700"
#define MORE_THAN_IT ((size_t)128 << 10)
/* Exists wherever we can run, and nothing of ours is beneath it here. */
#define PLACE "/proc"

static int write_map(const char *path, unsigned id)
{
    char text[40];
    int fd = open(path, O_WRONLY | O_CLOEXEC), err = 0;
    int n = snprintf(text, sizeof(text), "%u %u 1", id, id);

    if (fd < 0)
        return errno;
    if (write(fd, text, (size_t)n) != n)
        err = errno;
    (void)close(fd);
    return err;
}

static int enter(int flags)
{
    const unsigned uid = getuid(), gid = getgid();
    int fd, err;

    if (unshare(flags) == 0)
        return 0;
    if (unshare(CLONE_NEWUSER | flags) != 0)
        return errno;
    (void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    fd = open("/proc/self/setgroups", O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        (void)!write(fd, "deny", 4);
        (void)close(fd);
    }
    if ((err = write_map("/proc/self/uid_map", uid)) != 0)
        return err;
    return write_map("/proc/self/gid_map", gid);
}

static int enter_mounts(int flags)
{
    int err = enter(CLONE_NEWNS | flags);

    if (err == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
        err = errno;
    return err;
}

static int mount_tmpfs(void)
{
    return mount("tmpfs", PLACE, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
                 SMALL_TMPFS) == 0
               ? 0
               : errno;
}

/* A root of our own, in which nothing of the host's is left. */
int try_namespaces(void)
{
    int err = enter_mounts(CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS);

    if (err == 0)
        err = mount_tmpfs();
    if (err != 0)
        return err;
    if (chdir(PLACE) != 0 || syscall(SYS_pivot_root, ".", ".") != 0 ||
        umount2(".", MNT_DETACH) != 0 || chdir("/") != 0)
        return errno;
    return access("/usr", F_OK) != 0 && access("/proc", F_OK) != 0 ? 0
                                                                   : NO_EFFECT;
}

/* A tmpfs that is full when it says so. */
int try_private_tmp(void)
{
    static const char zeros[MORE_THAN_IT];
    int fd, err = enter_mounts(0);
    ssize_t n;

    if (err == 0)
        err = mount_tmpfs();
    if (err != 0)
        return err;
    fd = open(PLACE "/try", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return errno;
    n = write(fd, zeros, sizeof(zeros));
    (void)close(fd);
    return n < (ssize_t)sizeof(zeros) ? 0 : NO_EFFECT;
}

static int look_at_proc(void)
{
    char self[16] = "";

    if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC,
              "hidepid=2") != 0)
        return errno;
    if (readlink("/proc/self", self, sizeof(self) - 1) < 0)
        return errno;
    return strcmp(self, "1") == 0 ? 0 : NO_EFFECT;
}

/* The first process of a pid namespace sees itself as number 1. */
int try_own_proc(void)
{
    int status = 0, err = enter_mounts(CLONE_NEWPID);
    pid_t pid;

    if (err != 0)
        return err;
    pid = fork();
    if (pid == 0)
        _exit(look_at_proc());
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return errno;
    return WIFEXITED(status) ? WEXITSTATUS(status) : NO_EFFECT;
}

/* In an empty one even loopback is down. */
int try_net_ns(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
    int s, err = enter(CLONE_NEWNET);

    if (err != 0)
        return err;
    s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (s < 0)
        return errno;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return sendto(s, "x", 1, 0, (const struct sockaddr *)&to, sizeof(to)) < 0 &&
                   errno == ENETUNREACH
               ? 0
               : NO_EFFECT;
}

int try_keyring(void)
{
    long before = syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID,
                          KEY_SPEC_SESSION_KEYRING, 0, 0, 0);

    if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL, 0, 0, 0) < 0)
        return errno;
    return syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING,
                   0, 0, 0) != before
               ? 0
               : NO_EFFECT;
}

int try_no_wx(void)
{
    if (prctl(MDWE, REFUSE_GAIN, 0, 0, 0) != 0)
        return errno;
    return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED
               ? 0
               : NO_EFFECT;
}

static int add_filter(uint32_t call, uint32_t action)
{
    struct sock_filter insns[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, action),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog p = {.len = sizeof(insns) / sizeof(insns[0]),
                                 .filter = insns};

    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &p) == 0 ? 0
                                                                     : errno;
}

/* On top of another, as in a strict box. */
int try_own_filter(void)
{
    int err;

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return errno;
    if ((err = add_filter(SYS_getpgid, SECCOMP_RET_ERRNO | EPERM)) != 0 ||
        (err = add_filter(SYS_getsid, SECCOMP_RET_ERRNO | EPERM)) != 0)
        return err;
    return getpgid(0) < 0 && getsid(0) < 0 ? 0 : NO_EFFECT;
}
