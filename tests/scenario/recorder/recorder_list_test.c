/* What is revoked, and who may read what: log.sock, LIST and tenant_operators;
 * a journal that is older than the log. */
#include "tests/lib/ts_test.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "rig.h"

#define FOR_EVER UINT64_MAX

static struct rig rig;
static char out[4 << 20];

static int setup(void **state)
{
    (void)state;
    rig_init(&rig);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_done(&rig);
    return 0;
}

static size_t count(const char *text)
{
    size_t n = 0;

    for (const char *p = out; (p = strstr(p, text)) != NULL; p++)
        n++;
    return n;
}

static int ls(const char *a, const char *b, const char *c)
{
    const char *words[] = {"revocations", "ls", "--socket", rig.socket, a, b, c,
                           NULL};

    return rig_cli(out, sizeof(out), words);
}

static void settle(void)
{
    uint64_t id;

    rig_barrier(&rig, 1);
    assert_int_equal(rig_hop(&rig, &id), HOP_BARRIER);
}

static void list_tells_the_newest_of_each_target(void **state)
{
    (void)state;
    rig_start(&rig);
    assert_int_equal(ls(NULL, NULL, NULL), 0);
    assert_non_null(strstr(out, "nothing is revoked"));
    rig_revoke(&rig, "acme", "coder", 1763769600, FOR_EVER);
    rig_revoke(&rig, "acme", "planner", 1763769601, FOR_EVER);
    rig_revoke(&rig, "beta", "coder", 1763769602, FOR_EVER);
    rig_revoke(&rig, "acme", "coder", 1763769609, FOR_EVER);
    rig_revoke(&rig, "acme", "old", 5, 6); /* its time has passed */
    settle();
    assert_int_equal(ls("--json", NULL, NULL), 0);
    assert_int_equal(count("\n"), 3);
    assert_int_equal(count("\"target\":\"coder\""), 2);
    assert_int_equal(count("1763769600,"), 0);
    assert_int_equal(count("\"cutoff\":1763769609,\"kept_until\":null"), 1);
    assert_int_equal(ls("--json", "--tenant", "beta"), 0);
    assert_int_equal(count("\n"), 1);
    assert_int_equal(count("\"tenant\":\"beta\""), 1);
    assert_int_equal(ls("--json", "--kind", "grant"), 0);
    assert_string_equal(out, "");
    assert_int_equal(ls("--kind", "agents", NULL), 2);
    assert_int_equal(ls("--tenant", "a b", NULL), 1);
}

static void list_rows_are_escaped(void **state)
{
    (void)state;
    rig_start(&rig);
    rig_revoke(&rig, "acme", "coder", 1763769600, 1999999999);
    settle();
    assert_int_equal(ls(NULL, NULL, NULL), 0);
    assert_int_equal(count("\n"), 2);
    assert_non_null(strstr(out, "2025-11-22T00:00:00Z"));
    assert_non_null(strstr(out, "2033-05-18T03:33:19Z"));
    assert_non_null(strstr(out, "coder"));
    assert_null(strchr(out, '\033')); /* neither the reason's nor a colour */
}

/* The same list before and after restarts, and while more comes than a window
 * holds. */
static void list_of_many_survives_a_kill(void **state)
{
    char agent[16];

    (void)state;
    rig_start(&rig);
    for (uint32_t n = 0; n < 5000; n++) {
        (void)snprintf(agent, sizeof(agent), "a%u", n % 2500);
        rig_revoke(&rig, n % 2 == 0 ? "acme" : "beta", agent, 1000 + n,
                   FOR_EVER);
    }
    settle();
    for (int life = 0; life < 2; life++) {
        assert_int_equal(ls("--json", NULL, NULL), 0);
        assert_int_equal(count("\n"), 2500);
        assert_int_equal(ls("--json", "--tenant", "acme"), 0);
        assert_int_equal(count("\n"), 1250);
        assert_int_equal(count("\"cutoff\":3498,"), 0);
        assert_int_equal(count("\"cutoff\":5998,"), 1);
        rig_kill(&rig);
        rig_start(&rig);
    }
}

