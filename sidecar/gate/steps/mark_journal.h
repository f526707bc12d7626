#ifndef SIDECAR_GATE_STEPS_MARK_JOURNAL_H
#define SIDECAR_GATE_STEPS_MARK_JOURNAL_H

#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "proto/trust/keys.h"

/*
 * The payloads of two entries of the journal, strict msgpack arrays:
 *
 *   JOURNAL_DIRECTORY   [1, tenant str, seq, hash bin32]
 *   JOURNAL_CLOCK       [1, unix_ms]
 *
 * The first is the newest directory of a tenant that was accepted: nothing
 * older is, even after a restart. The second is a time that was believed.
 */
#define MARK_PAYLOAD_MAX 256

struct mark_entry {       /* tenant borrows from the decoded bytes */
    struct ts_str tenant; /* 1..TS_ID_MAX bytes */
    uint64_t seq;         /* >= 1 */
    uint8_t hash[TRUST_HASH_LEN];
};

TS_NODISCARD ts_err mark_entry_encode(const struct mark_entry *m, void *buf,
                                      size_t cap, size_t *ret_len);
TS_NODISCARD ts_err mark_entry_decode(const void *b, size_t n,
                                      struct mark_entry *ret,
                                      const char **reterr_what);
TS_NODISCARD ts_err clock_entry_encode(uint64_t unix_ms, void *buf, size_t cap,
                                       size_t *ret_len);
TS_NODISCARD ts_err clock_entry_decode(const void *b, size_t n,
                                       uint64_t *ret_unix_ms,
                                       const char **reterr_what);

#endif
