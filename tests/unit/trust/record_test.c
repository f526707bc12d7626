/* Signed revocations and heartbeats: what they may say, and who may say it. */
#include "tests/lib/ts_test.h"

#include <string.h>

#include "proto/trust/heartbeat.h"
#include "proto/trust/revocation_record.h"
#include "proto/wire/mp_write.h"
#include "tests/lib/fault_mem.h"
#include "trust_world.h"

static struct world w;
static struct ts_buf buf;
static struct chain chain;
static struct ts_arena arena;
static struct delegation d;

static const uint8_t zero[TRUST_HASH_LEN];

static int setup(void **state)
{
    (void)state;
    world_init(&w);
    ts_buf_init(&buf, 4096);
    ts_arena_init(&arena, 1u << 17);
    world_chain(&w, 4, &chain);
    return delegation_decode_verify(&w.cfg, chain.b, chain.len, W_NOW, &arena,
                                    &d) == TRUST_OK
               ? 0
               : -1;
}

static int teardown(void **state)
{
    (void)state;
    fault_mem_disarm();
    ts_arena_done(&arena);
    ts_buf_done(&buf);
    world_done(&w);
    return 0;
}

/* A valid record of each kind. */
static struct revocation_record record(enum revocation_kind kind)
{
    struct revocation_record r = {.tenant = TS_STR_LIT("acme"),
                                  .kind = kind,
                                  .target = {zero, 16},
                                  .reason = TS_STR_LIT("laptop lost"),
                                  .nonce = {7}};

    if (kind == REVOCATION_BLOCK || kind == REVOCATION_KEY)
        r.target.len = 32;
    if (revocation_target_is_text(kind))
        r.target = (struct ts_bytes){(const uint8_t *)"alice", 5};
    if (kind == REVOCATION_TENANT)
        r.target.len = 0;
    if (!revocation_by_id(kind))
        r.cutoff = W_NOW + 5;
    r.keep_until = revocation_keep_until(kind, r.cutoff, W_NOW);
    return r;
}

static struct ts_bytes make(const struct revocation_record *r, enum world_key k)
{
    ts_buf_clear(&buf);
    assert_int_equal(revocation_record_make(r, &w.key[k], &buf), TS_OK);
    return world_bytes(&buf);
}

static enum trust_code judge(const void *now, struct ts_bytes in)
{
    struct revocation_record r;
    enum revocation_signer by;

    return revocation_record_verify(w.cfg.store, in, *(const uint64_t *)now, &r,
                                    &by);
}

static const uint64_t now_s = W_NOW;

static enum trust_code signed_by(enum revocation_kind kind, enum world_key k)
{
    struct revocation_record r = record(kind);

    return judge(&now_s, make(&r, k));
}

static void every_kind_goes_there_and_back(void **state)
{
    (void)state;
    for (int k = 1; k < REVOCATION_KIND_COUNT; k++) {
        struct revocation_record r = record((enum revocation_kind)k), got;
        enum revocation_signer by = REVOCATION_BY_NONE;

        assert_int_equal(revocation_record_verify(w.cfg.store,
                                                  make(&r, KEY_REVOKER), W_NOW,
                                                  &got, &by),
                         TRUST_OK);
        assert_int_equal(by, REVOCATION_BY_REVOKER);
        assert_int_equal(got.kind, k);
        assert_true(ts_str_eq(got.tenant, r.tenant));
        assert_int_equal(got.target.len, r.target.len);
        assert_memory_equal(got.target.ptr, r.target.ptr, r.target.len);
        assert_int_equal(got.cutoff, r.cutoff);
        assert_int_equal(got.keep_until, r.keep_until);
        assert_true(ts_str_eq(got.reason, r.reason));
        assert_memory_equal(got.nonce, r.nonce, sizeof(r.nonce));
    }
}

static void no_bit_flip_and_no_truncation_of_a_record_is_accepted(void **state)
{
    (void)state;
    for (int k = 1; k < REVOCATION_KIND_COUNT; k += 3) {
        struct revocation_record r = record((enum revocation_kind)k);
        struct ts_bytes in = make(&r, KEY_REVOKER);

        assert_int_equal(world_sweep(in, judge, &now_s), in.len * 9);
    }
}

