#ifndef SIDECAR_GATE_PROVENANCE_GIVEN_H
#define SIDECAR_GATE_PROVENANCE_GIVEN_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/ts_str.h"
#include "sidecar/gate/provenance/source.h"

/*
 * What a call was given by handles (docs/PROVENANCE.md, Handles), kept until
 * its output is known: the tool may print it, and an output that no agent has
 * seen must not come by another tool as something that nobody knows.
 */
#define PROV_GIVEN_MAX 16u /* handles of one call */

struct prov_given_one {
    uint32_t call;         /* of the output that the handle named */
    struct ts_str pointer; /* in it */
    enum prov_source source;
    enum prov_confidentiality level;
    bool is_sealed; /* it was kept back by rule */
};
struct prov_given { /* owned, with the pointers behind it */
    uint32_t count;
    bool is_lost; /* it could not be remembered: it may be anything */
    struct prov_given_one list[PROV_GIVEN_MAX];
    char text[];
};

/* A copy; NULL for nothing. Without memory, or beyond the bound, it is one that
 * is lost. Never fails. */
const struct prov_given *prov_given_new(const struct prov_given_one *list,
                                        uint32_t count);
void prov_given_free(const struct prov_given *g); /* NULL is fine */

/* NULL is fine: nothing was given. */
bool prov_given_is_untrusted(const struct prov_given *g);
enum prov_confidentiality prov_given_level(const struct prov_given *g);

#endif
