#ifndef CLI_DELEGATION_ORIGIN_FILE_H
#define CLI_DELEGATION_ORIGIN_FILE_H

#include <stdbool.h>

#include "proto/base/ts_arena.h"
#include "proto/base/ts_buf.h"
#include "proto/trust/origin.h"

/* Both say what is wrong. */

/*
 * The bytes of a statement of origin, into out: signed with the key of key_file
 * over o and the prompt, which is read from prompt_file ("-": standard input;
 * NULL: none) into arena; a line end at its end is not part of it.
 */
bool cli_origin_make(const char *key_file, const char *prompt_file,
                     struct ts_arena *arena, struct origin *o,
                     struct ts_buf *out);

/* These bytes into a new file, mode 0600. beside: to is a chain's file, and
 * they go to to.origin. */
bool cli_origin_write(const struct origin *o, const struct ts_buf *bytes,
                      const char *to, bool beside);

#endif
