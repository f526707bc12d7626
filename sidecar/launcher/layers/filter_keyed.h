#ifndef SIDECAR_LAUNCHER_LAYERS_FILTER_KEYED_H
#define SIDECAR_LAUNCHER_LAYERS_FILTER_KEYED_H

#include "sidecar/launcher/layers/filter.h"
#include "sidecar/sandbox/profile.h"

/* One call of the launcher's that a tool must not make; filter.h says which
 * registers carry the key. */
struct filter_keyed {
    const char *call;
    unsigned args;    /* that the kernel reads: up to 4, or 5 */
    const char *when; /* a condition (sidecar/sandbox/cond.h), NULL: always */
    bool in_strict;   /* left by the filter of a strict launch */
};
extern const struct filter_keyed filter_keyed_calls[]; /* ends with NULL */

/* Adds to the model what the key opens. Calls that the architecture does not
 * have are skipped. */
TS_NODISCARD ts_err filter_keyed_add(const struct sandbox_calls *calls,
                                     const struct filter_key *key,
                                     bool strict_only, struct sandbox_model *m,
                                     struct ts_arena *arena);

/* The same from another list: filter_notify.h. */
TS_NODISCARD ts_err filter_keyed_add_list(const struct filter_keyed *list,
                                          const struct sandbox_calls *calls,
                                          const struct filter_key *key,
                                          struct sandbox_model *m,
                                          struct ts_arena *arena);

/* Every number that a register may hold and the filter ignores if there is no
 * key is a hole: the register must be one that the kernel does not read. */
unsigned filter_keyed_first(const struct filter_keyed *k); /* 4 or 5 */

#endif