/* Who may sign what: revokers all, the directory 4, 5 and 9, nobody else. */
static void only_revoker_and_directory_revoke(void **state)
{
    (void)state;
    for (int k = 1; k < REVOCATION_KIND_COUNT; k++) {
        enum revocation_kind kind = (enum revocation_kind)k;
        bool dir = kind == REVOCATION_USER || kind == REVOCATION_AGENT ||
                   kind == REVOCATION_APPROVER;

        for (int who = 0; who < KEY_COUNT_; who++) {
            enum trust_code want = TRUST_E_ISSUER;

            if (who == KEY_REVOKER || (who == KEY_DIRECTORY && dir))
                want = TRUST_OK;
            if (who == KEY_BETA_REVOKER || who == KEY_BETA_DIRECTORY)
                want = TRUST_E_TENANT;
            assert_int_equal(signed_by(kind, (enum world_key)who), want);
        }
    }
}

static void T9_a_revoker_of_another_tenant_revokes_nothing_here(void **state)
{
    (void)state;
    assert_int_equal(signed_by(REVOCATION_USER, KEY_BETA_REVOKER),
                     TRUST_E_TENANT);
    assert_int_equal(signed_by(REVOCATION_USER, KEY_BETA_DIRECTORY),
                     TRUST_E_TENANT);
}

static void a_revoker_counts_while_its_key_does(void **state)
{
    (void)state;
    w.keys[5].not_before = W_NOW;
    w.keys[5].not_after = W_NOW;
    world_rebuild(&w);
    assert_int_equal(signed_by(REVOCATION_USER, KEY_REVOKER), TRUST_OK);
    w.keys[5].not_before = W_NOW + 1;
    w.keys[5].not_after = 0;
    world_rebuild(&w);
    assert_int_equal(signed_by(REVOCATION_USER, KEY_REVOKER), TRUST_E_ISSUER);
    w.keys[5].not_before = 0;
    w.keys[5].not_after = W_NOW - 1;
    world_rebuild(&w);
    assert_int_equal(signed_by(REVOCATION_USER, KEY_REVOKER), TRUST_E_ISSUER);
    w.keys[5].not_after = 0;
    w.keys[5].disabled = true;
    world_rebuild(&w);
    assert_int_equal(signed_by(REVOCATION_USER, KEY_REVOKER), TRUST_E_ISSUER);
}

/* A record of which one thing is wrong, signed all the same. */
struct bad {
    const char *tenant, *text, *reason;
    uint64_t kind, cutoff, keep_until;
    size_t bytes; /* of a bin target; 0: text */
    uint32_t version, fields;
    enum trust_code want;
};

static struct ts_bytes sign_bad_by(const struct bad *b, enum world_key k)
{
    static uint8_t body[1024];
    struct mp_writer m;
    size_t n;

    mp_writer_init(&m, body, sizeof(body));
    mp_write_array(&m, b->fields);
    mp_write_uint(&m, b->version);
    mp_write_cstr(&m, b->tenant);
    mp_write_uint(&m, b->kind);
    if (b->bytes > 0)
        mp_write_bin(&m, zero, b->bytes);
    else
        mp_write_cstr(&m, b->text);
    mp_write_uint(&m, b->cutoff);
    mp_write_uint(&m, b->keep_until);
    mp_write_cstr(&m, b->reason);
    mp_write_bin(&m, zero, 16);
    assert_int_equal(mp_written(&m, &n), TS_OK);
    ts_buf_clear(&buf);
    assert_int_equal(signed_make(SIGNED_REVOCATION, (struct ts_bytes){body, n},
                                 &w.key[k], &buf),
                     TS_OK);
    return world_bytes(&buf);
}

static struct ts_bytes sign_bad(const struct bad *b)
{
    return sign_bad_by(b, KEY_REVOKER);
}

#define LAST (W_NOW + 86460)

