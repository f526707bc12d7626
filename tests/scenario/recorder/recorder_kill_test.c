/*
 * kill -9 of the recorder, hundreds of times, at any moment of its life, while
 * a gate hands it decisions, outcomes and revocations. What the gate had
 * committed it may have told: all of it must be in the log, once.
 *
 *     scenario_recorder_kill [LIVES [SEED]]
 */
#include "tests/lib/ts_test.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "proto/base/ts_str.h"
#include "rig.h"

#define ENTRIES   120 /* of a life, at most */
#define LIVES_MAX 2000
#define IDS_MAX   (LIVES_MAX * ENTRIES)
#define KILL_US   12000 /* the latest moment of a death, from READY on */

static struct rig rig;
static uint32_t lives = 100;
static uint64_t seed = 1;

/* What was committed, and what the log has of it, by number. */
static struct {
    bool decided, launched, exited;
    uint8_t decisions, exits, losses; /* lines */
} ids[IDS_MAX];
static uint32_t next_id;
static uint32_t revocations;

static uint32_t any(uint32_t below)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(seed >> 33) % below;
}

/* Tools end at once: an order that came has its outcome. */
static void hear_launcher(void)
{
    uint64_t order;

    while (!rig_no_hop(&rig)) {
        uint8_t b;

        if (recv(rig.launcher, &b, 1, MSG_PEEK | MSG_DONTWAIT) <= 0)
            return; /* the recorder is dead */
        if (rig_hop(&rig, &order) != HOP_ORDER)
            continue;
        assert_true(order >= 1 && order <= next_id && ids[order - 1].launched);
        assert_false(ids[order - 1].exited); /* launched once */
        rig_outcome(&rig, (uint32_t)order - 1, "exited");
        ids[order - 1].exited = true;
    }
}

static void commit_something(void)
{
    uint32_t what = any(20);
    char text[32];

    if (what == 0) {
        (void)snprintf(text, sizeof(text), "revoke-%u", revocations);
        rig_revocation(&rig, text);
        rig_barrier(&rig, revocations++);
        return;
    }
    ids[next_id].decided = true;
    ids[next_id].launched = what < 10;
    if (what < 10)
        rig_launch(&rig, next_id++);
    else
        rig_denial(&rig, next_id++, any(700));
}

/* A death at a moment of its own; the recorder's pid is ours until it is waited
 * for. */
static pid_t killer(void)
{
    const struct timespec t = {.tv_nsec = (long)any(KILL_US) * 1000};
    pid_t victim = rig.pid, pid = fork();

    if (pid == 0) {
        (void)nanosleep(&t, NULL);
        (void)kill(victim, SIGKILL);
        _exit(0);
    }
    assert_true(pid > 0);
    return pid;
}

static void one_life(void)
{
    pid_t pid;

    rig_start(&rig);
    pid = killer();
    for (uint32_t n = 0; n < ENTRIES; n++) {
        commit_something();
        hear_launcher();
    }
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    hear_launcher();
    assert_int_equal(rig_wait(&rig), -SIGKILL);
}

static uint32_t id_in(const char *line, const char *end)
{
    static const char key[] = "\"id\":\"";
    const char *p = memmem(line, (size_t)(end - line), key, sizeof(key) - 1);
    uint8_t id[16];

    assert_non_null(p);
    assert_int_equal(ts_hex_decode(p + sizeof(key) - 1, 32, id, 16), TS_OK);
    return (uint32_t)id[0] | (uint32_t)id[1] << 8 | (uint32_t)id[2] << 16 |
           (uint32_t)id[3] << 24;
}

static bool has(const char *line, const char *end, const char *text)
{
    return memmem(line, (size_t)(end - line), text, strlen(text)) != NULL;
}

static void read_log(void)
{
    const char *p = rig_log(&rig), *end;

    for (; (end = strchr(p, '\n')) != NULL; p = end + 1) {
        bool decision = has(p, end, "\"kind\":\"decision\"");
        uint32_t n;

        if (!decision && !has(p, end, "\"kind\":\"exec_ended\""))
            continue;
        n = id_in(p, end);
        assert_true(n < next_id);
        if (decision)
            ids[n].decisions++;
        else if (has(p, end, "\"reason\":\"lost\""))
            ids[n].losses++;
        else
            ids[n].exits++;
    }
}

