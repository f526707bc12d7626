/* The pool of networks with loopback. */
#include "tests/lib/ts_test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "inside.h"
#include "sidecar/launcher/space/nets.h"
#include "tests/lib/fault_mem.h"

static const struct filter_key key = {{5, 6}};

static struct space_nets *make_pool(uint32_t ready)
{
    struct space_nets *n = NULL;

    assert_int_equal(space_nets_new(&key, ready, &n), TS_OK);
    return n;
}

static void tick(struct space_nets *n, uint64_t now)
{
    const char *step = NULL;
    int err = 0;

    assert_int_equal(space_nets_tick(n, now, &step, &err), TS_OK);
}

/* In the namespace; 0 or an errno. */
static int connect_in(int ns, const char *address, uint16_t port,
                      const char *text)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        int s;

        if (setns(ns, CLONE_NEWNET) != 0)
            _exit(200);
        s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (s < 0 || inet_pton(AF_INET, address, &to.sin_addr) != 1)
            _exit(201);
        if (connect(s, (const struct sockaddr *)&to, sizeof(to)) != 0)
            _exit(errno);
        _exit(send(s, text, strlen(text), 0) > 0 ? 0 : 202);
    }
    assert_true(pid > 0 && waitpid(pid, &status, 0) == pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 203;
}

/* The text that the next connection brings, or "" if none waits. */
static void accept_text(int listener, char out[16])
{
    struct pollfd in = {.fd = listener, .events = POLLIN};
    ssize_t n;
    int s;

    memset(out, 0, 16);
    if (poll(&in, 1, 0) != 1)
        return;
    s = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (s < 0)
        return;
    n = recv(s, out, 15, 0);
    (void)n;
    (void)close(s);
}

static void net_reaches_its_listener_and_nothing_else(void **state)
{
    struct space_nets *n = make_pool(1);
    struct space_net x;
    char text[16];

    (void)state;
    assert_int_equal(space_nets_take(n, &x), TS_E_AGAIN);
    tick(n, 1);
    assert_int_equal(space_nets_take(n, &x), TS_OK);
    assert_int_equal(connect_in(x.net_ns, "127.0.0.1", SPACE_NET_PORT, "hello"),
                     0);
    accept_text(x.listener, text);
    assert_string_equal(text, "hello");
    assert_int_equal(connect_in(x.net_ns, "127.0.0.1", 80, "x"), ECONNREFUSED);
    assert_int_equal(connect_in(x.net_ns, "192.0.2.1", 80, "x"), ENETUNREACH);
    (void)close(x.listener);
    space_nets_free(n);
}

/* What a dead tool left in the queue is not taken for its successor's, even if
 * the broker still has the old listener. */
static void net_that_came_back_has_an_empty_queue(void **state)
{
    struct space_nets *n = make_pool(1);
    struct space_net first, second;
    char text[16];

    (void)state;
    tick(n, 1);
    assert_int_equal(space_nets_take(n, &first), TS_OK);
    assert_int_equal(
        connect_in(first.net_ns, "127.0.0.1", SPACE_NET_PORT, "old"), 0);
    space_nets_give(n, first.index);
    accept_text(first.listener, text);
    assert_string_equal(text, "");
    assert_int_equal(space_nets_next_ns(n), 0);
    tick(n, 2); /* a new listener, no new namespace: there was no pause */
    assert_int_equal(space_nets_take(n, &second), TS_OK);
    assert_int_equal(second.index, first.index);
    accept_text(second.listener, text);
    assert_string_equal(text, "");
    assert_int_equal(
        connect_in(second.net_ns, "127.0.0.1", SPACE_NET_PORT, "new"), 0);
    accept_text(first.listener, text);
    assert_string_equal(text, "");
    accept_text(second.listener, text);
    assert_string_equal(text, "new");
    (void)close(first.listener);
    (void)close(second.listener);
    space_nets_free(n);
}