static void whatever_is_wrong_in_a_record_has_its_code(void **state)
{
    static const char id129[] =
        "0123456789012345678901234567890123456789012345678901234567890123"
        "01234567890123456789012345678901234567890123456789012345678901234";
    static char reason257[258];
    const struct bad cases[] = {
        {"acme", "u", "", 4, W_NOW, LAST, 0, 1, 8, TRUST_OK},
        {"acme", "u", "", 4, W_NOW, LAST, 0, 2, 8, TRUST_E_VERSION},
        {"acme", "u", "", 4, W_NOW, LAST, 0, 2, 9, TRUST_E_VERSION},
        {"acme", "u", "", 4, W_NOW, LAST, 0, 1, 9, TRUST_E_FORMAT},
        {"acme", "u", "", 4, W_NOW, LAST, 0, 1, 7, TRUST_E_FORMAT},
        {"", "u", "", 4, W_NOW, LAST, 0, 1, 8, TRUST_E_ID},
        {"acme/..", "u", "", 4, W_NOW, LAST, 0, 1, 8, TRUST_E_ID},
        {"beta", "u", "", 4, W_NOW, LAST, 0, 1, 8, TRUST_E_TENANT},
        {"acme", "u", "", 0, W_NOW, LAST, 0, 1, 8, TRUST_E_TYPE},
        {"acme", "u", "", 13, W_NOW, LAST, 0, 1, 8, TRUST_E_TYPE},
        {"acme", "u", "", UINT64_MAX, W_NOW, LAST, 0, 1, 8, TRUST_E_TYPE},
        {"acme", "u", "", 256 + 4, W_NOW, LAST, 0, 1, 8, TRUST_E_TYPE},
        {"acme", "", "", 4, W_NOW, LAST, 0, 1, 8, TRUST_E_FORMAT},
        {"acme", "a b", "", 4, W_NOW, LAST, 0, 1, 8, TRUST_E_ID},
        {"acme", "a//b", "", 5, W_NOW, LAST, 0, 1, 8, TRUST_E_ID},
        {"acme", "", "", 7, W_NOW, LAST, 0, 1, 8, TRUST_OK},
        {"acme", "t", "", 7, W_NOW, LAST, 0, 1, 8, TRUST_E_FORMAT},
        {"acme", id129, "", 4, W_NOW, LAST, 0, 1, 8, TRUST_E_LIMIT},
        {"acme", "u", reason257, 4, W_NOW, LAST, 0, 1, 8, TRUST_E_LIMIT},
        {"acme", "u", "", 4, 0, LAST, 16, 1, 8, TRUST_E_FORMAT},
        {"acme", "u", "", 1, 0, LAST, 0, 1, 8, TRUST_E_FORMAT},
        {"acme", "", "", 1, 0, LAST, 16, 1, 8, TRUST_OK},
        {"acme", "", "", 1, 0, LAST, 15, 1, 8, TRUST_E_FORMAT},
        {"acme", "", "", 1, 0, LAST, 32, 1, 8, TRUST_E_FORMAT},
        {"acme", "", "", 1, 1, LAST, 16, 1, 8, TRUST_E_FORMAT},
        {"acme", "", "", 2, 0, LAST, 32, 1, 8, TRUST_OK},
        {"acme", "", "", 2, 0, LAST, 31, 1, 8, TRUST_E_FORMAT},
        /* forgotten too soon, it would revive what it revokes */
        {"acme", "u", "", 6, W_NOW, LAST - 1, 0, 1, 8, TRUST_E_TIME},
        {"acme", "u", "", 4, UINT64_MAX, UINT64_MAX - 1, 0, 1, 8, TRUST_E_TIME},
        {"acme", "u", "", 4, UINT64_MAX, UINT64_MAX, 0, 1, 8, TRUST_OK},
        {"acme", "", "", 8, W_NOW, LAST - 1, 16, 1, 8, TRUST_E_TIME},
    };

    (void)state;
    memset(reason257, 'x', sizeof(reason257) - 1);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        if (judge(&now_s, sign_bad(&cases[i])) != cases[i].want)
            fail_msg("case %zu: not %s", i, trust_code_name(cases[i].want));
}

