#ifndef PROTO_TRUST_ORIGIN_H
#define PROTO_TRUST_ORIGIN_H

#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_buf.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "proto/trust/code.h"
#include "proto/trust/signed.h"
#include "proto/trust/store.h"

/*
 * Who began a task, and in what words: what an agent says of its own origin
 * proves nothing, so an issuer of the tenant says it (docs/PROVENANCE.md).
 *
 *     body = [ 1, tenant, grant_id bin16, kind uint, prompt str, iat uint,
 *              exp uint ]
 *     context "origin"
 */
#define ORIGIN_PROMPT_MAX 16384u /* bytes of UTF-8 */

enum origin_kind {
    ORIGIN_USER = 1, /* a person wrote the prompt, now */
    ORIGIN_SCHEDULE, /* it was written earlier, and its time came */
    ORIGIN_WEBHOOK,  /* somebody outside triggered it: the prompt is the
                        integrator's own text, never the caller's */
    ORIGIN_AGENT     /* another agent did */
};
const char *origin_kind_name(enum origin_kind k);
bool origin_kind_parse(struct ts_str name, enum origin_kind *ret);

struct origin { /* borrows from the body */
    struct ts_str tenant;
    uint8_t grant_id[16];
    enum origin_kind kind;
    struct ts_str prompt; /* may be empty */
    uint64_t iat, exp;    /* unix seconds, exp exclusive */
};

TS_NODISCARD enum trust_code origin_decode(struct ts_bytes body,
                                           struct origin *ret);
/* Signs and appends the whole object. TS_E_INVALID: nothing that the decoder
 * would accept. */
TS_NODISCARD ts_err origin_make(const struct origin *o,
                                const struct trust_secret *key,
                                struct ts_buf *out);
/* An enabled issuer key of the very tenant, issued inside its window and at
 * most TS_SKEW_S ahead of now, now < exp (TRUST_E_EXPIRED), lifetime at most
 * TS_TTL_HARD_S. Whose grant it is the caller compares. */
TS_NODISCARD enum trust_code origin_verify(const struct trust_store *store,
                                           struct ts_bytes in, uint64_t now,
                                           struct origin *ret);

#endif
