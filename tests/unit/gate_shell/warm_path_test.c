/*
 * A decision on an established session, from the frame to the bytes of the
 * answer: no allocation, no public-key operation, one record (performance
 * goals G9). The gate is real but for its sockets' peers and its clock.
 */
#include <dlfcn.h>
#include <sodium.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fixture.h"
#include "proto/base/ts_buf.h"
#include "proto/base/ts_fd.h"
#include "proto/msg/client.h"
#include "proto/wire/mp_write.h"
#include "sidecar/gate/gate_uv.h"
#include "sidecar/gate/revocation/revoke.h"
#include "sidecar/gate/session.h"
#include "sidecar/gate/wire/conn_uv.h"
#include "tests/lib/fault_mem.h"
#include "tests/lib/ts_test.h"

static unsigned public_key_ops;

/* In front of the library's own, which do the work. */
int crypto_sign_verify_detached(const unsigned char *sig,
                                const unsigned char *m, unsigned long long mlen,
                                const unsigned char *pk)
{
    int (*real)(const unsigned char *, const unsigned char *,
                unsigned long long, const unsigned char *) = NULL;
    void *found = dlsym(RTLD_NEXT, "crypto_sign_verify_detached");

    memcpy(&real, &found, sizeof(real));
    public_key_ops++;
    return real(sig, m, mlen, pk);
}

int crypto_sign_detached(unsigned char *sig, unsigned long long *siglen,
                         const unsigned char *m, unsigned long long mlen,
                         const unsigned char *sk)
{
    int (*real)(unsigned char *, unsigned long long *, const unsigned char *,
                unsigned long long, const unsigned char *) = NULL;
    void *found = dlsym(RTLD_NEXT, "crypto_sign_detached");

    memcpy(&real, &found, sizeof(real));
    public_key_ops++;
    return real(sig, siglen, m, mlen, sk);
}

struct bench {
    struct fixture f;
    struct gate *g;
    struct client *c;
    struct ring_reader reader;
    struct ts_buf frame;
    int peer; /* the shim's end */
    uint32_t records;
};

static struct bench b; /* one test at a time; large */

static void drain_ring(void)
{
    static uint8_t entry[TS_RING_ENTRY_MAX];
    uint32_t kind;
    size_t len;

    while (ring_next(&b.reader, entry, sizeof(entry), &kind, &len) == TS_OK) {
        assert_int_equal(kind, RING_RECORD);
        b.records++;
    }
    ring_release(&b.reader);
}

static int setup(void **state)
{
    static const uint8_t hash[TRUST_HASH_LEN];
    const struct tenant_evidence people = {.seq = 1,
                                           .hash = hash,
                                           .issued = FIX_NOW_S,
                                           .not_after = FIX_NOW_S + 86400};
    struct tenant_state *tenant;
    int pair[2], memfd, wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

    (void)state;
    memset(&b, 0, sizeof(b));
    fix_init(&b.f);
    fix_add_starter(&b.f, "acme", KEY_ISSUER, KEY_CODER);
    fix_load_ok(&b.f);
    assert_int_equal(gate_new(&b.g), TS_OK);
    assert_int_equal(gate_loop_init(b.g), TS_OK);
    assert_int_equal(ring_create(&memfd), TS_OK);
    assert_int_equal(ring_writer_open(memfd, dup(wake), &b.g->ring), TS_OK);
    assert_int_equal(ring_reader_open(memfd, wake, &b.reader), TS_OK);
    ts_fd_close(&memfd);
    ring_state_set(&b.reader, RING_OK);
    b.g->snapshot = b.f.snapshot;
    b.g->settings.launchers = 1;
    assert_int_equal(socketpair(AF_UNIX,
                                SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
                                pair),
                     0);
    b.peer = pair[1];
    b.g->now = b.f.now;
    b.g->now_is_read = true;
    assert_int_equal(client_new(b.g, pair[0], -1, 1000, 1001, 42, &b.c), TS_OK);
    b.c->core.state = CONN_READY;
    b.c->authority = fix_authority(&b.f, &fix_alice);
    b.c->checked_epoch = b.g->revoked.epoch;
    b.c->checked_serial = b.g->snapshot_serial;
    clock_guard_start(&b.g->guard, 0, b.f.now.boot_ns, FIX_NOW_S * 1000);
    assert_int_equal(
        tenant_states_get(&b.g->states, b.c->authority->tenant, &tenant),
        TS_OK);
    assert_int_equal(tenant_state_directory(tenant, &people, 0, b.f.now),
                     TS_OK);
    b.c->tenant = tenant;
    b.c->expires_ns = UINT64_MAX;
    assert_int_equal(call_ids_open(&b.g->ids, b.c->authority->tenant,
                                   b.c->authority->delegation->grant_id,
                                   b.c->authority->delegation->expires,
                                   FIX_NOW_S, &b.c->ids),
                     TS_OK);
    ts_buf_init(&b.frame, TS_FRAME_HEAD + TS_FRAME_MAX);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    client_event(b.c, CONN_EV_FAULT);
    (void)uv_run(&b.g->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&b.g->loop), 0); /* no handle was left */
    ring_writer_done(&b.g->ring);
    ring_reader_done(&b.reader);
    b.g->snapshot = NULL; /* the fixture's */
    gate_free(b.g);
    ts_buf_done(&b.frame);
    ts_fd_close(&b.peer);
    fix_done(&b.f);
    return 0;
}

