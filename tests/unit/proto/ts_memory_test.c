/* Arena and buffer when memory runs out, and at their budgets. */
#include "tests/lib/ts_test.h"

#include <errno.h>
#include <signal.h>
#include <stdalign.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/base/ts_arena.h"
#include "proto/base/ts_buf.h"
#include "proto/base/ts_mem.h"
#include "proto/base/ts_mem_stop.h"
#include "tests/lib/fault_mem.h"

static ts_err fill_arena(struct ts_arena *a)
{
    const char *copy;
    void *p;
    ts_err e;

    for (size_t i = 0; i < 200; i++) {
        if ((e = ts_arena_alloc(a, 100 + i, &p)) != TS_OK ||
            (e = ts_arena_array(a, i, 24, &p)) != TS_OK ||
            (e = ts_arena_strndup(a, "name", 4, &copy)) != TS_OK)
            return e;
        assert_string_equal(copy, "name");
    }
    return TS_OK;
}

static void arena_without_memory_leaks_nothing(void **state)
{
    (void)state;
    for (int persistent = 0; persistent < 2; persistent++) {
        for (int nth = 0;; nth++) {
            struct ts_arena a;
            ts_err e;

            fault_mem_arm(nth, persistent == 1);
            ts_arena_init(&a, 1u << 20);
            e = fill_arena(&a);
            ts_arena_done(&a);
            assert_int_equal(fault_mem_live(), 0);
            if (!fault_mem_fired()) {
                assert_int_equal(e, TS_OK);
                break;
            }
            assert_int_equal(e, TS_E_NOMEM);
        }
    }
    fault_mem_disarm();
}

static void arena_keeps_to_its_budget_and_alignment(void **state)
{
    struct ts_arena a;
    void *p = NULL, *q = NULL;

    (void)state;
    ts_arena_init(&a, 256);
    for (size_t n = 1; n <= 16; n++) {
        assert_int_equal(ts_arena_alloc(&a, n, &p), TS_OK);
        assert_int_equal((uintptr_t)p % alignof(max_align_t), 0);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(((unsigned char *)p)[i], 0);
        memset(p, 0xFF, n);
    }
    assert_int_equal(ts_arena_alloc(&a, 1, &q), TS_E_LIMIT);
    assert_null(q);
    assert_int_equal(ts_arena_alloc(&a, SIZE_MAX, &q), TS_E_LIMIT);
    assert_int_equal(ts_arena_array(&a, SIZE_MAX / 2, 4, &q), TS_E_LIMIT);
    ts_arena_done(&a);
    assert_int_equal(ts_arena_alloc(&a, 1, &q), TS_E_LIMIT); /* no budget */
    ts_arena_done(&a);
}

static void buffer_without_memory_keeps_what_it_holds(void **state)
{
    (void)state;
    for (int persistent = 0; persistent < 2; persistent++) {
        for (int nth = 0;; nth++) {
            struct ts_buf b;
            ts_err e = TS_OK;
            size_t held = 0;

            fault_mem_arm(nth, persistent == 1);
            ts_buf_init(&b, 1u << 16);
            for (unsigned i = 0; i < 3000 && e == TS_OK; i++) {
                e = ts_buf_append(&b, "0123456789", 10);
                held += e == TS_OK ? 10 : 0;
            }
            assert_int_equal(b.len, held);
            for (size_t i = 0; i < held; i++)
                assert_int_equal(ts_buf_bytes(&b)[i], '0' + (int)(i % 10));
            ts_buf_done(&b);
            assert_int_equal(fault_mem_live(), 0);
            if (!fault_mem_fired()) {
                assert_int_equal(e, TS_OK);
                break;
            }
            assert_int_equal(e, TS_E_NOMEM);
        }
    }
    fault_mem_disarm();
}

static int end_of_allocation(int nth)
{
    pid_t pid = fork();
    int status = 0;

    if (pid == 0) {
        (void)!freopen("/dev/null", "w", stderr);
        fault_mem_arm(nth, false);
        ts_mem_free(ts_mem_alloc_or_stop(16));
        _exit(7);
    }
    assert_true(pid > 0);
    while (waitpid(pid, &status, 0) < 0)
        assert_int_equal(errno, EINTR);
    return status;
}

static void alloc_or_stop_stops_where_there_is_no_memory(void **state)
{
    int status = end_of_allocation(0);

    (void)state;
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    status = end_of_allocation(1);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arena_without_memory_leaks_nothing),
        cmocka_unit_test(arena_keeps_to_its_budget_and_alignment),
        cmocka_unit_test(buffer_without_memory_keeps_what_it_holds),
        cmocka_unit_test(alloc_or_stop_stops_where_there_is_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
