/*
 * Break-glass with every allocation failing, in a gate that is real but for its
 * loop: what scenario.gate_breakglass cannot make fail.
 */
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "fixture.h"
#include "proto/base/ts_buf.h"
#include "proto/base/ts_fd.h"
#include "proto/trust/escalation.h"
#include "sidecar/common/ring/ring.h"
#include "sidecar/gate/asking/breakglass.h"
#include "sidecar/gate/gate_uv.h"
#include "tests/lib/fault_mem.h"
#include "tests/lib/ts_test.h"

#define DIRFILE "tenants/acme/directory.yaml"
#define UID     4242u

struct world {
    struct fixture f;
    struct gate *g;
    struct ring_reader reader;
    struct ts_buf object;
    uint32_t records, entries; /* that the ring has given */
};
static struct world w;

/* Two who may sign, and a forbid that may be lifted. */
static void add_people(void)
{
    char text[512], keys[2][65];

    fix_pk_hex(KEY_APPROVER, keys[0]);
    fix_pk_hex(KEY_APPROVER_2, keys[1]);
    (void)snprintf(text, sizeof(text),
                   "  - {id: carol, status: active}\n"
                   "approvers:\n"
                   "  - {person: bob, status: active, key: %s, "
                   "classes: [four-eyes]}\n"
                   "  - {person: carol, status: active, key: %s, "
                   "classes: [four-eyes]}\n"
                   "agents:\n",
                   keys[0], keys[1]);
    fix_edit(&w.f, DIRFILE, "agents:\n", text);
    fix_set(&w.f, "tenants/acme/policies/hard/90-freeze.cedar",
            "@id(\"freeze\")\n@breakglass(\"\")\n"
            "forbid (principal, action, resource) "
            "when { context.tool == \"fs.none\" };\n");
}

static void sign(const struct ts_buf *body, unsigned which)
{
    struct escalation_object o;
    struct trust_secret key;
    struct ts_buf next;
    uint8_t sig[TRUST_SIG_LEN], kid[TRUST_KID_LEN];
    const struct ts_bytes signed_body = {ts_buf_bytes(body), body->len};

    fix_secret(which, &key);
    trust_kid(key.pk, kid);
    ts_buf_init(&next, ESCALATION_MAX);
    assert_int_equal(
        escalation_split(
            (struct ts_bytes){ts_buf_bytes(&w.object), w.object.len}, &o),
        TRUST_OK);
    assert_int_equal(escalation_sign(signed_body, &key, sig), TS_OK);
    assert_int_equal(
        escalation_join(&o, kid, (struct ts_bytes){sig, sizeof(sig)}, &next),
        TS_OK);
    ts_buf_clear(&w.object);
    assert_int_equal(ts_buf_append(&w.object, ts_buf_bytes(&next), next.len),
                     TS_OK);
    ts_buf_done(&next);
    trust_secret_done(&key);
}

static void sign_one(void)
{
    const struct escalation e = {
        .id = {0xe5},
        .tenant = TS_STR_LIT("acme"),
        .user = TS_STR_LIT("alice"),
        .agent = TS_STR_LIT("coder"),
        .task = TS_STR_LIT("t1"),
        .policies = TS_STR_LIT("permit (principal, action, resource) when { "
                               "context.tool == \"fs.delete\" };"),
        .lifts = {TS_STR_LIT("freeze")},
        .lift_count = 1,
        .nbf = FIX_NOW_S - 10,
        .exp = FIX_NOW_S + 600,
        .max_uses = 3,
        .reason = TS_STR_LIT("production is down"),
        .incident = TS_STR_LIT("INC-17")};
    struct escalation_object o = {.sig_count = 0};
    struct ts_buf body;

    ts_buf_init(&body, ESCALATION_BODY_MAX);
    ts_buf_init(&w.object, ESCALATION_MAX);
    assert_int_equal(escalation_body(&e, &body), TS_OK);
    o.body = (struct ts_bytes){ts_buf_bytes(&body), body.len};
    assert_int_equal(
        escalation_join(&o, NULL, (struct ts_bytes){NULL, 0}, &w.object),
        TS_OK);
    sign(&body, KEY_APPROVER);
    sign(&body, KEY_APPROVER_2);
    ts_buf_done(&body);
}

static void make_gate(void)
{
    static const uint8_t hash[TRUST_HASH_LEN];
    const struct tenant_evidence people = {.seq = 1,
                                           .hash = hash,
                                           .issued = FIX_NOW_S,
                                           .not_after = FIX_NOW_S + 86400};
    int memfd, wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct tenant_state *tenant;

    assert_int_equal(gate_new(&w.g), TS_OK);
    assert_int_equal(ring_create(&memfd), TS_OK);
    assert_int_equal(ring_writer_open(memfd, dup(wake), &w.g->ring), TS_OK);
    assert_int_equal(ring_reader_open(memfd, wake, &w.reader), TS_OK);
    ts_fd_close(&memfd);
    ring_state_set(&w.reader, RING_OK);
    w.g->snapshot = w.f.snapshot;
    w.g->settings.launchers = 1;
    w.g->settings.admin_uid_count = 1;
    w.g->settings.admin_uids[0] = UID;
    w.g->now = w.f.now;
    w.g->now_is_read = true;
    clock_guard_start(&w.g->guard, 0, w.f.now.boot_ns, FIX_NOW_S * 1000);
    assert_int_equal(
        tenant_states_get(&w.g->states, TS_STR_LIT("acme"), &tenant), TS_OK);
    assert_int_equal(tenant_state_directory(tenant, &people, 0, w.f.now),
                     TS_OK);
}

