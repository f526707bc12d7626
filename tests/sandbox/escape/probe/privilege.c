/* More rights than a tool was given. */
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static struct result is_root(const struct probe *p)
{
    (void)p;
    return geteuid() == 0 || getuid() == 0 ? allowed() : stopped(0);
}

static struct result has_capabilities(const struct probe *p)
{
    struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct d[2] = {{0}};

    if (syscall(SYS_capget, &h, d) != 0)
        return stopped(errno);
    if (p->nr == 0)
        return (d[0].effective | d[1].effective | d[0].permitted |
                d[1].permitted) != 0
                   ? allowed()
                   : stopped(0);
    return (d[0].inheritable | d[1].inheritable) != 0 ? allowed() : stopped(0);
}

static struct result raise_ambient(const struct probe *p)
{
    return by(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, p->nr, 0, 0));
}

static struct result take_capability(const struct probe *p)
{
    struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct d[2] = {{0}};

    d[0].effective = d[0].permitted = d[0].inheritable = 1u << p->nr;
    return by(syscall(SYS_capset, &h, d));
}

static struct result new_privileges(const struct probe *p)
{
    (void)p;
    return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? stopped(0) : allowed();
}

static struct result no_filter(const struct probe *p)
{
    char line[128];
    FILE *f = fopen("/proc/self/status", "re");
    int mode = prctl(PR_GET_SECCOMP, 0, 0, 0, 0);

    (void)p;
    if (f != NULL) {
        while (fgets(line, sizeof(line), f) != NULL)
            if (sscanf(line, "Seccomp: %d", &mode) == 1)
                break;
        (void)fclose(f);
    }
    return mode > 0 ? stopped(0) : allowed();
}

static struct result foreign_groups(const struct probe *p)
{
    gid_t list[64];
    int n = getgroups(64, list);

    (void)p;
    for (int i = 0; i < n; i++)
        if (list[i] != getgid())
            return allowed();
    return stopped(0);
}

static struct result set_groups(const struct probe *p)
{
    const gid_t list[1] = {0};

    (void)p;
    return by(syscall(SYS_setgroups, 1, list));
}

/* setfsuid never fails: one looks. */
static struct result file_ids(const struct probe *p)
{
    if (p->nr != 0) {
        (void)setfsgid(0);
        return setfsgid((gid_t)-1) == 0 && getegid() != 0 ? allowed()
                                                          : stopped(EPERM);
    }
    (void)setfsuid(0);
    return setfsuid((uid_t)-1) == 0 && geteuid() != 0 ? allowed()
                                                      : stopped(EPERM);
}

/* A program with the set-user-id bit says as whom it runs. */
static struct result run_suid(const struct probe *p)
{
    int status = 0;
    pid_t pid = fork();

    if (pid < 0)
        return stopped(errno);
    if (pid == 0) {
        char *const argv[] = {(char[]){"suid"}, NULL};

        (void)execv(expand(p->text), argv);
        _exit(errno == 0 ? 1 : 100 + (errno & 31));
    }
    if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
        return unsure("no answer");
    if (WEXITSTATUS(status) >= 100)
        return stopped(EACCES);
    /* 10: set-id took effect; 11: it ran, without any effect */
    return WEXITSTATUS(status) == 10 ? allowed()
                                     : noted(stopped(0), "ran without effect");
}

static const struct probe probes[] = {
    {"privilege.root", "the user is 0", is_root, "", 0, {0}},
    {"privilege.capabilities",
     "any capability is held",
     has_capabilities,
     "",
     0,
     {0}},
    {"privilege.inheritable",
     "any capability is inheritable",
     has_capabilities,
     "",
     1,
     {0}},
    {"privilege.no_new_privs",
     "new privileges are possible",
     new_privileges,
     "",
     0,
     {0}},
    {"privilege.no_filter",
     "no system call filter is in force",
     no_filter,
     "",
     0,
     {0}},
    {"privilege.groups", "groups beside its own", foreign_groups, "", 0, {0}},
    {"privilege.setuid", "setuid(0)", call_by, "", SYS_setuid, {0}},
    {"privilege.setgid", "setgid(0)", call_by, "", SYS_setgid, {0}},
    {"privilege.setreuid", "setreuid(0, 0)", call_by, "", SYS_setreuid, {0, 0}},
    {"privilege.setresuid",
     "setresuid(0, 0, 0)",
     call_by,
     "",
     SYS_setresuid,
     {0, 0, 0}},
    {"privilege.setresgid",
     "setresgid(0, 0, 0)",
     call_by,
     "",
     SYS_setresgid,
     {0, 0, 0}},
    {"privilege.setgroups", "setgroups", set_groups, "", 0, {0}},
    {"privilege.setfsuid", "setfsuid(0)", file_ids, "", 0, {0}},
    {"privilege.setfsgid", "setfsgid(0)", file_ids, "", 1, {0}},
    {"privilege.capset",
     "capset: take CAP_SYS_ADMIN",
     take_capability,
     "",
     CAP_SYS_ADMIN,
     {0}},
    {"privilege.ambient",
     "raise CAP_SYS_ADMIN to ambient",
     raise_ambient,
     "",
     CAP_SYS_ADMIN,
     {0}},
    {"privilege.securebits",
     "keep capabilities over setuid",
     call_by,
     "",
     SYS_prctl,
     {PR_SET_SECUREBITS, 0x10 | 1, 0, 0, 0}},
    {"privilege.suid_program",
     "run a set-user-id program",
     run_suid,
     "@D/suid/suid",
     0,
     {0}},
    {"privilege.chroot",
     "chroot to a folder of its own",
     call_by,
     "",
     SYS_chroot,
     {(long)"."}},
};

const struct area area_privilege = {probes, sizeof(probes) / sizeof(probes[0])};