static void what_would_be_refused_is_not_signed(void **state)
{
    static char long_reason[TS_REASON_MAX + 1];
    struct revocation_record r;
    struct ts_buf out;

    (void)state;
    memset(long_reason, 'x', sizeof(long_reason));
    ts_buf_init(&out, 2048);
    for (int i = 0; i < 8; i++) {
        r = record(REVOCATION_TASK);
        if (i == 0)
            r.tenant = TS_STR_LIT("");
        if (i == 1)
            r.kind = REVOCATION_NONE;
        if (i == 2)
            r.target.len = 0;
        if (i == 3)
            r.target = (struct ts_bytes){(const uint8_t *)"a b", 3};
        if (i == 4)
            r.keep_until--;
        if (i == 5)
            r.reason = (struct ts_str){long_reason, sizeof(long_reason)};
        if (i == 6)
            r.reason = TS_STR_LIT("\xff");
        if (i == 7)
            r.kind = REVOCATION_GRANT;
        assert_int_equal(revocation_record_make(&r, &w.key[KEY_REVOKER], &out),
                         TS_E_INVALID);
        assert_int_equal(out.len, 0);
    }
    r = record(REVOCATION_GRANT);
    r.cutoff = 1;
    assert_int_equal(revocation_record_make(&r, &w.key[KEY_REVOKER], &out),
                     TS_E_INVALID);
    ts_buf_done(&out);
}

static enum trust_code judge_holder(const void *ctx, struct ts_bytes in)
{
    struct revocation_record r;

    (void)ctx;
    return revocation_record_verify_holder(&d, in, &r);
}

/* Who of a chain may revoke what of it: every (signer, target) pair. */
static void a_holder_revokes_below_itself_and_the_root_its_grant(void **state)
{
    static const int holder[] = {KEY_CODER, KEY_SUB + 1, KEY_SUB + 2,
                                 KEY_SUB + 3};
    struct revocation_record got;

    (void)state;
    for (size_t who = 0; who < 4; who++) {
        struct revocation_record r = record(REVOCATION_GRANT);

        r.target = (struct ts_bytes){d.grant_id, sizeof(d.grant_id)};
        assert_int_equal(
            judge_holder(NULL, make(&r, (enum world_key)holder[who])),
            who == 0 ? TRUST_OK : TRUST_E_ISSUER);
        r = record(REVOCATION_BLOCK);
        for (size_t b = 0; b < 4; b++) {
            r.target = (struct ts_bytes){d.blocks[b].id, TRUST_HASH_LEN};
            assert_int_equal(
                judge_holder(NULL, make(&r, (enum world_key)holder[who])),
                b > who ? TRUST_OK : TRUST_E_ISSUER);
        }
    }
    {
        struct revocation_record r = record(REVOCATION_KEY); /* same bytes */

        r.target = (struct ts_bytes){d.blocks[1].id, TRUST_HASH_LEN};
        assert_int_equal(judge_holder(NULL, make(&r, KEY_CODER)),
                         TRUST_E_ISSUER);
    }
    for (int k = 1; k < REVOCATION_KIND_COUNT; k++) { /* of something else */
        struct revocation_record r = record((enum revocation_kind)k);

        assert_int_equal(judge_holder(NULL, make(&r, KEY_CODER)),
                         TRUST_E_ISSUER);
    }
    struct revocation_record r = record(REVOCATION_GRANT);
    r.target = (struct ts_bytes){d.grant_id, sizeof(d.grant_id)};
    assert_int_equal(judge_holder(NULL, make(&r, KEY_REVOKER)), TRUST_E_ISSUER);
    r.keep_until = 1; /* nor shorter nor longer than the chain lives */
    assert_int_equal(
        revocation_record_verify_holder(&d, make(&r, KEY_CODER), &got),
        TRUST_OK);
    assert_int_equal(got.keep_until, d.blocks[0].exp + 60);
    assert_int_equal(world_sweep(world_bytes(&buf), judge_holder, NULL),
                     buf.len * 9);
    assert_int_equal(
        judge_holder(NULL, sign_bad_by(&(struct bad){"acme", "", "", 1, 0, LAST,
                                                     16, 2, 8, TRUST_OK},
                                       KEY_CODER)),
        TRUST_E_VERSION);
    r.tenant = TS_STR_LIT("beta");
    assert_int_equal(judge_holder(NULL, make(&r, KEY_CODER)), TRUST_E_TENANT);
}

