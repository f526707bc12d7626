/* Every level that a launcher gives, with and without privilege: what the tool
 * then is, how it ends, and that nothing of it is left. Needs root to play the
 * supervisor of a privileged launcher; where namespaces are not to be had the
 * cases that need them say so. */
#include "harness.h"
#include "host.h"

#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/lib/ts_test.h"

#include "proto/base/ts_fd.h"
#include "sidecar/common/layer.h"

static struct box box;

static const struct {
    enum box_level level;
    bool has_caps;
    bool own_uid;
    bool own_pids;
} modes[] = {
    {BOX_BARE, false, false, false},  {BOX_FULL, false, false, true},
    {BOX_STRICT, false, false, true}, {BOX_BARE, true, false, false},
    {BOX_UID, true, true, false},     {BOX_FULL, true, true, true},
    {BOX_STRICT, true, true, true},
};
#define MODES (sizeof(modes) / sizeof(modes[0]))

static struct call call_of(size_t mode, const char *what, const char *arg)
{
    return (struct call){
        .tool = "plain", .what = what, .arg = arg, .box = modes[mode].level};
}

/* False: this host or this user cannot have it. */
static bool open_mode(size_t mode)
{
    const struct call c = call_of(mode, "exit", "0");
    struct outcome o;

    if (modes[mode].has_caps && getuid() != 0) {
        print_message("SKIPPED: needs root\n");
        return false;
    }
    /* strict is on demand: the launcher may give anything */
    box_open_at(&box,
                modes[mode].level == BOX_STRICT ? BOX_ANY : modes[mode].level,
                modes[mode].has_caps);
    box_run(&box, &c, &o);
    if (o.started) {
        assert_int_equal(o.on_start.box, modes[mode].level);
        return true;
    }
    print_message("SKIPPED: %s is not given here: %s: %s\n",
                  box_level_name(modes[mode].level), o.step, o.text);
    if (modes[mode].has_caps &&
        (!modes[mode].own_pids || host_namespaces(true) == 0))
        fail_msg("root can have it");
    box_close(&box);
    return false;
}

static long status_line(const char *text, const char *label, int base)
{
    const char *p = strstr(text, label);

    return p == NULL ? -1 : strtol(p + strlen(label), NULL, base);
}

