/* Slices of the uid range, and that no uid is two tools' at once. */
#include "tests/lib/ts_test.h"

#include <string.h>

#include "sidecar/launcher/start/uids.h"

static void slices_of_launchers_never_overlap(void **state)
{
    static const uint32_t counts[] = {1, 2, 5, 6, 11, 12, 256, 4336, 70000};

    (void)state;
    for (size_t c = 0; c < sizeof(counts) / sizeof(counts[0]); c++) {
        for (uint32_t n = 1; n <= 12; n++) {
            uid_t free_from = 60578 + 1; /* behind the writers' */

            for (uint32_t i = 0; i < n; i++) {
                struct uids u;

                uids_init(&u, 60578, counts[c], n, i);
                assert_int_equal(u.writers, 60578);
                assert_int_equal(u.taken, 0);
                if (u.count == 0)
                    continue;
                assert_true(u.first >= free_from);
                free_from = u.first + u.count;
                assert_true(free_from <= 60578 + counts[c]);
            }
        }
    }
}

static void range_that_is_none_gives_no_uid(void **state)
{
    static const struct {
        uid_t first;
        uint32_t count, launchers, index;
    } bad[] = {{0, 256, 5, 0},     {60578, 0, 5, 0}, {60578, 256, 0, 0},
               {60578, 256, 5, 5}, {60578, 1, 5, 0}, {60578, 5, 5, 0}};
    uid_t uid = 7;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct uids u;

        uids_init(&u, bad[i].first, bad[i].count, bad[i].launchers,
                  bad[i].index);
        assert_int_equal(u.count, 0);
        assert_int_equal(uids_take(&u, &uid), TS_E_LIMIT);
        assert_int_equal(uid, 7);
    }
}

static void each_uid_is_one_tools_until_it_is_given_back(void **state)
{
    struct uids u;
    uid_t seen[64], uid = 0, last;

    (void)state;
    uids_init(&u, 1000, 61, 4, 2); /* 1000, then 10, 30, 10 and 10 */
    assert_int_equal(u.count, 10);
    for (uint32_t i = 0; i < 10; i++) {
        assert_int_equal(uids_take(&u, &seen[i]), TS_OK);
        assert_true(seen[i] >= 1041 && seen[i] <= 1050);
        for (uint32_t k = 0; k < i; k++)
            assert_int_not_equal(seen[i], seen[k]);
    }
    assert_int_equal(uids_take(&u, &uid), TS_E_LIMIT);
    last = seen[3];
    uids_give(&u, last);
    assert_int_equal(uids_take(&u, &uid), TS_OK);
    assert_int_equal(uid, last);
    assert_int_equal(u.taken, 10);
}

static void uid_that_came_back_rests_longest(void **state)
{
    struct uids u;
    uid_t uid = 0, first = 0;

    (void)state;
    uids_init(&u, 1000, 9, 1, 0);
    assert_int_equal(uids_take(&u, &first), TS_OK);
    uids_give(&u, first);
    for (int i = 0; i < 7; i++) {
        assert_int_equal(uids_take(&u, &uid), TS_OK);
        assert_int_not_equal(uid, first);
        uids_give(&u, uid);
    }
    assert_int_equal(uids_take(&u, &uid), TS_OK);
    assert_int_equal(uid, first);
}

static void profile_that_most_tools_have_gets_the_largest_slice(void **state)
{
    struct uids files, other;

    (void)state;
    uids_init(&files, 60578, 606, 5, UIDS_FILES);
    uids_init(&other, 60578, 606, 5, UIDS_FILES + 1);
    assert_int_equal(other.count, 86);
    assert_int_equal(files.count, 258);
    assert_int_equal(files.first + files.count, other.first);
}

static void what_is_not_ours_cannot_be_given(void **state)
{
    static const uid_t not_ours[] = {0, 1000, 1040, 1051, 5000, (uid_t)-1};
    struct uids u;
    uid_t uid = 0;

    (void)state;
    uids_init(&u, 1000, 61, 4, 2);
    assert_int_equal(uids_take(&u, &uid), TS_OK);
    for (size_t i = 0; i < sizeof(not_ours) / sizeof(not_ours[0]); i++)
        uids_give(&u, not_ours[i]);
    uids_give(&u, uid == 1050 ? 1041 : uid + 1); /* not taken */
    assert_int_equal(u.taken, 1);
    uids_give(&u, uid);
    uids_give(&u, uid); /* twice */
    assert_int_equal(u.taken, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slices_of_launchers_never_overlap),
        cmocka_unit_test(range_that_is_none_gives_no_uid),
        cmocka_unit_test(each_uid_is_one_tools_until_it_is_given_back),
        cmocka_unit_test(uid_that_came_back_rests_longest),
        cmocka_unit_test(profile_that_most_tools_have_gets_the_largest_slice),
        cmocka_unit_test(what_is_not_ours_cannot_be_given),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
