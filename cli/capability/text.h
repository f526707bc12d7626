#ifndef CLI_CAPABILITY_TEXT_H
#define CLI_CAPABILITY_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_buf.h"

/* Text that is put together piece by piece, with a sticky error: write all,
 * look at failed once. */
struct text {
    struct ts_buf buf;
    bool failed;    /* no memory, or more than max bytes */
    bool no_memory; /* the former */
};

void text_init(struct text *t, size_t max);
void text_done(struct text *t);
TS_PRINTF(2, 3) void text_add(struct text *t, const char *fmt, ...);
void text_bytes(struct text *t, const char *p, size_t len);
/* A string literal of Cedar, quoted: nothing in s can end it. */
void text_cedar(struct text *t, const char *s);
/* A double-quoted scalar of YAML, on one line. */
void text_yaml(struct text *t, const char *s);

#endif
