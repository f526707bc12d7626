#ifndef SIDECAR_BROKER_DIAL_H
#define SIDECAR_BROKER_DIAL_H

#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "proto/msg/egress.h"

/*
 * From a wish to a connection: name, rule, addresses (resolved once), classes,
 * connect to the addresses that were checked, record, hand over. The only place
 * that connects.
 *
 * Every dial that is not cancelled ends in exactly one call of done, never
 * before dial_start() has returned. What is refused has been sent to the gate
 * as DENIED by then; what succeeds has been recorded: the gate has answered.
 */
struct broker;
struct conn;
struct dial;
struct grant;
struct manifest_host;

struct dial_want {
    struct ts_str host;   /* as the tool wrote it: unchecked bytes */
    uint16_t port;        /* unchecked */
    enum egress_via via;  /* all but HTTP are opaque (rules.h) */
    struct ts_str method; /* HTTP only; copied */
    struct ts_str path;   /* HTTP only: canonical, without query; copied */
};

struct dial_result {
    enum egress_code code;
    const char *text; /* static: one sentence */
    /* The rest only with EGRESS_OK. */
    int fd;            /* connected, non-blocking; the callee's from here on */
    struct conn *conn; /* the callee's to end, once, with conn_close() */
    uint8_t address[16];
    uint32_t address_len;             /* 4 or 16 */
    const struct manifest_host *rule; /* lives as long as the grant */
};
typedef void (*dial_done)(void *ctx, const struct dial_result *r);

/* TS_E_NOMEM, TS_E_LIMIT: nothing was begun and done is not called. ctx must
 * live until done or dial_cancel(). */
TS_NODISCARD ts_err dial_start(struct grant *g, const struct dial_want *w,
                               dial_done done, void *ctx, struct dial **ret);

/* Not after done. The end of a grant does not call this: done then comes with
 * EGRESS_ENDED. */
void dial_cancel(struct dial *d);

/* For grant.c: every dial of the grant is done, now, with EGRESS_ENDED. */
void dial_end_all(struct grant *g);
/* For gate_io.c. An answer that nobody waits for any more is ignored. */
void dial_answered(struct broker *b, const struct egress_answer *m);

#endif
