#ifndef PROTO_TRUST_ID_H
#define PROTO_TRUST_ID_H

#include <stdbool.h>

#include "proto/base/ts_str.h"

/*
 * Ids name tenants, issuers, users, agents, audiences and tasks: 1..TS_ID_MAX
 * bytes, segments of [A-Za-z0-9._@:+=-] joined by single '/', no segment empty,
 * "." or "..". So an id can never break out of a Cedar Type::"id" literal, a
 * path or a log line. Compared as bytes.
 */
bool trust_id_valid(struct ts_str id);

/* True if id is strictly below parent: "coder/tester" below "coder". */
bool trust_id_below(struct ts_str id, struct ts_str parent);

/* The id without its last segment; empty when there is only one. */
struct ts_str trust_id_parent(struct ts_str id);

#endif
