/* log.sock and what operators type. */
#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "rig.h"

static struct rig rig;
static char out[4 << 20];

static int setup(void **state)
{
    (void)state;
    rig_init(&rig);
    rig.segment_bytes = 65536;
    rig_start(&rig);
    for (uint32_t n = 0; n < 400; n++)
        rig_denial(&rig, n, 500);
    rig_settle(&rig);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_done(&rig);
    return 0;
}

static size_t lines(void)
{
    size_t n = 0;

    for (const char *p = out; (p = strchr(p, '\n')) != NULL; p++)
        n++;
    return n;
}

static size_t tail_lines(const char *a, const char *b, const char *c,
                         const char *d)
{
    const char *words[] = {"tail", "--socket", rig.socket, "-o", "json",
                           a,      b,          c,          d,    NULL};

    assert_int_equal(rig_cli(out, sizeof(out), words), 0);
    return lines();
}

static void tail_gives_the_last_lines(void **state)
{
    (void)state;
    assert_int_equal(tail_lines(NULL, NULL, NULL, NULL), 10);
    assert_non_null(strstr(out, "8f010000d0d0")); /* 399 */
    assert_null(strstr(out, "85010000d0d0"));     /* 389 */
    assert_int_equal(tail_lines("-n", "37", NULL, NULL), 37);
    assert_int_equal(tail_lines("-n", "100000", NULL, NULL),
                     tail_lines("-n", "0", NULL, NULL));
    assert_true(lines() > 401); /* start and segment lines too */
}

static void tail_filters(void **state)
{
    (void)state;
    assert_int_equal(tail_lines("-n", "0", "--tenant", "acme"), 200);
    assert_null(strstr(out, "\"beta\""));
    assert_int_equal(tail_lines("-n", "5", "--tenant", "beta"), 5);
    assert_non_null(strstr(out, "8f010000d0d0"));
    assert_int_equal(tail_lines("-n", "0", "--agent", "planner"), 134);
    assert_int_equal(tail_lines("-n", "0", "--effect", "permit"), 0);
    assert_int_equal(tail_lines("-n", "0", "--effect", "forbid"), 400);
    assert_true(tail_lines("--since", "1h", NULL, NULL) > 400);
    assert_int_equal(tail_lines("--since", "2999-01-01T00:00:00Z", NULL, NULL),
                     0);
}

static void tail_rows_are_readable(void **state)
{
    const char *words[] = {"tail", "--socket", rig.socket, NULL};

    (void)state;
    assert_int_equal(rig_cli(out, sizeof(out), words), 0);
    assert_int_equal(lines(), 10);
    assert_non_null(strstr(out, "forbid"));
    assert_non_null(strstr(out, "fs.read"));
    assert_null(strchr(out, '\033')); /* no terminal, no colour */
}

static void log_show_finds_one_decision(void **state)
{
    const char *words[] = {"log", "show", "8f010000d0d0", rig.log, NULL};

    (void)state;
    assert_int_equal(rig_cli(out, sizeof(out), words), 0);
    assert_non_null(strstr(out, "decision 8f010000d0d0d0d0"));
    assert_non_null(strstr(out, "nothing was launched"));
    words[2] = "ffffffff";
    assert_int_equal(rig_cli(out, sizeof(out), words), 1);
    words[2] = "xyz";
    assert_int_equal(rig_cli(out, sizeof(out), words), 2);
}

static int connect_tail(void)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    memcpy(a.sun_path, rig.socket, strlen(rig.socket) + 1);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    return fd;
}

/* [1, true, 0, 0, "", "", "", 0] as a frame of type TAIL (6) */
static const char follow_all[] = "\0\0\0\x09\x06\x98\x01\xc3\0\0\xa0\xa0\xa0\0";

/* A client that never reads holds nothing up. */
static void slow_reader_holds_nothing_up(void **state)
{
    int slow[20];
    uint64_t id;

    (void)state;
    for (int i = 0; i < 20; i++) {
        slow[i] = connect_tail();
        assert_int_equal(send(slow[i], follow_all, sizeof(follow_all) - 1, 0),
                         sizeof(follow_all) - 1);
    }
    for (uint32_t n = 1000; n < 3000; n++)
        rig_denial(&rig, n, 2000);
    rig_launch(&rig, 5000);
    assert_int_equal(rig_hop(&rig, &id), HOP_ORDER);
    rig_outcome(&rig, 5000, "exited");
    assert_int_equal(tail_lines("-n", "3", NULL, NULL), 3);
    for (int i = 0; i < 20; i++)
        (void)close(slow[i]);
    assert_int_equal(rig_drain(&rig), 0);
    rig_verify(&rig, true);
}

static void follower_gets_new_lines(void **state)
{
    static char got[1 << 20];
    int fd = connect_tail();
    size_t len = 0;

    (void)state;
    assert_int_equal(send(fd, follow_all, sizeof(follow_all) - 1, 0),
                     sizeof(follow_all) - 1);
    for (uint32_t n = 7000; n < 7010; n++)
        rig_denial(&rig, n, 10);
    rig_settle(&rig);
    for (;;) { /* 7009 is 0x1b61 */
        ssize_t n = recv(fd, got + len, sizeof(got) - len, 0);

        assert_true(n > 0);
        len += (size_t)n;
        if (memmem(got, len, "611b0000d0d0", 12) != NULL)
            break;
    }
    (void)close(fd);
    assert_int_equal(rig_drain(&rig), 0);
}

/* Whatever is sent instead of a request: an answer or a closed connection, and
 * the recorder goes on. */
static void bad_requests_are_refused(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
    } bad[] = {{"\xff\xff\xff\xff\x06", 5},
               {"\0\0\0\x01\x06\x91", 6},
               {"\0\0\0\x01\x01\x90", 6},
               {"\0\0\0\x00\x06", 5},
               {"GET / HTTP/1.0\r\n\r\n", 18},
               {"\0\0\0\x09\x06\x98\x01\xc3\0\0\xa0\xa0\xa1X\0", 14}};
    char buf[1024];

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        int fd = connect_tail();
        ssize_t n;

        assert_int_equal(send(fd, bad[i].bytes, bad[i].len, 0),
                         (ssize_t)bad[i].len);
        while ((n = recv(fd, buf, sizeof(buf), 0)) > 0)
            ;
        (void)close(fd);
    }
    assert_int_equal(tail_lines("-n", "3", NULL, NULL), 3);
    assert_int_equal(rig_drain(&rig), 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(tail_gives_the_last_lines),    T(tail_filters),
        T(tail_rows_are_readable),       T(log_show_finds_one_decision),
        T(slow_reader_holds_nothing_up), T(follower_gets_new_lines),
        T(bad_requests_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
