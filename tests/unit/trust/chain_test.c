#include "tests/lib/ts_test.h"

#include <string.h>

#include "proto/base/ts_mem.h"
#include "proto/wire/mp_read.h"
#include "trust_world.h"

static struct world w;

static int setup(void **state)
{
    (void)state;
    world_init(&w);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    world_done(&w);
    return 0;
}

static void chains_of_every_length_verify(void **state)
{
    (void)state;
    for (size_t n = 1; n <= TS_BLOCKS_MAX; n++) {
        static struct chain c;
        struct ts_arena arena;
        struct delegation d;

        world_chain(&w, n, &c);
        ts_arena_init(&arena, 1u << 16);
        assert_int_equal(
            delegation_decode_verify(&w.cfg, c.b, c.len, W_NOW, &arena, &d),
            TRUST_OK);
        memset(c.b, 0, c.len); /* the result has its own copy */
        assert_int_equal(d.block_count, n);
        assert_true(ts_str_eq_c(d.user, "alice"));
        assert_int_equal(d.attr_count, 2);
        assert_true(ts_str_eq_c(d.attrs[1].value, "hwk"));
        assert_int_equal(delegation_leaf(&d)->agent.len, 5 + 2 * (n - 1));
        assert_int_equal(d.expires, n == 1 ? W_NOW + 600 : W_NOW + 300);
        assert_int_equal(d.not_before, n == 1 ? W_NOW - 10 : W_NOW - 5);
        ts_arena_done(&arena);
    }
}

/* Nothing but the chain itself is accepted: no prefix, no other byte. */
static void no_bit_flip_and_no_truncation_is_accepted(void **state)
{
    static struct chain c;

    (void)state;
    for (size_t n = 1; n <= 3; n += 2) {
        world_chain(&w, n, &c);
        for (size_t bit = 0; bit < c.len * 8; bit++) {
            c.b[bit / 8] ^= (uint8_t)(1u << (bit % 8));
            assert_int_not_equal(world_verify(&w, c.b, c.len, W_NOW), TRUST_OK);
            c.b[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        }
        for (size_t cut = 0; cut < c.len; cut++) {
            uint8_t *exact = ts_mem_alloc(cut > 0 ? cut : 1);

            assert_non_null(exact);
            memcpy(exact, c.b, cut);
            assert_int_equal(world_verify(&w, exact, cut, W_NOW),
                             TRUST_E_FORMAT);
            ts_mem_free(exact);
        }
        assert_int_equal(world_verify(&w, c.b, c.len, W_NOW), TRUST_OK);
    }
}

static void output_is_untouched_on_failure(void **state)
{
    static struct chain c;
    struct ts_arena arena;
    struct delegation d, before;

    (void)state;
    world_chain(&w, 2, &c);
    memset(&d, 0xAB, sizeof(d));
    before = d;
    c.b[c.len - 1] ^= 1;
    ts_arena_init(&arena, 1u << 16);
    assert_int_equal(
        delegation_decode_verify(&w.cfg, c.b, c.len, W_NOW, &arena, &d),
        TRUST_E_SIG);
    assert_memory_equal(&d, &before, sizeof(d));
    ts_arena_done(&arena);
}

/* Any pair of blocks exchanged, any block dropped or doubled. */
static void blocks_only_count_in_their_place(void **state)
{
    static struct chain c, x;
    struct ts_bytes block[4];
    struct mp_reader r;
    size_t head;

    (void)state;
    world_chain(&w, 4, &c);
    mp_reader_init(&r, c.b, c.len);
    (void)mp_read_array(&r, 3);
    (void)mp_read_uint(&r, 1);
    (void)mp_read_bin(&r, 16);
    head = (size_t)(r.at - c.b);
    (void)mp_read_array(&r, 8);
    for (size_t i = 0; i < 4; i++)
        block[i] = mp_read_raw(&r, c.len);
    assert_int_equal(mp_done(&r), TS_OK);
    for (unsigned order = 0; order < 256; order++) {
        memcpy(x.b, c.b, head);
        x.len = head;
        x.b[x.len++] = 0x94;
        for (unsigned i = 0; i < 4; i++) {
            struct ts_bytes b = block[(order >> (2 * i)) & 3];

            memcpy(x.b + x.len, b.ptr, b.len);
            x.len += b.len;
        }
        assert_int_equal(world_verify(&w, x.b, x.len, W_NOW),
                         order == 0xE4 /* 0, 1, 2, 3 */ ? TRUST_OK
                                                        : TRUST_E_SIG);
    }
}

/* Appending never widens: the window only shrinks, whatever the link says. */
static void appending_only_narrows_the_window(void **state)
{
    static const int64_t at[] = {-100000, -600, -5, 0, 4, 5, 200, 599, 601};

    (void)state;
    for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
        for (size_t k = 0; k < sizeof(at) / sizeof(at[0]); k++) {
            static struct chain c;
            struct delegation_link l = world_link(&w, 1);
            struct ts_arena arena;
            struct delegation d;

            l.iat = l.nbf = (uint64_t)((int64_t)W_NOW + at[i]);
            l.exp = (uint64_t)((int64_t)W_NOW + at[k]);
            if (l.nbf >= l.exp)
                continue;
            world_chain(&w, 1, &c);
            world_append(&w, &l, KEY_CODER, &c);
            ts_arena_init(&arena, 1u << 17);
            for (int64_t t = -12; t < 610; t += 3) {
                uint64_t now = (uint64_t)((int64_t)W_NOW + t);
                bool root_ok = t >= -15 && t < 600;
                bool link_ok = t + 5 >= at[i] && t < at[k];

                assert_int_equal(world_verify(&w, c.b, c.len, now) == TRUST_OK,
                                 root_ok && link_ok);
            }
            assert_int_equal(
                delegation_decode_to_show(c.b, c.len, NULL, &arena, &d),
                TRUST_OK);
            assert_true(d.expires <= W_NOW + 600 && d.not_before >= W_NOW - 10);
            ts_arena_done(&arena);
        }
    }
}

