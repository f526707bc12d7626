#ifndef CLI_POLICY_JSON_OUT_H
#define CLI_POLICY_JSON_OUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "policy/cedar.h"

/*
 * Writes one indented JSON document to standard output. Keys are written in the
 * order of the calls, which is what documents promise. Everything but printable
 * ASCII becomes \u escapes; bytes that are not UTF-8 become U+FFFD.
 */
#define JSON_OUT_DEPTH 32

struct json_out {
    FILE *to;
    unsigned depth;
    bool filled[JSON_OUT_DEPTH]; /* something stands in it already */
    char close[JSON_OUT_DEPTH];
};

void json_out_init(struct json_out *j, FILE *to);
/* key: NULL in an array and for the document itself. */
void json_out_object(struct json_out *j, const char *key);
void json_out_array(struct json_out *j, const char *key);
void json_out_end(struct json_out *j); /* of the innermost of the two */
void json_out_str(struct json_out *j, const char *key, struct ts_str v);
void json_out_text(struct json_out *j, const char *key, const char *v);
void json_out_int(struct json_out *j, const char *key, int64_t v);
void json_out_bool(struct json_out *j, const char *key, bool v);
void json_out_null(struct json_out *j, const char *key);
/* A fixed number of decimals; v is not infinite. */
void json_out_decimal(struct json_out *j, const char *key, double v);
/* Type::"id" as in policies, and a whole value in the same way. */
void json_out_uid(struct json_out *j, const char *key,
                  const struct cedar_uid *uid);

struct pol_files;
/* {severity, code, file, line, column, offset, length, message, label, hint,
 * policy}; empty texts are left out. */
void json_out_diag(struct json_out *j, const struct cedar_diag *d,
                   const struct pol_files *files);

#endif
