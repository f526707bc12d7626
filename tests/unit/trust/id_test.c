#include "tests/lib/ts_test.h"

#include <string.h>

#include "proto/trust/id.h"
#include "proto/trust/pae.h"
#include "proto/wire/limits.h"
#include "trust_world.h"

static void every_byte_is_judged(void **state)
{
    static const char ok[] = "abcdefghijklmnopqrstuvwxyz"
                             "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._@:+=-/";

    (void)state;
    for (unsigned c = 0; c < 256; c++) {
        char id[3] = {'x', (char)c, 'y'};
        bool want = c != 0 && strchr(ok, (int)c) != NULL;

        assert_int_equal(
            trust_id_valid((struct ts_str){.ptr = id, .len = sizeof(id)}),
            want);
    }
}

static void segments_may_not_be_empty_or_dots(void **state)
{
    static const char *const good[] = {"a", "a/b", "...", "a/.b", "a./b", ".a"};
    static const char *const bad[] = {"",     "/",    "a/",   "/a",  "a//b",
                                      ".",    "..",   "./a",  "a/.", "a/../b",
                                      "a/..", "../a", "a/./b"};
    char longest[TS_ID_MAX + 1];

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_true(trust_id_valid(ts_str_of(good[i])));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(trust_id_valid(ts_str_of(bad[i])));
    memset(longest, 'a', sizeof(longest));
    assert_true(trust_id_valid((struct ts_str){longest, TS_ID_MAX}));
    assert_false(trust_id_valid((struct ts_str){longest, TS_ID_MAX + 1}));
}

static void below_needs_the_slash(void **state)
{
    (void)state;
    assert_true(trust_id_below(TS_STR_LIT("coder/x"), TS_STR_LIT("coder")));
    assert_true(trust_id_below(TS_STR_LIT("coder/x/y"), TS_STR_LIT("coder")));
    assert_false(trust_id_below(TS_STR_LIT("coder"), TS_STR_LIT("coder")));
    assert_false(trust_id_below(TS_STR_LIT("coder/"), TS_STR_LIT("coder")));
    assert_false(trust_id_below(TS_STR_LIT("coder2/x"), TS_STR_LIT("coder")));
    assert_false(trust_id_below(TS_STR_LIT("code"), TS_STR_LIT("coder")));
    assert_false(trust_id_below(TS_STR_LIT("x/coder"), TS_STR_LIT("coder")));
    assert_false(trust_id_below(TS_STR_LIT("xoder/x"), TS_STR_LIT("coder")));
    assert_true(ts_str_eq_c(trust_id_parent(TS_STR_LIT("a/b/c")), "a/b"));
    assert_int_equal(trust_id_parent(TS_STR_LIT("a")).len, 0);
}

/* le32(3) le32(15) "tipstaff/1/test" le32(2) "ab" le32(0) */
static void pae_is_what_the_document_says(void **state)
{
    static const uint8_t want[] = "\3\0\0\0\17\0\0\0tipstaff/1/test\2\0\0\0ab"
                                  "\0\0\0";
    const struct ts_bytes parts[] = {{(const uint8_t *)"ab", 2}, {NULL, 0}};
    uint8_t out[64], whole[32], pieces[32];
    size_t n;

    (void)state;
    n = pae_encode(out, sizeof(out), PAE_PREFIX "test", parts, 2);
    assert_int_equal(n, pae_size(PAE_PREFIX "test", parts, 2));
    assert_int_equal(n, sizeof(want));
    assert_memory_equal(out, want, n);
    /* moving a byte from one part to the next changes the hash */
    pae_hash(whole, 32, PAE_PREFIX "test", parts, 2);
    {
        const struct ts_bytes moved[] = {{(const uint8_t *)"a", 1},
                                         {(const uint8_t *)"b", 1}};
        pae_hash(pieces, 32, PAE_PREFIX "test", moved, 2);
    }
    assert_memory_not_equal(whole, pieces, 32);
}

static void every_code_has_a_name_and_a_sentence(void **state)
{
    (void)state;
    assert_string_equal(trust_code_name(TRUST_OK), "OK");
    for (int c = 1; c < TRUST_CODE_COUNT_; c++) {
        assert_memory_equal(trust_code_name((enum trust_code)c), "E_", 2);
        assert_true(strlen(trust_code_text((enum trust_code)c)) > 10);
        for (int o = 1; o < c; o++)
            assert_string_not_equal(trust_code_name((enum trust_code)c),
                                    trust_code_name((enum trust_code)o));
    }
    assert_string_equal(trust_code_name(TRUST_CODE_COUNT_), "E_INTERNAL");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_is_judged),
        cmocka_unit_test(segments_may_not_be_empty_or_dots),
        cmocka_unit_test(below_needs_the_slash),
        cmocka_unit_test(pae_is_what_the_document_says),
        cmocka_unit_test(every_code_has_a_name_and_a_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
