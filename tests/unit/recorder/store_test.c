/* The log as a whole, in this process: restart at every byte, rotation, a disk
 * that is full or broken (system calls that fail when told to). */
#include "tests/lib/ts_test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/wire/mp_write.h"
#include "sidecar/recorder/store.h"
#include "tests/lib/fault_mem.h"

/* Faults: the disk takes so many bytes more; syncs fail. */
static uint64_t room;
static bool broken_sync;

ssize_t __real_pwrite(int fd, const void *p, size_t n, off_t at);
ssize_t __wrap_pwrite(int fd, const void *p, size_t n, off_t at);
int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);
int __wrap_fallocate(int fd, int mode, off_t at, off_t len);

ssize_t __wrap_pwrite(int fd, const void *p, size_t n, off_t at)
{
    ssize_t done;

    if (room == 0) {
        errno = ENOSPC;
        return -1;
    }
    if (n > room)
        n = (size_t)room; /* a short write, as a nearly full disk gives */
    done = __real_pwrite(fd, p, n, at);
    if (done > 0 && room != UINT64_MAX)
        room -= (uint64_t)done;
    return done;
}

int __wrap_fdatasync(int fd)
{
    if (broken_sync) {
        errno = EIO;
        return -1;
    }
    return __real_fdatasync(fd);
}

/* Mode 0 is the reserve; it needs its bytes. */
int __wrap_fallocate(int fd, int mode, off_t at, off_t len)
{
    (void)fd;
    (void)at;
    if (mode == 0 && (uint64_t)len > room) {
        errno = ENOSPC;
        return -1;
    }
    return 0;
}

static char dir[64];
static int dir_fd = -1;
static struct store store;

static void empty_dir(void)
{
    DIR *d = opendir(dir);
    const struct dirent *de;

    while (d != NULL && (de = readdir(d)) != NULL)
        if (de->d_name[0] != '.')
            (void)unlinkat(dirfd(d), de->d_name, 0);
    if (d != NULL)
        (void)closedir(d);
}

static int setup(void **state)
{
    (void)state;
    room = UINT64_MAX;
    broken_sync = false;
    store = (struct store){.segment = {.fd = -1}};
    (void)snprintf(dir, sizeof(dir), "/tmp/tipstaff-store-XXXXXX");
    if (mkdtemp(dir) == NULL)
        return -1;
    dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return dir_fd >= 0 ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    store_done(&store);
    (void)close(dir_fd);
    empty_dir();
    return rmdir(dir);
}

static ts_err open_store(uint64_t segment_bytes, uint64_t reserve)
{
    const struct store_settings s = {.log_dir = dir_fd,
                                     .segment_bytes = segment_bytes,
                                     .reserve_bytes = reserve,
                                     .sync = true};
    char text[256];

    ts_err e = store_open(&s, &store, text, sizeof(text));

    return e == TS_OK ? store_begin(&store, 1000000) : e;
}

static void close_store(void)
{
    store_done(&store);
    store = (struct store){.segment = {.fd = -1}};
}

/* A decision; launched gives it an order. */
static ts_err add(uint32_t n, bool launched)
{
    static uint8_t buf[512];
    uint8_t id[16] = {(uint8_t)n, (uint8_t)(n >> 8), 1};
    static const char *const pairs[][2] = {
        {"tenant", "acme"},  {"user", "alice"},    {"agent", "coder"},
        {"tool", "fs.read"}, {"effect", "permit"}, {"code", "permitted"}};
    const char *what;
    struct mp_writer w;
    struct record r;
    size_t len;

    mp_writer_init(&w, buf, sizeof(buf));
    mp_write_map(&w, launched ? 9 : 8);
    mp_write_cstr(&w, "kind");
    mp_write_cstr(&w, "decision");
    mp_write_cstr(&w, "id");
    mp_write_bin(&w, id, 16);
    for (size_t i = 0; i < 6; i++) {
        mp_write_cstr(&w, pairs[i][0]);
        mp_write_cstr(&w, pairs[i][1]);
    }
    if (launched) {
        mp_write_cstr(&w, "order");
        mp_write_uint(&w, n);
    }
    assert_int_equal(mp_written(&w, &len), TS_OK);
    assert_int_equal(record_parse(buf, len, false, &r, &what), TS_OK);
    return store_add(&store, &r, launched, 1000000 + n);
}

