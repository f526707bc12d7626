#ifndef SIDECAR_GATE_ESCALATE_ESCALATION_JOURNAL_H
#define SIDECAR_GATE_ESCALATE_ESCALATION_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "proto/trust/escalation.h"

/*
 * The payload of a JOURNAL_ESCALATION entry: one strict msgpack array
 *
 *     [1, id bin16, body bin32, tenant, user, agent, task, exp, used, max_uses,
 * ended bool, unix_ms, [person ..], reason, incident]
 *
 * Written when it is activated, in front of every launch that uses it, with
 * that use counted, and at its end; of one id the last entry counts. The
 * policies are not in it: after a restart nothing is in force before somebody
 * brings the signed object again.
 */
#define ESCALATION_PAYLOAD_MAX 4096

struct escalation_entry { /* texts are borrowed */
    uint8_t id[16];
    uint8_t body[32]; /* BLAKE2b-256 of what was signed */
    struct ts_str tenant, user, agent, task;
    uint64_t expires;        /* unix seconds */
    uint32_t used, max_uses; /* used <= max_uses */
    bool ended;
    uint64_t unix_ms;
    struct ts_str people[ESCALATION_SIGS_MAX];
    uint32_t people_count; /* >= 1 */
    struct ts_str reason, incident;
};

TS_NODISCARD ts_err escalation_entry_encode(const struct escalation_entry *a,
                                            void *buf, size_t cap,
                                            size_t *ret_len);
TS_NODISCARD ts_err escalation_entry_decode(const void *b, size_t n,
                                            struct escalation_entry *ret,
                                            const char **reterr_what);

#endif
