/*
 * The journal on a disk that fails and in a process that dies. Every system
 * call that changes a file is counted; the n-th one fails with each error, is
 * cut short, or is the last that the process makes (SIGKILL, before it or in
 * the middle of a write) - for every n that there is. Afterwards a start must
 * find every entry that was acknowledged.
 */
#include "tests/lib/ts_test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "journal_rig.h"

#define FOR_EVER UINT64_MAX
#define NOW      1000
#define KEYS     40

static struct jrig rig;

enum fault {
    FAULT_NONE,
    FAULT_ERRNO,
    FAULT_SHORT,
    FAULT_KILL,
    FAULT_KILL_HALF
};
enum call {
    CALL_WRITE,
    CALL_DATASYNC,
    CALL_SYNC,
    CALL_RENAME,
    CALL_CUT
};

static struct {
    enum fault fault;
    int error;    /* of FAULT_ERRNO */
    long left;    /* calls before the fault; never when negative */
    long made;    /* calls since arm() */
    enum call at; /* where it struck */
    bool struck;
    bool disk_is_full; /* every write fails with ENOSPC */
} faults;

static void arm(enum fault f, int error, long nth)
{
    memset(&faults, 0, sizeof(faults));
    faults.fault = f;
    faults.error = error;
    faults.left = nth;
}

/* Is this the call? */
static bool strikes(enum call c)
{
    faults.made++;
    if (faults.fault == FAULT_NONE || faults.struck || faults.left-- > 0)
        return false;
    faults.struck = true;
    faults.at = c;
    if (faults.fault == FAULT_KILL)
        (void)kill(getpid(), SIGKILL);
    errno = faults.error;
    return true;
}

/* ---- power loss ----------------------------------------------------------
 * What the disk holds for certain: of a file its bytes at its last sync, of the
 * directory its names when it was synced. Shared with the child that dies. */
#define FILES_MAX 16
#define FILE_MAX  ((size_t)2 << 20)

struct on_disk {
    struct {
        ino_t inode; /* 0: free */
        size_t len;
        uint8_t bytes[FILE_MAX];
    } files[FILES_MAX];
    struct {
        ino_t inode;
        char name[32];
    } names[FILES_MAX];
    size_t name_count;
    bool watched; /* keep it up to date */
};
static struct on_disk *disk;

static void disk_names(int dir)
{
    int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fdopendir(fd);
    const struct dirent *de;

    disk->name_count = 0;
    while (d != NULL && (de = readdir(d)) != NULL) {
        if (de->d_name[0] == '.' || disk->name_count == FILES_MAX)
            continue;
        disk->names[disk->name_count].inode = de->d_ino;
        (void)snprintf(disk->names[disk->name_count++].name, 32, "%.31s",
                       de->d_name);
    }
    if (d != NULL)
        (void)closedir(d);
}

/* A sync of fd has succeeded. */
static void disk_synced(int fd)
{
    struct stat st;
    size_t i = 0;

    if (!disk->watched || fstat(fd, &st) != 0)
        return;
    if (S_ISDIR(st.st_mode)) {
        disk_names(fd);
        return;
    }
    while (i < FILES_MAX - 1 && disk->files[i].inode != 0 &&
           disk->files[i].inode != st.st_ino)
        i++;
    disk->files[i].inode = st.st_ino;
    disk->files[i].len = (size_t)st.st_size;
    if (pread(fd, disk->files[i].bytes, FILE_MAX, 0) != st.st_size)
        disk->files[i].len = 0;
}

/* The directory and all in it as the disk holds them. */
static void disk_begin(void)
{
    for (size_t i = 0; i < FILES_MAX; i++)
        disk->files[i].inode = 0;
    disk_names(rig.dirfd);
    disk->watched = true;
    for (size_t i = 0; i < disk->name_count; i++) {
        int fd = openat(rig.dirfd, disk->names[i].name, O_RDONLY | O_CLOEXEC);

        disk_synced(fd);
        (void)close(fd);
    }
}

/* After the power came back. early: names reached the disk by themselves before
 * the directory was synced, which a disk may do or not; bytes did not. */
static void disk_restore(bool early)
{
    disk->watched = false;
    if (early)
        disk_names(rig.dirfd);
    jrig_empty(&rig);
    for (size_t n = 0; n < disk->name_count; n++) {
        int fd = openat(rig.dirfd, disk->names[n].name,
                        O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

        for (size_t i = 0; i < FILES_MAX; i++)
            if (disk->files[i].inode == disk->names[n].inode)
                assert_int_equal(
                    write(fd, disk->files[i].bytes, disk->files[i].len),
                    disk->files[i].len);
        (void)close(fd);
    }
}

ssize_t __real_pwrite(int fd, const void *p, size_t n, off_t at);
ssize_t __wrap_pwrite(int fd, const void *p, size_t n, off_t at);
int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);
int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __real_renameat(int from, const char *a, int to, const char *b);
int __wrap_renameat(int from, const char *a, int to, const char *b);
int __real_ftruncate(int fd, off_t len);
int __wrap_ftruncate(int fd, off_t len);