/* Reads one segment whole. */
static size_t slurp(uint64_t first, char *out, size_t cap)
{
    char name[SEGMENT_NAME];
    ssize_t n;
    int fd;

    segment_name(name, first);
    fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    n = read(fd, out, cap - 1);
    (void)close(fd);
    out[n > 0 ? n : 0] = '\0';
    return n > 0 ? (size_t)n : 0;
}

static size_t count_of(const char *text, const char *what)
{
    size_t n = 0;

    for (; (text = strstr(text, what)) != NULL; text += strlen(what))
        n++;
    return n;
}

/* The file cut at every byte: the whole lines are kept, launches closed, the
 * chain goes on and passes a scan again. */
static void store_open_torn_at_every_byte_continues(void **state)
{
    static char whole[65536], after[65536];
    size_t len;

    (void)state;
    assert_int_equal(open_store(1 << 20, 0), TS_OK);
    for (uint32_t n = 1; n <= 4; n++)
        assert_int_equal(add(n, n % 2 == 0), TS_OK);
    assert_int_equal(store_commit(&store, 1), TS_OK);
    close_store();
    len = slurp(1, whole, sizeof(whole));
    for (size_t cut = 0; cut <= len; cut++) {
        size_t lines = 0, open = 0, good = 0;
        char name[SEGMENT_NAME];
        int fd;

        for (size_t i = 0; i < cut; i++)
            if (whole[i] == '\n') {
                lines++;
                good = i + 1;
                open += lines % 2 == 0;
            }
        segment_name(name, 1);
        empty_dir();
        fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        assert_int_equal(write(fd, whole, cut), cut);
        (void)close(fd);
        assert_int_equal(open_store(1 << 20, 0), TS_OK);
        assert_int_equal(store.open.count, 0);
        assert_int_equal(store.chain.last_seq,
                         lines + open + (lines > 0 && cut > good));
        close_store();
        (void)slurp(1, after, sizeof(after));
        assert_memory_equal(after, whole, good);
        assert_int_equal(count_of(after, "\"reason\":\"lost\""), open);
        assert_int_equal(open_store(1 << 20, 0), TS_OK); /* verifies again */
        close_store();
    }
}

/* Blocks that were never written read as zeros. */
static void store_open_zeros_at_the_end_are_cut(void **state)
{
    static const char zeros[5000];
    char name[SEGMENT_NAME];
    int fd;

    (void)state;
    assert_int_equal(open_store(1 << 20, 0), TS_OK);
    assert_int_equal(add(1, false), TS_OK);
    assert_int_equal(store_commit(&store, 1), TS_OK);
    close_store();
    segment_name(name, 1);
    fd = openat(dir_fd, name, O_WRONLY | O_APPEND | O_CLOEXEC);
    assert_int_equal(write(fd, zeros, sizeof(zeros)), sizeof(zeros));
    assert_int_equal(write(fd, "tail\n", 5), 5);
    (void)close(fd);
    assert_int_equal(open_store(1 << 20, 0), TS_OK);
    assert_int_equal(store.chain.last_seq, 2); /* and says so */
}

