#ifndef SIDECAR_GATE_STEPS_APPROVAL_JOURNAL_H
#define SIDECAR_GATE_STEPS_APPROVAL_JOURNAL_H

#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "proto/trust/approval_ticket.h"

/*
 * The payload of a JOURNAL_APPROVAL entry: one strict msgpack array
 *
 *     [1, tenant str, decision_id bin16, ticket_id bin32, launched bin16,
 *      unix_ms, [person str ..]]
 *
 * What people approved is about to be launched, under the decision `launched`:
 * it stands in the ring in front of that launch, so no launch that rests on
 * people outlives the note of who they were.
 */
#define APPROVAL_PAYLOAD_MAX 4096

struct approval_entry {
    struct ts_str tenant;
    uint8_t decision_id[16]; /* of the question */
    uint8_t ticket_id[TRUST_HASH_LEN];
    uint8_t launched[16];
    uint64_t unix_ms;
    struct ts_str people[TICKET_PEOPLE_MAX];
    uint32_t people_count; /* >= 1 */
};

/* TS_E_LIMIT: it does not fit: names of TS_ID_MAX bytes of more than 29 people
 * are the only way, and then the launch does not happen. */
TS_NODISCARD ts_err approval_entry_encode(const struct approval_entry *a,
                                          void *buf, size_t cap,
                                          size_t *ret_len);
TS_NODISCARD ts_err approval_entry_decode(const void *b, size_t n,
                                          struct approval_entry *ret,
                                          const char **reterr_what);

#endif
