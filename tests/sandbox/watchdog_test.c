/* Somebody of the launcher's own user stops whatever is between clone and exec:
 * the launcher, which sleeps meanwhile, must not be stopped with it. */
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/lib/ts_test.h"

#define STORM_SECONDS 8
#define ANSWER_MS     4000 /* the watchdog kills after one second */

static struct box box;

static uid_t uid_of(pid_t pid)
{
    char path[64], text[1024];
    const char *p;
    FILE *f;
    size_t n;

    (void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    f = fopen(path, "re");
    assert_non_null(f);
    n = fread(text, 1, sizeof(text) - 1, f);
    text[n] = '\0';
    (void)fclose(f);
    p = strstr(text, "Uid:\t");
    assert_non_null(p);
    return (uid_t)strtoul(p + 5, NULL, 10);
}

/* In the window a child is still the launcher, into which nobody may look; a
 * tool that has started can be looked at, and is left alone. */
static bool is_in_window(pid_t pid)
{
    char path[64], exe[16];

    (void)snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
    return readlink(path, exe, sizeof(exe)) < 0 && errno == EACCES;
}

static _Noreturn void storm(pid_t launcher, unsigned *hits)
{
    char path[64], buf[512];
    int fd;

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    (void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children",
                   (int)launcher, (int)launcher);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        _exit(1);
    for (;;) {
        ssize_t n = pread(fd, buf, sizeof(buf) - 1, 0);
        char *at = buf, *end;

        buf[n > 0 ? n : 0] = '\0';
        for (;;) {
            pid_t pid = (pid_t)strtol(at, &end, 10);

            if (end == at)
                break;
            at = end;
            if (is_in_window(pid) && kill(pid, SIGSTOP) == 0)
                (void)__atomic_add_fetch(hits, 1, __ATOMIC_RELAXED);
        }
    }
}

static uint64_t now_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void storm_of_stops_never_holds_the_launcher(void **state)
{
    /* one that is stopped right behind its exec is the wall limit's business */
    const struct call c = {
        .tool = "plain", .what = "exit", .arg = "0", .wall_ms = 300};
    unsigned *hits = mmap(NULL, sizeof(*hits), PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    uint64_t until, slowest = 0;
    int started = 0, refused = 0;
    uid_t uid;
    pid_t pid;

    (void)state;
    assert_true(hits != MAP_FAILED);
    box_open(&box);
    uid = uid_of(box.pid);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (getuid() != uid && setuid(uid) != 0)
            _exit(1);
        storm(box.pid, hits);
    }
    until = now_ms() + STORM_SECONDS * 1000;
    while (now_ms() < until) {
        uint64_t t = now_ms();
        struct outcome o;
        uint64_t id = box_send(&box, &c);

        box_wait_start(&box, id, &o);
        t = now_ms() - t;
        if (o.started)
            box_wait_end(&box, id, &o);
        slowest = t > slowest ? t : slowest;
        started += o.started;
        refused += !o.started;
        if (!o.started)
            assert_string_equal(o.step, "watchdog");
    }
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    print_message("%u stops, %d started, %d refused, slowest answer %llu ms\n",
                  *hits, started, refused, (unsigned long long)slowest);
    assert_true(*hits > 0);
    assert_true(slowest < ANSWER_MS);
    assert_int_equal(box_count_probes(&box), 0);
    box_close(&box);
    (void)munmap(hits, sizeof(*hits));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(storm_of_stops_never_holds_the_launcher),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
