#ifndef POLICY_JSON_READER_PRIV_H
#define POLICY_JSON_READER_PRIV_H

#include "policy/json/reader.h"

struct json_open { /* an array or object that has begun */
    struct json *v;
    struct json *last; /* member so far */
};

struct json_reader {
    struct ts_str src;
    size_t at;
    uint32_t source, line, column;
    struct json_open *open; /* outermost first */
    uint32_t depth, room, max_depth;
    struct ts_arena *arena;
    struct cedar_diags *diags;
};

ts_err cedar_json_fail(struct json_reader *r, const char *text);
/* The string whose opening quote is at hand. */
TS_NODISCARD ts_err cedar_json_string(struct json_reader *r,
                                      struct ts_str *ret);
void cedar_json_advance(struct json_reader *r, size_t n);

#endif
