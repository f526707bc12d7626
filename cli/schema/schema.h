#ifndef CLI_SCHEMA_SCHEMA_H
#define CLI_SCHEMA_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/cedar_schema.h"
#include "proto/base/ts_attr.h"
#include "proto/base/ts_buf.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "proto/trust/directory_snapshot.h"
#include "sidecar/common/manifest/manifest.h"

/*
 * The Cedar schema that fits a set of manifests: of each call that they allow
 * the gate makes a request that fits it (docs/POLICY-CONTEXT.md), and it
 * declares nothing else. The rules are those of sidecar/gate/decide; the types
 * of the context come from its table (context_types.h).
 */
struct schema_names {
    const struct ts_str *list;
    size_t count;
};

/* For a person: one sentence, escaped. */
typedef void schema_note(void *ctx, const char *text);

struct schema_request {
    const struct manifests *manifests; /* what they refused is not in it */
    /* Whose attributes users and agents have, each optional; NULL: none. */
    const struct directory_snapshot *people;
    /* Keys of grant.attrs, each an optional String. */
    struct schema_names grant_attrs;
    /* From a schema that people wrote: groups of actions and which actions are
     * in them, types of entities, attributes, tags and containers that the gate
     * does not make, and that an attribute which it makes is optional. Its
     * common types stand where they were used. NULL: nothing. */
    const struct cedar_schema *merge;
    schema_note *note; /* what of it is left out; may be NULL */
    void *ctx;
};

/* The four that `tipstaff issuer exchange` writes. */
extern const struct schema_names schema_grant_attrs;

/*
 * Appends the schema in Cedar's own syntax. The same input gives the same
 * bytes. TS_E_INVALID: no schema fits, and reterr_text says which manifests
 * contradict each other, or what cannot be merged; TS_E_LIMIT: over out->max.
 */
TS_NODISCARD ts_err schema_write(const struct schema_request *r,
                                 struct ts_buf *out, char *reterr_text,
                                 size_t reterr_cap);

/* What a schema that people wrote has beside or against a written one. */
enum schema_finding {
    SCHEMA_LACKS, /* calls are refused with schema_mismatch */
    SCHEMA_WRONG, /* the same */
    SCHEMA_MORE   /* no call has it: harmless, perhaps forgotten */
};
/* where: `action "x"`, `entity File`; text is the same for the same mistake. */
typedef void schema_found(void *ctx, enum schema_finding kind,
                          const char *where, const char *text);

/* made: as schema_write() made it without merge. Texts are escaped. */
void schema_compare(const struct cedar_schema *made,
                    const struct cedar_schema *given, schema_found *found,
                    void *ctx);

#endif
