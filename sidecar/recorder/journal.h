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
 * The bytes of state.journal: what must outlive a restart.
 *
 *     le32 len | u8 kind | le64 seq | byte[len] body | byte[16] mac
 *
 *     mac = BLAKE2b-128(key, mac before | le32 len | u8 kind | le64 seq | body)
 *
 * The first record is of kind JOURNAL_BASE: seq 0, body the msgpack array [2]
 * (version of this format), mac before it zeros. Every other one is of kind
 * JOURNAL_ENTRY; its body is that of the ring's JOURNAL entry as it came
 * (proto/msg/order.h), and its seq is greater than that of the record before:
 * compaction leaves records out, never renumbers. The macs are chained, so an
 * edit, a deletion or another order inside is seen whatever the numbers say.
 *
 * A last record that is cut off is torn: it was never acknowledged. Anything
 * else that is wrong is an error. Not seen here: whole records missing at the
 * end (journal_file.h and main.c compare with the log).
 */
#define JOURNAL_HEAD       13
#define JOURNAL_MAC        16
#define JOURNAL_KEY        32
#define JOURNAL_BODY_MAX   (JOURNAL_PAYLOAD_MAX + TS_ID_MAX + 64)
#define JOURNAL_RECORD_MAX (JOURNAL_HEAD + JOURNAL_BODY_MAX + JOURNAL_MAC)
#define JOURNAL_BASE_LEN   (JOURNAL_HEAD + 2 + JOURNAL_MAC)
#define JOURNAL_FORMAT     2

enum journal_kind {
    JOURNAL_BASE = 16, /* 1 and 2 stood here in the first format */
    JOURNAL_ENTRY = 17
};

/* A place between two records; zeroed but for the borrowed fields it stands
 * before the first. */
struct journal_walk {
    const uint8_t *bytes; /* borrowed, as key */
    size_t len;
    const uint8_t *key;
    size_t at;  /* everything before is good */
    bool begun; /* the base is behind */
    bool last;  /* nothing follows these bytes: what is cut off is torn */
    uint64_t seq;
    uint8_t mac[JOURNAL_MAC];
};
struct journal_entry { /* slices borrow from the bytes */
    uint64_t seq;
    struct ts_bytes body;
    struct ring_journal as; /* the body, decoded */
};
/*
 * TS_OK: the next entry (the base is passed over). TS_E_AGAIN: the end, all
 * good. TS_E_TRUNCATED: a record is cut off at w->at; with w->last a torn one.
 * Other errors: the journal cannot be trusted, TS_E_UNSUPPORTED: the format is
 * not this one.
 */
TS_NODISCARD ts_err journal_next(struct journal_walk *w,
                                 struct journal_entry *ret);
/* Encodes a record after w->seq and w->mac, and moves those on. out holds
 * JOURNAL_HEAD + body.len + JOURNAL_MAC bytes; seq is greater than w->seq. */
void journal_encode(struct journal_walk *w, uint64_t seq, struct ts_bytes body,
                    uint8_t *out);
/* The base; w as before the first record. */
void journal_encode_base(struct journal_walk *w, uint8_t out[JOURNAL_BASE_LEN]);

#endif
