#ifndef CLI_REPLAY_PEOPLE_H
#define CLI_REPLAY_PEOPLE_H

#include "cli/replay/gate.h"

/*
 * People who say yes to everything: the user, and a second person for questions
 * that are not the user's. They answer as people do, with signed answers over
 * admin.sock. decision: which call waits. *ret_granted false: their answers
 * were not enough. False: said why.
 */
bool replay_say_yes(struct replay_gate *g, const struct replay_keys *k,
                    const uint8_t decision[16], bool *ret_granted);

#endif
