/* SSHSIG: what ssh-keygen makes verifies, and nothing near it. */
#include "tests/lib/ts_test.h"

#include <sodium.h>
#include <string.h>

#include "approval_world.h"
#include "proto/trust/sshsig.h"
#include "trust_world.h"

#define NAME APPROVAL_SSH_NAMESPACE

/* ssh-keygen -Y sign -n approval@tipstaff (OpenSSH 9.2) of "tipstaff approval
 * body". */
static const char made[] =
    "-----BEGIN SSH SIGNATURE-----\n"
    "U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAgXDAsRiHMQn+KJnAZ61A3I908Ej\n"
    "TFlGdVaKTlRMg5PnoAAAARYXBwcm92YWxAdGlwc3RhZmYAAAAAAAAABnNoYTUxMgAAAFMA\n"
    "AAALc3NoLWVkMjU1MTkAAABA/xisEgl080n3HP8JigvHQ+cENS2dvEHZFAeqQCxeo3xP29\n"
    "j8TEvFQnS2kl2vJTbE9znc6zIQ/yVaDFIR65SVDQ==\n"
    "-----END SSH SIGNATURE-----\n";
static const struct ts_bytes message = {
    (const uint8_t *)"tipstaff approval body", 22};

static struct approval_world w;
static struct ts_buf buf, blob;

static int setup(void **state)
{
    (void)state;
    approval_world_init(&w);
    ts_buf_init(&buf, 4096);
    ts_buf_init(&blob, 4096);
    assert_int_equal(sshsig_dearmour(ts_str_of(made), &blob), TS_OK);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ts_buf_done(&buf);
    ts_buf_done(&blob);
    approval_world_done(&w);
    return 0;
}

static enum trust_code judge(const void *pk, struct ts_bytes in)
{
    struct sshsig s;
    enum trust_code c = sshsig_decode(in, &s);

    return c != TRUST_OK ? c : sshsig_verify(&s, NAME, message, pk);
}

static void what_ssh_keygen_makes_verifies_and_nothing_near_it(void **state)
{
    struct sshsig s;

    (void)state;
    assert_int_equal(sshsig_decode(world_bytes(&blob), &s), TRUST_OK);
    assert_false(s.is_token);
    assert_true(world_sweep(world_bytes(&blob), judge, s.pk) > 1000);
    assert_int_equal(sshsig_verify(&s, "file", message, s.pk), TRUST_E_SIG);
    assert_int_equal(sshsig_verify(&s, NAME, message, w.key[AP_BOB].pk),
                     TRUST_E_SIG);
    assert_int_equal(
        sshsig_verify(&s, NAME, (struct ts_bytes){message.ptr, 21}, s.pk),
        TRUST_E_SIG);
}

static void armour_is_taken_off_or_refused(void **state)
{
    static const char *const bad[] = {
        "", "-----BEGIN SSH SIGNATURE-----",
        "-----BEGIN SSH SIGNATURE-----\n!!\n-----END SSH SIGNATURE-----",
        "-----BEGIN PGP SIGNATURE-----\nU1NI\n-----END SSH SIGNATURE-----",
        "-----BEGIN SSH SIGNATURE-----\nU1NI\n-----END PGP SIGNATURE-----"};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ts_buf_clear(&buf);
        assert_int_equal(sshsig_dearmour(ts_str_of(bad[i]), &buf), TS_E_FORMAT);
        assert_int_equal(buf.len, 0);
    }
}

static void put(struct ts_buf *out, const void *p, size_t n)
{
    const uint8_t head[4] = {0, 0, (uint8_t)(n >> 8), (uint8_t)n};

    assert_int_equal(ts_buf_append(out, head, 4), TS_OK);
    if (n > 0)
        assert_int_equal(ts_buf_append(out, p, n), TS_OK);
}

/* A security key as PROTOCOL.u2f has it, made of a key that we hold. */
static void token_blob(struct ts_bytes m, const char *app, uint8_t flags,
                       struct ts_buf *out)
{
    static const char type[] = "sk-ssh-ed25519@openssh.com";
    uint8_t seen[69] = {0}, sig[TRUST_SIG_LEN];
    const uint8_t tail[5] = {flags, 0, 0, 0, 9};
    struct ts_buf data, key, one;

    ts_buf_init(&data, 4096);
    ts_buf_init(&key, 4096);
    ts_buf_init(&one, 4096);
    assert_int_equal(sshsig_to_sign(NAME, m, &data), TS_OK);
    crypto_hash_sha256(seen, (const uint8_t *)app, strlen(app));
    memcpy(seen + 32, tail, sizeof(tail));
    crypto_hash_sha256(seen + 37, ts_buf_bytes(&data), data.len);
    crypto_sign_detached(sig, NULL, seen, sizeof(seen), w.key[AP_BOB].sk);
    put(&key, type, strlen(type));
    put(&key, w.key[AP_BOB].pk, TRUST_PK_LEN);
    put(&key, app, strlen(app));
    put(&one, type, strlen(type));
    put(&one, sig, sizeof(sig));
    assert_int_equal(ts_buf_append(&one, tail, sizeof(tail)), TS_OK);
    ts_buf_clear(out);
    assert_int_equal(
        sshsig_of_agent(NAME, world_bytes(&key), world_bytes(&one), out),
        TS_OK);
    ts_buf_done(&data);
    ts_buf_done(&key);
    ts_buf_done(&one);
}

static void a_token_needs_a_touch_and_an_application_of_ssh(void **state)
{
    (void)state;
    token_blob(message, "ssh:", 1, &blob);
    assert_true(world_sweep(world_bytes(&blob), judge, w.key[AP_BOB].pk) >
                1000);
    token_blob(message, "ssh:work", 5, &blob);
    assert_int_equal(judge(w.key[AP_BOB].pk, world_bytes(&blob)), TRUST_OK);
    token_blob(message, "ssh:", 0, &blob);
    assert_int_equal(judge(w.key[AP_BOB].pk, world_bytes(&blob)), TRUST_E_SIG);
    token_blob(message, "https://example.com", 1, &blob);
    assert_int_equal(judge(w.key[AP_BOB].pk, world_bytes(&blob)), TRUST_E_SIG);
}

static void an_approval_in_this_form_counts_like_a_raw_one(void **state)
{
    const struct approval a = approval_world_says(&w, AP_BOB);
    struct approval_tally t = {0};
    uint8_t decision[16];

    (void)state;
    assert_int_equal(approval_body(&a, &buf), TS_OK);
    token_blob(world_bytes(&buf), "ssh:", 1, &blob);
    ts_buf_clear(&w.answer);
    assert_int_equal(
        approval_join_ssh(world_bytes(&buf), world_bytes(&blob), &w.answer),
        TS_OK);
    assert_true(approval_peek(world_bytes(&w.answer), decision));
    assert_memory_equal(decision, w.ticket.decision_id, sizeof(decision));
    assert_int_equal(approval_accept(&w.people, &w.ticket, w.ticket_id,
                                     world_bytes(&w.answer), AP_NOW, &t, NULL),
                     APPROVAL_OK);
    assert_int_equal(t.people_count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            what_ssh_keygen_makes_verifies_and_nothing_near_it, setup,
            teardown),
        cmocka_unit_test_setup_teardown(armour_is_taken_off_or_refused, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            a_token_needs_a_touch_and_an_application_of_ssh, setup, teardown),
        cmocka_unit_test_setup_teardown(
            an_approval_in_this_form_counts_like_a_raw_one, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
