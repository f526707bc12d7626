/* Somebody of the launcher's own user, or of the user that the tool is to be,
 * stops whatever is between clone and exec: the launcher, which sleeps
 * meanwhile, must not be stopped with it, at any level. */
#include "harness.h"
#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
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

#define STORM_MS  4000 /* at most; less once enough were hit */
#define HITS      8
#define CALLS_MIN 8
#define ANSWER_MS 4000 /* the watchdog kills after a fifth of a second */

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

/* Of one who may signal the child as long as it has that uid. */
static pid_t start_storm(uid_t uid, unsigned *hits)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        if (getuid() != uid && (setgroups(0, NULL) != 0 || setuid(uid) != 0))
            _exit(1);
        storm(box.pid, hits);
    }
    return pid;
}

static void end_storm(pid_t pid)
{
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

struct figures {
    int started, refused;
    uint64_t slowest;
};

static void one_call(const struct call *c, struct figures *f)
{
    uint64_t t = now_ms();
    struct outcome o;
    uint64_t id = box_send(&box, c);

    box_wait_start(&box, id, &o);
    t = now_ms() - t;
    if (o.started)
        box_wait_end(&box, id, &o);
    else
        assert_string_equal(o.step, "watchdog");
    f->slowest = t > f->slowest ? t : f->slowest;
    f->started += o.started;
    f->refused += !o.started;
}

/* tool: file is the writers', whose uid does not change from call to call. */
static void storm_at(enum box_level level, bool has_caps, const char *tool,
                     bool by_tools_uid)
{
    /* one that is stopped right behind its exec is the wall limit's business */
    struct call c = {
        .tool = tool, .what = "exit", .arg = "0", .wall_ms = 300, .box = level};
    unsigned *hits = mmap(NULL, sizeof(*hits), PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct figures f = {0, 0, 0};
    uint64_t until;
    char made[256];
    pid_t pid;

    assert_true(hits != MAP_FAILED);
    box_open_at(&box, level, has_caps);
    if (strcmp(tool, "file") == 0) {
        box_path(&box, "space/made.txt", made, sizeof(made));
        c.path = made;
        c.access = ACCESS_WRITE;
        c.arg = NULL;
    }
    pid = start_storm(by_tools_uid ? box.uid_first : uid_of(box.pid), hits);
    until = now_ms() + STORM_MS;
    while (f.started + f.refused < CALLS_MIN ||
           (*hits < HITS && now_ms() < until))
        one_call(&c, &f);
    end_storm(pid);
    print_message("%s, by the %s: %u stops, %d started, %d refused, slowest "
                  "answer %llu ms\n",
                  box_level_name(level),
                  by_tools_uid ? "tool's uid" : "launcher's uid", *hits,
                  f.started, f.refused, (unsigned long long)f.slowest);
    assert_true(*hits > 0 || by_tools_uid); /* that window is a short one */
    assert_true(f.slowest < ANSWER_MS);
    assert_int_equal(box_count_probes(&box), 0);
    box_close(&box);
    (void)munmap(hits, sizeof(*hits));
}

static void storm_of_stops_never_holds_the_launcher(void **state)
{
    (void)state;
    storm_at(BOX_BARE, false, "plain", false);
    if (host_gives_full(false))
        storm_at(BOX_FULL, false, "plain", false);
}

static void storm_of_stops_never_holds_a_privileged_launcher(void **state)
{
    (void)state;
    if (getuid() != 0) {
        print_message("SKIPPED: needs root\n");
        return;
    }
    storm_at(BOX_UID, true, "plain", false);
    storm_at(BOX_UID, true, "file", true);
    if (!host_gives_full(true))
        return;
    storm_at(BOX_FULL, true, "plain", false);
    storm_at(BOX_FULL, true, "file", true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(storm_of_stops_never_holds_the_launcher),
        cmocka_unit_test(storm_of_stops_never_holds_a_privileged_launcher),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
