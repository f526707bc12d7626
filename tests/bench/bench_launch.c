/*
 * A permitted call of a program that does nothing, from CALL to RESULT,
 * beside: vfork + precompiled BPF + exec of the same program (floor), and
 * bubblewrap with all namespaces (peer). In turn in every round. JSON.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/filter.h>
#include <linux/seccomp.h>

#include "bench.h"
#include "proto/msg/client.h"

extern char **environ;

/* The cheapest filter there is: the floor is not to be made slow. */
static struct sock_filter allow_all[] = {
    {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW}};
static const struct sock_fprog filter = {1, allow_all};

static void reap(pid_t pid)
{
    int status;

    if (waitpid(pid, &status, 0) != pid || status != 0)
        bench_die("child failed");
}

static uint64_t floor_once(const char *program)
{
    char *argv[] = {strdup(program), NULL};
    uint64_t t0 = bench_now_ns();
    pid_t pid = vfork();

    if (pid == 0) {
        (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        (void)prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter);
        (void)execv(argv[0], argv);
        _exit(127);
    }
    reap(pid);
    t0 = bench_now_ns() - t0;
    free(argv[0]);
    return t0;
}

static uint64_t bwrap_once(const char *program)
{
    char *argv[] = {strdup("/usr/bin/bwrap"),
                    strdup("--ro-bind"),
                    strdup("/"),
                    strdup("/"),
                    strdup("--unshare-all"),
                    strdup("--die-with-parent"),
                    strdup(program),
                    NULL};
    uint64_t t0 = bench_now_ns();
    pid_t pid;

    if (posix_spawn(&pid, argv[0], NULL, NULL, argv, environ) != 0)
        bench_die("bwrap");
    reap(pid);
    t0 = bench_now_ns() - t0;
    for (size_t i = 0; argv[i] != NULL; i++)
        free(argv[i]);
    return t0;
}

static uint64_t call_once(int fd, uint64_t seq, const char *tool)
{
    static uint8_t req[4096], body[TS_FRAME_MAX];
    size_t n = bench_call(req, sizeof(req), seq, tool, NULL, NULL), len;
    uint64_t t0 = bench_now_ns();
    struct msg_result r;
    const char *what = "";
    uint8_t type;

    bench_write(fd, req, n);
    do {
        type = bench_read_frame(fd, body, sizeof(body), &len);
    } while (type != MSG_RESULT && type != MSG_ERROR);
    t0 = bench_now_ns() - t0;
    if (type != MSG_RESULT ||
        msg_result_decode(body, len, &r, &what) != TS_OK ||
        !ts_str_eq_c(r.reason, "exited") || r.exit_code != 0)
        bench_die("the call did not succeed");
    return t0;
}

int main(int argc, char **argv)
{
    const char *program = bench_option(argc, argv, "program");
    const char *tool = bench_option(argc, argv, "tool");
    const char *rounds_text = bench_option(argc, argv, "rounds");
    struct bench_series f = {0}, b = {0}, c = {0};
    bool with_bwrap = access("/usr/bin/bwrap", X_OK) == 0;
    size_t rounds = rounds_text != NULL ? strtoul(rounds_text, NULL, 10) : 200;
    uid_t uid = (uid_t)strtoul(bench_option(argc, argv, "uid"), NULL, 10);
    gid_t gid = (gid_t)strtoul(bench_option(argc, argv, "gid"), NULL, 10);
    int fd;

    if (program == NULL || tool == NULL)
        bench_die("usage");
    /* All three as the agent's user: the gate checks who sends. */
    if (uid != 0 && geteuid() == 0 &&
        (setresgid(gid, gid, gid) != 0 || setresuid(uid, uid, uid) != 0))
        bench_die("setresuid");
    fd = bench_session(bench_option(argc, argv, "gate"),
                       bench_option(argc, argv, "chain"),
                       bench_option(argc, argv, "key"));
    for (size_t i = 0; i < rounds + 10; i++) {
        uint64_t v[3] = {floor_once(program), call_once(fd, i + 1, tool),
                         with_bwrap ? bwrap_once(program) : 0};
        if (i < 10)
            continue; /* warm-up */
        bench_series_add(&f, v[0]);
        bench_series_add(&c, v[1]);
        if (with_bwrap)
            bench_series_add(&b, v[2]);
    }
    printf("{\"floor_p50_us\": %.1f, \"call_p50_us\": %.1f,\n",
           bench_quantile_us(&f, 0.5), bench_quantile_us(&c, 0.5));
    printf(" \"call_p99_us\": %.1f,\n", bench_quantile_us(&c, 0.99));
    if (with_bwrap)
        printf(" \"bwrap_p50_us\": %.1f, \"launch_over_bwrap_p50\": %.3f,\n",
               bench_quantile_us(&b, 0.5),
               bench_quantile_us(&c, 0.5) / bench_quantile_us(&b, 0.5));
    printf(" \"launch_over_floor_p50\": %.3f, \"launch_rounds\": %zu}\n",
           bench_quantile_us(&c, 0.5) / bench_quantile_us(&f, 0.5), rounds);
    return 0;
}
