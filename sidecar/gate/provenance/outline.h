#ifndef SIDECAR_GATE_PROVENANCE_OUTLINE_H
#define SIDECAR_GATE_PROVENANCE_OUTLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_str.h"
#include "proto/wire/limits.h"
#include "sidecar/gate/provenance/leaves.h"
#include "sidecar/gate/provenance/task.h"

/*
 * What an output looks like that an agent is not given: where values stand, of
 * which type, how many, how long. The agent's model reads it, so no byte of it
 * may come from a stranger: a key is told where the manifest spells it out in a
 * pattern, or calls the key's place trusted (then only [A-Za-z0-9_.-], at most
 * OUTLINE_KEY_MAX); any other is "?". Of secrets not even the length is told.
 */
#define OUTLINE_KEY_MAX    64
#define OUTLINE_LEAVES_MAX 4096u /* of an output that are looked at */

struct prov_outline_row {
    char pattern[TS_OUTLINE_PATTERN_MAX];
    uint32_t pattern_len;
    enum leaf_type type; /* not a key */
    uint32_t count;
    uint32_t min, max; /* bytes of strings that are not secret */
    enum prov_source source;
    bool secret;
};
struct prov_outline {
    struct prov_outline_row rows[TS_OUTLINE_MAX];
    uint32_t count;
    bool more; /* there is more than is told here */
};

/* json has passed leaves_check(). failed: the call did, so that nothing of it
 * is trusted. */
void prov_outline_of(struct ts_str json, const struct prov_output_rules *r,
                     bool failed, struct prov_outline *ret);
/* One text, all of it one value. */
void prov_outline_text(struct ts_str text, const struct prov_output_rules *r,
                       bool trusted, struct prov_outline *ret);

/* Is something secret in an output? JSON that cannot be read may be. */
bool prov_output_is_secret(struct ts_str bytes,
                           const struct prov_output_rules *r);

#endif
