/*
 * Whatever a launcher has a limited number of, used up by tools that run: the
 * next order is refused with the name of what there is none of, nothing runs in
 * a lesser box instead, what runs can still be ended, and an order is served
 * again as soon as one is given back.
 */
#include "harness.h"
#include "host.h"
#include "limits.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "tests/lib/ts_test.h"

#include "proto/base/ts_fd.h"
#include "sidecar/supervisor/cgroups.h"

#define LAUNCHER_RUNS_MAX 240 /* of sidecar/launcher/launcher.h */
#define SLICE             42 /* uids of "files" among BOX_UID_COUNT: start/uids.c */
#define GIVE_BACK_MS      2000 /* the kernel frees namespaces when it has time */

static struct box box;
static struct {
    uint64_t id;
    struct outcome o;
} runs[LAUNCHER_RUNS_MAX + 1];
static unsigned run_count;

/* What is used up: how orders are refused then. */
struct shortage {
    struct call call;             /* of a tool that stays */
    enum call_code code, or_code; /* or_code: 0 (internal) for none */
    const char *step;             /* NULL: whichever call met it first */
    int sys_errno;                /* 0: none */
    unsigned least, most;
};

static bool begin(const struct call *c)
{
    uint64_t id = box_send(&box, c);
    struct outcome *o = &runs[run_count].o;

    box_wait_start(&box, id, o);
    if (!o->started)
        return false;
    assert_true(c->box == BOX_ANY || o->on_start.box == c->box);
    runs[run_count++].id = id;
    ts_fd_close(&o->in_fd); /* hundreds of them */
    ts_fd_close(&o->err_fd);
    return true;
}

static void end_last(void)
{
    struct outcome *o = &runs[--run_count].o;

    box_kill(&box, runs[run_count].id, END_CANCELLED);
    box_wait_end(&box, runs[run_count].id, o);
    assert_int_equal(o->exited.reason, END_CANCELLED);
    assert_int_equal(box_count_probes(&box), run_count);
}

static void assert_refused(const struct shortage *s)
{
    const struct outcome *o = &runs[run_count].o;

    if ((o->code != s->code && o->code != s->or_code) ||
        (s->step != NULL && strcmp(o->step, s->step) != 0) ||
        o->sys_errno != s->sys_errno)
        fail_msg("after %u: refused with \"%s\" at %s, errno %d: %s", run_count,
                 call_code_name(o->code), o->step, o->sys_errno, o->text);
    assert_true(o->text[0] != '\0' && o->step[0] != '\0');
}

static bool begin_soon(const struct call *c)
{
    const struct timespec pause = {0, 5000000};

    for (int i = 0; i < GIVE_BACK_MS / 5; i++) {
        if (begin(c))
            return true;
        (void)nanosleep(&pause, NULL);
    }
    return false;
}

/* Until nothing more starts: what stands by for later calls is given up when
 * one is refused, so the next one may start. */
static void fill(const struct shortage *s)
{
    int refused = 0;

    run_count = 0;
    while (refused < 5) {
        if (run_count < LAUNCHER_RUNS_MAX && begin(&s->call)) {
            refused = 0;
            continue;
        }
        if (run_count == LAUNCHER_RUNS_MAX)
            assert_false(begin(&s->call));
        assert_refused(s);
        refused++;
    }
    print_message("%u run, then %s at %s\n", run_count,
                  call_code_name(runs[run_count].o.code),
                  runs[run_count].o.step);
    assert_in_range(run_count, s->least, s->most);
}

/* Up to the refusal, beyond it, back, and up again. */
static void use_up(const struct shortage *s)
{
    fill(s);
    for (int i = 0; i < 3; i++) {
        end_last();
        if (!begin_soon(&s->call))
            fail_msg("one was given back, and no order is served: %s",
                     runs[run_count].o.text);
    }
    while (run_count > 0)
        end_last();
    for (int i = 0; i < 10; i++) {
        assert_true(begin_soon(&s->call));
        end_last();
    }
}

static struct call stays(const char *tool, enum box_level demand)
{
    return (struct call){
        .tool = tool, .what = "sleep", .box = demand, .wall_ms = 60000};
}

