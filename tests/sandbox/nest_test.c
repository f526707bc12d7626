/* Mounts that are used again: by a tool behind one that left its /tmp alone,
 * and by nobody behind one that did anything there, however well it hid it. */
#include "harness.h"
#include "host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tests/lib/ts_test.h"

#define CHILDREN 64
#define SETTLED  6  /* launches */
#define BARE     32 /* HABITS_BARE_RUNS */
#define NUMBERS  200
#define RESERVED 300 /* of the kernel: see INITS_USES_MAX */
#define TURNS    400

static struct box box;

/* With the launcher's children: those that see other mounts than it does. */
static size_t nests(pid_t list[CHILDREN])
{
    char path[64];
    struct stat own, st;
    size_t n = 0;
    long pid;
    FILE *f;

    (void)snprintf(path, sizeof(path), "/proc/%d/ns/mnt", (int)box.pid);
    assert_int_equal(stat(path, &own), 0);
    (void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children",
                   (int)box.pid, (int)box.pid);
    f = fopen(path, "re");
    assert_non_null(f);
    while (n < CHILDREN && fscanf(f, "%ld", &pid) == 1) {
        (void)snprintf(path, sizeof(path), "/proc/%ld/ns/mnt", pid);
        if (stat(path, &st) == 0 && st.st_ino != own.st_ino)
            list[n++] = (pid_t)pid;
    }
    (void)fclose(f);
    return n;
}

static void run(const char *what, struct outcome *o)
{
    const struct call c = {.tool = "plain", .what = what, .box = BOX_FULL};

    box_run(&box, &c, o);
    if (!o->started)
        fail_msg("%s: %s", o->step, o->text);
    if (o->exited.exit_code != 0)
        fail_msg("%s ended with %u", what, o->exited.exit_code);
}

/* A box serves nobody in the tick of the coarse clock in which it was made
 * (nest_is_ripe()): until then a tool gets another one, and leaves it alone. */
static void let_ripen(void)
{
    const struct timespec pause = {0, 1000000};
    struct timespec from, now;

    (void)clock_gettime(CLOCK_REALTIME_COARSE, &from);
    do {
        (void)nanosleep(&pause, NULL);
        (void)clock_gettime(CLOCK_REALTIME_COARSE, &now);
    } while (now.tv_sec == from.tv_sec && now.tv_nsec == from.tv_nsec);
}

static void settle(void)
{
    struct outcome o;

    for (int i = 0; i < SETTLED; i++)
        run("nothing", &o);
    let_ripen();
}

/* Without the number that was given to a file last, which is to be small, and
 * a digest of what is the same in all boxes of a launcher. */
static void see_more(char *out, size_t cap, unsigned long *shared)
{
    struct outcome o;
    unsigned long number = 0;
    char *at;

    run("look", &o);
    (void)snprintf(out, cap, "%.*s", (int)o.out_len, o.out);
    at = strstr(out, " number=");
    assert_non_null(at);
    assert_int_equal(sscanf(at, " number=%lu shared=%lx", &number, shared), 2);
    assert_in_range(number, 1, NUMBERS);
    *at = '\0';
}

static void see(char *out, size_t cap)
{
    unsigned long shared;

    see_more(out, cap, &shared);
}

static bool is_used(pid_t nest)
{
    pid_t list[CHILDREN];
    size_t n = nests(list);

    for (size_t i = 0; i < n; i++)
        if (list[i] == nest)
            return true;
    return false;
}

/* Tools of our own user get none: what is ours could be changed by them. */
static bool can_have(void)
{
    if (getuid() == 0 && host_gives_full(true))
        return true;
    print_message("SKIPPED: needs root and full boxes\n");
    return false;
}

static void open_box(void)
{
    box_open_at(&box, BOX_FULL, true);
    settle();
}

static void what_was_left_alone_is_used_again(void **state)
{
    static const char *const whats[] = {"nothing", "read"};
    pid_t list[CHILDREN];
    char first[512], now[512];

    (void)state;
    if (!can_have())
        return;
    box_open_at(&box, BOX_FULL, true);
    see(first, sizeof(first)); /* in one of its own */
    box_close(&box);
    open_box();
    assert_int_equal(nests(list), 1);
    for (size_t i = 0; i < 2; i++) {
        for (int k = 0; k < 20; k++)
            run(whats[i], &(struct outcome){.in_fd = -1});
        assert_true(is_used(list[0]));
    }
    see(now, sizeof(now));
    assert_string_equal(now, first);
    box_close(&box);
}

