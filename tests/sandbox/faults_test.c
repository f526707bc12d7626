/*
 * Every system call between an order and its answer, failing in turn: the
 * launcher's own and those of the child between clone and exec. The refusal
 * names the step and the errno; or it was a call that can fail and the tool
 * runs; or the launcher ends, and everything with it, where it could not go on
 * honestly. Nothing is left of any of them, and who lives goes on serving.
 * TS_FAULTS_SHOW=1 prints each.
 */
#include "harness.h"
#include "host.h"
#include "look.h"
#include "trap.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/lib/ts_test.h"

#define CALLS_MAX  400 /* more than any launch makes */
#define READY_MOST 8   /* INITS_READY_MAX */

static struct box box;
static struct trap trap;
static char made[256]; /* what the tool "file" is to write */

struct mode {
    const char *name;
    enum box_level most, demand;
    bool has_caps;
    const char *tools[3];
};

static const struct mode modes[] = {
    {"bare", BOX_BARE, BOX_ANY, false, {"plain", "file", "speaks"}},
    {"full, unprivileged", BOX_FULL, BOX_FULL, false, {"plain"}},
    {"uid", BOX_UID, BOX_UID, true, {"file", "speaks"}},
    {"full", BOX_FULL, BOX_FULL, true, {"file", "speaks"}},
    {"strict", BOX_ANY, BOX_STRICT, true, {"plain"}},
};

static struct call call_of(const struct mode *m, const char *tool)
{
    struct call c = {
        .tool = tool, .what = "exit", .arg = "0", .box = m->demand};

    if (strcmp(tool, "file") == 0) {
        box_path(&box, "space/made.txt", made, sizeof(made));
        c.path = made;
        c.arg = NULL;
        c.access = ACCESS_WRITE;
    }
    if (strcmp(tool, "speaks") == 0)
        c.token = "header.payload-of-some-length.signature";
    return c;
}

static void close_ends(struct outcome *o)
{
    for (int i = 0; i < 3; i++) {
        int *fd = i == 0 ? &o->in_fd : i == 1 ? &o->out_fd : &o->err_fd;

        if (*fd >= 0)
            (void)close(*fd);
        *fd = -1;
    }
}

/* Of the file that the tool is to write: made by the launcher. */
static void forget_file(void)
{
    box_path(&box, "space/made.txt", made, sizeof(made));
    (void)unlink(made);
}

/* What could not be emptied stays, is logged, and its uid is not used again. */
static bool empties_folders(const struct trap_hit *h)
{
    return h->nr == SYS_unlinkat || h->nr == SYS_openat ||
           h->nr == SYS_getdents64 || h->nr == SYS_newfstatat ||
           h->nr == SYS_fcntl || h->nr == SYS_capset;
}

static void forget_scratch(void)
{
    char path[256], name[640];
    const struct dirent *e;
    DIR *d;

    box_path(&box, "scratch", path, sizeof(path));
    d = opendir(path);
    assert_non_null(d);
    while ((e = readdir(d)) != NULL) {
        (void)snprintf(name, sizeof(name), "%s/%s", path, e->d_name);
        if (e->d_name[0] != '.')
            assert_int_equal(rmdir(name), 0);
    }
    (void)closedir(d);
}

static bool launches(const struct call *c)
{
    struct outcome o;

    forget_file();
    box_run(&box, c, &o);
    if (!o.started)
        print_error("%s: %s: %d %s\n", c->tool, o.step, o.sys_errno, o.text);
    return o.started && o.exited.exit_code == 0;
}

/* What stands by is made again: one with each answer, refusals too. */
static void make_ready(const struct call *c)
{
    const struct call refused = {.tool = "needs", .what = "exit"};
    struct outcome o;

    for (int i = 0; i < 2; i++)
        assert_true(launches(c));
    for (int i = 0; i < READY_MOST; i++) {
        box_run(&box, &refused, &o);
        assert_false(o.started);
    }
    (void)trap_settle(&trap);
}

static void open_mode(const struct mode *m)
{
    const struct box_parts parts = {.prepare = trap_install,
                                    .prepare_arg = &trap};

    trap_start(&trap);
    box_open_with(&box, m->most, m->has_caps, &parts);
}

static void close_mode(void)
{
    box_close(&box);
    trap_stop(&trap);
}