static int connect_log(void)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    memcpy(a.sun_path, rig.socket, strlen(rig.socket) + 1);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    return fd;
}

/* Clients that ask and never read: nothing waits for them, and a journal that
 * is compacted meanwhile is listed whole. */
static void list_slow_readers_hold_nothing_up(void **state)
{
    static const char list_all[] = "\0\0\0\x04\x0a\x92\x01\xa0";
    char agent[16];
    int slow[8];

    (void)state;
    rig_start(&rig);
    for (uint32_t n = 0; n < 9000; n++) {
        (void)snprintf(agent, sizeof(agent), "a%u", n % 3000);
        rig_revoke(&rig, "acme", agent, 1000 + n, FOR_EVER);
    }
    settle();
    for (int i = 0; i < 8; i++) {
        slow[i] = connect_log();
        assert_int_equal(send(slow[i], list_all, sizeof(list_all) - 1, 0),
                         sizeof(list_all) - 1);
    }
    for (uint32_t n = 0; n < 9000; n++) {
        (void)snprintf(agent, sizeof(agent), "a%u", n % 3000);
        rig_revoke(&rig, "acme", agent, 20000 + n, FOR_EVER);
    }
    settle();
    assert_int_equal(ls("--json", NULL, NULL), 0);
    assert_int_equal(count("\n"), 3000);
    for (int i = 0; i < 8; i++)
        (void)close(slow[i]);
    assert_int_equal(rig_drain(&rig), 0);
}

static void operator_of_a_tenant_reads_that_tenant_only(void **state)
{
    const char *tail[] = {"tail", "--socket", rig.socket, "-n", "0",
                          "-o",   "json",     NULL,       NULL, NULL};

    (void)state;
    rig.operator_of = "beta";
    rig_start(&rig);
    rig_revoke(&rig, "acme", "coder", 1, FOR_EVER);
    rig_revoke(&rig, "beta", "coder", 2, FOR_EVER);
    for (uint32_t n = 0; n < 40; n++)
        rig_denial(&rig, n, 10); /* acme and beta in turn */
    settle();
    rig_settle(&rig);
    assert_int_equal(ls("--json", NULL, NULL), 0);
    assert_int_equal(count("\n"), 1);
    assert_int_equal(count("\"beta\""), 1);
    assert_int_equal(ls("--json", "--tenant", "beta"), 0);
    assert_int_equal(count("\n"), 1);
    assert_int_equal(ls("--json", "--tenant", "acme"), 1);
    assert_string_equal(out, "");
    assert_int_equal(rig_cli(out, sizeof(out), tail), 0);
    assert_int_equal(count("\n"), 20);
    assert_int_equal(count("\"tenant\":\"beta\""), 20);
    tail[4] = "7"; /* the last of its own lines, not of all */
    assert_int_equal(rig_cli(out, sizeof(out), tail), 0);
    assert_int_equal(count("\"tenant\":\"beta\""), 7);
    tail[7] = "--tenant";
    tail[8] = "acme";
    assert_int_equal(rig_cli(out, sizeof(out), tail), 1);
    assert_string_equal(out, "");
}

static void stranger_reads_nothing(void **state)
{
    const char *tail[] = {"tail", "--socket", rig.socket, NULL};

    (void)state;
    rig.operator_of = "none-of-ours";
    rig_start(&rig);
    rig_denial(&rig, 1, 10);
    rig_revoke(&rig, "acme", "coder", 1, FOR_EVER);
    settle();
    assert_int_equal(rig_cli(out, sizeof(out), tail), 0);
    assert_string_equal(out, "");
    assert_int_equal(ls("--json", NULL, NULL), 0);
    assert_string_equal(out, "");
}

static int connected(void)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    (void)snprintf(to.sun_path, sizeof(to.sun_path), "%s", rig.socket);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    return fd;
}