/* Feeds the frame that b.frame holds, ends the turn, takes the answer, in
 * which the code must stand. */
static enum client_type one_turn(const char *code)
{
    static uint8_t answer[TS_FRAME_HEAD + TS_FRAME_MAX];
    struct frame f;
    size_t used;
    ssize_t n;

    assert_int_equal(frame_parse(ts_buf_bytes(&b.frame), b.frame.len,
                                 TS_FRAME_MAX, &f, &used),
                     TS_OK);
    b.g->now_is_read = true; /* the fixture's time */
    assert_int_equal(session_frame(b.c, &f), TS_OK);
    clients_flush(b.g);
    n = recv(b.peer, answer, sizeof(answer), MSG_DONTWAIT);
    assert_true(n > TS_FRAME_HEAD);
    assert_non_null(memmem(answer, (size_t)n, code, strlen(code)));
    drain_ring();
    return (enum client_type)answer[4];
}

static void put_call(uint64_t seq, const char *tool, const char *args)
{
    uint8_t raw[512];
    struct msg_call m = {.seq = seq, .tool = ts_str_of(tool)};

    m.args =
        (struct ts_bytes){.ptr = raw, .len = fix_args(args, raw, sizeof(raw))};
    memcpy(m.call_id, &seq, sizeof(seq));
    ts_buf_clear(&b.frame);
    assert_int_equal(msg_call_send(&b.frame, &m), TS_OK);
}

static void check_denials(const char *tool, const char *args, const char *code,
                          uint32_t warm)
{
    const uint32_t measured = 1000;
    uint64_t seq = 1;

    for (uint32_t i = 0; i < warm; i++) {
        put_call(seq++, tool, args);
        assert_int_equal(one_turn(code), MSG_DECISION);
    }
    public_key_ops = 0;
    b.records = 0;
    for (uint32_t i = 0; i < measured; i++) {
        put_call(seq++, tool, args);
        fault_mem_arm(0, true); /* the first allocation would fail */
        assert_int_equal(one_turn(code), MSG_DECISION);
        assert_false(fault_mem_fired());
        fault_mem_disarm();
    }
    assert_int_equal(public_key_ops, 0);
    assert_int_equal(b.records, measured);
    assert_int_equal(b.g->stats.denials, warm + measured);
}

static void calls_on_call_warm_denial_allocates_nothing(void **state)
{
    (void)state;
    skip_with_faults();
    /* fs.read of a secret: every policy set is evaluated */
    check_denials("fs.read", "path=secret/key", "forbidden",
                  2 * TS_CALL_IDS_MAX);
}

static void calls_on_call_warm_unknown_tool_allocates_nothing(void **state)
{
    (void)state;
    skip_with_faults();
    check_denials("no.such", "path=a", "tool_unknown", 2 * TS_CALL_IDS_MAX);
}

static void put_check(uint64_t seq, const char *tool, const char *args)
{
    uint8_t raw[512], items[1024];
    struct msg_check m = {.seq = seq, .count = 1};
    struct mp_writer w;
    size_t n = fix_args(args, raw, sizeof(raw));

    mp_writer_init(&w, items, sizeof(items));
    mp_write_array(&w, 1);
    mp_write_array(&w, 2);
    mp_write_cstr(&w, tool);
    mp_write_raw(&w, raw, n);
    m.items.ptr = items;
    assert_int_equal(mp_written(&w, &m.items.len), TS_OK);
    ts_buf_clear(&b.frame);
    assert_int_equal(msg_check_send(&b.frame, &m), TS_OK);
}

