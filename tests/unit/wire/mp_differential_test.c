/*
 * Against msgpack-c, which is not strict but is right: whatever we accept it
 * accepts, whole, and its own writer turns the value back into our bytes. So
 * one value has one encoding, and ours means what the world thinks it means.
 */
#include "tests/lib/ts_test.h"

#include <msgpack.h>
#include <string.h>

#include "mp_gen.h"
#include "proto/wire/mp_read.h"

#define CAP 16384

struct world {
    msgpack_zone *zone;
    msgpack_sbuffer out;
};

static void agrees(struct world *w, const uint8_t *buf, size_t len)
{
    msgpack_object o;
    msgpack_packer pk;
    size_t off = 0;

    msgpack_zone_clear(w->zone);
    assert_int_equal(msgpack_unpack((const char *)buf, len, &off, w->zone, &o),
                     MSGPACK_UNPACK_SUCCESS);
    assert_int_equal(off, len);
    msgpack_sbuffer_clear(&w->out);
    msgpack_packer_init(&pk, &w->out, msgpack_sbuffer_write);
    assert_int_equal(msgpack_pack_object(&pk, o), 0);
    assert_int_equal(w->out.size, len);
    assert_memory_equal(w->out.data, buf, len);
}

static void what_we_accept_means_the_same_to_msgpack_c(void **state)
{
    static uint8_t buf[CAP];
    struct world w = {.zone = msgpack_zone_new(4096)};
    struct noise n = {.s = 20261122};
    size_t accepted = 0, refused = 0;

    (void)state;
    assert_non_null(w.zone);
    msgpack_sbuffer_init(&w.out);
    for (int round = 0; round < 3000; round++) {
        size_t len = mp_gen(&n, buf, sizeof(buf));

        if (len == 0)
            continue;
        assert_int_equal(mp_scan(buf, len), TS_OK);
        agrees(&w, buf, len);
        for (int m = 0; m < 20 && len > 0; m++) {
            len = mp_mutate(&n, buf, len, sizeof(buf));
            if (mp_scan(buf, len) == TS_OK) {
                agrees(&w, buf, len);
                accepted++;
            } else {
                refused++;
            }
        }
    }
    assert_true(accepted > 500 && refused > 500); /* both were tried */
    msgpack_sbuffer_destroy(&w.out);
    msgpack_zone_free(w.zone);
}

/* All inputs of one and two bytes, and of three with every first pair. */
static void all_short_inputs_agree(void **state)
{
    struct world w = {.zone = msgpack_zone_new(4096)};
    uint8_t in[3];

    (void)state;
    assert_non_null(w.zone);
    msgpack_sbuffer_init(&w.out);
    for (unsigned v = 0; v < 1u << 16; v++) {
        in[0] = (uint8_t)(v >> 8);
        in[1] = (uint8_t)v;
        in[2] = (uint8_t)(v * 37);
        for (size_t len = 1; len <= 3; len++)
            if (mp_scan(in, len) == TS_OK)
                agrees(&w, in, len);
    }
    msgpack_sbuffer_destroy(&w.out);
    msgpack_zone_free(w.zone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_we_accept_means_the_same_to_msgpack_c),
        cmocka_unit_test(all_short_inputs_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
