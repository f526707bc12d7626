#ifndef SIDECAR_LAUNCHER_LIFE_UID_KILL_H
#define SIDECAR_LAUNCHER_LIFE_UID_KILL_H

#include <stdbool.h>
#include <sys/types.h>

#include "sidecar/launcher/start/child.h"
#include "sidecar/launcher/start/watch.h"

/*
 * The end of a tool that has a uid of its own: a child of ours takes that uid,
 * gives up every right, and kills all that it then may. The kernel does that
 * under the lock that a fork needs, so nothing is left out, however fast it
 * forks, and no number can be reused meanwhile; one call for a hundred
 * processes. Only for a uid that one tool has: whoever else had it would die
 * too.
 *
 * False: not done (it was killed or stopped by those it came for, or the uid
 * cannot be taken); they are to be found one by one then (tree.h). What was
 * hit is dying, not dead: tree_is_left() says when.
 */
bool uid_kill(const struct child_place *place, struct watch *watch,
              const struct filter_key *key, uid_t uid);

#endif
