/* Run what was not authorised, or change what others will run. */
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* The smallest thing that runs: a script for the shell would need a shell. */
static const char script[] = "#!/bin/true\n";

static struct result after(pid_t pid)
{
    int status = 0;

    if (pid < 0)
        return stopped(errno);
    if (waitpid(pid, &status, 0) != pid)
        return unsure("no end");
    if (WIFEXITED(status) && WEXITSTATUS(status) >= 100)
        return stopped(WEXITSTATUS(status) - 100);
    return WIFSIGNALED(status) ? stopped(0) : allowed();
}

#define FAILED() _exit(errno < 100 ? 100 + errno : 199)

/* Our own program is a real ELF file that exits with 71 without arguments. */
static int copy_self(int to)
{
    static char buf[65536];
    int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    ssize_t n;

    if (from < 0)
        return -1;
    while ((n = read(from, buf, sizeof(buf))) > 0)
        if (write(to, buf, (size_t)n) != n)
            return -1;
    (void)close(from);
    return 0;
}

static struct result run_path(const struct probe *p)
{
    pid_t pid = fork();

    if (pid == 0) {
        char *const argv[] = {(char[]){"escape"}, (char[]){"-c"}, (char[]){":"},
                              NULL};
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);

        for (int fd = 0; fd < 3 && null >= 0; fd++)
            (void)dup2(null, fd);
        (void)execv(expand(p->text), argv);
        FAILED();
    }
    return after(pid);
}

static struct result run_descriptor(const struct probe *p)
{
    int fd = open(expand(p->text), (int)p->nr | O_CLOEXEC);
    pid_t pid;

    if (fd < 0)
        return stopped(errno);
    pid = fork();
    if (pid == 0) {
        char *const argv[] = {(char[]){"escape"}, NULL};

        (void)syscall(SYS_execveat, fd, "", argv, NULL, AT_EMPTY_PATH);
        FAILED();
    }
    return after(pid);
}

static struct result run_written(const struct probe *p)
{
    const char *path = scratch("run");
    int fd;
    pid_t pid;

    (void)unlink(path);
    fd = p->nr == O_TMPFILE ? open(*fact('S') != '\0' ? fact('S') : "/tmp",
                                   O_TMPFILE | O_RDWR | O_CLOEXEC, 0700)
                            : open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
    if (fd < 0)
        return stopped(errno);
    if (p->arg[0] != 0 ? write(fd, script, sizeof(script) - 1) < 0
                       : copy_self(fd) != 0)
        return unsure("no copy");
    if (p->nr == O_TMPFILE) { /* while it is open to write it is busy */
        char self[64];
        int again;

        (void)snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
        again = open(self, O_RDONLY | O_CLOEXEC);
        if (again < 0)
            return stopped(errno);
        (void)close(fd);
        fd = again;
    } else {
        (void)close(fd);
    }
    pid = fork();
    if (pid == 0) {
        char *const argv[] = {(char[]){"escape"}, NULL};

        if (p->nr == O_TMPFILE)
            (void)syscall(SYS_execveat, fd, "", argv, NULL, AT_EMPTY_PATH);
        else
            (void)execv(path, argv);
        FAILED();
    }
    (void)usleep(1000);
    return after(pid);
}

static struct result run_memfd(const struct probe *p)
{
    int fd = memfd_create("escape", MFD_CLOEXEC);
    char path[64];
    pid_t pid;

    if (fd < 0)
        return stopped(errno);
    if (copy_self(fd) != 0)
        return unsure("no copy");
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    pid = fork();
    if (pid == 0) {
        char *const argv[] = {(char[]){"escape"}, NULL};

        if (p->nr != 0)
            (void)execv(path, argv);
        else
            (void)syscall(SYS_execveat, fd, "", argv, NULL, AT_EMPTY_PATH);
        FAILED();
    }
    return after(pid);
}

/* The dynamic linker is a program that runs any file it may read. */
static struct result by_linker(const struct probe *p)
{
    pid_t pid = fork();

    (void)p;
    if (pid == 0) {
        char *const argv[] = {(char[]){"ld.so"}, (char[]){"/bin/true"}, NULL};

#if defined(__x86_64__)
        (void)execv("/lib64/ld-linux-x86-64.so.2", argv);
#else
        (void)execv("/lib/ld-linux-aarch64.so.1", argv);
#endif
        FAILED();
    }
    return after(pid);
}