static void killed_recorders_leave_everything_that_was_told(void **state)
{
    uint32_t launches = 0, exits = 0;

    (void)state;
    rig.keep_ring = true;
    rig.segment_bytes = 256u << 10;
    for (uint32_t life = 0; life < lives; life++)
        one_life();
    rig_start(&rig);
    /* Those of the dead: nothing of theirs is launched any more. */
    assert_true(rig_no_hop(&rig));
    assert_int_equal(rig_drain(&rig), 0);
    read_log();
    for (uint32_t n = 0; n < next_id; n++) {
        bool ok = ids[n].decisions == 1 &&
                  ids[n].exits == (ids[n].exited ? 1 : 0) &&
                  ids[n].exits + ids[n].losses == (ids[n].launched ? 1 : 0);

        if (!ok)
            fail_msg("id %u (%s%s): %u decisions, %u exits, %u losses", n,
                     ids[n].launched ? "launched" : "denied",
                     ids[n].exited ? ", exited" : "", ids[n].decisions,
                     ids[n].exits, ids[n].losses);
        launches += ids[n].launched;
        exits += ids[n].exited;
    }
    /* otherwise the deaths came before anything happened */
    assert_true(exits > lives && exits < launches);
    rig_verify(&rig, true);
    (void)printf("figures: %u deaths, %u decisions, %u launches, %u with an "
                 "outcome, %u revocations\n",
                 lives, next_id, launches, exits, revocations);
}

/* The journal handed to the next gate has them all, in order. */
static void killed_recorders_leave_every_revocation(void **state)
{
    uint32_t n = 0;

    (void)state;
    rig.keep_ring = true;
    for (uint32_t life = 0; life < 20; life++) {
        rig_start(&rig);
        assert_int_equal(rig_journal_count(&rig), n);
        (void)kill(rig.pid, SIGSTOP); /* so that some are in the ring only */
        for (uint32_t i = 0; i < 3; i++) {
            char text[32];

            (void)snprintf(text, sizeof(text), "revoke-%u", n++);
            rig_revocation(&rig, text);
        }
        rig_kill(&rig);
    }
    rig_start(&rig);
    assert_int_equal(rig_journal_count(&rig), n);
    assert_int_equal(rig_drain(&rig), 0);
}

/* A launch that the dead recorder had not written: decided, but never run. */
static void replayed_launch_is_not_launched(void **state)
{
    (void)state;
    rig.keep_ring = true;
    rig_start(&rig);
    (void)kill(rig.pid, SIGSTOP);
    rig_launch(&rig, 1);
    rig_denial(&rig, 2, 10);
    rig_kill(&rig);
    rig_start(&rig);
    assert_true(rig_no_hop(&rig));
    assert_int_equal(rig_drain(&rig), 0);
    assert_int_equal(rig_count(&rig, "\"kind\":\"decision\""), 2);
    assert_int_equal(rig_count(&rig, "\"reason\":\"lost\""), 1);
    rig_verify(&rig, true);
}

/* What no gate of ours writes is passed over; what is behind it is kept. */
static void replayed_nonsense_costs_only_itself(void **state)
{
    (void)state;
    rig.keep_ring = true;
    rig_start(&rig);
    (void)kill(rig.pid, SIGSTOP);
    rig_denial(&rig, 1, 10);
    rig_raw(&rig, RING_RECORD, "nonsense", 8);
    rig_outcome(&rig, 7, "exited"); /* of a launch that is not open */
    rig_denial(&rig, 2, 10);
    rig_kill(&rig);
    rig_start(&rig);
    assert_int_equal(rig_drain(&rig), 0);
    assert_int_equal(rig_count(&rig, "\"kind\":\"decision\""), 2);
    assert_int_equal(rig_count(&rig, "\"kind\":\"exec_ended\""), 0);
    rig_verify(&rig, true);
}

static int setup(void **state)
{
    (void)state;
    rig_init(&rig);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_done(&rig);
    return 0;
}

int main(int argc, char **argv)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(killed_recorders_leave_everything_that_was_told),
        T(killed_recorders_leave_every_revocation),
        T(replayed_launch_is_not_launched),
        T(replayed_nonsense_costs_only_itself),
    };
    unsigned long long n = 0;

    if (argc > 1 && sscanf(argv[1], "%llu", &n) == 1 && n <= LIVES_MAX)
        lives = (uint32_t)n;
    if (argc > 2 && sscanf(argv[2], "%llu", &n) == 1)
        seed = n;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
