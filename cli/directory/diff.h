#ifndef CLI_DIRECTORY_DIFF_H
#define CLI_DIRECTORY_DIFF_H

#include <stddef.h>

#include "proto/trust/directory_snapshot.h"

/* Prints to standard output, a line for each user, agent and approver that
 * differs, what has changed; returns how many lines. Lists are in order. */
size_t directory_diff_print(const struct directory_snapshot *from,
                            const struct directory_snapshot *to);

#endif
