/*
 * The words that a consumer leaves behind, found after a SIGKILL at every
 * instruction: a child takes and frees entries, is stepped through one
 * instruction at a time (ptrace) and killed after the n-th, for every n. What
 * stands in the ring then must be the state before or the state after, never a
 * mixture.
 */
#include "tests/lib/ts_test.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sidecar/common/ring/ring.h"

#define LINE_BEFORE    40 /* the log's last line when a batch is begun */
#define JOURNAL_BEFORE 7

static void put(struct ring_writer *w, uint32_t kind)
{
    uint8_t *to;

    assert_int_equal(ring_reserve(w, 16, &to), TS_OK);
    memset(to, 'x', 16);
    ring_commit(w, kind, 16);
}

/* A ring with two entries, of which the first was freed by a consumer that had
 * the journal at JOURNAL_BEFORE. */
static int prepared(void)
{
    struct ring_writer w;
    struct ring_reader r;
    uint32_t kind;
    uint8_t buf[16];
    size_t len;
    int fd;

    assert_int_equal(ring_create(&fd), TS_OK);
    assert_int_equal(ring_writer_open(fd, -1, &w), TS_OK);
    assert_int_equal(ring_reader_open(fd, -1, &r), TS_OK);
    put(&w, 1);
    put(&w, 1);
    assert_int_equal(ring_next(&r, buf, sizeof(buf), &kind, &len), TS_OK);
    r.journal_seq = JOURNAL_BEFORE;
    ring_release(&r);
    ring_writer_done(&w);
    ring_reader_done(&r);
    return fd;
}

/* What a recorder does with a turn; in the child. */
static _Noreturn void turn(struct ring_reader *r)
{
    uint32_t kind;
    uint8_t buf[16];
    size_t len;

    if (ring_next(r, buf, sizeof(buf), &kind, &len) != TS_OK)
        _exit(2);
    if (ptrace(PTRACE_TRACEME, 0, 0, 0) != 0)
        _exit(3);
    (void)raise(SIGSTOP);
    ring_writing(r, LINE_BEFORE);
    r->journal_seq = JOURNAL_BEFORE + 1;
    ring_release(r);
    _exit(0);
}

/* False: it came to its end before the n-th instruction. */
static bool killed_at(int fd, long n)
{
    struct ring_reader r;
    int status = 0;
    pid_t pid;

    assert_int_equal(ring_reader_open(fd, -1, &r), TS_OK);
    pid = fork();
    if (pid == 0)
        turn(&r);
    ring_reader_done(&r);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 3)
        skip(); /* nobody may be traced here */
    for (long i = 0; i < n && WIFSTOPPED(status); i++) {
        assert_int_equal(ptrace(PTRACE_SINGLESTEP, pid, 0, 0), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
    }
    if (!WIFSTOPPED(status)) {
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        return false;
    }
    (void)kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return true;
}

enum found {
    FOUND_BEFORE,  /* nothing of the turn is told */
    FOUND_WRITING, /* the turn may be in the log */
    FOUND_BEHIND,  /* it is */
    FOUND_COUNT
};

static enum found found_in(int fd, long n)
{
    struct ring_mark m = {0};
    struct ring_reader r;
    uint64_t tail;

    assert_int_equal(ring_reader_open(fd, -1, &r), TS_OK);
    tail = r.tail;
    if (!ring_mark_read(&r, &m))
        fail_msg("no mark after %ld instructions", n);
    ring_reader_done(&r);
    if (tail == 48) {
        assert_int_equal(m.journal_seq, JOURNAL_BEFORE + 1);
        assert_int_equal(m.end, 0);
        return FOUND_BEHIND;
    }
    assert_int_equal(tail, 24);
    assert_int_equal(m.journal_seq, JOURNAL_BEFORE);
    if (m.end == 0)
        return FOUND_BEFORE;
    assert_int_equal(m.end, 48);
    assert_int_equal(m.log_seq, LINE_BEFORE);
    return FOUND_WRITING;
}

static void mark_killed_at_every_instruction_is_whole(void **state)
{
    long seen[FOUND_COUNT] = {0};
    enum found last = FOUND_BEFORE;
    bool more = true;

    (void)state;
    for (long n = 0; more; n++) {
        int fd = prepared();
        enum found f;

        more = killed_at(fd, n);
        f = found_in(fd, n);
        assert_true(f >= last); /* it never goes back */
        last = f;
        seen[f]++;
        (void)close(fd);
    }
    for (int f = 0; f < FOUND_COUNT; f++)
        assert_true(seen[f] > 0);
}

/* With nobody there: what is left is given up, the mark says so. */
static void begin_empties_and_marks(void **state)
{
    int fd = prepared();
    struct ring_mark m;
    struct ring_writer w;
    struct ring_reader r;

    (void)state;
    assert_false(ring_is_empty(fd));
    assert_int_equal(ring_reader_open(fd, -1, &r), TS_OK);
    r.journal_seq = 99;
    ring_begin(&r);
    assert_true(ring_is_empty(fd));
    assert_true(ring_mark_read(&r, &m));
    assert_int_equal(m.journal_seq, 99);
    assert_int_equal(m.end, 0);
    assert_int_equal(ring_writer_open(fd, -1, &w), TS_OK);
    assert_true(ring_is_drained(&w));
    put(&w, 1);
    assert_false(ring_is_empty(fd));
    ring_writer_done(&w);
    ring_reader_done(&r);
    (void)close(fd);
}

/* A producer can write to every word: a reader's place that none can be is
 * refused, and the ring can be made new. */
static void forget_makes_a_damaged_ring_new(void **state)
{
    int fd = prepared();
    const uint64_t odd = 13;
    struct ring_mark m;
    struct ring_reader r;

    (void)state;
    assert_int_equal(pwrite(fd, &odd, sizeof(odd), 64), sizeof(odd));
    assert_int_equal(ring_reader_open(fd, -1, &r), TS_E_FORMAT);
    assert_int_equal(ring_forget(fd), TS_OK);
    assert_int_equal(ring_reader_open(fd, -1, &r), TS_OK);
    assert_true(ring_is_empty(fd));
    assert_false(ring_mark_read(&r, &m));
    ring_reader_done(&r);
    (void)close(fd);
}

/* Either the consumer sees the entry, or the producer that it has stopped. */
static void stopped_ring_takes_nothing(void **state)
{
    struct ring_writer w;
    struct ring_reader r;
    int fd;

    (void)state;
    assert_int_equal(ring_create(&fd), TS_OK);
    assert_int_equal(ring_writer_open(fd, -1, &w), TS_OK);
    assert_int_equal(ring_reader_open(fd, -1, &r), TS_OK);
    assert_false(ring_is_taken(&w));
    ring_state_set(&r, RING_OK);
    put(&w, 1);
    assert_true(ring_is_taken(&w));
    ring_state_set(&r, RING_NO_SPACE);
    assert_true(ring_is_taken(&w));
    ring_state_set(&r, RING_STOPPED);
    put(&w, 1);
    assert_false(ring_is_taken(&w));
    ring_writer_done(&w);
    ring_reader_done(&r);
    (void)close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mark_killed_at_every_instruction_is_whole),
        cmocka_unit_test(begin_empties_and_marks),
        cmocka_unit_test(forget_makes_a_damaged_ring_new),
        cmocka_unit_test(stopped_ring_takes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
