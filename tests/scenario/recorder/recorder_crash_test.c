/* Death of the gate, of the recorder, and what the next start makes of it. */
#include "tests/lib/ts_test.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/wire/mp_read.h"
#include "rig.h"

static struct rig rig;

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

/* A launcher that takes orders and does nothing. */
static pid_t idle_launcher(void)
{
    pid_t pid = fork();
    uint8_t hop[4096];

    if (pid == 0) {
        while (recv(rig.launcher, hop, sizeof(hop), 0) > 0)
            ;
        _exit(0);
    }
    return pid;
}

/* A child plays the gate; what it committed before SIGKILL is in the log. */
static void killed_gate_loses_nothing_committed(void **state)
{
    int told[2];
    uint32_t committed = 0;
    pid_t gate, launcher;

    (void)state;
    rig_start(&rig);
    launcher = idle_launcher();
    assert_int_equal(pipe2(told, O_CLOEXEC), 0);
    gate = fork();
    if (gate == 0) {
        for (uint32_t n = 0;; n++) {
            if (n % 10 == 3)
                rig_launch(&rig, n);
            else
                rig_denial(&rig, n, n % 700);
            if (write(told[1], &n, sizeof(n)) != (ssize_t)sizeof(n))
                _exit(1);
        }
    }
    (void)close(told[1]);
    for (int i = 0; i < 5000; i++)
        assert_int_equal(read(told[0], &committed, 4), 4);
    (void)kill(gate, SIGKILL);
    (void)waitpid(gate, NULL, 0);
    while (read(told[0], &committed, 4) == 4)
        ;
    (void)close(told[0]);
    assert_int_equal(rig_drain(&rig), 0);
    assert_int_equal(waitpid(launcher, NULL, 0), launcher);
    assert_true(rig_count(&rig, "\"kind\":\"decision\"") >= committed + 1);
    assert_true(rig_count(&rig, "\"kind\":\"decision\"") <= committed + 2);
    assert_true(rig_count(&rig, "\"reason\":\"lost\"") >= committed / 10);
    rig_verify(&rig, true);
}

/* While draining nothing is launched any more. */
static void drain_voids_launches(void **state)
{
    uint64_t id;
    int keep;

    (void)state;
    rig_start(&rig);
    (void)kill(rig.pid, SIGSTOP);
    for (uint32_t n = 0; n < 5; n++)
        rig_launch(&rig, n);
    keep = dup(rig.launcher);
    /* The recorder looks at the ring before it hears DRAIN, or after: either
     * way no launch is left without an end. */
    (void)kill(rig.pid, SIGCONT);
    assert_int_equal(rig_drain(&rig), 0);
    rig.launcher = keep;
    while (!rig_no_hop(&rig)) {
        enum hop_type t;
        uint8_t b;

        if (recv(rig.launcher, &b, 1, MSG_PEEK | MSG_DONTWAIT) <= 0)
            break;
        t = rig_hop(&rig, &id);
        assert_true(t == HOP_ORDER || t == HOP_VOID);
    }
    (void)close(rig.launcher);
    rig.launcher = -1;
    assert_int_equal(rig_count(&rig, "\"reason\":\"lost\""), 5);
    rig_verify(&rig, true);
}

/* A launcher that hangs: what is in the ring is still written and ended. */
static void stuck_launcher_ends_in_order(void **state)
{
    (void)state;
    rig_start(&rig);
    for (uint32_t n = 0; n < 1500; n++)
        rig_launch(&rig, n);
    assert_int_equal(rig_wait(&rig), 1);
    assert_int_equal(rig_count(&rig, "\"kind\":\"decision\""), 1500);
    assert_int_equal(rig_count(&rig, "\"reason\":\"lost\""), 1500);
    assert_int_equal(rig_count(&rig, "\"reason\":\"launcher_stuck\""), 1);
    rig_verify(&rig, true);
}

static void killed_recorder_continues_the_chain(void **state)
{
    uint64_t id;

    (void)state;
    rig.segment_bytes = 65536;
    for (uint32_t life = 0; life < 6; life++) {
        uint32_t base = life * 1000;

        rig_start(&rig);
        for (uint32_t n = 0; n < 5; n++) {
            rig_launch(&rig, base + n);
            assert_int_equal(rig_hop(&rig, &id), HOP_ORDER);
            assert_int_equal(id, base + n + 1);
        }
        rig_outcome(&rig, base + 2, "exited");
        for (uint32_t n = 5; n < 100; n++)
            rig_denial(&rig, base + n, 900);
        rig_settle(&rig);
        rig_kill(&rig);
    }
    rig_start(&rig);
    assert_int_equal(rig_drain(&rig), 0);
    assert_int_equal(rig_count(&rig, "\"reason\":\"lost\""), 6 * 4);
    assert_int_equal(rig_count(&rig, "\"kind\":\"decision\""), 600);
    rig_verify(&rig, true);
}

