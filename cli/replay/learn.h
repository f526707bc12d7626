#ifndef CLI_REPLAY_LEARN_H
#define CLI_REPLAY_LEARN_H

#include "cli/replay/shape.h"

/*
 * What recorded outputs show of a tool: where its ids are, and, over all
 * records with labels, where strangers have written. The latter labels outputs
 * that came without, so that a place which was a stranger's once is one always.
 * Fills ids of the tools and s->learned. False: said why.
 */
bool learn(const struct traces *t, enum traces_label l, struct ts_arena *arena,
           struct shape *s);

#endif
