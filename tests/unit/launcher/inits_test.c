/* Which process 1 a tool gets of those that stand by, and which is taken back.
 * Nothing is started: what they say of themselves is in files of ours. */
#include "sidecar/launcher/start/inits.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "tests/lib/ts_test.h"

#define HOUR 3600

static const char template_a;

static int file_of(const char *text)
{
    int fd = memfd_create("test", MFD_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    return fd;
}

/* Of field 11 of its account: what those that it reaped have cost. */
static struct init one(const char *children, const char *faults)
{
    struct init i = INIT_NONE;
    char stat[128];

    (void)snprintf(stat, sizeof(stat), "77 (a ) b) S 1 77 77 0 -1 64 5 %s 0 0",
                   faults);
    i.children_fd = file_of(children);
    i.stat_fd = file_of(stat);
    return i;
}

static bool is_taken_back(struct inits *s, struct init *i)
{
    bool is = inits_give(s, i);

    if (is)
        inits_end(&s->ready[--s->count]);
    inits_end(i);
    return is;
}

static void one_that_never_had_a_child_is_taken_back(void **state)
{
    struct inits s = {.program = -1};
    struct init i = one("", "0");

    (void)state;
    assert_true(inits_give(&s, &i));
    assert_int_equal(i.children_fd, -1); /* moved */
    assert_int_equal(s.count, 1);
    assert_int_equal(s.ready[0].uses, 1);
    assert_int_equal(init_next_pid(&s.ready[0]), 3);
    inits_done(&s);
}

static void one_with_a_child_or_what_it_reaped_is_not(void **state)
{
    static const struct {
        const char *children, *faults;
    } cases[] = {{"5 ", "0"}, {"", "1"}, {"", "70"}, {"", "07"}, {"", ""}};
    struct inits s = {.program = -1};
    struct init i;

    (void)state;
    for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
        i = one(cases[k].children, cases[k].faults);
        assert_false(is_taken_back(&s, &i));
    }
    i = INIT_NONE; /* it cannot be asked */
    assert_false(is_taken_back(&s, &i));
    i = one("", "0");
    (void)close(i.stat_fd);
    i.stat_fd = file_of("no account");
    assert_false(is_taken_back(&s, &i));
}

static void one_goes_before_its_numbers_come_again(void **state)
{
    struct inits s = {.program = -1};
    struct init i = one("", "0");

    (void)state;
    i.uses = INITS_USES_MAX - 2;
    assert_true(is_taken_back(&s, &i));
    i = one("", "0");
    i.uses = INITS_USES_MAX - 1;
    assert_false(is_taken_back(&s, &i));
}

static void one_of_older_templates_is_not_taken_back(void **state)
{
    struct inits s = {.program = -1, .epoch = 2};
    struct init i = one("", "0");

    (void)state;
    i.nest =
        (struct nest){.space = &template_a, .pidfd = -1, .tmp = -1, .epoch = 1};
    assert_false(is_taken_back(&s, &i));
}

static void none_is_taken_back_while_tools_fork(void **state)
{
    struct inits s = {.program = -1, .distrust = 2};

    (void)state;
    for (int k = 0; k < 4; k++) {
        struct init i = one("", "0");

        assert_int_equal(is_taken_back(&s, &i), k >= 2);
    }
}

/* What was made in this tick of the clock would hide a change. */
static void nest_is_taken_when_its_tick_is_over(void **state)
{
    const struct space_entry e = {.tmp_options = "size=1k"};
    struct nest_want w;
    struct timespec now;

    (void)state;
    nest_want_make(&w, &template_a, &e, -1);
    (void)clock_gettime(CLOCK_REALTIME_COARSE, &now);
    for (int k = 0; k < 2; k++) {
        struct inits s = {.program = 0, .count = 2};
        struct init got = INIT_NONE;
        int err = 0;

        s.ready[0] = INIT_NONE;
        s.ready[1] = INIT_NONE;
        s.ready[1].nest =
            (struct nest){.space = &template_a,
                          .tmp_options = "size=1k",
                          .latest = {now.tv_sec + (k == 0 ? HOUR : -1), 0},
                          .pidfd = -1,
                          .tmp = -1};
        assert_int_equal(inits_take(&s, &w, NULL, NULL, &got, &err), TS_OK);
        assert_int_equal(got.nest.space != NULL, k == 1);
        assert_int_equal(s.count, 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_that_never_had_a_child_is_taken_back),
        cmocka_unit_test(one_with_a_child_or_what_it_reaped_is_not),
        cmocka_unit_test(one_goes_before_its_numbers_come_again),
        cmocka_unit_test(one_of_older_templates_is_not_taken_back),
        cmocka_unit_test(none_is_taken_back_while_tools_fork),
        cmocka_unit_test(nest_is_taken_when_its_tick_is_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
