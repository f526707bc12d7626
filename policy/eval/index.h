#ifndef POLICY_EVAL_INDEX_H
#define POLICY_EVAL_INDEX_H

#include "policy/eval/eval_priv.h"
#include "policy/eval/program.h"

/*
 * Which policies can match a request, without looking at the others. Sound
 * because a scope can never raise an error: a policy whose scope does not match
 * adds neither a reason nor an error.
 *
 * Each policy is filed once, under its rarest anchor: the entity that a scope
 * names with == or `in`, else the type that it names with `is`, else nowhere
 * ("any"). A request collects what is filed under its principal, action and
 * resource, their ancestors and their types, and under "any".
 */
/* temp holds what only building needs. */
TS_NODISCARD ts_err ev_index_build(struct cedar_policies *p,
                                   struct ts_arena *temp);

/* Sets the bit of each candidate; words hold (count + 63) / 64. */
void ev_index_collect(const struct ev_index *ix, struct ev *ev,
                      uint64_t *words);

#endif
