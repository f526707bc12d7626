#ifndef SIDECAR_COMMON_TRIPWIRE_TRIPWIRE_H
#define SIDECAR_COMMON_TRIPWIRE_TRIPWIRE_H

#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_buf.h"
#include "proto/base/ts_err.h"
#include "proto/msg/order.h"

/*
 * Recognising a secret in a stream of bytes without knowing it.
 *
 * Whoever holds a secret (launcher, broker) makes a list of tripwires of it:
 * one for each way in which a program may print it. Whoever passes bytes on
 * (gate, broker) gets the list and replaces what trips one by "[redacted]". It
 * is a tripwire, not a wall: a tool that wants to can encode its secret in a
 * way that nobody lists.
 *
 * Ways: as it is; base64 and base64url at each of three offsets in a longer
 * text; hex, lower and upper case; percent-encoding (RFC 3986, lower and upper
 * case, encodeURIComponent, with "/" kept, with "+" for a space); as part of
 * a JSON string (least escapes, "\/", ASCII only). Not: base64 or hex that is
 * broken into lines, a secret of several lines that is printed line by line.
 *
 * The list is key[16], then per tripwire, little-endian:
 *     u32 fingerprint  keyed, of the first eight bytes
 *     u16 length       of the whole, in bytes
 *     u16 check        12 bits, keyed, of the whole
 *     u8  stops        which of eight common bytes are not in the whole
 *     u8  head_stops   which are not in the first eight
 *     u8[16] digest    BLAKE2b of the whole, keyed
 * What its holder learns: lengths; the first eight bytes, by trying; and of any
 * guess of the whole whether it is right. So a secret whose bytes behind the
 * eighth can be guessed is not kept from the holder. Sixteen random ones can
 * not be guessed.
 */
#define TRIPWIRE_SECRET_MIN 8    /* bytes */
#define TRIPWIRE_SECRET_MAX 4096 /* bytes */
#define TRIPWIRE_EACH_MAX   17   /* tripwires of one secret */
#define TRIPWIRE_MARK       "[redacted]"

/*
 * An empty list with a new random key. list: initialised, empty, with room for
 * TS_TRIPWIRES_MAX bytes. A list of nothing but a key is valid, and useless.
 */
TS_NODISCARD ts_err tripwires_begin(struct ts_buf *list);
/* Adds one secret. TS_E_INVALID: shorter than TRIPWIRE_SECRET_MIN; TS_E_LIMIT:
 * longer than TRIPWIRE_SECRET_MAX, or the list is full. Then, and without
 * memory, the list is as before. */
TS_NODISCARD ts_err tripwires_add(struct ts_buf *list, const uint8_t *secret,
                                  size_t len);

/* A list that was received, ready for use; immutable. TS_E_FORMAT for bytes
 * that are no list. An empty list (no bytes at all) is none. */
struct tripwires;
TS_NODISCARD ts_err tripwires_new(const uint8_t *bytes, size_t len,
                                  struct tripwires **ret);
void tripwires_free(struct tripwires *t); /* NULL is fine */

/*
 * One stream. Of all places where a tripwire matches, the leftmost counts, and
 * there the longest; the search goes on behind it. The result does not depend
 * on how the stream is cut into pieces. Time is linear in the bytes, whatever
 * they are; memory is 18 times the longest tripwire and 40 KiB.
 *
 * Held back until more comes: what may be the beginning of a match. A text that
 * ends in a newline, a space, ">", ":", "}" or the like is given out at once,
 * except where a secret itself begins so: dialogues go on.
 */
struct redactor;
/* set is borrowed for the redactor's life. */
TS_NODISCARD ts_err redactor_new(const struct tripwires *set,
                                 struct redactor **ret);
void redactor_free(struct redactor *r); /* NULL is fine; wipes what it held */

/* The most bytes that the next feed of len bytes, or finish, appends. */
size_t redactor_room(const struct redactor *r, size_t len);
/* Appends to out what may go on. An error is out's (NOMEM, LIMIT); the stream
 * is then lost and must be ended: nothing that was held goes out later. */
TS_NODISCARD ts_err redactor_feed(struct redactor *r, const uint8_t *bytes,
                                  size_t len, struct ts_buf *out);
/* The stream has ended: what was held is no secret. To cut a stream off in the
 * middle, do not call it: what is held may be the beginning of one. */
TS_NODISCARD ts_err redactor_finish(struct redactor *r, struct ts_buf *out);
uint64_t redactor_hits(const struct redactor *r); /* replacements so far */

#endif
