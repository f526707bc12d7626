/* Checks whose removal no other test would notice: two things wrong at once,
 * what stands behind the end, and what a call before left behind. */
#include "tests/lib/ts_test.h"

#include <sodium.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "proto/trust/agent_cert.h"
#include "proto/trust/chain_priv.h"
#include "proto/trust/handshake.h"
#include "proto/trust/pae.h"
#include "proto/wire/frame.h"
#include "tests/lib/fault_mem.h"
#include "trust_world.h"

static struct world w;
static struct chain c;
static struct ts_arena arena;

static int setup(void **state)
{
    (void)state;
    world_init(&w);
    ts_arena_init(&arena, 1u << 18);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ts_arena_done(&arena);
    world_done(&w);
    return 0;
}

static enum trust_code verify(void)
{
    return world_verify(&w, c.b, c.len, W_NOW);
}

static struct ts_bytes chain_bytes(void)
{
    return (struct ts_bytes){c.b, c.len};
}

/* Signs the root in c again, after a test changed its payload. */
static void sign_again(void)
{
    static uint8_t msg[CHAIN_SIGNED_MAX];
    uint8_t anchor[TRUST_HASH_LEN];
    struct chain_frame f;
    size_t n;

    assert_int_equal(chain_split(chain_bytes(), &f), TRUST_OK);
    chain_anchor(w.key[KEY_ISSUER].pk, anchor);
    n = chain_signed(msg, sizeof(msg), 0, anchor, f.blocks[0].payload);
    assert_int_equal(crypto_sign_detached(c.b + (f.blocks[0].sig - c.b), NULL,
                                          msg, n, w.key[KEY_ISSUER].sk),
                     0);
}

static void put_be32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (24 - 8 * i));
}

/* Replaces the only integer in c that is from. */
static void patch_u32(uint32_t from, uint32_t to)
{
    uint8_t want[5] = {0xce};
    size_t found = 0;

    put_be32(want + 1, from);
    for (size_t i = 0; i + sizeof(want) <= c.len; i++) {
        if (memcmp(c.b + i, want, sizeof(want)) != 0)
            continue;
        put_be32(c.b + i + 1, to);
        found++;
    }
    assert_int_equal(found, 1);
}

/* The tool that signs refuses this; another one may not. */
static void root_issued_at_its_end_is_E_TIME(void **state)
{
    (void)state;
    for (uint32_t late = 0; late < 3; late++) {
        struct delegation_root r = world_root(&w);

        r.iat = W_NOW - 9; /* another number than nbf */
        world_sign(&w, &r, &c);
        patch_u32(W_NOW - 9, (uint32_t)r.exp + late);
        sign_again();
        assert_int_equal(verify(), TRUST_E_TIME);
        assert_int_equal(world_verify(&w, c.b, c.len, r.exp - 1), TRUST_E_TIME);
    }
}

/* A key that was switched off is not even tried. */
static void T8_disabled_issuer_is_told_before_its_signature(void **state)
{
    (void)state;
    world_chain(&w, 1, &c);
    c.b[c.len - 1] ^= 1;
    assert_int_equal(verify(), TRUST_E_SIG);
    w.keys[0].disabled = true;
    world_rebuild(&w);
    assert_int_equal(verify(), TRUST_E_ISSUER);
}

static void T9_issuer_of_another_name_is_told_before_the_audience(void **state)
{
    struct delegation_root r = world_root(&w);

    (void)state;
    r.aud = TS_STR_LIT("sidecar/other");
    world_sign(&w, &r, &c);
    assert_int_equal(verify(), TRUST_E_AUD);
    r.issuer = TS_STR_LIT("other");
    world_sign(&w, &r, &c);
    assert_int_equal(verify(), TRUST_E_ISSUER);
}

/* coder, with a key of its own making, names its link as it likes. */
static void T12_a_name_below_another_agent_is_not_given(void **state)
{
    static const struct {
        const char *name;
        enum trust_code want;
    } cases[] = {{"coder/x", TRUST_OK},          {"coder/s/x", TRUST_OK},
                 {"builder/x", TRUST_E_AGENT}, /* of an active agent */
                 {"builder/x/y", TRUST_E_AGENT}, {"xoder/x", TRUST_E_AGENT},
                 {"coder2/x", TRUST_E_AGENT}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct delegation_link l = world_link(&w, 1);

        l.agent = ts_str_of(cases[i].name);
        world_chain(&w, 1, &c);
        world_append_raw(&w, &l, KEY_CODER, &c);
        assert_int_equal(verify(), cases[i].want);
    }
}

