/* The bytes in docs/PROTOCOL.md, section 4, are those that the encoder makes.
 */
#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <string.h>

#include "proto/msg/client.h"
#include "proto/wire/frame.h"

#define INDENT  4  /* columns before the hex */
#define HEX_END 42 /* first column of the words beside it */

static char doc[1 << 17];

/* The hex after "Example NAME:" up to the next line that is not indented. */
static size_t example(const char *name, uint8_t *out, size_t cap)
{
    char title[64];
    const char *at;
    size_t n = 0;

    (void)snprintf(title, sizeof(title), "\nExample %s:\n\n", name);
    at = strstr(doc, title);
    if (at == NULL)
        fail_msg("docs/PROTOCOL.md has no example %s", name);
    at += strlen(title);
    while (strncmp(at, "    ", INDENT) == 0) {
        const char *end = strchr(at, '\n');

        for (const char *p = at + INDENT;
             p + 1 < end && p < at + HEX_END && p[0] != ' '; p += 3) {
            assert_true(n < cap);
            assert_int_equal(ts_hex_decode(p, 2, out + n, 1), TS_OK);
            n++;
        }
        at = end + 1;
    }
    return n;
}

static void same(const char *name, const struct ts_buf *made)
{
    uint8_t bytes[512];
    size_t n = example(name, bytes, sizeof(bytes));

    assert_int_equal(n, made->len);
    assert_memory_equal(bytes, ts_buf_bytes(made), n);
}

static void example_call_is_what_is_sent(void **state)
{
    static const uint8_t args[] = "\x81\xa4path\xa9notes.txt";
    struct msg_call m = {.seq = 1,
                         .tool = TS_STR_LIT("fs.read"),
                         .args = {.ptr = args, .len = sizeof(args) - 1},
                         .provenance = {TS_STR_LIT("web")},
                         .provenance_count = 1};
    struct ts_buf out;

    (void)state;
    for (uint8_t i = 0; i < 16; i++)
        m.call_id[i] = i;
    ts_buf_init(&out, 4096);
    assert_int_equal(msg_call_send(&out, &m), TS_OK);
    same("CALL", &out);
    ts_buf_done(&out);
}

static void example_answers_are_what_is_sent(void **state)
{
    static const uint8_t data[] = "buy milk\n";
    struct msg_decision d = {.seq = 1,
                             .verdict = VERDICT_PERMIT,
                             .code = TS_STR_LIT("permitted"),
                             .text = TS_STR_LIT("permitted")};
    struct msg_output o = {.seq = 1,
                           .stream = STREAM_STDOUT,
                           .data = {.ptr = data, .len = sizeof(data) - 1}};
    struct msg_result r = {.seq = 1,
                           .reason = TS_STR_LIT("exited"),
                           .code = TS_STR_LIT("permitted"),
                           .stdout_bytes = 9,
                           .wall_us = 2500,
                           .ref = TS_STR_LIT("call-1")};
    struct ts_buf out;

    (void)state;
    for (uint8_t i = 0; i < 16; i++)
        d.decision_id[i] = (uint8_t)(0xa0 + i);
    ts_buf_init(&out, 4096);
    assert_int_equal(msg_decision_send(&out, &d), TS_OK);
    same("DECISION", &out);
    ts_buf_clear(&out);
    assert_int_equal(msg_output_send(&out, &o), TS_OK);
    same("OUTPUT", &out);
    ts_buf_clear(&out);
    assert_int_equal(msg_result_send(&out, &r), TS_OK);
    same("RESULT", &out);
    ts_buf_done(&out);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(example_call_is_what_is_sent),
        cmocka_unit_test(example_answers_are_what_is_sent),
    };
    FILE *f = fopen(argc > 1 ? argv[1] : "docs/PROTOCOL.md", "re");

    if (f == NULL || fread(doc, 1, sizeof(doc) - 1, f) == 0)
        return 1;
    (void)fclose(f);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
