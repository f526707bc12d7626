/* The watchdog of a starting child tells one that somebody stops from one that
 * a busy machine does not get to. */
#include "sidecar/launcher/start/watch.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/lib/ts_test.h"

static struct watch watch; /* its thread lives as long as we do */

static uint64_t now_ms(void)
{
    struct timespec t;

    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &t), 0);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void wait_ms(long ms)
{
    const struct timespec t = {0, ms * 1000000};

    (void)nanosleep(&t, NULL);
}

/* One that does nothing for ever, as one that never gets a processor. */
static pid_t idle_child(void)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        for (;;)
            (void)pause();
    }
    return pid;
}

static void open_for(pid_t pid)
{
    watch_open(&watch);
    __atomic_store_n(&watch.tid[0], (int)pid, __ATOMIC_SEQ_CST);
}

static void end(pid_t pid)
{
    (void)kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void child_that_is_stopped_again_and_again_is_killed(void **state)
{
    const uint64_t begin = now_ms(), patience = WATCH_KILL_MS - 1000;
    pid_t pid = idle_child();
    siginfo_t si = {.si_pid = 0};

    (void)state;
    open_for(pid);
    while (si.si_pid == 0 && now_ms() - begin < patience) {
        assert_int_equal(kill(pid, SIGSTOP), 0);
        wait_ms(1);
        assert_int_equal(
            waitid(P_PID, (id_t)pid, &si, WEXITED | WNOHANG | WNOWAIT), 0);
    }
    assert_int_equal(si.si_pid, pid);
    assert_int_equal(si.si_status, SIGKILL);
    assert_true(now_ms() - begin >= (uint64_t)WATCH_STOPS * WATCH_CONT_MS);
    assert_true(watch_close(&watch));
    end(pid);
}

static void child_that_is_only_slow_is_left_alone(void **state)
{
    const uint64_t begin = now_ms();
    pid_t pid = idle_child();

    (void)state;
    open_for(pid);
    while (now_ms() - begin < 3u * WATCH_STOPS * WATCH_CONT_MS)
        wait_ms(20);
    assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
    assert_false(watch_close(&watch));
    end(pid);
}

static void child_that_was_stopped_once_is_sent_on(void **state)
{
    const uint64_t begin = now_ms();
    pid_t pid = idle_child();
    siginfo_t si = {.si_pid = 0};

    (void)state;
    assert_int_equal(kill(pid, SIGSTOP), 0);
    assert_int_equal(waitid(P_PID, (id_t)pid, &si, WSTOPPED | WNOWAIT), 0);
    open_for(pid);
    si.si_pid = 0;
    while (si.si_pid == 0 && now_ms() - begin < WATCH_KILL_MS) {
        assert_int_equal(
            waitid(P_PID, (id_t)pid, &si, WCONTINUED | WNOHANG | WNOWAIT), 0);
        wait_ms(1);
    }
    assert_int_equal(si.si_pid, pid);
    assert_false(watch_close(&watch));
    end(pid);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(child_that_is_stopped_again_and_again_is_killed),
        cmocka_unit_test(child_that_is_only_slow_is_left_alone),
        cmocka_unit_test(child_that_was_stopped_once_is_sent_on),
    };

    assert_int_equal(watch_start(&watch), TS_OK);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
