#ifndef SIDECAR_GATE_STEPS_BUDGET_JOURNAL_H
#define SIDECAR_GATE_STEPS_BUDGET_JOURNAL_H

#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"

/*
 * The payload of a JOURNAL_CALLS entry: one strict msgpack array
 *
 *   [1, tenant str, grant_id bin16, expires_s, reserved]
 *
 * reserved: calls of the grant that may have started, see callids.h.
 */
#define BUDGET_PAYLOAD_MAX 256

struct budget_entry {     /* tenant borrows from the decoded bytes */
    struct ts_str tenant; /* 1..TS_ID_MAX bytes */
    uint8_t grant_id[16];
    uint64_t expires_s; /* unix seconds, the root's exp */
    uint64_t reserved;  /* >= 1 */
};

TS_NODISCARD ts_err budget_entry_encode(const struct budget_entry *b, void *buf,
                                        size_t cap, size_t *ret_len);
TS_NODISCARD ts_err budget_entry_decode(const void *b, size_t n,
                                        struct budget_entry *ret,
                                        const char **reterr_what);

#endif
