#ifndef SIDECAR_RECORDER_RECORD_H
#define SIDECAR_RECORDER_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "proto/msg/record.h"

struct ts_json;

/*
 * A record as the gate hands it over (proto/msg/record.h), checked: strict
 * msgpack, "kind" first, every required key there and of its type, none of the
 * recorder's own keys. What the keys mean is not judged here.
 */
enum record_kind {
    RECORD_DECISION,
    RECORD_EXEC_ENDED,
    RECORD_REVOCATION,
    RECORD_POLICY_LOADED,
    RECORD_POLICY_REJECTED,
    RECORD_TOOL_REFUSED,
    RECORD_DIRECTORY_LOADED,
    RECORD_DIRECTORY_REJECTED,
    RECORD_EGRESS_OPENED,
    RECORD_EGRESS_CLOSED,
    RECORD_EGRESS_DENIED,
    RECORD_APPROVAL,
    RECORD_APPROVAL_ENDED,
    RECORD_HOOK_FAILED,
    RECORD_ESCALATION,
    RECORD_ESCALATION_REVIEW_DUE,
    RECORD_ESCALATION_REFUSED,
    RECORD_START,
    RECORD_STOP,
    RECORD_SEGMENT,    /* only made by the recorder */
    RECORD_TRUNCATION, /* only made by the recorder */
    RECORD_KINDS_
};

struct record { /* borrows from the bytes given to record_parse() */
    enum record_kind kind;
    bool has_id;
    uint8_t id[16];
    struct ts_str tenant, user, agent, tool, effect; /* "" when absent */
    bool has_order;
    uint64_t order;
    bool has_args_digest;
    uint8_t args_digest[32];
    struct ts_bytes map; /* the whole map */
    uint32_t count;      /* its entries */
    size_t body;         /* offset of the first key */
};

/* own: the recorder's own kinds are allowed, and any size. On failure *ret is
 * untouched and *reterr_what names the key or the flaw (static text). */
TS_NODISCARD ts_err record_parse(const void *b, size_t n, bool own,
                                 struct record *ret, const char **reterr_what);

/* The map's entries as JSON members, in their order, without the braces. */
void record_members(const struct record *r, struct ts_json *o);

#endif
