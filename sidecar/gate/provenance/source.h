#ifndef SIDECAR_GATE_PROVENANCE_SOURCE_H
#define SIDECAR_GATE_PROVENANCE_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/ts_str.h"

/*
 * Where a value comes from, from the best to the worst (provenance
 * design, 3.4). What is not known is not trusted, and its own value.
 */
enum prov_source {
    PROV_NONE = 0,  /* no value */
    PROV_PROMPT,    /* in the user's own words, or the user's identity */
    PROV_TRUSTED,   /* in a leaf of an output that its manifest trusts */
    PROV_UNTRUSTED, /* only where strangers write */
    PROV_UNKNOWN    /* nowhere: the model made it, or it did not fit */
};
/* Of several values together: what strangers said is worse than what nobody
 * did, so that nothing made up hides it. (One value has its best source.) */
bool prov_source_is_worse(enum prov_source a, enum prov_source than);
const char *prov_source_name(enum prov_source s);
bool prov_source_parse(struct ts_str name, enum prov_source *ret);

enum prov_confidentiality {
    PROV_PUBLIC = 0,
    PROV_INTERNAL,
    PROV_PRIVATE,
    PROV_SECRET
};

/* Who began the task, by a signed statement (proto/trust/origin.h). */
enum prov_origin {
    PROV_ORIGIN_UNKNOWN = 0, /* nobody said so who may */
    PROV_ORIGIN_USER,
    PROV_ORIGIN_SCHEDULE,
    PROV_ORIGIN_WEBHOOK,
    PROV_ORIGIN_AGENT
};
const char *prov_origin_name(enum prov_origin o);
bool prov_origin_parse(struct ts_str name, enum prov_origin *ret);

/* What a leaf is labelled. */
struct prov_label {
    enum prov_source source; /* PROMPT, TRUSTED or UNTRUSTED */
    bool is_id;              /* ids are looked for among these alone */
    enum prov_confidentiality level;
    uint32_t said; /* what the call that printed it was given: the name of those
                      arguments (prov_task_says()); 0: it does not matter */
};

#endif