/* Also what callgrind counts: --toggle-collect=calls_on_check */
static void calls_on_check_warm_permit_allocates_nothing(void **state)
{
    const uint32_t warm = 100, measured = 1000;

    (void)state;
    skip_with_faults();
    for (uint32_t i = 0; i < warm + measured; i++) {
        put_check(i + 1, "fs.read", "path=docs/notes.txt");
        if (i >= warm)
            fault_mem_arm(0, true); /* the first allocation would fail */
        assert_int_equal(one_turn("permitted"), MSG_CHECKED);
        assert_false(fault_mem_fired());
        if (i >= warm)
            fault_mem_disarm();
    }
    assert_int_equal(b.records, warm + measured);
    assert_int_equal(b.g->stats.checks, warm + measured);
}

static void session_authority_sees_every_change(void **state)
{
    const struct delegation *d = b.c->authority->delegation;
    const struct ts_bytes grant = {.ptr = d->grant_id,
                                   .len = sizeof(d->grant_id)};
    const struct ts_bytes other = {.ptr = (const uint8_t *)"0123456789abcdef",
                                   .len = 16};

    (void)state;
    assert_int_equal(session_authority(b.c), CODE_PERMITTED);
    b.c->expires_ns = b.f.now.boot_ns;
    assert_int_equal(session_authority(b.c), CODE_EXPIRED);
    b.c->expires_ns = b.f.now.boot_ns + 1;
    assert_int_equal(session_authority(b.c), CODE_PERMITTED);
    assert_int_equal(revocations_add(&b.g->revoked, REVOCATION_GRANT,
                                     TS_STR_LIT("acme"), other, 0, UINT64_MAX,
                                     0),
                     TS_OK);
    assert_int_equal(session_authority(b.c), CODE_PERMITTED);
    assert_int_equal(b.c->checked_epoch, b.g->revoked.epoch);
    assert_int_equal(revocations_add(&b.g->revoked, REVOCATION_GRANT,
                                     TS_STR_LIT("acme"), grant, 0, UINT64_MAX,
                                     0),
                     TS_OK);
    assert_int_equal(session_authority(b.c), CODE_REVOKED);
    assert_int_equal(session_authority(b.c), CODE_REVOKED); /* and stays so */
}

static struct revoke_request request(const char *user, uint64_t cutoff)
{
    return (struct revoke_request){
        .kind = REVOCATION_USER,
        .tenant = TS_STR_LIT("acme"),
        .target = {(const uint8_t *)user, strlen(user)},
        .cutoff = cutoff,
        .keep_until = UINT64_MAX,
        .reason = TS_STR_LIT("test"),
        .by = "operator"};
}

static uint32_t entries_of(enum ring_kind want)
{
    static uint8_t entry[TS_RING_ENTRY_MAX];
    uint32_t kind, n = 0;
    size_t len;

    while (ring_next(&b.reader, entry, sizeof(entry), &kind, &len) == TS_OK)
        n += kind == (uint32_t)want ? 1 : 0;
    ring_release(&b.reader);
    return n;
}

/* What cannot be remembered denies more, not less. */
static void revoke_apply_full_table_makes_the_tenant_stale(void **state)
{
    const struct revoke_asker nobody = {0};
    struct revoke_request r = request("mallory", 5);

    (void)state;
    b.g->revoked.max = 1;
    assert_int_equal(revoke_apply(b.g, &r, nobody), TS_OK);
    assert_int_equal(b.c->core.state, CONN_READY);
    assert_int_equal(tenant_state_code(b.c->tenant, b.f.now.boot_ns),
                     CODE_PERMITTED);
    r = request("oscar", 5);
    assert_int_equal(revoke_apply(b.g, &r, nobody), TS_OK);
    assert_int_equal(entries_of(RING_JOURNAL),
                     2); /* it is written all the same */
    assert_int_equal(b.g->revoked.count, 1);
    assert_int_equal(tenant_state_code(b.c->tenant, b.f.now.boot_ns),
                     CODE_STALE_STATE);
    assert_int_equal(b.c->core.state, CONN_DRAINING);
}

static void revoke_apply_without_news_writes_a_barrier_alone(void **state)
{
    const struct revoke_asker nobody = {0};
    struct revoke_request r = request("mallory", 5);

    (void)state;
    assert_int_equal(revoke_apply(b.g, &r, nobody), TS_OK);
    assert_int_equal(entries_of(RING_JOURNAL), 1);
    r = request("mallory", 4);
    assert_int_equal(revoke_apply(b.g, &r, nobody), TS_OK);
    assert_int_equal(entries_of(RING_BARRIER), 1);
    assert_int_equal(b.g->rev_seq, 1);
    r.kind = REVOCATION_GRANT; /* no grant has a name of seven bytes */
    assert_int_equal(revoke_apply(b.g, &r, nobody), TS_E_INVALID);
    ring_state_set(&b.reader, RING_STOPPED);
    r = request("oscar", 5);
    assert_int_equal(revoke_apply(b.g, &r, nobody), TS_E_STATE);
    assert_int_equal(b.g->revoked.count, 1);
}

