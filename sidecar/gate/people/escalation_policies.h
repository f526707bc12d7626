#ifndef SIDECAR_GATE_PEOPLE_ESCALATION_POLICIES_H
#define SIDECAR_GATE_PEOPLE_ESCALATION_POLICIES_H

#include <stdbool.h>
#include <stddef.h>

#include "policy/cedar.h"
#include "policy/cedar_schema.h"
#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "proto/trust/escalation.h"

/*
 * The Cedar text of an escalation, held to what a delegated block is held to:
 * its limits, no templates, strictly valid against the tenant's schema. Only
 * permits: an escalation widens, and what narrows has its place elsewhere.
 */

/* *ret is NULL when there are lifts alone. TS_E_FORMAT with reterr_text
 * "escalation:LINE:COL: what; what to do", or TS_E_NOMEM. */
TS_NODISCARD ts_err escalation_policies_make(const struct escalation *e,
                                             const struct cedar_schema *schema,
                                             struct cedar_policies **ret,
                                             char *reterr_text,
                                             size_t reterr_cap);

/* What can be said without a schema, for who writes one: "NAME:LINE:COL: .." as
 * above. There is text. */
TS_NODISCARD ts_err escalation_policies_check(const char *name,
                                              struct ts_str policies,
                                              char *reterr_text,
                                              size_t reterr_cap);

/* The first lift that is no forbid of the tenant with @breakglass; false: all
 * are. */
bool escalation_lift_fault(const struct escalation *e,
                           const struct cedar_policies *tenant,
                           struct ts_str *ret);
/* May policy index be lifted, and is it named? */
bool escalation_lifts(const struct ts_str *lifts, uint32_t lift_count,
                      const struct cedar_policies *tenant, uint32_t index);

#endif
