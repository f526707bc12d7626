#ifndef CLI_POLICY_RECORDED_CALL_H
#define CLI_POLICY_RECORDED_CALL_H

#include <jansson.h>

#include "sidecar/gate/decide/replay.h"

/*
 * A decision record of the log as a call that can be asked about again. Not
 * every record is one: a call may have been refused before any policy was
 * asked, and a manifest may keep arguments out of the log.
 */
#define RECORDED_ARGS_MAX 131072 /* bytes of msgpack */

#define RECORDED_ARG_NAMES 64

/* What the record says of where values came from. */
struct recorded_values {
    struct recorded_provenance is;
    struct recorded_arg_provenance args[RECORDED_ARG_NAMES];
    struct ts_str places[RECORDED_ARG_NAMES][PROV_FOUND_PLACES];
};
/* context: of a record. False: not in the shape of one, or more than there can
 * be. Borrows from the JSON. */
bool recorded_values_read(const json_t *context, struct recorded_values *ret);

struct recorded_call {
    struct replay_call call; /* borrows from the JSON and from this struct */
    struct recorded_values values;
    struct ts_str provenance[TS_PROVENANCE_MAX];
    uint8_t args[RECORDED_ARGS_MAX];
    struct combined recorded; /* what was decided then */
    /* Blocks of the delegation denied or asked then; they would again. */
    enum verdict blocks;
};

enum recorded_kind {
    RECORDED_OTHER = 0, /* no decision, or none that policies made */
    RECORDED_WITHOUT,   /* the log does not hold the arguments */
    RECORDED_CALL,      /* *ret is filled in */
    RECORDED_MALFORMED  /* a decision, but not in the shape of one */
};

enum recorded_kind recorded_call_read(const json_t *line,
                                      struct recorded_call *ret);

#endif
