#ifndef SIDECAR_GATE_STEPS_RECORDS_H
#define SIDECAR_GATE_STEPS_RECORDS_H

#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "proto/trust/directory_snapshot.h"
#include "sidecar/common/manifest/manifest.h"
#include "sidecar/common/revocation_entry.h"

/*
 * The records of the gate's own life (proto/msg/record.h): start, stop,
 * policy_loaded, policy_rejected, directory_loaded, directory_rejected,
 * revocation. Pure; decisions and outcomes are
 * written by the deciding half.
 */
TS_NODISCARD ts_err record_life(const char *kind, uint64_t generation,
                                uint64_t boot_id, uint64_t rev_seq,
                                uint8_t *buf, size_t cap, size_t *ret_len);
TS_NODISCARD ts_err record_policy(const char *kind, uint64_t generation,
                                  struct ts_str text, uint8_t *buf, size_t cap,
                                  size_t *ret_len);
/* A tool that is not served in this generation. */
TS_NODISCARD ts_err record_tool_refused(uint64_t generation,
                                        const struct manifest_refused *r,
                                        uint8_t *buf, size_t cap,
                                        size_t *ret_len);
/* by: "operator", "session", "holder", "directory", "signer", "escalation";
 * signer: key id of who
 * signed it (TRUST_KID_LEN), NULL for nobody. */
TS_NODISCARD ts_err record_revocation(const struct revocation_entry *r,
                                      const char *by, uint32_t by_uid,
                                      const uint8_t *signer, uint8_t *buf,
                                      size_t cap, size_t *ret_len);
/* A person's answer to a question, whether it counts or not, and the end of a
 * question; all borrowed. */
struct approval_record {
    const uint8_t *decision_id; /* 16 bytes: the question's */
    const uint8_t *ticket_id;   /* TRUST_HASH_LEN */
    struct ts_str tenant;
    struct ts_str person, verdict; /* "" where it does not count */
    struct ts_str code, state;
    uint32_t people; /* who have said yes */
    uint32_t by_uid; /* who brought it */
};
TS_NODISCARD ts_err record_approval(const struct approval_record *r,
                                    uint8_t *buf, size_t cap, size_t *ret_len);
struct approval_end_record {
    const uint8_t *decision_id;
    const uint8_t *ticket_id;
    struct ts_str tenant;
    struct ts_str reason;        /* ticket_end_name() */
    const struct ts_str *people; /* who have said yes */
    uint32_t people_count;
};
TS_NODISCARD ts_err record_approval_end(const struct approval_end_record *r,
                                        uint8_t *buf, size_t cap,
                                        size_t *ret_len);
/* The on_pending hook: what failed last, and counts since the gate began. */
struct hook_record {
    struct ts_str code, text;
    uint64_t ran, failed, left_out;
};
TS_NODISCARD ts_err record_hook_failed(const struct hook_record *r,
                                       uint8_t *buf, size_t cap,
                                       size_t *ret_len);
/* An escalation that comes into force (policies, lifts, by_uid) or has ended
 * (end); all borrowed. */
struct escalation_record {
    const char *kind;  /* "escalation", "escalation_review_due" */
    const uint8_t *id; /* 16 bytes */
    struct ts_str tenant, user, agent, task;
    const struct ts_str *people;
    uint32_t people_count;
    uint64_t expires; /* unix seconds */
    uint32_t used, max_uses;
    struct ts_str reason, incident;
    const char *end; /* escalation_end_name(); NULL: it begins */
    struct ts_str policies;
    const struct ts_str *lifts;
    uint32_t lift_count;
    uint32_t by_uid;
};
TS_NODISCARD ts_err record_escalation(const struct escalation_record *r,
                                      uint8_t *buf, size_t cap,
                                      size_t *ret_len);
/* An activation that was refused; what it says is nobody's word. */
struct escalation_refused_record {
    const uint8_t *id; /* 16 bytes */
    struct ts_str tenant, user, agent, task;
    struct ts_str code;
    const uint8_t *kids; /* TRUST_KID_LEN each */
    uint32_t kid_count;
    uint64_t left_out; /* refused before it, without a record */
    uint32_t by_uid;
};
TS_NODISCARD ts_err
record_escalation_refused(const struct escalation_refused_record *r,
                          uint8_t *buf, size_t cap, size_t *ret_len);
/* revoked: how many of its revocations said something new. by: "operator",
 * "file". */
TS_NODISCARD ts_err record_directory_loaded(const struct directory_snapshot *d,
                                            uint32_t revoked, const char *by,
                                            uint32_t by_uid, uint8_t *buf,
                                            size_t cap, size_t *ret_len);
/* tenant may be empty: nothing could be read of it. */
TS_NODISCARD ts_err record_directory_rejected(struct ts_str tenant,
                                              struct ts_str text,
                                              const char *by, uint32_t by_uid,
                                              uint8_t *buf, size_t cap,
                                              size_t *ret_len);

#endif