static void store_open_flipped_bit_is_refused(void **state)
{
    static char whole[65536];
    char name[SEGMENT_NAME];
    size_t len, last = 0;

    (void)state;
    assert_int_equal(open_store(1 << 20, 0), TS_OK);
    for (uint32_t n = 1; n <= 3; n++)
        assert_int_equal(add(n, false), TS_OK);
    assert_int_equal(store_commit(&store, 1), TS_OK);
    close_store();
    len = slurp(1, whole, sizeof(whole));
    for (size_t i = 0; i + 1 < len; i++)
        if (whole[i] == '\n')
            last = i;
    segment_name(name, 1);
    for (size_t bit = 0; bit < last * 8; bit += 3) {
        int fd = openat(dir_fd, name, O_WRONLY | O_CLOEXEC);
        char c = (char)(whole[bit / 8] ^ (1 << bit % 8));

        assert_int_equal(__real_pwrite(fd, &c, 1, (off_t)(bit / 8)), 1);
        if (c != '\0') /* zero is an unwritten block */
            assert_int_not_equal(open_store(1 << 20, 0), TS_OK);
        assert_int_equal(
            __real_pwrite(fd, &whole[bit / 8], 1, (off_t)(bit / 8)), 1);
        (void)close(fd);
    }
}

/* A segment whose first lines were torn: the one before goes on. */
static void store_open_torn_new_segment_is_removed(void **state)
{
    static char text[262144];
    uint64_t first, seq;
    char name[SEGMENT_NAME];
    size_t len;

    (void)state;
    assert_int_equal(open_store(1000, 0), TS_OK);
    for (uint32_t n = 1; n <= 300; n++)
        assert_int_equal(add(n, true), TS_OK); /* two "segment" lines */
    assert_int_equal(store_commit(&store, 1), TS_OK);
    first = store.segment.first_seq;
    seq = store.chain.last_seq;
    assert_int_equal(first, 301);
    assert_int_equal(seq, 302);
    close_store();
    segment_name(name, first);
    len = slurp(first, text, sizeof(text));
    assert_int_equal(count_of(text, "\"parts\":2"), 2);
    for (int i = 0; i < 3; i++) {
        int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

        assert_int_equal(__real_pwrite(fd, text, len, 0), len);
        assert_int_equal(ftruncate(fd, i == 0   ? 0
                                       : i == 1 ? 100
                                                : (off_t)len - 1),
                         0);
        (void)close(fd);
        assert_int_equal(open_store(1 << 24, 0), TS_OK);
        assert_int_equal(store.segment.first_seq, 1);
        close_store();
        segment_name(name, 1);
        fd = openat(dir_fd, name, O_WRONLY | O_CLOEXEC);
        segment_name(name, first);
        {
            static char one[262144];
            size_t n = slurp(1, one, sizeof(one)), lines = 0, at = 0;

            while (lines < 300 && at < n)
                lines += one[at++] == '\n';
            assert_int_equal(ftruncate(fd, (off_t)at), 0); /* as it was */
        }
        (void)close(fd);
    }
}

/* Launches that were opened two segments ago are closed after a crash. */
static void store_rotation_remembers_open_launches(void **state)
{
    static char text[262144];

    (void)state;
    assert_int_equal(open_store(1000, 0), TS_OK);
    assert_int_equal(add(1, true), TS_OK);
    for (uint32_t n = 2; n <= 40; n++) {
        assert_int_equal(add(n, false), TS_OK);
        assert_int_equal(store_commit(&store, 1), TS_OK);
    }
    assert_int_equal(store.open.count, 1);
    assert_true(store.segment.first_seq > 30);
    close_store();
    assert_int_equal(open_store(1000, 0), TS_OK);
    assert_int_equal(store.open.count, 0);
    (void)slurp(store.segment.first_seq, text, sizeof(text));
    /* closing it may have filled the segment; then it is in the one before */
    close_store();
    assert_int_equal(open_store(1000, 0), TS_OK);
    assert_int_equal(store.open.count, 0);
}

static void store_add_second_outcome_or_launch_is_refused(void **state)
{
    (void)state;
    assert_int_equal(open_store(1 << 20, 0), TS_OK);
    assert_int_equal(add(1, true), TS_OK);
    assert_int_equal(add(1, true), TS_E_EXISTS);
    assert_int_equal(store.chain.last_seq, 1);
}

/* Room runs out after every possible number of bytes: the lines are whole, the
 * batch is written from the reserve, and with room again it is made anew. */
