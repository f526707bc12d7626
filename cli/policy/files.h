#ifndef CLI_POLICY_FILES_H
#define CLI_POLICY_FILES_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/opts.h"
#include "policy/cedar.h"
#include "proto/base/ts_arena.h"

/*
 * Files as sources for the engine. Names are escaped for a terminal. An error
 * has been printed when a function returns false.
 */
#define POL_FILE_MAX  ((size_t)64 << 20) /* bytes of one file */
#define POL_FILES_MAX 65536u             /* files of one list */
#define POL_DIR_DEPTH 32u                /* folders in folders */
#define POL_ARENA     ((size_t)2 << 30)  /* bytes of all that is read */

struct pol_files {
    const struct cedar_source *list; /* in the arena */
    size_t count;
};

/* One file, or standard input for "-"; at most max bytes. */
bool pol_read(struct ts_arena *arena, const char *path, size_t max,
              struct cedar_source *ret);

/* Every path in its order; a directory stands for the *.cedar and *.json files
 * in it and in the folders below, sorted by path. */
bool pol_read_all(struct ts_arena *arena, const char *const *paths,
                  size_t count, struct pol_files *ret);

/* Whether the text begins as JSON does: with `{` or `[`. No Cedar policy and no
 * schema in Cedar syntax can. */
bool pol_is_json(struct ts_str text);

/*
 * Writes the file whole or not at all: a new file beside it takes its name,
 * with the mode of the old one if there was one. A symbolic link stays one;
 * what is no regular file (a terminal, a pipe) is written as it is.
 */
bool pol_save(const char *path, struct ts_str text);

#endif
