#ifndef SIDECAR_GATE_REVOCATION_JOURNAL_IN_H
#define SIDECAR_GATE_REVOCATION_JOURNAL_IN_H

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "sidecar/gate/gate.h"

/*
 * What the recorder kept over a restart, given back before anything is served:
 * revocations, budgets, counters, marks of directories, and the newest time
 * that anything says. rev_seq must grow from entry to entry; entries that a
 * later one replaced may be gone. It is checked like anything from outside: an
 * unknown type or a malformed entry is TS_E_FORMAT, and the gate does not
 * start, since what it cannot read may be a revocation. reterr_what is static
 * text.
 */
TS_NODISCARD ts_err journal_in(struct gate *g, int journal_fd,
                               const char **reterr_what);

#endif