static void hash_covers_signatures_too(void **state)
{
    static struct chain c;
    uint8_t a[TRUST_HASH_LEN], b[TRUST_HASH_LEN];

    (void)state;
    world_chain(&w, 2, &c);
    delegation_chain_hash(c.b, c.len, a);
    c.b[c.len - 1] ^= 1;
    delegation_chain_hash(c.b, c.len, b);
    assert_memory_not_equal(a, b, sizeof(a));
}

/* For people: readable without trust, and honest about signatures. */
static void to_show_checks_signatures_only_when_asked(void **state)
{
    static struct chain c;
    struct ts_arena arena;
    struct delegation d;
    const uint8_t zero[TRUST_HASH_LEN] = {0};

    (void)state;
    world_chain(&w, 3, &c);
    ts_arena_init(&arena, 1u << 18);
    assert_int_equal(delegation_decode_to_show(c.b, c.len, NULL, &arena, &d),
                     TRUST_OK);
    assert_memory_equal(d.blocks[0].id, zero, sizeof(zero));
    assert_int_equal(
        delegation_decode_to_show(c.b, c.len, w.key[KEY_ISSUER].pk, &arena, &d),
        TRUST_OK);
    assert_memory_not_equal(d.blocks[2].id, zero, sizeof(zero));
    assert_int_equal(delegation_decode_to_show(
                         c.b, c.len, w.key[KEY_BETA_ISSUER].pk, &arena, &d),
                     TRUST_E_ISSUER);
    c.b[c.len - 1] ^= 1;
    assert_int_equal(
        delegation_decode_to_show(c.b, c.len, w.key[KEY_ISSUER].pk, &arena, &d),
        TRUST_E_SIG);
    ts_arena_done(&arena);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(chains_of_every_length_verify),
        T(no_bit_flip_and_no_truncation_is_accepted),
        T(output_is_untouched_on_failure),
        T(blocks_only_count_in_their_place),
        T(appending_only_narrows_the_window),
        T(hash_covers_signatures_too),
        T(to_show_checks_signatures_only_when_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
