/* The journal: every cut, every flip, first start, what may not be missing. */
#include "tests/lib/ts_test.h"

#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sidecar/recorder/journal.h"
#include "tests/lib/fault_mem.h"

#define RECORDS 5

static uint8_t key[JOURNAL_KEY] = {7, 7, 7};
static uint8_t bytes[8192];
static size_t ends[RECORDS + 1]; /* where each record ends */
static const size_t lens[RECORDS] = {0, 1, 40, 300, 17};

static size_t build(void)
{
    struct journal_walk w = {.key = key};
    static uint8_t payload[512];
    size_t at = 0;

    memset(payload, 0xab, sizeof(payload));
    for (size_t i = 0; i < RECORDS; i++) {
        journal_encode(&w, 1, (struct ts_bytes){.ptr = payload, .len = lens[i]},
                       bytes + at);
        at += JOURNAL_HEAD + lens[i] + JOURNAL_MAC;
        ends[i + 1] = at;
    }
    return at;
}

/* How many records are good, and how the walk ended. */
static size_t walk(const uint8_t *p, size_t len, ts_err *ret, size_t *ret_at)
{
    struct journal_walk w = {.bytes = p, .len = len, .key = key};
    struct journal_entry e;
    size_t n = 0;

    while ((*ret = journal_next(&w, &e)) == TS_OK) {
        n++;
        assert_true(e.body.ptr >= p && e.body.ptr + e.body.len <= p + len);
    }
    *ret_at = w.at;
    return n;
}

static void journal_next_torn_at_every_byte_keeps_what_is_whole(void **state)
{
    size_t len = build(), at, n;
    ts_err e;

    (void)state;
    for (size_t cut = 0; cut <= len; cut++) {
        size_t whole = 0;

        while (whole < RECORDS && ends[whole + 1] <= cut)
            whole++;
        n = walk(bytes, cut, &e, &at);
        assert_int_equal(n, whole);
        assert_int_equal(at, ends[whole]);
        assert_int_equal(e, cut == ends[whole] ? TS_E_AGAIN : TS_E_TRUNCATED);
    }
}

/* Never taken for a torn end, which would silently forget a revocation. */
static void journal_next_flip_anywhere_is_an_error(void **state)
{
    size_t len = build(), at;
    ts_err e;

    (void)state;
    for (size_t bit = 0; bit < len * 8; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        (void)walk(bytes, len, &e, &at);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (e == TS_E_AGAIN || e == TS_E_TRUNCATED)
            fail_msg("bit %zu: %s", bit, ts_err_text(e));
    }
}

static void journal_next_missing_or_swapped_record_is_an_error(void **state)
{
    static uint8_t other[8192];
    size_t len = build(), at;
    ts_err e;

    (void)state;
    for (size_t gone = 0; gone + 1 < RECORDS; gone++) {
        size_t from = ends[gone], to = ends[gone + 1];

        memcpy(other, bytes, from);
        memcpy(other + from, bytes + to, len - to);
        assert_int_equal(walk(other, len - (to - from), &e, &at), gone);
        assert_int_equal(e, TS_E_STATE);
    }
    key[0] ^= 1; /* the wrong key */
    assert_int_equal(walk(bytes, len, &e, &at), 0);
    assert_int_equal(e, TS_E_AUTH);
    key[0] ^= 1;
}

static char dir[64];

static int dir_setup(void **state)
{
    (void)state;
    (void)snprintf(dir, sizeof(dir), "/tmp/tipstaff-jnl-XXXXXX");
    return mkdtemp(dir) != NULL ? 0 : -1;
}

static int dir_teardown(void **state)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    (void)state;
    (void)unlinkat(fd, "state.journal", 0);
    (void)unlinkat(fd, "state.key", 0);
    (void)unlinkat(fd, "state.key.new", 0);
    (void)close(fd);
    return rmdir(dir);
}

struct opened {
    struct journal j;
    int memfd;
    size_t cut;
    const char *text;
};

static ts_err open_it(struct opened *o)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ts_err e;

    *o = (struct opened){.memfd = -1};
    e = journal_open(fd, &o->j, &o->memfd, &o->cut, &o->text);
    (void)close(fd);
    if (e == TS_OK)
        (void)close(o->memfd);
    else
        assert_non_null(o->text);
    return e;
}

static size_t add_len; /* bytes of the body that add() wrote */

static void add(struct opened *o, uint32_t n)
{
    const struct ring_journal r = {
        .type = JOURNAL_REVOCATION,
        .tenant = TS_STR_LIT("acme"),
        .key = {(uint8_t)n},
        .keep_until = UINT64_MAX,
        .payload = {.ptr = (uint8_t *)&n, .len = sizeof(n)}};
    uint8_t body[128];

    assert_int_equal(ring_journal_encode(&r, body, sizeof(body), &add_len),
                     TS_OK);
    assert_int_equal(
        journal_append(&o->j, 1,
                       (struct ts_bytes){.ptr = body, .len = add_len}),
        TS_OK);
    assert_int_equal(journal_sync(&o->j), TS_OK);
}

