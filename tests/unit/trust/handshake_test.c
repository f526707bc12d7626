#include "tests/lib/ts_test.h"

#include <sodium.h>
#include <string.h>

#include "proto/base/ts_mem.h"
#include "proto/trust/handshake.h"
#include "proto/trust/pae.h"
#include "proto/wire/frame.h"
#include "trust_world.h"

static struct world w;

static int setup(void **state)
{
    (void)state;
    world_init(&w);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    world_done(&w);
    return 0;
}

static struct handshake_transcript transcript(void)
{
    struct handshake_transcript t = {
        .sidecar_id = TS_STR_LIT(W_AUD), .uid = 1001, .gid = 1002};

    memset(t.challenge, 1, sizeof(t.challenge));
    memset(t.client_nonce, 2, sizeof(t.client_nonce));
    memset(t.chain_hash, 3, sizeof(t.chain_hash));
    memcpy(t.sidecar_pk, w.key[KEY_SIDECAR].pk, TRUST_PK_LEN);
    return t;
}

/* Each value of T, seen differently by one side: refused by both. */
static void any_difference_in_the_transcript_is_refused(void **state)
{
    const struct handshake_transcript t = transcript();
    uint8_t proof[64], server[64], session[16];

    (void)state;
    handshake_client_proof(&t, &w.key[KEY_CODER], proof);
    handshake_server_proof(&t, proof, &w.key[KEY_SIDECAR], session, server);
    assert_int_equal(handshake_verify_client(&t, w.key[KEY_CODER].pk, proof),
                     TS_OK);
    assert_int_equal(handshake_verify_server(&t, proof, session, server),
                     TS_OK);
    for (int field = 0; field < 8; field++) {
        struct handshake_transcript x = t;

        switch (field) {
        case 0:
            x.challenge[31] ^= 1;
            break;
        case 1:
            x.client_nonce[0] ^= 1;
            break;
        case 2:
            memcpy(x.sidecar_pk, w.key[KEY_BUILDER].pk, TRUST_PK_LEN);
            break;
        case 3:
            x.sidecar_id = TS_STR_LIT("sidecar/tes");
            break;
        case 4:
            x.chain_hash[7] ^= 0x80;
            break;
        case 5:
            x.uid ^= 1;
            break;
        case 6:
            x.gid ^= 1u << 31;
            break;
        default: /* uid and gid exchanged */
            x.uid = t.gid;
            x.gid = t.uid;
            break;
        }
        assert_int_equal(
            handshake_verify_client(&x, w.key[KEY_CODER].pk, proof), TS_E_AUTH);
        assert_int_equal(handshake_verify_server(&x, proof, session, server),
                         TS_E_AUTH);
    }
}

