/* What is kept of a traced run, and its bounds. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "cli/sandbox/trace.h"
#include "tests/lib/fault_mem.h"
#include "tests/lib/ts_test.h"

#define ARENA_BYTES ((size_t)16 << 20)

struct run {
    struct ts_arena arena;
    struct trace t;
};
static struct run run;

static int open_run(void **state)
{
    (void)state;
    ts_arena_init(&run.arena, ARENA_BYTES);
    return trace_init(&run.t, &run.arena) == TS_OK ? 0 : -1;
}

static int close_run(void **state)
{
    (void)state;
    ts_arena_done(&run.arena);
    return 0;
}

static const struct trace_base *base(const char *name)
{
    int i = 0;

    while (i < TRACE_BASES - 1 && strcmp(run.t.base[i].name, name) != 0)
        i++;
    assert_string_equal(run.t.base[i].name, name);
    return &run.t.base[i];
}

static void each_profile_refuses_what_its_rules_refuse(void **s)
{
    const uint64_t inet[6] = {AF_INET, SOCK_STREAM, 0, 0, 0, 0};
    const uint64_t none[6] = {0};

    (void)s;
    trace_call(&run.t, SYS_read, none);
    trace_call(&run.t, SYS_execve, none);
    trace_call(&run.t, SYS_socket, inet);
    trace_call(&run.t, SYS_ptrace, none);
    for (int i = 0; i < TRACE_BASES; i++) {
        assert_false(run.t.base[i].refused[SYS_read]);
        assert_true(run.t.base[i].refused[SYS_ptrace]);
    }
    assert_true(base("pure")->refused[SYS_execve]);
    assert_false(base("files")->refused[SYS_execve]);
    assert_true(base("files")->refused[SYS_socket]);
    assert_false(base("net")->refused[SYS_socket]);
    assert_int_equal(base("files")->sample[SYS_socket][0], AF_INET);
    assert_false(run.t.foreign_arch);
    trace_call(&run.t, 0x40000000u, none);
    assert_true(run.t.foreign_arch);
}

static void a_path_is_kept_once_with_all_its_uses(void **s)
{
    (void)s;
    trace_path(&run.t, "/srv/a", TRACE_READ, "openat");
    trace_path(&run.t, "/srv/a", TRACE_WRITE, "rename");
    trace_path(&run.t, "/usr/lib/x.so", TRACE_READ, "openat");
    trace_path(&run.t, "pipe:[77]", TRACE_READ, "openat");
    assert_int_equal(run.t.path_count, 1);
    assert_int_equal(run.t.paths[0].use, TRACE_READ | TRACE_WRITE);
    assert_string_equal(run.t.paths[0].why, "openat");
    trace_path(&run.t, "/usr/lib/git", TRACE_EXEC, "execve");
    assert_int_equal(run.t.path_count, 2); /* reading is everybody's only */
}

static void beyond_the_bounds_is_counted(void **s)
{
    char path[32];

    (void)s;
    for (int i = 0; i < TRACE_PATHS_MAX + 3; i++) {
        (void)snprintf(path, sizeof(path), "/srv/%d", i);
        trace_path(&run.t, path, TRACE_READ, "open");
    }
    assert_int_equal(run.t.path_count, TRACE_PATHS_MAX);
    assert_int_equal(run.t.left_out, 3);
}

static ts_err scenario(const void *arg)
{
    static struct trace t;
    struct ts_arena a;
    ts_err e;

    (void)arg;
    ts_arena_init(&a, ARENA_BYTES);
    e = trace_init(&t, &a);
    ts_arena_done(&a);
    return e;
}

static void trace_init_without_memory_says_so(void **s)
{
    (void)s;
    fault_mem_sweep(scenario, NULL, TS_OK, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            each_profile_refuses_what_its_rules_refuse, open_run, close_run),
        cmocka_unit_test_setup_teardown(a_path_is_kept_once_with_all_its_uses,
                                        open_run, close_run),
        cmocka_unit_test_setup_teardown(beyond_the_bounds_is_counted, open_run,
                                        close_run),
        cmocka_unit_test(trace_init_without_memory_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
