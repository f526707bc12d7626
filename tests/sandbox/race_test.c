/*
 * The end of a call at every moment: by seccomp's user notification (trap.h)
 * the kill comes in front of each system call of a launch, of a kill, and of
 * the reaping of a tool that ended by itself; another order likewise; and a
 * starting child is stopped in front of each of its calls. Nothing that was
 * killed runs on, each end is told once, the next tool is nobody's victim, and
 * the launcher holds afterwards what it held before. TS_RACE_SHOW=1 prints each
 * round.
 */
#include "harness.h"
#include "host.h"
#include "look.h"
#include "tally.h"
#include "trap.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/lib/ts_test.h"

#include "proto/base/ts_fd.h"

#define DENSE 48 /* up to here each call, then ever fewer of them */
#define CALLS_MAX                                                              \
    4000 /* more than any of these makes, but for walks of /proc */
#define CALLS_EACH                                                             \
    16                  /* more than walks make for each process that is there \
                         */
#define READY_MOST 8    /* INITS_READY_MAX */
#define ANSWER_MS  6000 /* the watchdog kills after one second */
#define DAEMONS    3    /* of race_tool.c */

static struct box box;
static struct trap trap;
static struct tally tally;

struct mode {
    const char *name;
    enum box_level most, demand;
    bool has_caps;
    const char *tools[2];
};

static const struct mode modes[] = {
    {"bare", BOX_BARE, BOX_ANY, false, {"plain", NULL}},
    {"userns", BOX_FULL, BOX_FULL, false, {"plain", NULL}},
    {"uid", BOX_UID, BOX_UID, true, {"plain", "file"}},
    {"full", BOX_FULL, BOX_FULL, true, {"plain", "file"}},
    {"strict", BOX_ANY, BOX_STRICT, true, {"plain", NULL}},
};

/* ---- calls ------------------------------------------------------------- */

/* file: as the writers' uid, which others have too. */
static struct call call_of(const struct mode *m, const char *tool,
                           const char *what)
{
    static char made[256];
    struct call c = {.tool = tool, .what = what, .box = m->demand};

    if (strcmp(tool, "file") == 0) {
        box_path(&box, "space/made.txt", made, sizeof(made));
        c.path = made;
        c.access = ACCESS_WRITE;
    } else {
        c.arg = "";
        c.has_stdin = true;
    }
    return c;
}

static uint64_t begin(const struct call *c)
{
    uint64_t id = box_send(&box, c);

    tally_await(&tally, id);
    return id;
}

/* What stands by is made again: a refusal makes one more process 1. */
static void make_ready(const struct call *c)
{
    const struct call refused = {.tool = "needs", .what = "exit"};
    const struct tallied *x;

    for (int i = 0; i < 2 + READY_MOST; i++) {
        (void)begin(i < 2 ? c : &refused);
        tally_collect(&tally, &box);
        x = &tally.of[0];
        if ((x->refused == 0) != (i < 2) || x->exited.exit_code != 0)
            fail_msg("%s: refused %u %s, code %u", c->tool, x->refused, x->step,
                     x->exited.exit_code);
        tally_clear(&tally);
    }
    (void)trap_settle(&trap);
}

static bool open_mode(const struct mode *m)
{
    const struct box_parts parts = {.prepare = trap_install,
                                    .prepare_arg = &trap};

    if (m->demand >= BOX_FULL && !host_gives_full(m->has_caps))
        return false;
    trap_start(&trap);
    box_open_with(&box, m->most, m->has_caps, &parts);
    tally = (struct tally){.count = 0};
    return true;
}

static void close_mode(void)
{
    box_close(&box);
    trap_stop(&trap);
}

static void show(const struct mode *m, const char *what, const char *tool,
                 unsigned k, const struct trap_hit *h)
{
    if (getenv("TS_RACE_SHOW") != NULL)
        print_message("%s, %s of %s: %u: call %d of %s\n", m->name, what, tool,
                      k, h->nr, h->in_child ? "the child" : "the launcher");
}

/* ---- what happens meanwhile; in the trap's thread ---------------------- */

struct meanwhile {
    uint64_t id; /* whom the kill is for */
    enum end_reason why;
    const struct call *order; /* NULL: none */
    uint64_t order_id;
};

static bool do_meanwhile(void *arg, pid_t caller)
{
    struct meanwhile *w = arg;

    (void)caller;
    box_kill(&box, w->id, w->why);
    if (w->order != NULL)
        w->order_id = box_send(&box, w->order);
    return false;
}

