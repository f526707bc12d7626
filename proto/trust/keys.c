#include "proto/trust/keys.h"

#include <sodium.h>
#include <string.h>

#include "proto/base/ts_str.h"
#include "proto/trust/pae.h"

/* Points that a key may never be. The mixed-order ones are the base point plus
 * a point of small order: on the curve, canonical, and accepted by plain
 * signature verification. */
static const char *const bad_points[] = {
    /* order 1, 2, 4, 8 */
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    /* base point plus order 2 (CVE-2025-69277), 4, 8 */
    "9599999999999999999999999999999999999999999999999999999999999999",
    "9bad33f580df7ecc49df5342bac8145d5bedc40f573d1b067f3c4ce449689a15",
    "98519eadf35b995233b51b5cd23e9cc5a28b639b5a4af0ec903cb960d81b7819",
    /* y not reduced: 3 written as p + 3 */
    "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
};

/* RFC 8032 section 7.1, TEST 1: an empty message. */
static const char good_pk[] =
    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
static const char good_sig[] =
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
    "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b";
/* The same with the group order added to S: another encoding of it. */
static const char bad_sig[] =
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
    "4c8c7872aa064e049dbb3013fbf29380d25bf5f0595bbe24655141438e7a101b";

static bool unhex(const char *s, uint8_t *out, size_t len)
{
    return ts_hex_decode(s, strlen(s), out, len) == TS_OK;
}

static bool signatures_behave(void)
{
    uint8_t pk[TRUST_PK_LEN], sig[TRUST_SIG_LEN];
    const uint8_t none[1] = {0};

    return unhex(good_pk, pk, sizeof(pk)) &&
           unhex(good_sig, sig, sizeof(sig)) &&
           crypto_sign_verify_detached(sig, none, 0, pk) == 0 &&
           crypto_sign_verify_detached(sig, none, 1, pk) != 0 &&
           unhex(bad_sig, sig, sizeof(sig)) &&
           crypto_sign_verify_detached(sig, none, 0, pk) != 0;
}

ts_err trust_init(void)
{
    uint8_t pk[TRUST_PK_LEN];

    if (sodium_init() < 0)
        return TS_E_SYSTEM;
    for (size_t i = 0; i < sizeof(bad_points) / sizeof(bad_points[0]); i++)
        if (!unhex(bad_points[i], pk, sizeof(pk)) ||
            crypto_core_ed25519_is_valid_point(pk) != 0)
            return TS_E_SYSTEM;
    if (!unhex(good_pk, pk, sizeof(pk)) ||
        crypto_core_ed25519_is_valid_point(pk) != 1 || !signatures_behave())
        return TS_E_SYSTEM;
    return TS_OK;
}

ts_err trust_secret_from_seed(uint8_t seed[TRUST_SEED_LEN],
                              struct trust_secret *ret)
{
    uint8_t *sk = sodium_malloc(crypto_sign_SECRETKEYBYTES);
    uint8_t pk[TRUST_PK_LEN];

    if (sk == NULL) {
        sodium_memzero(seed, TRUST_SEED_LEN);
        return TS_E_NOMEM;
    }
    (void)crypto_sign_seed_keypair(pk, sk, seed); /* cannot fail */
    sodium_memzero(seed, TRUST_SEED_LEN);
    if (sodium_mprotect_readonly(sk) != 0) {
        sodium_free(sk);
        return TS_E_SYSTEM;
    }
    ret->sk = sk;
    memcpy(ret->pk, pk, sizeof(pk));
    return TS_OK;
}

void trust_secret_done(struct trust_secret *s)
{
    sodium_free(s->sk); /* wipes; NULL is fine */
    *s = (struct trust_secret){0};
}

ts_err trust_pk_check(const uint8_t pk[TRUST_PK_LEN])
{
    return crypto_core_ed25519_is_valid_point(pk) == 1 ? TS_OK : TS_E_INVALID;
}

void trust_kid(const uint8_t pk[TRUST_PK_LEN], uint8_t kid[TRUST_KID_LEN])
{
    const struct ts_bytes part = {.ptr = pk, .len = TRUST_PK_LEN};

    pae_hash(kid, TRUST_KID_LEN, PAE_PREFIX "kid", &part, 1);
}
