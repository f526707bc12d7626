/*
 * Every body that the broker says or hears: what is understood, encoded
 * again, is what came; everything cut off is refused. With TIPSTAFF_SEED_DIR
 * set, also writes the samples there (fuzz corpus, see tests/fuzz/egress).
 */
#include "tests/lib/ts_test.h"

#include "proto/msg/egress.h"
#include "tests/unit/egress/egress_recode.h"

/* A decoder that lets through what an encoder would refuse, or the other way
 * round, is a hole or a dead end: each of these is refused by its encoder. */
static void what_makes_no_sense_is_not_sent(void **state)
{
    static uint8_t b[256];
    struct egress_grant grant = {
        .order_id = 1, .tool = TS_STR_LIT("t"), .mode = EGRESS_BROKER};
    struct egress_opened opened = {.conn_id = 1,
                                   .what = {.order_id = 1,
                                            .tool = TS_STR_LIT("t"),
                                            .host = TS_STR_LIT("h"),
                                            .port = 1,
                                            .address_len = 4}};
    struct egress_reply reply = {.code = EGRESS_REFUSED};
    size_t n;

    (void)state;
    assert_int_equal(egress_grant_encode(&grant, b, sizeof(b), &n), TS_OK);
    grant.mode = (enum egress_mode)0;
    assert_int_equal(egress_grant_encode(&grant, b, sizeof(b), &n),
                     TS_E_INVALID);
    assert_int_equal(egress_opened_encode(&opened, b, sizeof(b), &n), TS_OK);
    opened.what.host = TS_STR_LIT("a\x1b[2J");
    assert_int_equal(egress_opened_encode(&opened, b, sizeof(b), &n),
                     TS_E_INVALID);
    opened.what.host = TS_STR_LIT("h");
    opened.what.address_len = 5;
    assert_int_equal(egress_opened_encode(&opened, b, sizeof(b), &n),
                     TS_E_INVALID);
    assert_int_equal(egress_reply_encode(&reply, b, sizeof(b), &n), TS_OK);
    reply.address_len = 4; /* a refusal with an address */
    assert_int_equal(egress_reply_encode(&reply, b, sizeof(b), &n),
                     TS_E_INVALID);
}

static void every_code_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (int a = 0; a < EGRESS_CODE_COUNT_; a++) {
        for (int b = 0; b < a; b++)
            assert_string_not_equal(egress_code_name((enum egress_code)a),
                                    egress_code_name((enum egress_code)b));
    }
}

int main(void)
{
    struct recode_set set = egress_bodies;
    const struct CMUnitTest tests[] = {
        RECODE_TESTS(&set),
        cmocka_unit_test(what_makes_no_sense_is_not_sent),
        cmocka_unit_test(every_code_has_a_name_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