/* Whether the launcher hangs up instead of an answer. */
static bool has_stopped(void)
{
    struct pollfd p = {.fd = box.gate, .events = POLLIN};
    char byte;

    assert_int_equal(poll(&p, 1, 20000), 1);
    return recv(box.gate, &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0;
}

/* Without these there is no honest way on: talking to the others, and being
 * who and where we were before. */
static bool may_stop(const struct trap_hit *h)
{
    switch (h->nr) {
    case SYS_recvfrom:
    case SYS_recvmsg:
    case SYS_sendmsg:
    case SYS_sendto:
#ifdef SYS_epoll_wait
    case SYS_epoll_wait:
#endif
    case SYS_epoll_pwait:
    case SYS_epoll_ctl:
    case SYS_setns:
    case SYS_setresuid:
    case SYS_prctl:
    case SYS_waitid:
    case SYS_wait4:
        return !h->in_child;
    default:
        return false;
    }
}

static void show(const struct mode *m, const struct call *c, unsigned k,
                 const struct trap_hit *h, bool stopped,
                 const struct outcome *o)
{
    if (getenv("TS_FAULTS_SHOW") == NULL)
        return;
    print_message("%s %s %u: %s call %d(%#llx, %#llx): %s %s %d\n", m->name,
                  c->tool, k, h->in_child ? "child" : "own", h->nr,
                  (unsigned long long)h->args[0],
                  (unsigned long long)h->args[1],
                  stopped      ? "stopped"
                  : o->started ? "started"
                               : "refused",
                  stopped || o->started ? "" : o->step,
                  stopped || o->started ? 0 : o->sys_errno);
}

/* What the refusal says is the call's own error, but for those whose answer is
 * looked at: whether the launcher lives, what a file is like. */
static int errno_of(const struct trap_hit *h, const char *step)
{
    if (h->in_child && (h->nr == SYS_getppid || h->nr == SYS_ppoll))
        return ESRCH;
    if (h->in_child && h->nr == SYS_getpid) /* another number than it must */
        return EEXIST;
    if (h->nr == SYS_getrandom) /* the keys of tripwires */
        return ENOMEM;
    return !h->in_child && h->nr == SYS_newfstatat &&
                   strcmp(step, "program") == 0
               ? ESTALE
               : EIO;
}

/* It ends by itself, and takes all of its tools with it. */
static void assert_all_ended(void)
{
    const struct timespec pause = {0, 1000000};
    siginfo_t si;

    assert_int_equal(waitid(P_PID, (id_t)box.pid, &si, WEXITED | WNOWAIT), 0);
    for (int i = 0; i < 5000 && box_count_probes(&box) > 0; i++)
        (void)nanosleep(&pause, NULL);
    assert_int_equal(box_count_probes(&box), 0);
}

/* False: so many calls are not made any more. */
static bool one_fault(const struct mode *m, const struct call *c, unsigned k,
                      struct look *before)
{
    struct outcome o = {.in_fd = -1, .out_fd = -1, .err_fd = -1};
    struct trap_hit h;
    bool stopped;
    uint64_t id;

    forget_file();
    trap_arm(&trap, k, EIO);
    id = box_send(&box, c);
    stopped = has_stopped();
    if (!stopped)
        box_wait_start(&box, id, &o);
    if (o.started && !has_stopped())
        box_wait_end(&box, id, &o);
    else if (o.started)
        stopped = true;
    close_ends(&o);
    stopped = !trap_settle(&trap) || stopped;
    h = trap_disarm(&trap);
    show(m, c, k, &h, stopped, &o);
    if (!h.fired)
        return false;
    if (!stopped && !o.started) {
        assert_true(o.step[0] != '\0');
        assert_int_equal(o.sys_errno, errno_of(&h, o.step));
        assert_true(o.text[0] != '\0');
    }
    if (stopped) {
        assert_true(may_stop(&h));
        assert_all_ended();
        close_mode();
        open_mode(m);
        make_ready(c);
        *before = look_at(&box);
        return true;
    }
    make_ready(c);
    assert_int_equal(box_count_probes(&box), 0);
    if (empties_folders(&h))
        forget_scratch();
    look_same(look_again(&box, *before), *before);
    return true;
}

static void sweep(const struct mode *m, const char *tool)
{
    const struct call c = call_of(m, tool);
    struct look before;
    unsigned k = 0;

    make_ready(&c);
    before = look_at(&box);
    while (k < CALLS_MAX && one_fault(m, &c, k, &before))
        k++;
    print_message("%s, %s: %u calls\n", m->name, tool, k);
    assert_true(k > 20 && k < CALLS_MAX);
}

static void sweep_mode(const struct mode *m)
{
    if (m->demand >= BOX_FULL && !host_gives_full(m->has_caps))
        return;
    open_mode(m);
    for (size_t i = 0; i < 3 && m->tools[i] != NULL; i++)
        sweep(m, m->tools[i]);
    close_mode();
}

static void every_call_of_a_bare_launch_may_fail(void **state)
{
    (void)state;
    sweep_mode(&modes[0]);
}

static void every_call_of_an_unprivileged_full_launch_may_fail(void **state)
{
    (void)state;
    sweep_mode(&modes[1]);
}

static void every_call_of_a_uid_launch_may_fail(void **state)
{
    (void)state;
    sweep_mode(&modes[2]);
}

static void every_call_of_a_full_launch_may_fail(void **state)
{
    (void)state;
    sweep_mode(&modes[3]);
}

static void every_call_of_a_strict_launch_may_fail(void **state)
{
    (void)state;
    sweep_mode(&modes[4]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_call_of_a_bare_launch_may_fail),
        cmocka_unit_test(every_call_of_an_unprivileged_full_launch_may_fail),
        cmocka_unit_test(every_call_of_a_uid_launch_may_fail),
        cmocka_unit_test(every_call_of_a_full_launch_may_fail),
        cmocka_unit_test(every_call_of_a_strict_launch_may_fail),
    };

    if (!trap_possible()) {
        print_message("SKIPPED: needs root\n");
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
