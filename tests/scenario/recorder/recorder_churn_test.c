/*
 * Everything at once: entries that replace each other until the journal is
 * compacted again and again, segments that are closed, readers that are slow
 * or vanish, and a kill or a drain in the midst of it. What was confirmed
 * before it is there after it. TS_CHURN_ROUNDS: more of it.
 */
#include "tests/lib/ts_test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "proto/wire/mp_read.h"
#include "rig.h"
#include "sidecar/common/revocation_entry.h"

#define AGENTS  4000
#define READERS 12

static struct rig rig;
static uint64_t sent[AGENTS], confirmed[AGENTS]; /* cutoffs, 0: none */
static uint64_t cutoff, denials;
static int readers[READERS];
static unsigned dice;

static int setup(void **state)
{
    (void)state;
    rig_init(&rig);
    rig.segment_bytes = 65536;
    memset(sent, 0, sizeof(sent));
    memset(confirmed, 0, sizeof(confirmed));
    cutoff = 1000;
    dice = 12345;
    for (int i = 0; i < READERS; i++)
        readers[i] = -1;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_done(&rig);
    return 0;
}

static unsigned roll(unsigned sides)
{
    dice = dice * 1103515245u + 12345u;
    return (dice >> 16) % sides;
}

/* One that asks for the list or follows the log, and does not read. Its place
 * may be that of one that vanishes with its answer half sent. */
static void another_reader(void)
{
    static const char list_all[] = "\0\0\0\x04\x0a\x92\x01\xa0";
    static const char follow_all[] =
        "\0\0\0\x09\x06\x98\x01\xc3\0\0\xa0\xa0\xa0\0";
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int *fd = &readers[roll(READERS)];
    bool follows = roll(2) == 0;
    ssize_t len =
        (ssize_t)(follows ? sizeof(follow_all) - 1 : sizeof(list_all) - 1);

    if (*fd >= 0)
        (void)close(*fd);
    *fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    memcpy(a.sun_path, rig.socket, strlen(rig.socket) + 1);
    assert_int_equal(connect(*fd, (struct sockaddr *)&a, sizeof(a)), 0);
    assert_int_equal(
        send(*fd, follows ? follow_all : list_all, (size_t)len, MSG_NOSIGNAL),
        len);
}

static void drop_readers(void)
{
    for (int i = 0; i < READERS; i++) {
        if (readers[i] >= 0)
            (void)close(readers[i]);
        readers[i] = -1;
    }
}

static void churn(unsigned entries)
{
    char agent[16];
    uint64_t id;

    for (unsigned n = 0; n < entries; n++) {
        unsigned k = roll(AGENTS);

        (void)snprintf(agent, sizeof(agent), "a%u", k);
        sent[k] = ++cutoff;
        rig_revoke(&rig, "acme", agent, cutoff, UINT64_MAX);
        if (roll(20) == 0)
            rig_denial(&rig, (uint32_t)(100000 + denials++), 400);
        if (roll(400) == 0)
            another_reader();
        if (roll(1500) == 0) {
            rig_barrier(&rig, n + 1);
            assert_int_equal(rig_hop(&rig, &id), HOP_BARRIER);
            memcpy(confirmed, sent, sizeof(sent));
        }
    }
}

static void check_entry(const struct revocation_entry *e, uint64_t *seen)
{
    char name[16];
    unsigned long k;

    assert_true(e->target.len > 1 && e->target.len < sizeof(name));
    memcpy(name, e->target.ptr, e->target.len);
    name[e->target.len] = '\0';
    k = strtoul(name + 1, NULL, 10);
    assert_true(k < AGENTS);
    assert_true(seen[k] == 0); /* the newest of each, once */
    assert_true(e->cutoff >= confirmed[k] && e->cutoff <= sent[k]);
    seen[k] = e->cutoff;
}