static void open_limited(enum box_level most, bool has_caps,
                         bool (*limit)(void *), void *arg)
{
    const struct box_parts parts = {.prepare = limit, .prepare_arg = arg};

    box_open_with(&box, most, has_caps, &parts);
}

static bool is_root(void)
{
    if (getuid() == 0)
        return true;
    print_message("SKIPPED: needs root\n");
    return false;
}

static void more_than_may_run_are_refused(void **state)
{
    const struct shortage s = {.call = stays("plain", BOX_BARE),
                               .code = CODE_TOO_MANY_CALLS,
                               .step = "runs",
                               .least = LAUNCHER_RUNS_MAX,
                               .most = LAUNCHER_RUNS_MAX};

    (void)state;
    box_open(&box);
    use_up(&s);
    box_close(&box);
}

static void every_uid_of_the_range_runs_one_tool(void **state)
{
    struct shortage s = {.call = stays("plain", BOX_UID),
                         .code = CODE_TOO_MANY_CALLS,
                         .step = "uids",
                         .least = SLICE,
                         .most = SLICE};

    (void)state;
    if (!is_root())
        return;
    box_open_at(&box, BOX_UID, true);
    use_up(&s);
    box_close(&box);
    if (!host_gives_full(true))
        return;
    s.call.box = BOX_FULL;
    box_open_at(&box, BOX_ANY, true);
    use_up(&s);
    s.call.box = BOX_STRICT; /* the same launcher, the same uids */
    use_up(&s);
    box_close(&box);
}

/* Those who write share one uid, and that cannot run out. */
static void writers_have_their_uid_when_no_other_is_left(void **state)
{
    const struct call c = stays("plain", BOX_UID);
    struct call w = {
        .tool = "file", .what = "read", .box = BOX_UID, .access = ACCESS_WRITE};
    char path[128];
    struct outcome o;

    (void)state;
    if (!is_root())
        return;
    box_open_at(&box, BOX_UID, true);
    box_path(&box, "space/in.txt", path, sizeof(path));
    w.path = path;
    run_count = 0;
    while (begin(&c))
        ;
    for (int i = 0; i < 3; i++) {
        box_run(&box, &w, &o);
        assert_true(o.started);
        assert_true(outcome_says(&o, "allowed"));
    }
    while (run_count > 0)
        end_last();
    box_close(&box);
}

static void namespaces_of_processes_run_out(void **state)
{
    struct limit l = {.file = "max_pid_namespaces", .value = 14};
    struct shortage s = {.call = stays("plain", BOX_FULL),
                         .code = CODE_SANDBOX_UNAVAILABLE,
                         .step = "pid_ns",
                         .sys_errno = ENOSPC,
                         .least = 10,
                         .most = 14};

    (void)state;
    if (!is_root() || !host_gives_full(true) || !limit_is_possible())
        return;
    open_limited(BOX_FULL, true, limit_namespaces, &l);
    use_up(&s);
    box_close(&box);
    s.call.tool = "first"; /* makes its own; some stand by for others */
    s.least = 4;
    open_limited(BOX_FULL, true, limit_namespaces, &l);
    use_up(&s);
    box_close(&box);
}

static void namespaces_of_mounts_run_out(void **state)
{
    struct limit l = {.file = "max_mnt_namespaces", .value = 40};
    const struct shortage s = {.call = stays("plain", BOX_FULL),
                               .code = CODE_SANDBOX_UNAVAILABLE,
                               .step = "mnt_ns",
                               .sys_errno = ENOSPC,
                               .least = 10,
                               .most = 39};

    (void)state;
    if (!is_root() || !host_gives_full(true) || !limit_is_possible())
        return;
    open_limited(BOX_FULL, true, limit_namespaces, &l);
    use_up(&s);
    box_close(&box);
}

