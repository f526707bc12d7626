#ifndef PROTO_BASE_TS_JSON_H
#define PROTO_BASE_TS_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_str.h"

/*
 * Writes JSON (RFC 8259) into memory of the caller, with a sticky "full": write
 * all, check once. Nothing past cap is ever written. Structure is the caller's:
 * ts_json_cstr() for braces, commas and keys that are literals.
 */
struct ts_json {
    char *buf; /* borrowed */
    size_t cap;
    size_t len;
    bool full; /* something did not fit: what is there is not whole */
};

void ts_json_raw(struct ts_json *o, const char *s, size_t len);
void ts_json_cstr(struct ts_json *o, const char *s); /* raw, not quoted */
void ts_json_char(struct ts_json *o, char c);        /* the same */
/* Largest integer that every JSON reader keeps exactly (RFC 7493): 2^53 - 1.
 * Above it a number is written as a string of digits. */
#define TS_JSON_INT_MAX 9007199254740991u
void ts_json_uint(struct ts_json *o, uint64_t v);
void ts_json_negative(struct ts_json *o, int64_t v); /* v < 0 */
/* Quoted. s must be UTF-8; control characters, DEL and C1 are escaped, so that
 * a line shows nothing but itself on a terminal. */
void ts_json_str(struct ts_json *o, struct ts_str s);
void ts_json_hex(struct ts_json *o, struct ts_bytes b); /* quoted */

/* prefix is `{"key":` or `,"key":`. A text that is not UTF-8 does not fit. */
void ts_json_member_text(struct ts_json *o, const char *prefix,
                         struct ts_str s);
void ts_json_member_uint(struct ts_json *o, const char *prefix, uint64_t v);

#endif
