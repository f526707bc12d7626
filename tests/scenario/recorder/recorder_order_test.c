/* What may go to a launcher, when, and what ends the recorder. */
#include "tests/lib/ts_test.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

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

static void hex_of(char out[33], uint32_t n)
{
    uint8_t id[16];

    rig_id(id, n);
    ts_hex_encode(out, id, 16);
}

/* When the order arrives, its record is in the file already. */
static void orders_come(bool sync)
{
    char hex[33];
    uint64_t id;

    rig.sync = sync;
    rig_start(&rig);
    for (uint32_t n = 0; n < 200; n++) {
        rig_launch(&rig, n);
        assert_int_equal(rig_hop(&rig, &id), HOP_ORDER);
        assert_int_equal(id, n + 1);
        hex_of(hex, n);
        assert_non_null(strstr(rig_log(&rig), hex));
        rig_outcome(&rig, n, "exited");
    }
    assert_int_equal(rig_drain(&rig), 0);
    assert_int_equal(rig_count(&rig, "\"kind\":\"decision\""), 200);
    assert_int_equal(rig_count(&rig, "\"kind\":\"exec_ended\""), 200);
    assert_int_equal(rig_count(&rig, "\"reason\":\"lost\""), 0);
    rig_verify(&rig, true);
}

static void order_arrives_after_its_record_is_synced(void **state)
{
    (void)state;
    orders_come(true);
}

static void order_arrives_after_its_record_is_written(void **state)
{
    (void)state;
    orders_come(false);
}

/* A barrier comes after every kill before it; a kill after its order. */
static void hops_keep_their_order(void **state)
{
    uint64_t id;

    (void)state;
    rig_start(&rig);
    for (uint32_t n = 0; n < 50; n++) {
        rig_launch(&rig, n);
        rig_denial(&rig, 1000 + n, 300);
        rig_kill_order(&rig, n);
        rig_revocation(&rig, "revoked");
        rig_barrier(&rig, 7000 + n);
    }
    for (uint32_t n = 0; n < 50; n++) {
        assert_int_equal(rig_hop(&rig, &id), HOP_ORDER);
        assert_int_equal(id, n + 1);
        assert_int_equal(rig_hop(&rig, &id), HOP_KILL);
        assert_int_equal(id, n + 1);
        assert_int_equal(rig_hop(&rig, &id), HOP_BARRIER);
        assert_int_equal(id, 7000 + n);
    }
    for (uint32_t n = 0; n < 50; n++)
        rig_outcome(&rig, n, "revoked");
    assert_int_equal(rig_drain(&rig), 0);
    rig_verify(&rig, true);
}

/* Records alone need no wake: the sleeping recorder is woken by the first, and
 * looks again by itself. */
static void records_without_wake_are_written(void **state)
{
    (void)state;
    rig_start(&rig);
    for (uint32_t n = 0; n < 3000; n++)
        rig_denial(&rig, n, n % 500);
    while (!ring_is_drained(&rig.ring))
        ; /* no rig_settle(): that would wake it */
    assert_int_equal(rig_count(&rig, "\"kind\":\"decision\""), 3000);
    assert_int_equal(rig_drain(&rig), 0);
    rig_verify(&rig, true);
}

static void rotation_keeps_chain_and_open_launches(void **state)
{
    uint64_t id;

    (void)state;
    rig.segment_bytes = 65536;
    rig_start(&rig);
    rig_launch(&rig, 90000);
    assert_int_equal(rig_hop(&rig, &id), HOP_ORDER);
    for (uint32_t n = 0; n < 600; n++) {
        rig_denial(&rig, n, 1000);
        if (n % 50 == 0)
            rig_settle(&rig); /* a batch is never split */
    }
    rig_settle(&rig);
    rig_outcome(&rig, 90000, "exited");
    assert_int_equal(rig_drain(&rig), 0);
    assert_true(rig_count(&rig, "\"kind\":\"segment\"") >= 3);
    rig_verify(&rig, true);
}

/* Everything that a gate may not do ends the recorder, with what came before
 * written, and nothing launched. */
static void expect_stop(void)
{
    assert_true(rig_wait(&rig) > 0);
    assert_int_equal(rig_count(&rig, "\"kind\":\"decision\""), 1);
}

