#ifndef SIDECAR_RECORDER_JOURNAL_H
#define SIDECAR_RECORDER_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "proto/msg/order.h"
#include "proto/wire/limits.h"

/*
 * state.journal: what must outlive a restart (revocations). Append only:
 *
 *     le32 len | u8 type | le64 seq | byte[len] body | byte[16] mac
 *
 * The body is that of the ring's JOURNAL entry, as it came (proto/msg/order.h).
 * mac = BLAKE2b-128(key, mac before | le32 len | u8 type | le64 seq | body);
 * the mac before the first is zeros, seq starts at 1. So an edit, a deletion
 * or another order inside is seen. The key is state.key in the same directory,
 * made on first start. Source: delegation design, section 13.
 *
 * A record that was torn by a crash (the last one, cut off) is cut away: it
 * was never acknowledged. Anything else that is wrong refuses to start. Not
 * seen: whole records missing at the end.
 */
#define JOURNAL_HEAD      13
#define JOURNAL_MAC       16
#define JOURNAL_KEY       32
#define JOURNAL_BODY_MAX  (JOURNAL_PAYLOAD_MAX + TS_ID_MAX + 64)
#define JOURNAL_BYTES_MAX (32u << 20)

/* Pure part: walks the records in bytes. */
struct journal_walk {
    const uint8_t *bytes; /* borrowed, as key */
    size_t len;
    const uint8_t *key;
    size_t at; /* everything before is good */
    uint64_t seq;
    uint8_t mac[JOURNAL_MAC];
};
struct journal_entry { /* payload borrows from the bytes */
    uint8_t type;
    uint64_t seq;
    struct ts_bytes body;
};
/* TS_OK: the next entry. TS_E_AGAIN: the end, all good. TS_E_TRUNCATED: a torn
 * last record starts at w->at. Other errors: the journal cannot be trusted. */
TS_NODISCARD ts_err journal_next(struct journal_walk *w,
                                 struct journal_entry *ret);
/* Encodes the record after w->seq and w->mac, and moves those on. out holds
 * JOURNAL_HEAD + body.len + JOURNAL_MAC bytes. */
void journal_encode(struct journal_walk *w, uint8_t type, struct ts_bytes body,
                    uint8_t *out);

struct journal {
    int fd; /* owned */
    uint64_t size;
    uint8_t *key; /* sodium_malloc, owned */
    struct journal_walk place;
    bool dirty; /* written, not yet synced */
};

/* Opens or makes the journal beneath state_dir (borrowed). *ret_memfd: sealed,
 * [1, [[type, tenant, keep_until, payload bin]...]], the caller's. *ret_cut:
 * bytes of a torn last record that were cut. On failure reterr_text says what
 * to do. */
TS_NODISCARD ts_err journal_open(int state_dir, struct journal *ret,
                                 int *ret_memfd, size_t *ret_cut,
                                 const char **reterr_text);
void journal_done(struct journal *j);
TS_NODISCARD ts_err journal_append(struct journal *j, uint8_t type,
                                   struct ts_bytes body);
TS_NODISCARD ts_err journal_sync(struct journal *j);

#endif
