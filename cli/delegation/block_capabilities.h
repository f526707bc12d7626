#ifndef CLI_DELEGATION_BLOCK_CAPABILITIES_H
#define CLI_DELEGATION_BLOCK_CAPABILITIES_H

#include <stdbool.h>

#include "proto/base/ts_arena.h"
#include "proto/base/ts_str.h"

/*
 * The Cedar text of a delegation block from a file of capabilities
 * (cli/capability/capability.h); tools and their arguments are those of the
 * manifests in config/tools. The text is held to what the sidecar will hold it
 * to. What is wrong goes to stderr; then false.
 */
bool cli_block_capabilities(const char *path, const char *config,
                            struct ts_arena *arena, struct ts_str *ret);

#endif
