#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "sidecar/supervisor/notify.h"

static int listener(const struct sockaddr_un *a, socklen_t len)
{
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)a, len), 0);
    return fd;
}

static void expect(int fd, const char *text)
{
    char buf[2048] = "";
    ssize_t n = recv(fd, buf, sizeof(buf) - 1, 0);

    assert_int_equal(n, (ssize_t)strlen(text));
    assert_string_equal(buf, text);
}

static void notify_send_reaches_path_and_abstract_sockets(void **state)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    char dir[] = "/tmp/ts-notify-XXXXXX", address[64];
    struct notify n;
    int fd;

    (void)state;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(a.sun_path, sizeof(a.sun_path), "%s/n", dir);
    fd = listener(&a, sizeof(a));
    assert_int_equal(notify_open(a.sun_path, NULL, NULL, 1, &n), TS_OK);
    notify_send(&n, "READY=1\nSTATUS=%s %d", "serving", 3);
    expect(fd, "READY=1\nSTATUS=serving 3");
    notify_done(&n);
    (void)close(fd);
    (void)unlink(a.sun_path);
    (void)rmdir(dir);

    (void)snprintf(address, sizeof(address), "@ts-notify-%d", (int)getpid());
    memset(a.sun_path, 0, sizeof(a.sun_path));
    memcpy(a.sun_path + 1, address + 1, strlen(address) - 1);
    fd = listener(&a, (socklen_t)(sizeof(a.sun_family) + strlen(address)));
    assert_int_equal(notify_open(address, NULL, NULL, 1, &n), TS_OK);
    notify_send(&n, "WATCHDOG=1");
    expect(fd, "WATCHDOG=1");
    notify_done(&n);
    (void)close(fd);
}

static void notify_open_without_address_does_nothing(void **state)
{
    struct notify n;

    (void)state;
    assert_int_equal(notify_open(NULL, "1000000", "1", 1, &n), TS_OK);
    assert_int_equal(n.sock, -1);
    assert_int_equal(n.watchdog_ms, 0);
    notify_send(&n, "READY=1");
    notify_done(&n);
}

static void notify_open_bad_addresses_are_refused(void **state)
{
    char longer[200];
    const char *const bad[] = {"", "/", "@", "relative", longer};
    struct notify n = {.sock = 77};

    (void)state;
    memset(longer, 'x', sizeof(longer) - 1);
    longer[0] = '/';
    longer[sizeof(longer) - 1] = '\0';
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(notify_open(bad[i], NULL, NULL, 1, &n), TS_E_INVALID);
    assert_int_equal(n.sock, 77);
    assert_int_not_equal(notify_open("/nonexistent/x", NULL, NULL, 1, &n),
                         TS_OK);
}

static void notify_open_watchdog_is_half_of_what_is_asked(void **state)
{
    static const struct {
        const char *usec, *pid;
        uint64_t ms;
    } rows[] = {
        {"30000000", NULL, 15000},
        {"30000000", "42", 15000},
        {"30000000", "43", 0},
        {NULL, NULL, 0},
        {"0", NULL, 0},
        {"1000", NULL, 1},
        {"3x", NULL, 0},
        {"99999999999999999999", NULL, 0},
    };
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    char address[64];
    int fd;

    (void)state;
    (void)snprintf(address, sizeof(address), "@ts-watch-%d", (int)getpid());
    memcpy(a.sun_path + 1, address + 1, strlen(address) - 1);
    fd = listener(&a, (socklen_t)(sizeof(a.sun_family) + strlen(address)));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct notify n;

        assert_int_equal(
            notify_open(address, rows[i].usec, rows[i].pid, 42, &n), TS_OK);
        assert_int_equal(n.watchdog_ms, rows[i].ms);
        notify_done(&n);
    }
    (void)close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(notify_send_reaches_path_and_abstract_sockets),
        cmocka_unit_test(notify_open_without_address_does_nothing),
        cmocka_unit_test(notify_open_bad_addresses_are_refused),
        cmocka_unit_test(notify_open_watchdog_is_half_of_what_is_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
