#ifndef SIDECAR_GATE_PEOPLE_DIRECTORY_H
#define SIDECAR_GATE_PEOPLE_DIRECTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/cedar.h"
#include "proto/base/ts_attr.h"
#include "proto/base/ts_buf.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "proto/trust/directory_snapshot.h"
#include "proto/trust/store.h"

/*
 * The directory of one tenant that a gate holds: a signed snapshot
 * (proto/trust/directory_snapshot.h), verified, with the look-up of users and
 * agents that every decision makes. Immutable; shared between snapshots of the
 * gate by reference count. Status has three values: whoever is not listed is
 * unknown, and unknown is never active.
 */
struct directory;

/*
 * Verifies a signed object, of which a copy is kept. store needs the directory
 * keys only; keys of the directory that it holds too are not checked again,
 * which takes most of the time of a large one. now_s 0: whether it is in time
 * is not asked. On failure reterr_text is "tenants/NAME/directory.snapshot:
 * what; what to do":
 *
 *   TS_E_AUTH    nobody signed it who may
 *   TS_E_DENIED  too old, or from the future
 *   TS_E_FORMAT  malformed, or of another tenant
 *   TS_E_NOMEM
 */
TS_NODISCARD ts_err directory_open(const struct trust_store *store,
                                   struct ts_str tenant, struct ts_bytes object,
                                   uint64_t now_s, struct directory **ret,
                                   char *reterr_text, size_t reterr_cap);
void directory_hold(struct directory *d);
void directory_release(struct directory *d); /* NULL is fine */

const struct directory_snapshot *directory_people(const struct directory *d);
/* "tenants/NAME/directory.snapshot (seq 7)" */
const char *directory_name(const struct directory *d);
/* The object says the same, whoever signed it. */
bool directory_is_same(const struct directory *d, struct ts_bytes object);
/* Its signer's key stands in store as an enabled directory key of the tenant,
 * and issued is inside the key's window. */
bool directory_is_trusted(const struct directory *d,
                          const struct trust_store *store);

struct directory_entry {
    struct cedar_uid uid; /* User::"id" or Agent::"id" */
    enum trust_status status;
    uint32_t max_depth; /* agents */
};

/* NULL: unknown, which denies. d may be NULL: nobody is known. */
const struct directory_entry *directory_find(const struct directory *d,
                                             const struct cedar_uid *uid);
/* NULL: nobody's key. Whoever is found may be inactive, as an approver and as
 * a user: ask both. d may be NULL. */
const struct directory_approver *
directory_approver_find(const struct directory *d,
                        const uint8_t kid[TRUST_KID_LEN]);

/* Appends the users and agents as Cedar entities in JSON, one to a line from
 * line 2 on: User::"alice" in its groups, Agent::"a/b" in Agent::"a",
 * attributes, and owner of an agent. */
TS_NODISCARD ts_err directory_entities(const struct directory_snapshot *p,
                                       struct ts_buf *out);
/* `users[3] "bob"`: what stands in that line; "" for none. */
void directory_entity_name(const struct directory_snapshot *p, uint32_t line,
                           char *out, size_t cap);

#endif
