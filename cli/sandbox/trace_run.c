/* The tracer: every system call of a program and of all that it starts. No
 * privilege is needed, and nothing outlives the trace. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "cli/sandbox/trace.h"

#define TASKS_MAX  1024
#define NAME_BYTES 2048 /* of a path that is made; a longer one is not seen */
#define OPTIONS                                                                \
    (PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |        \
     PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL)
#define IS_SYSCALL (SIGTRAP | 0x80)

struct task { /* between the entry and the exit of a call */
    pid_t tid;
    int64_t nr; /* -1: outside one */
    uint64_t args[6];
};

struct tracer {
    struct trace *t;
    struct task task[TASKS_MAX];
    uint32_t count;
    pid_t first;
    bool is_running; /* the program itself has been executed */
};

static struct task *task_of(struct tracer *r, pid_t tid)
{
    for (uint32_t i = 0; i < r->count; i++) {
        if (r->task[i].tid == tid)
            return &r->task[i];
    }
    if (r->count == TASKS_MAX)
        return NULL;
    r->task[r->count] = (struct task){.tid = tid, .nr = -1};
    return &r->task[r->count++];
}

static void forget(struct tracer *r, pid_t tid)
{
    for (uint32_t i = 0; i < r->count; i++) {
        if (r->task[i].tid == tid) {
            r->task[i] = r->task[--r->count];
            return;
        }
    }
}

static size_t read_memory(pid_t tid, uint64_t at, void *to, size_t len)
{
    struct iovec local = {to, len};
    struct iovec remote;
    ssize_t n;

    memcpy(&remote.iov_base, &at, sizeof(remote.iov_base));
    remote.iov_len = len;
    n = process_vm_readv(tid, &local, 1, &remote, 1, 0);
    return n > 0 ? (size_t)n : 0;
}

/* A string may end just before a page that is not there. */
static bool read_string(pid_t tid, uint64_t at, char *to, size_t cap)
{
    size_t have = 0;

    while (have < cap) {
        size_t page = 4096 - (size_t)((at + have) % 4096);
        size_t want = page < cap - have ? page : cap - have;
        size_t n = read_memory(tid, at + have, to + have, want);

        if (memchr(to + have, '\0', n) != NULL)
            return true;
        have += n;
        if (n < want)
            break;
    }
    return false;
}

static bool link_of(pid_t tid, const char *name, int fd, char *to, size_t cap)
{
    char path[64];
    ssize_t n;

    if (fd >= 0)
        (void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)tid, fd);
    else
        (void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)tid, name);
    n = readlink(path, to, cap - 1);
    if (n < 0)
        return false;
    to[n] = '\0';
    return true;
}

/* The folder of a name that was made, removed or renamed. */
static void see_folder(struct tracer *r, pid_t tid, int dirfd, uint64_t at,
                       const char *why)
{
    char name[NAME_BYTES], folder[NAME_BYTES];
    char whole[2 * NAME_BYTES + 2], real[PATH_MAX];
    char *slash;

    if (!read_string(tid, at, name, sizeof(name)))
        return;
    if (name[0] == '/') {
        (void)snprintf(whole, sizeof(whole), "%s", name);
    } else {
        if (!link_of(tid, "cwd", dirfd, folder, sizeof(folder)))
            return;
        (void)snprintf(whole, sizeof(whole), "%s/%s", folder, name);
    }
    slash = strrchr(whole, '/');
    if (slash == NULL)
        return;
    *(slash == whole ? slash + 1 : slash) = '\0';
    if (realpath(whole, real) != NULL)
        trace_path(r->t, real, TRACE_READ | TRACE_WRITE, why);
}

static void see_opened(struct tracer *r, const struct task *k, int64_t result,
                       uint64_t flags, const char *why)
{
    bool writes =
        (flags & O_ACCMODE) != O_RDONLY || (flags & (O_CREAT | O_TRUNC)) != 0;
    char real[PATH_MAX];

    if (result >= 0 && (flags & O_PATH) == 0 &&
        link_of(k->tid, "", (int)result, real, sizeof(real)))
        trace_path(r->t, real, writes ? TRACE_READ | TRACE_WRITE : TRACE_READ,
                   why);
}

static void see_connect(struct tracer *r, const struct task *k)
{
    unsigned char address[128];
    size_t want =
        k->args[2] < sizeof(address) ? (size_t)k->args[2] : sizeof(address);

    trace_host(r->t, address, read_memory(k->tid, k->args[1], address, want));
}

