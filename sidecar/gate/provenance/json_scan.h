#ifndef SIDECAR_GATE_PROVENANCE_JSON_SCAN_H
#define SIDECAR_GATE_PROVENANCE_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_buf.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"

/*
 * Tokens of JSON text, RFC 8259 to the letter: for leaves.c. Strings are not
 * decoded until asked. policy/json reads whole numbers only and builds values;
 * outputs of tools have fractions and need nothing built.
 */
enum json_type {
    JSON_STRING = 0, /* text: between the quotes, escapes as they are */
    JSON_NUMBER,
    JSON_BOOL,
    JSON_NULL,
    JSON_OBJECT, /* the bracket that opens it */
    JSON_ARRAY
};
struct json_token {
    enum json_type type;
    struct ts_str text; /* borrowed from the input */
    bool has_escapes;
};
struct json_scan {
    const char *at, *end;
};

struct json_scan json_scan_of(struct ts_str json);
/* Nothing but white space is left. */
bool json_scan_is_over(struct json_scan *s);
/* A value, or the bracket that opens one. TS_E_FORMAT. */
TS_NODISCARD ts_err json_scan_value(struct json_scan *s,
                                    struct json_token *ret);
/* In an array or object: is there another element or member? The comma before
 * it is read, or the bracket that closes. */
TS_NODISCARD ts_err json_scan_more(struct json_scan *s, bool object, bool first,
                                   bool *ret);
/* A member's key and the colon. */
TS_NODISCARD ts_err json_scan_key(struct json_scan *s, struct json_token *ret);
/* A whole value at once; ret_text may be NULL. TS_E_FORMAT, TS_E_LIMIT. */
TS_NODISCARD ts_err json_skip_value(struct json_scan *s, uint32_t depth_max,
                                    struct ts_str *ret_text);
/* The text of a string: borrowed, or decoded into scratch (cleared before). */
TS_NODISCARD ts_err json_string_text(const struct json_token *t, size_t max,
                                     struct ts_buf *scratch,
                                     struct ts_str *ret);

#endif
