/*
 * A launcher with control groups: memory and processes are of a whole tool
 * then. Where joining a group is slow only who demands the layer gets one, so
 * every call here does.
 */
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sidecar/supervisor/cgroups.h"
#include "tests/lib/ts_test.h"

#define MB     (1ull << 20)
#define MEMORY (64 * MB) /* of "plain" */

static struct box box;
static struct cgroups made;
static char parent[64];

static void adopt(pid_t launcher)
{
    cgroups_adopt(&made, launcher);
}

static bool start(enum box_level most, bool has_caps)
{
    static struct box_groups groups;

    (void)snprintf(parent, sizeof(parent), "/tmp/tipstaff-cgroups-XXXXXX");
    assert_non_null(mkdtemp(parent));
    if (getuid() != 0 ||
        cgroups_make(parent, box_user(), box_user(), &made) != TS_OK) {
        print_message("SKIPPED: no cgroup can be made here\n");
        (void)rmdir(parent);
        return false;
    }
    groups = (struct box_groups){.folder_fd = made.folder_fd, .adopt = adopt};
    box_groups = &groups;
    box_open_at(&box, most, has_caps);
    return true;
}

static bool is_left(const char *tree, int index)
{
    char path[640];

    (void)snprintf(path, sizeof(path), "%s/t1-%d", tree, index);
    return access(path, F_OK) == 0;
}

static void stop(void)
{
    box_close(&box);
    for (int t = 0; t < CGROUPS_TREES; t++)
        assert_false(made.trees[t][0] != '\0' && is_left(made.trees[t], 0));
    box_groups = NULL;
    cgroups_done(&made);
    assert_int_equal(rmdir(parent), 0);
}

/* Of the group of the only tool that runs, in whatever tree has the file. */
static uint64_t group_number(const char *file)
{
    uint64_t n = 0;

    for (int t = 0; t < CGROUPS_TREES; t++) {
        char path[700], text[64];
        ssize_t got;
        int fd;

        (void)snprintf(path, sizeof(path), "%s/t1-0/%s", made.trees[t], file);
        fd = made.trees[t][0] == '\0' ? -1 : open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            continue;
        got = read(fd, text, sizeof(text) - 1);
        (void)close(fd);
        if (got <= 0)
            continue;
        text[got] = '\0';
        n = strtoull(text, NULL, 10);
    }
    return n;
}

static bool has_memory(void)
{
    return group_number("memory.limit_in_bytes") == MEMORY ||
           group_number("memory.max") == MEMORY;
}

static uint64_t memory_used(void)
{
    uint64_t now = group_number("memory.usage_in_bytes");

    return now != 0 ? now : group_number("memory.current");
}

static uint64_t begin(const char *tool, const char *what, struct outcome *o)
{
    const struct call c = {.tool = tool, .what = what, .require = LAYER_CGROUP};
    uint64_t id = box_send(&box, &c);

    box_wait_start(&box, id, o);
    if (!o->started)
        fail_msg("refused at %s: %s", o->step, o->text);
    assert_true((o->on_start.layers & LAYER_CGROUP) != 0);
    return id;
}

static void end(uint64_t id, struct outcome *o)
{
    box_kill(&box, id, END_CANCELLED);
    box_wait_end(&box, id, o);
    assert_int_equal(o->exited.reason, END_CANCELLED);
    assert_int_equal(box_count_probes(&box), 0);
}

/* Four processes of 64 MB each, in a tool that may have 64 MB. */
static void meet_memory(void)
{
    uint64_t id, most = 0, used;
    struct outcome o;

    id = begin("plain", "memory4", &o);
    if (has_memory()) {
        for (int i = 0; i < 200; i++) { /* 2 s at most */
            used = memory_used();
            most = used > most ? used : most;
            if (most > MEMORY * 9 / 10)
                break;
            (void)usleep(10000);
        }
        print_message("the whole tool had %llu of %llu MiB\n",
                      (unsigned long long)(most / MB),
                      (unsigned long long)(MEMORY / MB));
        assert_true(most > MEMORY / 2);
        assert_true(most <= MEMORY);
    } else {
        assert_true((o.on_start.weakened & LAYER_CGROUP) != 0);
        print_message("SKIPPED: no controller of memory\n");
    }
    end(id, &o);
}

/* Threads and processes of the whole tool: "plain" may have 24. */
static void meet_processes(void)
{
    struct outcome o;
    uint64_t id = begin("plain", "fork", &o), most = group_number("pids.max");

    if (most != 0) {
        assert_int_equal(most, 24);
        for (int i = 0; i < 200 && group_number("pids.current") < 20; i++)
            (void)usleep(10000);
        assert_in_range(group_number("pids.current"), 1, 24);
    }
    end(id, &o);
}

/* A group is used again, with other limits, and when its tool's limit was
 * reached. */
static void groups_serve_many(void)
{
    static const char *const tools[] = {"plain", "crowd"};
    const struct call c[] = {
        {.tool = tools[0], .what = "quick", .require = LAYER_CGROUP},
        {.tool = tools[1], .what = "quick", .require = LAYER_CGROUP}};
    struct outcome o;

    for (int i = 0; i < 40; i++) {
        box_run(&box, &c[i % 2], &o);
        if (!o.started)
            fail_msg("refused at %s: %s", o.step, o.text);
        assert_true(outcome_says(&o, "ok"));
    }
    for (int t = 0; t < CGROUPS_TREES; t++)
        assert_false(made.trees[t][0] != '\0' && is_left(made.trees[t], 3));
}

static void check_level(enum box_level most, bool has_caps)
{
    if (!start(most, has_caps))
        return;
    meet_memory();
    meet_processes();
    groups_serve_many();
    stop();
}

static void bare_tool_is_limited_as_a_whole(void **state)
{
    (void)state;
    check_level(BOX_BARE, false);
}

static void tool_with_a_uid_is_limited_as_a_whole(void **state)
{
    (void)state;
    check_level(BOX_UID, true);
}

static void full_box_is_limited_as_a_whole(void **state)
{
    (void)state;
    check_level(BOX_FULL, true);
}

static void layer_is_refused_where_there_are_no_groups(void **state)
{
    const struct call c = {
        .tool = "plain", .what = "quick", .require = LAYER_CGROUP};
    struct outcome o;

    (void)state;
    box_open(&box);
    box_run(&box, &c, &o);
    assert_false(o.started);
    assert_int_equal(o.code, CODE_SANDBOX_UNAVAILABLE);
    assert_string_equal(o.step, "cgroup");
    box_close(&box);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bare_tool_is_limited_as_a_whole),
        cmocka_unit_test(tool_with_a_uid_is_limited_as_a_whole),
        cmocka_unit_test(full_box_is_limited_as_a_whole),
        cmocka_unit_test(layer_is_refused_where_there_are_no_groups),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
