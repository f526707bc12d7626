#ifndef SIDECAR_GATE_PEOPLE_TENANT_STATE_H
#define SIDECAR_GATE_PEOPLE_TENANT_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "proto/msg/code.h"
#include "proto/trust/keys.h"
#include "sidecar/common/clock.h"

/*
 * What the gate knows of a tenant beside its configuration, and what therefore
 * outlives every reload: the highest directory it ever accepted (the mark, from
 * the journal), and until when what it holds counts as fresh (delegation
 * design, sections 6.5, 7 and 12).
 *
 * Deadlines are of the boot clock, made when the evidence is accepted, so a
 * clock that is set back later extends nothing. No sockets, no clock: callers
 * pass the time.
 */

/* With those that left the configuration, which the journal remembers for ever:
 * a gate that could not hold them all would not start again. */
#define TENANT_STATES_MAX 32768

enum tenant_offer {  /* a directory, compared with the mark */
    OFFER_OLDER = 0, /* a lower number: rolled back, refused */
    OFFER_OTHER,     /* the number of the mark and another state: refused */
    OFFER_SAME,      /* the very state of the mark */
    OFFER_NEWER
};

struct tenant_evidence { /* of a snapshot or heartbeat that was verified */
    uint64_t seq;
    const uint8_t *hash;        /* TRUST_HASH_LEN, of the snapshot */
    uint64_t issued, not_after; /* unix seconds */
};

struct tenant_state {
    struct ts_str name;
    uint64_t mark_seq; /* 0: no directory was ever accepted */
    uint8_t mark_hash[TRUST_HASH_LEN];
    bool has_directory;       /* the state of the mark is in force */
    bool overflowed;          /* some revocation could not be remembered */
    uint32_t max_staleness_s; /* 0: the snapshot's own not_after is enough */
    uint64_t until_ns;        /* all that follows, in one: permits before it */
    uint64_t snapshot_ns;     /* the snapshot's not_after */
    uint64_t issued;          /* of the newest evidence, unix seconds */
    int64_t issued_ns;    /* the same on the boot clock, perhaps before boot */
    uint64_t evidence_ns; /* the newest evidence's not_after */
};

struct tenant_states { /* zeroed is empty; sorted by name, all owned */
    struct tenant_state **list;
    uint32_t count, cap;
};

void tenant_states_done(struct tenant_states *s);
/* NULL when unknown. The result stays where it is until tenant_states_done():
 * a session may keep it. */
struct tenant_state *tenant_states_find(const struct tenant_states *s,
                                        struct ts_str name);
/* Finds or adds. TS_E_LIMIT: TENANT_STATES_MAX names. */
TS_NODISCARD ts_err tenant_states_get(struct tenant_states *s,
                                      struct ts_str name,
                                      struct tenant_state **ret);

/* t may be NULL: a tenant without a mark takes whatever comes. */
enum tenant_offer tenant_state_judge(const struct tenant_state *t, uint64_t seq,
                                     const uint8_t hash[TRUST_HASH_LEN]);

/* An entry of the journal. Raises the mark or does nothing. The higher of two
 * numbers stays; of one number with two hashes, the first. */
void tenant_state_mark(struct tenant_state *t, uint64_t seq,
                       const uint8_t hash[TRUST_HASH_LEN]);
/*
 * A directory comes into force: newer than the mark, which it raises, or the
 * mark itself (after a reload; then nothing becomes fresher than it was).
 * TS_E_STATE for any other; nothing is changed then. The journal must have the
 * new mark before this. max_staleness_s: 0 for `freshness: snapshot`.
 */
TS_NODISCARD ts_err tenant_state_directory(struct tenant_state *t,
                                           const struct tenant_evidence *e,
                                           uint32_t max_staleness_s,
                                           struct moment now);
/* Is this evidence of the directory in force? */
bool tenant_state_holds(const struct tenant_state *t,
                        const struct tenant_evidence *e);
/* A heartbeat. TS_E_STATE: not of the directory in force. One that is older
 * than what is known is accepted and changes nothing. */
TS_NODISCARD ts_err tenant_state_heartbeat(struct tenant_state *t,
                                           const struct tenant_evidence *e,
                                           struct moment now);
/* The clock that deadlines were made by turned out to be behind by so much. */
void tenant_states_sooner(struct tenant_states *s, uint64_t by_ns);
/* The tenant left the configuration, or has no directory in the one that comes
 * into force. The mark stays. */
void tenant_state_vanish(struct tenant_state *t);
/* A revocation did not find room: never fresh again in this process. */
void tenant_state_overflow(struct tenant_state *t);

/* CODE_PERMITTED, CODE_NOT_READY (no directory) or CODE_STALE_STATE. */
enum call_code tenant_state_code(const struct tenant_state *t,
                                 uint64_t boot_ns);

#endif
