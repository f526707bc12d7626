#include "cli/issuer/verifier.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "proto/base/ts_fd.h"

#define END_STEPS 100 /* of 5 ms */

static uint64_t now_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* The token waits in the pipe before the program starts: it is shorter than
 * what a pipe holds, so nobody waits for a program that does not read. */
static bool token_pipe(struct ts_str token, int *ret_fd)
{
    int p[2];
    bool ok;

    if (pipe2(p, O_CLOEXEC) != 0)
        return false;
    ok = fcntl(p[1], F_SETFL, O_NONBLOCK) == 0 &&
         write(p[1], token.ptr, token.len) == (ssize_t)token.len;
    ts_fd_close(&p[1]);
    if (!ok)
        ts_fd_close(&p[0]);
    else
        *ret_fd = p[0];
    return ok;
}

struct program {
    const char *const *argv;
    char alg[32], iss[IDP_TEXT_MAX + 16];
    int in_fd, out_fd;
};

static _Noreturn void become(struct program *p)
{
    static char path[] = "PATH=/usr/local/bin:/usr/bin:/bin";
    static char lang[] = "LANG=C.UTF-8";
    char *env[] = {path, lang, p->alg, p->iss, NULL};
    char *const *argv;

    memcpy(&argv, &p->argv, sizeof(argv)); /* execve(2) writes to neither */
    if (setpgid(0, 0) == 0 && dup2(p->in_fd, 0) == 0 && dup2(p->out_fd, 1) == 1)
        (void)execve(argv[0], argv, env);
    _exit(127);
}

/* Reads to the end, at most cap bytes, until the deadline. */
static const char *collect(int fd, char *out, size_t cap, size_t *ret_len)
{
    uint64_t end = now_ms() + VERIFIER_MS;
    size_t len = 0;

    for (;;) {
        uint64_t now = now_ms();
        struct pollfd p = {.fd = fd, .events = POLLIN};
        ssize_t n;

        if (now >= end || poll(&p, 1, (int)(end - now)) == 0)
            return "took longer than 10 seconds and was ended";
        n = read(fd, out + len, cap - len);
        if (n < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (n < 0)
            return "its answer could not be read";
        if (n == 0)
            break;
        len += (size_t)n;
        if (len == cap)
            return "printed too much and was ended";
    }
    *ret_len = len;
    return NULL;
}

/* It has closed its output; it may take until the deadline to exit. */
static const char *await(pid_t pid, bool *ret_reaped)
{
    uint64_t end = now_ms() + VERIFIER_MS;
    int status = 0;

    for (;;) {
        pid_t got = waitpid(pid, &status, WNOHANG);

        if (got == pid)
            break;
        if (got < 0 || now_ms() >= end)
            return "did not end";
        (void)poll(NULL, 0, 5);
    }
    *ret_reaped = true;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
        return "could not be started";
    return WIFEXITED(status) && WEXITSTATUS(status) == 0
               ? NULL
               : "did not verify the token";
}

/* It may have parts of the token in files, so it is asked first: what it does
 * about that must be quick. */
static void end(pid_t pid)
{
    (void)kill(-pid, SIGTERM); /* and whatever it started */
    for (int i = 0; i < END_STEPS; i++) {
        if (waitpid(pid, NULL, WNOHANG) == pid) {
            (void)kill(-pid, SIGKILL); /* those of the group that stayed */
            return;
        }
        (void)poll(NULL, 0, 5);
    }
    (void)kill(-pid, SIGKILL);
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
}

static const char *run(struct program *p, int read_fd, char *out, size_t cap,
                       size_t *ret_len)
{
    bool reaped = false;
    const char *why;
    pid_t pid = fork();

    if (pid == 0)
        become(p);
    ts_fd_close(&p->in_fd);
    ts_fd_close(&p->out_fd);
    if (pid < 0)
        return "could not be started";
    why = collect(read_fd, out, cap, ret_len);
    if (why == NULL)
        why = await(pid, &reaped);
    if (!reaped)
        end(pid);
    return why;
}

bool verifier_run(const char *const *argv, const struct idp *idp,
                  struct ts_str token, struct ts_arena *arena,
                  struct ts_str *ret)
{
    struct program p = {.argv = argv, .in_fd = -1, .out_fd = -1};
    size_t len = 0;
    const char *why;
    void *out;
    int pipes[2];

    (void)snprintf(p.alg, sizeof(p.alg), "TIPSTAFF_ALG=%s",
                   idp_alg_name(idp->alg));
    (void)snprintf(p.iss, sizeof(p.iss), "TIPSTAFF_ISS=%s", idp->iss.ptr);
    if (ts_arena_alloc(arena, VERIFIER_OUTPUT_MAX, &out) != TS_OK) {
        cli_error("out of memory");
        return false;
    }
    if (!token_pipe(token, &p.in_fd) || pipe2(pipes, O_CLOEXEC) != 0) {
        cli_error("the verifier could not be started: %s", strerror(errno));
        ts_fd_close(&p.in_fd);
        return false;
    }
    p.out_fd = pipes[1];
    why = run(&p, pipes[0], out, VERIFIER_OUTPUT_MAX, &len);
    ts_fd_close(&pipes[0]);
    if (why != NULL) {
        cli_error("the verifier %s %s", argv[0], why);
        return false;
    }
    *ret = (struct ts_str){.ptr = out, .len = len};
    return true;
}