static void what_was_changed_is_seen_by_nobody(void **state)
{
    static const char *const whats[] = {"file", "gone", "folder",   "deep",
                                        "link", "fifo", "nameless", "touch"};
    pid_t list[CHILDREN];
    char first[512], now[512];
    struct outcome o;

    (void)state;
    if (!can_have())
        return;
    for (size_t i = 0; i < sizeof(whats) / sizeof(whats[0]); i++) {
        open_box();
        assert_int_equal(nests(list), 1);
        run(whats[i], &o);
        assert_false(is_used(list[0]));
        see(now, sizeof(now));
        if (i == 0)
            memcpy(first, now, sizeof(first));
        assert_string_equal(now, first);
        for (int k = 0; k < BARE; k++) /* then they are made again */
            run("nothing", &o);
        settle();
        assert_int_equal(nests(list), 1);
        see(now, sizeof(now));
        assert_string_equal(now, first);
        box_close(&box);
    }
}

/* Whether they are allowed is another question: what was not changed may be
 * used again. */
static void what_hides_in_metadata_is_seen_by_nobody(void **state)
{
    static const char *const whats[] = {"times", "mode", "xattr"};
    char first[512], now[512];
    struct outcome o;

    (void)state;
    if (!can_have())
        return;
    open_box();
    see(first, sizeof(first));
    box_close(&box);
    for (size_t i = 0; i < sizeof(whats) / sizeof(whats[0]); i++) {
        open_box();
        run(whats[i], &o);
        see(now, sizeof(now));
        assert_string_equal(now, first);
        box_close(&box);
    }
}

/* In one launcher, so that what all its boxes share is seen, too. */
static void what_a_stranger_tries_is_seen_by_nobody(void **state)
{
    static const char *const whats[] = {"links",   "rename", "linkat", "hosts",
                                        "root",    "locks",  "first",  "flight",
                                        "machine", "orphan", "sibling"};
    char first[512], now[512];
    unsigned long shared, shared_now;
    struct outcome o;

    (void)state;
    if (!can_have())
        return;
    open_box();
    see_more(first, sizeof(first), &shared);
    for (size_t i = 0; i < sizeof(whats) / sizeof(whats[0]); i++) {
        for (int k = 0; k < BARE; k++)
            run("nothing", &o);
        settle();
        run(whats[i], &o);
        see_more(now, sizeof(now), &shared_now);
        if (strcmp(now, first) != 0 || shared_now != shared)
            fail_msg("%s:\n%s\n%s", whats[i], first, now);
    }
    box_close(&box);
}

/* Process 1 is not another tool's: what it has reaped is charged to nobody. */
static void process_1_that_reaped_serves_nobody_else(void **state)
{
    static const char *const whats[] = {"orphan", "links"};
    pid_t list[CHILDREN];
    struct outcome o;

    (void)state;
    if (!can_have())
        return;
    for (size_t i = 0; i < 2; i++) {
        open_box();
        assert_int_equal(nests(list), 1);
        run(whats[i], &o);
        if (is_used(list[0]))
            fail_msg("%s", whats[i]);
        box_close(&box);
    }
}

/* Whoever forks as often as there are numbers would else be where it began. */
static void no_number_is_given_to_two_tools_of_a_box(void **state)
{
    struct outcome o;
    long most = 0;

    (void)state;
    if (!can_have())
        return;
    open_box();
    for (int i = 0; i < TURNS; i++) {
        long pid;

        run("number", &o);
        assert_in_range(o.out_len, 2, sizeof(o.out) - 1);
        o.out[o.out_len] = '\0';
        pid = strtol(o.out, NULL, 10);
        assert_in_range(pid, 2, RESERVED - 1);
        most = pid > most ? pid : most;
    }
    assert_in_range(most, TURNS / 4, RESERVED - 1); /* they were used again */
    box_close(&box);
}

/* The canary was in one of them, too: without full boxes nobody is left, but
 * each tool gets one of its own. */
static void boxes_that_leak_when_used_again_are_not(void **state)
{
    const struct box_parts p = {.launcher = LEAKY "nest"};
    char seen[512];
    pid_t list[CHILDREN];

    (void)state;
    if (!can_have())
        return;
    box_open_with(&box, BOX_FULL, true, &p);
    settle();
    assert_int_equal(nests(list), 0);
    see(seen, sizeof(seen));
    assert_non_null(strstr(seen, " name=box "));
    box_close(&box);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_left_alone_is_used_again),
        cmocka_unit_test(what_was_changed_is_seen_by_nobody),
        cmocka_unit_test(what_hides_in_metadata_is_seen_by_nobody),
        cmocka_unit_test(what_a_stranger_tries_is_seen_by_nobody),
        cmocka_unit_test(process_1_that_reaped_serves_nobody_else),
        cmocka_unit_test(boxes_that_leak_when_used_again_are_not),
        cmocka_unit_test(no_number_is_given_to_two_tools_of_a_box),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
