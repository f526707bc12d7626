#ifndef SIDECAR_GATE_RECORDS_H
#define SIDECAR_GATE_RECORDS_H

#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "sidecar/common/revocation_entry.h"

/*
 * The records of the gate's own life (proto/msg/record.h): start, stop,
 * policy_loaded, policy_rejected, revocation. Pure; decisions and outcomes are
 * written by the deciding half.
 */
TS_NODISCARD ts_err record_life(const char *kind, uint64_t generation,
                                uint64_t boot_id, uint64_t rev_seq,
                                uint8_t *buf, size_t cap, size_t *ret_len);
TS_NODISCARD ts_err record_policy(const char *kind, uint64_t generation,
                                  struct ts_str text, uint8_t *buf, size_t cap,
                                  size_t *ret_len);
/* by: "operator" or "session"; tools and sessions: how many it ended. */
TS_NODISCARD ts_err record_revocation(const struct revocation_entry *r,
                                      const char *by, uint32_t by_uid,
                                      uint8_t *buf, size_t cap,
                                      size_t *ret_len);

#endif
