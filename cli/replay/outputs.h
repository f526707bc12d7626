#ifndef CLI_REPLAY_OUTPUTS_H
#define CLI_REPLAY_OUTPUTS_H

#include <jansson.h>
#include <stdbool.h>

#include "proto/base/ts_str.h"

/*
 * What the author of a tool would say of its output beside what the records
 * label: a YAML file with the `output:` section of each tool's manifest
 * (docs/TOOLS.md), pointers into the recorded output:
 *
 *     find_events:
 *       selectors: {email: ["/<any>/guests/<any>"]}   with "*" for <any>
 *       trusted: ["/0/owner"]
 *
 * Keys of a tool: selectors, trusted, untrusted, ids, vouches, secret,
 * confidentiality. untrusted goes before trusted, and both before the labels.
 * Strict: anything else is an error, FILE:LINE, what and what to do. Hostile
 * bytes are fine.
 */
#define OUTPUTS_BYTES_MAX    65536u
#define OUTPUTS_PATTERNS_MAX 32   /* of one list */
#define OUTPUTS_POINTER_MAX  500u /* bytes */

/* tools: those that there are ("tool" of each). *ret: {TOOL: {KEY: ...}}, a new
 * reference. False: said why. */
bool outputs_parse(const char *path, struct ts_str bytes, json_t *tools,
                   json_t **ret);
bool outputs_load(const char *path, json_t *tools, json_t **ret);

#endif