/* Long enough for whatever was issued, and capped instead of wrapping. */
static void keep_until_covers_the_longest_life(void **state)
{
    (void)state;
    for (int k = 1; k < REVOCATION_KIND_COUNT; k++) {
        enum revocation_kind kind = (enum revocation_kind)k;
        bool ends = revocation_by_id(kind) || kind == REVOCATION_TASK;

        assert_int_equal(revocation_keep_until(kind, 0, W_NOW),
                         ends ? LAST : UINT64_MAX);
        assert_int_equal(revocation_keep_until(kind, W_NOW, UINT64_MAX - 5),
                         UINT64_MAX);
    }
    assert_int_equal(revocation_keep_until(REVOCATION_TASK, W_NOW + 9, W_NOW),
                     LAST + 9);
}

/* ---- heartbeats -------------------------------------------------------- */

static struct heartbeat heartbeat(void)
{
    return (struct heartbeat){.tenant = TS_STR_LIT("acme"),
                              .seq = 3,
                              .snapshot_hash = {9},
                              .issued = W_NOW,
                              .not_after = W_NOW + 30};
}

static struct ts_bytes beat(const struct heartbeat *h, enum world_key k)
{
    ts_buf_clear(&buf);
    assert_int_equal(heartbeat_make(h, &w.key[k], &buf), TS_OK);
    return world_bytes(&buf);
}

static enum trust_code judge_beat(const void *now, struct ts_bytes in)
{
    struct heartbeat h;

    return heartbeat_verify(w.cfg.store, in, *(const uint64_t *)now, &h);
}

static void a_heartbeat_counts_in_its_window_only(void **state)
{
    struct heartbeat h = heartbeat(), got;
    const struct ts_bytes in = beat(&h, KEY_DIRECTORY);

    (void)state;
    for (uint64_t now = W_NOW - 10; now < W_NOW + 40; now++)
        assert_int_equal(judge_beat(&now, in),
                         now < W_NOW - TS_SKEW_S ? TRUST_E_TIME
                         : now >= W_NOW + 30     ? TRUST_E_EXPIRED
                                                 : TRUST_OK);
    assert_int_equal(heartbeat_verify(w.cfg.store, in, W_NOW, &got), TRUST_OK);
    assert_int_equal(got.seq, 3);
    assert_memory_equal(got.snapshot_hash, h.snapshot_hash, TRUST_HASH_LEN);
    assert_int_equal(got.issued, W_NOW);
    assert_int_equal(got.not_after, W_NOW + 30);
    assert_int_equal(world_sweep(in, judge_beat, &now_s), in.len * 9);
}

static void only_the_directory_of_the_tenant_beats(void **state)
{
    struct heartbeat h = heartbeat();

    (void)state;
    for (int who = 0; who < KEY_COUNT_; who++)
        assert_int_equal(judge_beat(&now_s, beat(&h, (enum world_key)who)),
                         who == KEY_DIRECTORY        ? TRUST_OK
                         : who == KEY_BETA_DIRECTORY ? TRUST_E_TENANT
                                                     : TRUST_E_ISSUER);
    w.keys[4].not_after = W_NOW - 1; /* issued outside of the key's window */
    world_rebuild(&w);
    assert_int_equal(judge_beat(&now_s, beat(&h, KEY_DIRECTORY)),
                     TRUST_E_ISSUER);
    h.issued = W_NOW - 1;
    assert_int_equal(judge_beat(&now_s, beat(&h, KEY_DIRECTORY)), TRUST_OK);
    w.keys[4].disabled = true;
    world_rebuild(&w);
    assert_int_equal(judge_beat(&now_s, beat(&h, KEY_DIRECTORY)),
                     TRUST_E_ISSUER);
}

