#ifndef CLI_REPLAY_OUTPUT_H
#define CLI_REPLAY_OUTPUT_H

#include <jansson.h>
#include <stdbool.h>

#include "cli/replay/traces.h"

/*
 * What a tool of a replay prints: a recorded output with its labels. A manifest
 * has one list of patterns for all outputs, but a record may label each of its
 * own, so the tool prints two halves of the same shape,
 *
 *     {"trusted": ..., "untrusted": ...}
 *
 * each with the leaves of that label and null in the place of the others, and
 * its manifest says which half is which. A pointer into the output is found
 * below OUTPUT_TRUSTED_AT or OUTPUT_UNTRUSTED_AT.
 */
#define OUTPUT_TRUSTED_AT   "/trusted"
#define OUTPUT_UNTRUSTED_AT "/untrusted"

/* What is known of a tool's outputs beside the record. */
struct output_rules {
    json_t *patterns; /* of untrusted leaves, where a record has no
                               labels of its own (array, or NULL) */
    /* Whatever a record says, or NULL; the first goes before the second. */
    json_t *untrusted, *trusted;
};

/* call has "output", perhaps "untrusted_F" and "untrusted_C". A new reference;
 * NULL without memory. */
json_t *output_of(json_t *call, const struct output_rules *rules,
                  enum traces_label l);

/* A text that reads as YAML or JSON of a map or list is that structure, as the
 * model's runner printed it; any other is the text. A new reference. */
json_t *output_structure(json_t *output);

/* Whether pointer lies in what a pattern covers: "" or segments with "*",
 * divided by "/", with or without one in front. */
bool output_covers(const char *pattern, const char *pointer);

#endif
