/* Apart from the rest: who reads other secrets links no signatures. */
#include <stdio.h>

#include "proto/trust/key_source.h"

ts_err key_source_load(const struct key_source *from, struct trust_secret *ret,
                       char *reterr_text, size_t reterr_cap)
{
    uint8_t seed[TRUST_SEED_LEN];
    ts_err e = key_source_seed(from, seed, reterr_text, reterr_cap);

    if (e != TS_OK)
        return e;
    e = trust_secret_from_seed(seed, ret); /* wipes it on every path */
    if (e != TS_OK)
        (void)snprintf(reterr_text, reterr_cap,
                       "%s: no locked memory for a key: %s (raise "
                       "RLIMIT_MEMLOCK)",
                       from->where, ts_err_text(e));
    return e;
}
