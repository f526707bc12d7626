#ifndef CLI_POLICY_SLICE_H
#define CLI_POLICY_SLICE_H

#include "policy/cedar.h"

/* A value inside a larger JSON text, and its diagnostics put where it stands.
 */

/* The text of a value, of which the JSON reader gave the span. */
struct ts_str pol_slice(struct ts_str text, struct cedar_span span);

/* Moves diagnostics from number `from` on that are about source `slice` to
 * where that slice begins in source `whole`. */
void pol_diags_move(struct cedar_diags *diags, uint32_t from, uint32_t slice,
                    struct cedar_span at, uint32_t whole);

#endif
