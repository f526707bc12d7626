#ifndef POLICY_CORE_BUDGET_H
#define POLICY_CORE_BUDGET_H

#include "policy/cedar.h"

/* Neither wraps: what no size_t can hold is SIZE_MAX, which the limits on bytes
 * refuse. */

/* Bytes of all sources together. */
size_t cedar_sources_bytes(const struct cedar_source *sources, size_t count);
/* What an arena may take for a text of this size: CEDAR_LOAD_PER_BYTE for each
 * byte, and CEDAR_LOAD_BASE. */
size_t cedar_load_budget(size_t bytes);

#endif
