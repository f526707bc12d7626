#ifndef CLI_REPLAY_BLOCK_NAMES_H
#define CLI_REPLAY_BLOCK_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_str.h"

/* The policies of a block have no names for the gate but their places
 * ("block:0/policy3"); their @id says which of a capability's they are. */
#define BLOCK_POLICIES_MAX 256
struct block_names {
    uint32_t count;
    char name[BLOCK_POLICIES_MAX][24]; /* "": it has none, or a longer one */
};
/* False: said why. */
bool block_names_of(struct ts_str policy, struct block_names *ret);
/* "tenant/a block:0/policy3" as "tenant/a block:0/outside0". */
void block_names_put(const struct block_names *b, const char *policies,
                     char *out, size_t cap);

#endif
