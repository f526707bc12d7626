#ifndef SIDECAR_GATE_REVOCATION_FEED_H
#define SIDECAR_GATE_REVOCATION_FEED_H

#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "proto/msg/admin.h"
#include "sidecar/gate/gate.h"
#include "sidecar/gate/revocation/revoke.h"

/*
 * Signed states of a tenant's directory and their heartbeats, from whatever
 * transport: the configuration files at start and reload, a file that the
 * supervisor saw change (CONTROL_FEED), an operator (ADMIN_FEED). The transport
 * is not trusted; the signature and the sequence number decide.
 *
 * A directory that is accepted: its mark into the journal, the revocations in
 * it that are new, then the swap, every session looked at again, and a barrier
 * behind the kills, as of a revocation. One that is refused changes nothing,
 * and is a record (directory_rejected) and a line of the service's log.
 */
struct feed_offer {
    enum feed_what what;
    struct ts_str tenant; /* whose file it was; "": whom the object names */
    struct ts_bytes object;
    const char *by; /* "operator", "file" */
    uint32_t by_uid;
};

#define FEED_TEXT_MAX 640
struct feed_refusal {
    const char *code; /* static */
    char text[FEED_TEXT_MAX];
};

/* TS_OK: asker hears ACK and COMPLETE. TS_E_AGAIN: nothing was done, try again.
 * TS_E_DENIED with *reterr. The state that is in force already is TS_OK. */
TS_NODISCARD ts_err feed_apply(struct gate *g, const struct feed_offer *o,
                               struct revoke_asker asker,
                               struct feed_refusal *reterr);

/*
 * The directories and heartbeats of a configuration that is about to come into
 * force, in front of the swap. TS_E_AGAIN: the ring is full, call it again. A
 * tenant whose directory holds a revocation that does not verify is not ready.
 */
struct snapshot;
TS_NODISCARD ts_err feed_adopt(struct gate *g, const struct snapshot *s);

/* Puts s in force and releases what was. */
void feed_swap(struct gate *g, struct snapshot *s);

#endif
