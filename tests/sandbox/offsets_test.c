/*
 * Calls that are killed at any time, four at once: each kill comes some
 * nanoseconds behind its order, from none to twice what a launch takes. Nothing
 * that was killed runs on, each end is told once, and far more calls than there
 * are uids, processes 1 and folders leave as much of them as there was.
 * TS_OFFSET_SEED chooses other times, TS_OFFSET_ROUNDS how many.
 */
#include "harness.h"
#include "host.h"
#include "look.h"
#include "tally.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/lib/ts_test.h"

#define AT_ONCE    4
#define READY_MOST 8 /* INITS_READY_MAX */
#define NEST_FDS   2 /* of one that stands by with its mounts */

static struct box box;
static struct tally tally;

static const struct mode {
    enum box_level most, demand;
    bool has_caps;
    const char *tool;
} modes[] = {
    {BOX_BARE, BOX_ANY, false, "speaks"}, {BOX_FULL, BOX_FULL, false, "plain"},
    {BOX_UID, BOX_UID, true, "speaks"}, /* with a scratch folder */
    {BOX_UID, BOX_UID, true, "file"},   /* as the writers' uid */
    {BOX_FULL, BOX_FULL, true, "speaks"}, {BOX_ANY, BOX_STRICT, true, "plain"},
};

static uint64_t number_of(const char *name, uint64_t usual)
{
    const char *s = getenv(name);

    return s != NULL ? strtoull(s, NULL, 10) : usual;
}

static uint64_t now_ns(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Knuth's, in MMIX: the same times for the same seed. */
static uint64_t next_of(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 33;
}

static struct call call_of(const struct mode *m, const char *what)
{
    static char made[256];
    struct call c = {.tool = m->tool, .what = what, .box = m->demand};

    if (strcmp(m->tool, "file") == 0) {
        box_path(&box, "space/made.txt", made, sizeof(made));
        c.path = made;
        c.access = ACCESS_WRITE;
    } else {
        c.arg = "";
    }
    if (strcmp(m->tool, "speaks") == 0)
        c.token = "header.payload.signature";
    return c;
}

static uint64_t begin(const struct call *c)
{
    uint64_t id = box_send(&box, c);

    tally_await(&tally, id);
    return id;
}

/* How long one takes, in ns; and what stands by is made. */
static uint64_t make_ready(const struct mode *m)
{
    const struct call refused = {.tool = "needs", .what = "exit"};
    const struct call c = call_of(m, "exit");
    uint64_t least = UINT64_MAX;

    for (int i = 0; i < 2 + READY_MOST; i++) {
        uint64_t since = now_ns();

        tally_until_answered(&tally, &box, begin(i < 2 ? &c : &refused));
        since = now_ns() - since;
        if (i < 2 && since < least)
            least = since;
        tally_collect(&tally, &box);
        assert_int_equal(tally.of[0].started, i < 2);
        tally_clear(&tally);
    }
    return least;
}

static void one_round(const struct mode *m, uint64_t *seed, uint64_t most_ns)
{
    const struct call stay = call_of(m, "stay"), exits = call_of(m, "exit");
    uint64_t id[AT_ONCE];

    for (int i = 0; i < AT_ONCE; i++) {
        uint64_t until = now_ns() + next_of(seed) % most_ns;

        id[i] = begin(i == AT_ONCE - 1 ? &exits : &stay);
        while (now_ns() < until)
            continue;
        box_kill(&box, id[i], END_REVOKED);
    }
    tally_collect(&tally, &box);
    for (int i = 0; i < AT_ONCE; i++) {
        const struct tallied *x = tally_of(&tally, id[i]);

        assert_int_equal(x->started, 1);
        if (i < AT_ONCE - 1 || x->exited.reason != END_EXITED)
            assert_int_equal(x->exited.reason, END_REVOKED);
        else
            assert_int_equal(x->exited.exit_code, 0);
    }
    assert_int_equal(box_count_probes(&box), 0);
    tally_clear(&tally);
}

static void kills_at_any_time_leave_nothing(void **state)
{
    const uint64_t rounds = number_of("TS_OFFSET_ROUNDS", 25);

    (void)state;
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        const struct mode *m = &modes[i];
        uint64_t seed = number_of("TS_OFFSET_SEED", 1), ns;
        struct look before;

        if (m->has_caps && getuid() != 0) {
            print_message("SKIPPED: needs root\n");
            continue;
        }
        if (m->demand >= BOX_FULL && !host_gives_full(m->has_caps))
            continue;
        box_open_at(&box, m->most, m->has_caps);
        tally = (struct tally){.count = 0};
        ns = make_ready(m);
        before = look_at(&box);
        before.fds += READY_MOST * NEST_FDS; /* 100 calls would leak more */
        for (uint64_t k = 0; k < rounds; k++)
            one_round(m, &seed, 2 * ns);
        print_message("%s of %s: %u calls, killed within %u us\n",
                      box_level_name(m->demand), m->tool,
                      (unsigned)rounds * AT_ONCE, (unsigned)(2 * ns / 1000));
        (void)make_ready(m);
        look_same(look_again(&box, before), before);
        box_close(&box);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kills_at_any_time_leave_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
