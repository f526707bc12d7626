#ifndef TESTS_DIFFERENTIAL_WORKER_H
#define TESTS_DIFFERENTIAL_WORKER_H

#include <jansson.h>

#include "policy/cedar.h"

/*
 * Our side of the differential tests: a case is one JSON object on a line of
 * stdin, its answer one on a line of stdout, in the same order. jansson reads
 * the lines, so that the protocol owes nothing to the code under test; Cedar
 * text and Cedar's JSON travel inside strings, byte for byte.
 *
 *   {"op": "authorize", "policies": SET, "entities": TEXT, "schema"?: SCHEMA,
 *    "requests": [{"p": [TYPE, ID], "a": .., "r": .., "c": TEXT}]}
 *      -> {"ok": true, "answers": [{"d": 0|1, "r": [ids], "e": [ids],
 *          "k": [codes]} | {"ok": false, ...}]}
 *   {"op": "parse", "what": "policies|est|schema|schema_json|entities|context",
 *    "texts": [TEXT], "schema"?: SCHEMA, "action"?: [TYPE, ID]}
 *      -> {"ok": true, "answers": [{"ok": bool, ...}]}
 *   {"op": "validate", "policies": SET, "schema": SCHEMA, "mode"?:
 * "permissive", "level"?: N} -> {"ok": true, "each": [{"id", "ok", "codes",
 * "warn"}]}
 *   {"op": "convert", "policies": SET, "to": "text|json|set|fmt"}
 *      -> {"ok": true, "out": [TEXT]}
 *   {"op": "convert", "schema": SCHEMA, "to": "text|json"}
 *
 * SET is {"text": TEXT} or {"json": TEXT}, perhaps with "links": [{"t", "id",
 * "p": uid or absent, "r"}]; SCHEMA is {"text": TEXT} or {"json": TEXT}. A case
 * that fails answers {"ok": false, "stage", "err", "code", "text", "line"}.
 */

/* Each op returns a new reference, never NULL. */
json_t *op_authorize(const json_t *request);
json_t *op_parse(const json_t *request);
json_t *op_validate(const json_t *request);
json_t *op_convert(const json_t *request);

extern const struct cedar_options diff_options;

json_t *diff_failure(const char *stage, ts_err e,
                     const struct cedar_diags *diags);
struct cedar_source diff_source(const json_t *text, const char *name);
struct ts_str diff_str(const json_t *string);
struct cedar_uid diff_uid(const json_t *pair); /* borrows from pair */
json_t *diff_string(struct ts_str s);

#endif
