/* Mounts that are used again: by a tool behind one that left its /tmp alone,
 * and by nobody behind one that did anything there, however well it hid it. */
#include "harness.h"
#include "host.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/lib/ts_test.h"

#define CHILDREN 64
#define SETTLED  6  /* launches */
#define BARE     32 /* HABITS_BARE_RUNS */
#define NUMBERS  200

static struct box box;

/* With the launcher's children: those that see other mounts than it does. */
static size_t nests(ino_t list[CHILDREN])
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
            list[n++] = st.st_ino;
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

static void settle(void)
{
    struct outcome o;

    for (int i = 0; i < SETTLED; i++)
        run("nothing", &o);
}

/* Without the number that was given to a file last, which is to be small. */
static void see(char *out, size_t cap)
{
    struct outcome o;
    unsigned long number = 0;
    char *at;

    run("look", &o);
    (void)snprintf(out, cap, "%.*s", (int)o.out_len, o.out);
    at = strstr(out, " number=");
    assert_non_null(at);
    assert_int_equal(sscanf(at, " number=%lu", &number), 1);
    assert_in_range(number, 1, NUMBERS);
    *at = '\0';
}

static bool is_used(ino_t nest)
{
    ino_t list[CHILDREN];
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
    ino_t list[CHILDREN];
    char first[256], now[256];

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
    ino_t list[CHILDREN];
    char first[256], now[256];
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
        for (int k = 0; k < BARE + SETTLED; k++) /* then they are made again */
            run("nothing", &o);
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
    char first[256], now[256];
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_left_alone_is_used_again),
        cmocka_unit_test(what_was_changed_is_seen_by_nobody),
        cmocka_unit_test(what_hides_in_metadata_is_seen_by_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
