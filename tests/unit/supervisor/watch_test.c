#include "tests/lib/ts_test.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "sidecar/common/bundle/bundle.h"
#include "sidecar/supervisor/watch.h"
#include "sidecar/supervisor/watch_plan.h"
#include "tests/lib/fault_mem.h"

/* A configuration directory, a watch on it, and what it was given. Time is the
 * test's; the notifications are the kernel's. */
struct rig {
    char dir[64];
    int fd;
    struct watch *watch;
    uint64_t now_ms;
    char got[1024]; /* "acme 1 bytes;acme 2 bytes;" */
    bool full;      /* the receiver's channel */
};

static void put(const struct rig *r, const char *name, const char *text)
{
    int fd =
        openat(r->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    ts_fd_close(&fd);
}

static void put_by_rename(const struct rig *r, const char *name,
                          const char *text)
{
    put(r, "new", text);
    assert_int_equal(renameat(r->fd, "new", r->fd, name), 0);
}

static void make_dir(const struct rig *r, const char *name)
{
    assert_int_equal(mkdirat(r->fd, name, 0755), 0);
}

/* Files as if written long ago: nobody is in the middle of it. */
static void age(const struct rig *r, const char *name)
{
    const struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};

    assert_int_equal(utimensat(r->fd, name, old, 0), 0);
}