ssize_t __wrap_pwrite(int fd, const void *p, size_t n, off_t at)
{
    if (faults.disk_is_full) {
        errno = ENOSPC;
        return -1;
    }
    if (!strikes(CALL_WRITE))
        return __real_pwrite(fd, p, n, at);
    if (faults.fault == FAULT_SHORT)
        return __real_pwrite(fd, p, n > 1 ? n / 2 : n, at);
    if (faults.fault == FAULT_KILL_HALF) {
        (void)__real_pwrite(fd, p, n / 2, at);
        (void)kill(getpid(), SIGKILL);
    }
    /* What a failing disk leaves of a write that it refuses. */
    (void)__real_pwrite(fd, p, n / 3, at);
    return -1;
}

/* A short or half call is only a write; the others are cut off before. */
static bool fails(enum call c)
{
    if (!strikes(c))
        return false;
    if (faults.fault == FAULT_KILL_HALF)
        (void)kill(getpid(), SIGKILL);
    return faults.fault == FAULT_ERRNO;
}

int __wrap_fdatasync(int fd)
{
    int r = fails(CALL_DATASYNC) ? -1 : __real_fdatasync(fd);

    if (r == 0)
        disk_synced(fd);
    return r;
}

int __wrap_fsync(int fd)
{
    int r = fails(CALL_SYNC) ? -1 : __real_fsync(fd);

    if (r == 0)
        disk_synced(fd);
    return r;
}

int __wrap_renameat(int from, const char *a, int to, const char *b)
{
    return fails(CALL_RENAME) ? -1 : __real_renameat(from, a, to, b);
}

int __wrap_ftruncate(int fd, off_t len)
{
    return fails(CALL_CUT) ? -1 : __real_ftruncate(fd, len);
}

/* ---- a life of the recorder ---------------------------------------------- */

struct acked { /* what was promised to be kept, by key */
    uint8_t revoked[KEYS], calls[KEYS], clock;
    bool compacted;
    bool opened; /* it got so far as to serve */
    bool ended;  /* and to the end of its life */
};

static uint8_t template_files[3][2 << 20];
static size_t template_lens[3];
static const char *const names[] = {"state.journal", "state.key",
                                    "state.marker"};

/* A journal that is due to be compacted, with a torn record at its end; kept in
 * memory, so that each case begins with it. */
static int make_template(void **state)
{
    size_t whole;

    (void)state;
    arm(FAULT_NONE, 0, -1);
    if (jrig_init(&rig) != 0 || jrig_open(&rig, false) != TS_OK)
        return -1;
    for (uint32_t k = 0; k < KEYS / 2; k++)
        (void)jrig_append(&rig, JOURNAL_REVOCATION, k, FOR_EVER, 1, 0);
    for (uint32_t i = 0; i < 280; i++)
        (void)jrig_append(&rig, JOURNAL_CALLS, i % 4 != 0 ? 0 : 900 + i,
                          i % 4 != 0 ? FOR_EVER : NOW - 1, (uint8_t)(1 + i / 3),
                          4000);
    (void)jrig_append(&rig, JOURNAL_CLOCK, 0, 0, 1, 0);
    whole = rig.j.size;
    (void)jrig_append(&rig, JOURNAL_CLOCK, 0, 0, 99, 0); /* will be torn */
    if (journal_sync(&rig.j) != TS_OK)
        return -1;
    for (size_t i = 0; i < 3; i++) {
        int fd = openat(rig.dirfd, names[i], O_RDONLY | O_CLOEXEC);
        ssize_t n = read(fd, template_files[i], sizeof(template_files[i]) - 99);

        (void)close(fd);
        if (n <= 0)
            return -1;
        template_lens[i] = (size_t)n;
    }
    template_lens[0] = whole + 20;
    jrig_done(&rig);
    return 0;
}

