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
#include "sidecar/gate/conn_uv.h"
#include "sidecar/gate/gate_uv.h"
#include "sidecar/gate/session.h"
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
    /* fs.read of a secret: every policy set is evaluated */
    check_denials("fs.read", "path=secret/key", "forbidden",
                  2 * TS_CALL_IDS_MAX);
}

static void calls_on_call_warm_unknown_tool_allocates_nothing(void **state)
{
    (void)state;
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
    };

    return cmocka_run_group_tests_name("warm_path", tests, NULL, NULL);
}
