#ifndef POLICY_JSON_WRITER_H
#define POLICY_JSON_WRITER_H

#include "policy/cedar.h"
#include "proto/base/ts_buf.h"

/*
 * Writes JSON that cedar_json_parse() reads: UTF-8 as it is, control characters
 * escaped, integers with all their digits. Two columns an indent down to
 * CEDAR_JSON_INDENTS levels, then on one line, so that the text grows with what
 * is in it and not with its depth. An error sticks: write on, ask at the end.
 */
struct json_writer {
    struct ts_buf *out; /* borrowed; its maximum is the limit */
    ts_err err;
    uint32_t depth;
    bool member; /* something stands in this container already */
    bool keyed;  /* a key has been written, its value has not */
};

void cedar_json_write_init(struct json_writer *w, struct ts_buf *out);
/* kind is JSON's own bracket: '{' or '['; end takes '}' or ']'. */
void cedar_json_write_begin(struct json_writer *w, char kind);
void cedar_json_write_end(struct json_writer *w, char kind);
void cedar_json_write_key(struct json_writer *w, struct ts_str key);
void cedar_json_write_str(struct json_writer *w, struct ts_str v);
void cedar_json_write_int(struct json_writer *w, int64_t v);
void cedar_json_write_bool(struct json_writer *w, bool v);
void cedar_json_write_null(struct json_writer *w);
/* A newline at the end of the text; what went wrong, if anything did. */
TS_NODISCARD ts_err cedar_json_write_done(struct json_writer *w);

#endif
