#ifndef CLI_DELEGATION_ROOT_OPTIONS_H
#define CLI_DELEGATION_ROOT_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

/* --depth and --ttl of a root block, before anything is read or signed: links
 * below it, and seconds. Says which is out of bounds (proto/wire/limits.h). */
bool root_options_ok(uint64_t depth, uint64_t ttl_s);

#endif
