#ifndef CLI_DELEGATION_BLOCK_POLICY_H
#define CLI_DELEGATION_BLOCK_POLICY_H

#include <stdbool.h>

#include "proto/base/ts_arena.h"
#include "proto/base/ts_str.h"

/*
 * The Cedar text of a delegation block, read from path ("-": standard input)
 * and held to what the sidecar will hold it to, before it is signed: it parses
 * within the limits of a block, has no templates and, when schema names a file,
 * is strictly valid. What is wrong goes to stderr, with the line; then false.
 */
bool cli_block_policy(const char *path, const char *schema,
                      struct ts_arena *arena, struct ts_str *ret);

#endif
