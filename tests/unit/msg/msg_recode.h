#ifndef TESTS_UNIT_MSG_MSG_RECODE_H
#define TESTS_UNIT_MSG_MSG_RECODE_H

#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_buf.h"
#include "proto/base/ts_err.h"

/* Every body that proto/msg/client.h and admin.h can decode. */
enum msg_kind {
    KIND_ERROR,
    KIND_CALL,
    KIND_DECISION,
    KIND_STDIN,
    KIND_OUTPUT,
    KIND_RESULT,
    KIND_SEQ,
    KIND_CHECK,
    KIND_CHECKED,
    KIND_TOOLS,
    KIND_WINDOW,
    KIND_PING,
    KIND_REVOKE,
    KIND_ACK,
    KIND_COMPLETE,
    KIND_TEXT,
    KIND_FAIL,
    KIND_TAIL,
    KIND_EMPTY,
    KIND_FEED,
    KIND_MSG_REVOKE,
    KIND_LIST,
    KIND_ENTRY,
    KIND_APPROVALS,
    KIND_TICKET,
    KIND_TICKET_NEWS,
    KIND_ANSWER,
    KIND_ANSWERED,
    KIND_ORIGIN,
    KIND_HOOK,
    KIND_ESCALATE,
    KIND_ESCALATED,
    KIND_ESCALATIONS,
    KIND_ESCALATION,
    KIND_KEPT,
    KIND_COUNT
};

/* Decodes body and appends the frame of what was understood to out. */
ts_err msg_recode(enum msg_kind kind, const uint8_t *body, size_t len,
                  struct ts_buf *out, const char **reterr_what);

/* Appends a valid frame of that kind with every field in use. */
ts_err msg_sample(enum msg_kind kind, struct ts_buf *out);

#endif