/* fields: what stands where; bad ones are signed all the same. */
static enum trust_code odd_beat(const char *tenant, uint64_t version,
                                uint32_t fields, uint64_t seq, size_t hash,
                                uint64_t issued)
{
    uint8_t body[512];
    struct mp_writer m;
    size_t n;

    mp_writer_init(&m, body, sizeof(body));
    mp_write_array(&m, fields);
    mp_write_uint(&m, version);
    mp_write_cstr(&m, tenant);
    mp_write_uint(&m, seq);
    mp_write_bin(&m, zero, hash);
    mp_write_uint(&m, issued);
    mp_write_uint(&m, W_NOW + 30);
    assert_int_equal(mp_written(&m, &n), TS_OK);
    ts_buf_clear(&buf);
    assert_int_equal(signed_make(SIGNED_HEARTBEAT, (struct ts_bytes){body, n},
                                 &w.key[KEY_DIRECTORY], &buf),
                     TS_OK);
    return judge_beat(&now_s, world_bytes(&buf));
}

static void whatever_is_wrong_in_a_heartbeat_has_its_code(void **state)
{
    struct heartbeat h = heartbeat();

    (void)state;
    assert_int_equal(odd_beat("acme", 1, 6, 1, 32, W_NOW), TRUST_OK);
    assert_int_equal(odd_beat("acme", 2, 6, 1, 32, W_NOW), TRUST_E_VERSION);
    assert_int_equal(odd_beat("acme", 1, 7, 1, 32, W_NOW), TRUST_E_FORMAT);
    assert_int_equal(odd_beat("acme", 1, 5, 1, 32, W_NOW), TRUST_E_FORMAT);
    assert_int_equal(odd_beat("", 1, 6, 1, 32, W_NOW), TRUST_E_ID);
    assert_int_equal(odd_beat("a b", 1, 6, 1, 32, W_NOW), TRUST_E_ID);
    assert_int_equal(odd_beat("acme", 1, 6, 0, 32, W_NOW), TRUST_E_FORMAT);
    assert_int_equal(odd_beat("acme", 1, 6, 1, 31, W_NOW), TRUST_E_FORMAT);
    assert_int_equal(odd_beat("acme", 1, 6, 1, 32, W_NOW + 30), TRUST_E_TIME);
    assert_int_equal(odd_beat("acme", 1, 6, 1, 32, UINT64_MAX), TRUST_E_TIME);
    h.seq = 0;
    assert_int_equal(heartbeat_make(&h, &w.key[KEY_DIRECTORY], &buf),
                     TS_E_INVALID);
    h = heartbeat();
    h.not_after = h.issued;
    assert_int_equal(heartbeat_make(&h, &w.key[KEY_DIRECTORY], &buf),
                     TS_E_INVALID);
    h.tenant = TS_STR_LIT("");
    assert_int_equal(heartbeat_make(&h, &w.key[KEY_DIRECTORY], &buf),
                     TS_E_INVALID);
}

static void without_memory_no_record_and_no_heartbeat_is_made(void **state)
{
    const struct revocation_record r = record(REVOCATION_USER);
    const struct heartbeat h = heartbeat();

    (void)state;
    for (int nth = 0; nth < 2; nth++) {
        struct ts_buf out;
        ts_err want = nth == 0 ? TS_E_NOMEM : TS_OK;

        ts_buf_init(&out, 4096);
        fault_mem_arm(nth, true);
        assert_int_equal(revocation_record_make(&r, &w.key[KEY_REVOKER], &out),
                         want);
        ts_buf_done(&out);
        ts_buf_init(&out, 4096);
        fault_mem_arm(nth, true);
        assert_int_equal(heartbeat_make(&h, &w.key[KEY_DIRECTORY], &out), want);
        fault_mem_disarm();
        ts_buf_done(&out);
    }
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(every_kind_goes_there_and_back),
        T(no_bit_flip_and_no_truncation_of_a_record_is_accepted),
        T(only_revoker_and_directory_revoke),
        T(T9_a_revoker_of_another_tenant_revokes_nothing_here),
        T(a_revoker_counts_while_its_key_does),
        T(whatever_is_wrong_in_a_record_has_its_code),
        T(what_would_be_refused_is_not_signed),
        T(a_holder_revokes_below_itself_and_the_root_its_grant),
        T(keep_until_covers_the_longest_life),
        T(a_heartbeat_counts_in_its_window_only),
        T(only_the_directory_of_the_tenant_beats),
        T(whatever_is_wrong_in_a_heartbeat_has_its_code),
        T(without_memory_no_record_and_no_heartbeat_is_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