static void nets_are_made_one_at_a_time_with_a_pause(void **state)
{
    struct space_nets *n = make_pool(3);
    struct space_net x[3], more;
    uint64_t now = 1000;

    (void)state;
    for (int i = 0; i < 3; i++) {
        tick(n, now);
        tick(n, now + SPACE_NET_PAUSE_NS - 1); /* too early for another */
        assert_int_equal(space_nets_take(n, &x[i]), TS_OK);
        assert_int_equal(space_nets_take(n, &more), TS_E_AGAIN);
        assert_int_equal(space_nets_next_ns(n), now + SPACE_NET_PAUSE_NS);
        now += SPACE_NET_PAUSE_NS;
    }
    for (int i = 0; i < 3; i++) {
        (void)close(x[i].listener);
        space_nets_give(n, x[i].index);
        space_nets_give(n, x[i].index); /* twice is once */
    }
    for (int i = 0; i < 3; i++)
        tick(n, now);
    assert_int_equal(space_nets_next_ns(n), UINT64_MAX);
    space_nets_free(n);
}

/* A call that waits is not told to come back; who is not waited for keeps the
 * pause behind it. */
static void net_made_in_a_hurry_needs_no_pause_and_begins_one(void **state)
{
    struct space_nets *n = make_pool(1);
    const char *step = NULL;
    struct space_net x[2];
    int err = 0;

    (void)state;
    tick(n, 1000);
    assert_int_equal(space_nets_take(n, &x[0]), TS_OK);
    assert_int_equal(space_nets_hurry(n, 1001, &step, &err), TS_OK);
    assert_int_equal(space_nets_take(n, &x[1]), TS_OK);
    assert_int_equal(space_nets_next_ns(n), 1001 + SPACE_NET_PAUSE_NS);
    (void)close(x[0].listener);
    (void)close(x[1].listener);
    space_nets_free(n);
}

static void nets_leave_no_descriptor(void **state)
{
    int fds = count_fds();

    (void)state;
    for (int i = 0; i < 5; i++) {
        struct space_nets *n = make_pool(1);
        struct space_net x;

        tick(n, 1);
        assert_int_equal(space_nets_take(n, &x), TS_OK);
        (void)close(x.listener);
        space_nets_give(n, x.index);
        tick(n, 2);
        space_nets_free(n);
    }
    assert_int_equal(count_fds(), fds);
    assert_int_equal(count_children(), 0);
}

static ts_err new_pool(const void *arg)
{
    struct space_nets *n = NULL;
    ts_err e = space_nets_new(arg, 1, &n);

    space_nets_free(n);
    return e;
}

static void pool_without_memory_says_so(void **state)
{
    (void)state;
    fault_mem_sweep(new_pool, &key, TS_OK, 1);
}

/* The shared one: not even loopback, and nobody else's name. */
static void shared_network_is_empty(void **state)
{
    struct space_shared s;
    const char *step = NULL;
    int err = 0, fds = count_fds();

    (void)state;
    assert_int_equal(space_shared_make(&key, &s, &step, &err), TS_OK);
    assert_true(s.net_ns >= 0 && s.ipc_ns >= 0 && s.uts_ns >= 0);
    assert_int_equal(connect_in(s.net_ns, "127.0.0.1", SPACE_NET_PORT, "x"),
                     ENETUNREACH);
    assert_int_equal(connect_in(s.net_ns, "192.0.2.1", 80, "x"), ENETUNREACH);
    space_shared_done(&s);
    assert_int_equal(count_fds(), fds);
    assert_int_equal(count_children(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(net_reaches_its_listener_and_nothing_else),
        cmocka_unit_test(net_that_came_back_has_an_empty_queue),
        cmocka_unit_test(nets_are_made_one_at_a_time_with_a_pause),
        cmocka_unit_test(net_made_in_a_hurry_needs_no_pause_and_begins_one),
        cmocka_unit_test(nets_leave_no_descriptor),
        cmocka_unit_test(pool_without_memory_says_so),
        cmocka_unit_test(shared_network_is_empty),
    };

    if (!inside_possible())
        return 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