static void namespaces_of_networks_run_out(void **state)
{
    struct limit l = {.file = "max_net_namespaces", .value = 12};
    const struct box_parts parts = {
        .prepare = limit_namespaces, .prepare_arg = &l, .has_broker = true};
    const struct shortage s = {.call = stays("proxied", BOX_FULL),
                               .code = CODE_SANDBOX_UNAVAILABLE,
                               .step = "net_ns",
                               .sys_errno = ENOSPC,
                               .least = 6,
                               .most = 12};
    int held;

    (void)state;
    if (!is_root() || !host_gives_full(true) || !limit_is_possible())
        return;
    box_open_with(&box, BOX_FULL, true, &parts);
    use_up(&s);
    held = count_net_namespaces(box_side_of(&box, "proxied").pid);
    assert_in_range(held, 1, 12);
    /* no END of a grant is owed, and none was kept from the broker */
    assert_int_equal(count_open_grants(box_side_of(&box, "proxied").broker), 0);
    box_close(&box);
}

static void descriptors_run_out(void **state)
{
    static const struct {
        const char *tool;
        enum box_level level;
        bool has_caps;
        uint64_t files; /* a full box takes more to be offered at all */
    } cases[] = {{"scratch", BOX_BARE, false, 110},
                 {"scratch", BOX_UID, true, 110},
                 {"plain", BOX_FULL, false, 140},
                 {"plain", BOX_FULL, true, 140}};
    struct limit l = {.resource = RLIMIT_NOFILE};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct shortage s = {.call = stays(cases[i].tool, cases[i].level),
                             .sys_errno = EMFILE,
                             .least = 5,
                             .most = 60};

        if ((cases[i].has_caps && !is_root()) ||
            (cases[i].level == BOX_FULL && !host_gives_full(cases[i].has_caps)))
            continue;
        l.value = cases[i].files;
        s.code = CODE_LAUNCH_FAILED;    /* a pipe, */
        if (cases[i].level == BOX_FULL) /* or what a layer needs */
            s.or_code = CODE_SANDBOX_UNAVAILABLE;
        open_limited(cases[i].level, cases[i].has_caps, limit_resource, &l);
        use_up(&s);
        box_close(&box);
    }
}

/* Ending a tree takes descriptors too; a tool of many processes goes in parts
 * then, and goes. */
static void kill_needs_no_more_descriptors_than_there_are(void **state)
{
    struct limit l = {.resource = RLIMIT_NOFILE, .value = 110};
    const struct call c = stays("scratch", BOX_BARE);
    struct call crowd = {.tool = "crowd",
                         .what = "daemons_stay",
                         .arg = "80",
                         .box = BOX_BARE,
                         .wall_ms = 60000};
    struct outcome o;
    uint64_t id;

    (void)state;
    open_limited(BOX_BARE, false, limit_resource, &l);
    id = box_send(&box, &crowd);
    box_wait_start(&box, id, &o);
    assert_true(o.started);
    box_wait_ready(&box, id, &o);
    run_count = 0;
    while (run_count < LAUNCHER_RUNS_MAX && begin(&c))
        ;
    assert_int_equal(runs[run_count].o.sys_errno, EMFILE);
    box_kill(&box, id, END_REVOKED);
    box_wait_end(&box, id, &o);
    assert_int_equal(o.exited.reason, END_REVOKED);
    assert_int_equal(box_count_probes(&box), run_count);
    while (run_count > 0)
        end_last();
    box_close(&box);
}

static void processes_of_the_launchers_uid_run_out(void **state)
{
    struct limit l = {.resource = RLIMIT_NPROC, .value = 25};
    const struct shortage bare = {.call = stays("plain", BOX_BARE),
                                  .code = CODE_LAUNCH_FAILED,
                                  .step = "clone",
                                  .sys_errno = EAGAIN,
                                  .least = 15,
                                  .most = 25};
    const struct shortage full = {.call = stays("plain", BOX_FULL),
                                  .code = CODE_LAUNCH_FAILED,
                                  .or_code = CODE_SANDBOX_UNAVAILABLE,
                                  .sys_errno = EAGAIN,
                                  .least = 4,
                                  .most = 25};

    (void)state;
    if (!is_root()) /* as the same user other processes are counted */
        return;
    open_limited(BOX_BARE, false, limit_resource, &l);
    use_up(&bare);
    box_close(&box);
    if (!host_gives_full(false))
        return;
    open_limited(BOX_FULL, false, limit_resource, &l);
    use_up(&full);
    box_close(&box);
}

