#ifndef CLI_POLICY_DIRS_H
#define CLI_POLICY_DIRS_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/base/ts_arena.h"

/* Paths of files, in the arena given. */
struct pol_paths {
    const char **list;
    size_t count, cap;
};

/* What stands for itself comes as it is given; a directory is replaced by its
 * policy files (*.cedar, *.json but links.json), sorted, folders below
 * included, links to folders not followed. Prints an error and returns false
 * when one cannot be read, holds no policies at all, or a limit of files.h is
 * exceeded. */
bool pol_paths_find(struct ts_arena *arena, const char *const *paths,
                    size_t count, struct pol_paths *ret);

#endif
