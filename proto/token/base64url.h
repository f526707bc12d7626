#ifndef PROTO_TOKEN_BASE64URL_H
#define PROTO_TOKEN_BASE64URL_H

#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"

/*
 * RFC 4648, section 5, as RFC 7515 uses it: no padding, no white space, and
 * the unused bits of the last character are zero, so that one run of bytes has
 * one text and one text has one run of bytes.
 */

/* Characters of n bytes, without a NUL. */
#define BASE64URL_LEN(n) (((n) / 3) * 4 + ((n) % 3 == 0 ? 0 : (n) % 3 + 1))

/* TS_E_FORMAT: a character, a length or a last bit that does not belong there.
 * TS_E_LIMIT: more than cap bytes. out is written on TS_OK only as far as
 * *ret_len says; on failure its content is undefined. */
TS_NODISCARD ts_err base64url_decode(struct ts_str in, uint8_t *out, size_t cap,
                                     size_t *ret_len);

/* Writes BASE64URL_LEN(len) characters, no NUL. TS_E_LIMIT: cap is less. */
TS_NODISCARD ts_err base64url_encode(const uint8_t *in, size_t len, char *out,
                                     size_t cap, size_t *ret_len);

#endif