/* A root has no delegator: what lies in front of its block is no name. */
static void T12_a_root_takes_no_name_from_in_front_of_it(void **state)
{
    const struct ts_str coder = TS_STR_LIT("coder");
    struct delegation d;

    (void)state;
    world_chain(&w, 1, &c);
    assert_int_equal(
        delegation_decode_verify(&w.cfg, c.b, c.len, W_NOW, &arena, &d),
        TRUST_OK);
    d.blocks[0].agent = TS_STR_LIT("coder/x");
    memcpy(d.blocks[0].holder, w.key[KEY_STRANGER].pk, TRUST_PK_LEN);
    memcpy((uint8_t *)&d + offsetof(struct delegation, blocks) -
               sizeof(struct delegation_block) +
               offsetof(struct delegation_block, agent),
           &coder, sizeof(coder));
    assert_int_equal(delegation_check_now(&w.cfg, &d, W_NOW), TRUST_E_AGENT);
}

static enum trust_code show(const uint8_t *pk, const uint8_t *b, size_t len)
{
    struct delegation d;

    return delegation_decode_to_show(b, len, pk, &arena, &d);
}

static void to_show_refuses_what_is_no_chain(void **state)
{
    static const uint8_t long_one[TS_CHAIN_MAX + 1] = {0x93};
    static const uint8_t none[] = {0xc0};
    struct chain_frame f;

    (void)state;
    for (int with_key = 0; with_key < 2; with_key++) {
        const uint8_t *pk = with_key == 1 ? w.key[KEY_ISSUER].pk : NULL;

        world_chain(&w, 2, &c);
        assert_int_equal(show(pk, c.b, c.len), TRUST_OK);
        assert_int_equal(show(pk, none, sizeof(none)), TRUST_E_FORMAT);
        assert_int_equal(show(pk, long_one, sizeof(long_one)), TRUST_E_LIMIT);
        assert_int_equal(chain_split(chain_bytes(), &f), TRUST_OK);
        c.b[f.blocks[1].payload.ptr - c.b] = 0xc1;
        assert_int_equal(show(pk, c.b, c.len),
                         with_key == 1 ? TRUST_E_SIG : TRUST_E_FORMAT);
    }
}

/* The head of a payload says how many fields follow, and it must be that. */
static void payload_with_another_head_is_refused(void **state)
{
    static const uint8_t no_array[] = {0xc1};
    static struct delegation d;
    struct chain_frame f;

    (void)state;
    world_chain(&w, 2, &c);
    assert_int_equal(chain_split(chain_bytes(), &f), TRUST_OK);
    for (size_t i = 0; i < 2; i++) {
        static uint8_t copy[TS_PAYLOAD_MAX];
        struct ts_bytes p = {copy, f.blocks[i].payload.len};
        size_t count = f.blocks[i].payload.ptr[0] == 0xdc ? 2 : 0;

        memcpy(copy, f.blocks[i].payload.ptr, p.len);
        assert_int_equal(chain_decode_payload(p, i, &d), TRUST_OK);
        copy[count]--;
        assert_int_equal(chain_decode_payload(p, i, &d), TRUST_E_FORMAT);
        copy[count] += 2;
        assert_int_equal(chain_decode_payload(p, i, &d), TRUST_E_FORMAT);
        assert_int_equal(
            chain_decode_payload((struct ts_bytes){no_array, 1}, i, &d),
            TRUST_E_FORMAT);
    }
}

/* No byte behind the end is looked at: there is none. */
static void cut_off_chain_is_not_read_past_its_end(void **state)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const size_t room = (TS_CHAIN_MAX / page + 1) * page;
    struct chain_frame f;
    uint8_t *p;

    (void)state;
    p = mmap(NULL, room + page, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(p != MAP_FAILED);
    assert_int_equal(mprotect(p + room, page, PROT_NONE), 0);
    world_chain(&w, 2, &c);
    for (size_t n = 0; n <= c.len; n++) {
        uint8_t *at = p + room - n;

        memcpy(at, c.b, n);
        assert_int_equal(chain_split((struct ts_bytes){at, n}, &f),
                         n == c.len ? TRUST_OK : TRUST_E_FORMAT);
    }
    assert_int_equal(munmap(p, room + page), 0);
}

