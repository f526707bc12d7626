#ifndef CLI_DELEGATION_DELEGATION_CMDS_H
#define CLI_DELEGATION_DELEGATION_CMDS_H

#include <stdbool.h>

#include "cli/term.h"
#include "proto/trust/delegation.h"

/* What tipstaff delegation does, one file each. */
int delegation_show_run(int argc, char **argv);
int delegation_export_run(int argc, char **argv);
int delegation_cert_run(int argc, char **argv);
int delegation_vectors_run(int argc, char **argv);

/* Prints d as one JSON object. has_ids: block ids were computed. verified: the
 * signatures were checked against a given issuer key. */
bool delegation_json_print(const struct delegation *d, bool has_ids,
                           bool verified);

/* One line behind bar with what the permits of a block count, if anything. */
void delegation_counters_print(const struct term *t, const char *bar,
                               struct ts_str policies);

#endif