/* What the recorder hands to the gate at its start. */
static void check_handed(void)
{
    static uint64_t seen[AGENTS];
    struct revocation_entry e;
    struct mp_reader r;
    const char *what = "";
    struct stat st;
    uint32_t count;
    void *map;

    memset(seen, 0, sizeof(seen));
    assert_int_equal(fstat(rig.journal, &st), 0);
    map =
        mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, rig.journal, 0);
    assert_true(map != MAP_FAILED);
    mp_reader_init(&r, map, (size_t)st.st_size);
    mp_read_tuple(&r, 2);
    assert_int_equal(mp_read_uint(&r, 9), 1);
    count = mp_read_array(&r, AGENTS);
    for (uint32_t i = 0; i < count; i++) {
        struct ts_bytes p;

        mp_read_tuple(&r, 4);
        assert_int_equal(mp_read_uint(&r, 9), JOURNAL_REVOCATION);
        (void)mp_read_str(&r, 9);
        (void)mp_read_uint(&r, UINT64_MAX);
        p = mp_read_bin(&r, 1000);
        assert_int_equal(revocation_entry_decode(p.ptr, p.len, &e, &what),
                         TS_OK);
        check_entry(&e, seen);
    }
    assert_int_equal(mp_done(&r), TS_OK);
    for (unsigned k = 0; k < AGENTS; k++)
        assert_true(seen[k] >= confirmed[k]);
    /* in force, whatever was on its way: nothing may be taken back later */
    memcpy(confirmed, seen, sizeof(seen));
    memcpy(sent, seen, sizeof(seen));
    (void)munmap(map, (size_t)st.st_size);
}

static int rounds(void)
{
    const char *s = getenv("TS_CHURN_ROUNDS");

    return s != NULL ? (int)strtol(s, NULL, 10) : 8;
}

static bool state_has(const char *name, struct stat *ret)
{
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/%s", rig.state, name);
    return stat(path, ret) == 0;
}

/* Until a compaction is under way, or for 0.3 s: there may be none to make. */
static void await_compaction(void)
{
    const struct timespec pause = {0, 100000};
    struct stat st;

    for (int i = 0; i < 3000 && !state_has("state.journal.new", &st); i++)
        (void)nanosleep(&pause, NULL);
}

/* What is left alone becomes short again: nothing was lost on the way there. */
static void await_short_journal(void)
{
    const struct timespec pause = {0, 1000000};
    struct stat st;

    for (int i = 0; i < 20000; i++) {
        assert_true(state_has("state.journal", &st));
        if (st.st_size <= 1 << 20)
            return;
        (void)nanosleep(&pause, NULL);
    }
    fail_msg("the journal stays at %lld bytes", (long long)st.st_size);
}

static void killed_under_everything_keeps_what_was_confirmed(void **state)
{
    (void)state;
    for (int i = 0; i < rounds(); i++) {
        rig_start(&rig);
        check_handed();
        churn(6000 + roll(12000));
        if (i % 2 == 0)
            await_compaction();
        rig_kill(&rig);
        drop_readers();
    }
    rig_start(&rig);
    check_handed();
    await_short_journal();
    rig_kill(&rig);
    rig_start(&rig);
    check_handed();
    assert_int_equal(rig_drain(&rig), 0);
    rig_verify(&rig, true);
}

static void drained_under_everything_keeps_all_of_it(void **state)
{
    (void)state;
    for (int i = 0; i < rounds(); i++) {
        rig_start(&rig);
        check_handed();
        churn(6000 + roll(12000));
        memcpy(confirmed, sent, sizeof(sent)); /* a drain takes all along */
        assert_int_equal(rig_drain(&rig), 0);
        drop_readers();
    }
    rig_start(&rig);
    check_handed();
    assert_int_equal(rig_drain(&rig), 0);
    rig_verify(&rig, true);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(killed_under_everything_keeps_what_was_confirmed),
        T(drained_under_everything_keeps_all_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