static struct agent_cert a_cert(void)
{
    struct agent_cert a = {.tenant = TS_STR_LIT("acme"),
                           .agent = TS_STR_LIT("builder"),
                           .nbf = W_NOW - 5,
                           .exp = W_NOW + 100};

    memcpy(a.pk, w.key[KEY_STRANGER].pk, TRUST_PK_LEN);
    return a;
}

/* What cannot be read has no version. And properly signed, right after a good
 * one: nothing of that one is left to be taken for it. */
static void certificate_that_is_none_is_refused_after_a_good_one(void **state)
{
    static const uint8_t none[] = {0xc1};
    const struct agent_cert good = a_cert();
    const struct ts_bytes body = {none, sizeof(none)};
    uint8_t kid[TRUST_KID_LEN];
    struct ts_buf b, g;
    struct agent_cert a;
    enum trust_code first, second;

    (void)state;
    assert_int_equal(agent_cert_decode(body, &a), TRUST_E_FORMAT);
    ts_buf_init(&b, 4096);
    ts_buf_init(&g, 4096);
    assert_int_equal(
        signed_make(SIGNED_AGENT_CERT, body, &w.key[KEY_ISSUER], &b), TS_OK);
    assert_int_equal(agent_cert_make(&good, &w.key[KEY_ISSUER], &g), TS_OK);
    first = agent_cert_verify(w.cfg.store, world_bytes(&g), &a, kid);
    second = agent_cert_verify(w.cfg.store, world_bytes(&b), &a, kid);
    assert_int_equal(first, TRUST_OK);
    assert_int_equal(second, TRUST_E_AGENT);
    ts_buf_done(&b);
    ts_buf_done(&g);
}

/* ---- handshake --------------------------------------------------------- */

/* Signs n bytes for the base point plus a point of order 2, which is a key of
 * everybody: its scalar is 1, and an even hash loses the second point. */
static void sign_mixed(const uint8_t *pk, const uint8_t *msg, size_t n,
                       uint8_t sig[TRUST_SIG_LEN])
{
    uint8_t r[32] = {0}, wide[64], h[32];
    crypto_hash_sha512_state s;

    do {
        r[0]++;
        assert_int_equal(crypto_scalarmult_ed25519_base_noclamp(sig, r), 0);
        (void)crypto_hash_sha512_init(&s);
        (void)crypto_hash_sha512_update(&s, sig, 32);
        (void)crypto_hash_sha512_update(&s, pk, 32);
        (void)crypto_hash_sha512_update(&s, msg, n);
        (void)crypto_hash_sha512_final(&s, wide);
        crypto_core_ed25519_scalar_reduce(h, wide);
    } while ((h[0] & 1) != 0);
    crypto_core_ed25519_scalar_add(sig + 32, h, r);
}

static void T10_a_sidecar_key_of_mixed_order_proves_nothing(void **state)
{
    struct handshake_transcript t = {
        .sidecar_id = TS_STR_LIT(W_AUD), .uid = 1001, .gid = 1002};
    uint8_t proof[64], sig[64], session[16], ids[8], msg[512];
    size_t n;

    (void)state;
    memset(t.sidecar_pk, 0x99, sizeof(t.sidecar_pk));
    t.sidecar_pk[0] = 0x95;
    handshake_client_proof(&t, &w.key[KEY_CODER], proof);
    handshake_server_proof(&t, proof, &w.key[KEY_SIDECAR], session, sig);
    pae_le32(ids, t.uid);
    pae_le32(ids + 4, t.gid);
    {
        const struct ts_bytes parts[] = {
            {t.challenge, 32},  {t.client_nonce, 32},
            {t.sidecar_pk, 32}, {(const uint8_t *)W_AUD, sizeof(W_AUD) - 1},
            {t.chain_hash, 32}, {ids, 8},
            {proof, 64},        {session, 16}};

        n = pae_encode(msg, sizeof(msg), PAE_PREFIX "hs-server", parts, 8);
    }
    sign_mixed(t.sidecar_pk, msg, n, sig);
    assert_int_equal(handshake_verify_server(&t, proof, session, sig),
                     TS_E_AUTH);
}