static void begin_case(bool from_template)
{
    arm(FAULT_NONE, 0, -1);
    assert_int_equal(jrig_init(&rig), 0);
    for (size_t i = 0; from_template && i < 3; i++) {
        int fd = openat(rig.dirfd, names[i],
                        O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

        assert_int_equal(write(fd, template_files[i], template_lens[i]),
                         template_lens[i]);
        (void)close(fd);
    }
}

/* Appends, syncs, and only then acknowledges. */
static bool promise(enum journal_type type, uint32_t key, uint8_t v,
                    uint8_t *ack)
{
    if (jrig_append(&rig, type, key, type == JOURNAL_CLOCK ? 0 : FOR_EVER, v,
                    (size_t)v * 10) != TS_OK ||
        journal_sync(&rig.j) != TS_OK)
        return false;
    *ack = v;
    return true;
}

/* Opens, revokes, reserves calls, compacts to the end, revokes again. false:
 * it would have stopped. */
static bool live(struct acked *a)
{
    bool busy = true;
    uint8_t v = 2;

    if (jrig_open(&rig, false) != TS_OK)
        return false;
    a->opened = true;
    for (uint32_t round = 0; round < 8; round++, v++) {
        if (!promise(JOURNAL_REVOCATION, round % 3, v,
                     &a->revoked[round % 3]) ||
            !promise(JOURNAL_REVOCATION, 20 + round, v,
                     &a->revoked[20 + round]) ||
            !promise(JOURNAL_CALLS, 1 + round % 2, v,
                     &a->calls[1 + round % 2]) ||
            !promise(JOURNAL_CLOCK, 0, v, &a->clock))
            return false;
        if (busy && journal_tend(&rig.j, NOW, &busy) != TS_OK)
            return false;
    }
    a->compacted = !busy && rig.j.size < JOURNAL_FLOOR / 2;
    a->ended = true;
    return true;
}

static void at_least(enum journal_type type, uint32_t key, uint8_t v)
{
    uint32_t got = jrig_handed(&rig, type, key);

    if (got < v)
        fail_msg("type %u key %u: %u came back, %u was acknowledged",
                 (unsigned)type, key, got, v);
}

/* The next life finds what was promised, and can be lived to its end. */
static void check_next_life(const struct acked *a, bool from_template)
{
    struct acked again = {0};

    if (rig.j.key != NULL)
        jrig_close(&rig);
    arm(FAULT_NONE, 0, -1);
    if (jrig_open(&rig, false) != TS_OK)
        fail_msg("%s", rig.text);
    for (uint32_t k = 0; k < KEYS; k++) {
        at_least(JOURNAL_REVOCATION, k, a->revoked[k]);
        at_least(JOURNAL_CALLS, k, a->calls[k]);
        if (from_template && k < KEYS / 2)
            at_least(JOURNAL_REVOCATION, k, 1);
    }
    at_least(JOURNAL_CLOCK, 0, a->clock);
    if (from_template)
        at_least(JOURNAL_CALLS, 0, 93);
    jrig_close(&rig);
    assert_true(live(&again));
    assert_true(again.ended);
    assert_true(again.compacted || !from_template);
}

static struct acked *shared; /* with the child that dies */

/* true: it died; false: nth was beyond its last call. */
static bool live_and_die(enum fault f, long nth)
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        arm(f, 0, nth);
        _exit(live(shared) ? 0 : 3);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFSIGNALED(status)) {
        assert_int_equal(WTERMSIG(status), SIGKILL);
        return true;
    }
    assert_int_equal(WEXITSTATUS(status), 0);
    return false;
}

static void killed_at_every_call(enum fault f, bool from_template)
{
    bool died = true;
    long n;

    for (n = 0; died; n++) {
        begin_case(from_template);
        memset(shared, 0, sizeof(*shared));
        died = live_and_die(f, n);
        check_next_life(shared, from_template);
        jrig_done(&rig);
    }
    print_message("    killed at each of %ld calls\n", n - 1);
    assert_true(n > 70);
}

static void journal_killed_before_any_call_keeps_what_was_promised(void **state)
{
    (void)state;
    killed_at_every_call(FAULT_KILL, true);
    killed_at_every_call(FAULT_KILL, false);
}

static void journal_killed_in_any_write_keeps_what_was_promised(void **state)
{
    (void)state;
    killed_at_every_call(FAULT_KILL_HALF, true);
    killed_at_every_call(FAULT_KILL_HALF, false);
}

/* The power goes at every call; what was not synced is lost, every time. */
static void power_lost_at_every_call(bool early, bool from_template)
{
    bool died = true;
    long n;

    for (n = 0; died; n++) {
        begin_case(from_template);
        disk_begin();
        memset(shared, 0, sizeof(*shared));
        died = live_and_die(FAULT_KILL, n);
        disk_restore(early);
        check_next_life(shared, from_template);
        jrig_done(&rig);
    }
    print_message("    power lost at each of %ld calls\n", n - 1);
    assert_true(n > 70);
}

static void journal_power_lost_at_any_call_keeps_what_was_promised(void **state)
{
    (void)state;
    power_lost_at_every_call(false, true);
    power_lost_at_every_call(true, true);
    power_lost_at_every_call(false, false);
    power_lost_at_every_call(true, false);
}

