#ifndef CLI_ISSUER_CONFIG_H
#define CLI_ISSUER_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_arena.h"
#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "proto/trust/keys.h"

/*
 * Which identity providers may log in whom: the file of `tipstaff issuer
 * exchange --config` (tipstaff-issuer(1), docs/IDENTITY.md). Everything that a
 * token could be tempted to choose stands here: the algorithm, the keys, the
 * tenant, who a subject is. Unknown keys and combinations that cannot work are
 * refused with "FILE:LINE: what; what to do".
 */
#define IDP_MAX       32
#define IDP_KEYS_MAX  16
#define IDP_USERS_MAX 4096
#define IDP_LIST_MAX  16  /* acr, amr, require, words of verifier: each */
#define IDP_TEXT_MAX  512 /* bytes of iss, client_id, a word */
#define IDP_SUB_MAX   255 /* bytes; OpenID Connect Core, section 2 */
#define IDP_KID_MAX   256
#define IDP_BYTES_MAX (1u << 20) /* of the file, and of each that it names */

enum idp_alg {
    IDP_EDDSA = 0, /* RFC 8037 */
    IDP_ED25519,   /* the same, as RFC 9864 calls it */
    IDP_RS256,     /* by an external verifier */
    IDP_ES256,     /* the same */
    IDP_ALG_COUNT_
};
const char *idp_alg_name(enum idp_alg alg); /* as a header spells it */
bool idp_alg_is_external(enum idp_alg alg);

struct idp_key {
    struct ts_str kid;
    uint8_t pk[TRUST_PK_LEN];
};

struct idp_pair { /* users: subject, user id; require: claim, value */
    struct ts_str key, value;
};

struct idp { /* all in the arena of the reader */
    struct ts_str iss, client_id;
    enum idp_alg alg;
    struct idp_key keys[IDP_KEYS_MAX];
    size_t key_count;
    struct ts_str jwks_file;    /* "", or a file that adds to keys */
    const char **verifier;      /* argv, NULL at the end; or NULL */
    struct ts_str tenant, name; /* what the root block will say */
    uint64_t max_ttl_s;
    struct ts_str acr[IDP_LIST_MAX]; /* one of them, unless none is given */
    size_t acr_count;
    struct ts_str amr[IDP_LIST_MAX]; /* each of them */
    size_t amr_count;
    uint64_t max_auth_age_s; /* 0: not asked for */
    struct idp_pair require[IDP_LIST_MAX];
    size_t require_count;
    struct idp_pair *users;
    size_t user_count;
    struct ts_str users_file; /* "", or a file that has them all */
};

struct idp_config {
    struct idp list[IDP_MAX];
    size_t count;
};

/* name is the file's, for messages. On failure *ret is not to be used. */
TS_NODISCARD ts_err idp_config_read(struct ts_str name, struct ts_str text,
                                    struct ts_arena *arena,
                                    struct idp_config *ret, char *reterr_text,
                                    size_t reterr_cap);
/* The file that users: names, a mapping of subjects to user ids. */
TS_NODISCARD ts_err idp_users_read(struct ts_str name, struct ts_str text,
                                   struct ts_arena *arena, struct idp *idp,
                                   char *reterr_text, size_t reterr_cap);
/* The file that jwks: names (RFC 7517). Keys that are not for Ed25519
 * signatures are passed over; at least one must be left. */
TS_NODISCARD ts_err idp_jwks_read(struct ts_str name, struct ts_str text,
                                  struct ts_arena *arena, struct idp *idp,
                                  char *reterr_text, size_t reterr_cap);

/* NULL when there is none. */
const struct idp *idp_find(const struct idp_config *c, struct ts_str iss);
const struct idp_key *idp_key_find(const struct idp *idp, struct ts_str kid);

#endif
