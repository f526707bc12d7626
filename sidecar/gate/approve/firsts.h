#ifndef SIDECAR_GATE_APPROVE_FIRSTS_H
#define SIDECAR_GATE_APPROVE_FIRSTS_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"

/*
 * What each grant has done before, so that people are told what it does for the
 * first time. Of each thing 8 bytes of a hash under a key that is random and
 * kept: who can choose names cannot make two that look alike. Fixed memory;
 * what has to make room is new again, which errs towards telling.
 */
#define FIRSTS_MAX 32768u /* things; a power of two */

struct firsts;

enum firsts_kind {
    FIRSTS_TOOL = 1, /* name */
    FIRSTS_ACTION,   /* name */
    FIRSTS_RESOURCE, /* of a type name, value */
    FIRSTS_VALUE     /* of an argument name, of tool, value */
};
struct firsts_thing {
    struct ts_str tenant;
    const uint8_t *grant_id; /* 16 bytes */
    enum firsts_kind kind;
    struct ts_str tool, name, value;
};

TS_NODISCARD ts_err firsts_new(struct firsts **ret);
void firsts_free(struct firsts *f); /* NULL is fine */
bool firsts_has(const struct firsts *f, const struct firsts_thing *t);
void firsts_add(struct firsts *f, const struct firsts_thing *t);

#endif
