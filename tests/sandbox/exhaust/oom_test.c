/*
 * Each allocation of a real launcher failing in turn, alone and with all that
 * follow: at its start, at a reload, and between an order and its answer. It
 * does not start, or refuses the reload, or the order; what it had before it
 * has after it, and it serves the next one.
 */
#include "harness.h"
#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/ts_test.h"

#include "proto/base/ts_fd.h"
#include "sidecar/common/control/control.h"
#include "tests/lib/oom_page.h"

#define ALLOCATIONS_MAX 4000 /* more than anything here makes */
#ifdef TS_FAULTS
#define STEP 7 /* each piece of an arena is one of them */
#else
#define STEP 1
#endif

static struct box box;
static struct oom_page *page;
static char page_path[] = "/tmp/tipstaff-oom-XXXXXX";
static char resource[128];

static const struct mode {
    const char *name;
    enum box_level most, demand;
    bool has_caps;
    const char *tools[5];
} modes[] = {
    {"bare", BOX_BARE, BOX_ANY, false, {"plain", "file", "speaks", "interp"}},
    {"uid", BOX_UID, BOX_UID, true, {"scratch", "speaks"}},
    {"full, unprivileged", BOX_FULL, BOX_FULL, false, {"plain"}},
    {"full", BOX_FULL, BOX_FULL, true, {"file", "speaks", "first", "proxied"}},
    {"strict", BOX_ANY, BOX_STRICT, true, {"plain"}},
};
#define MODES (sizeof(modes) / sizeof(modes[0]))

static int make_page(void **state)
{
    int fd = mkstemp(page_path);
    void *p;

    (void)state;
    if (fd < 0 || fchmod(fd, 0666) != 0 || ftruncate(fd, 4096) != 0)
        return -1;
    p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    (void)close(fd);
    if (p == MAP_FAILED || setenv(OOM_ENV, page_path, 1) != 0)
        return -1;
    page = p;
    return 0;
}

static int remove_page(void **state)
{
    (void)state;
    return unlink(page_path);
}

static void arm(int nth, bool all)
{
    page->fired = false;
    page->all = all;
    page->left = nth;
}

static bool disarm(void)
{
    bool fired = page->fired;

    page->left = -1;
    page->fired = false;
    return fired;
}

static bool may_open(const struct mode *m)
{
    if (m->has_caps && getuid() != 0) {
        print_message("SKIPPED: %s needs root\n", m->name);
        return false;
    }
    return m->demand < BOX_FULL || host_gives_full(m->has_caps);
}

/* False: it did not start, and said so by its exit. */
static bool open_mode(const struct mode *m)
{
    const struct box_parts parts = {.launcher = OOM_PROGRAM,
                                    .has_broker =
                                        m->demand == BOX_FULL && m->has_caps,
                                    .may_fail = true};

    box_open_with(&box, m->most, m->has_caps, &parts);
    box_path(&box, "space/in.txt", resource, sizeof(resource));
    return box.pid > 0;
}

static struct call call_of(const struct mode *m, const char *tool)
{
    struct call c = {
        .tool = tool, .what = "exit", .arg = "0", .box = m->demand};

    if (strcmp(tool, "file") == 0) {
        c.arg = NULL;
        c.what = "read";
        c.path = resource;
        c.access = ACCESS_READ;
    }
    if (strcmp(tool, "scratch") == 0)
        c.arg = NULL;
    if (strcmp(tool, "speaks") == 0)
        c.token = "header.payload.signature";
    return c;
}

static void serves(const struct call *c)
{
    struct outcome o;

    box_run(&box, c, &o);
    if (!o.started)
        fail_msg("%s is refused at %s: %s", c->tool, o.step, o.text);
    /* an interpreter gets the script's name first, and knows no such probe */
    assert_int_equal(o.exited.exit_code,
                     strcmp(c->tool, "interp") == 0 ? 98 : 0);
}

/* False: so many allocations are not made. */
static bool one_order(const struct call *c, int nth, bool all)
{
    struct outcome o;
    int live = page->live;
    bool fired;

    arm(nth, all);
    box_run(&box, c, &o);
    fired = disarm();
    if (!fired)
        assert_true(o.started);
    if (!o.started) {
        assert_true(o.code == CODE_LAUNCH_FAILED ||
                    o.code == CODE_SANDBOX_UNAVAILABLE ||
                    o.code == CODE_BAD_ARGUMENTS ||
                    o.code == CODE_RESOURCE_UNAVAILABLE);
        assert_true(o.step[0] != '\0' && o.text[0] != '\0');
    }
    serves(c);
    assert_int_equal(page->live, live);
    return fired;
}

