#ifndef SIDECAR_GATE_USES_JOURNAL_H
#define SIDECAR_GATE_USES_JOURNAL_H

#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "sidecar/gate/uses/ledger.h"

/*
 * The payload of a JOURNAL_USES entry: one strict msgpack array
 *
 *   [1, tenant str, grant_id bin16, expires_s, [[id bin16, total], ...]]
 *
 * All counters of the grant with a total above 0, calls in flight included.
 * It precedes the launch of a call that counts in the same ring, so a restart
 * goes on at what may have been used: exact but for calls in flight, which
 * count then, and for what was given back and not yet written.
 */
#define USE_PAYLOAD_MAX 2048

struct use_entry {        /* tenant borrows from the decoded bytes */
    struct ts_str tenant; /* 1..TS_ID_MAX bytes */
    uint8_t grant_id[16];
    uint64_t expires_s; /* unix seconds, the root's exp */
};

TS_NODISCARD ts_err use_entry_encode(const struct use_entry *u,
                                     const struct use_ledger *l, void *buf,
                                     size_t cap, size_t *ret_len);
/* *ret_ledger is written only on success. */
TS_NODISCARD ts_err use_entry_decode(const void *b, size_t n,
                                     struct use_entry *ret,
                                     struct use_ledger *ret_ledger,
                                     const char **reterr_what);

#endif