/* ---- killed while it starts -------------------------------------------- */

static void expect_gone(const struct tallied *x, enum end_reason why)
{
    assert_int_equal(x->ended, 1);
    assert_int_equal(x->exited.reason, why);
    assert_int_equal(box_count_probes(&box), 0);
}

/* False: so many calls are not made any more. */
static bool killed_at_start(const struct mode *m, const char *tool, unsigned k)
{
    const struct call c = call_of(m, tool, "stay");
    struct meanwhile w = {.id = (box.last_id & UINT32_MAX) + 1,
                          .why = END_REVOKED};
    struct trap_hit h;
    uint64_t id;

    trap_arm_call(&trap, k, do_meanwhile, &w);
    id = begin(&c);
    assert_int_equal(id, w.id);
    tally_until_started(&tally, &box, id);
    (void)trap_settle(&trap);
    h = trap_disarm(&trap);
    if (!h.fired)
        box_kill(&box, id, END_REVOKED);
    show(m, "start", tool, k, &h);
    tally_collect(&tally, &box);
    expect_gone(tally_of(&tally, id), END_REVOKED);
    assert_int_equal(tally_of(&tally, id)->exited.signal, SIGKILL);
    tally_clear(&tally);
    return h.fired;
}

/* ---- killed while it is being reaped ----------------------------------- */

static bool killed_at_end(const struct mode *m, const char *tool, unsigned k)
{
    const struct call c = call_of(m, tool, "leave");
    struct meanwhile w = {.why = END_REVOKED};
    const struct tallied *x;
    struct trap_hit h;

    if (!c.has_stdin)
        return false; /* nothing tells it to leave */
    w.id = begin(&c);
    tally_ready(&tally, &box, w.id);
    trap_arm_call(&trap, k, do_meanwhile, &w);
    tally_close_stdin(&tally, w.id);
    tally_collect(&tally, &box);
    (void)trap_settle(&trap);
    h = trap_disarm(&trap);
    show(m, "end", tool, k, &h);
    x = tally_of(&tally, w.id);
    if (x->exited.reason != END_REVOKED) {
        expect_gone(x, END_EXITED);
        assert_int_equal(x->exited.exit_code, 0);
        assert_int_equal(x->exited.killed, DAEMONS);
    }
    assert_int_equal(box_count_probes(&box), 0);
    tally_clear(&tally);
    return h.fired;
}

/* ---- while it is being killed: again, and the next one starts ----------- */

static bool next_at_kill(const struct mode *m, const char *tool, unsigned k)
{
    const struct call c = call_of(m, tool, "stay");
    const struct call next = call_of(m, tool, "exit");
    struct meanwhile w = {.why = END_SHUTDOWN, .order = &next};
    const struct tallied *x;
    struct trap_hit h;

    w.id = begin(&c);
    tally_ready(&tally, &box, w.id);
    tally_await(&tally, w.id + 1);
    trap_arm_call(&trap, k, do_meanwhile, &w);
    box_kill(&box, w.id, END_REVOKED);
    tally_until_ended(&tally, &box, w.id);
    (void)trap_settle(&trap);
    h = trap_disarm(&trap);
    show(m, "kill", tool, k, &h);
    if (!h.fired)
        w.order_id = box_send(&box, &next);
    assert_int_equal(w.order_id, w.id + 1);
    tally_collect(&tally, &box);
    expect_gone(tally_of(&tally, w.id), END_REVOKED);
    x = tally_of(&tally, w.order_id);
    assert_int_equal(x->started, 1);
    expect_gone(x, END_EXITED);
    assert_int_equal(x->exited.signal, 0);
    assert_int_equal(x->exited.exit_code, 0);
    tally_clear(&tally);
    return h.fired;
}

/* ---- stopped while it starts ------------------------------------------- */

struct stops {
    unsigned left; /* calls of children until the first one */
    unsigned done;
    bool again; /* from then on each */
};

static bool do_stop(void *arg, pid_t caller)
{
    struct stops *s = arg;

    if (caller == box.pid)
        return true;
    if (s->left > 0) {
        s->left--;
        return true;
    }
    (void)kill(caller, SIGSTOP);
    s->done++;
    return s->again;
}

