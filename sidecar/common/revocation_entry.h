#ifndef SIDECAR_COMMON_REVOCATION_ENTRY_H
#define SIDECAR_COMMON_REVOCATION_ENTRY_H

#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "proto/trust/revocation.h"

/*
 * The payload of a JOURNAL_REVOCATION entry: one strict msgpack array
 *
 *   [1, rev_seq, kind, tenant str, target bin, cutoff, unix_ms, reason str]
 *
 * The recorder keeps it as it is; at start it comes back and is replayed, so
 * it is checked like anything from outside. rev_seq counts from 1. In what
 * comes back it only grows: an entry that a later one replaced, or that nothing
 * can fall under any more, may be gone, the newest never is.
 */
#define REVOCATION_REASON_MAX  256 /* bytes */
#define REVOCATION_PAYLOAD_MAX 1024

struct revocation_entry { /* slices borrow from the decoded bytes */
    uint64_t rev_seq;     /* >= 1 */
    enum revocation_kind kind;
    struct ts_str tenant; /* 1..TS_ID_MAX bytes */
    struct ts_bytes target;
    uint64_t cutoff;
    uint64_t unix_ms;
    struct ts_str reason;
};

/* TS_E_INVALID for a kind or a target length that do not fit each other. */
TS_NODISCARD ts_err revocation_entry_encode(const struct revocation_entry *r,
                                            void *buf, size_t cap,
                                            size_t *ret_len);
TS_NODISCARD ts_err revocation_entry_decode(const void *b, size_t n,
                                            struct revocation_entry *ret,
                                            const char **reterr_what);

#endif