static struct result write_self(const struct probe *p)
{
    int fd = open(expand(p->text), (int)p->nr | O_CLOEXEC);

    /* of a running program the kernel says ETXTBSY before it asks any box */
    if (fd < 0 && errno == ETXTBSY)
        return noted(stopped(errno), "it runs");
    return by(fd);
}

static struct result no_arguments(const struct probe *p)
{
    pid_t pid = fork();
    int status = 0;

    (void)p;
    if (pid < 0)
        return stopped(errno);
    if (pid == 0) {
        char *const argv[] = {NULL};

        (void)execv("/proc/self/exe", argv);
        FAILED();
    }
    if (waitpid(pid, &status, 0) != pid)
        return unsure("no end");
    /* 70: main saw argc 0; 71: the kernel gave it one */
    if (WIFEXITED(status) && WEXITSTATUS(status) == 70)
        return allowed();
    return stopped(WEXITSTATUS(status) >= 100 ? WEXITSTATUS(status) - 100 : 0);
}

static struct result huge_arguments(const struct probe *p)
{
    static char *argv[4096];
    static char word[131000];
    pid_t pid;

    (void)p;
    memset(word, 'x', sizeof(word) - 1);
    for (int i = 0; i < 90; i++)
        argv[i] = word; /* 11 MB */
    pid = fork();
    if (pid == 0) {
        (void)execv("/proc/self/exe", argv);
        FAILED();
    }
    return after(pid);
}

static const struct probe probes[] = {
    {"exec.shell", "run /bin/sh", run_path, "/bin/sh", 0, {0}},
    {"exec.python",
     "run /usr/bin/python3",
     run_path,
     "/usr/bin/python3",
     0,
     {0}},
    {"exec.true", "run /usr/bin/true", run_path, "/usr/bin/true", 0, {0}},
    {"exec.other_tool",
     "run a program that lies beside the victim",
     run_path,
     "@D/neighbour",
     0,
     {0}},
    {"exec.by_descriptor",
     "execveat of an O_PATH descriptor",
     run_descriptor,
     "/usr/bin/true",
     O_PATH,
     {0}},
    {"exec.by_root",
     "run a program beneath /proc/self/root",
     run_path,
     "/proc/self/root/usr/bin/true",
     0,
     {0}},
    {"exec.linker",
     "run the dynamic linker with a program",
     by_linker,
     "",
     0,
     {0}},
    {"exec.memfd", "memfd_create, then execveat", run_memfd, "", 0, {0}},
    {"exec.memfd_path",
     "memfd_create, then /proc/self/fd",
     run_memfd,
     "",
     1,
     {0}},
    {"exec.written", "run a program that it wrote", run_written, "", 0, {0}},
    {"exec.written_script",
     "run a script that it wrote",
     run_written,
     "",
     0,
     {1}},
    {"exec.nameless",
     "run a nameless file that it wrote",
     run_written,
     "",
     O_TMPFILE,
     {0}},
    {"exec.self_write",
     "open its own program for writing (CVE-2019-5736)",
     write_self,
     "/proc/self/exe",
     O_WRONLY,
     {0}},
    {"exec.self_read_write",
     "the same for reading and writing",
     write_self,
     "/proc/self/exe",
     O_RDWR,
     {0}},
    {"exec.launcher_write",
     "open the launcher's program for writing",
     write_self,
     "/proc/@L/exe",
     O_WRONLY,
     {0}},
    {"exec.launcher_read",
     "open the launcher's program",
     write_self,
     "/proc/@L/exe",
     O_RDONLY,
     {0}},
    {"exec.victim_program",
     "open a neighbour's program for writing",
     write_self,
     "@D/neighbour",
     O_WRONLY,
     {0}},
    {"exec.argc0",
     "run itself without any argument (CVE-2021-4034)",
     no_arguments,
     "",
     0,
     {0}},
    {"exec.huge",
     "run itself with 11 MB of arguments",
     huge_arguments,
     "",
     0,
     {0}},
};

const struct area area_exec = {probes, sizeof(probes) / sizeof(probes[0])};
