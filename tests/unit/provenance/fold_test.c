/* Characters as a reader takes them, and what that makes of values. */
#include "tests/lib/ts_test.h"

#include <string.h>

#include "proto/base/ts_mem.h"
#include "sidecar/gate/provenance/canon.h"
#include "sidecar/gate/provenance/fold.h"

static size_t utf8(uint32_t c, char *out)
{
    size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

    if (n == 1) {
        out[0] = (char)c;
        return 1;
    }
    for (size_t i = n; --i > 0; c >>= 6)
        out[i] = (char)(0x80 | (c & 0x3f));
    out[0] = (char)((0xf00u >> n & 0xff) | c);
    return n;
}

/* docs/PROVENANCE.md, once more: 0 is nothing, 1 a character of its own. */
static int expected(uint32_t c)
{
    if (c < 0x80)
        return c >= 'A' && c <= 'Z' ? (int)c + 32 : (int)c;
    if (c == 0x3002 || c == 0xff61)
        return '.';
    if (c >= 0xff01 && c <= 0xff5e)
        return expected(c - 0xfee0);
    if (c == 0xad || c == 0x34f || c == 0x61c || c == 0xfeff ||
        (c >= 0x180b && c <= 0x180f) || (c >= 0x200b && c <= 0x200f) ||
        (c >= 0x202a && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) ||
        (c >= 0xfe00 && c <= 0xfe0f) || (c >> 12) == 0xe0)
        return 0;
    return 1;
}

static void every_character_is_taken_as_the_page_says(void **state)
{
    (void)state;
    for (uint32_t c = 2; c < 0x110000; c++) {
        char b[4];
        size_t n = utf8(c, b);
        struct fold f = fold_at(b, n);
        int want = expected(c);

        assert_int_equal(f.len, n);
        if (want == 0)
            assert_int_equal(f.kind, FOLD_NOTHING);
        else if (want == 1)
            assert_int_equal(f.kind, FOLD_WIDE);
        else
            assert_true(f.kind == FOLD_ASCII && f.c == (char)want);
        /* cut short it is a byte that is no character */
        for (size_t cut = 1; cut < n; cut++) {
            f = fold_at(b, cut);
            if (f.kind != FOLD_WIDE || f.len != 1)
                fail_msg("U+%x cut to %zu: %d %d", (unsigned)c, cut, f.kind,
                         f.len);
        }
    }
}

static void is_canonical(const char *in, const char *want)
{
    struct ts_buf b;

    ts_buf_init(&b, 1000);
    assert_int_equal(canon_text(ts_str_of(in), &b), TS_OK);
    if (b.len != strlen(want) || memcmp(ts_buf_bytes(&b), want, b.len) != 0)
        fail_msg("%s is \"%.*s\"", in, (int)b.len,
                 (const char *)ts_buf_bytes(&b));
    ts_buf_done(&b);
}

static void what_hides_a_value_is_not_in_its_canonical_form(void **state)
{
    (void)state;
    is_canonical("Evil.Example/", "evil.example");
    is_canonical("https://evil[.]example/", "evil.example");
    is_canonical("hXXps://evil(DOT)example", "evil.example");
    is_canonical("evil[dot]example (.)", "evil.example .");
    is_canonical("evil[do]example[.", "evil[do]example[.");
    is_canonical("ev\xc2\xadil\xe2\x80\x8b.exam\xef\xbb\xbfple",
                 "evil.example");
    is_canonical("evil\xe3\x80\x82"
                 "example evil\xef\xbc\x8e"
                 "example",
                 "evil.example evil.example");
    is_canonical("\xef\xbc\xa5\xef\xbd\x96il\xef\xbd\xa1"
                 "example",
                 "evil.example");
    is_canonical("a \xe2\x80\x8b b", "a b");
    is_canonical("\xe2\x80\x8b \xe2\x80\x8b", "");
    is_canonical("r\xc3\xa9sum\xc3\xa9 \xd0\xb5vil",
                 "r\xc3\xa9sum\xc3\xa9 \xd0\xb5vil");
}

static void any_bytes_in_memory_that_ends_with_them(void **state)
{
    static const char sample[] = "[dot](DOT)[.\xef\xbc\xa5\xe3\x80\x82\xf3\xa0"
                                 "\x80\x81\xc2\xad\xff\xe2\x80";

    (void)state;
    for (size_t n = 1; n < sizeof(sample); n++)
        for (int flip = 0; flip < 8; flip++) {
            char *copy = ts_mem_alloc(n);
            size_t at = 0;

            assert_non_null(copy);
            memcpy(copy, sample, n);
            copy[n - 1] = (char)(copy[n - 1] ^ 1 << flip);
            while (at < n) {
                struct fold f = fold_at(copy + at, n - at);

                assert_true(f.len > 0 && f.len <= n - at);
                at += f.len;
            }
            ts_mem_free(copy);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_character_is_taken_as_the_page_says),
        cmocka_unit_test(what_hides_a_value_is_not_in_its_canonical_form),
        cmocka_unit_test(any_bytes_in_memory_that_ends_with_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
