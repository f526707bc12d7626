#ifndef SIDECAR_RECORDER_JSON_OUT_H
#define SIDECAR_RECORDER_JSON_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_str.h"

/*
 * Writes JSON into memory of the caller, with a sticky "full": write all, check
 * once. Nothing past cap is ever written.
 */
struct json_out {
    char *buf; /* borrowed */
    size_t cap;
    size_t len;
    bool full; /* something did not fit: what is there is not whole */
};

void json_raw(struct json_out *o, const char *s, size_t len);
void json_cstr(struct json_out *o, const char *s); /* raw, not quoted */
/* Largest integer that every JSON reader keeps exactly (RFC 7493): 2^53 - 1.
 * Above it a number is written as a string of digits. */
#define JSON_INT_MAX 9007199254740991u
void json_uint(struct json_out *o, uint64_t v);
/* Quoted. s must be UTF-8; control characters, DEL and C1 are escaped, so that
 * a line shows nothing but itself on a terminal. */
void json_str(struct json_out *o, struct ts_str s);
void json_hex(struct json_out *o, struct ts_bytes b); /* quoted */

/*
 * One msgpack value of any type as JSON, bin as hex; a map key and its colon.
 * The bytes have been accepted by mp_read.h and have not changed since: they
 * are not checked a second time, beyond what keeps reads in [p, end). Return
 * what follows, or NULL with "full" set: not so, or a key with a zero byte.
 * depth: how many arrays and maps are already open.
 */
const uint8_t *json_value(struct json_out *o, const uint8_t *p,
                          const uint8_t *end, unsigned depth);
const uint8_t *json_key(struct json_out *o, const uint8_t *p,
                        const uint8_t *end);

#endif
