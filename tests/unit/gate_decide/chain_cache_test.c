#include "sidecar/gate/decide/chain_cache.h"

#include <string.h>

#include "fixture.h"
#include "tests/lib/fault_mem.h"
#include "tests/lib/ts_test.h"

static struct fixture fix;
static struct chain_cache cache;
static struct authority *alice;

static int setup(void **state)
{
    (void)state;
    fix_init(&fix);
    fix_add_starter(&fix, "acme", KEY_ISSUER, KEY_CODER);
    fix_load_ok(&fix);
    alice = fix_authority(&fix, &fix_alice);
    cache = (struct chain_cache){0};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    chain_cache_done(&cache);
    authority_free(alice);
    fix_done(&fix);
    return 0;
}

static const uint8_t *hash_of(uint32_t n)
{
    static uint8_t hash[TRUST_HASH_LEN];

    memset(hash, 0, sizeof(hash));
    memcpy(hash, &n, sizeof(n));
    return hash;
}

static void keep(uint64_t serial, uint32_t n)
{
    chain_cache_put(&cache, serial, hash_of(n), 700, alice->verified);
}

static void find_what_was_put_is_found_and_nothing_else(void **state)
{
    uint8_t near[TRUST_HASH_LEN];

    (void)state;
    assert_null(chain_cache_find(&cache, 7, hash_of(1)));
    keep(7, 1);
    assert_ptr_equal(chain_cache_find(&cache, 7, hash_of(1)), alice->verified);
    for (size_t bit = 0; bit < 8 * sizeof(near); bit++) {
        memcpy(near, hash_of(1), sizeof(near));
        near[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_null(chain_cache_find(&cache, 7, near));
    }
}

static void find_under_another_snapshot_is_empty_for_good(void **state)
{
    (void)state;
    keep(7, 1);
    assert_null(chain_cache_find(&cache, 8, hash_of(1)));
    /* Back under the old number: what was thrown away does not return. */
    assert_null(chain_cache_find(&cache, 7, hash_of(1)));
    keep(7, 1);
    keep(9, 2);
    assert_null(chain_cache_find(&cache, 9, hash_of(1)));
    assert_non_null(chain_cache_find(&cache, 9, hash_of(2)));
}

static void
put_into_a_full_cache_the_least_recently_used_makes_room(void **state)
{
    (void)state;
    for (uint32_t n = 0; n < CHAIN_CACHE_MAX; n++)
        keep(1, n);
    assert_non_null(chain_cache_find(&cache, 1, hash_of(0)));
    keep(1, CHAIN_CACHE_MAX);
    assert_non_null(chain_cache_find(&cache, 1, hash_of(0)));
    assert_null(chain_cache_find(&cache, 1, hash_of(1)));
    for (uint32_t n = 2; n <= CHAIN_CACHE_MAX; n++)
        assert_non_null(chain_cache_find(&cache, 1, hash_of(n)));
}

static void put_twice_takes_one_slot(void **state)
{
    (void)state;
    for (uint32_t n = 0; n < CHAIN_CACHE_MAX; n++) {
        keep(1, n);
        keep(1, n);
    }
    for (uint32_t n = 0; n < CHAIN_CACHE_MAX; n++)
        assert_non_null(chain_cache_find(&cache, 1, hash_of(n)));
}

static void put_of_a_long_chain_keeps_nothing(void **state)
{
    (void)state;
    chain_cache_put(&cache, 1, hash_of(1), CHAIN_CACHE_BYTES + 1,
                    alice->verified);
    assert_null(chain_cache_find(&cache, 1, hash_of(1)));
    chain_cache_put(&cache, 1, hash_of(1), CHAIN_CACHE_BYTES, alice->verified);
    assert_non_null(chain_cache_find(&cache, 1, hash_of(1)));
}

/* Sessions outlive the cache's slot and each other; ASan sees it otherwise. */
static void again_decides_as_the_first_session_did(void **state)
{
    struct authority *again = NULL;

    (void)state;
    keep(1, 1);
    assert_int_equal(
        authority_again(chain_cache_find(&cache, 1, hash_of(1)), &again),
        TS_OK);
    chain_cache_done(&cache);
    assert_string_equal(fix_code(&fix, alice, "fs.list", "path=."),
                        fix_code(&fix, again, "fs.list", "path=."));
    authority_free(alice);
    alice = again;
    assert_int_equal(again->block_count, again->delegation->block_count);
    assert_string_equal(fix_code(&fix, again, "fs.list", "path=."),
                        "permitted");
}

static void again_out_of_memory_leaves_nothing(void **state)
{
    struct authority *again = NULL;
    int live;

    (void)state;
    fault_mem_arm(0, true);
    live = fault_mem_live();
    assert_int_equal(authority_again(alice->verified, &again), TS_E_NOMEM);
    assert_true(fault_mem_fired());
    assert_int_equal(fault_mem_live(), live);
    fault_mem_disarm();
    assert_null(again);
    assert_string_equal(fix_code(&fix, alice, "fs.list", "path=."),
                        "permitted");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(find_what_was_put_is_found_and_nothing_else),
        T(find_under_another_snapshot_is_empty_for_good),
        T(put_into_a_full_cache_the_least_recently_used_makes_room),
        T(put_twice_takes_one_slot),
        T(put_of_a_long_chain_keeps_nothing),
        T(again_decides_as_the_first_session_did),
        T(again_out_of_memory_leaves_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