/* After the call, when its descriptors and names exist. */
static void on_exit_of(struct tracer *r, const struct task *k, int64_t result)
{
    const char *name = sandbox_calls_name(
        &r->t->base[0].p->calls, sandbox_arch_native(), (uint32_t)k->nr);
    static const struct {
        const char *call;
        int dirfd, path; /* which arguments; dirfd -1: the working directory */
    } changes[] = {{"mkdir", -1, 0},    {"mkdirat", 0, 1},   {"rmdir", -1, 0},
                   {"unlink", -1, 0},   {"unlinkat", 0, 1},  {"rename", -1, 1},
                   {"renameat", 2, 3},  {"renameat2", 2, 3}, {"symlink", -1, 1},
                   {"symlinkat", 1, 2}, {"link", -1, 1},     {"linkat", 2, 3},
                   {"mknod", -1, 0},    {"mknodat", 0, 1}};

    if (name == NULL)
        return;
    if (strcmp(name, "open") == 0)
        see_opened(r, k, result, k->args[1], "open");
    else if (strcmp(name, "openat") == 0)
        see_opened(r, k, result, k->args[2], "openat");
    else if (strcmp(name, "creat") == 0)
        see_opened(r, k, result, O_WRONLY | O_CREAT, "creat");
    else if (strcmp(name, "connect") == 0)
        see_connect(r, k);
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        if (result == 0 && strcmp(name, changes[i].call) == 0)
            see_folder(r, k->tid,
                       changes[i].dirfd < 0 ? AT_FDCWD
                                            : (int)k->args[changes[i].dirfd],
                       k->args[changes[i].path], changes[i].call);
    }
}

static void on_syscall(struct tracer *r, pid_t tid)
{
    struct __ptrace_syscall_info i = {0};
    struct task *k = task_of(r, tid);

    if (ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof(i), &i) <= 0 || k == NULL)
        return;
    if (i.op == PTRACE_SYSCALL_INFO_ENTRY) {
        if (i.arch != sandbox_arch_audit(sandbox_arch_native()))
            r->t->foreign_arch = true;
        k->nr = (int64_t)i.entry.nr;
        memcpy(k->args, i.entry.args, sizeof(k->args));
        if (r->is_running)
            trace_call(r->t, (uint32_t)i.entry.nr, k->args);
    } else if (i.op == PTRACE_SYSCALL_INFO_EXIT && k->nr >= 0) {
        if (r->is_running)
            on_exit_of(r, k, i.exit.rval);
        k->nr = -1;
    }
}

static void on_event(struct tracer *r, pid_t tid, int event)
{
    char real[PATH_MAX];
    struct task *k = task_of(r, tid);

    if (event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK)
        r->t->processes++;
    if (event == PTRACE_EVENT_CLONE)
        r->t->threads++;
    if (event != PTRACE_EVENT_EXEC)
        return;
    if (k != NULL)
        k->nr = -1; /* its arguments were those of the program before */
    if (!r->is_running)
        (void)link_of(tid, "exe", -1, r->t->program, sizeof(r->t->program));
    else if (link_of(tid, "exe", -1, real, sizeof(real)))
        trace_path(r->t, real, TRACE_EXEC, "execve");
    r->is_running = true;
}

/* What is to be handed to the task when it goes on. */
static int on_stop(struct tracer *r, pid_t tid, int status)
{
    int sig = WSTOPSIG(status), event = status >> 16;

    if (sig == IS_SYSCALL) {
        on_syscall(r, tid);
        return 0;
    }
    if (event != 0) {
        on_event(r, tid, event);
        return 0;
    }
    return sig == SIGSTOP && task_of(r, tid) != NULL ? 0 : sig;
}

static bool follow(struct tracer *r)
{
    int status = 0;
    pid_t tid;

    while ((tid = waitpid(-1, &status, __WALL)) > 0 || errno == EINTR) {
        if (tid <= 0)
            continue;
        if (!WIFSTOPPED(status)) {
            if (tid == r->first)
                r->t->status = status;
            forget(r, tid);
            continue;
        }
        (void)ptrace(PTRACE_SYSCALL, tid, NULL, on_stop(r, tid, status));
    }
    return r->is_running;
}

bool trace_run(struct trace *t, char *const argv[])
{
    static struct tracer r; /* too large for the stack */
    int status = 0;
    pid_t pid;

    memset(&r, 0, sizeof(r));
    r.t = t;
    pid = fork();
    if (pid == 0) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
            _exit(126);
        (void)raise(SIGSTOP);
        (void)execvp(argv[0], argv);
        _exit(127);
    }
    r.first = pid;
    if (pid < 0 || waitpid(pid, &status, __WALL) != pid ||
        !WIFSTOPPED(status) ||
        ptrace(PTRACE_SETOPTIONS, pid, NULL, OPTIONS) != 0 ||
        ptrace(PTRACE_SYSCALL, pid, NULL, 0) != 0) {
        cli_error("the program cannot be traced: %s (kernel.yama.ptrace_scope "
                  "3, or a container whose seccomp profile refuses ptrace)",
                  strerror(errno));
        if (pid > 0)
            (void)kill(pid, SIGKILL);
        return false;
    }
    if (!follow(&r)) {
        cli_error("%s cannot be executed", argv[0]);
        return false;
    }
    return true;
}