static void only_the_holder_and_only_the_sidecar_can_prove(void **state)
{
    struct handshake_transcript t = transcript();
    uint8_t proof[64], server[64], session[16];

    (void)state;
    handshake_client_proof(&t, &w.key[KEY_BUILDER], proof);
    assert_int_equal(handshake_verify_client(&t, w.key[KEY_CODER].pk, proof),
                     TS_E_AUTH);
    handshake_server_proof(&t, proof, &w.key[KEY_BUILDER], session, server);
    assert_int_equal(handshake_verify_server(&t, proof, session, server),
                     TS_E_AUTH);
    handshake_server_proof(&t, proof, &w.key[KEY_SIDECAR], session, server);
    for (size_t bit = 0; bit < 128; bit++) {
        session[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        assert_int_equal(handshake_verify_server(&t, proof, session, server),
                         TS_E_AUTH);
        session[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    for (size_t bit = 0; bit < 512; bit++) {
        server[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        assert_int_equal(handshake_verify_server(&t, proof, session, server),
                         TS_E_AUTH);
        server[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    /* one side's proof is never the other's */
    assert_int_equal(handshake_verify_client(&t, w.key[KEY_SIDECAR].pk, server),
                     TS_E_AUTH);
    memset(t.sidecar_pk, 0, sizeof(t.sidecar_pk));
    t.sidecar_pk[0] = 1; /* the identity: a key that signs anything */
    assert_int_equal(handshake_verify_server(&t, proof, session, server),
                     TS_E_AUTH);
}

/* A sidecar that really signs, but for a session id of its own choice. */
static void a_session_id_that_does_not_follow_is_refused(void **state)
{
    const struct handshake_transcript t = transcript();
    uint8_t proof[64], server[64], session[16], ids[8], msg[512];
    size_t n;

    (void)state;
    handshake_client_proof(&t, &w.key[KEY_CODER], proof);
    handshake_server_proof(&t, proof, &w.key[KEY_SIDECAR], session, server);
    pae_le32(ids, t.uid);
    pae_le32(ids + 4, t.gid);
    for (int other = 0; other < 2; other++) {
        const struct ts_bytes parts[] = {
            {t.challenge, 32},  {t.client_nonce, 32},
            {t.sidecar_pk, 32}, {(const uint8_t *)W_AUD, sizeof(W_AUD) - 1},
            {t.chain_hash, 32}, {ids, 8},
            {proof, 64},        {session, 16}};

        session[0] ^= (uint8_t)other;
        n = pae_encode(msg, sizeof(msg), PAE_PREFIX "hs-server", parts, 8);
        assert_int_equal(
            crypto_sign_detached(server, NULL, msg, n, w.key[KEY_SIDECAR].sk),
            0);
        assert_int_equal(handshake_verify_server(&t, proof, session, server),
                         other == 0 ? TS_OK : TS_E_AUTH);
    }
}

typedef ts_err (*decoder)(const void *b, size_t n);

static ts_err hello(const void *b, size_t n)
{
    struct handshake_hello m = {.now = 77};
    const char *what = NULL;
    ts_err e = handshake_hello_decode(b, n, &m, &what);

    if (e != TS_OK)
        assert_true(what != NULL && m.now == 77);
    return e;
}

static ts_err auth(const void *b, size_t n)
{
    struct handshake_auth m = {.chain = {.len = 77}};
    const char *what = NULL;
    ts_err e = handshake_auth_decode(b, n, &m, &what);

    if (e != TS_OK)
        assert_true(what != NULL && m.chain.len == 77);
    return e;
}

static ts_err welcome(const void *b, size_t n)
{
    struct handshake_welcome m = {.ttl_s = 77};
    const char *what = NULL;
    ts_err e = handshake_welcome_decode(b, n, &m, &what);

    if (e != TS_OK)
        assert_true(what != NULL && m.ttl_s == 77);
    return e;
}

/* Every truncation, one byte more, and every bit flip of each message: only
 * flips inside values can still be a message. */
static void abuse(decoder decode, const uint8_t *body, size_t len)
{
    uint8_t *exact = ts_mem_alloc(len + 1);

    assert_non_null(exact);
    memcpy(exact, body, len);
    assert_int_equal(decode(exact, len), TS_OK);
    assert_int_equal(decode(exact, len + 1), TS_E_FORMAT);
    for (size_t bit = 0; bit < len * 8; bit++) {
        exact[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        (void)decode(exact, len); /* in bounds, and output untouched if not */
        exact[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    ts_mem_free(exact);
    for (size_t cut = 0; cut < len; cut++) {
        exact = ts_mem_alloc(cut > 0 ? cut : 1);
        assert_non_null(exact);
        memcpy(exact, body, cut);
        assert_int_equal(decode(exact, cut), TS_E_TRUNCATED);
        ts_mem_free(exact);
    }
}

static struct frame only_frame(const struct ts_buf *b)
{
    struct frame f = {0};
    size_t used = 0;

    assert_int_equal(frame_parse(ts_buf_bytes(b), b->len, 40960, &f, &used),
                     TS_OK);
    assert_int_equal(used, b->len);
    return f;
}

static void messages_round_trip_and_stand_abuse(void **state)
{
    struct handshake_hello h = {
        .sidecar_id = TS_STR_LIT(W_AUD), .now = W_NOW, .max_frame = 262144};
    struct handshake_auth a = {0};
    struct handshake_welcome m = {.ttl_s = 300, .rev_seq = UINT64_MAX};
    struct handshake_hello h2;
    struct handshake_auth a2;
    struct handshake_welcome m2;
    static struct chain c;
    const char *what = NULL;
    struct ts_buf b;
    struct frame f;

    (void)state;
    ts_buf_init(&b, 1u << 17);
    memset(h.challenge, 9, sizeof(h.challenge));
    assert_int_equal(handshake_hello_send(&b, 1, &h), TS_OK);
    f = only_frame(&b);
    assert_int_equal(handshake_hello_decode(f.body, f.len, &h2, &what), TS_OK);
    assert_true(ts_str_eq(h.sidecar_id, h2.sidecar_id) && h2.now == W_NOW &&
                h2.max_frame == 262144);
    assert_memory_equal(h.challenge, h2.challenge, sizeof(h.challenge));
    abuse(hello, f.body, f.len);
    ts_buf_clear(&b);

    world_chain(&w, 2, &c);
    a.chain = (struct ts_bytes){.ptr = c.b, .len = c.len};
    memset(a.proof, 8, sizeof(a.proof));
    assert_int_equal(handshake_auth_send(&b, 2, &a), TS_OK);
    f = only_frame(&b);
    assert_int_equal(handshake_auth_decode(f.body, f.len, &a2, &what), TS_OK);
    assert_int_equal(a2.chain.len, c.len);
    assert_memory_equal(a2.chain.ptr, c.b, c.len);
    assert_memory_equal(a2.proof, a.proof, sizeof(a.proof));
    abuse(auth, f.body, f.len);
    ts_buf_clear(&b);

    memset(m.session_id, 7, sizeof(m.session_id));
    assert_int_equal(handshake_welcome_send(&b, 3, &m), TS_OK);
    f = only_frame(&b);
    assert_int_equal(handshake_welcome_decode(f.body, f.len, &m2, &what),
                     TS_OK);
    assert_memory_equal(&m, &m2, sizeof(m));
    abuse(welcome, f.body, f.len);
    ts_buf_done(&b);
}

static void what_cannot_be_received_is_not_sent(void **state)
{
    static uint8_t big[TS_CHAIN_MAX + 1];
    struct handshake_hello h = {.sidecar_id = TS_STR_LIT("a b")};
    struct handshake_auth a = {.chain = {.ptr = big, .len = sizeof(big)}};
    struct ts_buf b;

    (void)state;
    ts_buf_init(&b, 1u << 17);
    assert_int_equal(handshake_hello_send(&b, 1, &h), TS_E_INVALID);
    assert_int_equal(handshake_auth_send(&b, 2, &a), TS_E_LIMIT);
    assert_int_equal(b.len, 0);
    a.chain.len--;
    assert_int_equal(handshake_auth_send(&b, 2, &a), TS_OK);
    assert_true(b.len <= TS_FRAME_PREAUTH + TS_FRAME_HEAD);
    ts_buf_done(&b);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(any_difference_in_the_transcript_is_refused),
        T(only_the_holder_and_only_the_sidecar_can_prove),
        T(a_session_id_that_does_not_follow_is_refused),
        T(messages_round_trip_and_stand_abuse),
        T(what_cannot_be_received_is_not_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
