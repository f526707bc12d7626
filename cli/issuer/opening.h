#ifndef CLI_ISSUER_OPENING_H
#define CLI_ISSUER_OPENING_H

#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "proto/trust/keys.h"
#include "proto/wire/limits.h"

/*
 * The commitment that ties a login to one key, one task and one sidecar:
 *
 *     nonce = base64url(BLAKE2b-256(PAE("tipstaff/1/idp-nonce",
 *                       holder, task, aud, 16 random bytes)))
 *
 * The identity provider puts the nonce into the ID token; whoever steals that
 * token can have a delegation for that very key only. The opening is what the
 * nonce was made of, kept in a file between the login's two halves:
 *
 *     tipstaff login opening 1
 *     holder HEX
 *     task ID
 *     aud ID
 *     random HEX
 */
#define OPENING_RANDOM_LEN 16
#define OPENING_MAX        1024 /* bytes of the file */
#define OPENING_NONCE_LEN  43

struct opening {
    uint8_t holder[TRUST_PK_LEN];
    char task[TS_ID_MAX + 1], aud[TS_ID_MAX + 1];
    uint8_t random[OPENING_RANDOM_LEN];
};

void opening_nonce(const struct opening *o, char ret[OPENING_NONCE_LEN + 1]);
TS_NODISCARD ts_err opening_write(const struct opening *o, char *out,
                                  size_t cap, size_t *ret_len);
/* TS_E_FORMAT: not exactly those five lines. */
TS_NODISCARD ts_err opening_read(struct ts_str text, struct opening *ret);

#endif
