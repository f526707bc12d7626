#ifndef SIDECAR_GATE_PROVENANCE_ENDORSED_H
#define SIDECAR_GATE_PROVENANCE_ENDORSED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "proto/wire/limits.h"
#include "sidecar/gate/provenance/index.h"

/*
 * Values that people let through in a task, each for one use: this chain with
 * its agent, this tool, this argument (docs/PROVENANCE.md, "Endorsed by a
 * person"). The value keeps its source; policies see that somebody has answered
 * for it.
 *
 * It counts for the policies of those who asked, and for no others: a block of
 * the delegation that asks a milder question lifts nothing of the tenant's, as
 * with context.approvals. So each entry has the sets of policies, as bits.
 *
 * Bounded: what is beyond ENDORSED_MAX is not endorsed, and nothing makes room,
 * so that no agent can choose what is forgotten. Values are kept as hashes
 * under a random key of the task.
 */
#define ENDORSED_MAX       256u
#define ENDORSED_TEXT_MAX  160u /* bytes of a value; a longer one never is */
#define ENDORSED_POINT_MAX 96u  /* of arg and inside together */
#define ENDORSED_ID        16u

/* A value, and what it is used for. Texts are compared in their canonical form
 * (canon.h), numbers by value, ids and what is exact byte by byte. */
struct endorsed_use {
    struct ts_str who; /* id of the chain's last block: the agent, and all that
                          narrows it */
    struct ts_str tool, arg;
    struct ts_str inside; /* of JSON: the pointer to it; otherwise "" */
    bool is_key;          /* of JSON: it is a key of an object */
    bool is_exact;
    enum prov_kind kind;
    struct ts_str text;
};
struct endorsed_id {
    uint8_t hash[ENDORSED_ID];
};

#define ENDORSED_TENANT   1u /* the tenant's policies */
#define ENDORSED_BLOCK(i) (2u << (i))
#define ENDORSED_SETS     (ENDORSED_BLOCK(TS_BLOCKS_MAX) - 1u) /* all of them */
struct endorsed_by {
    uint32_t call;
    uint32_t sets;
};

struct endorsed;
TS_NODISCARD ts_err endorsed_new(struct endorsed **ret);
void endorsed_free(struct endorsed *e); /* NULL is fine */
size_t endorsed_bytes(const struct endorsed *e);
/* May it be endorsed at all? A value without text, or one that is too long to
 * be shown whole, may not. */
bool endorsed_fits(const struct endorsed_use *u);
/* Its name in this very table. TS_E_INVALID: it does not fit, or is not UTF-8;
 * TS_E_NOMEM. */
TS_NODISCARD ts_err endorsed_name(struct endorsed *e,
                                  const struct endorsed_use *u,
                                  struct endorsed_id *ret);
/* call: number of the call that was approved, above 0. True: there is more than
 * before. False: it was there for these sets, or there is no room. */
bool endorsed_add(struct endorsed *e, const struct endorsed_id *id,
                  const struct endorsed_by *by);
/* The last call that added a set to it; all zero: nobody has endorsed it. */
struct endorsed_by endorsed_find(const struct endorsed *e,
                                 const struct endorsed_id *id);
uint32_t endorsed_count(const struct endorsed *e);

#endif