static ts_err take(void *ctx, struct ts_str tenant, enum control_feed_kind what,
                   int fd)
{
    struct rig *r = ctx;
    size_t at = strlen(r->got);
    char text[128];
    ssize_t n = pread(fd, text, sizeof(text), 0);

    if (r->full)
        return TS_E_AGAIN;
    assert_true(n > 0);
    assert_int_equal(fcntl(fd, F_GET_SEALS),
                     F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
    (void)snprintf(r->got + at, sizeof(r->got) - at, "%.*s %d %.*s;",
                   (int)tenant.len, tenant.ptr, (int)what, (int)n, text);
    return TS_OK;
}

static uint64_t real_ms(void)
{
    return (uint64_t)time(NULL) * 1000 + 999;
}

static void turn(struct rig *r, uint64_t later_ms)
{
    r->now_ms += later_ms;
    watch_turn(r->watch, (struct watch_time){r->now_ms, real_ms()}, take, r);
}

/* What the notifications of now lead to, and nothing else. */
static const char *settled(struct rig *r)
{
    r->got[0] = '\0';
    (void)watch_take(r->watch, r->now_ms);
    turn(r, WATCH_SETTLE_MS);
    return r->got;
}

static const char *polled(struct rig *r)
{
    r->got[0] = '\0';
    turn(r, WATCH_POLL_MS);
    return r->got;
}

static void reset(struct rig *r)
{
    char text[512] = "";
    int bundle = -1;

    assert_int_equal(bundle_collect(r->fd, &bundle, text, sizeof(text)), TS_OK);
    assert_int_equal(watch_reset(r->watch, bundle, r->now_ms), TS_OK);
    ts_fd_close(&bundle);
    r->got[0] = '\0';
    turn(r, 0);
}

static void open_rig(struct rig *r)
{
    *r = (struct rig){.now_ms = 1000000};
    (void)snprintf(r->dir, sizeof(r->dir), "/tmp/ts-watch-XXXXXX");
    assert_non_null(mkdtemp(r->dir));
    r->fd = open(r->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    make_dir(r, "tools");
    make_dir(r, "tenants");
    make_dir(r, "tenants/acme");
    make_dir(r, "tenants/beta");
    put(r, "tenants/acme/tenant.yaml", "x");
    put(r, "tenants/beta/tenant.yaml", "x");
    put(r, "tenants/acme/directory.snapshot", "one");
    put(r, "tenants/acme/directory.heartbeat", "beat");
    age(r, "tenants/acme/directory.snapshot");
    age(r, "tenants/acme/directory.heartbeat");
    assert_int_equal(watch_new(r->fd, &r->watch), TS_OK);
    reset(r);
    assert_string_equal(r->got, ""); /* the gate has it in its bundle */
}

static void remove_tree(const char *dir)
{
    const char *const argv[] = {"rm", "-rf", dir, NULL};
    pid_t pid = fork();

    if (pid == 0) {
        (void)execv("/bin/rm", (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void close_rig(struct rig *r)
{
    watch_free(r->watch);
    ts_fd_close(&r->fd);
    remove_tree(r->dir);
}

static void watch_file_renamed_over_is_handed_over_once(void **state)
{
    struct rig r;

    (void)state;
    open_rig(&r);
    put_by_rename(&r, "tenants/acme/directory.heartbeat", "beat2");
    assert_string_equal(settled(&r), "acme 2 beat2;");
    assert_string_equal(settled(&r), "");
    put_by_rename(&r, "tenants/acme/directory.heartbeat", "beat2");
    assert_string_equal(settled(&r), ""); /* the same bytes */
    assert_string_equal(polled(&r), "");
    put_by_rename(&r, "tenants/beta/directory.snapshot", "b");
    assert_string_equal(settled(&r), "beta 1 b;");
    close_rig(&r);
}

/* The gate refuses a heartbeat of a snapshot that it does not hold yet. */
static void watch_snapshot_goes_first_and_its_heartbeat_again(void **state)
{
    struct rig r;

    (void)state;
    open_rig(&r);
    put_by_rename(&r, "tenants/acme/directory.heartbeat", "beat2");
    assert_string_equal(settled(&r), "acme 2 beat2;");
    put_by_rename(&r, "tenants/acme/directory.snapshot", "two");
    assert_string_equal(settled(&r), "acme 1 two;acme 2 beat2;");
    put_by_rename(&r, "tenants/acme/directory.heartbeat", "beat3");
    put_by_rename(&r, "tenants/acme/directory.snapshot", "three");
    assert_string_equal(settled(&r), "acme 1 three;acme 2 beat3;");
    close_rig(&r);
}

static void watch_half_written_file_waits_for_its_end(void **state)
{
    struct rig r;
    int fd;

    (void)state;
    open_rig(&r);
    fd = openat(r.fd, "tenants/beta/directory.snapshot",
                O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    assert_int_equal(write(fd, "ha", 2), 2);
    assert_string_equal(settled(&r), "");
    assert_string_equal(polled(&r), ""); /* and not by a poll either */
    assert_int_equal(write(fd, "lf", 2), 2);
    ts_fd_close(&fd);
    assert_string_equal(settled(&r), "beta 1 half;");
    close_rig(&r);
}

/* As the kubelet does it: a new directory of files, then ..data goes over. */
static void swap(const struct rig *r, const char *tenant, const char *time,
                 const char *text)
{
    char path[256], target[64];

    (void)snprintf(path, sizeof(path), "tenants/%s/%s", tenant, time);
    make_dir(r, path);
    (void)snprintf(path, sizeof(path), "tenants/%s/%s/directory.snapshot",
                   tenant, time);
    put(r, path, text);
    (void)snprintf(path, sizeof(path), "tenants/%s/..data_tmp", tenant);
    (void)snprintf(target, sizeof(target), "%s", time);
    assert_int_equal(symlinkat(target, r->fd, path), 0);
    (void)snprintf(target, sizeof(target), "tenants/%s/..data", tenant);
    assert_int_equal(renameat(r->fd, path, r->fd, target), 0);
}

static void watch_exchange_of_the_data_link_is_noticed(void **state)
{
    struct rig r;

    (void)state;
    open_rig(&r);
    swap(&r, "beta", "..2026_1", "v1");
    assert_int_equal(symlinkat("..data/directory.snapshot", r.fd,
                               "tenants/beta/directory.snapshot"),
                     0);
    assert_string_equal(settled(&r), "beta 1 v1;");
    swap(&r, "beta", "..2026_2", "v2");
    assert_string_equal(settled(&r), "beta 1 v2;");
    swap(&r, "beta", "..2026_3", "v2"); /* the same bytes elsewhere */
    assert_string_equal(settled(&r), "");
    swap(&r, "beta", "..2026_4", "v4");
    assert_string_equal(settled(&r), "beta 1 v4;");
    close_rig(&r);
}

/* A whole tree behind ..data, and a tenant's directory that is another one
 * afterwards: it is watched again. */
static void watch_replaced_directories_are_watched_again(void **state)
{
    struct rig r;

    (void)state;
    open_rig(&r);
    for (int i = 0; i < 3; i++) {
        char text[32], expected[96];

        make_dir(&r, "next");
        (void)snprintf(text, sizeof(text), "v%d", i);
        put(&r, "next/directory.snapshot", text);
        assert_int_equal(
            renameat2(r.fd, "next", r.fd, "tenants/beta", RENAME_EXCHANGE), 0);
        (void)snprintf(expected, sizeof(expected), "beta 1 v%d;", i);
        assert_string_equal(settled(&r), expected);
        (void)snprintf(text, sizeof(text), "w%d", i);
        put_by_rename(&r, "tenants/beta/directory.snapshot", text);
        (void)snprintf(expected, sizeof(expected), "beta 1 w%d;", i);
        assert_string_equal(settled(&r), expected);
        (void)snprintf(expected, sizeof(expected), "%s/next", r.dir);
        remove_tree(expected);
    }
    make_dir(&r, "other");
    make_dir(&r, "other/acme");
    make_dir(&r, "other/beta");
    put(&r, "other/acme/directory.snapshot", "all");
    assert_int_equal(renameat2(r.fd, "other", r.fd, "tenants", RENAME_EXCHANGE),
                     0);
    assert_string_equal(settled(&r), "acme 1 all;");
    put_by_rename(&r, "tenants/beta/directory.heartbeat", "last");
    assert_string_equal(settled(&r), "beta 2 last;");
    close_rig(&r);
}

/* What is not there, or must not be read, costs a line in the log and nothing
 * else; and comes when it is right again. */
static void watch_files_that_must_not_be_read_are_passed_over(void **state)
{
    struct rig r;
    char big[600];

    (void)state;
    open_rig(&r);
    assert_int_equal(symlinkat("/etc/passwd", r.fd, "new"), 0);
    assert_int_equal(
        renameat(r.fd, "new", r.fd, "tenants/beta/directory.snapshot"), 0);
    assert_string_equal(settled(&r), "");
    memset(big, 'x', sizeof(big) - 1);
    big[sizeof(big) - 1] = '\0';
    put_by_rename(&r, "tenants/acme/directory.heartbeat", big);
    assert_string_equal(settled(&r), "");
    assert_int_equal(mkfifoat(r.fd, "new", 0644), 0);
    assert_int_equal(
        renameat(r.fd, "new", r.fd, "tenants/beta/directory.heartbeat"), 0);
    assert_string_equal(settled(&r), "");
    put_by_rename(&r, "tenants/acme/directory.snapshot", "");
    assert_string_equal(settled(&r), "");
    assert_int_equal(unlinkat(r.fd, "tenants/acme/directory.snapshot", 0), 0);
    assert_string_equal(settled(&r), "");
    put_by_rename(&r, "tenants/beta/directory.snapshot", "right");
    assert_string_equal(settled(&r), "beta 1 right;");
    put_by_rename(&r, "tenants/acme/directory.snapshot", "one");
    assert_string_equal(settled(&r), ""); /* the gate still has that */
    close_rig(&r);
}

static void watch_full_channel_is_tried_again(void **state)
{
    struct rig r;

    (void)state;
    open_rig(&r);
    r.full = true;
    put_by_rename(&r, "tenants/acme/directory.snapshot", "two");
    assert_string_equal(settled(&r), "");
    turn(&r, WATCH_AGAIN_MS);
    assert_string_equal(r.got, "");
    r.full = false;
    turn(&r, WATCH_AGAIN_MS);
    assert_string_equal(r.got, "acme 1 two;acme 2 beat;");
    close_rig(&r);
}

/* After a set has started again it has the bundle's files, and what came later
 * is handed over anew. */
static void watch_reset_compares_with_the_bundle_in_force(void **state)
{
    struct rig r;
    char text[512] = "";
    int bundle = -1;

    (void)state;
    open_rig(&r);
    assert_int_equal(bundle_collect(r.fd, &bundle, text, sizeof(text)), TS_OK);
    put_by_rename(&r, "tenants/acme/directory.heartbeat", "beat2");
    assert_string_equal(settled(&r), "acme 2 beat2;");
    watch_stop(r.watch);
    assert_int_equal(watch_due(r.watch), 0);
    assert_int_equal(watch_reset(r.watch, bundle, r.now_ms), TS_OK);
    r.got[0] = '\0';
    turn(&r, 0);
    assert_string_equal(r.got, "acme 2 beat2;");
    ts_fd_close(&bundle);
    close_rig(&r);
}

/* More notifications than the queue holds: everything is looked at. */
static void watch_overflow_looks_at_everything(void **state)
{
    struct rig r;
    int limit = 0;
    FILE *f = fopen("/proc/sys/fs/inotify/max_queued_events", "re");

    (void)state;
    if (f != NULL) {
        if (fscanf(f, "%d", &limit) != 1)
            limit = 0;
        (void)fclose(f);
    }
    if (limit <= 0 || limit > 65536) {
        (void)printf("SKIPPED: the queue of notifications is too long\n");
        skip();
    }
    open_rig(&r);
    for (int i = 0; i <= limit; i++) { /* two that differ: none are merged */
        put(&r, "tenants/acme/a", "");
        assert_int_equal(unlinkat(r.fd, "tenants/acme/a", 0), 0);
    }
    put_by_rename(&r, "tenants/beta/directory.snapshot", "lost");
    r.got[0] = '\0';
    while (watch_take(r.watch, r.now_ms))
        ;
    turn(&r, WATCH_SETTLE_MS);
    assert_string_equal(r.got, "beta 1 lost;");
    close_rig(&r);
}

static void watch_without_inotify_polls(void **state)
{
    struct rlimit old, none;
    struct rig r;
    int next;

    (void)state;
    open_rig(&r);
    watch_free(r.watch);
    next = dup(r.fd); /* the number that it would get */
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    none = old;
    none.rlim_cur = (rlim_t)next;
    ts_fd_close(&next);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    assert_int_equal(watch_new(r.fd, &r.watch), TS_OK);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    assert_int_equal(watch_fd(r.watch), -1);
    reset(&r);
    put_by_rename(&r, "tenants/acme/directory.heartbeat", "beat2");
    age(&r, "tenants/acme/directory.heartbeat");
    assert_string_equal(settled(&r), "");
    assert_string_equal(polled(&r), "acme 2 beat2;");
    close_rig(&r);
}

static void watch_start_out_of_memory_watches_nothing(void **state)
{
    struct rig r;
    char text[512] = "";
    int bundle = -1;

    (void)state;
    open_rig(&r);
    assert_int_equal(bundle_collect(r.fd, &bundle, text, sizeof(text)), TS_OK);
    for (int nth = 0;; nth++) {
        struct watch *w = NULL;
        ts_err e;

        fault_mem_arm(nth, true);
        e = watch_new(r.fd, &w);
        if (e == TS_OK && (e = watch_reset(w, bundle, 1)) != TS_OK)
            assert_int_equal(watch_due(w), 0);
        watch_free(w);
        assert_int_equal(fault_mem_live(), 0);
        fault_mem_disarm();
        if (!fault_mem_fired()) {
            assert_int_equal(e, TS_OK);
            assert_true(nth >= 2);
            break;
        }
        assert_int_equal(e, TS_E_NOMEM);
    }
    ts_fd_close(&bundle);
    close_rig(&r);
}

/* A file that could not be read for want of memory is read later. */
static void watch_turn_out_of_memory_is_made_up_for(void **state)
{
    struct rig r;

    (void)state;
    open_rig(&r);
    put_by_rename(&r, "tenants/acme/directory.heartbeat", "beat2");
    fault_mem_arm(0, true);
    assert_string_equal(settled(&r), "");
    assert_true(fault_mem_fired());
    fault_mem_disarm();
    assert_string_equal(polled(&r), "acme 2 beat2;");
    close_rig(&r);
}

/* A link into a directory that is not watched: a look finds it. */
static void
watch_change_behind_a_link_elsewhere_is_found_by_a_look(void **state)
{
    struct rig r;

    (void)state;
    open_rig(&r);
    make_dir(&r, "volume");
    put(&r, "volume/d", "v1");
    age(&r, "volume/d");
    assert_int_equal(
        symlinkat("../../volume/d", r.fd, "tenants/beta/directory.snapshot"),
        0);
    assert_string_equal(settled(&r), "beta 1 v1;");
    put_by_rename(&r, "volume/d", "v2");
    age(&r, "volume/d");
    assert_string_equal(settled(&r), "");
    assert_string_equal(polled(&r), "beta 1 v2;");
    close_rig(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(watch_file_renamed_over_is_handed_over_once),
        cmocka_unit_test(watch_snapshot_goes_first_and_its_heartbeat_again),
        cmocka_unit_test(watch_half_written_file_waits_for_its_end),
        cmocka_unit_test(watch_exchange_of_the_data_link_is_noticed),
        cmocka_unit_test(watch_replaced_directories_are_watched_again),
        cmocka_unit_test(watch_files_that_must_not_be_read_are_passed_over),
        cmocka_unit_test(watch_full_channel_is_tried_again),
        cmocka_unit_test(watch_reset_compares_with_the_bundle_in_force),
        cmocka_unit_test(watch_overflow_looks_at_everything),
        cmocka_unit_test(watch_without_inotify_polls),
        cmocka_unit_test(watch_start_out_of_memory_watches_nothing),
        cmocka_unit_test(watch_turn_out_of_memory_is_made_up_for),
        cmocka_unit_test(
            watch_change_behind_a_link_elsewhere_is_found_by_a_look),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
