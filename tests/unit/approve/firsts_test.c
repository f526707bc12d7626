/* What a grant has done: each part counts, and no room is on the safe side. */
#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <string.h>

#include "sidecar/gate/approve/firsts.h"
#include "tests/lib/fault_mem.h"

static struct firsts *f;
static const uint8_t grant[16] = "grant 1", other[16] = "grant 2";

static int setup(void **state)
{
    (void)state;
    return firsts_new(&f) == TS_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    fault_mem_disarm();
    firsts_free(f);
    return 0;
}

static const struct firsts_thing mail = {.tenant = {"acme", 4},
                                         .grant_id = grant,
                                         .kind = FIRSTS_VALUE,
                                         .tool = {"mail.send", 9},
                                         .name = {"to", 2},
                                         .value = {"bob@example.com", 15}};

static void what_was_never_done_is_new_and_then_is_not(void **state)
{
    (void)state;
    assert_false(firsts_has(f, &mail));
    firsts_add(f, &mail);
    firsts_add(f, &mail);
    assert_true(firsts_has(f, &mail));
}

/* Whatever differs makes it another thing, and no part runs over into the
 * next. */
static void each_part_counts(void **state)
{
    (void)state;
    firsts_add(f, &mail);
    for (int i = 0; i < 9; i++) {
        struct firsts_thing t = mail;

        switch (i) {
        case 0:
            t.tenant = TS_STR_LIT("acmf");
            break;
        case 1:
            t.grant_id = other;
            break;
        case 2:
            t.kind = FIRSTS_RESOURCE;
            break;
        case 3:
            t.tool = TS_STR_LIT("mail.sent");
            break;
        case 4:
            t.name = TS_STR_LIT("cc");
            break;
        case 5:
            t.value = TS_STR_LIT("bob@example.con");
            break;
        case 6:
            t.tool = TS_STR_LIT("mail.sendt");
            t.name = TS_STR_LIT("o");
            break;
        case 7:
            t.name = TS_STR_LIT("tob");
            t.value = TS_STR_LIT("ob@example.com");
            break;
        default:
            t.value = TS_STR_LIT("");
            break;
        }
        assert_false(firsts_has(f, &t));
    }
    assert_true(firsts_has(f, &mail));
}

/* Twice as many as there is room for: none that never was is known, and half of
 * the places are in use at least. */
static void what_makes_room_is_new_again(void **state)
{
    uint32_t known = 0;

    (void)state;
    for (uint32_t i = 0; i < 4 * FIRSTS_MAX; i++) {
        struct firsts_thing t = mail;
        char text[16];

        (void)snprintf(text, sizeof(text), "%u", i);
        t.value = ts_str_of(text);
        if (i < 2 * FIRSTS_MAX)
            firsts_add(f, &t);
        else
            assert_false(firsts_has(f, &t));
    }
    for (uint32_t i = 0; i < 2 * FIRSTS_MAX; i++) {
        struct firsts_thing t = mail;
        char text[16];

        (void)snprintf(text, sizeof(text), "%u", i);
        t.value = ts_str_of(text);
        known += firsts_has(f, &t);
    }
    assert_true(known > FIRSTS_MAX / 2 && known <= FIRSTS_MAX);
}

static ts_err one_life(const void *arg)
{
    struct firsts *own;
    ts_err e = firsts_new(&own);

    (void)arg;
    if (e == TS_OK)
        firsts_free(own);
    return e;
}

static void without_memory_there_is_none(void **state)
{
    (void)state;
    fault_mem_sweep(one_life, NULL, TS_OK, 1);
    firsts_free(NULL);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(what_was_never_done_is_new_and_then_is_not),
        T(each_part_counts),
        T(what_makes_room_is_new_again),
        T(without_memory_there_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