/* The fifth of one uid is closed at once; those before it still may ask. */
static void operator_of_a_tenant_takes_few_places(void **state)
{
    int fds[5];
    char byte;

    (void)state;
    rig.operator_of = "beta";
    rig_start(&rig);
    for (size_t i = 0; i < 5; i++)
        fds[i] = connected();
    assert_int_equal(read(fds[4], &byte, 1), 0);
    assert_int_equal(recv(fds[3], &byte, 1, MSG_DONTWAIT), -1);
    for (size_t i = 0; i < 5; i++)
        (void)close(fds[i]);
}

/* ---- T23: an older copy of the journal ----------------------------------- */

static size_t copy_journal(char *to, size_t cap, bool back, size_t len)
{
    char path[160];
    ssize_t n;
    int fd;

    (void)snprintf(path, sizeof(path), "%s/state.journal", rig.state);
    fd = open(path,
              back ? O_WRONLY | O_TRUNC | O_CLOEXEC : O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    n = back ? write(fd, to, len) : read(fd, to, cap);
    (void)close(fd);
    assert_true(n > 0);
    return (size_t)n;
}

/* Whole records missing at the end, before and after rotations of the log, and
 * after a kill; only --init-state goes on with it. */
static void T23_journal_older_than_the_log_is_refused(void **state)
{
    static char old[1 << 20];

    (void)state;
    for (uint32_t later = 0; later < 200; later += 99) {
        size_t len;

        rig_done(&rig);
        rig_init(&rig);
        rig.segment_bytes = 65536;
        rig_start(&rig);
        rig_revoke(&rig, "acme", "coder", 1, FOR_EVER);
        settle();
        len = copy_journal(old, sizeof(old), false, 0);
        rig_revoke(&rig, "acme", "planner", 2, FOR_EVER);
        settle();
        for (uint32_t n = 0; n < 1 + later; n++)
            rig_denial(&rig, n, 1000); /* 200: three segments */
        rig_settle(&rig);
        if (later == 99)
            assert_int_equal(rig_drain(&rig), 0);
        else
            rig_kill(&rig);
        (void)copy_journal(old, sizeof(old), true, len);
        assert_true(rig_start_refused(&rig) > 0);
        assert_true(rig_start_refused(&rig) > 0);
        rig.init_state = true;
        rig_start(&rig);
        assert_int_equal(ls("--json", NULL, NULL), 0);
        assert_int_equal(count("coder"), 1); /* what is there is kept */
        rig_revoke(&rig, "acme", "planner", 3, FOR_EVER);
        settle();
        assert_int_equal(rig_drain(&rig), 0);
        rig.init_state = false;
        rig_start(&rig); /* the log has taken note */
        assert_int_equal(rig_drain(&rig), 0);
        rig_verify(&rig, true);
    }
}

/* A pod that is made anew has a new name and no state: the log of the old one
 * does not hold it back. All of a state gone under the old name does. */
static void T23_journal_of_another_sidecar_is_not_compared(void **state)
{
    static const char *const names[] = {"state.journal", "state.key",
                                        "state.marker"};

    (void)state;
    rig_start(&rig);
    rig_revoke(&rig, "acme", "coder", 1, FOR_EVER);
    rig_denial(&rig, 1, 10);
    settle();
    assert_int_equal(rig_drain(&rig), 0);
    for (size_t i = 0; i < 3; i++) {
        char path[160];

        (void)snprintf(path, sizeof(path), "%s/%s", rig.state, names[i]);
        assert_int_equal(unlink(path), 0);
    }
    assert_true(rig_start_refused(&rig) > 0);
    rig.sidecar = "test/sidecar-2";
    rig_start(&rig);
    assert_int_equal(rig_drain(&rig), 0);
    rig_verify(&rig, true);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(list_tells_the_newest_of_each_target),
        T(list_rows_are_escaped),
        T(list_of_many_survives_a_kill),
        T(list_slow_readers_hold_nothing_up),
        T(operator_of_a_tenant_reads_that_tenant_only),
        T(operator_of_a_tenant_takes_few_places),
        T(stranger_reads_nothing),
        T(T23_journal_older_than_the_log_is_refused),
        T(T23_journal_of_another_sidecar_is_not_compared),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
