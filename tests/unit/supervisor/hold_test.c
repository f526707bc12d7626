/* What is read of other services and users, and two holds of one process's
 * range. What becomes of services: tests/scenario/supervisor/hold_test.py. */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sidecar/supervisor/hold.h"
#include "tests/lib/ts_test.h"

static void lock_lines_of_that_device_are_read_and_no_others(void **state)
{
    static const struct {
        const char *line;
        bool is_one;
        uint32_t first, count;
        long pid;
    } cases[] = {
        {"1: POSIX  ADVISORY  READ 14766 00:04:4026531836 60578 61183\n", true,
         60578, 606, 14766},
        {"12: POSIX  ADVISORY  WRITE 7 00:04:1 0 EOF\n", true, 0, UINT32_MAX,
         7},
        {"1: POSIX  ADVISORY  READ 7 00:04:1 5 99999999999\n", true, 5,
         UINT32_MAX - 5, 7},
        {"1: POSIX  ADVISORY  READ 7 00:04:99999999999 5 5\n", true, 5, 1, 7},
        {"1: POSIX  ADVISORY  READ 7 00:04:1 99999999999 EOF\n", false, 0, 0,
         0},
        {"1: POSIX  ADVISORY  READ 7 00:05:1 1 2\n", false, 0, 0, 0},
        {"1: POSIX  ADVISORY  READ 7 00:041:1 1 2\n", false, 0, 0, 0},
        {"1: OFDLCK ADVISORY  READ -1 00:04:1 1 2\n", false, 0, 0, 0},
        {"1: FLOCK  ADVISORY  WRITE 7 00:04:1 0 EOF\n", false, 0, 0, 0},
        {"1: -> POSIX  ADVISORY  READ 7 00:04:1 1 2\n", false, 0, 0, 0},
        {"1: POSIX  ADVISORY  READ 7 00:04:1 2 1\n", false, 0, 0, 0},
        {"1: POSIX  ADVISORY  READ 7 00:04:1 2\n", false, 0, 0, 0},
        {"", false, 0, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct hold_range r = {0};
        long pid = 0;

        assert_int_equal(hold_lock_parse(cases[i].line, "00:04", &r, &pid),
                         cases[i].is_one);
        assert_int_equal(r.first, cases[i].first);
        assert_int_equal(r.count, cases[i].count);
        assert_int_equal(pid, cases[i].pid);
    }
}

static void lines_that_are_cut_off_are_no_lines(void **state)
{
    static const char line[] = "1: POSIX  ADVISORY  READ 7 00:04:1 10 22\n";
    char part[sizeof(line)];

    (void)state;
    for (size_t n = 0; n + 1 < sizeof(line) - 1; n++) {
        struct hold_range r = {0};
        long pid = 0;

        memcpy(part, line, n);
        part[n] = '\0';
        assert_false(hold_lock_parse(part, "00:04", &r, &pid));
        assert_int_equal(r.count, 0);
    }
}

static void users_and_their_subordinates_are_read(void **state)
{
    struct hold_range r = {0};

    (void)state;
    assert_true(hold_passwd_parse("a:x:1000:7::/:/bin/sh\n", &r));
    assert_int_equal(r.first, 1000);
    assert_int_equal(r.count, 1);
    assert_true(hold_subuid_parse("a:100000:65536\n", &r));
    assert_int_equal(r.first, 100000);
    assert_int_equal(r.count, 65536);
    assert_true(hold_subuid_parse("a:5:1", &r)); /* the last line */
    assert_int_equal(r.first, 5);
    assert_true(hold_subuid_parse("a:4294967295:1\n", &r));
    r = (struct hold_range){1, 2};
    assert_false(hold_subuid_parse("a:4294967295:2\n", &r));
    assert_false(hold_subuid_parse("a:5:0\n", &r));
    assert_false(hold_subuid_parse("a:5\n", &r));
    assert_false(hold_subuid_parse("a:-5:7\n", &r));
    assert_false(hold_passwd_parse("+::::::\n", &r));
    assert_false(hold_passwd_parse("a:x:99999999999:7:::\n", &r));
    assert_false(hold_passwd_parse("a:x\n", &r));
    assert_int_equal(r.first, 1); /* untouched */
}

/* Only root's hold counts for others; the range is nobody's. */
static void another_process_gets_no_part_and_a_trial_gets_others(void **state)
{
    const struct hold_range mine = {1900000000, 100}, part = {1900000099, 1},
                            beside = {1900000100, 100};
    struct hold h = {.fd = -1}, other = {.fd = -1};
    struct hold_range got = {0};
    char text[HOLD_TEXT] = "";
    int status = 0;
    pid_t pid;

    (void)state;
    if (getuid() != 0) {
        (void)puts("SKIPPED: not root");
        return;
    }
    assert_int_equal(hold_take(mine, &h, text), TS_OK);
    pid = fork();
    if (pid == 0) {
        int bad = hold_take(part, &other, text) != TS_E_DENIED ||
                  strstr(text, "1900000000-1900000099 are held") == NULL;

        bad |= hold_some(mine, &other, &got, text) != TS_OK || text[0] == '\0';
        bad |= got.count != 100 || got.first == mine.first;
        hold_done(&other);
        bad |= hold_some(beside, &other, &got, text) != TS_OK ||
               text[0] != '\0' || got.first != beside.first;
        _exit(bad);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    hold_done(&h);
    assert_int_equal(h.fd, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lock_lines_of_that_device_are_read_and_no_others),
        cmocka_unit_test(lines_that_are_cut_off_are_no_lines),
        cmocka_unit_test(users_and_their_subordinates_are_read),
        cmocka_unit_test(another_process_gets_no_part_and_a_trial_gets_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