static ts_err send_one(int which, struct ts_buf *b)
{
    const struct handshake_hello h = {.sidecar_id = TS_STR_LIT("s/1")};
    const struct handshake_auth a = {.chain = {.ptr = c.b, .len = 1}};
    const struct handshake_welcome m = {.ttl_s = 1};

    if (which == 0)
        return handshake_hello_send(b, 1, &h);
    return which == 1 ? handshake_auth_send(b, 2, &a)
                      : handshake_welcome_send(b, 3, &m);
}

static ts_err decode_one(int which, const uint8_t *b, size_t n)
{
    struct handshake_hello h;
    struct handshake_auth a;
    struct handshake_welcome m;
    const char *what;

    if (which == 0)
        return handshake_hello_decode(b, n, &h, &what);
    return which == 1 ? handshake_auth_decode(b, n, &a, &what)
                      : handshake_welcome_decode(b, n, &m, &what);
}

static void T1_messages_of_another_version_are_refused(void **state)
{
    (void)state;
    for (int which = 0; which < 3; which++) {
        uint8_t body[1024];
        struct frame f = {0};
        struct ts_buf b;
        size_t used;

        ts_buf_init(&b, 1u << 12);
        assert_int_equal(send_one(which, &b), TS_OK);
        assert_int_equal(
            frame_parse(ts_buf_bytes(&b), b.len, sizeof(body), &f, &used),
            TS_OK);
        memcpy(body, f.body, f.len);
        assert_int_equal(decode_one(which, body, f.len), TS_OK);
        for (uint8_t v = 0; v < 128; v++) {
            body[1] = v;
            assert_int_equal(decode_one(which, body, f.len),
                             v == 1 ? TS_OK : TS_E_UNSUPPORTED);
        }
        ts_buf_done(&b);
    }
}

static void hello_of_a_sidecar_without_a_valid_id_is_refused(void **state)
{
    uint8_t body[1024], *id;
    struct frame f = {0};
    struct ts_buf b;
    size_t used;

    (void)state;
    ts_buf_init(&b, 1u << 12);
    assert_int_equal(send_one(0, &b), TS_OK);
    assert_int_equal(
        frame_parse(ts_buf_bytes(&b), b.len, sizeof(body), &f, &used), TS_OK);
    memcpy(body, f.body, f.len);
    id = memmem(body, f.len, "s/1", 3);
    assert_non_null(id);
    for (int i = 0; i < 3; i++) {
        memcpy(id, i == 0 ? "s 1" : i == 1 ? "s1/" : "\033[J", 3);
        assert_int_equal(decode_one(0, body, f.len), TS_E_FORMAT);
    }
    ts_buf_done(&b);
}

static void message_without_room_or_memory_is_not_sent(void **state)
{
    (void)state;
    for (int which = 0; which < 3; which++) {
        struct ts_buf b;

        ts_buf_init(&b, 64);
        assert_int_equal(send_one(which, &b), TS_E_LIMIT);
        assert_int_equal(b.len, 0);
        ts_buf_done(&b);
        ts_buf_init(&b, 1u << 12);
        fault_mem_arm(0, true);
        assert_int_equal(send_one(which, &b), TS_E_NOMEM);
        fault_mem_disarm();
        assert_int_equal(b.len, 0);
        assert_int_equal(send_one(which, &b), TS_OK);
        ts_buf_done(&b);
    }
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(root_issued_at_its_end_is_E_TIME),
        T(T8_disabled_issuer_is_told_before_its_signature),
        T(T9_issuer_of_another_name_is_told_before_the_audience),
        T(T12_a_name_below_another_agent_is_not_given),
        T(T12_a_root_takes_no_name_from_in_front_of_it),
        T(to_show_refuses_what_is_no_chain),
        T(payload_with_another_head_is_refused),
        T(cut_off_chain_is_not_read_past_its_end),
        T(certificate_that_is_none_is_refused_after_a_good_one),
        T(T10_a_sidecar_key_of_mixed_order_proves_nothing),
        T(T1_messages_of_another_version_are_refused),
        T(hello_of_a_sidecar_without_a_valid_id_is_refused),
        T(message_without_room_or_memory_is_not_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
