#include "sidecar/hook/run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "sidecar/common/program_file.h"
#include "sidecar/common/reap.h"
#include "sidecar/hook/confine_hook.h"

/* Exit statuses of a runner: 0, the command's 1 to 127, 128 and the signal, and
 * these. */
#define RUNNER_SIGNAL      128
#define RUNNER_TIMEOUT     240
#define RUNNER_NOT_STARTED 241
#define RUNNER_REFUSED     242
#define REAP_MS            10000

/* Of each process of the command; processes are counted for the whole user. */
#define MIB       (UINT64_C(1) << 20)
#define PROCESSES 256
#define FILES     256
#define FILE_SIZE (64 * MIB)
#define MEMORY    (1024 * MIB) /* private and written to */

const char *run_outcome(int status, int *ret_number)
{
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;

    *ret_number = 0;
    switch (code) {
    case 0:
        return "ok";
    case RUNNER_TIMEOUT:
        return "timeout";
    case RUNNER_NOT_STARTED:
        return "not_started";
    case RUNNER_REFUSED:
        return "refused";
    default:
        break;
    }
    if (code > RUNNER_SIGNAL && code < RUNNER_TIMEOUT) {
        *ret_number = code - RUNNER_SIGNAL;
        return "signal";
    }
    if (code > 0 && code < RUNNER_SIGNAL) {
        *ret_number = code;
        return "exit";
    }
    return "lost";
}

static ts_err sealed(struct ts_bytes document, int *ret)
{
    int fd TS_CLEANUP(ts_fd_close) =
        memfd_create("question", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    if (fd < 0)
        return ts_err_from_errno(errno);
    for (size_t at = 0; at < document.len;) {
        ssize_t n = pwrite(fd, document.ptr + at, document.len - at, (off_t)at);

        if (n <= 0)
            return TS_E_SYSTEM;
        at += (size_t)n;
    }
    if (fcntl(fd, F_ADD_SEALS,
              F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0)
        return ts_err_from_errno(errno);
    *ret = fd;
    fd = -1; /* moved */
    return TS_OK;
}

static void limit(__rlimit_resource_t what, uint64_t most)
{
    const struct rlimit l = {.rlim_cur = most, .rlim_max = most};

    (void)setrlimit(what, &l); /* a lower one is in force already */
}

static void default_signals(void)
{
    struct sigaction dfl = {.sa_handler = SIG_DFL};
    sigset_t none;

    for (int sig = 1; sig < NSIG; sig++)
        (void)sigaction(sig, &dfl, NULL);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static bool alone_with(int document)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    return null >= 0 && dup2(document, STDIN_FILENO) == STDIN_FILENO &&
           dup2(null, STDOUT_FILENO) == STDOUT_FILENO;
}

/* In the command's own process. failed: a pipe that closes with the exec. */
static _Noreturn void command(const struct control_hook *h, int failed)
{
    static char *const env[] = {(char *)(uintptr_t) "PATH=/usr/bin:/bin",
                                (char *)(uintptr_t) "LANG=C.UTF-8", NULL};
    char *argv[CONTROL_HOOK_ARGS + 2] = {(char *)(uintptr_t)h->exec.ptr};

    for (uint32_t i = 0; i < h->arg_count; i++)
        argv[i + 1] = (char *)(uintptr_t)h->args[i].ptr;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    (void)setsid();
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_NPROC, PROCESSES);
    limit(RLIMIT_NOFILE, FILES);
    limit(RLIMIT_FSIZE, FILE_SIZE);
    limit(RLIMIT_DATA, MEMORY);
    limit(RLIMIT_MEMLOCK, 0);
    if (dup2(STDOUT_FILENO, STDERR_FILENO) == STDERR_FILENO)
        (void)execve(h->exec.ptr, argv, env);
    (void)!write(failed, "x", 1);
    _exit(127);
}

/* Milliseconds at most; false: it still runs. */
static bool wait_for(int pidfd, uint64_t timeout_ms)
{
    struct pollfd p = {.fd = pidfd, .events = POLLIN};
    int n;

    do {
        n = poll(&p, 1, (int)timeout_ms); /* <= CONTROL_HOOK_TIMEOUT_MAX */
    } while (n < 0 && errno == EINTR);
    return n == 1;
}

static bool exec_failed(int pipe_end)
{
    char c;
    ssize_t n;

    do {
        n = read(pipe_end, &c, 1);
    } while (n < 0 && errno == EINTR);
    return n != 0;
}

static int code_of(int status)
{
    if (WIFSIGNALED(status))
        return RUNNER_SIGNAL + WTERMSIG(status);
    return WEXITSTATUS(status) < RUNNER_SIGNAL ? WEXITSTATUS(status)
                                               : RUNNER_SIGNAL - 1;
}

static int run_it(const struct control_hook *h)
{
    char text[PROGRAM_FILE_TEXT];
    struct reaped reaped;
    int ends[2], status = 0, code = RUNNER_TIMEOUT, pidfd;
    pid_t pid;

    if (!program_file_check(h->exec.ptr, 0, text))
        return RUNNER_REFUSED;
    if (pipe2(ends, O_CLOEXEC) != 0 || (pid = fork()) < 0)
        return RUNNER_NOT_STARTED;
    if (pid == 0)
        command(h, ends[1]);
    (void)close(ends[1]);
    pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (pidfd < 0 || exec_failed(ends[0]))
        code = RUNNER_NOT_STARTED;
    else if (wait_for(pidfd, h->timeout_ms) &&
             waitpid(pid, &status, WNOHANG) == pid)
        code = code_of(status);
    if (reap_all(0, REAP_MS, &reaped) != TS_OK && code == 0)
        code = RUNNER_TIMEOUT; /* something of it does not end */
    return code;
}

static _Noreturn void runner(const struct control_hook *h, int document,
                             pid_t parent)
{
    default_signals();
    (void)setsid();
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || getppid() != parent ||
        prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0 ||
        !alone_with(document) || syscall(SYS_close_range, 3U, ~0U, 0U) != 0 ||
        confine_hook_runner() != TS_OK)
        _exit(RUNNER_NOT_STARTED);
    _exit(run_it(h));
}

ts_err run_start(const struct control_hook *h, struct ts_bytes document,
                 pid_t *ret_runner)
{
    int fd TS_CLEANUP(ts_fd_close) = -1;
    ts_err e = sealed(document, &fd);
    pid_t parent = getpid(), pid;

    if (e != TS_OK)
        return e;
    pid = fork();
    if (pid < 0)
        return ts_err_from_errno(errno);
    if (pid == 0)
        runner(h, fd, parent);
    *ret_runner = pid;
    return TS_OK;
}
