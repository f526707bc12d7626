/* Reading of .jsonl: every line once, mistakes refused wherever they are cut.
 */
#include <fcntl.h>
#include <lzma.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/replay/lines.h"
#include "proto/base/ts_fd.h"
#include "tests/lib/ts_test.h"

static const char three[] = "{\"n\":1}\n\n{\"n\":2}\r\n{\"n\":3}";

struct seen {
    size_t count, last_line;
    json_int_t sum;
};

static bool note(void *ctx, json_t *o, const char *path, size_t line)
{
    struct seen *s = ctx;

    (void)path;
    s->count++;
    s->last_line = line;
    s->sum += json_integer_value(json_object_get(o, "n"));
    return true;
}

static bool read_bytes(const char *end, const void *p, size_t len,
                       struct seen *ret)
{
    char dir[] = "/tmp/tipstaff-lines.XXXXXX", path[64];
    bool ok;
    int fd;

    *ret = (struct seen){.count = 0};
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/x.jsonl%s", dir, end);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(ts_fd_write_all(fd, p, len), TS_OK);
    ts_fd_close(&fd);
    ok = lines_each(path, note, ret);
    (void)unlink(path);
    (void)rmdir(dir);
    return ok;
}

static void every_object_comes_once(void **state)
{
    struct seen s;

    (void)state;
    assert_true(read_bytes("", three, sizeof(three) - 1, &s));
    assert_int_equal(s.count, 3);
    assert_int_equal(s.sum, 6);
    assert_int_equal(s.last_line, 4);
}

static void compressed_is_the_same_and_every_cut_is_refused(void **state)
{
    uint8_t out[1024];
    size_t len = 0;
    struct seen s;

    (void)state;
    assert_int_equal(lzma_easy_buffer_encode(
                         6, LZMA_CHECK_CRC32, NULL, (const uint8_t *)three,
                         sizeof(three) - 1, out, &len, sizeof(out)),
                     LZMA_OK);
    assert_true(read_bytes(".xz", out, len, &s));
    assert_int_equal(s.count, 3);
    for (size_t n = 0; n < len; n++)
        assert_false(read_bytes(".xz", out, n, &s));
}

/* In two streams that are cut inside of a line, and with a mark at the start.
 */
static void streams_follow_each_other_and_a_mark_is_passed_over(void **state)
{
    static const char marked[] = "\xef\xbb\xbf{\"n\":1}\r\n{\"n\":2}\r\n";
    const size_t cut = 12, all = sizeof(marked) - 1;
    uint8_t out[1024];
    size_t len = 0;
    struct seen s;

    (void)state;
    assert_true(read_bytes("", marked, all, &s));
    assert_int_equal(s.sum, 3);
    assert_int_equal(lzma_easy_buffer_encode(6, LZMA_CHECK_CRC32, NULL,
                                             (const uint8_t *)marked, cut, out,
                                             &len, sizeof(out)),
                     LZMA_OK);
    assert_int_equal(lzma_easy_buffer_encode(6, LZMA_CHECK_NONE, NULL,
                                             (const uint8_t *)marked + cut,
                                             all - cut, out, &len, sizeof(out)),
                     LZMA_OK);
    assert_true(read_bytes(".xz", out, len, &s));
    assert_int_equal(s.count, 2);
    assert_int_equal(s.sum, 3);
    /* only at the start */
    assert_false(read_bytes("", "{}\n\xef\xbb\xbf{}\n", 9, &s));
}

static void what_is_no_object_is_refused(void **state)
{
    static const char *const wrong[] = {"[]\n", "{\"a\":1,\"a\":2}\n", "{\n",
                                        "{}{}\n", "\xff\n"};
    struct seen s;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_false(read_bytes("", wrong[i], strlen(wrong[i]), &s));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_object_comes_once),
        cmocka_unit_test(compressed_is_the_same_and_every_cut_is_refused),
        cmocka_unit_test(streams_follow_each_other_and_a_mark_is_passed_over),
        cmocka_unit_test(what_is_no_object_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
