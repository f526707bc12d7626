#ifndef CLI_DELEGATION_ORIGIN_FILE_H
#define CLI_DELEGATION_ORIGIN_FILE_H

#include <stdbool.h>

#include "proto/trust/origin.h"

/*
 * A statement of origin into a new file (mode 0600): signed with the key of
 * key_file over o and the prompt, which is read from prompt_file ("-": standard
 * input; NULL: none); a line end at its end is not part of it. beside: out is a
 * chain's file, and the statement goes to out.origin. Says what is wrong.
 */
bool cli_origin_write(const char *key_file, const char *prompt_file,
                      struct origin *o, const char *out, bool beside);

#endif
