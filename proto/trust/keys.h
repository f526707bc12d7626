#ifndef PROTO_TRUST_KEYS_H
#define PROTO_TRUST_KEYS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"

/*
 * Ed25519 keys. A secret is kept on disk as the 32-byte seed alone and the
 * public half is always derived from it: a stored pair that disagrees would
 * leak the key with the first signature (RUSTSEC-2022-0093).
 */
#define TRUST_SEED_LEN 32 /* bytes */
#define TRUST_PK_LEN   32
#define TRUST_SIG_LEN  64
#define TRUST_KID_LEN  16
#define TRUST_HASH_LEN 32

/* A signing key in guarded memory (sodium_malloc: own pages, not swapped, not
 * dumped, read-only). Zeroed is valid and empty. */
struct trust_secret {
    uint8_t *sk; /* owned, 64 bytes */
    uint8_t pk[TRUST_PK_LEN];
};

/*
 * Once at the start of every program that uses anything in proto/trust, before
 * any filter is installed: initialises libsodium and refuses a library that
 * accepts known bad points or signatures (CVE-2025-69277 was in that very
 * check). TS_E_SYSTEM: this libsodium must not be used.
 */
TS_NODISCARD ts_err trust_init(void);

/* Wipes seed on every path. */
TS_NODISCARD ts_err trust_secret_from_seed(uint8_t seed[TRUST_SEED_LEN],
                                           struct trust_secret *ret);
void trust_secret_done(struct trust_secret *s);

/* TS_OK if pk is a canonical point of the main subgroup; else TS_E_INVALID.
 * Every key that enters is checked: verification alone accepts signatures
 * under mixed-order keys. */
TS_NODISCARD ts_err trust_pk_check(const uint8_t pk[TRUST_PK_LEN]);

/* kid = BLAKE2b-128(PAE("tipstaff/1/kid", pk)) */
void trust_kid(const uint8_t pk[TRUST_PK_LEN], uint8_t kid[TRUST_KID_LEN]);

#endif