static void journal_open_continues_after_restarts(void **state)
{
    struct opened o;
    struct stat st;
    char path[96];

    (void)state;
    for (uint32_t life = 0; life < 4; life++) {
        assert_int_equal(open_it(&o), TS_OK);
        assert_int_equal(o.j.place.seq, life * 3);
        assert_int_equal(o.cut, 0);
        for (uint32_t i = 0; i < 3; i++)
            add(&o, i);
        journal_done(&o.j);
    }
    (void)snprintf(path, sizeof(path), "%s/state.key", dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0400);
    assert_int_equal(st.st_size, JOURNAL_KEY);
}

static void journal_open_torn_file_is_cut_at_every_byte(void **state)
{
    char path[96];
    struct opened o;
    struct stat st;

    (void)state;
    (void)snprintf(path, sizeof(path), "%s/state.journal", dir);
    assert_int_equal(open_it(&o), TS_OK);
    add(&o, 1);
    journal_done(&o.j);
    for (off_t cut = 1; cut < (off_t)(JOURNAL_HEAD + add_len + JOURNAL_MAC);
         cut++) {
        assert_int_equal(open_it(&o), TS_OK);
        add(&o, 2);
        journal_done(&o.j);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(truncate(path, st.st_size - cut), 0);
        assert_int_equal(open_it(&o), TS_OK);
        assert_int_equal(o.j.place.seq, 1);
        assert_int_equal(o.cut,
                         (off_t)(JOURNAL_HEAD + add_len + JOURNAL_MAC) - cut);
        journal_done(&o.j);
    }
}

static void journal_open_missing_halves_are_refused(void **state)
{
    char path[96], key_path[96];
    struct opened o;

    (void)state;
    (void)snprintf(path, sizeof(path), "%s/state.journal", dir);
    (void)snprintf(key_path, sizeof(key_path), "%s/state.key", dir);
    assert_int_equal(open_it(&o), TS_OK);
    add(&o, 1);
    journal_done(&o.j);
    assert_int_equal(rename(key_path, "/tmp/tipstaff-jnl-key"), 0);
    assert_int_not_equal(open_it(&o), TS_OK);
    assert_int_equal(rename("/tmp/tipstaff-jnl-key", key_path), 0);
    assert_int_equal(unlink(path), 0);
    assert_int_not_equal(open_it(&o), TS_OK);
    assert_int_equal(access(path, F_OK), -1); /* and none was made */
}

/* A first start that was killed between its two files goes on. */
static void journal_open_cut_short_first_start_goes_on(void **state)
{
    static const char *const left[] = {"state.journal", "state.key.new"};
    struct opened o;
    char path[96];

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        int fd;

        (void)snprintf(path, sizeof(path), "%s/%s", dir, left[i]);
        fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        (void)close(fd);
    }
    assert_int_equal(open_it(&o), TS_OK);
    journal_done(&o.j);
    assert_int_equal(open_it(&o), TS_OK);
    journal_done(&o.j);
}

static void journal_append_limits(void **state)
{
    static uint8_t big[JOURNAL_BODY_MAX + 1];
    struct opened o;

    (void)state;
    assert_int_equal(open_it(&o), TS_OK);
    assert_int_equal(
        journal_append(&o.j, 1,
                       (struct ts_bytes){.ptr = big, .len = sizeof(big)}),
        TS_E_INVALID);
    assert_int_equal(journal_append(&o.j, 0, (struct ts_bytes){.ptr = big}),
                     TS_E_INVALID);
    assert_int_equal(
        journal_append(&o.j, 1,
                       (struct ts_bytes){.ptr = big, .len = sizeof(big) - 1}),
        TS_OK);
    journal_done(&o.j);
}

static void journal_open_out_of_memory_leaks_nothing(void **state)
{
    (void)state;
    for (int nth = 0;; nth++) {
        struct opened o;
        ts_err e;

        fault_mem_arm(nth, true);
        e = open_it(&o);
        if (e == TS_OK)
            journal_done(&o.j);
        assert_int_equal(fault_mem_live(), 0);
        if (!fault_mem_fired())
            break;
        assert_int_equal(e, TS_E_NOMEM);
    }
    fault_mem_disarm();
}

int main(void)
{
#define D(f) cmocka_unit_test_setup_teardown(f, dir_setup, dir_teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(journal_next_torn_at_every_byte_keeps_what_is_whole),
        cmocka_unit_test(journal_next_flip_anywhere_is_an_error),
        cmocka_unit_test(journal_next_missing_or_swapped_record_is_an_error),
        D(journal_open_continues_after_restarts),
        D(journal_open_torn_file_is_cut_at_every_byte),
        D(journal_open_missing_halves_are_refused),
        D(journal_open_cut_short_first_start_goes_on),
        D(journal_append_limits),
        D(journal_open_out_of_memory_leaks_nothing),
    };

    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
