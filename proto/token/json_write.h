#ifndef PROTO_TOKEN_JSON_WRITE_H
#define PROTO_TOKEN_JSON_WRITE_H

#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"

/*
 * Writes JSON (RFC 8259) into a buffer of fixed size. The first error sticks
 * and nothing is written after it: check w->error once, at the end. Structure
 * is the caller's: json_raw() for braces, commas and keys that are literals.
 */
struct json_writer {
    char *buf; /* borrowed */
    size_t cap;
    size_t len;
    ts_err error; /* TS_E_LIMIT: full; TS_E_FORMAT: a text is not UTF-8 */
};

void json_writer_init(struct json_writer *w, char *buf, size_t cap);
void json_raw(struct json_writer *w, const char *text);
/* In quotes. Quotes, backslashes, control characters and DEL are escaped. */
void json_text(struct json_writer *w, struct ts_str s);
void json_uint(struct json_writer *w, uint64_t v);
/* prefix is `{"key":` or `,"key":` */
void json_member_text(struct json_writer *w, const char *prefix,
                      struct ts_str s);
void json_member_uint(struct json_writer *w, const char *prefix, uint64_t v);

struct ts_str json_written(const struct json_writer *w);

#endif
