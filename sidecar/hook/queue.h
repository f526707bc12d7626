#ifndef SIDECAR_HOOK_QUEUE_H
#define SIDECAR_HOOK_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "proto/msg/admin.h"
#include "proto/wire/limits.h"

/*
 * For which questions the command is started, and when. Pure: the caller has
 * the clock. A bounded number of new questions waits, of one tenant no more
 * than a part of it, and tenants take turns; what finds no room is counted, and
 * the next question that is told says how many ("and 37 more"). Starts for new
 * questions are limited by the minute. Of a question that was told its end is
 * told as well, without a limit of its own: there are no more ends than starts.
 * A question that ends before it was told is not told at all.
 */
#define HOOK_QUEUED_MAX 64
#define HOOK_TENANT_MAX 16
#define HOOK_TOLD_MAX   4096 /* as many as can wait in a gate */
#define HOOK_BURST      10   /* starts at once, after a while without */

enum hook_event {
    HOOK_NO_EVENT = 0,
    HOOK_PENDING = 1,
    HOOK_APPROVED,
    HOOK_DENIED,
    HOOK_EXPIRED,
    HOOK_WITHDRAWN,
    HOOK_EVENT_COUNT_
};
const char *hook_event_name(enum hook_event e);

struct hook_job {
    enum hook_event event;
    uint8_t decision_id[16];
    char tenant[TS_ID_MAX];
    size_t tenant_len;
    char why[TS_CODE_MAX]; /* of an end: the gate's word for it */
    size_t why_len;
    uint32_t people; /* who have said yes */
    uint64_t more;   /* PENDING: questions left out since the last one */
    void *object;    /* PENDING: the signed ticket; the caller's to free */
    size_t object_len;
};
void hook_job_done(struct hook_job *j);

struct hook_queue;
/* per_minute: 1 or more. Every run takes its turn from now_ms on. */
TS_NODISCARD ts_err hook_queue_new(uint32_t per_minute, uint64_t now_ms,
                                   struct hook_queue **ret);
void hook_queue_free(struct hook_queue *q);

/* One that waits: copied, or counted. TS_E_NOMEM: counted as well. */
TS_NODISCARD ts_err hook_queue_ask(struct hook_queue *q, struct ts_str tenant,
                                   const uint8_t decision_id[16],
                                   struct ts_bytes object);
void hook_queue_news(struct hook_queue *q, const struct admin_ticket_news *m);

/* Takes the next one out, if one may start now. */
bool hook_queue_next(struct hook_queue *q, uint64_t now_ms,
                     struct hook_job *ret);
/* When there may be one: now_ms or later; UINT64_MAX if nothing waits. */
uint64_t hook_queue_due(const struct hook_queue *q, uint64_t now_ms);
uint64_t hook_queue_left_out(const struct hook_queue *q); /* in all */

#endif