/* /proc/PID/status of the one tool that runs, as the kernel tells it to us. */
static void read_status(char *out, size_t cap)
{
    char path[64];
    pid_t pid = 0;
    size_t n;
    FILE *f;

    assert_int_equal(box_find_probes(&box, &pid, 1), 1);
    (void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    f = fopen(path, "re");
    assert_non_null(f);
    n = fread(out, 1, cap - 1, f);
    out[n] = '\0';
    (void)fclose(f);
}

static void check_status(size_t m, const struct outcome *o, const char *text)
{
    static const char *const sets[] = {"CapInh:\t", "CapPrm:\t", "CapEff:\t",
                                       "CapAmb:\t"};
    long uid = status_line(text, "Uid:\t", 10);

    for (size_t i = 0; i < 4; i++)
        assert_int_equal(status_line(text, sets[i], 16), 0);
    assert_int_equal(status_line(text, "NoNewPrivs:\t", 10), 1);
    assert_int_equal(status_line(text, "Seccomp:\t", 10), 2);
    assert_true(uid > 0);
    assert_int_equal(uid > (long)box.uid_first &&
                         uid < (long)box.uid_first + BOX_UID_COUNT,
                     modes[m].own_uid);
    assert_int_equal((o->on_start.layers & LAYER_UID) != 0, modes[m].own_uid);
    assert_int_equal((o->on_start.layers & LAYER_NAMESPACES) != 0,
                     modes[m].own_pids);
    assert_int_equal((o->on_start.layers & LAYER_OWN_FILTER) != 0,
                     modes[m].level == BOX_STRICT);
}

static void tool_has_no_capability_and_is_whom_the_level_says(void **state)
{
    (void)state;
    for (size_t m = 0; m < MODES; m++) {
        const struct call c = call_of(m, "sleep", NULL);
        char text[4096];
        struct outcome o;
        uint64_t id;

        if (!open_mode(m))
            continue;
        id = box_send(&box, &c);
        box_wait_start(&box, id, &o);
        assert_true(o.started);
        read_status(text, sizeof(text));
        check_status(m, &o, text);
        box_kill(&box, id, END_REVOKED);
        box_wait_end(&box, id, &o);
        box_close(&box);
    }
}

static void daemons_are_gone_before_the_end_is_told(void **state)
{
    (void)state;
    for (size_t m = 0; m < MODES; m++) {
        const struct call c = call_of(m, "daemons", "20");
        struct outcome o;

        if (!open_mode(m))
            continue;
        for (int i = 0; i < 3; i++) {
            box_run(&box, &c, &o);
            assert_true(outcome_says(&o, "ready"));
            assert_int_equal(o.exited.killed, 20);
            assert_int_equal(box_count_probes(&box), 0);
        }
        box_close(&box);
    }
}

/* The tool and 20 of its own stay, until an order ends them: the tool itself is
 * not counted, at no level. */
static void those_that_an_order_ends_are_counted(void **state)
{
    (void)state;
    for (size_t m = 0; m < MODES; m++) {
        const struct call c = call_of(m, "daemons_stay", "20");
        const struct call alone = call_of(m, "sleep", NULL);
        struct outcome o;
        uint64_t id;

        if (!open_mode(m))
            continue;
        id = box_send(&box, &c);
        box_wait_start(&box, id, &o);
        assert_true(o.started);
        box_wait_ready(&box, id, &o);
        box_kill(&box, id, END_REVOKED);
        box_wait_end(&box, id, &o);
        assert_int_equal(o.exited.reason, END_REVOKED);
        assert_int_equal(o.exited.killed, 20);
        id = box_send(&box, &alone);
        box_wait_start(&box, id, &o);
        assert_true(o.started);
        box_kill(&box, id, END_REVOKED);
        box_wait_end(&box, id, &o);
        assert_int_equal(o.exited.killed, 0);
        box_close(&box);
    }
}

static double ms_since(const struct timespec *t)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - t->tv_sec) * 1e3 +
           (double)(now.tv_nsec - t->tv_nsec) / 1e6;
}

static void kill_of_a_hundred_daemons_leaves_none(void **state)
{
    (void)state;
    for (size_t m = 0; m < MODES; m++) {
        struct call c = call_of(m, "daemons_stay", "100");
        struct timespec t;
        struct outcome o;
        uint64_t id;

        if (!open_mode(m))
            continue;
        c.tool = "crowd";
        id = box_send(&box, &c);
        box_wait_start(&box, id, &o);
        assert_true(o.started);
        box_wait_ready(&box, id, &o);
        assert_int_equal(box_count_probes(&box), 101);
        (void)clock_gettime(CLOCK_MONOTONIC, &t);
        box_kill(&box, id, END_REVOKED);
        box_wait_end(&box, id, &o);
        print_message("%s%s: 100 daemons killed in %.1f ms\n",
                      box_level_name(modes[m].level),
                      modes[m].has_caps ? " (privileged)" : "", ms_since(&t));
        assert_int_equal(o.exited.reason, END_REVOKED);
        assert_int_equal(o.exited.signal, SIGKILL);
        assert_int_equal(o.exited.killed, 100);
        assert_int_equal(box_count_probes(&box), 0);
        box_close(&box);
    }
}

static long pid_of_call(size_t mode)
{
    const struct call c = call_of(mode, "pid", NULL);
    struct outcome o;

    box_run(&box, &c, &o);
    assert_true(o.started);
    return strtol(o.out, NULL, 10);
}

/* Numbers tell how many tools were in a namespace, never what they did. */
static void namespace_is_used_again_only_as_if_it_were_new(void **state)
{
    static const char *const left[][2] = {
        {"forks", "60"}, {"daemons", "5"}, {"sibling", NULL}};

    (void)state;
    for (size_t m = 0; m < MODES; m++) {
        long most = 0;

        if (!modes[m].own_pids || !open_mode(m))
            continue;
        for (size_t i = 0; i < 40; i++) {
            const struct call c = call_of(m, left[i % 3][0], left[i % 3][1]);
            struct outcome o;
            long pid;

            if (i % 7 == 0) {
                box_run(&box, &c, &o);
                assert_true(o.started);
                assert_int_equal(o.exited.reason, END_EXITED);
                assert_int_equal(box_count_probes(&box), 0);
            }
            pid = pid_of_call(m);
            assert_in_range(pid, 2, 50);
            most = pid > most ? pid : most;
        }
        assert_true(most > 2); /* it was used again */
        box_close(&box);
    }
}

