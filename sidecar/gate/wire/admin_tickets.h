#ifndef SIDECAR_GATE_WIRE_ADMIN_TICKETS_H
#define SIDECAR_GATE_WIRE_ADMIN_TICKETS_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_buf.h"
#include "proto/base/ts_err.h"
#include "proto/msg/admin.h"
#include "sidecar/gate/approve/tickets.h"
#include "sidecar/gate/gate.h"

/*
 * What an operator is shown of the calls that wait for people: all of them in
 * the order of asking, a bounded piece at a time, from a place that only moves
 * on; with watch what is asked later, too, and what becomes of what was shown.
 */
struct admin_watch { /* zeroed: nothing was asked for */
    bool listing;    /* TICKETS_END is owed */
    bool watching;
    bool everything; /* of every tenant: the hook, which nobody is */
    uint64_t cursor; /* serial of the last ticket that was shown */
    char tenant[TS_ID_MAX];
    size_t tenant_len; /* 0: every one */
};

/* TS_E_DENIED: not for this uid. */
TS_NODISCARD ts_err admin_watch_begin(const struct gate *g, uint32_t uid,
                                      const struct admin_approvals *m,
                                      struct admin_watch *w);
/* Appends what has room below a high-water mark; *ret_more: there is more. */
TS_NODISCARD ts_err admin_watch_pump(struct gate *g, uint32_t uid,
                                     struct admin_watch *w, struct ts_buf *out,
                                     bool *ret_more);
/* Nothing, for one that does not watch, or was not shown this ticket. */
TS_NODISCARD ts_err admin_watch_news(const struct gate *g, uint32_t uid,
                                     const struct admin_watch *w,
                                     const struct pending *p, const char *what,
                                     struct ts_buf *out);

#endif