/* Holders and feeds leave half of the places to operators. */
static void revoke_ready_keeps_room_for_operators(void **state)
{
    const struct revoke_asker nobody = {0};
    uint32_t n = 0;

    (void)state;
    assert_int_equal(uv_timer_init(&b.g->loop, &b.g->retry), 0);
    b.g->retry.data = b.g;
    while (revoke_ready(b.g, false) == TS_OK && n < GATE_JOBS) {
        struct revoke_request r = request("mallory", ++n);

        assert_int_equal(revoke_apply(b.g, &r, nobody), TS_OK);
    }
    assert_int_equal(n, GATE_JOBS / 2);
    assert_int_equal(revoke_ready(b.g, false), TS_E_AGAIN);
    assert_int_equal(revoke_ready(b.g, true), TS_OK);
    uv_close((uv_handle_t *)&b.g->retry, NULL);
}

static void questions_of_what_waits_for_people(void **state)
{
    static const uint8_t id[16] = {7}, other[16] = {8};
    const struct revoke_asker nobody = {0};
    struct revoke_request r = request("bob", 100);
    struct ts_str acme = TS_STR_LIT("acme"), bob = TS_STR_LIT("bob");

    (void)state;
    r.kind = REVOCATION_APPROVER;
    assert_int_equal(revoke_apply(b.g, &r, nobody), TS_OK);
    r.target = (struct ts_bytes){id, sizeof(id)};
    r.cutoff = 0;
    for (int kind = REVOCATION_ESCALATION; kind <= REVOCATION_SESSION; kind++) {
        r.kind = (enum revocation_kind)kind;
        assert_int_equal(revoke_apply(b.g, &r, nobody), TS_OK);
    }
    assert_true(revoked_approver(b.g, acme, bob, 100));
    assert_false(revoked_approver(b.g, acme, bob, 101));
    assert_false(revoked_approver(b.g, TS_STR_LIT("beta"), bob, 100));
    assert_true(revoked_escalation(b.g, acme, id));
    assert_false(revoked_escalation(b.g, acme, other));
    assert_true(revoked_decision(b.g, acme, id));
    assert_false(revoked_decision(b.g, acme, other));
    assert_true(revoked_session(b.g, acme, id));
    assert_false(revoked_session(b.g, acme, other));
}

/* Each of these is asked with every call, and says so in its own word. */
static void calls_on_call_asks_for_freshness_and_clock(void **state)
{
    struct tenant_state *t =
        tenant_states_find(&b.g->states, b.c->authority->tenant);

    (void)state;
    tenant_state_vanish(t);
    put_call(1, "fs.read", "path=secret/key");
    assert_int_equal(one_turn("not_ready"), MSG_DECISION);
    t->has_directory = true; /* as of one that is too old */
    put_call(2, "fs.read", "path=secret/key");
    assert_int_equal(one_turn("stale_state"), MSG_DECISION);
    t->until_ns = UINT64_MAX;
    put_call(3, "fs.read", "path=secret/key");
    assert_int_equal(one_turn("forbidden"), MSG_DECISION);
    b.g->guard.state = CLOCK_GUARD_ROLLED_BACK;
    put_call(4, "fs.read", "path=secret/key");
    assert_int_equal(one_turn("not_ready"), MSG_DECISION);
    b.g->guard.state = CLOCK_GUARD_SUSPECT; /* who is in may go on */
    put_call(5, "fs.read", "path=secret/key");
    assert_int_equal(one_turn("forbidden"), MSG_DECISION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            calls_on_call_warm_denial_allocates_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(
            calls_on_call_warm_unknown_tool_allocates_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(
            calls_on_check_warm_permit_allocates_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(session_authority_sees_every_change,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            revoke_apply_full_table_makes_the_tenant_stale, setup, teardown),
        cmocka_unit_test_setup_teardown(
            revoke_apply_without_news_writes_a_barrier_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(revoke_ready_keeps_room_for_operators,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(questions_of_what_waits_for_people,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            calls_on_call_asks_for_freshness_and_clock, setup, teardown),
    };

    return cmocka_run_group_tests_name("warm_path", tests, NULL, NULL);
}
