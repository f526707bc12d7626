/*
 * The recorder dies at every point that there is: before, in the middle of and
 * behind each system call that changes something and each word that it leaves
 * in the ring; then its successor does, at every point of its own. The next one
 * must bring the log to where it would be had nobody died: everything that was
 * in the ring, once, in order. docs/LOG.md, "When a process dies".
 */
#include "tests/lib/ts_test.h"

#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crash_rig.h"
#include "sidecar/common/ring/ring.h"
#include "sidecar/recorder/segment.h"

#define DIED    77
#define LARGEST (UINT64_C(1) << 30)

enum moment {
    BEFORE,
    HALF_WAY, /* of a write; of others the same as before */
    BEHIND,
    MOMENTS
};

/* Of the child. */
static struct {
    long left; /* calls until the one; never when negative */
    enum moment when;
} death = {.left = -1};

/* True: this is the call. */
static bool strikes(void)
{
    if (death.left < 0 || death.left-- > 0)
        return false;
    if (death.when == BEFORE)
        _exit(DIED);
    return true;
}

#define AFTER(strike)                                                          \
    do {                                                                       \
        if (strike)                                                            \
            _exit(DIED);                                                       \
    } while (0)

ssize_t __real_pwrite(int fd, const void *p, size_t n, off_t at);
ssize_t __wrap_pwrite(int fd, const void *p, size_t n, off_t at);
int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);
int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __real_ftruncate(int fd, off_t len);
int __wrap_ftruncate(int fd, off_t len);
int __real_unlinkat(int dir, const char *name, int flags);
int __wrap_unlinkat(int dir, const char *name, int flags);
ssize_t __real_sendmsg(int fd, const struct msghdr *m, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *m, int flags);
void __real_ring_writing(struct ring_reader *r, uint64_t log_seq);
void __wrap_ring_writing(struct ring_reader *r, uint64_t log_seq);
void __real_ring_release(struct ring_reader *r);
void __wrap_ring_release(struct ring_reader *r);
void __real_ring_begin(struct ring_reader *r);
void __wrap_ring_begin(struct ring_reader *r);

ssize_t __wrap_pwrite(int fd, const void *p, size_t n, off_t at)
{
    bool strike = strikes();
    ssize_t done;

    if (strike && death.when == HALF_WAY)
        n = n / 2;
    done = __real_pwrite(fd, p, n, at);
    AFTER(strike);
    return done;
}

int __wrap_fdatasync(int fd)
{
    bool strike = strikes();
    int r = __real_fdatasync(fd);

    AFTER(strike);
    return r;
}

int __wrap_fsync(int fd)
{
    bool strike = strikes();
    int r = __real_fsync(fd);

    AFTER(strike);
    return r;
}

int __wrap_ftruncate(int fd, off_t len)
{
    bool strike = strikes();
    int r = __real_ftruncate(fd, len);

    AFTER(strike);
    return r;
}

int __wrap_unlinkat(int dir, const char *name, int flags)
{
    bool strike = strikes();
    int r = __real_unlinkat(dir, name, flags);

    AFTER(strike);
    return r;
}

ssize_t __wrap_sendmsg(int fd, const struct msghdr *m, int flags)
{
    bool strike = strikes();
    ssize_t n = __real_sendmsg(fd, m, flags);

    AFTER(strike);
    return n;
}

void __wrap_ring_writing(struct ring_reader *r, uint64_t log_seq)
{
    bool strike = strikes();

    __real_ring_writing(r, log_seq);
    AFTER(strike);
}

void __wrap_ring_release(struct ring_reader *r)
{
    bool strike = strikes();

    __real_ring_release(r);
    AFTER(strike);
}

void __wrap_ring_begin(struct ring_reader *r)
{
    bool strike = strikes();

    __real_ring_begin(r);
    AFTER(strike);
}