static void order_that_gets_no_memory_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < MODES; i++) {
        if (!may_open(&modes[i]))
            continue;
        arm(-1, false);
        assert_true(open_mode(&modes[i]));
        for (int t = 0; t < 5 && modes[i].tools[t] != NULL; t++) {
            const struct call c = call_of(&modes[i], modes[i].tools[t]);
            int fds, k = 0;

            for (int n = 0; n < 10; n++)
                serves(&c);
            fds = box_count_fds(&box);
            for (; k < ALLOCATIONS_MAX && one_order(&c, k, true); k += STEP)
                (void)one_order(&c, k, false);
            print_message("%s, %s: %d allocations\n", modes[i].name, c.tool, k);
            assert_in_range(k, 1, ALLOCATIONS_MAX - 1);
            assert_int_equal(box_count_fds(&box), fds);
            assert_int_equal(box_count_probes(&box), 0);
        }
        box_close(&box);
    }
}

static void tell(enum control_type type, uint64_t generation, int bundle)
{
    struct control_message m = {
        .type = type, .bundle_fd = bundle, .journal_fd = -1};

    m.as.prepare.generation = generation;
    assert_int_equal(control_send(box.control, &m), TS_OK);
    ts_fd_close(&bundle);
}

/* PREPARE's answer. */
static bool is_prepared(uint64_t generation)
{
    uint8_t buf[CONTROL_MESSAGE_MAX];
    struct control_message m;

    tell(CONTROL_PREPARE, generation, box_bundle(&box));
    assert_int_equal(control_receive(box.control, buf, &m), TS_OK);
    if (m.type == CONTROL_PREPARED)
        return true;
    assert_int_equal(m.type, CONTROL_REJECTED);
    assert_true(m.as.text.text.len > 0);
    return false;
}

static void abort_and_look(const struct call *c, uint64_t generation)
{
    tell(CONTROL_ABORT, generation, -1);
    for (int i = 0; i < 3; i++) /* ABORT has no answer */
        serves(c);
}

static void
reload_that_gets_no_memory_is_rejected_and_the_old_one_serves(void **state)
{
    const struct mode *m = getuid() == 0 ? &modes[3] : &modes[0];
    const struct call c = call_of(m, m->tools[0]);
    unsigned rejected = 0;
    int k, live, fds;

    (void)state;
    if (!may_open(m))
        return;
    arm(-1, false);
    assert_true(open_mode(m));
    for (int i = 0; i < 2; i++) { /* what is kept for ever is there */
        assert_true(is_prepared(2));
        abort_and_look(&c, 2);
    }
    live = page->live;
    fds = box_count_fds(&box);
    for (k = 0; k < ALLOCATIONS_MAX; k++) {
        bool prepared, fired;

        arm(k / 2, k % 2 == 0);
        prepared = is_prepared(2);
        fired = disarm();
        rejected += !prepared;
        abort_and_look(&c, 2);
        assert_int_equal(page->live, live);
        assert_int_equal(box_count_fds(&box), fds);
        if (!fired) {
            assert_true(prepared);
            break;
        }
    }
    print_message("reload: %d allocations, %u rejected\n", k / 2, rejected);
    assert_in_range(k, 10, ALLOCATIONS_MAX - 1);
    assert_true(rejected > 5);
    assert_true(is_prepared(3));
    tell(CONTROL_COMMIT, 3, -1);
    box.generation = 3;
    serves(&c);
    box_close(&box);
}

/* What is offered then may be less; what is demanded is not. */
static void demand_holds(const struct mode *m)
{
    const struct call c = call_of(m, m->tools[0]);
    struct outcome o;

    box_run(&box, &c, &o);
    if (o.started) {
        assert_true(o.on_start.box >= m->demand);
        return;
    }
    assert_true(o.code == CODE_SANDBOX_UNAVAILABLE ||
                o.code == CODE_TOOL_UNAVAILABLE || o.code == CODE_TOOL_UNKNOWN);
}

static void launcher_that_gets_no_memory_does_not_start(void **state)
{
    const struct mode *m = getuid() == 0 ? &modes[3] : &modes[0];
    unsigned ended = 0;
    int k;

    (void)state;
    if (!may_open(m))
        return;
    for (k = 0; k < ALLOCATIONS_MAX; k++) {
        bool starts, fired;

        arm(k / 2, k % 2 == 0);
        starts = open_mode(m);
        fired = disarm();
        if (starts) {
            demand_holds(m);
        } else {
            assert_true(WIFEXITED(box.wait_status));
            assert_int_equal(WEXITSTATUS(box.wait_status), 1);
            ended++;
        }
        box_close(&box);
        if (!fired) {
            assert_true(starts);
            break;
        }
    }
    print_message("start: %d allocations, %u ended it\n", k / 2, ended);
    assert_in_range(k, 10, ALLOCATIONS_MAX - 1);
    assert_true(ended > 5);
}

static int close_each(void **state)
{
    (void)state;
    page->left = -1;
    if (box.pid > 0)
        box_close(&box);
    return 0;
}

#define EACH(f) cmocka_unit_test_teardown(f, close_each)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(order_that_gets_no_memory_is_refused),
        EACH(reload_that_gets_no_memory_is_rejected_and_the_old_one_serves),
        EACH(launcher_that_gets_no_memory_does_not_start),
    };

    return cmocka_run_group_tests(tests, make_page, remove_page);
}
