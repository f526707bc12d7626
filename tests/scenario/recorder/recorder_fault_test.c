/*
 * The real recorder on a disk that fails: strace injects an error or a SIGKILL
 * into one system call, while revocations come and the journal is compacted.
 * What was acknowledged (the barrier behind it came back) must be there after
 * the next start.
 */
#include "tests/lib/ts_test.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "proto/msg/order.h"
#include "rig.h"

#define FOR_EVER UINT64_MAX
#define ROUNDS   12000u
#define AGENTS   200u
#define STEP     100u /* revocations between two barriers */
#define WAIT_S   20

static struct rig rig;
static char out[4 << 20];
static pid_t tracer;

static int setup(void **state)
{
    (void)state;
    rig_init(&rig);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    if (tracer > 0) {
        (void)kill(tracer, SIGKILL);
        (void)waitpid(tracer, NULL, 0);
        tracer = 0;
    }
    rig_done(&rig);
    return 0;
}

static bool is_traced(void)
{
    char path[64], line[128];
    int by = 0;
    FILE *f;

    (void)snprintf(path, sizeof(path), "/proc/%d/status", (int)rig.pid);
    f = fopen(path, "r");
    while (f != NULL && fgets(line, sizeof(line), f) != NULL)
        (void)sscanf(line, "TracerPid: %d", &by);
    if (f != NULL)
        (void)fclose(f);
    return by != 0;
}

/* false: strace is absent, or may not attach here. */
static bool trace(const char *call, const char *inject)
{
    char pid[16];
    struct timespec nap = {.tv_nsec = 5000000};

    (void)snprintf(pid, sizeof(pid), "%d", (int)rig.pid);
    tracer = fork();
    if (tracer == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)execlp("strace", "strace", "-f", "-qq", "-o", "/dev/null", "-e",
                     call, "-e", inject, "-p", pid, (char *)NULL);
        _exit(127);
    }
    while (!is_traced()) { /* it attaches, or it ends */
        if (waitpid(tracer, NULL, WNOHANG) == tracer) {
            tracer = 0;
            return false;
        }
        (void)nanosleep(&nap, NULL);
    }
    return true;
}

/* Is the barrier back? false: the recorder is gone. */
static bool acknowledged(void)
{
    struct pollfd f = {.fd = rig.launcher, .events = POLLIN};
    uint64_t id;
    uint8_t b;

    if (poll(&f, 1, WAIT_S * 1000) != 1 ||
        recv(rig.launcher, &b, 1, MSG_PEEK | MSG_DONTWAIT) <= 0)
        return false;
    return rig_hop(&rig, &id) == HOP_BARRIER;
}

/* Revokes until the recorder is gone or all is done; cutoffs only grow. Returns
 * how many were acknowledged. */
static uint32_t revoke_all(void)
{
    char agent[16];

    for (uint32_t n = 0; n < ROUNDS; n += STEP) {
        for (uint32_t i = n; i < n + STEP; i++) {
            (void)snprintf(agent, sizeof(agent), "a%u", i % AGENTS);
            rig_revoke(&rig, "acme", agent, 1000 + i, FOR_EVER);
        }
        rig_denial(&rig, n, 10); /* its line tells the journal's number */
        rig_barrier(&rig, n + 1);
        if (!acknowledged())
            return n;
    }
    return ROUNDS;
}

/* After a restart every agent's cutoff is at least the acknowledged one. */
static void check_kept(uint32_t acked)
{
    const char *words[] = {"revocations", "ls",     "--socket",
                           rig.socket,    "--json", NULL};
    uint32_t known = acked < AGENTS ? acked : AGENTS;
    uint64_t at_least[AGENTS] = {0};

    for (uint32_t i = 0; i < acked; i++)
        at_least[i % AGENTS] = 1000 + i;
    assert_int_equal(rig_cli(out, sizeof(out), words), 0);
    for (uint32_t a = 0; a < known; a++) {
        char text[64];
        unsigned long long cutoff = 0;
        const char *p;

        (void)snprintf(text, sizeof(text), "\"target\":\"a%u\",\"cutoff\":", a);
        p = strstr(out, text);
        if (p == NULL)
            fail_msg("agent a%u is forgotten", a);
        else
            (void)sscanf(p + strlen(text), "%llu", &cutoff);
        if (cutoff < at_least[a])
            fail_msg("agent a%u: cutoff %llu, acknowledged %llu", a, cutoff,
                     (unsigned long long)at_least[a]);
    }
}

/* Instead of a call that fails another one is made that the recorder's seccomp
 * filter lets through; strace's own number, -1, would end it there. */
struct inject_case {
    const char *call, *inject;
    bool goes_on; /* the recorder survives it */
};

static void one(const struct inject_case *c, bool *ret_skipped)
{
    uint32_t acked;
    int code = 0;

    rig_start(&rig);
    *ret_skipped = !trace(c->call, c->inject);
    if (*ret_skipped)
        return;
    acked = revoke_all();
    if (c->goes_on) {
        assert_int_equal(acked, ROUNDS);
        assert_int_equal(rig_drain(&rig), 0);
    } else {
        code = rig_wait(&rig);
        assert_true(code == 1 || code == -SIGKILL);
        assert_true(acked < ROUNDS);
    }
    (void)waitpid(tracer, NULL, 0);
    tracer = 0;
    print_message("    %s: %u acknowledged, ended with %d\n", c->inject, acked,
                  code);
    rig_start(&rig);
    check_kept(acked);
    assert_int_equal(rig_drain(&rig), 0);
    rig_verify(&rig, true);
}

static void failing_disk_forgets_nothing_acknowledged(void **state)
{
    static const struct inject_case cases[] = {
        {"trace=fdatasync", "inject=fdatasync:error=EIO:syscall=getpid:when=1",
         false},
        {"trace=fdatasync", "inject=fdatasync:error=EIO:syscall=getpid:when=40",
         false},
        {"trace=fdatasync",
         "inject=fdatasync:error=ENOSPC:syscall=getpid:when=41", false},
        {"trace=fdatasync", "inject=fdatasync:signal=KILL:when=40", false},
        {"trace=pwrite64", "inject=pwrite64:error=EIO:syscall=getpid:when=500",
         false},
        {"trace=pwrite64",
         "inject=pwrite64:error=ENOSPC:syscall=getpid:when=500", false},
        {"trace=pwrite64", "inject=pwrite64:signal=KILL:when=9500", false},
        {"trace=renameat", "inject=renameat:error=EIO:syscall=getpid:when=1",
         false},
        {"trace=renameat", "inject=renameat:error=ENOSPC:syscall=getpid:when=1",
         true},
        {"trace=renameat", "inject=renameat:signal=KILL:when=1", false},
        {"trace=fsync", "inject=fsync:error=EIO:syscall=getpid:when=1", false},
        {"trace=fsync", "inject=fsync:signal=KILL:when=1", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bool skipped;

        rig_done(&rig);
        rig_init(&rig);
        one(&cases[i], &skipped);
        if (!skipped)
            continue;
        print_message("SKIPPED: strace is absent or may not attach to a "
                      "process here\n");
        skip();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            failing_disk_forgets_nothing_acknowledged, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
