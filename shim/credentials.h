#ifndef SHIM_CREDENTIALS_H
#define SHIM_CREDENTIALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/trust/keys.h"
#include "proto/wire/limits.h"
#include "shim/tipstaff.h"

/* What a session is opened with, read from files. */
struct credentials {
    const char *socket; /* borrowed path */
    uint8_t *chain;     /* owned, chain_len bytes */
    size_t chain_len;
    uint8_t *origin; /* owned; NULL: none */
    size_t origin_len;
    struct trust_secret holder; /* owned */
    bool is_root; /* the chain is one block: holder may end the task */
    uint8_t grant_id[16];
    bool sign_calls;
    bool pinned;
    uint8_t sidecar_pk[TRUST_PK_LEN]; /* when pinned */
};

/*
 * Fills ret from config and, where it is silent, from the environment. Any
 * failure: reterr_text (TIPSTAFF_MESSAGE_MAX bytes) names the file or the
 * variable and what to do. A key that is not the last holder's is found here
 * and not by the sidecar, which would only say auth_failed.
 */
TS_NODISCARD ts_err credentials_load(const struct tipstaff_config *config,
                                     struct credentials *ret,
                                     char *reterr_text);
void credentials_done(struct credentials *c);

/* Parts of it, for tipstaff_revoke(). A regular file of 1..max-1 bytes: how
 * many, 0 with the sentence. NULL paths take the variable's, as above. */
size_t credentials_file(const char *path, const char *what, uint8_t *to,
                        size_t max, char *reterr_text);
TS_NODISCARD ts_err credentials_key(const char *path, struct trust_secret *ret,
                                    char *reterr_text);
TS_NODISCARD ts_err credentials_public(const char *path, const char *what,
                                       uint8_t ret[TRUST_PK_LEN],
                                       char *reterr_text);

#endif