static void hostile_record(const void *body, size_t len, enum ring_kind kind)
{
    rig_done(&rig);
    rig_init(&rig);
    rig_start(&rig);
    rig_denial(&rig, 1, 10);
    rig_raw(&rig, kind, body, len);
    ring_wake(&rig.ring);
    expect_stop();
}

static void broken_entries_stop_the_recorder(void **state)
{
    uint8_t d[1024], o[512], body[2048];
    struct ring_launch l = {.record = {.ptr = d}, .order = {.ptr = o}};
    size_t n, len;

    (void)state;
    hostile_record("\xc1", 1, RING_RECORD);
    hostile_record("\x80", 1, RING_RECORD);
    hostile_record("", 0, RING_LAUNCH);
    hostile_record("abc", 3, (enum ring_kind)77);
    /* a decision with an order, but not in a launch */
    n = rig_decision(d, sizeof(d), 5, "permit", 6, 0);
    hostile_record(d, n, RING_RECORD);
    /* launches whose record does not fit: other id, other order, forbidden */
    for (int i = 0; i < 4; i++) {
        l.launcher = i == 3 ? 1 : 0; /* there is no launcher 1 */
        l.record.len =
            rig_decision(d, sizeof(d), i == 0 ? 8 : 9,
                         i == 2 ? "forbid" : "permit", i == 1 ? 99 : 10, 0);
        l.order.len = rig_order(o, sizeof(o), 9);
        assert_int_equal(ring_launch_encode(&l, body, sizeof(body), &len),
                         TS_OK);
        hostile_record(body, len, RING_LAUNCH);
    }
}

static void broken_ring_stops_the_recorder(void **state)
{
    uint64_t head = 4;

    (void)state;
    rig_start(&rig);
    rig_denial(&rig, 1, 10);
    rig_settle(&rig);
    memcpy(rig.ring.shared, &head, sizeof(head));
    ring_wake(&rig.ring);
    expect_stop();
}

/* A full disk: the launch becomes VOID, the outcome is recorded, denials go on,
 * and with room again so do launches. */
static void full_disk_voids_launches_and_recovers(void **state)
{
    char filler[128];
    static char block[65536];
    uint64_t id;
    uint32_t n = 0;
    int fd;

    (void)state;
    if (mount("tmpfs", rig.log, "tmpfs", 0, "size=16m") != 0) {
        print_message("SKIPPED: no right to mount a tmpfs\n");
        return;
    }
    rig.mount_options = "size=16m";
    rig.reserve_bytes = 2u << 20;
    rig_start(&rig);
    (void)snprintf(filler, sizeof(filler), "%s/filler", rig.log);
    fd = open(filler, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    while (write(fd, block, sizeof(block)) > 0)
        ;
    while (ring_state_read(&rig.ring) == RING_OK) {
        rig_denial(&rig, n++, 2000);
        rig_settle(&rig);
        assert_true(n < 10000);
    }
    assert_int_equal(ring_state_read(&rig.ring), RING_NO_SPACE);
    rig_launch(&rig, 50000);
    assert_int_equal(rig_hop(&rig, &id), HOP_VOID);
    assert_int_equal(id, 50001);
    rig_outcome(&rig, 50000, "refused");
    rig_denial(&rig, n++, 100);
    rig_settle(&rig);
    (void)close(fd);
    assert_int_equal(unlink(filler), 0);
    while (ring_state_read(&rig.ring) != RING_OK)
        (void)usleep(1000); /* it looks once a second */
    rig_launch(&rig, 50002);
    assert_int_equal(rig_hop(&rig, &id), HOP_ORDER);
    rig_outcome(&rig, 50002, "exited");
    assert_int_equal(rig_drain(&rig), 0);
    rig_verify(&rig, true);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(order_arrives_after_its_record_is_synced),
        T(order_arrives_after_its_record_is_written),
        T(hops_keep_their_order),
        T(records_without_wake_are_written),
        T(rotation_keeps_chain_and_open_launches),
        T(broken_entries_stop_the_recorder),
        T(broken_ring_stops_the_recorder),
        T(full_disk_voids_launches_and_recovers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