static int setup(void **state)
{
    (void)state;
    memset(&w, 0, sizeof(w));
    fix_init(&w.f);
    fix_add_starter(&w.f, "acme", KEY_ISSUER, KEY_CODER);
    add_people();
    fix_load_ok(&w.f);
    make_gate();
    sign_one();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fault_mem_disarm();
    ts_buf_done(&w.object);
    ring_writer_done(&w.g->ring);
    ring_reader_done(&w.reader);
    w.g->snapshot = NULL; /* the fixture's */
    gate_free(w.g);
    fix_done(&w.f);
    return 0;
}

static void drain_ring(void)
{
    static uint8_t entry[TS_RING_ENTRY_MAX];
    uint32_t kind;
    size_t len;

    while (ring_next(&w.reader, entry, sizeof(entry), &kind, &len) == TS_OK) {
        w.records += kind == (uint32_t)RING_RECORD ? 1 : 0;
        w.entries += kind == (uint32_t)RING_JOURNAL ? 1 : 0;
    }
    ring_release(&w.reader);
}

static bool activate(struct breakglass_reply *r)
{
    const struct ts_bytes object = {ts_buf_bytes(&w.object), w.object.len};

    assert_int_equal(breakglass_activate(w.g, UID, object, r), TS_OK);
    drain_ring();
    return ts_str_eq_c(r->m.code, "ok");
}

/* In force, with its entry and its record; or not at all, and the one record
 * says so. */
static void check_whole_or_none(bool is_in_force)
{
    assert_int_equal(w.g->escalations.count, is_in_force ? 1 : 0);
    assert_int_equal(w.records, 1);
    assert_int_equal(w.entries, is_in_force ? 1 : 0);
    if (is_in_force)
        escalations_remove(&w.g->escalations, w.g->escalations.list);
    w.records = w.entries = 0;
    w.g->refused = (struct refusals){.slots = {{.used = false}}};
}

static void without_memory_it_is_whole_or_not_at_all(void **state)
{
    int least = 0;

    (void)state;
    for (int persistent = 0; persistent < 2; persistent++) {
        bool fired = true;

        for (int nth = 0; fired; nth++) {
            struct breakglass_reply r;
            bool ok;

            fault_mem_arm(nth, persistent == 1);
            ok = activate(&r);
            fired = fault_mem_fired();
            if (!ok)
                assert_int_equal(fault_mem_live(), 0);
            /* what one in force holds is freed by the same functions */
            check_whole_or_none(ok);
            assert_int_equal(fault_mem_live(), 0);
            fault_mem_disarm();
            assert_true(ok || (fired && ts_str_eq_c(r.m.code, "internal")));
            least = nth;
        }
        assert_true(least >= 6);
    }
}

static void without_memory_the_list_is_an_error(void **state)
{
    struct breakglass_reply r;
    bool fired = true;

    (void)state;
    assert_true(activate(&r));
    for (int nth = 0; fired; nth++) {
        struct ts_buf out;
        ts_err e;

        ts_buf_init(&out, 1u << 20);
        fault_mem_arm(nth, true);
        e = breakglass_list(w.g, UID, TS_STR_LIT(""), &out);
        fired = fault_mem_fired();
        ts_buf_done(&out);
        assert_int_equal(fault_mem_live(), 0);
        fault_mem_disarm();
        assert_int_equal(e, fired ? TS_E_NOMEM : TS_OK);
        assert_in_range(nth, 0, 100);
    }
}

/* A hundred that fail take nothing of what one that a restart interrupted needs
 * to come back. */
static void a_hundred_failures_leave_room_for_the_right_one(void **state)
{
    struct breakglass_reply r;
    struct escalated *x;
    int failed = 0, least = 0;

    (void)state;
    assert_true(activate(&r));
    x = w.g->escalations.list;
    for (int nth = 0; failed < 100; nth++) {
        int live;

        x->state = ESCALATION_INTERRUPTED;
        fault_mem_arm(nth, true);
        live = fault_mem_live();
        if (activate(&r)) { /* every failure has had its turn */
            assert_false(fault_mem_fired());
            fault_mem_disarm();
            least = nth > least ? nth : least;
            nth = -1;
            continue;
        }
        assert_int_equal(fault_mem_live(), live);
        fault_mem_disarm();
        assert_true(ts_str_eq_c(r.m.code, "internal"));
        assert_int_equal(x->state, ESCALATION_INTERRUPTED);
        failed++;
    }
    assert_true(least >= 6);
    assert_true(activate(&r));
    assert_int_equal(w.g->escalations.count, 1);
    assert_int_equal(x->state, ESCALATION_ACTIVE);
}

/* Nothing finds it any more, whatever there is memory for. */
static void without_memory_an_end_is_an_end(void **state)
{
    struct breakglass_reply r;

    (void)state;
    assert_true(activate(&r));
    escalated_end(w.g->escalations.list, ESCALATION_END_REVOKED);
    fault_mem_arm(0, true);
    assert_null(escalations_for(&w.g->escalations, TS_STR_LIT("acme"),
                                TS_STR_LIT("alice"), TS_STR_LIT("coder"),
                                TS_STR_LIT("t1"), w.f.now.boot_ns));
    fault_mem_disarm();
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(without_memory_it_is_whole_or_not_at_all),
        T(without_memory_the_list_is_an_error),
        T(a_hundred_failures_leave_room_for_the_right_one),
        T(without_memory_an_end_is_an_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
