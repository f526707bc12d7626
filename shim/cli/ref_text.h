#ifndef SHIM_CLI_REF_TEXT_H
#define SHIM_CLI_REF_TEXT_H

#include <stdbool.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"

/*
 * A handle as a word of the command line: $ref:call-3#/0/sender, or $ref:call-3
 * for all of that output. Text that begins with "$ref:" is meant as one, so
 * what is no handle then is an error and never an argument.
 */
struct ref_text {
    struct ts_str call; /* "call-3" */
    struct ts_str path; /* RFC 6901; "" is the whole */
};
bool ref_text_is(struct ts_str text);
/* TS_E_INVALID: it is none; borrows from text. */
TS_NODISCARD ts_err ref_text_parse(struct ts_str text, struct ref_text *ret);

#endif
