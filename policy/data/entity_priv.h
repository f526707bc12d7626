#ifndef POLICY_DATA_ENTITY_PRIV_H
#define POLICY_DATA_ENTITY_PRIV_H

#include "policy/data/entity.h"

/* Computes ancestors of all entities; the list must hold each uid once.
 * spans[i] says where entity i stood in its source. */
TS_NODISCARD ts_err cedar_closure(struct cedar_entities *store,
                                  const struct cedar_span *spans,
                                  struct ts_arena *temp,
                                  struct cedar_diags *diags);

#endif