#define BYSTANDERS 4

static void start_bystander(uid_t uid, pid_t *ret)
{
    int p[2];
    char c;

    assert_int_equal(pipe(p), 0);
    *ret = fork();
    assert_true(*ret >= 0);
    if (*ret == 0) {
        if (setgroups(0, NULL) != 0 || setresuid(uid, uid, uid) != 0)
            _exit(1);
        (void)!write(p[1], "x", 1);
        for (;;)
            (void)pause();
    }
    (void)close(p[1]);
    assert_int_equal(read(p[0], &c, 1), 1);
    (void)close(p[0]);
}

/* A tool with a uid of its own is killed by that uid: nobody else is hit, not
 * the launcher, not the writers, not a uid that the next tool would have. */
static void kill_by_uid_hits_nobody_else(void **state)
{
    struct call c = {
        .tool = "crowd", .what = "daemons_stay", .arg = "5", .box = BOX_UID};
    pid_t bystander[BYSTANDERS];
    struct outcome a, b;
    uint64_t first, second;

    (void)state;
    if (getuid() != 0) {
        print_message("SKIPPED: not root\n");
        return;
    }
    box_open_at(&box, BOX_UID, true);
    start_bystander(box.uid_first, &bystander[0]); /* the writers' */
    start_bystander(box.user, &bystander[1]);
    start_bystander(65534, &bystander[2]);
    start_bystander(box.uid_first + BOX_UID_COUNT, &bystander[3]);
    first = box_send(&box, &c);
    box_wait_start(&box, first, &a);
    second = box_send(&box, &c);
    box_wait_start(&box, second, &b);
    assert_true(a.started && b.started);
    box_wait_ready(&box, first, &a);
    box_wait_ready(&box, second, &b);
    box_kill(&box, first, END_REVOKED);
    box_wait_end(&box, first, &a);
    assert_int_equal(a.exited.reason, END_REVOKED);
    assert_int_equal(box_count_probes(&box), 6); /* the second tool's */
    box_kill(&box, second, END_REVOKED);
    box_wait_end(&box, second, &b);
    assert_int_equal(box_count_probes(&box), 0);
    for (int i = 0; i < BYSTANDERS; i++) {
        assert_int_equal(waitpid(bystander[i], NULL, WNOHANG), 0);
        (void)kill(bystander[i], SIGKILL);
        assert_int_equal(waitpid(bystander[i], NULL, 0), bystander[i]);
    }
    box_close(&box);
}

static void four_tools_end_one_by_one(void **state)
{
    (void)state;
    for (size_t m = 0; m < MODES; m++) {
        const struct call c = call_of(m, "daemons_stay", "5");
        struct outcome o[4];
        uint64_t id[4];

        if (!open_mode(m))
            continue;
        for (int i = 0; i < 4; i++) {
            id[i] = box_send(&box, &c);
            box_wait_start(&box, id[i], &o[i]);
            assert_true(o[i].started);
            box_wait_ready(&box, id[i], &o[i]);
        }
        assert_int_equal(box_count_probes(&box), 24);
        for (int i = 3; i >= 0; i--) {
            box_kill(&box, id[i], END_REVOKED);
            box_wait_end(&box, id[i], &o[i]);
            assert_int_equal(o[i].exited.reason, END_REVOKED);
            assert_int_equal(box_count_probes(&box), i * 6);
        }
        box_close(&box);
    }
}

static void fork_bomb_meets_its_limit(void **state)
{
    (void)state;
    for (size_t m = 0; m < MODES; m++) {
        const struct call c = call_of(m, "forkbomb", NULL);
        struct outcome o;
        long made;

        if (!open_mode(m))
            continue;
        box_run(&box, &c, &o);
        made = strtol(o.out, NULL, 10);
        if (made < 10 || made > 24)
            fail_msg("%ld in mode %zu", made, m);
        assert_int_equal(box_count_probes(&box), 0);
        box_close(&box);
    }
}