static uint64_t now_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* The child of a launch, or of what is made ready behind it. */
static bool stopped_once(const struct mode *m, const char *tool, unsigned k)
{
    struct call c = call_of(m, tool, "exit");
    const struct tallied *x;
    uint64_t id, since = now_ms();
    struct stops s = {.left = k};
    struct trap_hit h;

    c.wall_ms = 300; /* one that stands still behind its exec is its business */

    trap_arm_call(&trap, 0, do_stop, &s);
    id = begin(&c);
    tally_collect(&tally, &box);
    assert_true(now_ms() - since < ANSWER_MS);
    (void)trap_settle(&trap);
    h = trap_disarm(&trap);
    show(m, "stop", tool, k, &h);
    x = tally_of(&tally, id);
    if (x->refused > 0)
        assert_string_equal(x->step, "watchdog");
    else if (x->exited.reason != END_WALL_LIMIT)
        assert_int_equal(x->exited.exit_code, 0);
    assert_int_equal(box_count_probes(&box), 0);
    tally_clear(&tally);
    return s.done > 0;
}

/* Every call of every child is met by a stop: the launch is given up, a tool
 * that runs already is not touched, and can be killed meanwhile. */
static void stopped_without_end(const struct mode *m, const char *tool)
{
    const struct call c = call_of(m, tool, "stay");
    struct stops s = {.again = true};
    struct call exits = call_of(m, tool, "exit");
    uint64_t neighbour, since, id;

    exits.wall_ms = 300; /* should it get through */
    neighbour = begin(&c);
    tally_ready(&tally, &box, neighbour);
    since = now_ms();
    trap_arm_call(&trap, 0, do_stop, &s);
    id = begin(&exits);
    tally_until_answered(&tally, &box, id);
    assert_true(now_ms() - since < ANSWER_MS);
    (void)trap_disarm(&trap);
    assert_true(s.done > 0);
    if (tally_of(&tally, id)->refused >
        0) /* it may get through, call by call */
        assert_string_equal(tally_of(&tally, id)->step, "watchdog");
    assert_int_equal(tally_of(&tally, neighbour)->ended, 0);
    assert_true(box_count_probes(&box) >= 1 + DAEMONS);
    box_kill(&box, neighbour, END_REVOKED);
    tally_collect(&tally, &box);
    expect_gone(tally_of(&tally, neighbour), END_REVOKED);
    tally_clear(&tally);
}

/* ---- all of it --------------------------------------------------------- */

/* The whole machine's processes are walked over to find a tool's. */
static unsigned calls_most(void)
{
    unsigned n = CALLS_MAX;
    struct dirent *d;
    DIR *dir = opendir("/proc");

    assert_non_null(dir);
    while ((d = readdir(dir)) != NULL)
        n += d->d_name[0] >= '1' && d->d_name[0] <= '9' ? CALLS_EACH : 0;
    (void)closedir(dir);
    return n;
}

typedef bool round_fn(const struct mode *m, const char *tool, unsigned k);

static void sweep(const struct mode *m, const char *what, round_fn *round)
{
    for (size_t i = 0; i < 2 && m->tools[i] != NULL; i++) {
        const struct call exits = call_of(m, m->tools[i], "exit");
        const unsigned most = calls_most();
        struct look before;
        unsigned k = 0;

        make_ready(&exits);
        before = look_at(&box);
        while (k < most && round(m, m->tools[i], k))
            k += k < DENSE ? 1 : k / 4; /* a walk of /proc is long */
        print_message("%s, %s of %s: %u calls\n", m->name, what, m->tools[i],
                      k);
        assert_true(k < most);
        make_ready(&exits);
        look_same(look_again(&box, before), before);
    }
}

static void race_in(const struct mode *m)
{
    if (!open_mode(m))
        return;
    sweep(m, "start", killed_at_start);
    sweep(m, "end", killed_at_end);
    sweep(m, "kill", next_at_kill);
    sweep(m, "stop", stopped_once);
    for (size_t i = 0; i < 2 && m->tools[i] != NULL; i++)
        stopped_without_end(m, m->tools[i]);
    close_mode();
}

/* One mode each: the test's argument. */
static const struct mode *mode;

static void races_leave_nothing(void **state)
{
    (void)state;
    race_in(mode);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(races_leave_nothing)};

    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        if (argc == 2 && strcmp(argv[1], modes[i].name) == 0)
            mode = &modes[i];
    }
    if (mode == NULL) {
        print_error("usage: race MODE\n");
        return 2;
    }
    if (!trap_possible()) {
        print_message("SKIPPED: needs root\n");
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
