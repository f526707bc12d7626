/* The journal as files: restarts, what may not be missing, compaction. */
#include "tests/lib/ts_test.h"

#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal_rig.h"
#include "sidecar/recorder/fanout.h"
#include "tests/lib/fault_mem.h"

#define FOR_EVER UINT64_MAX

static struct jrig rig;

static int setup(void **state)
{
    (void)state;
    return jrig_init(&rig);
}

static int teardown(void **state)
{
    (void)state;
    jrig_done(&rig);
    return 0;
}

static void add(enum journal_type type, uint32_t key, uint64_t keep_until,
                uint8_t v, size_t pad)
{
    assert_int_equal(jrig_append(&rig, type, key, keep_until, v, pad), TS_OK);
    assert_int_equal(journal_sync(&rig.j), TS_OK);
}

static void reopen(void)
{
    if (rig.j.key != NULL)
        jrig_close(&rig);
    assert_int_equal(jrig_open(&rig, false), TS_OK);
}

static off_t size_of(const char *name)
{
    struct stat st;

    return fstatat(rig.dirfd, name, &st, 0) == 0 ? st.st_size : -1;
}

static void refused(bool init, ts_err e, const char *says)
{
    assert_int_equal(jrig_open(&rig, init), e);
    if (strstr(rig.text, says) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", rig.text, says);
}

static void journal_open_continues_after_restarts(void **state)
{
    struct stat st;

    (void)state;
    for (uint32_t life = 0; life < 4; life++) {
        reopen();
        assert_int_equal(rig.found.begun, life == 0);
        assert_int_equal(rig.j.place.seq, life * 3);
        assert_int_equal(rig.found.cut, 0);
        for (uint32_t i = 0; i < 3; i++)
            add(JOURNAL_REVOCATION, life * 3 + i, FOR_EVER, 1, 0);
    }
    assert_int_equal(fstatat(rig.dirfd, "state.key", &st, 0), 0);
    assert_int_equal(st.st_mode & 07777, 0400);
    assert_int_equal(size_of("state.key"), JOURNAL_KEY);
    assert_true(size_of("state.marker") > 0);
    assert_int_equal(size_of("state.journal.new"), -1);
}

static void journal_open_hands_out_the_newest_of_each_key(void **state)
{
    (void)state;
    reopen();
    for (uint8_t v = 1; v < 9; v++)
        for (uint32_t k = 0; k < 5; k++) {
            add(JOURNAL_CALLS, k, 100, (uint8_t)(v + k), 0);
            if (v < 3)
                add(JOURNAL_REVOCATION, k, FOR_EVER, v, 0);
        }
    reopen();
    assert_int_equal(jrig_handed_count(&rig), 10);
    for (uint32_t k = 0; k < 5; k++) {
        assert_int_equal(jrig_handed(&rig, JOURNAL_CALLS, k), 8 + k);
        assert_int_equal(jrig_handed(&rig, JOURNAL_REVOCATION, k), 2);
    }
    assert_true((fcntl(rig.found.memfd, F_GET_SEALS) & F_SEAL_WRITE) != 0);
}

static void journal_open_torn_file_is_cut_at_every_byte(void **state)
{
    char path[128];
    off_t whole, size;

    (void)state;
    jrig_path(&rig, "state.journal", path, sizeof(path));
    reopen();
    add(JOURNAL_REVOCATION, 1, FOR_EVER, 1, 0);
    whole = size_of("state.journal");
    for (off_t cut = 1;; cut++) {
        add(JOURNAL_REVOCATION, 2, FOR_EVER, 2, 0);
        size = size_of("state.journal");
        if (cut >= size - whole)
            break;
        jrig_close(&rig);
        assert_int_equal(truncate(path, size - cut), 0);
        reopen();
        assert_int_equal(rig.j.place.seq, 1);
        assert_int_equal(rig.found.cut, size - cut - whole);
        assert_int_equal(size_of("state.journal"), whole);
    }
}

/* Every set of the three files that can be missing after a journal was used. */
static void T23_journal_open_missing_files_are_refused(void **state)
{
    static const char *const names[] = {"state.journal", "state.key",
                                        "state.marker"};

    (void)state;
    for (unsigned gone = 1; gone < 8; gone++) {
        ts_err e;

        jrig_done(&rig);
        assert_int_equal(jrig_init(&rig), 0);
        reopen();
        add(JOURNAL_REVOCATION, 1, FOR_EVER, 1, 0);
        jrig_close(&rig);
        for (size_t i = 0; i < 3; i++)
            if ((gone & 1u << i) != 0)
                assert_int_equal(unlinkat(rig.dirfd, names[i], 0), 0);
        e = jrig_open(&rig, false);
        if (gone == 4) { /* a good journal, its key, no marker: made again */
            assert_int_equal(e, TS_OK);
            assert_int_equal(jrig_handed(&rig, JOURNAL_REVOCATION, 1), 1);
            assert_true(size_of("state.marker") > 0);
        } else if (gone == 7) { /* nothing is a first start: the log knows */
            assert_int_equal(e, TS_OK);
            assert_true(rig.found.begun);
        } else {
            assert_int_equal(e, TS_E_NOT_FOUND);
            assert_non_null(strstr(rig.text, "missing"));
            assert_non_null(strstr(rig.text, "--init-state"));
            refused(false, TS_E_NOT_FOUND, "missing"); /* and nothing made */
            assert_int_equal(jrig_open(&rig, true), TS_OK);
            assert_true(rig.found.begun && rig.found.put_aside[0] != '\0');
            assert_int_equal(jrig_handed_count(&rig), 0);
            reopen();
        }
    }
}

static void journal_open_damage_names_the_byte(void **state)
{
    char says[64];
    uint8_t b;
    int fd;

    (void)state;
    reopen();
    add(JOURNAL_REVOCATION, 1, FOR_EVER, 1, 0);
    (void)snprintf(says, sizeof(says), "at byte %llu was damaged or changed",
                   (unsigned long long)rig.j.size);
    add(JOURNAL_REVOCATION, 2, FOR_EVER, 1, 0);
    add(JOURNAL_REVOCATION, 3, FOR_EVER, 1, 0);
    fd = openat(rig.dirfd, "state.journal", O_RDWR | O_CLOEXEC);
    jrig_close(&rig);
    assert_int_equal(pread(fd, &b, 1, 120), 1);
    b ^= 1;
    assert_int_equal(pwrite(fd, &b, 1, 120), 1);
    (void)close(fd);
    refused(false, TS_E_AUTH, says);
    refused(false, TS_E_AUTH, "--init-state");
    assert_int_equal(jrig_open(&rig, true), TS_OK);
    assert_non_null(strstr(rig.found.put_aside, says));
    assert_true(size_of("state.journal.refused") > 0);
    assert_true(size_of("state.key.refused") > 0);
    assert_int_equal(rig.j.place.seq, 0);
}

static void T23_journal_open_emptied_file_is_refused(void **state)
{
    char path[128];

    (void)state;
    jrig_path(&rig, "state.journal", path, sizeof(path));
    reopen();
    add(JOURNAL_REVOCATION, 1, FOR_EVER, 1, 0);
    jrig_close(&rig);
    for (off_t len = JOURNAL_BASE_LEN - 1; len >= 0; len--) {
        assert_int_equal(truncate(path, len), 0);
        refused(false, TS_E_TRUNCATED, "at byte 0 was damaged");
    }
}

static void journal_open_init_keeps_what_is_good(void **state)
{
    (void)state;
    reopen();
    add(JOURNAL_REVOCATION, 1, FOR_EVER, 1, 0);
    jrig_close(&rig);
    assert_int_equal(jrig_open(&rig, true), TS_OK);
    assert_false(rig.found.begun);
    assert_string_equal(rig.found.put_aside, "");
    assert_int_equal(jrig_handed(&rig, JOURNAL_REVOCATION, 1), 1);
}

static void journal_open_second_on_the_directory_is_refused(void **state)
{
    struct journal other;
    struct journal_found found;
    char text[JOURNAL_REFUSAL_MAX];

    (void)state;
    reopen();
    assert_int_equal(journal_open(rig.dirfd, true, &other, &found, text),
                     TS_E_EXISTS);
    assert_non_null(strstr(text, "another recorder uses this state directory"));
    reopen(); /* the lock ends with the one that held it */
}

static void journal_append_limits(void **state)
{
    static uint8_t big[JOURNAL_BODY_MAX + 1];
    uint8_t body[128];
    size_t len = jrig_body(body, sizeof(body), JOURNAL_CLOCK, 1, 1, 1, 0);

    (void)state;
    reopen();
    assert_int_equal(
        journal_append(&rig.j, (struct ts_bytes){big, sizeof(big)}),
        TS_E_INVALID);
    for (size_t n = 0; n < len; n++)
        assert_int_equal(journal_append(&rig.j, (struct ts_bytes){body, n}),
                         TS_E_INVALID);
    rig.j.size = JOURNAL_BYTES_MAX - 10;
    assert_int_equal(journal_append(&rig.j, (struct ts_bytes){body, len}),
                     TS_E_LIMIT);
}

/* 300 calls entries of one grant fill more than the floor. */
static void fill(uint64_t keep_until)
{
    for (uint32_t i = 0; i < 300; i++)
        assert_int_equal(jrig_append(&rig, JOURNAL_CALLS, 7, keep_until,
                                     (uint8_t)(i % 200 + 1), 4000),
                         TS_OK);
    assert_int_equal(journal_sync(&rig.j), TS_OK);
}

static void journal_tend_below_the_floor_does_nothing(void **state)
{
    ts_err e;

    (void)state;
    reopen();
    for (uint8_t v = 1; v < 200; v++)
        add(JOURNAL_CALLS, 1, 5, v, 0);
    assert_int_equal(jrig_compact(&rig, 1000, &e), 1);
    assert_int_equal(e, TS_OK);
    assert_int_equal(rig.j.index.count, 1);
    reopen();
    assert_int_equal(jrig_handed(&rig, JOURNAL_CALLS, 1), 199);
}

static void journal_tend_keeps_the_newest_and_numbers_go_on(void **state)
{
    uint64_t last;
    ts_err e;

    (void)state;
    reopen();
    for (uint32_t k = 100; k < 120; k++)
        add(JOURNAL_REVOCATION, k, FOR_EVER, 1, 0);
    fill(FOR_EVER);
    add(JOURNAL_REVOCATION, 100, FOR_EVER, 2, 0);
    last = rig.j.place.seq;
    assert_true(jrig_compact(&rig, 1000, &e) > 4);
    assert_int_equal(e, TS_OK);
    assert_true(rig.j.size < 8192);
    assert_int_equal(size_of("state.journal"), rig.j.size);
    assert_int_equal(rig.j.place.seq, last);
    add(JOURNAL_REVOCATION, 101, FOR_EVER, 3, 0);
    reopen();
    assert_int_equal(rig.j.place.seq, last + 1);
    assert_int_equal(jrig_handed_count(&rig), 21);
    assert_int_equal(jrig_handed(&rig, JOURNAL_CALLS, 7), 100);
    for (uint32_t k = 100; k < 120; k++)
        assert_int_equal(jrig_handed(&rig, JOURNAL_REVOCATION, k), k == 100 ? 2
                                                                   : k == 101
                                                                       ? 3
                                                                       : 1);
}

static void journal_tend_drops_what_has_passed_but_not_these(void **state)
{
    ts_err e;

    (void)state;
    reopen();
    add(JOURNAL_REVOCATION, 1, 500, 1, 0);
    add(JOURNAL_REVOCATION, 2, 1001, 1, 0); /* its time has not come */
    add(JOURNAL_REVOCATION, 3, 500, 1, 0);  /* the newest of them */
    add(JOURNAL_DIRECTORY, 4, 0, 1, 0);
    add(JOURNAL_CLOCK, 0, 0, 9, 0);
    fill(500);
    add(JOURNAL_CALLS, 8, 500, 1, 0); /* the last of all */
    (void)jrig_compact(&rig, 1000, &e);
    assert_int_equal(e, TS_OK);
    assert_int_equal(rig.j.index.count, 5);
    reopen();
    assert_int_equal(jrig_handed_count(&rig), 5);
    assert_int_equal(jrig_handed(&rig, JOURNAL_REVOCATION, 1), 0);
    assert_int_equal(jrig_handed(&rig, JOURNAL_REVOCATION, 2), 1);
    assert_int_equal(jrig_handed(&rig, JOURNAL_REVOCATION, 3), 1);
    assert_int_equal(jrig_handed(&rig, JOURNAL_DIRECTORY, 4), 1);
    assert_int_equal(jrig_handed(&rig, JOURNAL_CLOCK, 0), 9);
    assert_int_equal(jrig_handed(&rig, JOURNAL_CALLS, 7), 0);
    assert_int_equal(jrig_handed(&rig, JOURNAL_CALLS, 8), 1);
}

/* What is appended between slices, of keys that were copied already too. */
static void journal_tend_takes_the_tail_along(void **state)
{
    bool busy = true;
    uint8_t v = 1;

    (void)state;
    reopen();
    for (uint32_t k = 0; k < 50; k++)
        add(JOURNAL_REVOCATION, k, FOR_EVER, 1, 0);
    fill(FOR_EVER);
    while (busy) {
        assert_int_equal(journal_tend(&rig.j, 1000, &busy), TS_OK);
        v++;
        for (uint32_t k = 0; k < 50; k += 5)
            add(JOURNAL_REVOCATION, k, FOR_EVER, v, 100);
        add(JOURNAL_REVOCATION, 1000u + v, FOR_EVER, v, 0);
    }
    assert_true(v > 4);
    reopen();
    for (uint32_t k = 0; k < 50; k++)
        assert_int_equal(jrig_handed(&rig, JOURNAL_REVOCATION, k),
                         k % 5 == 0 ? v : 1);
    for (uint8_t i = 2; i <= v; i++)
        assert_int_equal(jrig_handed(&rig, JOURNAL_REVOCATION, 1000u + i), i);
}

static void journal_tend_waits_for_a_sync(void **state)
{
    bool busy = true;

    (void)state;
    reopen();
    fill(FOR_EVER);
    assert_int_equal(jrig_append(&rig, JOURNAL_CALLS, 9, 1, 1, 0), TS_OK);
    assert_int_equal(journal_tend(&rig.j, 1, &busy), TS_OK);
    assert_false(busy);
    assert_int_equal(rig.j.compaction.fd, -1);
}

/* A second compaction waits until the file has doubled again. */
static void journal_tend_again_only_when_doubled(void **state)
{
    ts_err e;

    (void)state;
    reopen();
    for (uint32_t k = 0; k < 400; k++)
        assert_int_equal(
            jrig_append(&rig, JOURNAL_REVOCATION, k, FOR_EVER, 1, 4000), TS_OK);
    assert_int_equal(journal_sync(&rig.j), TS_OK);
    (void)jrig_compact(&rig, 1, &e); /* the first: nothing was kept before */
    assert_int_equal(jrig_compact(&rig, 1, &e), 1);
    fill(FOR_EVER);
    assert_int_equal(jrig_compact(&rig, 1, &e), 1);
    fill(FOR_EVER);
    assert_true(jrig_compact(&rig, 1, &e) > 1);
    assert_int_equal(rig.j.index.count, 401);
}

static void journal_out_of_memory_leaks_nothing(void **state)
{
    (void)state;
    reopen();
    fill(FOR_EVER);
    jrig_close(&rig);
    for (int nth = 0;; nth++) {
        ts_err e, done = TS_OK;
        bool busy;

        fault_mem_arm(nth, true);
        e = jrig_open(&rig, false);
        if (e == TS_OK) {
            done = journal_tend(&rig.j, 1, &busy); /* without memory: later */
            jrig_close(&rig);
        }
        assert_int_equal(fault_mem_live(), 0);
        assert_int_equal(done, TS_OK);
        if (!fault_mem_fired())
            break;
        assert_true(e == TS_E_NOMEM || e == TS_OK);
    }
    fault_mem_disarm();
}

/* LIST on a journal of two windows, without memory at any point. */
static void list_out_of_memory_leaks_nothing(void **state)
{
    (void)state;
    reopen();
    for (uint32_t k = 0; k < 50; k++)
        add(JOURNAL_REVOCATION, k, FOR_EVER, 1, 3000);
    for (int nth = 0;; nth++) {
        static struct fanout f;
        static struct tail_client c;
        const struct admin_list m = {.tenant = TS_STR_LIT("acme")};
        ts_err e;

        f = (struct fanout){.journal = &rig.j};
        c = (struct tail_client){.list = {.fd = -1}};
        ts_buf_init(&c.out, 1u << 20);
        fault_mem_arm(nth, true);
        e = list_begin(&f, &c, &m, 1000);
        while (e == TS_OK)
            e = list_step(&f, &c, 1u << 20);
        list_end(&c.list);
        if (e == TS_E_AGAIN)
            assert_true(c.out.len > (size_t)50 * 3000);
        ts_buf_done(&c.out);
        assert_int_equal(fault_mem_live(), 0);
        fault_mem_disarm();
        if (e == TS_E_AGAIN)
            break;
        assert_int_equal(e, TS_E_NOMEM);
    }
}

static void journal_index_grows_and_forgets(void **state)
{
    struct journal_index ix;
    struct ring_journal j = {.type = JOURNAL_CALLS,
                             .tenant = TS_STR_LIT("acme")};

    (void)state;
    assert_int_equal(journal_index_init(&ix), TS_OK);
    for (uint32_t i = 0; i < 20000; i++) {
        memcpy(j.key, &i, sizeof(i));
        assert_int_equal(journal_index_reserve(&ix), TS_OK);
        journal_index_put(&ix, &j, i + 1);
        if (i % 2 == 0)
            journal_index_forget(&ix, &j);
    }
    assert_int_equal(ix.count, 10000);
    assert_true(ix.used * 4 <= ix.cap * 3);
    for (uint32_t i = 0; i < 20000; i++) {
        memcpy(j.key, &i, sizeof(i));
        assert_int_equal(journal_index_get(&ix, &j), i % 2 == 0 ? 0 : i + 1);
    }
    j.tenant = TS_STR_LIT("acm"); /* neither tenant nor type is left out */
    assert_int_equal(journal_index_get(&ix, &j), 0);
    j.tenant = TS_STR_LIT("acme");
    j.type = JOURNAL_REVOCATION;
    assert_int_equal(journal_index_get(&ix, &j), 0);
    journal_index_done(&ix);
}

int main(void)
{
#define D(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        D(journal_open_continues_after_restarts),
        D(journal_open_hands_out_the_newest_of_each_key),
        D(journal_open_torn_file_is_cut_at_every_byte),
        D(T23_journal_open_missing_files_are_refused),
        D(journal_open_damage_names_the_byte),
        D(T23_journal_open_emptied_file_is_refused),
        D(journal_open_init_keeps_what_is_good),
        D(journal_open_second_on_the_directory_is_refused),
        D(journal_append_limits),
        D(journal_tend_below_the_floor_does_nothing),
        D(journal_tend_keeps_the_newest_and_numbers_go_on),
        D(journal_tend_drops_what_has_passed_but_not_these),
        D(journal_tend_takes_the_tail_along),
        D(journal_tend_waits_for_a_sync),
        D(journal_tend_again_only_when_doubled),
        D(journal_out_of_memory_leaks_nothing),
        D(list_out_of_memory_leaks_nothing),
        cmocka_unit_test(journal_index_grows_and_forgets),
    };

    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
