#ifndef CLI_CAPABILITY_LIMIT_H
#define CLI_CAPABILITY_LIMIT_H

#include "cli/capability/capability.h"

/*
 * Limits of capabilities as counters of the block: what a permit counts, and
 * the condition under which there is room. list is checked. A capability is
 * named by its place; one whose tool and pins stand earlier in the list, and
 * that sums nothing, is joined with that one.
 */
bool limit_is_joined(json_t *list, size_t at);
/* 0: as many as one likes. */
long long limit_calls(json_t *list, size_t at);
bool limit_is_counted(json_t *list, size_t at);
/* @counts("c0")@sums("s0.0=amount") */
void limit_annotations(json_t *list, size_t at, struct text *out);
/* "&&..." for each; nothing when there is no limit. */
void limit_room(json_t *list, size_t at, struct text *out);
size_t limit_counters(json_t *list);

#endif
