#ifndef SIDECAR_GATE_PROVENANCE_LEAVES_H
#define SIDECAR_GATE_PROVENANCE_LEAVES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"

/*
 * The leaves of a tool's output that is JSON (RFC 8259, UTF-8), with their
 * pointers (RFC 6901), in order. Several values one after the other, as JSON
 * Lines has them, are read as an array of them. Hostile bytes: depth, pointers
 * and count are bounded, half of a surrogate pair and control characters in
 * strings are errors.
 */
#define LEAVES_DEPTH_MAX   64
#define LEAVES_POINTER_MAX 1024   /* bytes */
#define LEAVES_COUNT_MAX   65536u /* leaves and keys */
#define LEAVES_STRING_MAX  1048576u

enum leaf_type {
    LEAF_STRING = 1, /* text is decoded UTF-8 */
    LEAF_NUMBER,     /* text is the number as it was written */
    LEAF_BOOL,       /* "true" or "false" */
    LEAF_NULL,       /* "null" */
    LEAF_KEY /* an object's key, at the pointer of its value: a key can be data
                (addresses that a file is shared with) */
};
struct leaf {
    enum leaf_type type;
    struct ts_str pointer; /* "/0/sender"; "" of a value that stands alone */
    struct ts_str text;
};
/* TS_OK to go on; what else it returns ends the walk. The slices live during
 * the call only. */
typedef ts_err (*leaf_seen)(void *ctx, const struct leaf *l);

/* TS_E_FORMAT: not JSON; TS_E_LIMIT; TS_E_NOMEM. seen may have been called
 * before that is known: ask leaves_check() first where that matters. */
TS_NODISCARD ts_err leaves_walk(struct ts_str json, leaf_seen seen, void *ctx);
TS_NODISCARD ts_err leaves_check(struct ts_str json);

/* The value at a pointer, as it is written in json. TS_E_NOT_FOUND;
 * TS_E_EXISTS: an object on the way has that key twice, so what the pointer
 * means is anybody's choice. json must have passed leaves_check(). */
TS_NODISCARD ts_err leaves_at(struct ts_str json, struct ts_str pointer,
                              struct ts_str *ret_json);

/*
 * A pattern of pointers: "" is everything; a segment "*" is any one segment. It
 * covers what lies below it too. Segments are compared as they are written,
 * with ~0 and ~1.
 */
bool leaf_pattern_covers(struct ts_str pattern, struct ts_str pointer);
/* The pattern of a pointer: array indices (all digits) as "*". out has room for
 * LEAVES_POINTER_MAX; returns the length. */
size_t leaf_pattern_of(struct ts_str pointer, char *out);

#endif