/* One life in a child. True: it died at the call. */
static bool live(const struct crash_rig *r, const struct crash_life *how,
                 long call, enum moment when, const char *where)
{
    pid_t pid = fork();
    int status = 0;

    if (pid == 0) {
        death.left = call;
        death.when = when;
        crash_rig_live(r, how);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (!WIFEXITED(status) ||
        (WEXITSTATUS(status) != 0 && WEXITSTATUS(status) != DIED))
        fail_msg("%s: a recorder failed (status %x)", where, (unsigned)status);
    return WEXITSTATUS(status) == DIED;
}

/* A service that has begun, then what is fed, then one death. */
static void begun(struct crash_rig *r, const struct crash_life *how,
                  const char *entries)
{
    crash_rig_init(r);
    (void)live(r, how, -1, BEFORE, "begin");
    crash_rig_feed(r, entries);
}

/* Dies at each point of the first life; the next one mends it. How many. */
static long die_once(const char *entries, uint64_t segment_bytes)
{
    const struct crash_life whole = {.segment_bytes = segment_bytes};
    bool died = true;
    long points = 0;
    char where[160];

    for (long call = 0; died; call++) {
        for (int when = 0; when < MOMENTS; when++) {
            struct crash_rig r;

            (void)snprintf(where, sizeof(where), "%s, call %ld, moment %d",
                           entries, call, when);
            begun(&r, &whole, entries);
            died = live(&r, &whole, call, (enum moment)when, where);
            (void)live(&r, &whole, -1, BEFORE, where);
            crash_rig_check(&r, entries, where);
            crash_rig_done(&r);
        }
        points += died ? 1 : 0;
    }
    return points;
}

static void recorder_dying_once_loses_and_doubles_nothing(void **state)
{
    static const char *const tables[] = {
        "d",  "l",   "lo",     "j",        "jd",
        "dj", "ddd", "dlokbd", "jljoddbj", "dddjdlldojb"};

    (void)state;
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
        assert_true(die_once(tables[i], LARGEST) >= 4);
}

/* 30 KB records in segments of 64 KB: rotation, whose lines are in the log, but
 * of nothing that was in the ring. */
static void recorder_dying_in_a_rotation_loses_and_doubles_nothing(void **state)
{
    (void)state;
    assert_true(die_once("lDDDjdo", SEGMENT_MIN) >= 12);
    assert_true(die_once("DDDDDDd", SEGMENT_MIN) >= 12);
}

/* The second death: while the first one is mended. */
static void die_twice(const char *entries, uint64_t segment_bytes)
{
    const struct crash_life whole = {.segment_bytes = segment_bytes};
    bool first = true, second;
    long deaths = 0;
    char where[160];

    for (long one = 0; first; one++) {
        second = true;
        for (long two = 0; second; two++) {
            /* the moments of both, in turn: over all calls each is met */
            enum moment m1 = (enum moment)((one + two) % MOMENTS);
            enum moment m2 = (enum moment)((one + two / MOMENTS) % MOMENTS);
            struct crash_rig r;

            (void)snprintf(where, sizeof(where), "%s, call %ld/%d, then %ld/%d",
                           entries, one, (int)m1, two, (int)m2);
            begun(&r, &whole, entries);
            first = live(&r, &whole, one, m1, where);
            second = first && live(&r, &whole, two, m2, where);
            (void)live(&r, &whole, -1, BEFORE, where);
            crash_rig_check(&r, entries, where);
            crash_rig_done(&r);
            deaths += second ? 1 : 0;
        }
    }
    assert_true(deaths > 50);
}

static void recorder_dying_twice_loses_and_doubles_nothing(void **state)
{
    (void)state;
    die_twice("jdlodj", LARGEST);
    die_twice("lDDDjdo", SEGMENT_MIN);
}

/* Sets of processes follow each other, each with entries of its own and a
 * recorder that dies: what two of them left stands in one row. */
static void entries_between_deaths_keep_their_order(void **state)
{
    const struct crash_life whole = {.segment_bytes = SEGMENT_MIN};
    static const char *const parts[] = {"D", "d", "lo", "jD", "kdd", "jb", "l"};
    char where[64];

    (void)state;
    for (long call = 0; call < 24; call++) {
        char entries[CRASH_ENTRIES_MAX] = "";
        struct crash_rig r;

        begun(&r, &whole, "");
        for (size_t n = 0; n < sizeof(parts) / sizeof(parts[0]); n++) {
            size_t before = strlen(entries);

            (void)snprintf(where, sizeof(where), "call %ld, %zu parts", call,
                           n);
            (void)snprintf(entries + before, sizeof(entries) - before, "%s",
                           parts[n]);
            crash_rig_feed_from(&r, entries, before);
            (void)live(&r, &whole, (call + (long)n) % 24,
                       (enum moment)(n % MOMENTS), where);
        }
        (void)live(&r, &whole, -1, BEFORE, where);
        crash_rig_check(&r, entries, where);
        crash_rig_done(&r);
    }
}

static int sodium_setup(void **state)
{
    (void)state;
    return sodium_init() < 0 ? -1 : 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recorder_dying_once_loses_and_doubles_nothing),
        cmocka_unit_test(
            recorder_dying_in_a_rotation_loses_and_doubles_nothing),
        cmocka_unit_test(recorder_dying_twice_loses_and_doubles_nothing),
        cmocka_unit_test(entries_between_deaths_keep_their_order),
    };

    return cmocka_run_group_tests(tests, sodium_setup, NULL);
}
