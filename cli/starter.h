#ifndef CLI_STARTER_H
#define CLI_STARTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_buf.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"

/* The files of cli/starter/, embedded at build time; ends with a zeroed entry.
 * Paths and contents hold placeholders: {{name}}. */
struct starter_file {
    const char *path;
    const uint8_t *bytes;
    size_t len;
};
extern const struct starter_file starter_files[];

struct starter_value {
    const char *name, *value;
};

/*
 * Appends text to out with every {{name}} replaced by the value of that name.
 * TS_E_NOT_FOUND: a placeholder that values (ends with a zeroed entry) lacks;
 * then nothing in out may be used.
 */
TS_NODISCARD ts_err starter_fill(struct ts_str text,
                                 const struct starter_value *values,
                                 struct ts_buf *out);

#endif