/* Of the group that the whole service is in; kills need a process as well
 * where tools have uids. */
static void processes_of_the_service_run_out(void **state)
{
    static const struct {
        enum box_level level;
        enum call_code code;
        const char *step;
    } cases[] = {{BOX_BARE, CODE_LAUNCH_FAILED, "clone"},
                 {BOX_UID, CODE_LAUNCH_FAILED, "clone"},
                 {BOX_FULL, CODE_LAUNCH_FAILED, NULL}};
    struct limit l = {.value = 40};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct shortage s = {.call = stays("plain", cases[i].level),
                                   .code = cases[i].code,
                                   /* its process 1 is the first or the last */
                                   .or_code = CODE_SANDBOX_UNAVAILABLE,
                                   .step = cases[i].step,
                                   .sys_errno = EAGAIN,
                                   .least = 10,
                                   .most = 40};

        if (!is_root() || !limit_group_make(&l) ||
            (cases[i].level == BOX_FULL && !host_gives_full(true)))
            continue;
        open_limited(cases[i].level, true, limit_processes, &l);
        use_up(&s);
        box_close(&box);
        limit_group_remove(&l);
    }
}

static struct cgroups made;
static void adopt(pid_t launcher)
{
    cgroups_adopt(&made, launcher);
}

/* No folder can be made any more: those that there are serve on. */
static void control_groups_run_out(void **state)
{
    struct box_groups groups = {.adopt = adopt};
    struct shortage s = {.call = stays("plain", BOX_BARE),
                         .code = CODE_SANDBOX_UNAVAILABLE,
                         .step = "cgroup",
                         .least = 3,
                         .most = 3};
    char parent[] = "/tmp/tipstaff-cgroups-XXXXXX";

    (void)state;
    s.call.require = LAYER_CGROUP;
    assert_non_null(mkdtemp(parent));
    if (!is_root() ||
        cgroups_make(parent, box_user(), box_user(), &made) != TS_OK) {
        print_message("SKIPPED: no cgroup can be made here\n");
        (void)rmdir(parent);
        return;
    }
    groups.folder_fd = made.folder_fd;
    box_groups = &groups;
    box_open(&box);
    run_count = 0;
    for (int i = 0; i < 3; i++)
        assert_true(begin(&s.call));
    while (run_count > 0)
        end_last();
    s.sys_errno = limit_folders(made.trees, CGROUPS_TREES, true);
    use_up(&s);
    (void)limit_folders(made.trees, CGROUPS_TREES, false);
    s.least = s.most = LAUNCHER_RUNS_MAX;
    s.code = CODE_TOO_MANY_CALLS;
    box_close(&box);
    box_groups = NULL;
    cgroups_done(&made);
    assert_int_equal(rmdir(parent), 0);
}

/* What a case that failed has left would fail the next. */
static int close_each(void **state)
{
    (void)state;
    while (run_count > 0)
        ts_fd_close(&runs[--run_count].o.out_fd);
    if (box.pid > 0)
        box_close(&box);
    return 0;
}

/* Three hundred tools of ours need that many descriptors here. */
static int raise_files(void **state)
{
    struct rlimit l;

    (void)state;
    if (getrlimit(RLIMIT_NOFILE, &l) != 0)
        return -1;
    l.rlim_cur = l.rlim_max < 4096 ? l.rlim_max : 4096;
    return setrlimit(RLIMIT_NOFILE, &l);
}

#define EACH(f) cmocka_unit_test_teardown(f, close_each)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(more_than_may_run_are_refused),
        EACH(every_uid_of_the_range_runs_one_tool),
        EACH(writers_have_their_uid_when_no_other_is_left),
        EACH(namespaces_of_processes_run_out),
        EACH(namespaces_of_mounts_run_out),
        EACH(namespaces_of_networks_run_out),
        EACH(descriptors_run_out),
        EACH(kill_needs_no_more_descriptors_than_there_are),
        EACH(processes_of_the_launchers_uid_run_out),
        EACH(processes_of_the_service_run_out),
        EACH(control_groups_run_out),
    };

    return cmocka_run_group_tests(tests, raise_files, NULL);
}
