#ifndef TESTS_SANDBOX_LOOK_H
#define TESTS_SANDBOX_LOOK_H

#include "harness.h"

/* What a launcher holds, and must hold again when its tools have ended. */
struct look {
    int fds, children, mounts, scratch;
};

struct look look_at(const struct box *b);
/* Others of this host mount something and take it away: what is more than
 * before is given ten seconds to go. */
struct look look_again(const struct box *b, struct look before);
void look_same(struct look now, struct look before);

#endif
