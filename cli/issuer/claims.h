#ifndef CLI_ISSUER_CLAIMS_H
#define CLI_ISSUER_CLAIMS_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/issuer/config.h"
#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "proto/trust/delegation.h"

/*
 * What an ID token says (OpenID Connect Core 1.0, section 2), held against
 * what is configured. Pure. Every refusal is a sentence that names the header
 * parameter or the claim. The same checks for a token that was verified here
 * and for claims that an external verifier handed back.
 *
 * Never looked at: email, preferred_username, name (they can be changed by
 * whoever they name), groups, roles, scope (the directory says these).
 */
#define CLAIMS_SKEW_S    60  /* tolerated on iat, nbf and exp */
#define CLAIMS_AGE_MAX_S 300 /* between iat and now */
#define CLAIMS_WHY_MAX   512 /* bytes of a sentence */

/* The header: alg as configured, a kid, and nothing that brings a key or a
 * rule of its own. *ret_kid borrows from header. */
TS_NODISCARD ts_err claims_check_header(const json_t *header,
                                        const struct idp *idp,
                                        struct ts_str *ret_kid, char *reterr);

/* The iss of a payload nobody has verified yet: which issuer to hold it to.
 * False, and a sentence, if it has none. */
bool claims_issuer(const json_t *payload, struct ts_str *ret, char *reterr);

struct login { /* what the root block is made of; borrows from idp and arena */
    struct ts_str user;
    struct delegation_attr attrs[4]; /* ascending: acr, amr, auth_time, sid */
    size_t attr_count;
};

/* now is unix seconds; nonce what the opening gives. */
TS_NODISCARD ts_err claims_check(const json_t *claims, const struct idp *idp,
                                 struct ts_str nonce, uint64_t now,
                                 struct ts_arena *arena, struct login *ret,
                                 char *reterr);

#endif
