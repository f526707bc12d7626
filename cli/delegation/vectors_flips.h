#ifndef CLI_DELEGATION_VECTORS_FLIPS_H
#define CLI_DELEGATION_VECTORS_FLIPS_H

#include "proto/trust/delegation.h"

struct flips {
    size_t tried;
    size_t accepted; /* more than 0: the verifier is broken */
    size_t failed;   /* could not be judged: no memory */
};

/* Judges every truncation and every single-bit flip of an accepted chain at
 * now; adds to *sum. About 0.1 ms each. */
void flips_try(const struct trust_config *cfg, struct ts_bytes chain,
               uint64_t now, struct flips *sum);

#endif