/* Path and size of the newest segment. */
static off_t newest(char path[160])
{
    static const char cmp[] = "log-";
    struct stat st = {0};

    path[0] = '\0';
    for (uint32_t seq = 1; seq < 100; seq++) {
        char p[160];

        (void)snprintf(p, sizeof(p), "%s/%s%020u.jsonl", rig.log, cmp, seq);
        if (access(p, F_OK) == 0)
            (void)snprintf(path, 160, "%s", p);
    }
    assert_int_equal(stat(path, &st), 0);
    return st.st_size;
}

/* The last line torn at every byte, then a restart. */
static void torn_last_line_is_cut_and_told(void **state)
{
    char path[160];

    (void)state;
    for (off_t cut = 1; cut < 260; cut += 7) {
        off_t size;

        rig_done(&rig);
        rig_init(&rig);
        rig_start(&rig);
        rig_denial(&rig, 1, 10);
        rig_denial(&rig, 2, 10);
        rig_settle(&rig);
        rig_kill(&rig);
        size = newest(path);
        assert_int_equal(truncate(path, size - cut), 0);
        rig_start(&rig);
        assert_int_equal(rig_drain(&rig), 0);
        assert_int_equal(rig_count(&rig, "\"kind\":\"truncation\""), 1);
        rig_verify(&rig, true);
    }
}

static void changed_log_refuses_to_start(void **state)
{
    char path[160], byte = '~';
    int fd;

    (void)state;
    rig_start(&rig);
    for (uint32_t n = 0; n < 20; n++)
        rig_denial(&rig, n, 10);
    assert_int_equal(rig_drain(&rig), 0);
    rig_verify(&rig, true);
    (void)newest(path);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_int_equal(pwrite(fd, &byte, 1, 1000), 1);
    (void)close(fd);
    rig_verify(&rig, false);
    assert_true(rig_start_refused(&rig) > 0);
}

/* Revocations come back, in order, to the supervisor at the next start. */
static void journal_survives_kill(void **state)
{
    static uint8_t buf[65536];
    uint64_t id;
    char text[16];

    (void)state;
    rig_start(&rig);
    for (uint32_t n = 0; n < 30; n++) {
        (void)snprintf(text, sizeof(text), "revoke-%u", n);
        rig_revocation(&rig, text);
    }
    rig_barrier(&rig, 1);
    assert_int_equal(rig_hop(&rig, &id), HOP_BARRIER); /* so it is durable */
    rig_kill(&rig);
    rig_start(&rig);
    {
        struct mp_reader r;
        ssize_t len = pread(rig.journal, buf, sizeof(buf), 0);

        assert_true(len > 0);
        mp_reader_init(&r, buf, (size_t)len);
        mp_read_tuple(&r, 2);
        assert_int_equal(mp_read_uint(&r, 9), 1);
        assert_int_equal(mp_read_array(&r, 1000), 30);
        for (uint32_t n = 0; n < 30; n++) {
            struct ts_bytes p;
            int m = snprintf(text, sizeof(text), "revoke-%u", n);

            mp_read_tuple(&r, 4);
            assert_int_equal(mp_read_uint(&r, 9), JOURNAL_REVOCATION);
            assert_true(ts_str_eq_c(mp_read_str(&r, 9), "acme"));
            assert_true(mp_read_uint(&r, UINT64_MAX) == UINT64_MAX);
            p = mp_read_bin(&r, 100);
            assert_int_equal(p.len, m);
            assert_memory_equal(p.ptr, text, (size_t)m);
        }
        assert_int_equal(mp_done(&r), TS_OK);
    }
    assert_true((fcntl(rig.journal, F_GET_SEALS) & F_SEAL_WRITE) != 0);
    assert_int_equal(rig_drain(&rig), 0);
}

static void lost_journal_refuses_to_start(void **state)
{
    char path[160];

    (void)state;
    rig_start(&rig);
    rig_revocation(&rig, "x");
    assert_int_equal(rig_drain(&rig), 0);
    (void)snprintf(path, sizeof(path), "%s/state.journal", rig.state);
    assert_int_equal(unlink(path), 0);
    assert_true(rig_start_refused(&rig) > 0);
}

/* The supervisor goes away: the log is ended in good order. */
static void closed_control_drains(void **state)
{
    (void)state;
    rig_start(&rig);
    rig_launch(&rig, 1);
    for (uint32_t n = 2; n < 100; n++)
        rig_denial(&rig, n, 100);
    (void)close(rig.control);
    rig.control = -1;
    assert_int_equal(rig_wait(&rig), 1);
    assert_int_equal(rig_count(&rig, "\"kind\":\"decision\""), 99);
    assert_int_equal(rig_count(&rig, "\"reason\":\"lost\""), 1);
    assert_int_equal(rig_count(&rig, "\"reason\":\"orphaned\""), 1);
    rig_verify(&rig, true);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(killed_gate_loses_nothing_committed),
        T(drain_voids_launches),
        T(stuck_launcher_ends_in_order),
        T(killed_recorder_continues_the_chain),
        T(torn_last_line_is_cut_and_told),
        T(changed_log_refuses_to_start),
        T(journal_survives_kill),
        T(lost_journal_refuses_to_start),
        T(closed_control_drains),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