/* Every call fails once, with this error. How many ended its life. */
static void failing_at_every_call(enum fault f, int error, bool from_template)
{
    struct acked a;
    long n, ended = 0;

    for (n = 0;; n++) {
        begin_case(from_template);
        a = (struct acked){0};
        arm(f, error, n);
        (void)live(&a);
        if (faults.struck && f == FAULT_SHORT)
            assert_true(a.ended);
        if (faults.struck && error == EIO)
            assert_false(a.ended);
        ended += !a.ended;
        if (!faults.struck) {
            assert_true(a.ended && (a.compacted || !from_template));
            jrig_done(&rig);
            break;
        }
        check_next_life(&a, from_template);
        jrig_done(&rig);
    }
    print_message("    failed at each of %ld calls, %ld of them the last\n", n,
                  ended);
    assert_true(n > 70);
}

static void journal_failing_at_any_call_keeps_what_was_promised(void **state)
{
    static const int errors[] = {EIO, ENOSPC};

    (void)state;
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        failing_at_every_call(FAULT_ERRNO, errors[i], true);
        failing_at_every_call(FAULT_ERRNO, errors[i], false);
    }
}

static void journal_short_writes_are_finished(void **state)
{
    (void)state;
    failing_at_every_call(FAULT_SHORT, 0, true);
}

/* The kernel may have dropped what it could not write: nothing is tried again,
 * even though it would work. */
static void journal_sync_is_never_tried_again(void **state)
{
    bool busy;
    long made;

    (void)state;
    begin_case(true);
    assert_int_equal(jrig_open(&rig, false), TS_OK);
    assert_int_equal(jrig_append(&rig, JOURNAL_CALLS, 1, FOR_EVER, 9, 0),
                     TS_OK);
    arm(FAULT_ERRNO, EIO, 0);
    assert_int_equal(journal_sync(&rig.j), TS_E_SYSTEM);
    made = faults.made;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(journal_sync(&rig.j), TS_E_SYSTEM);
        assert_int_equal(jrig_append(&rig, JOURNAL_CALLS, 1, FOR_EVER, 10, 0),
                         TS_E_SYSTEM);
        assert_int_equal(journal_tend(&rig.j, NOW, &busy), TS_E_SYSTEM);
    }
    assert_int_equal(faults.made, made);
    jrig_done(&rig);
}

/* No room for the new file at any point of it: the old one goes on, and a later
 * try succeeds. */
static void journal_compaction_on_a_full_disk_is_put_off(void **state)
{
    (void)state;
    for (size_t slices = 0; slices < 4; slices++) {
        bool busy = true;
        uint64_t size;
        ts_err e;

        begin_case(true);
        assert_int_equal(jrig_open(&rig, false), TS_OK);
        for (size_t i = 0; i < slices; i++)
            assert_int_equal(journal_tend(&rig.j, NOW, &busy), TS_OK);
        assert_true(busy);
        size = rig.j.size;
        faults.disk_is_full = true;
        (void)jrig_compact(&rig, NOW, &e);
        assert_int_equal(e, TS_OK);
        assert_int_equal(jrig_compact(&rig, NOW, &e), 1);
        assert_int_equal(rig.j.compaction.fd, -1); /* not at once again */
        assert_int_equal(rig.j.size, size);
        assert_int_equal(jrig_append(&rig, JOURNAL_CALLS, 1, 1, 1, 0),
                         TS_E_NO_SPACE); /* and this is the end */
        assert_int_equal(rig.j.size, size);
        jrig_close(&rig);
        faults.disk_is_full = false;
        assert_int_equal(jrig_open(&rig, false), TS_OK);
        assert_true(jrig_compact(&rig, NOW, &e) > 1);
        assert_int_equal(e, TS_OK);
        assert_true(rig.j.size < size / 2);
        jrig_done(&rig);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            journal_killed_before_any_call_keeps_what_was_promised),
        cmocka_unit_test(journal_killed_in_any_write_keeps_what_was_promised),
        cmocka_unit_test(
            journal_power_lost_at_any_call_keeps_what_was_promised),
        cmocka_unit_test(journal_failing_at_any_call_keeps_what_was_promised),
        cmocka_unit_test(journal_short_writes_are_finished),
        cmocka_unit_test(journal_sync_is_never_tried_again),
        cmocka_unit_test(journal_compaction_on_a_full_disk_is_put_off),
    };

    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    disk = mmap(NULL, sizeof(*disk), PROT_READ | PROT_WRITE,
                MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (shared == MAP_FAILED || disk == MAP_FAILED || sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, make_template, NULL);
}
