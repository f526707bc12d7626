/* What a tool can do to a terminal: nothing. */
#include <string.h>

#include "proto/base/ts_str.h"
#include "shim/cli/tty_text.h"
#include "tests/lib/ts_test.h"

#define MOST 512

static void expect(const char *in, size_t len, const char *want)
{
    for (size_t piece = 1; piece <= len + 1; piece++) {
        struct tty_text t = {.len = 0};
        char out[TTY_TEXT_ROOM(MOST)];
        size_t n = 0;

        for (size_t at = 0; at < len; at += piece) {
            size_t k = len - at < piece ? len - at : piece;

            n += tty_text(&t, (const uint8_t *)in + at, k, out + n);
        }
        n += tty_text_end(&t, out + n);
        assert_int_equal(n, strlen(want));
        assert_memory_equal(out, want, n);
    }
}

static void tty_text_in_any_pieces_is_readable_and_harmless(void **state)
{
    static const struct {
        const char *in, *want;
    } rows[] = {
        {"", ""},
        {"plain \\ text \"x\"\n\ttab\n", "plain \\ text \"x\"\n\ttab\n"},
        {"caf\xc3\xa9 \xe6\xbc\xa2 \xf0\x9f\x94\x91",
         "caf\xc3\xa9 \xe6\xbc\xa2 \xf0\x9f\x94\x91"},
        {"\033[2J\033]0;x\007", "\\x1b[2J\\x1b]0;x\\x07"},
        {"50%\r99%\b\b", "50%\\r99%\\x08\\x08"},
        {"\x7f\x80\x9b", "\\x7f\\x80\\x9b"},
        {"a\xc3", "a\\xc3"},
        {"\xe6\xbc|\xf0\x9f\x94\n", "\\xe6\\xbc|\\xf0\\x9f\\x94\n"},
        {"\xe6\xc3\xa9", "\\xe6\xc3\xa9"},
        {"\xc0\xaf\xff", "\\xc0\\xaf\\xff"},
        {"\xed\xa0\x80", "\\xed\\xa0\\x80"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        expect(rows[i].in, strlen(rows[i].in), rows[i].want);
}

/* All pairs of bytes: valid UTF-8 without control characters comes out. */
static void tty_text_every_pair_of_bytes_is_made_harmless(void **state)
{
    (void)state;
    for (unsigned v = 0; v < 65536; v++) {
        const uint8_t in[2] = {(uint8_t)(v >> 8), (uint8_t)v};
        char out[TTY_TEXT_ROOM(2) + TTY_TEXT_ROOM(0)];
        struct tty_text t = {.len = 0};
        size_t n = tty_text(&t, in, 2, out);

        assert_true(n <= TTY_TEXT_ROOM(2));
        n += tty_text_end(&t, out + n);
        assert_true(ts_utf8_valid(out, n));
        for (size_t i = 0; i < n; i++) {
            uint8_t c = (uint8_t)out[i];

            assert_true(c == '\n' || c == '\t' || (c >= 0x20 && c != 0x7f));
            assert_false(c == 0xc2 && (uint8_t)out[i + 1] < 0xa0); /* C1 */
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tty_text_in_any_pieces_is_readable_and_harmless),
        cmocka_unit_test(tty_text_every_pair_of_bytes_is_made_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
