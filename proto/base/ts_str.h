#ifndef PROTO_BASE_TS_STR_H
#define PROTO_BASE_TS_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"

TS_API_BEGIN

/* A borrowed run of bytes; not NUL-terminated unless its owner says so. */
struct ts_str {
    const char *ptr;
    size_t len;
};

struct ts_bytes {
    const uint8_t *ptr;
    size_t len;
};

#define TS_STR_LIT(s) ((struct ts_str){.ptr = "" s "", .len = sizeof(s) - 1})

struct ts_str ts_str_of(const char *cstr); /* NULL gives the empty string */
bool ts_str_eq(struct ts_str a, struct ts_str b);
bool ts_str_eq_c(struct ts_str a, const char *cstr);
bool ts_str_starts(struct ts_str s, struct ts_str prefix);
int ts_str_cmp(struct ts_str a, struct ts_str b); /* by bytes, then length */

/* Strict UTF-8 (RFC 3629): no overlong forms, no surrogates, <= U+10FFFF. */
bool ts_utf8_valid(const char *s, size_t len);

/*
 * Writes s for a person or a log line: control characters, DEL, C1, bidi and
 * zero-width characters, quotes, backslashes and invalid UTF-8 become \xHH or
 * \u{...}. Always NUL-terminates; returns the length written. When cap is too
 * small the text ends in "..." and never in half an escape.
 */
size_t ts_str_escape(char *out, size_t cap, const char *s, size_t len);
/* The same for a sentence on a terminal: quotation marks stay. */
size_t ts_str_show(char *out, size_t cap, const char *s, size_t len);

/* Lower-case hex; out needs 2 * len + 1 bytes. */
void ts_hex_encode(char *out, const uint8_t *in, size_t len);
/* Exactly 2 * cap lower- or upper-case digits, or TS_E_FORMAT. */
TS_NODISCARD ts_err ts_hex_decode(const char *s, size_t len, uint8_t *out,
                                  size_t cap);

TS_API_END

#endif
