#include <stdio.h>

#include "sidecar/gate/people/snapshot_priv.h"

ts_err snapshot_tokens_check(const struct manifests *m, bool has_token_key,
                             char *reterr_text, size_t reterr_cap)
{
    for (uint32_t i = 0; i < m->count && !has_token_key; i++) {
        const struct manifest *one = &m->list[i];

        if (one->token.ttl_s == 0)
            continue;
        (void)snprintf(reterr_text, reterr_cap,
                       "%.*s:1: identity_token: this sidecar has no key to "
                       "sign with; make one with `tipstaff key new` and name "
                       "it as token_key in tipstaff.yaml",
                       (int)one->file.len, one->file.ptr);
        return TS_E_STATE;
    }
    return TS_OK;
}