static int zombies_of(pid_t parent)
{
    char path[64], text[512];
    int count = 0;

    for (pid_t pid = parent + 1; pid < parent + 3000; pid++) {
        FILE *f;
        int pp = 0;
        char what = 0;

        (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
        f = fopen(path, "re");
        if (f == NULL)
            continue;
        if (fgets(text, sizeof(text), f) != NULL) {
            const char *p = strrchr(text, ')');

            if (p != NULL && sscanf(p + 1, " %c %d", &what, &pp) == 2)
                count += pp == parent && what == 'Z';
        }
        (void)fclose(f);
    }
    return count;
}

static void hundreds_of_launches_leave_nothing_open_or_unreaped(void **state)
{
    (void)state;
    for (size_t m = 0; m < MODES; m++) {
        const struct call c = call_of(m, "exit", "0");
        struct outcome o;
        int before;

        if (!open_mode(m))
            continue;
        for (int i = 0; i < 10; i++) /* what stands by is made */
            box_run(&box, &c, &o);
        before = box_count_fds(&box);
        for (int i = 0; i < 100; i++) {
            box_run(&box, &c, &o);
            assert_true(o.started);
            assert_int_equal(o.exited.exit_code, 0);
        }
        assert_int_equal(box_count_fds(&box), before);
        assert_int_equal(zombies_of(box.pid), 0);
        box_close(&box);
    }
}

/* A uid is kept while files of it are left; a tool must not make us run out. */
static void
what_tools_leave_in_scratch_goes_and_gives_the_uid_back(void **state)
{
    const struct call c = {.tool = "scratch", .what = "scratch_deep"};
    char path[128];
    struct outcome o;

    (void)state;
    if (getuid() != 0) {
        print_message("SKIPPED: needs root\n");
        return;
    }
    box_open_at(&box, BOX_UID, true);
    for (int i = 0; i < BOX_UID_COUNT / 5 + 5; i++) {
        box_run(&box, &c, &o);
        if (!o.started)
            fail_msg("call %d: %s", i, o.text);
        if (!outcome_says(&o, "allowed"))
            fail_msg("call %d: code %u signal %u: %.*s", i, o.exited.exit_code,
                     o.exited.signal, (int)o.out_len, o.out);
    }
    box_path(&box, "scratch", path, sizeof(path));
    assert_int_equal(rmdir(path), 0); /* empty */
    box_close(&box);
}

static void level_that_is_not_given_is_refused_by_name(void **state)
{
    static const struct {
        enum box_level most, demand;
        uint32_t require;
        const char *step;
    } cases[] = {
        {BOX_BARE, BOX_UID, 0, "uid"},
        {BOX_BARE, BOX_FULL, 0, "namespaces"},
        {BOX_BARE, BOX_STRICT, 0, "namespaces"},
        {BOX_BARE, BOX_ANY, LAYER_NET_NS, "net_ns"},
        {BOX_BARE, BOX_ANY, LAYER_OWN_FILTER, "own_filter"},
    };
    struct outcome o;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct call c = {.tool = "plain",
                               .what = "exit",
                               .arg = "0",
                               .box = cases[i].demand,
                               .require = cases[i].require};

        box_open_at(&box, cases[i].most, false);
        box_run(&box, &c, &o);
        assert_false(o.started);
        assert_int_equal(o.code, CODE_SANDBOX_UNAVAILABLE);
        assert_string_equal(o.step, cases[i].step);
        box_close(&box);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tool_has_no_capability_and_is_whom_the_level_says),
        cmocka_unit_test(those_that_an_order_ends_are_counted),
        cmocka_unit_test(daemons_are_gone_before_the_end_is_told),
        cmocka_unit_test(kill_of_a_hundred_daemons_leaves_none),
        cmocka_unit_test(namespace_is_used_again_only_as_if_it_were_new),
        cmocka_unit_test(kill_by_uid_hits_nobody_else),
        cmocka_unit_test(four_tools_end_one_by_one),
        cmocka_unit_test(fork_bomb_meets_its_limit),
        cmocka_unit_test(hundreds_of_launches_leave_nothing_open_or_unreaped),
        cmocka_unit_test(
            what_tools_leave_in_scratch_goes_and_gives_the_uid_back),
        cmocka_unit_test(level_that_is_not_given_is_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
