/* Namespaces of processes that stand by for several tools at once: they are
 * used again, not ended and made anew, and no more of them come to be. */
#include "harness.h"
#include "host.h"

#include <stdio.h>
#include <unistd.h>

#include "tests/lib/ts_test.h"

#include "proto/base/ts_fd.h"

#define AT_ONCE  4
#define STAND_BY 8 /* INITS_READY_MAX */
#define SETTLED  10
#define CHILDREN 64
#define BURSTS   30

static struct box box;

/* All children of the launcher: with no tool running, processes 1. */
static size_t children(pid_t list[CHILDREN])
{
    char path[64];
    size_t n = 0;
    long pid;
    FILE *f;

    (void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children",
                   (int)box.pid, (int)box.pid);
    f = fopen(path, "re");
    assert_non_null(f);
    while (n < CHILDREN && fscanf(f, "%ld", &pid) == 1)
        list[n++] = (pid_t)pid;
    (void)fclose(f);
    return n;
}

static bool is_in(const pid_t *list, size_t n, pid_t pid)
{
    for (size_t i = 0; i < n; i++)
        if (list[i] == pid)
            return true;
    return false;
}

/* They run at the same time, and end in a row. */
static void burst(void)
{
    const struct call c = {
        .tool = "plain", .what = "count", .box = BOX_FULL, .has_stdin = true};
    struct outcome o[AT_ONCE];

    for (size_t i = 0; i < AT_ONCE; i++) {
        uint64_t id = box_send(&box, &c);

        box_wait_start(&box, id, &o[i]);
        if (!o[i].started)
            fail_msg("%s: %s", o[i].step, o[i].text);
    }
    for (size_t i = 0; i < AT_ONCE; i++)
        ts_fd_close(&o[i].in_fd);
    for (size_t i = 0; i < AT_ONCE; i++)
        box_wait_end(&box, 0, &o[i]);
}

static void tools_at_once_use_what_stands_by_again(void **state)
{
    pid_t before[CHILDREN], after[CHILDREN];
    size_t n, k;

    (void)state;
    if (!host_gives_full(getuid() == 0))
        return;
    box_open_at(&box, BOX_FULL, getuid() == 0);
    for (int i = 0; i < SETTLED; i++)
        burst();
    n = children(before);
    assert_in_range(n, AT_ONCE, STAND_BY);
    for (int i = 0; i < BURSTS; i++)
        burst();
    k = children(after);
    assert_int_equal(k, n);
    for (size_t i = 0; i < n; i++)
        assert_true(is_in(after, k, before[i]));
    box_close(&box);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tools_at_once_use_what_stands_by_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
