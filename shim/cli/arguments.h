#ifndef SHIM_CLI_ARGUMENTS_H
#define SHIM_CLI_ARGUMENTS_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "shim/cli/options.h"

#define ARGUMENTS_TEXT_MAX 320

/*
 * Argument maps as strict msgpack in buf (TS_ARGS_MAX bytes), from words of the
 * command line, from a file of one JSON object, or from parsed JSON. On
 * failure reterr_text (ARGUMENTS_TEXT_MAX bytes) says which word or line.
 */
TS_NODISCARD ts_err arguments_from_options(const struct options *o,
                                           uint8_t *buf, size_t *ret_len,
                                           char *reterr_text);
/* object may be NULL: no arguments. */
TS_NODISCARD ts_err arguments_from_json(json_t *object, uint8_t *buf,
                                        size_t *ret_len, char *reterr_text);

#endif