static void store_commit_full_disk_uses_the_reserve(void **state)
{
    static char text[65536];

    (void)state;
    for (uint64_t bytes = 0; bytes < 200; bytes += 11) {
        empty_dir();
        room = UINT64_MAX;
        assert_int_equal(open_store(1 << 20, 4096), TS_OK);
        assert_true(store.reserve.held);
        room = bytes;
        assert_int_equal(add(1, true), TS_OK);
        /* the reserve gives nothing while the disk refuses: stop */
        assert_int_equal(store_commit(&store, 1), TS_E_NO_SPACE);
        assert_true(store.no_space);
        assert_int_equal(slurp(1, text, sizeof(text)), 0); /* no half line */
        room = 4096; /* what the reserve gave back */
        assert_int_equal(store_commit(&store, 1), TS_OK);
        assert_true(slurp(1, text, sizeof(text)) > 0);
        store_try_recover(&store);
        assert_true(store.no_space); /* less than the reserve needs */
        room = UINT64_MAX;
        store_try_recover(&store);
        assert_false(store.no_space);
        close_store();
    }
}

static void store_commit_broken_sync_is_an_error(void **state)
{
    (void)state;
    assert_int_equal(open_store(1 << 20, 0), TS_OK);
    assert_int_equal(add(1, false), TS_OK);
    broken_sync = true;
    assert_int_equal(store_commit(&store, 1), TS_E_SYSTEM);
    broken_sync = false;
}

/* Records that nobody waits for are written, and made durable later; a broken
 * disk shows at the latest then. */
static void store_write_leaves_the_sync_to_a_later_commit(void **state)
{
    (void)state;
    assert_int_equal(open_store(1 << 20, 0), TS_OK);
    assert_int_equal(add(1, false), TS_OK);
    broken_sync = true;
    assert_int_equal(store_write(&store, 1), TS_OK);
    assert_true(store.unsynced);
    assert_int_equal(store_sync(&store), TS_E_SYSTEM);
    broken_sync = false;
    assert_int_equal(add(2, false), TS_OK);
    assert_int_equal(store_commit(&store, 1), TS_OK);
    assert_false(store.unsynced);
}

/* A new segment cannot be written: the old one goes on. */
static void store_rotation_without_room_goes_on(void **state)
{
    (void)state;
    assert_int_equal(open_store(200, 0), TS_OK);
    assert_int_equal(add(1, false), TS_OK);
    room = 330; /* enough for the line, not for the next file's first */
    assert_int_equal(store_commit(&store, 1), TS_OK);
    assert_int_equal(store.segment.first_seq, 1);
    assert_int_equal(store.chain.last_seq, 1);
    room = UINT64_MAX;
    assert_int_equal(add(2, false), TS_OK);
    assert_int_equal(store_commit(&store, 1), TS_OK);
    assert_int_equal(store.segment.first_seq, 3);
    close_store();
    assert_int_equal(open_store(200, 0), TS_OK);
}

static void store_open_out_of_memory_leaks_nothing(void **state)
{
    (void)state;
    for (int nth = 0;; nth++) {
        ts_err e;

        empty_dir();
        fault_mem_arm(nth, true);
        e = open_store(1 << 20, 0);
        close_store();
        assert_int_equal(fault_mem_live(), 0);
        if (!fault_mem_fired())
            break;
        assert_int_equal(e, TS_E_NOMEM);
    }
    fault_mem_disarm();
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(store_open_torn_at_every_byte_continues),
        T(store_open_zeros_at_the_end_are_cut),
        T(store_open_flipped_bit_is_refused),
        T(store_open_torn_new_segment_is_removed),
        T(store_rotation_remembers_open_launches),
        T(store_add_second_outcome_or_launch_is_refused),
        T(store_commit_full_disk_uses_the_reserve),
        T(store_commit_broken_sync_is_an_error),
        T(store_write_leaves_the_sync_to_a_later_commit),
        T(store_rotation_without_room_goes_on),
        T(store_open_out_of_memory_leaks_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
